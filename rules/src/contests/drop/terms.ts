import { AMOUNT_MAX } from '../../kernel/money.ts';
import { DROP_BOUNDS, type DropTerms } from './types.ts';

/** The name of the first term out of its bounds, or null: what the edge checks, checked once more. */
export function checkTerms(terms: DropTerms): string | null {
  const { stock, limitPerPerson, quantityMax, payWithinMs, fairWindowMs, instant } = DROP_BOUNDS;
  if (!within(terms.stock, stock.min, stock.max)) return 'stock';
  if (!within(terms.price.amount, 0, AMOUNT_MAX)) return 'price.amount';
  if (!/^([A-Z]{3}|points)$/.test(terms.price.currency)) return 'price.currency';
  if (!within(terms.opensAt, 0, instant.max)) return 'opensAt';
  if (terms.closesAt !== null && !within(terms.closesAt, terms.opensAt + 1, instant.max)) {
    return 'closesAt';
  }
  if (!within(terms.limitPerPerson, limitPerPerson.min, limitPerPerson.max)) {
    return 'limitPerPerson';
  }
  if (!within(terms.quantityMax, quantityMax.min, quantityMax.max)) return 'quantityMax';
  if (!within(terms.payWithinMs, payWithinMs.min, payWithinMs.max)) return 'payWithinMs';
  if (terms.fairWindowMs !== 0) {
    if (!within(terms.fairWindowMs, fairWindowMs.min, fairWindowMs.max)) return 'fairWindowMs';
    const windowEndsAt = terms.opensAt + terms.fairWindowMs;
    if (terms.closesAt !== null && terms.closesAt < windowEndsAt) return 'closesAt';
    if (terms.seedHash === null || !/^[0-9a-f]{64}$/.test(terms.seedHash)) return 'seedHash';
  }
  return null;
}

function within(value: number, minimum: number, maximum: number): boolean {
  return Number.isInteger(value) && value >= minimum && value <= maximum;
}
