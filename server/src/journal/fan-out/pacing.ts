import type { Clock } from '../../arena/clock.ts';

export interface PacingOptions {
  readonly clock: Clock;
  /** One pass over whatever there is to send; it yields after each small piece of work. */
  readonly begin: () => Iterator<void>;
  /** Passes begin at least so far apart: what happens in between shares their writes. */
  readonly frameMs: number;
  /** The part of the event loop that passes may take, 0 to 1. */
  readonly share: number;
}

/**
 * A pass works for so long before everybody else has a turn: what a claim can be held up by.
 * Shorter costs more turns; 3 ms are about 250 writes.
 */
const SLICE_MS = 3;

/**
 * Runs passes in slices: after a slice that took `work` of the processor, others have
 * `work * (1 / share - 1)`, so that sending never takes more than its share of the event loop.
 * Frames become longer by themselves when there is more to send: with 10,000 readers and 12 µs per
 * write a pass is 120 ms of work, hence lasts 600 ms at a share of 0.2.
 */
export class Pacing {
  /** How long the last pass took, from its beginning to its end, and its own work, milliseconds. */
  passMs = 0;
  workMs = 0;
  readonly #options: PacingOptions;
  #pass: Iterator<void> | null = null;
  #isWoken = false;
  #timer: { cancel(): void } | null = null;
  #isClosed = false;
  #beganAt = Number.NEGATIVE_INFINITY;
  #work = 0;

  constructor(options: PacingOptions) {
    this.#options = options;
  }

  /** There is something to send. Costs next to nothing when it was known. */
  wake(): void {
    if (this.#isWoken || this.#isClosed) return;
    this.#isWoken = true;
    if (this.#pass !== null || this.#timer !== null) return;
    this.#after(Math.max(0, this.#beganAt + this.#options.frameMs - performance.now()));
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#timer = null;
    this.#pass = null;
  }

  #after(delayMs: number): void {
    this.#timer = this.#options.clock.after(delayMs, () => {
      this.#timer = null;
      this.#slice();
    });
  }

  #slice(): void {
    const startedAt = performance.now();
    const workBefore = readWorkMs();
    if (this.#pass === null) {
      this.#isWoken = false;
      this.#beganAt = startedAt;
      this.#work = 0;
      this.#pass = this.#options.begin();
    }
    let isDone = false;
    let endedAt = startedAt;
    while (!isDone && endedAt - startedAt < SLICE_MS) {
      isDone = this.#pass.next().done === true;
      endedAt = performance.now();
    }
    if (this.#isClosed) return;
    const workMs = readWorkMs() - workBefore;
    this.#work += workMs;
    const restMs = workMs * (1 / this.#options.share - 1);
    if (!isDone) {
      this.#after(restMs);
      return;
    }
    this.#pass = null;
    this.passMs = endedAt - this.#beganAt;
    this.workMs = this.#work;
    if (!this.#isWoken) {
      // Nothing to do; but a wake right now must keep the rest that this slice owes.
      this.#beganAt = Math.max(this.#beganAt, endedAt + restMs - this.#options.frameMs);
      return;
    }
    this.#after(Math.max(restMs, this.#beganAt + this.#options.frameMs - endedAt));
  }
}

/**
 * Processor time of this thread, milliseconds. Not the time on the wall: on a machine that is
 * overrun most of a slice is spent waiting for a processor, and resting for that too once made
 * frames 10 s long.
 */
function readWorkMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
