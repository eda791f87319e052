import assert from 'node:assert/strict';
import { sha256Hex } from '../../kernel/sha256.ts';
import { isRefusal } from '../contest.ts';
import { decide } from './decide.ts';
import { evolve, start } from './evolve.ts';
import type { DropCommand, DropFact, DropRefusal, DropState, DropTerms } from './types.ts';

export const OPENS_AT = 1_000_000;
export const PAY_WITHIN_MS = 60_000;
export const SEED = 'a seed nobody knew';

export function termsWith(changes: Partial<DropTerms> = {}): DropTerms {
  return {
    rules: 1,
    stock: 10,
    price: { amount: 500, currency: 'EUR' },
    opensAt: OPENS_AT,
    closesAt: null,
    limitPerPerson: 3,
    quantityMax: 2,
    payWithinMs: PAY_WITHIN_MS,
    fairWindowMs: 0,
    seedHash: null,
    ...changes,
  };
}

export function fairTermsWith(changes: Partial<DropTerms> = {}): DropTerms {
  return termsWith({ fairWindowMs: 1_000, seedHash: sha256Hex(SEED), ...changes });
}

/** One command of a story: who, what, and when (milliseconds after the opening). */
export interface Asked {
  readonly by: string | null;
  readonly at: number;
  readonly command: DropCommand;
}

/** A drop played command by command, as a log would: each at the next position. */
export class Story {
  readonly state: DropState = start('drop');
  seq = 0;

  constructor(terms: DropTerms = termsWith(), host = 'host') {
    this.ask(host, { type: 'create', host, terms }, -OPENS_AT);
  }

  /** Decides and evolves; `afterOpening` in milliseconds. */
  ask(
    person: string | null,
    command: DropCommand,
    afterOpening = 0,
  ): readonly DropFact[] | DropRefusal {
    this.seq += 1;
    const before = structuredClone(this.state);
    const context = { at: OPENS_AT + afterOpening, seq: this.seq, person };
    const decision = decide(this.state, command, context);
    assert.deepEqual(this.state, before, 'decide must leave the state as it is');
    if (!isRefusal<DropFact, DropRefusal>(decision)) {
      for (const fact of decision) evolve(this.state, fact);
    }
    checkUnits(this.state);
    return decision;
  }

  /** Asks and expects facts. */
  done(person: string | null, command: DropCommand, afterOpening = 0): readonly DropFact[] {
    const decision = this.ask(person, command, afterOpening);
    if (isRefusal<DropFact, DropRefusal>(decision)) assert.fail(`refused: ${decision.code}`);
    return decision;
  }

  /** Asks and expects a refusal. */
  refused(person: string | null, command: DropCommand, afterOpening = 0): DropRefusal {
    const decision = this.ask(person, command, afterOpening);
    if (!isRefusal<DropFact, DropRefusal>(decision)) {
      assert.fail(`not refused: ${JSON.stringify(decision)}`);
    }
    return decision;
  }

  /** Claims and returns the order's number. */
  claim(person: string, quantity = 1, afterOpening = 0): number {
    this.done(person, { type: 'claim', quantity }, afterOpening);
    return this.seq;
  }

  get left(): number {
    return this.state.stock - this.state.sold - this.state.held;
  }

  statusOf(order: number): string | undefined {
    return this.state.orders.get(order)?.status;
  }
}

/** What must hold of any state, counted anew from the orders (DR16). */
export function checkUnits(state: DropState): void {
  let held = 0;
  let sold = 0;
  const holdings = new Map<string, number>();
  const reserved: number[] = [];
  for (const [number, { status, quantity, person }] of state.orders) {
    if (status === 'reserved') held += quantity;
    if (status === 'reserved') reserved.push(number);
    if (status === 'paid') sold += quantity;
    if (status === 'reserved' || status === 'paid' || status === 'queued') {
      holdings.set(person, (holdings.get(person) ?? 0) + quantity);
    }
  }
  assert.equal(state.held, held, 'held is the sum over reserved orders');
  assert.equal(state.sold, sold, 'sold is the sum over paid orders');
  assert.ok(state.stock - sold - held >= 0, 'no more units than there are');
  const byName = (a: [string, number], b: [string, number]) => (a[0] < b[0] ? -1 : 1);
  assert.deepEqual([...state.holdings].sort(byName), [...holdings].sort(byName));
  for (const [person, units] of holdings) {
    assert.ok(units <= (state.terms?.limitPerPerson ?? 0), `${person} holds ${units}`);
  }
  const live = state.deadlines
    .slice(state.deadlinesFrom)
    .filter((number) => reserved.includes(number));
  assert.deepEqual(
    [...live].sort((a, b) => a - b),
    reserved.sort((a, b) => a - b),
  );
  const deadlines = live.map((number) => state.orders.get(number)?.payBy ?? 0);
  assert.deepEqual(
    deadlines,
    [...deadlines].sort((a, b) => a - b),
    'deadlines stand in order',
  );
  const first = state.deadlines[state.deadlinesFrom];
  assert.ok(first === undefined || state.orders.get(first)?.status === 'reserved');
  const line = state.waiting.slice(state.waitingFrom).filter((place) => place !== null);
  assert.deepEqual(
    line.map(({ person, order }) => [person, order]),
    [...state.waitingByPerson],
    'the line and its index tell the same',
  );
}
