import { genesisHash } from '@dibs/rules/proof/chain.ts';
import type { QueryResultRow } from 'pg';
import type { Queryable } from '../db/pool.ts';
import {
  type BatchHead,
  type ContestLog,
  type LogBatch,
  LogMissing,
  LogUnavailable,
} from './log.ts';

/** What the log needs of the database: its pool, and notices on a channel. */
export interface PostgresLogOptions {
  readonly database: Queryable;
  /** Calls `onNotice` for each notice, and with null after a gap in listening. */
  readonly listen: (
    channel: string,
    onNotice: (payload: string | null) => void,
  ) => { readonly ready: Promise<void>; close(): Promise<void> };
}

/**
 * A PostgreSQL that says nothing for so long is taken for away: whoever waits is told and may repeat
 * with the same key. Half of it would cost answers on a slow disk; a client's patience is twice it.
 */
const ANSWER_MS = 4_000;
/** A page of a long log may come from a cold disk. */
const READ_MS = 10_000;

const CHANNEL = 'dibs_log';
/** PostgreSQL refuses a notice of 8,000 bytes; a contest's id takes 37. */
const CONTESTS_PER_NOTICE = 200;

/**
 * One statement, so one round trip and one commit. The update of the head row makes the writers of
 * all processes queue up; the batch takes position, instant and hash from it. `offset 0` keeps the
 * clock's reading one and the same in both places.
 */
const APPEND = `
  with head as (
    update log_head h
    set seq = h.seq + $2,
        at = greatest(h.at, clock.now),
        hash = sha256(h.hash || int8send(h.epoch) || int8send(h.seq + 1)
          || int8send(greatest(h.at, clock.now)) || convert_to($3, 'UTF8'))
    from (
      select floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now offset 0
    ) clock
    where h.contest = $1
    returning h.epoch, h.seq - $2 + 1 as seq, h.at, h.hash
  )
  insert into log_batch (contest, seq, count, epoch, at, hash, payload)
  select $1, head.seq, $2, head.epoch, head.at, head.hash, $3 from head
  returning epoch, seq, at, encode(hash, 'hex') as hash`;

/** Positions have no gaps, so a range of positions bounds the entries that are read at once. */
const READ = `
  select epoch, seq, count, at, encode(hash, 'hex') as hash, payload
  from log_batch where contest = $1 and seq > $2 and seq <= $2 + $3 order by seq`;

/** The log in PostgreSQL: durable once the append's commit is (`synchronous_commit` on). */
export class PostgresLog implements ContestLog {
  readonly #database: Queryable;
  readonly #listen: PostgresLogOptions['listen'];
  readonly #grown = new Set<string>();
  #isNotifying = false;

  constructor(options: PostgresLogOptions) {
    this.#database = options.database;
    this.#listen = options.listen;
  }

  async create(contest: string): Promise<void> {
    await this.#query('log-create', CREATE, [contest, Buffer.from(genesisHash(contest), 'hex')]);
  }

  async append(contest: string, payload: string, count: number): Promise<BatchHead> {
    const [row] = await this.#query('log-append', APPEND, [contest, count, payload]);
    if (row === undefined) throw new LogMissing(`contest ${contest} has no log`);
    this.#grown.add(contest);
    if (!this.#isNotifying) void this.#notify();
    return readHead(row);
  }

  async read(contest: string, after: number, entriesMax: number): Promise<LogBatch[]> {
    const rows = await this.#query('log-read', READ, [contest, after, entriesMax]);
    return rows.map((row) => ({ ...readHead(row), count: row.count, payload: row.payload }));
  }

  async heads(contests: readonly string[]): Promise<Map<string, number>> {
    const rows = await this.#query(
      'log-heads',
      'select contest, seq from log_head where contest = any($1)',
      [contests],
    );
    return new Map(rows.map((row) => [row.contest, row.seq]));
  }

  async follow(onGrowth: (contest: string | null) => void): Promise<{ close(): Promise<void> }> {
    const listening = this.#listen(CHANNEL, (payload) => {
      if (payload === null) onGrowth(null);
      else for (const contest of payload.split(',')) onGrowth(contest);
    });
    await listening.ready;
    return listening;
  }

  async now(): Promise<number> {
    const [row] = await this.#query(
      'log-now',
      'select floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now',
      [],
    );
    return row?.now;
  }

  async trim(contest: string, through: number): Promise<void> {
    await this.#query(
      'log-trim',
      'delete from log_batch where contest = $1 and seq + count - 1 <= $2',
      [contest, through],
    );
  }

  /**
   * Tells the other processes which logs grew, one notice at a time. Outside the append: a
   * notice inside it would make all commits of the database queue up behind one lock.
   */
  async #notify(): Promise<void> {
    this.#isNotifying = true;
    try {
      while (this.#grown.size > 0) {
        const contests = [...this.#grown].slice(0, CONTESTS_PER_NOTICE);
        for (const contest of contests) this.#grown.delete(contest);
        await this.#query('log-notify', 'select pg_notify($1, $2)', [CHANNEL, contests.join(',')]);
      }
    } catch {
      // A lost hint costs a poll's time, no more.
    } finally {
      this.#isNotifying = false;
    }
  }

  async #query(name: string, text: string, values: unknown[]): Promise<QueryResultRow[]> {
    try {
      const timeoutMs = name === 'log-read' ? READ_MS : ANSWER_MS;
      return (await this.#database.query({ name, text, timeoutMs }, values)).rows;
    } catch (cause) {
      throw new LogUnavailable(`PostgreSQL: ${(cause as Error).message}`, { cause });
    }
  }
}

const CREATE = 'insert into log_head (contest, hash) values ($1, $2) on conflict do nothing';

function readHead(row: QueryResultRow): BatchHead {
  return { epoch: row.epoch, seq: row.seq, at: row.at, hash: row.hash };
}
