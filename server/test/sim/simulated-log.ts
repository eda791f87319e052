import {
  type BatchHead,
  type ContestLog,
  type LogBatch,
  LogUnavailable,
} from '../../src/log/log.ts';
import { MemoryLog } from '../../src/log/memory.ts';
import type { Wires } from './weather.ts';
import type { Life, World } from './world.ts';

/** A batch and when it was really written, which only the auditor knows. */
export interface WrittenBatch extends LogBatch {
  readonly contest: string;
  readonly writtenAt: number;
}

/** The one durable log of a world, and its clock, which can be stepped. */
export class SimulatedLog {
  readonly memory: MemoryLog;
  readonly written: WrittenBatch[] = [];
  /** Steps of the log's clock: its offset to world time from an instant on. */
  readonly clockOffsets: { readonly from: number; readonly offsetMs: number }[] = [];
  readonly #world: World;
  readonly #wires: Wires;
  #clockOffsetMs = 0;

  constructor(world: World, wires: Wires) {
    this.#world = world;
    this.#wires = wires;
    this.memory = new MemoryLog(() => world.now + this.#clockOffsetMs);
    this.clockOffsets.push({ from: world.now, offsetMs: 0 });
  }

  stepClock(byMs: number): void {
    this.#clockOffsetMs += byMs;
    this.clockOffsets.push({ from: this.#world.now, offsetMs: this.#clockOffsetMs });
    this.#world.tell('log', `clock stepped by ${byMs} ms`);
  }

  /** The log as one life reaches it. */
  portOf(life: Life): ContestLog {
    const { memory } = this;
    const call = <Value>(effect: () => Promise<Value>) =>
      this.#wires.call(life, effect, () => new LogUnavailable('the simulated log is away'));
    return {
      create: (contest) => call(() => memory.create(contest)),
      append: (contest, payload, count) =>
        call(() => this.#append(life, { contest, payload, count })),
      read: (contest, after, entriesMax) => {
        return call(() => this.#read(contest, after, entriesMax));
      },
      heads: (contests) => call(() => memory.heads(contests)),
      follow: (onGrowth) => this.#follow(life, onGrowth),
      now: () => call(() => memory.now()),
      trim: (contest, through) => call(() => memory.trim(contest, through)),
    };
  }

  async #append(
    life: Life,
    batch: { contest: string; payload: string; count: number },
  ): Promise<BatchHead> {
    const { contest, payload, count } = batch;
    const head = await this.memory.append(contest, payload, count);
    this.written.push({ ...head, ...batch, writtenAt: this.#world.now });
    this.#world.tell('log', `${life.name} wrote ${head.seq}..${head.seq + count - 1} ${payload}`);
    return head;
  }

  async #read(contest: string, after: number, entriesMax: number): Promise<LogBatch[]> {
    const batches = await this.memory.read(contest, after, entriesMax);
    const { random } = this.#world;
    if (!random.chance(this.#wires.weather.readStale)) return batches;
    const seenUntil = this.#world.now - random.between(1, STALE_MAX_MS);
    const unseen = new Set<number>();
    for (const batch of this.written) {
      if (batch.contest === contest && batch.writtenAt > seenUntil) unseen.add(batch.seq);
    }
    return batches.filter((batch) => !unseen.has(batch.seq));
  }

  async #follow(
    life: Life,
    onGrowth: (contest: string | null) => void,
  ): Promise<{ close(): Promise<void> }> {
    const { random } = this.#world;
    const hint = (contest: string | null) =>
      this.#world.schedule(this.#wires.delay(), () => {
        if (life.isAlive) onGrowth(contest);
      });
    return this.memory.follow((contest) => {
      const { weather } = this.#wires;
      if (!life.isAlive || this.#wires.isCut(life) || random.chance(weather.hintLost)) return;
      hint(random.chance(0.05) ? null : contest);
      if (random.chance(weather.hintDoubled)) hint(contest);
    });
  }
}

/** How far behind a stale read may be. */
export const STALE_MAX_MS = 40;
