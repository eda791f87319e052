/** Time and turns as the arena and the journal need them, so that the simulator can own both. */
export interface Clock {
  /** Milliseconds since 1970 by this process; may jump. */
  now(): number;
  /** Calls `run` after `delayMs`, unless cancelled before. */
  after(delayMs: number, run: () => void): { cancel(): void };
  /** Calls `run` once this turn of the event loop has taken in all requests that are there. */
  soon(run: () => void): void;
}

/** setTimeout's own limit; longer delays are cut, whoever waits looks again. */
const DELAY_MAX_MS = 2_147_483_647;

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, Math.min(Math.max(delayMs, 0), DELAY_MAX_MS));
    return { cancel: () => clearTimeout(timer) };
  },
  soon: (run) => void setImmediate(run),
};
