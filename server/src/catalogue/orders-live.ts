import type { Fold } from '@dibs/rules/proof/fold.ts';
import { PROJECTIONS } from '../journal/projections.ts';
import type { OrderRow } from '../journal/store.ts';

/** Turns a contest's pseudonym back into the person's UUID. */
export type PersonOf = (contest: string, pseudonym: string) => string;

/**
 * An order as a replica has it right now, or null. A claim that awaits the fair window or was
 * missed is no order.
 */
export function findLiveOrder(fold: Fold, seq: number, personOf: PersonOf): OrderRow | null {
  const projection = PROJECTIONS[fold.rules?.kind ?? ''];
  if (projection === undefined) return null;
  const order = projection.orderRow(fold.state, seq, (name) => personOf(fold.contest, name));
  return order === null || order.status === 'queued' || order.status === 'missed' ? null : order;
}
