import { randomBytes } from 'node:crypto';
import type { CommandShape } from '@dibs/rules/contests/contest.ts';
import {
  type CommandEntry,
  type Fold,
  startFold,
  UnknownRules,
  type Verdict,
} from '@dibs/rules/proof/fold.ts';
import { type ContestLog, LogUnavailable } from '../log/log.ts';
import type { Clock } from './clock.ts';
import { Deadlines } from './deadlines.ts';
import { ArenaFault } from './faults.ts';
import { entryKey } from './keys.ts';
import type { Pseudonyms } from './pseudonyms.ts';
import { type Applied, Replica } from './replica.ts';
import type { SnapshotStore } from './snapshots.ts';

export type { Applied } from './replica.ts';

export interface ArenaOptions {
  readonly log: ContestLog;
  readonly clock: Clock;
  readonly snapshots: SnapshotStore;
  readonly pseudonyms: Pseudonyms;
  /** The secret seed of a contest, or null where it has none. */
  readonly seedOf: (contest: string) => Promise<string | null>;
  /** Told of what must not happen: a replica that went apart, rules that broke a promise. */
  readonly onAlarm: (contest: string, error: unknown) => void;
  /** Random text for commands that nobody will repeat; the simulator's are seeded. */
  readonly newKey?: () => string;
}

export interface Submission {
  readonly contest: string;
  /** The person (UUID) who asks, or null for the system. */
  readonly person: string | null;
  /** The client's idempotency key, or null: this command will not be repeated. */
  readonly key: string | null;
  readonly command: CommandShape;
  /** Only with the command that creates the contest. */
  readonly kind?: string;
}

/** Replicas in one process; beyond, those with nothing to do are let go, oldest first. */
const REPLICAS_MAX = 2_000;
/** How often all replicas are held against the log, in case a hint was lost. */
const POLL_MS = 1_000;
/** Contests that were asked for and have no log are not looked for again so soon. */
const UNKNOWN_FOR_MS = 1_000;
const UNKNOWN_MAX = 10_000;
/** A drain gives up waiting for the log after this. */
const DRAIN_MS = 8_000;

/** The contests of this process: takes commands in, gives verdicts, keeps replicas at the log's end. */
export class Arena {
  readonly #options: ArenaOptions;
  readonly #replicas = new Map<string, Replica>();
  readonly #loading = new Map<string, Promise<Replica>>();
  readonly #unknown = new Map<string, number>();
  /** Contests whose stored snapshot led to a broken replica. */
  readonly #distrusted = new Set<string>();
  readonly #listeners = new Set<(applied: Applied) => void>();
  readonly #deadlines: Deadlines;
  #skewMs = 0;
  #following: { close(): Promise<void> } | null = null;
  #poll: { cancel(): void } | null = null;
  #isDraining = false;

  constructor(options: ArenaOptions) {
    this.#options = options;
    this.#deadlines = new Deadlines({
      clock: options.clock,
      now: () => this.now(),
      foldOf: (contest) => this.peek(contest),
      seedOf: options.seedOf,
      submit: (contest, command) => this.submit({ contest, person: null, key: null, command }),
    });
  }

  /** Begins to follow the log. Rejects where it cannot be reached. */
  async start(): Promise<void> {
    const { log, clock } = this.#options;
    this.#skewMs = (await log.now()) - clock.now();
    this.#following = await log.follow((contest) => {
      if (contest === null) for (const replica of this.#replicas.values()) replica.noticeGrowth();
      else this.#replicas.get(contest)?.noticeGrowth();
    });
    this.#planPoll();
  }

  /** Log time as this process knows it, milliseconds since 1970. */
  now(): number {
    return this.#options.clock.now() + this.#skewMs;
  }

  /** Calls `listener` after each applied batch, in log order, before callers get their answers. */
  onApplied(listener: (applied: Applied) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Makes the contest's log; the contest begins with the first command submitted to it. */
  async create(contest: string): Promise<void> {
    await this.#options.log.create(contest);
    this.#unknown.delete(contest);
  }

  /**
   * The verdict on a command, given once the command is durable, or at once where it is refused or
   * known. Rejects with `ArenaFault`.
   */
  async submit(submission: Submission): Promise<Verdict> {
    if (this.#isDraining) throw draining();
    const replica = this.#replicas.get(submission.contest);
    // Not awaited where it is here already: a turn for each of a storm's claims adds up.
    if (replica !== undefined) return this.#submitTo(replica, submission);
    const loaded = await this.#load(submission.contest);
    if (this.#isDraining) throw draining();
    return this.#submitTo(loaded, submission);
  }

  #submitTo(replica: Replica, submission: Submission): Promise<Verdict> {
    const { contest, person, command } = submission;
    const key = submission.key ?? this.#options.newKey?.() ?? randomBytes(12).toString('base64url');
    const entry: CommandEntry = {
      person: person === null ? null : this.#options.pseudonyms.of(contest, person),
      key: entryKey(person, key, command),
      command,
      ...(submission.kind === undefined ? {} : { kind: submission.kind }),
    };
    return replica.submit(entry, submission.key !== null);
  }

  /**
   * The contest's fold, loaded if need be. It is the replica's own: read it in the same turn, change
   * nothing. Rejects with `ArenaFault` `contest_unknown`.
   */
  async read(contest: string): Promise<Fold> {
    return (this.#replicas.get(contest) ?? (await this.#load(contest))).fold;
  }

  /** The fold if this process holds it already. */
  peek(contest: string): Fold | undefined {
    return this.#replicas.get(contest)?.fold;
  }

  async #load(contest: string): Promise<Replica> {
    const unknownSince = this.#unknown.get(contest);
    if (unknownSince !== undefined && this.#options.clock.now() - unknownSince < UNKNOWN_FOR_MS) {
      throw new ArenaFault('contest_unknown', `there is no contest ${contest}`);
    }
    const loading = this.#loading.get(contest);
    if (loading !== undefined) return loading;
    const made = this.#make(contest).finally(() => this.#loading.delete(contest));
    this.#loading.set(contest, made);
    return made;
  }

  async #make(contest: string): Promise<Replica> {
    const { log, clock, snapshots } = this.#options;
    try {
      const heads = await log.heads([contest]);
      if (!heads.has(contest)) {
        if (this.#unknown.size >= UNKNOWN_MAX) this.#unknown.clear();
        this.#unknown.set(contest, clock.now());
        throw new ArenaFault('contest_unknown', `there is no contest ${contest}`);
      }
      const isStored = !this.#distrusted.has(contest);
      const stored = isStored ? await snapshots.load(contest) : null;
      const fold = stored ?? startFold(contest);
      // What is folded now happened before: nobody here is told of it as news.
      let isLoaded = false;
      const replica = new Replica({
        fold,
        log,
        clock,
        skewMs: () => this.#skewMs,
        observeSkew: (at, sentAt) => this.#observeSkew(at, sentAt),
        onApplied: (applied) => isLoaded && this.#onApplied(applied),
        onBroken: (error) => this.#rebuild(contest, { error, isStored: stored !== null }),
      });
      await replica.catchUp();
      isLoaded = true;
      this.#makeRoom();
      this.#replicas.set(contest, replica);
      this.#deadlines.plan(contest);
      // A hint that came before the replica was in its place was lost.
      replica.noticeGrowth();
      return replica;
    } catch (cause) {
      if (cause instanceof ArenaFault) throw cause;
      if (cause instanceof LogUnavailable) {
        throw new ArenaFault('log_unavailable', 'the log cannot be read', { cause });
      }
      throw new ArenaFault('rebuilding', 'the contest cannot be rebuilt from its log', { cause });
    }
  }

  /**
   * The log wrote `at` after this process sent and before it got the answer, so the skew lies
   * between the two differences. Where it did not, one of the clocks was set: it is moved there.
   */
  #observeSkew(at: number, sentAt: number): void {
    const lowest = at - this.#options.clock.now();
    const highest = Math.max(lowest, at - sentAt);
    this.#skewMs = Math.min(Math.max(this.#skewMs, lowest), highest);
  }

  #onApplied(applied: Applied): void {
    for (const listener of this.#listeners) {
      try {
        listener(applied);
      } catch (error) {
        // Whoever waits for these answers must not pay for somebody else's mistake.
        this.#options.onAlarm(applied.contest, error);
      }
    }
    this.#deadlines.plan(applied.contest);
  }

  /**
   * A replica that cannot be trusted is dropped at once; who asks next has it built anew. If it
   * stood on a stored snapshot, that may be what is wrong: the next one stands on the log alone.
   */
  #rebuild(contest: string, broken: { error: unknown; isStored: boolean }): void {
    const { error, isStored } = broken;
    if (isStored) this.#distrusted.add(contest);
    else this.#distrusted.delete(contest);
    this.#replicas.delete(contest);
    this.#deadlines.forget(contest);
    this.#options.onAlarm(contest, error);
    if (error instanceof UnknownRules) return;
    this.#options.clock.after(POLL_MS, () => {
      if (!this.#isDraining) this.#load(contest).catch(() => undefined);
    });
  }

  #makeRoom(): void {
    if (this.#replicas.size < REPLICAS_MAX) return;
    for (const [contest, replica] of this.#replicas) {
      if (replica.waiting > 0 || this.#deadlines.has(contest)) continue;
      this.#replicas.delete(contest);
      if (this.#replicas.size < REPLICAS_MAX) return;
    }
  }

  #planPoll(): void {
    this.#poll = this.#options.clock.after(POLL_MS, () => {
      void this.#pollHeads().finally(() => {
        if (!this.#isDraining) this.#planPoll();
      });
    });
  }

  async #pollHeads(): Promise<void> {
    const contests = [...this.#replicas.keys()];
    if (contests.length === 0) return;
    const askedAt = this.#options.clock.now();
    try {
      const heads = await this.#options.log.heads(contests);
      for (const contest of contests) {
        const replica = this.#replicas.get(contest);
        if (replica === undefined) continue;
        if ((heads.get(contest) ?? 0) > replica.fold.seq) replica.noticeGrowth();
        else replica.heardUpTo(askedAt);
      }
    } catch {
      // The log is away: the replicas' refusals grow stale and are no longer given; see STALE_AFTER_MS.
    }
  }

  /** Refuses new commands, answers those that are in, stops following. */
  async close(): Promise<void> {
    this.#isDraining = true;
    this.#poll?.cancel();
    this.#deadlines.close();
    const replicas = [...this.#replicas.values()];
    let timer: { cancel(): void } | null = null;
    const isLate = new Promise<void>((resolve) => {
      timer = this.#options.clock.after(DRAIN_MS, resolve);
    });
    const drained = replicas.map((replica) => replica.drained());
    // Who waits for a contest to be loaded is told as well, before the process goes.
    await Promise.race([Promise.allSettled([...drained, ...this.#loading.values()]), isLate]);
    (timer as { cancel(): void } | null)?.cancel();
    // Those who wait for a fair window wait for an entry that this process will not see.
    for (const replica of replicas) replica.abandon(draining());
    await this.#following?.close();
  }
}

function draining(): ArenaFault {
  return new ArenaFault('draining', 'this process is going away');
}
