import type { FactShape } from '@dibs/rules/contests/contest.ts';
import type { ContestSummary, OrderRow } from './store.ts';

/** How one kind of contest becomes rows. */
export interface KindProjection {
  /** The order a fact changes, or null. */
  orderOf(fact: FactShape): number | null;
  summarise(state: unknown, at: number, personOf: PersonOf): ContestSummary;
  orderRow(state: unknown, seq: number, personOf: PersonOf): OrderRow | null;
  allOrders(state: unknown): number[];
}

/** The person (UUID) behind a contest's pseudonym. */
export type PersonOf = (pseudonym: string) => string;
