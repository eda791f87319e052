import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { type Account, canReach, chooseAccount } from './embedded-account.ts';

/**
 * Where an embedded PostgreSQL lives. `home` holds `cluster` (its data), `password` and
 * `server.log`, belongs to the account and is closed to everybody else. `shelter` is the folder
 * around it, where a copy of the programs may go as well.
 */
export interface Place {
  account: Account;
  home: string;
  shelter: string;
}

/**
 * Folders that every account can pass through, best first. Used only when Dibs runs as root from
 * a place that is closed to others, such as /root: PostgreSQL would not reach its own data there.
 */
const shelters = ['/var/lib/dibs', '/var/tmp/dibs'];

/**
 * Chooses and creates the place for a data folder. When the account cannot reach the data folder,
 * `<data folder>/postgres` becomes a link to a folder that it can reach, which the log tells.
 */
export function preparePlace(dataDirectory: string, log: (line: string) => void): Place {
  const home = join(dataDirectory, 'postgres');
  if (lstatSync(home, { throwIfNoEntry: false })?.isSymbolicLink() && !existsSync(home)) {
    throw new Error(`the data folder's ${home} links to ${readlinkSync(home)}, which is gone`);
  }
  const account = chooseAccount(home);
  if (existsSync(home)) {
    requireOwner(home);
    return { account, home: realpathSync(home), shelter: join(realpathSync(home), '..') };
  }
  admit(account, dataDirectory);
  if (canReach(account, dataDirectory)) {
    mkdirSync(home, { mode: 0o700 });
    giveTo(account, home);
    return { account, home, shelter: dataDirectory };
  }
  const shelter = openShelter(account);
  const elsewhere = mkdtempSync(join(shelter, 'postgres-'));
  giveTo(account, elsewhere);
  symlinkSync(elsewhere, home);
  log(
    `PostgreSQL does not run as root, and its account cannot reach ${dataDirectory}; ` +
      `its data is kept in ${elsewhere}`,
  );
  return { account, home: elsewhere, shelter };
}

/** Deletes an embedded PostgreSQL's data, wherever it is. It must not be running. */
export function removePlace(dataDirectory: string): void {
  const home = join(dataDirectory, 'postgres');
  if (!lstatSync(home, { throwIfNoEntry: false })) return;
  if (existsSync(home)) rmSync(realpathSync(home), { recursive: true, force: true });
  rmSync(home, { recursive: true, force: true });
}

/** Hands a file or folder to the account that PostgreSQL runs under. */
export function giveTo(account: Account, path: string): void {
  if (account.kind === 'other') chownSync(path, account.uid, account.gid);
}

/**
 * A data folder of root that is closed to all others, in a place that is not: the account's group
 * may pass through it from now on, and may still not list or change it.
 */
function admit(account: Account, dataDirectory: string): void {
  if (account.kind === 'current' || canReach(account, dataDirectory)) return;
  const { uid, mode } = statSync(dataDirectory);
  const isClosedToGroup = (mode & 0o070) === 0;
  if (uid !== 0 || !isClosedToGroup || !canReach(account, dirname(dataDirectory))) return;
  chownSync(dataDirectory, uid, account.gid);
  chmodSync(dataDirectory, (mode & 0o777) | 0o010);
}

function openShelter(account: Account): string {
  for (const shelter of shelters) {
    try {
      mkdirSync(shelter, { recursive: true, mode: 0o755 });
      const { uid, mode } = lstatSync(shelter);
      // Somebody else's folder under a world-writable one would let them swap our data.
      if (uid !== process.getuid?.() || (mode & 0o022) !== 0) continue;
      chmodSync(shelter, 0o755);
      if (canReach(account, shelter)) return shelter;
    } catch {
      // Read-only or missing here; the next one may do.
    }
  }
  throw new Error(
    `found no folder for PostgreSQL's data that the user "nobody" can reach (tried ` +
      `${shelters.join(', ')}); set DATA_DIR to one, start as an ordinary user, or set DATABASE_URL`,
  );
}

/** An ordinary user cannot use a cluster that another user made, most often root. */
function requireOwner(home: string): void {
  const uid = process.getuid?.();
  const owner = statSync(home).uid;
  if (uid === undefined || uid === 0 || uid === owner) return;
  throw new Error(
    `the data in ${home} belongs to user id ${owner}, but Dibs runs as ${uid}; ` +
      'start it as the user that made it, or choose another DATA_DIR',
  );
}
