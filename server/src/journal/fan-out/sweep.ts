import type { Clock } from '../../arena/clock.ts';
import type { Connection } from './connections.ts';

export interface SweepOptions {
  readonly clock: Clock;
  /** In this time every connection is visited once. */
  readonly cycleMs: number;
  readonly connections: ReadonlySet<Connection>;
  readonly visit: (connection: Connection, now: number) => void;
  /** Called once per cycle. */
  readonly onCycle: (now: number) => void;
}

/**
 * Visits come in steps: with 10,000 connections in 3 s, 167 to a step, 2 ms if all are written to.
 */
const STEP_MS = 50;

/** Walks over all connections again and again, a few at a time, so that nobody notices. */
export class Sweep {
  readonly #options: SweepOptions;
  #timer: { cancel(): void } | null = null;
  #walk: Iterator<Connection> | null = null;
  #cycleBeganAt = 0;
  #isClosed = false;

  constructor(options: SweepOptions) {
    this.#options = options;
  }

  /**
   * Begins to walk unless it does so already; it never stops by itself, for rings outlive streams.
   */
  wake(): void {
    if (this.#timer !== null || this.#isClosed) return;
    this.#timer = this.#options.clock.after(STEP_MS, () => {
      this.#timer = null;
      this.#step();
      this.wake();
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#timer = null;
  }

  #step(): void {
    const { clock, cycleMs, connections, visit, onCycle } = this.#options;
    const now = clock.now();
    if (Math.abs(now - this.#cycleBeganAt) >= cycleMs) {
      this.#cycleBeganAt = now;
      onCycle(now);
    }
    const visits = Math.ceil((connections.size * STEP_MS) / cycleMs);
    this.#walk ??= connections.values();
    for (let count = 0; count < visits; count += 1) {
      const next = this.#walk.next();
      if (next.done === true) {
        this.#walk = null;
        return;
      }
      visit(next.value, now);
    }
  }
}
