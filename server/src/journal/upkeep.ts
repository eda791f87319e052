import { Worker } from 'node:worker_threads';
import type { Database } from '../db/pool.ts';
import type { ArchivedLog } from './archive.ts';

export interface UpkeepOptions {
  readonly database: Database;
  readonly databaseUrl: string;
  readonly log: ArchivedLog;
  readonly onError: (error: unknown) => void;
}

const EVERY_MS = 30_000;
/** A cold start folds so many entries in about a second; more are worth a snapshot. */
const SNAPSHOT_EVERY_ENTRIES = 100_000;
const SNAPSHOT_TIMEOUT_MS = 120_000;
/** Contests looked at in one round. */
const CONTESTS_MAX = 20;

/**
 * What can wait: snapshots of long logs, and logs of finished contests put away. Every process may
 * do it: doubles do no harm.
 */
export class Upkeep {
  readonly #options: UpkeepOptions;
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> = Promise.resolve();
  #worker: Worker | null = null;
  /** Contests whose folds are beyond what a snapshot may be; they are not tried again. */
  readonly #tooLarge = new Set<string>();

  constructor(options: UpkeepOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#running = this.#running.then(() => this.runOnce()).catch(this.#options.onError);
    }, EVERY_MS);
  }

  /** One round. */
  async runOnce(): Promise<void> {
    const { database, log } = this.#options;
    const { rows: long } = await database.query(
      `select h.contest from log_head h left join snapshots s on s.contest = h.contest
       where h.seq - coalesce(s.seq, 0) > $1 limit $2`,
      [SNAPSHOT_EVERY_ENTRIES, CONTESTS_MAX],
    );
    for (const { contest } of long) {
      if (!this.#tooLarge.has(contest) && !(await this.snapshot(contest))) {
        this.#tooLarge.add(contest);
      }
    }
    const { rows: finished } = await database.query(
      `select c.id, c.cursor_seq from contests c
       where c.due_at is null and c.status = 'ended'
         and exists (select from log_batch b where b.contest = c.id and b.seq <= c.cursor_seq)
       limit $1`,
      [CONTESTS_MAX],
    );
    for (const { id, cursor_seq } of finished) await log.seal(id, cursor_seq);
  }

  /** Takes a snapshot in a thread of its own; false where it is too large to be kept. */
  snapshot(contest: string): Promise<boolean> {
    const { databaseUrl } = this.#options;
    const worker = new Worker(new URL('./snapshot-worker.ts', import.meta.url), {
      workerData: { databaseUrl, contest },
    });
    this.#worker = worker;
    const timeout = setTimeout(() => void worker.terminate(), SNAPSHOT_TIMEOUT_MS);
    return new Promise((resolve, reject) => {
      let isKept = false;
      worker.once('message', (kept: boolean) => {
        isKept = kept;
      });
      worker.once('error', reject);
      worker.once('exit', () => {
        clearTimeout(timeout);
        this.#worker = null;
        resolve(isKept);
      });
    });
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#worker?.terminate();
    await this.#running;
  }
}
