import type { ContestSummary, OrderRow, Projection, ProjectionStore } from './store.ts';

interface MemoryRows {
  cursor: number;
  summary: ContestSummary | null;
  orders: Map<number, OrderRow>;
}

/** The projection in memory, for the simulator: the same all-or-nothing as the database's. */
export class MemoryProjectionStore implements ProjectionStore {
  readonly #contests = new Map<string, MemoryRows>();
  readonly #heads: (contests: readonly string[]) => Promise<Map<string, number>>;

  /** `heads`: the log's, to find what is behind. */
  constructor(heads: (contests: readonly string[]) => Promise<Map<string, number>>) {
    this.#heads = heads;
  }

  /** Makes the row of a contest, as its creation does. */
  add(contest: string): void {
    this.#contests.set(contest, { cursor: 0, summary: null, orders: new Map() });
  }

  /** The rows of a contest as they stand. */
  rows(contest: string): Readonly<MemoryRows> | undefined {
    return this.#contests.get(contest);
  }

  async cursor(contest: string): Promise<number | null> {
    return this.#contests.get(contest)?.cursor ?? null;
  }

  async project({ contest, from, to, summary, orders }: Projection): Promise<boolean> {
    const rows = this.#contests.get(contest);
    if (rows === undefined || rows.cursor !== from) return false;
    for (const order of orders) rows.orders.set(order.seq, order);
    rows.summary = summary;
    rows.cursor = to;
    return true;
  }

  async behind(dueBefore: number): Promise<string[]> {
    const heads = await this.#heads([...this.#contests.keys()]);
    const behind: string[] = [];
    for (const [contest, { cursor, summary }] of this.#contests) {
      const dueAt = summary?.dueAt ?? Number.POSITIVE_INFINITY;
      if ((heads.get(contest) ?? 0) > cursor || dueAt <= dueBefore) behind.push(contest);
    }
    return behind;
  }
}
