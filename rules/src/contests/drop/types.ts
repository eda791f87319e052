import type { Pseudonym } from '../../kernel/ids.ts';
import type { Money } from '../../kernel/money.ts';

/** How a drop is played, fixed by its first log entry. Instants are log time in milliseconds. */
export interface DropTerms {
  /** The rule version these terms are played by. */
  readonly rules: number;
  readonly stock: number;
  readonly price: Money;
  readonly opensAt: number;
  readonly closesAt: number | null;
  /** Units one person may hold and have bought, together. */
  readonly limitPerPerson: number;
  /** Units one claim may ask for. */
  readonly quantityMax: number;
  readonly payWithinMs: number;
  /** 0: first come. Else claims of the first so many milliseconds are put in order by the seed. */
  readonly fairWindowMs: number;
  /** SHA-256 (hexadecimal) of the seed; null without a fair window. */
  readonly seedHash: string | null;
}

/** Bounds of the terms, checked at the edge and again by the rules. */
export const DROP_BOUNDS = {
  /** The last instant of the year 9999: later ones have no RFC 3339 text. */
  instant: { max: 253_402_300_799_999 },
  stock: { min: 1, max: 10_000_000 },
  limitPerPerson: { min: 1, max: 1_000 },
  quantityMax: { min: 1, max: 100 },
  payWithinMs: { min: 5_000, max: 7 * 24 * 3_600_000 },
  fairWindowMs: { min: 100, max: 10_000 },
  waiting: { max: 100_000 },
  /** Orders one `expire` entry handles, so that no entry is unboundedly long. */
  expirePerEntry: { max: 1_000 },
} as const;

export type DropCommand =
  | { readonly type: 'create'; readonly host: Pseudonym; readonly terms: DropTerms }
  | { readonly type: 'claim'; readonly quantity: number }
  | { readonly type: 'wait'; readonly quantity: number }
  | { readonly type: 'leave' }
  | { readonly type: 'cancel'; readonly order: number }
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  | { readonly type: 'restock'; readonly quantity: number }
  | { readonly type: 'end' }
  /** The system: money for an order has been taken; `payment` is our own opaque number for it. */
  | { readonly type: 'pay'; readonly order: number; readonly payment: string }
  /** The system: that money has gone back. */
  | { readonly type: 'refunded'; readonly order: number; readonly payment: string }
  /** The clock. */
  | { readonly type: 'open' }
  | { readonly type: 'settle'; readonly seed?: string }
  | { readonly type: 'expire' }
  | { readonly type: 'close' };

export type DropFact =
  | { readonly type: 'created'; readonly host: Pseudonym; readonly terms: DropTerms }
  | { readonly type: 'opened' }
  | { readonly type: 'paused' }
  | { readonly type: 'resumed' }
  | { readonly type: 'restocked'; readonly quantity: number }
  | { readonly type: 'ended'; readonly by: 'clock' | 'host' }
  /** A claim within the fair window: noted, answered when the window settles. */
  | {
      readonly type: 'queued';
      readonly order: number;
      readonly person: Pseudonym;
      readonly quantity: number;
      readonly inWindow: boolean;
      readonly defers: true;
    }
  /** The fair window is over: the seed is revealed; winners and losers follow as facts. */
  | { readonly type: 'settled'; readonly seed: string; readonly entrantsHash: string }
  | {
      readonly type: 'claimed';
      readonly order: number;
      readonly person: Pseudonym;
      readonly quantity: number;
      readonly payBy: number;
      readonly answers?: number;
    }
  | {
      readonly type: 'missed';
      readonly order: number;
      readonly person: Pseudonym;
      readonly answers: number;
      readonly refusal: DropRefusal;
    }
  /** `payment` null: nothing was to pay. `late`: granted again after it had expired. */
  | {
      readonly type: 'paid';
      readonly order: number;
      readonly person: Pseudonym;
      readonly quantity: number;
      readonly payment: string | null;
      readonly late: boolean;
      readonly answers?: number;
    }
  | {
      readonly type: 'expired';
      readonly order: number;
      readonly person: Pseudonym;
      readonly quantity: number;
    }
  | {
      readonly type: 'cancelled';
      readonly order: number;
      readonly person: Pseudonym;
      readonly quantity: number;
    }
  /** Money came that cannot be kept. */
  | {
      readonly type: 'refundDue';
      readonly order: number;
      readonly person: Pseudonym;
      readonly payment: string;
    }
  | {
      readonly type: 'refunded';
      readonly order: number;
      readonly person: Pseudonym;
      readonly payment: string;
    }
  | {
      readonly type: 'waiting';
      readonly order: number;
      readonly person: Pseudonym;
      readonly quantity: number;
    }
  | { readonly type: 'leftWaiting'; readonly order: number; readonly person: Pseudonym }
  /** Returned units go to the next in line, as an order with its own deadline. */
  | {
      readonly type: 'offered';
      readonly order: number;
      readonly person: Pseudonym;
      readonly quantity: number;
      readonly payBy: number;
    };

/** Every expected "no" of a drop. `decide` checks them in this order. */
export type DropRefusal =
  | { readonly code: 'unknown' }
  | { readonly code: 'not_open'; readonly opensAt: number }
  | { readonly code: 'paused' }
  | { readonly code: 'ended' }
  | { readonly code: 'bad_quantity'; readonly minimum: number; readonly maximum: number }
  | { readonly code: 'limit_reached'; readonly limit: number }
  | { readonly code: 'sold_out'; readonly left: number }
  | { readonly code: 'not_sold_out'; readonly left: number }
  | { readonly code: 'already_waiting' }
  | { readonly code: 'not_waiting' }
  | { readonly code: 'waiting_full'; readonly maximum: number }
  | { readonly code: 'unknown_order' }
  | { readonly code: 'not_reserved'; readonly status: OrderStatus }
  | { readonly code: 'not_host' }
  | { readonly code: 'system_only' }
  | { readonly code: 'not_paused' }
  | { readonly code: 'stock_out_of_range'; readonly maximum: number }
  | { readonly code: 'nothing_due' }
  | { readonly code: 'already_created' }
  | { readonly code: 'bad_terms'; readonly term: string };

export type OrderStatus =
  | 'queued'
  | 'missed'
  | 'reserved'
  | 'paid'
  | 'expired'
  | 'cancelled'
  | 'refunding'
  | 'refunded';

export interface DropOrder {
  readonly person: Pseudonym;
  quantity: number;
  status: OrderStatus;
  payBy: number;
  /** Our number of the payment that counted (or is to be given back), if any. */
  payment: string | null;
  /** Payments that could not be kept; absent where there were none. */
  refunds?: { readonly payment: string; isDone: boolean }[];
}

export interface WaitingPlace {
  readonly order: number;
  readonly person: Pseudonym;
  readonly quantity: number;
}

/** A drop as one replica holds it. Everything is plain data, Maps and arrays, so that it can be stored. */
export interface DropState {
  readonly id: string;
  terms: DropTerms | null;
  host: Pseudonym | null;
  phase: 'scheduled' | 'open' | 'ended';
  paused: boolean;
  /** Units ever put on sale. Always: stock = sold + held + left. */
  stock: number;
  sold: number;
  held: number;
  orders: Map<number, DropOrder>;
  /** Units reserved, paid or queued, by person; absent when none. */
  holdings: Map<Pseudonym, number>;
  /** Orders in the order of their deadlines (log time never goes back), from `deadlinesFrom` on. */
  deadlines: number[];
  deadlinesFrom: number;
  /** Claims that await the settling of the fair window, in log order; null once settled. */
  queue: { readonly order: number; readonly inWindow: boolean }[] | null;
  seed: string | null;
  /** The waiting list in log order, from `waitingFrom` on; a place that was left is null. */
  waiting: (WaitingPlace | null)[];
  waitingFrom: number;
  waitingByPerson: Map<Pseudonym, number>;
}
