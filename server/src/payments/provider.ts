/**
 * A payment provider: somebody else's service that takes money and gives it back.
 *
 * Guarantees, which settlement counts on:
 *  - `payment.id` is the idempotency key: a call repeated with the same payment does nothing twice.
 *  - A rejected call may or may not have happened; `look` tells which, once the provider answers.
 *  - Money that was taken stays `taken` for `look`, also after it went back.
 */
export interface PaymentProvider {
  /** As requests to pay name it: lower-case letters. */
  readonly name: string;
  /** Takes the money at once; null where the provider does so on its own pages only. */
  readonly charge: ((payment: Payment) => Promise<ProviderState>) | null;
  /** Makes the page where the person pays. */
  startPage(payment: Payment): Promise<ProviderState>;
  /** What the provider knows of a payment. */
  look(payment: Payment): Promise<ProviderState>;
  /** Asks the provider to take no more money for this payment; tells what is so after that. */
  close(payment: Payment): Promise<ProviderState>;
  /** Gives all the money back. */
  refund(payment: Payment): Promise<void>;
  /** Reads a notice from the network; null where it is not about us. Throws `BadNotice`. */
  readNotice(body: Buffer, signature: string): ProviderNotice | null;
}

/** One attempt to pay for an order: a row of `payments`. Instants are milliseconds since 1970. */
export interface Payment {
  readonly id: string;
  readonly contest: string;
  readonly orderSeq: number;
  readonly person: string | null;
  /** What is paid for, in words. */
  readonly title: string;
  readonly provider: string;
  readonly reference: string | null;
  readonly pageUrl: string | null;
  /** Minor units. */
  readonly amount: number;
  readonly currency: string;
  readonly status: PaymentStatus;
  readonly payBy: number;
  readonly createdAt: number;
  readonly attempts: number;
}

export type PaymentStatus =
  /** The provider may be taking the money. */
  | 'started'
  /** The money was taken; the log is to say what becomes of it. */
  | 'taken'
  /** The log says that it paid for the order. */
  | 'kept'
  | 'declined'
  /** The log says that it must go back. */
  | 'refund_due'
  | 'refunded'
  /** Nobody paid, and nobody is expected to. */
  | 'abandoned';

/** What a provider says about a payment. */
export type ProviderState =
  | { readonly type: 'open'; readonly reference: string; readonly url: string }
  | ({ readonly type: 'taken' } & TakenMoney)
  | { readonly type: 'declined' }
  /** The page is gone, or the provider never heard of the payment: no money was taken. */
  | { readonly type: 'closed' };

/** The money as the provider saw it, to be held against what was asked for. */
export interface TakenMoney {
  readonly reference: string;
  /** Minor units. */
  readonly amount: number;
  readonly currency: string;
  /** The order's id as we gave it to the provider. */
  readonly order: string;
}

export interface ProviderNotice {
  /** Names the notice: a repeat has the same. */
  readonly id: string;
  /** Our number of the payment. */
  readonly payment: string;
  readonly state: ProviderState | { readonly type: 'refunded' };
}

/** The provider cannot be reached, or did not say what it did. Temporary. */
export class ProviderUnavailable extends Error {
  override readonly name = 'ProviderUnavailable';
}

/** A notice that is not from the provider, too old, or broken. */
export class BadNotice extends Error {
  override readonly name = 'BadNotice';
}

/** How long a provider's page stays, in milliseconds from the payment's start: Stripe's bounds. */
const PAGE_LIFE_MIN_MS = 31 * 60_000;
const PAGE_LIFE_MAX_MS = 24 * 3_600_000 - 60_000;

/**
 * When a payment's page ends. It may outlive the order: money that comes late is granted again or
 * given back. Follows from the row alone, so that a repeated call asks for the same.
 */
export function pageEndsAt(payment: Payment): number {
  const lifeMs = Math.max(payment.payBy - payment.createdAt, PAGE_LIFE_MIN_MS);
  return payment.createdAt + Math.min(lifeMs, PAGE_LIFE_MAX_MS);
}
