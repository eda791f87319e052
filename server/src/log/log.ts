/**
 * The log: for every contest one totally ordered, durable list of entries, written in batches. It is
 * the only arbiter between processes and knows nothing of contests: a payload is opaque text.
 *
 * Guarantees, held by one contract suite over every adapter (server/test/contract/log.ts):
 *  - `append` resolves only once the batch is durable; seq runs from 1 without gaps; `at` never goes
 *    back, also where the machine's clock was stepped; batches never interleave.
 *  - A rejected `append` may or may not have been written: who needs to know reads the log.
 *  - `read` returns what was appended, in order, the same bytes in every process.
 *  - Each batch carries the hash of the one before: see `rules/src/proof/chain.ts`.
 *  - `follow` hints that a contest's log may have grown. Hints can come late, twice, or never.
 */
export interface ContestLog {
  /** Makes an empty log for the contest; does nothing where there is one. */
  create(contest: string): Promise<void>;
  /**
   * Writes `count` entries (1 to `BATCH_ENTRIES_MAX`) as one batch.
   * Throws `LogMissing` where the contest has no log, `LogUnavailable` where it cannot be known to be written.
   */
  append(contest: string, payload: string, count: number): Promise<BatchHead>;
  /** The batches that begin after position `after`, in order, up to about `entriesMax` entries. */
  read(contest: string, after: number, entriesMax: number): Promise<LogBatch[]>;
  /** The last positions (0: empty) of those of `contests` that have a log. */
  heads(contests: readonly string[]): Promise<Map<string, number>>;
  /** Calls `onGrowth` with a contest that may have grown, or null: any may have. */
  follow(onGrowth: (contest: string | null) => void): Promise<{ close(): Promise<void> }>;
  /** The log's own clock, milliseconds since 1970. */
  now(): Promise<number>;
  /** Forgets the batches up to position `through`, which an archive must hold by then. */
  trim(contest: string, through: number): Promise<void>;
}

/** Entries in one batch at the most: bounds the row, the answer time and the loss of a failed write. */
export const BATCH_ENTRIES_MAX = 2_000;

/** What the log adds to a payload. All entries of a batch share its instant. */
export interface BatchHead {
  /** Which life of the log this is; another one only after a log was lost with its data. */
  readonly epoch: number;
  /** Position of the batch's first entry. */
  readonly seq: number;
  /** Milliseconds since 1970 by the log's clock. */
  readonly at: number;
  /** SHA-256 over the hash before, epoch, seq, at and payload; hexadecimal. */
  readonly hash: string;
}

export interface LogBatch extends BatchHead {
  readonly count: number;
  readonly payload: string;
}

/** The contest has no log. */
export class LogMissing extends Error {
  override readonly name = 'LogMissing';
}

/** The log cannot be reached, or did not say whether it wrote. */
export class LogUnavailable extends Error {
  override readonly name = 'LogUnavailable';
}
