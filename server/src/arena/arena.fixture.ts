import type { DropTerms } from '@dibs/rules/contests/drop/types.ts';
import type { Fold, Verdict } from '@dibs/rules/proof/fold.ts';
import { type BatchHead, type LogBatch, LogUnavailable } from '../log/log.ts';
import { MemoryLog } from '../log/memory.ts';
import { Arena, type Submission } from './arena.ts';
import type { Clock } from './clock.ts';
import { Pseudonyms } from './pseudonyms.ts';

export const CONTEST = '5f7f1c6e-0000-4000-8000-000000000001';
export const HOST = '00000000-0000-4000-8000-00000000000f';
export const BEGINS_AT = 1_790_000_000_000;

/** The UUID of person number `index`. */
export function personNumber(index: number): string {
  return `00000000-0000-4000-8000-${index.toString(16).padStart(12, '0')}`;
}

/** A clock that stands still until it is told to go on. */
export class ManualClock implements Clock {
  #now = BEGINS_AT;
  #tasks: { at: number; run: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(delayMs: number, run: () => void): { cancel(): void } {
    const task = { at: this.#now + Math.max(0, delayMs), run };
    this.#tasks.push(task);
    return {
      cancel: () => {
        this.#tasks = this.#tasks.filter((other) => other !== task);
      },
    };
  }

  soon(run: () => void): void {
    this.after(0, run);
  }

  get pending(): number {
    return this.#tasks.length;
  }

  /** Lets `byMs` pass, with all that is due on the way and what follows from it at once. */
  async advance(byMs: number): Promise<void> {
    const until = this.#now + byMs;
    for (;;) {
      await settled();
      const next = this.#tasks.reduce<{ at: number; run: () => void } | null>(
        (soonest, task) => (soonest === null || task.at < soonest.at ? task : soonest),
        null,
      );
      if (next === null || next.at > until) break;
      this.#tasks = this.#tasks.filter((task) => task !== next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
    }
    this.#now = until;
  }

  /** Sets the clock, as an administrator does; nothing passes. */
  set(byMs: number): void {
    this.#now += byMs;
    for (const task of this.#tasks) task.at += byMs;
  }
}

/** Lets all promises that can go on go on. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A log in memory that fails, stalls and keeps count as a test wants it. */
export class TestLog extends MemoryLog {
  readonly appended: { payload: string; count: number }[] = [];
  fail: 'no' | 'before' | 'after' | 'reads' | 'all' = 'no';
  #gate: Promise<void> | null = null;
  #open: (() => void) | null = null;

  /** Appends do not reach the log until `release`. */
  hold(): void {
    this.#gate = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  release(): void {
    this.#open?.();
    this.#gate = null;
  }

  override async append(contest: string, payload: string, count: number): Promise<BatchHead> {
    if (this.#gate !== null) await this.#gate;
    if (this.fail === 'before' || this.fail === 'all') throw new LogUnavailable('not written');
    this.appended.push({ payload, count });
    const head = await super.append(contest, payload, count);
    if (this.fail === 'after') throw new LogUnavailable('written, but who knows');
    return head;
  }

  override async read(contest: string, after: number, entriesMax: number): Promise<LogBatch[]> {
    if (this.fail === 'reads' || this.fail === 'all') throw new LogUnavailable('no reads');
    return super.read(contest, after, entriesMax);
  }

  override async heads(contests: readonly string[]): Promise<Map<string, number>> {
    if (this.fail === 'reads' || this.fail === 'all') throw new LogUnavailable('no reads');
    return super.heads(contests);
  }
}

/** A clock, a log, and as many arenas over them as a test needs. */
export class ArenaWorld {
  readonly clock = new ManualClock();
  readonly log = new TestLog(() => this.clock.now());
  readonly alarms: unknown[] = [];
  readonly pseudonyms = new Pseudonyms(Buffer.alloc(32, 1));
  stored: Fold | null = null;
  seed: string | null = null;

  async arena(options: { clock?: Clock } = {}): Promise<Arena> {
    const arena = new Arena({
      log: this.log,
      clock: options.clock ?? this.clock,
      snapshots: { load: async () => this.stored },
      pseudonyms: this.pseudonyms,
      seedOf: async () => this.seed,
      onAlarm: (_, error) => this.alarms.push(error),
    });
    await arena.start();
    return arena;
  }

  /** Creates the drop, open at once unless `changes` say otherwise. */
  async create(arena: Arena, changes: Partial<DropTerms> = {}): Promise<void> {
    const terms: DropTerms = {
      rules: 1,
      stock: 10,
      price: { amount: 500, currency: 'EUR' },
      opensAt: BEGINS_AT - 10_000,
      closesAt: null,
      limitPerPerson: 1,
      quantityMax: 1,
      payWithinMs: 60_000,
      fairWindowMs: 0,
      seedHash: null,
      ...changes,
    };
    await arena.create(CONTEST);
    const host = this.pseudonyms.of(CONTEST, HOST);
    const command = { type: 'create', host, terms };
    const made = arena.submit({ contest: CONTEST, person: HOST, key: 'c', command, kind: 'drop' });
    await this.clock.advance(0);
    await made;
    await this.clock.advance(20);
  }

  /** Submits and lets a moment pass. */
  async ask(arena: Arena, submission: Submission): Promise<Verdict> {
    const asked = arena.submit(submission);
    asked.catch(() => undefined);
    await this.clock.advance(1);
    return asked;
  }
}

export function claim(person: number, key: string | null = `k${person}`): Submission {
  const command: { type: string; quantity: number } = { type: 'claim', quantity: 1 };
  return { contest: CONTEST, person: personNumber(person), key, command };
}

/** The refusal's code, or the type of the verdict. */
export function codeOf(verdict: Verdict): string {
  return verdict.type === 'refused' ? verdict.refusal.code : verdict.type;
}
