import type { Clock } from '../../src/arena/clock.ts';
import { Random } from './random.ts';

/** One run of a process: what it has in flight dies with it. */
export interface Life {
  readonly name: string;
  isAlive: boolean;
  /** This process's clock minus the world's, in milliseconds. */
  clockOffsetMs: number;
}

interface Event {
  readonly at: number;
  /** Decides among events of the same instant. */
  readonly lot: number;
  readonly order: number;
  readonly run: () => void;
}

/** The instant at which every world begins, milliseconds since 1970. */
export const WORLD_BEGINS_AT = 1_790_000_000_000;

/**
 * Virtual time and everything that is going to happen. Nothing in a world waits for the machine it
 * runs on: whoever awaits something awaits an event of this queue, and events of one instant come in
 * an order drawn by lot, so that a seed is a run and another seed another interleaving.
 */
export class World {
  readonly random: Random;
  readonly #events: Event[] = [];
  readonly #story: string[] | null;
  #now = WORLD_BEGINS_AT;
  #scheduled = 0;
  #happened = 0;
  #traceLow = 0x41c6ce57;
  #traceHigh = 0x7feb352d;

  constructor(seed: number, options: { keepStory?: boolean } = {}) {
    this.random = new Random(seed);
    this.#story = options.keepStory === true ? [] : null;
  }

  /** World time, milliseconds since 1970. */
  get now(): number {
    return this.#now;
  }

  /** How many events have happened. */
  get happened(): number {
    return this.#happened;
  }

  /** What has been told, line by line; null where nobody wanted to know. */
  get story(): readonly string[] | null {
    return this.#story;
  }

  /** A hash of everything told so far: two runs of a seed must have the same. */
  get traceHash(): string {
    const high = (this.#traceHigh >>> 0).toString(16).padStart(8, '0');
    return high + (this.#traceLow >>> 0).toString(16).padStart(8, '0');
  }

  /** Adds a line to the story. */
  tell(who: string, what: string): void {
    const line = `${String(this.#now - WORLD_BEGINS_AT).padStart(6)} ${who.padEnd(10)} ${what}`;
    for (let index = 0; index < line.length; index += 1) {
      const code = line.charCodeAt(index);
      this.#traceHigh = Math.imul(this.#traceHigh ^ code, 2654435761);
      this.#traceLow = Math.imul(this.#traceLow ^ code, 1597334677) ^ (this.#traceHigh >>> 16);
    }
    this.#story?.push(line);
  }

  schedule(delayMs: number, run: () => void): void {
    this.#scheduled += 1;
    const at = this.#now + Math.max(0, Math.round(delayMs));
    push(this.#events, { at, lot: this.random.next(), order: this.#scheduled, run });
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.schedule(delayMs, resolve));
  }

  /** Lets everything happen that is to happen before `until`. */
  async run(until: number): Promise<void> {
    for (;;) {
      const event = this.#events[0];
      if (event === undefined || event.at > until) break;
      pop(this.#events);
      this.#now = event.at;
      this.#happened += 1;
      event.run();
      // Not a wait: it only lets the promises that this event settled run to their next await.
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#now = until;
  }

  /** The clock of one life. */
  clockOf(life: Life): Clock {
    return {
      now: () => this.#now + life.clockOffsetMs,
      after: (delayMs, run) => {
        let isWanted = true;
        this.schedule(delayMs, () => {
          if (isWanted && life.isAlive) run();
        });
        return {
          cancel: () => {
            isWanted = false;
          },
        };
      },
      soon: (run) =>
        this.schedule(0, () => {
          if (life.isAlive) run();
        }),
    };
  }
}

function isBefore(a: Event, b: Event): boolean {
  if (a.at !== b.at) return a.at < b.at;
  return a.lot !== b.lot ? a.lot < b.lot : a.order < b.order;
}

/** A binary heap, soonest first. */
function push(heap: Event[], event: Event): void {
  let index = heap.push(event) - 1;
  while (index > 0) {
    const parent = (index - 1) >> 1;
    const above = heap[parent] as Event;
    if (!isBefore(event, above)) break;
    heap[index] = above;
    index = parent;
  }
  heap[index] = event;
}

function pop(heap: Event[]): void {
  const last = heap.pop() as Event;
  if (heap.length === 0) return;
  let index = 0;
  for (;;) {
    let child = index * 2 + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1] as Event, heap[child] as Event)) {
      child += 1;
    }
    if (!isBefore(heap[child] as Event, last)) break;
    heap[index] = heap[child] as Event;
    index = child;
  }
  heap[index] = last;
}
