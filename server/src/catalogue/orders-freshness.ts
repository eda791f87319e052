import type { Arena } from '../arena/arena.ts';
import type { Clock } from '../arena/clock.ts';
import type { Queryable } from '../db/pool.ts';

export interface FreshnessOptions {
  readonly database: Queryable;
  readonly arena: Pick<Arena, 'onApplied'>;
  readonly clock: Clock;
  /** Tells the projector of this process that somebody waits. */
  readonly hurry?: () => void;
  /** The longest wait for the projector; 1 s unless given. */
  readonly waitMaxMs?: number;
}

const WAIT_MAX_MS = 1_000;
const LOOK_EVERY_MS = 20;
/** Contests remembered as ahead of their rows; beyond, the oldest is dropped: it is long there. */
const CONTESTS_MAX = 5_000;

/**
 * Lets readers of rows see what this process knows to have happened: it remembers, by contest, the
 * last entry with facts that a replica here applied, and waits until the rows have got there.
 * An order that this process acknowledged is therefore in the list that is asked for next.
 */
export class Freshness {
  readonly #options: FreshnessOptions;
  readonly #ahead = new Map<string, number>();
  readonly #stopListening: () => void;
  #reading: Promise<Map<string, number>> | null = null;

  constructor(options: FreshnessOptions) {
    this.#options = options;
    this.#stopListening = options.arena.onApplied(({ contest, fold, steps }) => {
      if (!steps.some(({ facts }) => facts.length > 0)) return;
      this.#ahead.delete(contest);
      this.#ahead.set(contest, fold.seq);
      if (this.#ahead.size <= CONTESTS_MAX) return;
      for (const oldest of this.#ahead.keys()) {
        this.#ahead.delete(oldest);
        break;
      }
    });
  }

  /**
   * Waits until rows are as new as this process was when it was asked, of one contest or of all.
   * False where the projector did not get there in time: rows are true then, of a moment before.
   */
  async wait(contest?: string): Promise<boolean> {
    const { clock, waitMaxMs = WAIT_MAX_MS } = this.#options;
    const wanted = new Map<string, number>();
    for (const [ahead, seq] of this.#ahead) {
      if (contest === undefined || contest === ahead) wanted.set(ahead, seq);
    }
    if (wanted.size > 0) this.#options.hurry?.();
    const until = clock.now() + waitMaxMs;
    while (wanted.size > 0) {
      this.#reading ??= this.#readCursors().finally(() => {
        this.#reading = null;
      });
      const cursors = await this.#reading;
      for (const [name, seq] of wanted) {
        if ((cursors.get(name) ?? 0) >= seq) wanted.delete(name);
      }
      if (wanted.size === 0) break;
      if (clock.now() >= until) return false;
      await new Promise<void>((resolve) => clock.after(LOOK_EVERY_MS, resolve));
    }
    return true;
  }

  /** Where the rows of those contests stand; one that has no row is not waited for. */
  async #readCursors(): Promise<Map<string, number>> {
    const contests = [...this.#ahead.keys()];
    const { rows } = await this.#options.database.query<{ id: string; cursor_seq: number }>(
      { name: 'orders-cursors', text: 'select id, cursor_seq from contests where id = any($1)' },
      [contests],
    );
    const cursors = new Map(contests.map((name) => [name, Number.POSITIVE_INFINITY]));
    for (const row of rows) cursors.set(row.id, row.cursor_seq);
    for (const [name, cursor] of cursors) {
      if (cursor >= (this.#ahead.get(name) ?? 0)) this.#ahead.delete(name);
    }
    return cursors;
  }

  close(): void {
    this.#stopListening();
  }
}
