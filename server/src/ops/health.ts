import type { Queryable } from '../db/pool.ts';

/** What `/readyz` says. */
export interface Readiness {
  readonly ok: boolean;
  readonly checks: Record<string, string>;
  /** What an acknowledgement means here. */
  readonly durability: string;
}

export interface Health {
  check(): Promise<Readiness>;
}

const CHECK_TIMEOUT_MS = 2_000;

/** Ready: the database answers, and this process is not going away. */
export function makeHealth(parts: {
  readonly database: Queryable;
  readonly isDraining: () => boolean;
}): Health {
  return {
    async check() {
      const checks: Record<string, string> = {
        process: parts.isDraining() ? 'going away' : 'ok',
        database: 'ok',
      };
      let durability = 'unknown: the database does not answer';
      try {
        const { rows } = await withTimeout(
          parts.database.query(
            "select current_setting('synchronous_commit') as commit, current_setting('fsync') as fsync",
          ),
        );
        durability = describeDurability(rows[0] as { commit: string; fsync: string });
      } catch (error) {
        checks.database = (error as Error).message;
      }
      return { ok: Object.values(checks).every((state) => state === 'ok'), checks, durability };
    },
  };
}

/** What an answer given after PostgreSQL's commit is worth, by PostgreSQL's settings. */
export function describeDurability({ commit, fsync }: { commit: string; fsync: string }): string {
  if (fsync !== 'on') return 'weak: fsync is off, a power failure loses answers already given';
  if (commit === 'off') return 'weak: synchronous_commit is off, a crash loses the last moments';
  return `durable: on disk before the answer (synchronous_commit ${commit})`;
}

function withTimeout<Result>(work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), CHECK_TIMEOUT_MS);
  });
  return Promise.race([work, timeout]).finally(() => clearTimeout(timer));
}
