import { Bug, unreachable } from '../../kernel/assert.ts';
import type { Pseudonym } from '../../kernel/ids.ts';
import { unitsLeft, windowEnd } from './decide.ts';
import type { DropFact, DropOrder, DropState, DropTerms } from './types.ts';

export function start(id: string): DropState {
  return {
    id,
    terms: null,
    host: null,
    phase: 'scheduled',
    paused: false,
    stock: 0,
    sold: 0,
    held: 0,
    orders: new Map(),
    holdings: new Map(),
    deadlines: [],
    deadlinesFrom: 0,
    queue: null,
    seed: null,
    waiting: [],
    waitingFrom: 0,
    waitingByPerson: new Map(),
  };
}

/** Moves `state` on by one fact, in place. Asserts after each that no unit appeared or vanished. */
export function evolve(state: DropState, fact: DropFact): void {
  apply(state, fact);
  const left = unitsLeft(state);
  if (left < 0 || state.held < 0 || state.sold < 0) {
    throw new Bug(
      `after ${fact.type}: stock ${state.stock}, sold ${state.sold}, held ${state.held}, ` +
        `left ${left}; each must be at least 0`,
    );
  }
}

function apply(state: DropState, fact: DropFact): void {
  switch (fact.type) {
    case 'created':
      create(state, fact.host, fact.terms);
      return;
    case 'opened':
      state.phase = 'open';
      return;
    case 'paused':
      state.paused = true;
      return;
    case 'resumed':
      state.paused = false;
      return;
    case 'restocked':
      state.stock += fact.quantity;
      return;
    case 'ended':
      end(state);
      return;
    case 'settled':
      state.seed = fact.seed;
      state.queue = null;
      return;
    case 'waiting':
      state.waiting.push({ order: fact.order, person: fact.person, quantity: fact.quantity });
      state.waitingByPerson.set(fact.person, fact.order);
      return;
    case 'leftWaiting':
      leaveWaiting(state, fact.order, fact.person);
      return;
    default:
      applyToOrder(state, fact);
      return;
  }
}

type OrderFact = Extract<
  DropFact,
  {
    type:
      | 'queued'
      | 'claimed'
      | 'missed'
      | 'paid'
      | 'expired'
      | 'cancelled'
      | 'refundDue'
      | 'refunded'
      | 'offered';
  }
>;

function applyToOrder(state: DropState, fact: OrderFact): void {
  switch (fact.type) {
    case 'queued': {
      const { order, person, quantity } = fact;
      state.orders.set(order, { person, quantity, status: 'queued', payBy: 0, payment: null });
      state.queue?.push({ order, inWindow: fact.inWindow });
      changeHoldings(state, person, quantity);
      return;
    }
    case 'claimed':
    case 'offered':
      reserve(state, fact);
      return;
    case 'missed': {
      const order = orderOf(state, fact.order);
      changeHoldings(state, order.person, -order.quantity);
      order.status = 'missed';
      return;
    }
    case 'paid':
      pay(state, orderOf(state, fact.order), fact.payment, fact.late);
      return;
    case 'expired':
    case 'cancelled':
      giveBack(state, orderOf(state, fact.order), fact.type);
      return;
    case 'refundDue': {
      const order = orderOf(state, fact.order);
      order.refunds ??= [];
      order.refunds.push({ payment: fact.payment, isDone: false });
      // Money that came twice goes back; the order stays what its first payment made it.
      if (order.status !== 'expired' && order.status !== 'cancelled') return;
      order.status = 'refunding';
      order.payment = fact.payment;
      return;
    }
    case 'refunded': {
      const order = orderOf(state, fact.order);
      const refund = order.refunds?.find(({ payment }) => payment === fact.payment);
      if (refund !== undefined) refund.isDone = true;
      if (order.status === 'refunding' && order.payment === fact.payment) order.status = 'refunded';
      return;
    }
    default:
      unreachable(fact);
  }
}

function create(state: DropState, host: Pseudonym, terms: DropTerms): void {
  state.terms = terms;
  state.host = host;
  state.stock = terms.stock;
  state.queue = windowEnd(terms) === null ? null : [];
}

function end(state: DropState): void {
  state.phase = 'ended';
  state.paused = false;
  state.queue = null;
  state.waiting = [];
  state.waitingFrom = 0;
  state.waitingByPerson.clear();
}

function orderOf(state: DropState, number: number): DropOrder {
  const order = state.orders.get(number);
  if (order === undefined)
    throw new Bug(`order ${number} is not among ${state.orders.size} orders`);
  return order;
}

function changeHoldings(state: DropState, person: Pseudonym, by: number): void {
  const units = (state.holdings.get(person) ?? 0) + by;
  if (units < 0) throw new Bug(`holdings of a person went to ${units}; at least 0`);
  if (units === 0) state.holdings.delete(person);
  else state.holdings.set(person, units);
}

function reserve(state: DropState, fact: OrderFact & { type: 'claimed' | 'offered' }): void {
  const { order: number, person, quantity, payBy } = fact;
  const known = state.orders.get(number);
  if (known !== undefined && known.status !== 'queued') throw new Bug(`order ${number} exists`);
  if (known === undefined) changeHoldings(state, person, quantity);
  if (fact.type === 'offered') leaveWaiting(state, number, person);
  state.orders.set(number, { person, quantity, status: 'reserved', payBy, payment: null });
  state.deadlines.push(number);
  state.held += quantity;
}

function pay(state: DropState, order: DropOrder, payment: string | null, late: boolean): void {
  if (order.status !== (late ? 'expired' : 'reserved')) throw new Bug(`paid: ${order.status}`);
  if (late) changeHoldings(state, order.person, order.quantity);
  else state.held -= order.quantity;
  state.sold += order.quantity;
  order.status = 'paid';
  order.payment = payment;
  forgetDeadlines(state);
}

function giveBack(state: DropState, order: DropOrder, status: 'expired' | 'cancelled'): void {
  if (order.status !== 'reserved') throw new Bug(`${status}: ${order.status}; only reserved`);
  order.status = status;
  state.held -= order.quantity;
  changeHoldings(state, order.person, -order.quantity);
  forgetDeadlines(state);
}

/** Steps over the front deadlines that no longer matter; drops them for good now and then. */
function forgetDeadlines(state: DropState): void {
  const { deadlines } = state;
  while (state.deadlinesFrom < deadlines.length) {
    const number = deadlines[state.deadlinesFrom] as number;
    if (state.orders.get(number)?.status === 'reserved') break;
    state.deadlinesFrom += 1;
  }
  if (state.deadlinesFrom > COMPACT_AT && state.deadlinesFrom * 2 > deadlines.length) {
    state.deadlines = deadlines.slice(state.deadlinesFrom);
    state.deadlinesFrom = 0;
  }
}

/** How many dead entries a queue's front may gather before it is cut: copying sooner costs more. */
const COMPACT_AT = 1_024;

function leaveWaiting(state: DropState, number: number, person: Pseudonym): void {
  state.waitingByPerson.delete(person);
  const { waiting } = state;
  for (let index = state.waitingFrom; index < waiting.length; index += 1) {
    if (waiting[index]?.order !== number) continue;
    waiting[index] = null;
    break;
  }
  while (state.waitingFrom < waiting.length && waiting[state.waitingFrom] === null) {
    state.waitingFrom += 1;
  }
  // Places left anywhere count, not only the front's: who joins and leaves in a loop behind a patient
  // first in line would make the list grow without end.
  if (waiting.length > COMPACT_AT && waiting.length > state.waitingByPerson.size * 2) {
    state.waiting = waiting.filter((place) => place !== null);
    state.waitingFrom = 0;
  }
}
