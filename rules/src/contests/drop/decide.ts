import { unreachable } from '../../kernel/assert.ts';
import type { Pseudonym } from '../../kernel/ids.ts';
import { sha256Hex } from '../../kernel/sha256.ts';
import type { Context } from '../contest.ts';
import { orderEntrants } from './fair-window.ts';
import { checkTerms } from './terms.ts';
import {
  DROP_BOUNDS,
  type DropCommand,
  type DropFact,
  type DropOrder,
  type DropRefusal,
  type DropState,
  type DropTerms,
} from './types.ts';

type Decision = readonly DropFact[] | DropRefusal;

/** The verdict on one command; see RULES.md, DR1 and on. Leaves `state` as it is. */
export function decide(state: DropState, command: DropCommand, context: Context): Decision {
  if (command.type === 'create') return create(state, command.host, command.terms);
  const { terms } = state;
  if (terms === null) return { code: 'unknown' };
  if (context.person !== null && SYSTEM_ONLY.has(command.type)) return { code: 'system_only' };
  switch (command.type) {
    case 'claim':
      return claim(state, terms, command.quantity, context);
    case 'wait':
      return wait(state, terms, command.quantity, context);
    case 'leave':
      return leave(state, context);
    case 'cancel':
      return cancel(state, terms, command.order, context);
    case 'pay':
      return pay(state, terms, command.order, command.payment);
    case 'refunded':
      return refunded(state, command.order, command.payment);
    case 'pause':
    case 'resume':
    case 'restock':
    case 'end':
      return steer(state, terms, command, context);
    case 'open':
      return state.phase === 'scheduled' && context.at >= terms.opensAt
        ? [{ type: 'opened' }]
        : { code: 'nothing_due' };
    case 'settle':
      return settle(state, terms, command.seed, context);
    case 'expire':
      return expire(state, terms, context);
    case 'close':
      return state.phase !== 'ended' && terms.closesAt !== null && context.at >= terms.closesAt
        ? end(state, 'clock')
        : { code: 'nothing_due' };
    default:
      return unreachable(command);
  }
}

/** What only the clock and the payments may say. */
const SYSTEM_ONLY: ReadonlySet<DropCommand['type']> = new Set([
  'pay',
  'refunded',
  'open',
  'settle',
  'expire',
  'close',
]);

function create(state: DropState, host: Pseudonym, terms: DropTerms): Decision {
  if (state.terms !== null) return { code: 'already_created' };
  const badTerm = checkTerms(terms);
  if (badTerm !== null) return { code: 'bad_terms', term: badTerm };
  return [{ type: 'created', host, terms }];
}

/** Units free to be claimed. */
export function unitsLeft(state: DropState): number {
  return state.stock - state.sold - state.held;
}

/** When the fair window is over, or null where there is none. */
export function windowEnd(terms: DropTerms): number | null {
  return terms.fairWindowMs === 0 ? null : terms.opensAt + terms.fairWindowMs;
}

/**
 * Whether the drop is over at log time `at`, also where the clock's own entry has yet to say so. A
 * pause, an offer or a restock after that instant would make promises that no claim can keep.
 */
function isOver(state: DropState, terms: DropTerms, at: number): boolean {
  return state.phase === 'ended' || (terms.closesAt !== null && at >= terms.closesAt);
}

/** Refusals that concern the drop's clock and the host's hand, in documented order (DR4). */
function refuseByPhase(state: DropState, terms: DropTerms, at: number): DropRefusal | null {
  if (at < terms.opensAt && state.phase === 'scheduled') {
    return { code: 'not_open', opensAt: terms.opensAt };
  }
  const over = isOver(state, terms, at);
  if (state.paused && !over) return { code: 'paused' };
  return over ? { code: 'ended' } : null;
}

function refuseByQuantity(
  state: DropState,
  terms: DropTerms,
  person: Pseudonym,
  quantity: number,
): DropRefusal | null {
  if (!Number.isInteger(quantity) || quantity < 1 || quantity > terms.quantityMax) {
    return { code: 'bad_quantity', minimum: 1, maximum: terms.quantityMax };
  }
  if ((state.holdings.get(person) ?? 0) + quantity > terms.limitPerPerson) {
    return { code: 'limit_reached', limit: terms.limitPerPerson };
  }
  return null;
}

function claim(state: DropState, terms: DropTerms, quantity: number, context: Context): Decision {
  const { at, seq, person } = context;
  if (person === null) return { code: 'unknown' };
  const refusal =
    refuseByPhase(state, terms, at) ?? refuseByQuantity(state, terms, person, quantity);
  if (refusal !== null) return refusal;
  if (state.queue !== null) {
    const end = windowEnd(terms);
    const inWindow = end !== null && at < end;
    return [{ type: 'queued', order: seq, person, quantity, inWindow, defers: true }];
  }
  const left = unitsLeft(state);
  if (quantity > left) return { code: 'sold_out', left };
  return reserve(terms, { order: seq, person, quantity, at });
}

/** The facts of units going to a person: reserved, and at once paid where nothing is to be paid. */
function reserve(
  terms: DropTerms,
  order: { order: number; person: Pseudonym; quantity: number; at: number; answers?: number },
): DropFact[] {
  const { at, ...rest } = order;
  const facts: DropFact[] = [{ type: 'claimed', ...rest, payBy: at + terms.payWithinMs }];
  if (terms.price.amount === 0) {
    const { order: number, person, quantity, answers } = order;
    const free = { payment: null, late: false } as const;
    const paid = { type: 'paid', order: number, person, quantity, ...free } as const;
    facts.push(answers === undefined ? paid : { ...paid, answers });
  }
  return facts;
}

function wait(state: DropState, terms: DropTerms, quantity: number, context: Context): Decision {
  const { at, seq, person } = context;
  if (person === null) return { code: 'unknown' };
  const refusal =
    refuseByPhase(state, terms, at) ?? refuseByQuantity(state, terms, person, quantity);
  if (refusal !== null) return refusal;
  if (state.waitingByPerson.has(person)) return { code: 'already_waiting' };
  const left = unitsLeft(state);
  if (state.queue !== null || quantity <= left) return { code: 'not_sold_out', left };
  if (state.waitingByPerson.size >= DROP_BOUNDS.waiting.max) {
    return { code: 'waiting_full', maximum: DROP_BOUNDS.waiting.max };
  }
  const facts: DropFact[] = [{ type: 'waiting', order: seq, person, quantity }];
  // Fewer units may be left than this person wants: who is first in line is offered those at once.
  if (left > 0 && state.waitingByPerson.size === 0) {
    facts.push(...offer(terms, { order: seq, person, quantity: left, at }));
  }
  return facts;
}

function leave(state: DropState, context: Context): Decision {
  const { person } = context;
  const order = person === null ? undefined : state.waitingByPerson.get(person);
  if (person === null || order === undefined) return { code: 'not_waiting' };
  return [{ type: 'leftWaiting', order, person }];
}

function cancel(state: DropState, terms: DropTerms, number: number, context: Context): Decision {
  const order = state.orders.get(number);
  if (order === undefined || order.person !== context.person || !isOrder(order)) {
    return { code: 'unknown_order' };
  }
  if (order.status !== 'reserved') return { code: 'not_reserved', status: order.status };
  return [
    { type: 'cancelled', order: number, person: order.person, quantity: order.quantity },
    ...offerUnits(state, terms, { free: order.quantity, at: context.at, returned: [order] }),
  ];
}

/** A claim that is still queued or was missed is no order yet, or never will be. */
function isOrder(order: DropOrder): boolean {
  return order.status !== 'queued' && order.status !== 'missed';
}

/**
 * Money has come. What decides is the log: an order is unpaid until its entry says `expired`, so a
 * payment is in time or late on every process alike (DR10, DR11).
 */
function pay(state: DropState, terms: DropTerms, number: number, payment: string): Decision {
  const order = state.orders.get(number);
  if (order === undefined || !isOrder(order)) return { code: 'unknown_order' };
  const { person, quantity } = order;
  if (order.payment === payment || refundOf(order, payment) !== undefined) return [];
  if (order.status === 'reserved') {
    return [{ type: 'paid', order: number, person, quantity, payment, late: false }];
  }
  const holds = state.holdings.get(person) ?? 0;
  const canGrantAgain =
    order.status === 'expired' &&
    order.quantity <= unitsLeft(state) &&
    state.waitingByPerson.size === 0 &&
    holds + order.quantity <= terms.limitPerPerson;
  if (canGrantAgain)
    return [{ type: 'paid', order: number, person, quantity, payment, late: true }];
  return [{ type: 'refundDue', order: number, person, payment }];
}

function refunded(state: DropState, number: number, payment: string): Decision {
  const order = state.orders.get(number);
  if (order === undefined || !isOrder(order)) return { code: 'unknown_order' };
  const refund = refundOf(order, payment);
  if (refund === undefined) return { code: 'nothing_due' };
  return refund.isDone ? [] : [{ type: 'refunded', order: number, person: order.person, payment }];
}

function refundOf(order: DropOrder, payment: string): { isDone: boolean } | undefined {
  return order.refunds?.find((refund) => refund.payment === payment);
}

function steer(
  state: DropState,
  terms: DropTerms,
  command: DropCommand & { type: 'pause' | 'resume' | 'restock' | 'end' },
  context: Context,
): Decision {
  if (context.person !== null && context.person !== state.host) return { code: 'not_host' };
  if (isOver(state, terms, context.at)) return { code: 'ended' };
  switch (command.type) {
    case 'pause':
      return state.paused ? { code: 'paused' } : [{ type: 'paused' }];
    case 'resume':
      if (!state.paused) return { code: 'not_paused' };
      return [
        { type: 'resumed' },
        ...offerUnits({ ...state, paused: false }, terms, { free: 0, at: context.at }),
      ];
    case 'restock': {
      const maximum = DROP_BOUNDS.stock.max - state.stock;
      const { quantity } = command;
      if (!Number.isInteger(quantity) || quantity < 1 || quantity > maximum) {
        return { code: 'stock_out_of_range', maximum };
      }
      return [
        { type: 'restocked', quantity },
        ...offerUnits(state, terms, { free: quantity, at: context.at }),
      ];
    }
    case 'end':
      return end(state, 'host');
    default:
      return unreachable(command);
  }
}

/** The end: claims that await the fair window are answered, the waiting list is told by `ended`. */
function end(state: DropState, by: 'clock' | 'host'): DropFact[] {
  const facts: DropFact[] = [{ type: 'ended', by }];
  for (const { order } of state.queue ?? []) {
    const { person } = state.orders.get(order) as DropOrder;
    facts.push({ type: 'missed', order, person, answers: order, refusal: { code: 'ended' } });
  }
  return facts;
}

/** The fair window is over: its claims in the seed's order, later ones behind them (DR8). */
function settle(
  state: DropState,
  terms: DropTerms,
  seed: string | undefined,
  context: Context,
): Decision {
  const end = windowEnd(terms);
  const isDue = end !== null && context.at >= end && state.seed === null;
  if (!isDue || seed === undefined || sha256Hex(seed) !== terms.seedHash) {
    return { code: 'nothing_due' };
  }
  const { order, entrantsHash } = orderEntrants(state, seed);
  const facts: DropFact[] = [{ type: 'settled', seed, entrantsHash }];
  let left = unitsLeft(state);
  for (const number of order) {
    const { person, quantity } = state.orders.get(number) as DropOrder;
    if (quantity <= left) {
      left -= quantity;
      const winner = { order: number, person, quantity, at: context.at, answers: number };
      facts.push(...reserve(terms, winner));
    } else {
      const refusal = { code: 'sold_out' as const, left };
      facts.push({ type: 'missed', order: number, person, answers: number, refusal });
    }
  }
  return facts;
}

function expire(state: DropState, terms: DropTerms, context: Context): Decision {
  const facts: DropFact[] = [];
  const returned: DropOrder[] = [];
  let free = 0;
  for (let index = state.deadlinesFrom; index < state.deadlines.length; index += 1) {
    const number = state.deadlines[index] as number;
    const order = state.orders.get(number) as DropOrder;
    if (order.status !== 'reserved') continue;
    if (order.payBy > context.at || returned.length >= DROP_BOUNDS.expirePerEntry.max) break;
    facts.push({ type: 'expired', order: number, person: order.person, quantity: order.quantity });
    returned.push(order);
    free += order.quantity;
  }
  if (facts.length === 0) return { code: 'nothing_due' };
  return [...facts, ...offerUnits(state, terms, { free, at: context.at, returned })];
}

/**
 * Offers what is left plus `free` further units to the waiting list, in order, each at most what they
 * asked for, so that no unit lies idle while somebody waits (DR13). `returned`: the orders that give
 * those units up in the same entry, whose persons may hold that much more.
 */
function offerUnits(
  state: DropState,
  terms: DropTerms,
  units: { free: number; at: number; returned?: readonly DropOrder[] },
): DropFact[] {
  if (state.paused || state.waitingByPerson.size === 0) return [];
  if (isOver(state, terms, units.at)) return [];
  const facts: DropFact[] = [];
  let left = unitsLeft(state) + units.free;
  for (let index = state.waitingFrom; index < state.waiting.length && left > 0; index += 1) {
    const place = state.waiting[index];
    if (place === null || place === undefined) continue;
    const { order, person } = place;
    const holds = (state.holdings.get(person) ?? 0) - unitsOf(units.returned, person);
    const quantity = Math.min(place.quantity, left, terms.limitPerPerson - holds);
    if (quantity < 1) {
      facts.push({ type: 'leftWaiting', order, person });
      continue;
    }
    left -= quantity;
    facts.push(...offer(terms, { order, person, quantity, at: units.at }));
  }
  return facts;
}

function unitsOf(orders: readonly DropOrder[] | undefined, person: Pseudonym): number {
  let units = 0;
  for (const order of orders ?? []) if (order.person === person) units += order.quantity;
  return units;
}

function offer(
  terms: DropTerms,
  place: { order: number; person: Pseudonym; quantity: number; at: number },
): DropFact[] {
  const { at, ...rest } = place;
  const facts: DropFact[] = [{ type: 'offered', ...rest, payBy: at + terms.payWithinMs }];
  if (terms.price.amount === 0) {
    const { order, person, quantity } = place;
    facts.push({ type: 'paid', order, person, quantity, payment: null, late: false });
  }
  return facts;
}
