/** Where the projector puts what the logs say. Rows and cursor always move together. */
export interface ProjectionStore {
  /** Up to where the rows of a contest hold; 0: no entry yet. Null: there is no such contest. */
  cursor(contest: string): Promise<number | null>;
  /**
   * Replaces the rows named and moves the cursor from `from` to `to`, all or nothing. False, and
   * nothing changed, where the cursor did not stand at `from`: another projector was here.
   */
  project(projection: Projection): Promise<boolean>;
  /** Contests whose log has grown beyond their cursor, or whose clock is due before `dueBefore`. */
  behind(dueBefore: number): Promise<string[]>;
}

/** The rows of one contest as its state at log position `to` has them. */
export interface Projection {
  readonly contest: string;
  readonly from: number;
  readonly to: number;
  readonly summary: ContestSummary;
  readonly orders: readonly OrderRow[];
  readonly history: readonly HistoryRow[];
}

/** Instants are milliseconds since 1970. */
export interface ContestSummary {
  readonly host: string | null;
  readonly status: string;
  readonly opensAt: number | null;
  readonly closesAt: number | null;
  readonly price: { readonly amount: number; readonly currency: string };
  readonly stock: number;
  readonly sold: number;
  readonly held: number;
  readonly waiting: number;
  readonly terms: object;
  readonly dueAt: number | null;
}

export interface OrderRow {
  readonly seq: number;
  /** UUID of the person; a deleted person's is left out by the store. */
  readonly person: string;
  readonly quantity: number;
  readonly amount: number;
  readonly currency: string;
  readonly status: string;
  readonly createdAt: number;
  readonly payBy: number;
  readonly payment: string | null;
}

/** One change of an order's state, as the log tells it. */
export interface HistoryRow {
  readonly order: number;
  /** The log entry, and the fact's place in it. */
  readonly entry: number;
  readonly place: number;
  readonly at: number;
  readonly fact: string;
}
