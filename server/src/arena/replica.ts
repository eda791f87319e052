import type { CommandShape, RefusalShape } from '@dibs/rules/contests/contest.ts';
import { isRefusal } from '@dibs/rules/contests/contest.ts';
import { Bug } from '@dibs/rules/kernel/assert.ts';
import {
  type CommandEntry,
  type Fold,
  foldEntry,
  type LogEntry,
  NOT_CREATED,
  recall,
  type Step,
  splitKey,
  type Verdict,
} from '@dibs/rules/proof/fold.ts';
import { BATCH_ENTRIES_MAX, type ContestLog, type LogBatch } from '../log/log.ts';
import type { Clock } from './clock.ts';
import { ArenaFault } from './faults.ts';
import { RefusalNotes } from './refusal-notes.ts';

/** What one batch did to a replica; `rules` and state can be read from `fold` in the same turn only. */
export interface Applied {
  readonly contest: string;
  readonly fold: Fold;
  readonly steps: readonly Step[];
}

export interface ReplicaOptions {
  readonly fold: Fold;
  readonly log: ContestLog;
  readonly clock: Clock;
  /** Log time minus this process's time, as last measured, in milliseconds. */
  readonly skewMs: () => number;
  /** An append that was sent at `sentAt` by this process's clock got instant `at` in the log. */
  readonly observeSkew: (at: number, sentAt: number) => void;
  readonly onApplied: (applied: Applied) => void;
  /** The replica must not be used again: it went apart from the log, or a rule broke its promise. */
  readonly onBroken: (error: unknown) => void;
}

interface Waiter {
  /** The full key of the command waited for. */
  readonly key: string;
  readonly resolve: (verdict: Verdict) => void;
  readonly reject: (error: Error) => void;
}

/** Commands of one contest that may wait in this process; beyond: `busy`. 20,000 are about 10 MB. */
export const QUEUE_MAX = 20_000;
/** Entries read from the log at once while catching up. */
const READ_ENTRIES = 5_000;
/** The local clock may be off by this from the log's before a refusal by time is left to the log. */
const CLOCK_MARGIN_MS = 250;
/** Without word from the log for so long, the replica's refusals are no longer trusted. */
const STALE_AFTER_MS = 5_000;

/**
 * One contest in this process: the fold of its log, the commands on their way to it and those who
 * wait for answers.
 *
 * One append is in flight at most. Meanwhile commands gather, so a batch is what came in during the
 * one before: alone, a command goes at once; in a storm, hundreds share a write. Whoever waits is
 * answered when the entry with their key is folded, whether this process wrote it, another one did,
 * or a write that seemed to fail had landed after all.
 */
export class Replica {
  readonly contest: string;
  readonly fold: Fold;
  readonly #options: ReplicaOptions;
  readonly #notes = new RefusalNotes();
  /** Who waits, by the first part of `splitKey`: nearly always one, with one command. */
  readonly #waiters = new Map<string, Waiter | Waiter[]>();
  #queue: CommandEntry[] = [];
  #isFlushing = false;
  #isFlushPlanned = false;
  #catchingUp: Promise<void> | null = null;
  #isGrown = false;
  /** When the log was last asked for something that left this replica at its end. */
  #heardAt = Number.NEGATIVE_INFINITY;
  #broken: unknown = null;

  constructor(options: ReplicaOptions) {
    this.contest = options.fold.contest;
    this.fold = options.fold;
    this.#options = options;
  }

  /** Commands that wait for an answer in this process. */
  get waiting(): number {
    return this.#waiters.size;
  }

  /** Log time as this process knows it. */
  now(): number {
    return this.#options.clock.now() + this.#options.skewMs();
  }

  /**
   * The verdict on a command. A repeat of a known key gets its first verdict at once, and so does a
   * refusal by this replica that nobody can repeat; all others wait until the log has the command,
   * or at least the key of what was refused.
   */
  submit(entry: CommandEntry, isRepeatable: boolean): Promise<Verdict> {
    if (this.#broken !== null) return Promise.reject(faultOf(this.#broken));
    const known = recall(this.fold, entry.key);
    if (known !== undefined && known.type !== 'deferred') {
      return known.type === 'key_reused' ? Promise.reject(keyReused()) : Promise.resolve(known);
    }
    // While the key is on its way into the log, the log alone says what became of it.
    const { tag } = splitKey(entry.key);
    const others = this.#waiters.get(tag);
    const isOnTheWay = known !== undefined || others !== undefined;
    const refusal = isOnTheWay ? null : this.#refuseLocally(entry);
    if (refusal !== null && !isRepeatable) return Promise.resolve({ type: 'refused', refusal });
    if (this.#waiters.size >= QUEUE_MAX) {
      const message = `${QUEUE_MAX} commands of this contest wait already`;
      return Promise.reject(new ArenaFault('busy', message));
    }
    return new Promise((resolve, reject) => {
      const waiter = { key: entry.key, resolve, reject };
      if (others === undefined) this.#waiters.set(tag, waiter);
      else this.#waiters.set(tag, [others, waiter].flat());
      if (known !== undefined || isAwaited(others, entry.key)) return;
      if (refusal !== null) this.#notes.add(entry.key, refusal);
      else this.#queue.push(entry);
      this.#planFlush();
    });
  }

  /**
   * The refusal that every process would give at any instant the log's clock may show now; null when
   * the log must decide. Where the drop is about to open or close, that is the case.
   */
  #refuseLocally(entry: CommandEntry): RefusalShape | null {
    const { rules, state, seq } = this.fold;
    if (rules === null) return entry.kind === undefined && this.#isFresh() ? NOT_CREATED : null;
    const now = this.now();
    const context = { seq: seq + 1, person: entry.person };
    // Decided first, trusted or not: a command on which the rules break must not reach the log.
    const early = rules.decide(state, entry.command, { ...context, at: now - CLOCK_MARGIN_MS });
    if (!isRefusal(early) || !this.#isFresh()) return null;
    if ((entry.command.order ?? 0) > seq) return null;
    const late = rules.decide(state, entry.command, { ...context, at: now + CLOCK_MARGIN_MS });
    return isRefusal(late) && late.code === early.code ? late : null;
  }

  /** Whether the log was heard of recently enough; a clock that was set back cannot tell. */
  #isFresh(): boolean {
    const age = this.#options.clock.now() - this.#heardAt;
    return age >= 0 && age <= STALE_AFTER_MS;
  }

  #planFlush(): void {
    if (this.#isFlushing || this.#isFlushPlanned) return;
    this.#isFlushPlanned = true;
    this.#options.clock.soon(() => {
      this.#isFlushPlanned = false;
      void this.#flush();
    });
  }

  /** Writes batch after batch until nothing waits. Never rejects. */
  async #flush(): Promise<void> {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    try {
      for (let batch = this.#takeBatch(); batch.length > 0; batch = this.#takeBatch()) {
        await this.#write(batch);
      }
    } finally {
      this.#isFlushing = false;
    }
  }

  #takeBatch(): LogEntry[] {
    if (this.#broken !== null) return [];
    const batch: LogEntry[] = this.#queue.splice(0, BATCH_ENTRIES_MAX - RESERVED_ENTRIES);
    const { checkpoint } = this.fold;
    if (checkpoint !== null && !checkpoint.logged && batch.length > 0) {
      batch.unshift({ checkpoint: checkpoint.seq, digest: checkpoint.digest });
    }
    batch.push(...this.#notes.take());
    return batch;
  }

  async #write(batch: LogEntry[]): Promise<void> {
    const { log, clock } = this.#options;
    const sentAt = clock.now();
    try {
      const head = await log.append(this.contest, JSON.stringify(batch), batch.length);
      this.#options.observeSkew(head.at, sentAt);
      if (head.seq === this.fold.seq + 1) {
        this.#apply(batch, head.at);
        this.heardUpTo(sentAt);
      } else {
        await this.catchUp();
      }
      const last = head.seq + batch.length - 1;
      if (this.fold.seq < last) throw new Error(`entry ${last} was written but cannot be read`);
    } catch (error) {
      this.#fail(batch, error);
    }
  }

  /** The write may or may not have happened: say so; a repeat with the same key finds out which. */
  #fail(batch: LogEntry[], cause: unknown): void {
    const fault = new ArenaFault('log_unavailable', 'the log did not confirm the write', { cause });
    for (const entry of batch) {
      const keys = 'command' in entry ? [entry.key] : 'refused' in entry ? entry.keys : [];
      for (const key of keys) this.#settle(key, ({ reject }) => reject(fault));
    }
    // Until the log has been read, this replica may lack what it wrote itself.
    this.#heardAt = Number.NEGATIVE_INFINITY;
    this.noticeGrowth();
  }

  /** Tells all who wait for the command of this key; others may wait with the same tag. */
  #settle(key: string, settle: (waiter: Waiter) => void): void {
    const { tag } = splitKey(key);
    const waiting = this.#waiters.get(tag);
    if (waiting === undefined) return;
    if (!Array.isArray(waiting)) {
      if (waiting.key !== key) return;
      this.#waiters.delete(tag);
      settle(waiting);
      return;
    }
    const others = waiting.filter((waiter) => waiter.key !== key);
    if (others.length === 0) this.#waiters.delete(tag);
    else this.#waiters.set(tag, others);
    for (const waiter of waiting) if (waiter.key === key) settle(waiter);
  }

  /** The log, asked at `askedAt`, had nothing that is not folded: refusals can be trusted on. */
  heardUpTo(askedAt: number): void {
    this.#heardAt = askedAt;
  }

  /** The contest's log may have grown: reads on, soon, unless it is doing so already. */
  noticeGrowth(): void {
    void this.catchUp().catch(() => undefined);
  }

  /** Folds whatever the log holds beyond this replica. Rejects where the log cannot be read. */
  async catchUp(): Promise<void> {
    this.#isGrown = true;
    this.#catchingUp ??= this.#readOn();
    return this.#catchingUp;
  }

  async #readOn(): Promise<void> {
    try {
      while (this.#isGrown && this.#broken === null) {
        this.#isGrown = false;
        let askedAt = 0;
        for (;;) {
          askedAt = this.#options.clock.now();
          const batches = await this.#options.log.read(this.contest, this.fold.seq, READ_ENTRIES);
          if (batches.length === 0) break;
          this.#applyRead(batches);
        }
        this.heardUpTo(askedAt);
      }
    } finally {
      // In the same turn as the last look at #isGrown, or a hint in between would be lost.
      this.#catchingUp = null;
    }
  }

  #applyRead(batches: readonly LogBatch[]): void {
    for (const batch of batches) {
      // An append of our own may have been applied while this read was on its way.
      if (batch.seq + batch.count - 1 <= this.fold.seq) continue;
      if (batch.seq !== this.fold.seq + 1) {
        throw this.#break(new Bug(`log has ${batch.seq} after ${this.fold.seq}`));
      }
      this.#apply(JSON.parse(batch.payload) as LogEntry[], batch.at);
    }
  }

  #apply(entries: readonly LogEntry[], at: number): void {
    const steps: Step[] = [];
    try {
      for (const entry of entries) steps.push(foldEntry(this.fold, entry, at));
    } catch (error) {
      throw this.#break(error);
    }
    this.#options.onApplied({ contest: this.contest, fold: this.fold, steps });
    for (const step of steps) {
      for (const [key, verdict] of step.answers) {
        if (verdict.type === 'deferred') continue;
        if (verdict.type === 'key_reused') this.#settle(key, ({ reject }) => reject(keyReused()));
        else this.#settle(key, ({ resolve }) => resolve(verdict));
      }
    }
  }

  #break(error: unknown): unknown {
    if (this.#broken === null) {
      this.abandon(error);
      this.#options.onBroken(error);
    }
    return error;
  }

  /** Takes nothing in any more and tells all who wait why. */
  abandon(reason: unknown): void {
    this.#broken ??= reason;
    this.#queue = [];
    const fault = faultOf(this.#broken);
    const waiting = [...this.#waiters.values()].flat();
    this.#waiters.clear();
    for (const { reject } of waiting) reject(fault);
  }

  /** Resolves once nothing is queued, in flight or to be noted; for a drain. */
  async drained(): Promise<void> {
    while (this.#broken === null) {
      if (!this.#isFlushing) await this.#flush();
      if (this.#queue.length === 0 && !this.#isFlushing && this.#notes.size === 0) return;
      await new Promise<void>((resolve) => this.#options.clock.after(DRAIN_RETRY_MS, resolve));
    }
  }
}

/** A drain looks again after so long; where the log is away it must not be asked in a tight loop. */
const DRAIN_RETRY_MS = 10;

/** Room in a batch for what the arena adds itself: a checkpoint and notes of refusals. */
const RESERVED_ENTRIES = 64;

function isAwaited(waiting: Waiter | Waiter[] | undefined, key: string): boolean {
  if (waiting === undefined) return false;
  return Array.isArray(waiting) ? waiting.some((one) => one.key === key) : waiting.key === key;
}

function keyReused(): ArenaFault {
  return new ArenaFault('key_reused', 'this key was used before, for another command');
}

function faultOf(broken: unknown): ArenaFault {
  if (broken instanceof ArenaFault) return broken;
  return new ArenaFault('rebuilding', 'this contest is being rebuilt from its log');
}

/** A command as the arena takes it in. */
export type ArenaCommand = CommandShape & Readonly<Record<string, unknown>>;
