import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { Database } from '../db/pool.ts';
import type { BatchHead, ContestLog, LogBatch } from '../log/log.ts';

const squeeze = promisify(gzip);
const unsqueeze = promisify(gunzip);

/** Entries in one segment: about 1 MB, squeezed to a fifth. */
const SEGMENT_ENTRIES = 10_000;
/** A segment larger than this when unpacked is damaged: no writer makes such. */
const SEGMENT_BYTES_MAX = 256 * 1024 * 1024;

/**
 * A log with its archive behind it: reads what the log has trimmed from the segments in PostgreSQL,
 * so that nobody who reads need know what was trimmed.
 */
export class ArchivedLog implements ContestLog {
  readonly #log: ContestLog;
  readonly #database: Database;

  constructor(log: ContestLog, database: Database) {
    this.#log = log;
    this.#database = database;
  }

  create(contest: string): Promise<void> {
    return this.#log.create(contest);
  }

  append(contest: string, payload: string, count: number): Promise<BatchHead> {
    return this.#log.append(contest, payload, count);
  }

  heads(contests: readonly string[]): Promise<Map<string, number>> {
    return this.#log.heads(contests);
  }

  follow(onGrowth: (contest: string | null) => void): Promise<{ close(): Promise<void> }> {
    return this.#log.follow(onGrowth);
  }

  now(): Promise<number> {
    return this.#log.now();
  }

  trim(contest: string, through: number): Promise<void> {
    return this.#log.trim(contest, through);
  }

  async read(contest: string, after: number, entriesMax: number): Promise<LogBatch[]> {
    const batches = await this.#log.read(contest, after, entriesMax);
    const isHere = batches[0]?.seq === after + 1;
    if (isHere) return batches;
    const archived = await this.#readSegment(contest, after);
    return archived.length > 0 ? archived : batches;
  }

  async #readSegment(contest: string, after: number): Promise<LogBatch[]> {
    const { rows } = await this.#database.query<{ batches: Buffer }>(
      {
        name: 'archive-read',
        text: `select batches from log_segment
          where contest = $1 and last_seq > $2 order by first_seq limit 1`,
      },
      [contest, after],
    );
    if (rows[0] === undefined) return [];
    const text = await unsqueeze(rows[0].batches, { maxOutputLength: SEGMENT_BYTES_MAX });
    const batches: LogBatch[] = [];
    for (const line of text.toString('utf8').split('\n')) {
      const batch = JSON.parse(line) as LogBatch;
      if (batch.seq > after) batches.push(batch);
    }
    return batches;
  }

  /**
   * Puts the batches up to position `through` away, squeezed, and trims them from the log. Safe to
   * be interrupted or doubled: a segment is there before its batches go.
   */
  async seal(contest: string, through: number): Promise<void> {
    const { rows } = await this.#database.query<{ last: number | null }>(
      'select max(last_seq) as last from log_segment where contest = $1',
      [contest],
    );
    let after = rows[0]?.last ?? 0;
    for (;;) {
      const batches = await this.#log.read(contest, after, SEGMENT_ENTRIES);
      const whole = batches.filter((batch) => batch.seq + batch.count - 1 <= through);
      const [first, last] = [whole[0], whole.at(-1)];
      if (first === undefined || last === undefined || first.seq !== after + 1) return;
      const lines = whole.map((batch) => JSON.stringify(batch)).join('\n');
      const lastSeq = last.seq + last.count - 1;
      await this.#database.query(
        `insert into log_segment (contest, first_seq, last_seq, batches)
         values ($1, $2, $3, $4) on conflict do nothing`,
        [contest, first.seq, lastSeq, await squeeze(lines)],
      );
      await this.#log.trim(contest, lastSeq);
      after = lastSeq;
    }
  }
}
