import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** The data folder belongs to another live process. Waiting does not help; a person has to choose. */
export class DataDirectoryInUse extends Error {
  readonly code = 'data_directory_in_use';
}

export interface DataLock {
  /** Gives the folder up. Harmless when called twice. */
  release(): void;
}

const sqliteBusy = 5;

/**
 * Takes a data folder for this process alone, or throws DataDirectoryInUse.
 *
 * The lock is one that the kernel keeps (fcntl, which Node offers only through its SQLite): it is
 * gone the moment the process is, also after kill -9 or a power cut, and unlike a file with a
 * process id it cannot be fooled by a reused id or by containers that share the folder but not
 * their process ids. `dibs.lock` must never be opened by anything else in this process: closing
 * any descriptor of a file gives up the fcntl locks on it. `dibs.pid` is for people only.
 */
export function lockDataDirectory(directory: string): DataLock {
  mkdirSync(directory, { recursive: true });
  const holderFile = join(directory, 'dibs.pid');
  const lockFile = join(directory, 'dibs.lock');
  requireWritable(directory, lockFile);
  const lock = new DatabaseSync(lockFile, { timeout: 0 });
  try {
    lock.exec('PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if ((error as { errcode?: number }).errcode !== sqliteBusy) throw error;
    throw new DataDirectoryInUse(
      `the data folder ${directory} is in use by another running Dibs (${readHolder(holderFile)}); ` +
        'stop that one, or start this one with another DATA_DIR',
    );
  }
  writeFileSync(holderFile, `process ${process.pid}, since ${new Date().toISOString()}\n`);
  let held = true;
  return {
    release() {
      if (!held) return;
      held = false;
      rmSync(holderFile, { force: true });
      lock.close();
    },
  };
}

/**
 * SQLite says only "unable to open database file"; asked beforehand, the file system says why.
 * By access(), not by opening: see above.
 */
function requireWritable(directory: string, lockFile: string): void {
  accessSync(directory, constants.W_OK | constants.X_OK);
  if (existsSync(lockFile)) accessSync(lockFile, constants.W_OK);
}

function readHolder(holderFile: string): string {
  try {
    return readFileSync(holderFile, 'utf8').trim();
  } catch {
    return 'process unknown';
  }
}
