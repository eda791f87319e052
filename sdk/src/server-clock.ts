import type { Time } from './wire/shapes.ts';

/**
 * The server's time as well as it can be known from here. A sample brackets the server's reading by
 * two of our own, so it is wrong by half its round trip at the most; the narrowest sample is kept, and
 * counted as wider the older it gets, because quartzes drift.
 */

export interface ServerClock {
  /** Server time, milliseconds since 1970; the device's own before the first sample. */
  now(): number;
  /** Server time minus the device's. */
  readonly offsetMs: number;
  /** The error is no larger than this; Infinity before the first sample. */
  readonly errorMs: number;
  /** Takes a few samples. Rejects where not one came. */
  sync(signal?: AbortSignal): Promise<void>;
  /** Keeps in step, each minute and when the device wakes, until closed. */
  start(): { close(): void };
}

export interface ServerClockOptions {
  readonly time: (options: { signal?: AbortSignal }) => Promise<Time>;
  /** Milliseconds since 1970 that may be stepped, and others that are not. */
  readonly wallNow?: () => number;
  readonly steadyNow?: () => number;
}

interface Sample {
  /** Server time minus steady time. */
  readonly offsetMs: number;
  readonly errorMs: number;
  readonly takenAt: number;
}

const SAMPLES = 5;
const SYNC_EVERY_MS = 60_000;
/** How far two quartzes may drift apart: 100 ms in 1,000 s. */
const DRIFT = 0.000_1;
/** The steady clock stands still while some devices sleep; the wall clock shows by how much. */
const SLEPT_MS = 250;

export function createServerClock(options: ServerClockOptions): ServerClock {
  return new SampledClock(options);
}

class SampledClock implements ServerClock {
  readonly #time: ServerClockOptions['time'];
  readonly #wallNow: () => number;
  readonly #steadyNow: () => number;
  #best: Sample | null = null;
  /** Wall time minus steady time when last looked at. */
  #wallOffsetMs: number;

  constructor(options: ServerClockOptions) {
    this.#time = options.time;
    this.#wallNow = options.wallNow ?? (() => Date.now());
    this.#steadyNow = options.steadyNow ?? (() => performance.now());
    this.#wallOffsetMs = this.#wallNow() - this.#steadyNow();
  }

  now(): number {
    if (this.#best === null) return this.#wallNow();
    return this.#steadyNow() + this.#best.offsetMs;
  }

  get offsetMs(): number {
    return this.now() - this.#wallNow();
  }

  get errorMs(): number {
    return this.#best === null ? Number.POSITIVE_INFINITY : this.#errorNow(this.#best);
  }

  #errorNow({ errorMs, takenAt }: Sample): number {
    return errorMs + (this.#steadyNow() - takenAt) * DRIFT;
  }

  async sync(signal?: AbortSignal): Promise<void> {
    this.#noticeSleep();
    let isSampled = false;
    for (let count = 0; count < SAMPLES; count += 1) {
      try {
        this.#keep(await this.#sample(signal));
        isSampled = true;
      } catch (error) {
        signal?.throwIfAborted();
        if (!isSampled) throw error;
        return;
      }
    }
  }

  async #sample(signal?: AbortSignal): Promise<Sample> {
    const sentAt = this.#steadyNow();
    const { epochMs } = await this.#time(signal === undefined ? {} : { signal });
    const takenAt = this.#steadyNow();
    const errorMs = (takenAt - sentAt) / 2;
    return { offsetMs: epochMs - (sentAt + errorMs), errorMs, takenAt };
  }

  #keep(sample: Sample): void {
    if (this.#noticeSleep()) return;
    if (this.#best === null || sample.errorMs <= this.#errorNow(this.#best)) this.#best = sample;
  }

  /** Throws the sample away where the steady clock cannot be trusted since. */
  #noticeSleep(): boolean {
    const wallOffsetMs = this.#wallNow() - this.#steadyNow();
    const hasSlept = Math.abs(wallOffsetMs - this.#wallOffsetMs) > SLEPT_MS;
    this.#wallOffsetMs = wallOffsetMs;
    if (hasSlept) this.#best = null;
    return hasSlept;
  }

  start(): { close(): void } {
    const closing = new AbortController();
    const sync = () => void this.sync(closing.signal).catch(() => {});
    const timer = setInterval(sync, SYNC_EVERY_MS);
    // In Node a clock alone is no reason to stay alive.
    (timer as { unref?: () => void }).unref?.();
    const { document } = globalThis as { document?: EventTarget };
    document?.addEventListener('visibilitychange', sync, { signal: closing.signal });
    sync();
    return {
      close: () => {
        clearInterval(timer);
        closing.abort();
      },
    };
  }
}
