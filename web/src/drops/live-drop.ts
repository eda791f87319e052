import type { Drop } from '@dibs/sdk/wire';

/** The live part of a drop, moved on by the facts of the stream. Pure. */

export interface DropFigures {
  readonly status: Drop['status'];
  readonly stock: number;
  readonly sold: number;
  readonly held: number;
  readonly left: number;
  readonly waiting: number;
  readonly queued: number;
  readonly seed: string | null;
}

/** A fact as the stream sends it; which members there are depends on `type`. */
export interface WireFact {
  readonly seq: number;
  readonly at: number;
  readonly type: string;
  readonly order?: number;
  readonly person?: string;
  readonly quantity?: number;
  readonly payBy?: number;
  readonly late?: boolean;
  readonly seed?: string;
  readonly contest?: string;
  readonly refusal?: { readonly code: string };
}

export interface LiveDrop {
  /** Log position of the figures: facts up to it are in them. */
  readonly seq: number;
  readonly figures: DropFigures;
  /** Units by order, of the newest orders that passed by; moved on in place, copying costs more. */
  readonly quantities: Map<number, number>;
  /** An order changed whose units are not known: the figures must be fetched. */
  readonly isUncertain: boolean;
}

/** Remembering more orders costs memory; an unknown one costs a request. */
const ORDERS_REMEMBERED_MAX = 20_000;

/** The position in `epoch:seq`. */
export function seqOf(position: string): number {
  return Number(position.split(':')[1] ?? 0) || 0;
}

export function figuresOf(drop: DropFigures): DropFigures {
  const { status, stock, sold, held, left, waiting, queued, seed } = drop;
  return { status, stock, sold, held, left, waiting, queued, seed };
}

/** Starts anew from figures known to be true at a position. */
export function startLive(figures: DropFigures, seq: number, before?: LiveDrop): LiveDrop {
  return { seq, figures, quantities: before?.quantities ?? new Map(), isUncertain: false };
}

/**
 * Moves on by facts in log order; those the figures hold already are passed over. `quantityMax` 1
 * says how many units an order has that was never seen.
 */
export function applyFacts(
  live: LiveDrop,
  facts: readonly WireFact[],
  quantityMax: number,
): LiveDrop {
  const fresh = facts.filter((fact) => fact.seq > live.seq);
  if (fresh.length === 0) return live;
  const { quantities } = live;
  const units = { ...live.figures };
  let { isUncertain } = live;
  for (const fact of fresh) {
    const quantity = quantityOf(fact, quantities, quantityMax);
    if (quantity === null) isUncertain = true;
    else applyFact(units, fact, quantity);
  }
  for (const order of quantities.keys()) {
    if (quantities.size <= ORDERS_REMEMBERED_MAX) break;
    quantities.delete(order);
  }
  const seq = fresh[fresh.length - 1]?.seq ?? live.seq;
  if (isUncertain) {
    // Half-known units would add up to nonsense: the last true ones stand until they are fetched.
    const { stock, sold, held, left } = live.figures;
    return { seq, figures: { ...units, stock, sold, held, left }, quantities, isUncertain };
  }
  const left = units.stock - units.sold - units.held;
  return { seq, figures: { ...units, left }, quantities, isUncertain };
}

/** Units that a fact moves: its own, its order's, or 0 where it moves none; null: not known. */
function quantityOf(
  fact: WireFact,
  quantities: Map<number, number>,
  quantityMax: number,
): number | null {
  if (fact.quantity !== undefined) {
    if (fact.order !== undefined) quantities.set(fact.order, fact.quantity);
    return fact.quantity;
  }
  if (!['paid', 'expired', 'cancelled'].includes(fact.type)) return 0;
  const known = quantities.get(fact.order ?? 0);
  return known ?? (quantityMax === 1 ? 1 : null);
}

type Figures = { -readonly [Name in keyof DropFigures]: DropFigures[Name] };

function applyFact(units: Figures, fact: WireFact, quantity: number): void {
  switch (fact.type) {
    case 'opened':
      units.status = units.status === 'scheduled' ? 'open' : units.status;
      return;
    case 'paused':
      units.status = 'paused';
      return;
    case 'resumed':
      units.status = 'open';
      return;
    case 'restocked':
      units.stock += quantity;
      return;
    case 'ended':
      units.status = 'ended';
      units.waiting = 0;
      units.queued = 0;
      return;
    case 'queued':
      units.queued += 1;
      return;
    case 'settled':
      units.queued = 0;
      units.seed = fact.seed ?? null;
      return;
    case 'waiting':
      units.waiting += 1;
      return;
    case 'leftWaiting':
      units.waiting = Math.max(0, units.waiting - 1);
      return;
    case 'offered':
      units.waiting = Math.max(0, units.waiting - 1);
      units.held += quantity;
      return;
    case 'claimed':
      units.held += quantity;
      return;
    case 'paid':
      units.sold += quantity;
      if (fact.late !== true) units.held -= quantity;
      return;
    case 'expired':
    case 'cancelled':
      units.held -= quantity;
      return;
    default:
      // `missed`, `refundDue`, `refunded` and facts of later versions move no units.
      return;
  }
}
