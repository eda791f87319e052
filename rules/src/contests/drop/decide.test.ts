import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isRefusal } from '../contest.ts';
import { decide } from './decide.ts';
import { OPENS_AT, PAY_WITHIN_MS, Story, termsWith } from './drop.fixture.ts';
import { evolve, start } from './evolve.ts';
import type { DropCommand, DropFact, DropRefusal, DropTerms } from './types.ts';

const claim = (quantity = 1): DropCommand => ({ type: 'claim', quantity });

describe('terms and creation', () => {
  const badTerms: [term: string, changes: Partial<DropTerms>][] = [
    ['stock', { stock: 0 }],
    ['stock', { stock: 10_000_001 }],
    ['stock', { stock: 1.5 }],
    ['stock', { stock: Number.NaN }],
    ['price.amount', { price: { amount: -1, currency: 'EUR' } }],
    ['price.amount', { price: { amount: 100_000_000, currency: 'EUR' } }],
    ['price.currency', { price: { amount: 1, currency: 'eur' } }],
    ['opensAt', { opensAt: -1 }],
    ['opensAt', { opensAt: 253_402_300_800_000 }],
    ['closesAt', { closesAt: OPENS_AT }],
    ['closesAt', { closesAt: OPENS_AT + 0.5 }],
    ['closesAt', { closesAt: 253_402_300_800_000 }],
    ['limitPerPerson', { limitPerPerson: 0 }],
    ['limitPerPerson', { limitPerPerson: 1_001 }],
    ['quantityMax', { quantityMax: 0 }],
    ['quantityMax', { quantityMax: 101 }],
    ['payWithinMs', { payWithinMs: 4_999 }],
    ['payWithinMs', { payWithinMs: 7 * 24 * 3_600_000 + 1 }],
    ['fairWindowMs', { fairWindowMs: 99 }],
    ['fairWindowMs', { fairWindowMs: 10_001 }],
    ['seedHash', { fairWindowMs: 1_000 }],
    ['seedHash', { fairWindowMs: 1_000, seedHash: 'ABC' }],
    ['closesAt', { fairWindowMs: 1_000, closesAt: OPENS_AT + 999 }],
  ];
  const context = { at: 0, seq: 1, person: 'host' };

  test('DR1: terms out of bounds are named', () => {
    for (const [term, changes] of badTerms) {
      const create = { type: 'create', host: 'host', terms: termsWith(changes) } as const;
      const decision = decide(start('drop'), create, context);
      assert.deepEqual(decision, { code: 'bad_terms', term }, JSON.stringify(changes));
    }
  });

  test('DR1: terms at their bounds are good', () => {
    const good: Partial<DropTerms>[] = [
      { stock: 1, price: { amount: 0, currency: 'points' }, payWithinMs: 5_000 },
      { stock: 10_000_000, price: { amount: 99_999_999, currency: 'EUR' }, opensAt: 0 },
      { limitPerPerson: 1_000, quantityMax: 100, payWithinMs: 7 * 24 * 3_600_000 },
      { closesAt: OPENS_AT + 1 },
      { fairWindowMs: 100, seedHash: 'a'.repeat(64), closesAt: OPENS_AT + 100 },
      { fairWindowMs: 10_000, seedHash: '0'.repeat(64) },
    ];
    for (const changes of good) {
      const terms = termsWith(changes);
      const decision = decide(start('drop'), { type: 'create', host: 'host', terms }, context);
      assert.deepEqual(decision, [{ type: 'created', host: 'host', terms }]);
    }
  });

  test('DR2: a drop is created once', () => {
    const story = new Story();
    const again = { type: 'create', host: 'other', terms: termsWith({ stock: 5 }) } as const;
    assert.deepEqual(story.refused('other', again), { code: 'already_created' });
    assert.equal(story.state.stock, 10);
    assert.equal(story.state.host, 'host');
  });

  test('DR2: before its creation everything is unknown', () => {
    const commands: DropCommand[] = [
      claim(),
      { type: 'wait', quantity: 1 },
      { type: 'leave' },
      { type: 'cancel', order: 1 },
      { type: 'pay', order: 1, payment: 'p' },
      { type: 'refunded', order: 1, payment: 'p' },
      { type: 'pause' },
      { type: 'resume' },
      { type: 'restock', quantity: 1 },
      { type: 'end' },
      { type: 'open' },
      { type: 'settle', seed: 's' },
      { type: 'expire' },
      { type: 'close' },
    ];
    for (const command of commands) {
      assert.deepEqual(decide(start('drop'), command, context), { code: 'unknown' });
    }
  });
});

describe('phases and refusals', () => {
  test('DR3: the log time decides, not the entries of the clock', () => {
    const story = new Story(termsWith({ closesAt: OPENS_AT + 1_000 }));
    assert.deepEqual(story.refused('ann', claim(), -1), { code: 'not_open', opensAt: OPENS_AT });
    story.claim('ann', 1, 0);
    assert.equal(story.state.phase, 'scheduled');
    story.done(null, { type: 'open' }, 0);
    story.claim('ann', 1, 999);
    assert.deepEqual(story.refused('ann', claim(), 1_000), { code: 'ended' });
    assert.equal(story.state.phase, 'open');
    story.done(null, { type: 'close' }, 1_000);
    assert.deepEqual(story.refused('ann', claim(), 1_000), { code: 'ended' });
  });

  test('DR3: from the closing instant on nothing is offered, joined, paused or restocked', () => {
    const story = new Story(termsWith({ stock: 1, closesAt: OPENS_AT + 1_000 }));
    const order = story.claim('ann');
    story.done('bob', { type: 'wait', quantity: 1 });
    for (const command of [
      { type: 'wait', quantity: 1 },
      { type: 'pause' },
      { type: 'resume' },
      { type: 'restock', quantity: 1 },
      { type: 'end' },
    ] as const) {
      assert.equal(story.refused('host', command, 1_000).code, 'ended', command.type);
    }
    const facts = story.done('ann', { type: 'cancel', order }, 1_000);
    assert.deepEqual(facts, [{ type: 'cancelled', order, person: 'ann', quantity: 1 }]);
  });

  /** Each row has every reason of the rows below it as well, so the first alone must be told. */
  const precedence: [code: string, make: () => { story: Story; by: string | null; at: number }][] =
    [
      ['unknown', () => ({ story: storyWith(['pause']), by: null, at: -1 })],
      ['not_open', () => ({ story: storyWith(['pause']), by: 'ann', at: -1 })],
      ['paused', () => ({ story: storyWith(['pause']), by: 'ann', at: 1 })],
      ['ended', () => ({ story: storyWith(['pause', 'end']), by: 'ann', at: 1 })],
      ['ended', () => ({ story: storyWith(['pause']), by: 'ann', at: 5_000 })],
      ['bad_quantity', () => ({ story: storyWith([]), by: 'ann', at: 1 })],
    ];

  /** Sold out, and `ann` at her limit. */
  function storyWith(commands: ('pause' | 'end')[]): Story {
    const story = new Story(termsWith({ stock: 2, limitPerPerson: 2, closesAt: OPENS_AT + 5_000 }));
    const facts: DropFact[] = [
      { type: 'claimed', order: 90, person: 'ann', quantity: 2, payBy: OPENS_AT + PAY_WITHIN_MS },
    ];
    for (const fact of facts) evolve(story.state, fact);
    for (const type of commands) story.done('host', { type }, -1);
    return story;
  }

  test('DR4: a claim is refused with the first reason in the documented order', () => {
    for (const [code, make] of precedence) {
      const { story, by, at } = make();
      assert.equal(story.refused(by, claim(9), at).code, code);
    }
    const story = storyWith([]);
    const expected: [quantity: number, by: string, refusal: DropRefusal][] = [
      [0, 'ann', { code: 'bad_quantity', minimum: 1, maximum: 2 }],
      [1, 'ann', { code: 'limit_reached', limit: 2 }],
      [1, 'bob', { code: 'sold_out', left: 0 }],
    ];
    for (const [quantity, by, refusal] of expected) {
      assert.deepEqual(story.refused(by, claim(quantity), 1), refusal);
    }
  });

  test('DR4: a quantity of any other shape is bad_quantity, never an error', () => {
    const story = new Story();
    const odd = [-1, 0, 1.5, 3, 1e308, Number.NaN, null, '1', undefined, {}, [1], true];
    for (const quantity of odd) {
      const command = { type: 'claim', quantity } as unknown as DropCommand;
      assert.equal(story.refused('ann', command).code, 'bad_quantity', String(quantity));
    }
  });
});

describe('claims', () => {
  test('DR5: a claim reserves its units until its deadline', () => {
    const story = new Story();
    assert.deepEqual(story.done('ann', claim(2), 7), [
      {
        type: 'claimed',
        person: 'ann',
        order: 2,
        quantity: 2,
        payBy: OPENS_AT + 7 + PAY_WITHIN_MS,
      },
    ]);
    assert.equal(story.state.held, 2);
    assert.equal(story.left, 8);
  });

  test('DR5: all or nothing, down to the last unit', () => {
    const story = new Story(termsWith({ stock: 3 }));
    story.claim('ann', 2);
    assert.deepEqual(story.refused('bob', claim(2)), { code: 'sold_out', left: 1 });
    story.claim('bob', 1);
    assert.deepEqual(story.refused('cas', claim(1)), { code: 'sold_out', left: 0 });
    assert.equal(story.left, 0);
  });

  test('DR6: held and paid count together; what was given back does not', () => {
    const story = new Story(termsWith({ limitPerPerson: 3 }));
    const first = story.claim('ann', 2);
    story.done(null, { type: 'pay', order: first, payment: 'p1' });
    assert.deepEqual(story.refused('ann', claim(2)), { code: 'limit_reached', limit: 3 });
    const second = story.claim('ann', 1);
    assert.equal(story.refused('ann', claim(1)).code, 'limit_reached');
    story.done('ann', { type: 'cancel', order: second });
    story.claim('ann', 1, 5);
    story.done(null, { type: 'expire' }, 5 + PAY_WITHIN_MS);
    story.claim('ann', 1, 6 + PAY_WITHIN_MS);
    assert.equal(story.refused('ann', claim(1), 6 + PAY_WITHIN_MS).code, 'limit_reached');
    story.claim('bob', 2, 6 + PAY_WITHIN_MS);
  });

  test('DR9: what costs nothing is paid at once, offers too', () => {
    const story = new Story(termsWith({ stock: 1, price: { amount: 0, currency: 'EUR' } }));
    const facts = story.done('ann', claim());
    assert.deepEqual(
      facts.map(({ type }) => type),
      ['claimed', 'paid'],
    );
    assert.equal(story.state.sold, 1);
    story.done('bob', { type: 'wait', quantity: 1 });
    const offered = story.done('host', { type: 'restock', quantity: 1 });
    assert.deepEqual(
      offered.map(({ type }) => type),
      ['restocked', 'offered', 'paid'],
    );
    assert.equal(story.state.sold, 2);
    assert.equal(story.statusOf(3), 'paid');
  });
});

test('DR16: decide never throws for any number in place of an order', () => {
  const story = new Story();
  story.claim('ann');
  for (const order of [0, -1, 1.5, Number.NaN, 1e20, 'x', null, undefined]) {
    for (const type of ['cancel', 'pay', 'refunded']) {
      const command = { type, order, payment: 'p' } as unknown as DropCommand;
      const decision = story.ask(type === 'cancel' ? 'ann' : null, command);
      assert.ok(isRefusal<DropFact, DropRefusal>(decision));
      assert.equal(decision.code, 'unknown_order');
    }
  }
});
