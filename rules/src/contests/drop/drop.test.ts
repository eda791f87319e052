import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isRefusal } from '../contest.ts';
import { decide } from './decide.ts';
import { checkUnits, fairTermsWith, OPENS_AT, SEED, termsWith } from './drop.fixture.ts';
import { evolve, start } from './evolve.ts';
import type { DropCommand, DropFact, DropRefusal, DropState, DropTerms } from './types.ts';
import { due } from './view.ts';

interface Asked {
  readonly person: string | null;
  readonly command: DropCommand;
  /** Milliseconds since the command before. */
  readonly afterMs: number;
}

const person = fc.constantFrom('ann', 'bob', 'cas', 'dan', 'host');
const quantity = fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 1, max: 3 }) }, fc.integer());
const order = fc.integer({ min: 1, max: 40 });
const payment = fc.constantFrom('p1', 'p2', 'p3');
const own: fc.Arbitrary<DropCommand> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ type: fc.constant('claim' as const), quantity }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('wait' as const), quantity }) },
  fc.record({ type: fc.constant('leave' as const) }),
  { weight: 3, arbitrary: fc.record({ type: fc.constant('cancel' as const), order }) },
);
const systems: fc.Arbitrary<DropCommand> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('pay' as const), order, payment }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('refunded' as const), order, payment }) },
  fc.record({ type: fc.constant('settle' as const), seed: fc.constantFrom(SEED, 'wrong') }),
  { weight: 4, arbitrary: fc.record({ type: fc.constantFrom('open', 'expire', 'close') }) },
);
const hosts: fc.Arbitrary<DropCommand> = fc.oneof(
  fc.record({ type: fc.constantFrom('pause' as const, 'resume' as const, 'resume' as const) }),
  fc.record({ type: fc.constant('restock' as const), quantity }),
);
const afterMs = fc.constantFrom(0, 0, 1, 40, 300, 2_000);
const asked: fc.Arbitrary<Asked> = fc.oneof(
  { weight: 160, arbitrary: fc.record({ person, command: own, afterMs }) },
  { weight: 80, arbitrary: fc.record({ person: fc.constant(null), command: systems, afterMs }) },
  { weight: 40, arbitrary: fc.record({ person: fc.constant('host'), command: hosts, afterMs }) },
  fc.record({
    person: fc.constantFrom('host', null),
    command: fc.constant({ type: 'end' as const }),
    afterMs,
  }),
);

const terms: fc.Arbitrary<DropTerms> = fc
  .record({
    stock: fc.integer({ min: 1, max: 6 }),
    limitPerPerson: fc.integer({ min: 1, max: 3 }),
    quantityMax: fc.integer({ min: 1, max: 3 }),
    payWithinMs: fc.constant(5_000),
    price: fc.constantFrom({ amount: 500, currency: 'EUR' }, { amount: 0, currency: 'points' }),
    closesAt: fc.constantFrom(null, null, OPENS_AT + 8_000),
    isFair: fc.boolean(),
  })
  .map(({ isFair, ...changes }) => (isFair ? fairTermsWith(changes) : termsWith(changes)));

interface Played {
  readonly state: DropState;
  readonly decisions: (readonly DropFact[] | DropRefusal)[];
}

/** Plays the commands; after each, `look` sees the state before, what was decided and the state after. */
function play(
  playedTerms: DropTerms,
  story: readonly Asked[],
  look: (state: DropState, decision: readonly DropFact[] | DropRefusal) => void = () => {},
): Played {
  const state = start('drop');
  const decisions: Played['decisions'] = [];
  let at = OPENS_AT - 500;
  const create = { type: 'create', host: 'host', terms: playedTerms } as const;
  const all: Asked[] = [{ person: 'host', command: create, afterMs: 0 }, ...story];
  for (const [index, { person: by, command, afterMs: passed }] of all.entries()) {
    at += passed;
    const decision = decide(state, command, { at, seq: index + 1, person: by });
    decisions.push(decision);
    if (!isRefusal<DropFact, DropRefusal>(decision)) {
      for (const fact of decision) evolve(state, fact);
    }
    look(state, decision);
  }
  return { state, decisions };
}

const stories = fc.array(asked, { maxLength: 120, size: 'max' });

test('DR16: whatever is asked, units are conserved and indexes agree', () => {
  fc.assert(
    fc.property(terms, stories, (playedTerms, story) => {
      play(playedTerms, story, (state) => checkUnits(state));
    }),
    { numRuns: 1_000 },
  );
});

test('DR16: decide leaves the state as it was', () => {
  const freeze = (state: DropState): string =>
    JSON.stringify(state, (_, value) => (value instanceof Map ? ['Map', ...value] : value));
  fc.assert(
    fc.property(terms, stories, asked, (playedTerms, story, last) => {
      const { state } = play(playedTerms, story);
      const before = freeze(state);
      const context = { at: OPENS_AT + 10_000, seq: 999, person: last.person };
      decide(state, last.command, context);
      assert.equal(freeze(state), before);
    }),
    { numRuns: 500 },
  );
});

test('DR16: the line waits only for what is not there', () => {
  fc.assert(
    fc.property(terms, stories, (playedTerms, story) => {
      play(playedTerms, story, (state, decision) => {
        if (isRefusal<DropFact, DropRefusal>(decision) || state.paused) return;
        if (state.phase !== 'open' || state.terms?.closesAt !== null) return;
        const left = state.stock - state.sold - state.held;
        assert.ok(left === 0 || state.waitingByPerson.size === 0, `${left} units lie idle`);
      });
    }),
    { numRuns: 500 },
  );
});

test('DR16: a copied state plays on the same', () => {
  fc.assert(
    fc.property(terms, stories, asked, (playedTerms, story, last) => {
      const { state } = play(playedTerms, story);
      const copy = structuredClone(state);
      const context = { at: OPENS_AT + 10_000, seq: 999, person: last.person };
      const decision = decide(copy, last.command, context);
      assert.deepEqual(decision, decide(state, last.command, context));
      if (isRefusal<DropFact, DropRefusal>(decision)) return;
      for (const fact of decision) {
        evolve(copy, fact);
        evolve(state, fact);
      }
      assert.deepEqual(copy, state);
    }),
    { numRuns: 500 },
  );
});

test('DR24: the clock, left alone, comes to an end with nothing held', () => {
  fc.assert(
    fc.property(terms, stories, (playedTerms, story) => {
      const { state } = play(playedTerms, story);
      let at = OPENS_AT + 120 * 2_000;
      for (let seq = 1_000; ; seq += 1) {
        assert.ok(seq < 1_200, 'the clock does not come to an end');
        const next = due(state);
        if (next === null) break;
        at = Math.max(at, next.at);
        const command =
          next.needsSeed === true ? ({ type: 'settle', seed: SEED } as const) : next.command;
        const decision = decide(state, command, { at, seq, person: null });
        assert.ok(!isRefusal<DropFact, DropRefusal>(decision), `${command.type} was not due`);
        for (const fact of decision) evolve(state, fact);
        checkUnits(state);
      }
      assert.equal(state.held, 0);
      assert.equal(state.queue, null);
    }),
    { numRuns: 500 },
  );
});
