import type { FactShape } from '@dibs/rules/contests/contest.ts';
import { type Fold, foldEntry, type LogEntry, startFold } from '@dibs/rules/proof/fold.ts';
import type { Applied } from '../arena/replica.ts';
import type { Clock } from '../arena/clock.ts';
import type { Pseudonyms } from '../arena/pseudonyms.ts';
import type { ContestLog } from '../log/log.ts';
import { dropProjection } from './project-drop.ts';
import type { ContestSummary, HistoryRow, OrderRow, ProjectionStore } from './store.ts';

/** How one kind of contest becomes rows; a new kind is one file and one line below. */
export interface KindProjection {
  /** The order a fact changes, or null. */
  orderOf(fact: FactShape): number | null;
  summarise(state: unknown, at: number, personOf: PersonOf): ContestSummary;
  orderRow(state: unknown, seq: number, personOf: PersonOf): OrderRow | null;
  allOrders(state: unknown): number[];
}

export type PersonOf = (pseudonym: string) => string;

export const PROJECTIONS: Readonly<Record<string, KindProjection>> = { drop: dropProjection };

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

/** What has changed in a contest since its rows were last written, beyond position `from`. */
interface Changes {
  from: number;
  readonly orders: Set<number>;
  history: HistoryRow[];
}

/** Facts gather this long, so that a storm's many batches are few transactions. */
const GATHER_MS = 25;
/** Beyond so many changed orders the memory is given back and the log read again. */
const CHANGES_MAX = 200_000;
/** Orders in one statement. */
const ORDERS_PER_WRITE = 5_000;
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
  #sweep: { cancel(): void } | null = null;
  #isClosed = false;

  constructor(options: ProjectorOptions) {
    this.#options = options;
    this.#stopListening = options.arena.onApplied((applied) => this.#note(applied));
  }

  /** Brings up to date what grew while no projector ran, and keeps looking. */
  async start(): Promise<void> {
    await this.#sweepOnce();
    this.#planSweep();
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
    const first = steps[0];
    if (projection === undefined || first === undefined) return;
    let changes = this.#changes.get(contest);
    if (changes === undefined) {
      changes = { from: first.seq - 1, orders: new Set(), history: [] };
      this.#changes.set(contest, changes);
    }
    for (const { seq, at, facts } of steps) {
      for (const [place, fact] of facts.entries()) {
        const order = projection.orderOf(fact);
        if (order === null) continue;
        changes.orders.add(order);
        changes.history.push({ order, entry: seq, place, at, fact: fact.type });
      }
    }
    // Too far behind to remember: the log will tell again.
    if (changes.history.length > CHANGES_MAX) this.#changes.delete(contest);
    this.#plan(GATHER_MS);
  }

  #plan(delayMs: number): void {
    if (this.#isClosed || this.#planned !== null) return;
    this.#planned = this.#options.clock.after(delayMs, () => {
      this.#planned = null;
      for (const contest of this.#changes.keys()) void this.#write(contest);
    });
  }

  /** Writes what has changed in a contest; never rejects. */
  async #write(contest: string): Promise<void> {
    if (this.#writing.has(contest)) return this.#plan(GATHER_MS);
    this.#writing.add(contest);
    try {
      const changes = this.#changes.get(contest);
      const fold = this.#options.arena.peek(contest);
      if (changes === undefined || fold === undefined) return;
      this.#changes.delete(contest);
      const isDone = await this.#writeChanges(fold, changes);
      if (!isDone) await this.#startOver(contest);
    } catch (error) {
      this.#changes.delete(contest);
      this.#options.onAlarm(contest, error);
      this.#options.clock.after(RETRY_MS, () => void this.#startOver(contest).catch(() => undefined));
    } finally {
      this.#writing.delete(contest);
    }
  }

  /** Captures rows and position in one turn, then writes them. False: the cursor stood elsewhere. */
  async #writeChanges(fold: Fold, changes: Changes): Promise<boolean> {
    const { contest, rules, state, seq: to, at } = fold;
    const projection = PROJECTIONS[rules?.kind ?? ''];
    if (projection === undefined || to <= changes.from) return true;
    const personOf: PersonOf = (name) => this.#options.pseudonyms.personOf(contest, name);
    const summary = projection.summarise(state, at, personOf);
    const orders: OrderRow[] = [];
    for (const seq of changes.orders) {
      const row = projection.orderRow(state, seq, personOf);
      if (row !== null) orders.push(row);
    }
    return this.#options.store.project({
      contest,
      from: changes.from,
      to,
      summary,
      orders,
      history: changes.history,
    });
  }

  /** Finds out from the log what changed since the cursor, and writes that. */
  async #startOver(contest: string): Promise<void> {
    const { store, log, arena } = this.#options;
    const from = await store.cursor(contest);
    if (from === null || this.#isClosed) return;
    const fold = await arena.read(contest);
    if (fold.seq <= from) return;
    const changes = await collectChanges(contest, from, fold.seq, log);
    const known = this.#changes.get(contest);
    if (known !== undefined && known.from > changes.through) return this.#startOver(contest);
    for (const order of known?.orders ?? []) changes.orders.add(order);
    const history = [...changes.history];
    for (const row of known?.history ?? []) if (row.entry > changes.through) history.push(row);
    this.#changes.set(contest, { from, orders: changes.orders, history });
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

/** The orders that entries `from`+1 .. `through` changed, by folding the log from its beginning. */
export async function collectChanges(
  contest: string,
  from: number,
  through: number,
  log: Pick<ContestLog, 'read'>,
): Promise<{ orders: Set<number>; history: HistoryRow[]; through: number }> {
  const fold = startFold(contest);
  const orders = new Set<number>();
  const history: HistoryRow[] = [];
  while (fold.seq < through) {
    const batches = await log.read(contest, fold.seq, ORDERS_PER_WRITE);
    if (batches.length === 0) break;
    for (const batch of batches) {
      for (const entry of JSON.parse(batch.payload) as LogEntry[]) {
        const { seq, at, facts } = foldEntry(fold, entry, batch.at);
        if (seq <= from) continue;
        const projection = PROJECTIONS[fold.rules?.kind ?? ''];
        for (const [place, fact] of facts.entries()) {
          const order = projection?.orderOf(fact) ?? null;
          if (order === null) continue;
          orders.add(order);
          history.push({ order, entry: seq, place, at, fact: fact.type });
        }
      }
    }
  }
  return { orders, history, through: fold.seq };
}
