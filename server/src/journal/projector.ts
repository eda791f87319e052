import {
  type Fold,
  foldEntry,
  type LogEntry,
  type Step,
  startFold,
} from '@dibs/rules/proof/fold.ts';
import type { Clock } from '../arena/clock.ts';
import type { Pseudonyms } from '../arena/pseudonyms.ts';
import type { Applied } from '../arena/replica.ts';
import { type ContestLog, LogUnavailable } from '../log/log.ts';
import type { KindProjection, PersonOf } from './projection.ts';
import { PROJECTIONS } from './projections.ts';
import type { HistoryRow, OrderRow, ProjectionStore } from './store.ts';

export interface ProjectorOptions {
  readonly arena: {
    onApplied(listener: (applied: Applied) => void): () => void;
    read(contest: string): Promise<Fold>;
    peek(contest: string): Fold | undefined;
    now(): number;
  };
  readonly log: Pick<ContestLog, 'read'>;
  readonly store: ProjectionStore;
  readonly clock: Clock;
  readonly pseudonyms: Pick<Pseudonyms, 'personOf'>;
  readonly onAlarm: (contest: string, error: unknown) => void;
}

/** What entries `from` + 1 to `through` changed in a contest. */
interface Changes {
  readonly from: number;
  through: number;
  readonly history: HistoryRow[];
}

/** Changes gather this long ... */
const GATHER_MS = 25;
/**
 * ... and this long while more than so many come at a time, unless somebody waits for their rows:
 * a row cost 35 µs of CPU among a hundred and 21 µs among a thousand, and a storm needs it more.
 */
const STORM_CHANGES = 500;
const STORM_GATHER_MS = 10_000;
/** Beyond so many changed orders the memory is given back and the log read again. */
const CHANGES_MAX = 200_000;
/** Entries read from the log at once. */
const ENTRIES_PER_READ = 5_000;
const RETRY_MS = 500;
/** How often the projector looks for contests nobody serves: their rows, and their deadlines. */
const SWEEP_MS = 5_000;
const SWEEP_AHEAD_MS = 15_000;

/**
 * Turns what replicas do into rows. It remembers which orders changed, not how: what is written is
 * the state at one log position, together with that position as the cursor, in one transaction. So
 * a doubled or interrupted run does no harm, and any number of projectors may run: one whose cursor
 * was moved by another starts over from there.
 */
export class Projector {
  readonly #options: ProjectorOptions;
  readonly #changes = new Map<string, Changes>();
  readonly #writing = new Set<string>();
  readonly #stopListening: () => void;
  #planned: { cancel(): void } | null = null;
  #gatherMs = GATHER_MS;
  #sweep: { cancel(): void } | null = null;
  #isClosed = false;

  constructor(options: ProjectorOptions) {
    this.#options = options;
    this.#stopListening = options.arena.onApplied((applied) => this.#note(applied));
  }

  /** Brings up to date what grew while no projector ran, and keeps looking. */
  async start(): Promise<void> {
    try {
      await this.#sweepOnce();
    } finally {
      this.#planSweep();
    }
  }

  /** How many entries of this process' contests are not in the rows yet. */
  get lag(): number {
    let lag = 0;
    for (const [contest, { from }] of this.#changes) {
      lag += Math.max(0, (this.#options.arena.peek(contest)?.seq ?? from) - from);
    }
    return lag;
  }

  #note({ contest, fold, steps }: Applied): void {
    const projection = PROJECTIONS[fold.rules?.kind ?? ''];
    const [first, last] = [steps[0], steps.at(-1)];
    if (projection === undefined || first === undefined || last === undefined) return;
    const history = steps.flatMap((step) => historyOf(step, projection));
    const news = { from: first.seq - 1, through: last.seq, history };
    const changes = this.#changes.get(contest);
    if (changes === undefined) {
      this.#changes.set(contest, news);
    } else if (changes.through === news.from && changes.history.length < CHANGES_MAX) {
      changes.through = news.through;
      for (const row of history) changes.history.push(row);
    } else {
      // Too far behind to remember, or the replica was built anew meanwhile: the log will tell.
      this.#changes.set(contest, news);
    }
    this.#plan(this.#gatherMs);
  }

  /** Somebody waits for rows: writes what there is now. */
  hurry(): void {
    if (this.#planned === null) return;
    this.#planned.cancel();
    this.#planned = null;
    this.#writeAll();
  }

  #plan(delayMs: number): void {
    if (this.#isClosed || this.#planned !== null) return;
    this.#planned = this.#options.clock.after(delayMs, () => {
      this.#planned = null;
      this.#writeAll();
    });
  }

  #writeAll(): void {
    let news = 0;
    for (const { history } of this.#changes.values()) news += history.length;
    this.#gatherMs = news < STORM_CHANGES ? GATHER_MS : STORM_GATHER_MS;
    for (const contest of this.#changes.keys()) void this.#write(contest);
  }

  /** Writes what has changed in a contest; never rejects. */
  async #write(contest: string): Promise<void> {
    if (this.#writing.has(contest)) return this.#plan(GATHER_MS);
    const changes = this.#changes.get(contest);
    if (changes === undefined) return;
    this.#writing.add(contest);
    this.#changes.delete(contest);
    try {
      const isDone = await this.#project(contest, changes);
      if (!isDone) await this.#startOver(contest, changes);
    } catch (error) {
      this.#options.onAlarm(contest, error);
      // Whether it was written or not, the cursor will say when it is tried again.
      this.#putBack(contest, changes);
      this.#plan(RETRY_MS);
    } finally {
      this.#writing.delete(contest);
    }
  }

  /**
   * Captures rows and position in one turn, then writes them. False: the cursor stood elsewhere, or
   * what is remembered does not reach up to the replica as it stands.
   */
  async #project(contest: string, changes: Changes): Promise<boolean> {
    const fold = this.#options.arena.peek(contest);
    const projection = PROJECTIONS[fold?.rules?.kind ?? ''];
    if (fold === undefined || projection === undefined) return false;
    const { state, seq: to, at } = fold;
    if (to !== changes.through) return false;
    const personOf: PersonOf = (name) => this.#options.pseudonyms.personOf(contest, name);
    const summary = projection.summarise(state, at, personOf);
    const orders: OrderRow[] = [];
    for (const seq of new Set(changes.history.map(({ order }) => order))) {
      const row = projection.orderRow(state, seq, personOf);
      if (row !== null) orders.push(row);
    }
    const { from, history } = changes;
    return this.#options.store.project({ contest, from, to, summary, orders, history });
  }

  /** Remembers older changes again, together with those that were noted since. */
  #putBack(contest: string, older: Changes): void {
    const newer = this.#changes.get(contest);
    this.#changes.set(contest, newer === undefined ? older : join(older, newer));
  }

  /**
   * Begins at the cursor, wherever another projector has put it: with what is remembered, if that
   * reaches from there up to the replica, else with the log.
   */
  async #startOver(contest: string, changes?: Changes): Promise<void> {
    const { store, log, arena } = this.#options;
    const cursor = await store.cursor(contest);
    if (cursor === null || this.#isClosed) return;
    const { seq, rules } = await arena.read(contest);
    // Asked for before it was created: nothing to be shown yet.
    if (rules === null) return;
    if (changes !== undefined) this.#putBack(contest, changes);
    const known = this.#changes.get(contest);
    const isComplete = known !== undefined && known.from <= cursor && known.through >= seq;
    if (isComplete || seq <= cursor) {
      this.#changes.delete(contest);
      if (known === undefined || known.through <= cursor) return;
      const history = known.history.filter(({ entry }) => entry > cursor);
      this.#changes.set(contest, { from: cursor, through: known.through, history });
    } else {
      const collected = await collectChanges(contest, cursor, seq, log);
      if (collected.through < seq)
        throw new LogUnavailable(`the log ends at ${collected.through}, for now`);
      this.#putBack(contest, collected);
    }
    this.#plan(GATHER_MS);
  }

  async #sweepOnce(): Promise<void> {
    const { store, arena } = this.#options;
    const behind = await store.behind(arena.now() + SWEEP_AHEAD_MS);
    for (const contest of behind) {
      if (this.#isClosed) return;
      try {
        // Serving the contest is what makes its clock run in this process.
        await arena.read(contest);
        if (!this.#changes.has(contest) && !this.#writing.has(contest)) {
          await this.#startOver(contest);
        }
      } catch (error) {
        this.#options.onAlarm(contest, error);
      }
    }
  }

  #planSweep(): void {
    if (this.#isClosed) return;
    this.#sweep = this.#options.clock.after(SWEEP_MS, () => {
      void this.#sweepOnce()
        .catch(() => undefined)
        .finally(() => this.#planSweep());
    });
  }

  /** Writes what is left, then stops. */
  async close(): Promise<void> {
    this.#stopListening();
    this.#sweep?.cancel();
    this.#planned?.cancel();
    for (const contest of [...this.#changes.keys()]) await this.#write(contest);
    this.#isClosed = true;
  }
}

/** What an entry did to orders. */
function historyOf({ seq, at, facts }: Step, projection: KindProjection | undefined): HistoryRow[] {
  const rows: HistoryRow[] = [];
  for (const [place, fact] of facts.entries()) {
    const order = projection?.orderOf(fact) ?? null;
    if (order !== null) rows.push({ order, entry: seq, place, at, fact: fact.type });
  }
  return rows;
}

/** Both in one, or the newer alone where something lies between them. */
function join(older: Changes, newer: Changes): Changes {
  if (newer.from > older.through) return newer;
  const rest = newer.history.filter(({ entry }) => entry > older.through);
  return {
    from: older.from,
    through: Math.max(older.through, newer.through),
    history: [...older.history, ...rest],
  };
}

/** What entries `from` + 1 .. `through` changed, by folding the log from its beginning. */
export async function collectChanges(
  contest: string,
  from: number,
  through: number,
  log: Pick<ContestLog, 'read'>,
): Promise<Changes> {
  const fold = startFold(contest);
  const history: HistoryRow[] = [];
  while (fold.seq < through) {
    const batches = await log.read(contest, fold.seq, ENTRIES_PER_READ);
    if (batches.length === 0) break;
    for (const batch of batches) {
      for (const entry of JSON.parse(batch.payload) as LogEntry[]) {
        const step = foldEntry(fold, entry, batch.at);
        if (step.seq <= from) continue;
        for (const row of historyOf(step, PROJECTIONS[fold.rules?.kind ?? ''])) history.push(row);
      }
    }
  }
  return { from, through: fold.seq, history };
}
