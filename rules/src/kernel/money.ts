/** Money or points: an integer number of minor units (cents, yen, points) and what they are of. */
export interface Money {
  readonly amount: number;
  /** ISO 4217 code in capitals, or `points`. */
  readonly currency: string;
}

/** The largest price of one unit, in minor units: what payment providers accept for one charge. */
export const AMOUNT_MAX = 99_999_999;

/** `price` times `quantity`; exact, because both are bounded far below 2^53. */
export function times(price: Money, quantity: number): Money {
  return { amount: price.amount * quantity, currency: price.currency };
}
