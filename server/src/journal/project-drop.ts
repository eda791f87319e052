import type { DropFact, DropState } from '@dibs/rules/contests/drop/types.ts';
import { due, statusAt } from '@dibs/rules/contests/drop/view.ts';
import { times } from '@dibs/rules/kernel/money.ts';
import type { KindProjection } from './projection.ts';
import type { OrderRow } from './store.ts';

/** How a drop becomes rows: its figures, and one row per order. */
export const dropProjection: KindProjection = {
  orderOf(fact) {
    const { type, order } = fact as DropFact & { order?: number };
    if (order === undefined) return null;
    const isOrder = type !== 'waiting' && type !== 'leftWaiting' && type !== 'queued';
    return isOrder && type !== 'missed' ? order : null;
  },

  summarise(state, at, personOf) {
    const drop = state as DropState;
    const { terms } = drop;
    return {
      host: drop.host === null ? null : personOf(drop.host),
      status: statusAt(drop, at),
      opensAt: terms?.opensAt ?? null,
      closesAt: terms?.closesAt ?? null,
      price: terms?.price ?? { amount: 0, currency: '' },
      stock: drop.stock,
      sold: drop.sold,
      held: drop.held,
      waiting: drop.waitingByPerson.size,
      terms: terms ?? {},
      dueAt: due(drop)?.at ?? null,
    };
  },

  orderRow(state, seq, personOf): OrderRow | null {
    const drop = state as DropState;
    const order = drop.orders.get(seq);
    if (order === undefined || drop.terms === null) return null;
    const { amount, currency } = times(drop.terms.price, order.quantity);
    return {
      seq,
      person: personOf(order.person),
      quantity: order.quantity,
      amount,
      currency,
      status: order.status,
      createdAt: order.payBy - drop.terms.payWithinMs,
      payBy: order.payBy,
      payment: order.payment,
    };
  },

  allOrders(state) {
    const drop = state as DropState;
    const seqs: number[] = [];
    for (const [seq, { status }] of drop.orders) {
      if (status !== 'queued' && status !== 'missed') seqs.push(seq);
    }
    return seqs;
  },
};
