import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';

/**
 * The user account that PostgreSQL runs under. `current` is this process's own; another one only
 * when this process is root, because PostgreSQL refuses to run as root, rightly.
 */
export type Account = { kind: 'current' } | { kind: 'other'; uid: number; gid: number };

/**
 * Chooses the account: the own one for ordinary users; for root the owner of the data that is
 * already there, else `nobody`, which exists everywhere, so the machine's users stay unchanged.
 */
export function chooseAccount(postgresDirectory: string): Account {
  if (process.getuid?.() !== 0) return { kind: 'current' };
  if (existsSync(postgresDirectory)) {
    const { uid, gid } = statSync(postgresDirectory);
    if (uid !== 0) return { kind: 'other', uid, gid };
  }
  return { kind: 'other', uid: readId('-u'), gid: readId('-g') };
}

/** What spawn() needs to run a program under the account, from a folder that it may stand in. */
export function spawnOptions(account: Account): { cwd: string; uid?: number; gid?: number } {
  if (account.kind === 'current') return { cwd: '/' };
  return { cwd: '/', uid: account.uid, gid: account.gid };
}

/** Whether the account can pass through a folder or run a file. Asks the kernel, not the modes. */
export function canReach(account: Account, path: string): boolean {
  const answer = spawnSync('/bin/sh', ['-c', 'test -x "$0"', path], {
    ...spawnOptions(account),
    stdio: 'ignore',
  });
  return answer.status === 0;
}

function readId(flag: '-u' | '-g'): number {
  const answer = spawnSync('id', [flag, 'nobody'], { encoding: 'utf8' });
  const id = Number(answer.stdout?.trim());
  if (answer.status !== 0 || !Number.isInteger(id) || id === 0) {
    throw new Error(
      'PostgreSQL must not run as root, and this machine has no user "nobody"; ' +
        'start Dibs as an ordinary user or set DATABASE_URL',
    );
  }
  return id;
}
