import { deserialize, serialize } from 'node:v8';
import { contests } from '@dibs/rules/contests/contests.ts';
import type { Fold } from '@dibs/rules/proof/fold.ts';
import type { SnapshotStore } from '../arena/snapshots.ts';
import type { Queryable } from '../db/pool.ts';

/** Raised whenever the shape of a fold or a state changes: older snapshots are then not read. */
const SHAPE = 1;
/**
 * The driver reads a value as text of twice its length, of which V8 holds 512 MB; and a fold this
 * large takes as long to be read back as its log. Beyond, the log is folded from its beginning.
 */
const SNAPSHOT_BYTES_MAX = 200 * 1024 * 1024;

/**
 * Folds in PostgreSQL, one per contest, as V8 serialises them: Maps and all, several times faster
 * than JSON. What another version of V8 or of the rules wrote is not read, but folded anew.
 */
export class PostgresSnapshots implements SnapshotStore {
  readonly #database: Queryable;

  constructor(database: Queryable) {
    this.#database = database;
  }

  async load(contest: string): Promise<Fold | null> {
    const { rows } = await this.#database.query<{ format: string; fold: Buffer }>(
      { name: 'snapshot-load', text: 'select format, fold from snapshots where contest = $1' },
      [contest],
    );
    const [row] = rows;
    if (row === undefined) return null;
    const kind = row.format.split(' ')[0] ?? '';
    const rules = contests[kind];
    if (rules === undefined || row.format !== formatOf(kind)) return null;
    return { ...(deserialize(row.fold) as Fold), rules };
  }

  /** Keeps a fold, unless a newer one is there. False: it was too large to be kept. */
  async save(fold: Fold): Promise<boolean> {
    if (fold.rules === null) return false;
    const bytes = serialize({ ...fold, rules: null });
    if (bytes.length > SNAPSHOT_BYTES_MAX) return false;
    await this.#database.query(
      `insert into snapshots (contest, seq, format, fold) values ($1, $2, $3, $4)
       on conflict (contest) do update
         set seq = excluded.seq, format = excluded.format, fold = excluded.fold
         where snapshots.seq < excluded.seq or snapshots.format <> excluded.format`,
      [fold.contest, fold.seq, formatOf(fold.rules.kind), bytes],
    );
    return true;
  }
}

function formatOf(kind: string): string {
  return `${kind} ${contests[kind]?.version} ${SHAPE} v8-${process.versions.v8}`;
}
