import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fairTermsWith, OPENS_AT, PAY_WITHIN_MS, Story, termsWith } from './drop.fixture.ts';
import { evolve } from './evolve.ts';
import type { DropCommand, DropFact, DropTerms } from './types.ts';
import { waitingAhead } from './view.ts';

const wait = (quantity = 1): DropCommand => ({ type: 'wait', quantity });
const claim = (quantity = 1): DropCommand => ({ type: 'claim', quantity });
const LEAVE: DropCommand = { type: 'leave' };
const EXPIRE: DropCommand = { type: 'expire' };

/** A drop whose units `ann` holds, in orders of one unit each. */
function soldOut(units = 2, changes: Partial<DropTerms> = {}): { story: Story; orders: number[] } {
  const story = new Story(termsWith({ stock: units, limitPerPerson: 5, ...changes }));
  const orders: number[] = [];
  for (let unit = 0; unit < units; unit += 1) orders.push(story.claim(`ann${unit}`, 1));
  return { story, orders };
}

const offers = (facts: readonly DropFact[]) =>
  facts.flatMap((fact) => (fact.type === 'offered' ? [[fact.person, fact.quantity]] : []));

describe('joining', () => {
  test('DR17: only where a claim would be sold out', () => {
    const { story } = soldOut();
    const facts = story.done('bob', wait());
    assert.deepEqual(facts, [{ type: 'waiting', order: story.seq, person: 'bob', quantity: 1 }]);
    const open = new Story();
    assert.deepEqual(open.refused('bob', wait()), { code: 'not_sold_out', left: 10 });
  });

  test('DR17: refused in the order of a claim, then by the list', () => {
    const { story } = soldOut(1, { closesAt: OPENS_AT + 100, limitPerPerson: 2 });
    assert.equal(story.refused(null, wait()).code, 'unknown');
    assert.equal(story.refused('bob', wait(9)).code, 'bad_quantity');
    assert.equal(story.refused('ann0', wait(2)).code, 'limit_reached');
    story.done('bob', wait());
    assert.deepEqual(story.refused('bob', wait()), { code: 'already_waiting' });
    story.done('host', { type: 'pause' });
    assert.equal(story.refused('cas', wait()).code, 'paused');
    assert.equal(story.refused('cas', wait(), 100).code, 'ended');
    const early = new Story();
    assert.equal(early.refused('cas', wait(), -1).code, 'not_open');
  });

  test('DR17: the first in line is offered at once what is left', () => {
    const story = new Story(termsWith({ stock: 3 }));
    story.claim('ann', 2);
    const facts = story.done('bob', wait(2), 5);
    assert.deepEqual(facts, [
      { type: 'waiting', order: 3, person: 'bob', quantity: 2 },
      {
        type: 'offered',
        order: 3,
        person: 'bob',
        quantity: 1,
        payBy: OPENS_AT + 5 + PAY_WITHIN_MS,
      },
    ]);
    assert.equal(waitingAhead(story.state, 'bob'), null);
  });

  test('DR17: the list is full at 100,000', () => {
    const { story } = soldOut(1);
    for (let place = 0; place < 100_000; place += 1) {
      evolve(story.state, {
        type: 'waiting',
        order: 100 + place,
        person: `w${place}`,
        quantity: 1,
      });
    }
    assert.deepEqual(story.refused('bob', wait()), { code: 'waiting_full', maximum: 100_000 });
  });
});

describe('offers', () => {
  test('DR13: in the order of joining, as units come back', () => {
    const { story, orders } = soldOut(2);
    for (const person of ['bob', 'cas', 'dan']) story.done(person, wait(), 1);
    const cancelled = story.done('ann0', { type: 'cancel', order: orders[0] ?? 0 }, 2);
    assert.deepEqual(offers(cancelled), [['bob', 1]]);
    const expired = story.done(null, EXPIRE, PAY_WITHIN_MS);
    assert.deepEqual(offers(expired), [['cas', 1]]);
    const restocked = story.done('host', { type: 'restock', quantity: 2 }, PAY_WITHIN_MS);
    assert.deepEqual(offers(restocked), [['dan', 1]]);
    assert.equal(story.left, 1);
  });

  test('DR13: who can be given only a part is offered that part', () => {
    const { story, orders } = soldOut(2);
    story.done('bob', wait(2));
    story.done('cas', wait(2));
    const first = story.done('ann0', { type: 'cancel', order: orders[0] ?? 0 });
    assert.deepEqual(offers(first), [['bob', 1]]);
    const more = story.done('host', { type: 'restock', quantity: 5 });
    assert.deepEqual(offers(more), [['cas', 2]]);
  });

  test('DR13: an offer has its own deadline, and unpaid goes to the next', () => {
    const { story, orders } = soldOut(1);
    story.done('bob', wait());
    story.done('cas', wait());
    const facts = story.done('ann0', { type: 'cancel', order: orders[0] ?? 0 }, 1_000);
    const offer = facts.find(({ type }) => type === 'offered');
    assert.ok(offer?.type === 'offered');
    assert.equal(offer.payBy, OPENS_AT + 1_000 + PAY_WITHIN_MS);
    assert.equal(story.refused(null, EXPIRE, PAY_WITHIN_MS).code, 'nothing_due');
    assert.deepEqual(offers(story.done(null, EXPIRE, 1_000 + PAY_WITHIN_MS)), [['cas', 1]]);
  });

  test('DR13: what a person gives up in the same entry does not count against their offer', () => {
    const story = new Story(termsWith({ stock: 2, limitPerPerson: 3 }));
    const order = story.claim('ann', 2);
    story.done('ann', wait(1));
    const facts = story.done('ann', { type: 'cancel', order });
    assert.deepEqual(offers(facts), [['ann', 1]]);
    assert.equal(story.left, 1);
  });

  test('DR13: what gathers in a pause is offered when it ends', () => {
    const { story, orders } = soldOut(2);
    story.done('bob', wait());
    story.done('cas', wait());
    story.done('host', { type: 'pause' });
    for (const [index, order] of orders.entries()) {
      const facts = story.done(`ann${index}`, { type: 'cancel', order });
      assert.deepEqual(offers(facts), []);
    }
    assert.deepEqual(offers(story.done('host', { type: 'restock', quantity: 1 })), []);
    assert.deepEqual(offers(story.done('host', { type: 'resume' })), [
      ['bob', 1],
      ['cas', 1],
    ]);
    assert.equal(story.left, 1);
  });

  test('DR13: nobody overtakes the line', () => {
    const { story, orders } = soldOut(1);
    story.done('bob', wait());
    story.done('ann0', { type: 'cancel', order: orders[0] ?? 0 });
    assert.deepEqual(story.refused('cas', claim()), { code: 'sold_out', left: 0 });
  });
});

describe('leaving', () => {
  test('DR18: who waits can leave, and is passed over', () => {
    const { story, orders } = soldOut(1);
    story.done('bob', wait());
    story.done('cas', wait());
    story.done('dan', wait());
    assert.deepEqual(story.done('cas', LEAVE), [{ type: 'leftWaiting', order: 4, person: 'cas' }]);
    assert.deepEqual(story.refused('cas', LEAVE), { code: 'not_waiting' });
    assert.equal(waitingAhead(story.state, 'dan'), 1);
    story.done('bob', LEAVE);
    const facts = story.done('ann0', { type: 'cancel', order: orders[0] ?? 0 });
    assert.deepEqual(offers(facts), [['dan', 1]]);
    assert.deepEqual(story.refused(null, LEAVE), { code: 'not_waiting' });
  });

  test('DR18: who reached the limit is taken off the list', () => {
    const { story, orders } = soldOut(1, { limitPerPerson: 1 });
    const given: DropFact[] = [
      { type: 'waiting', order: 50, person: 'bob', quantity: 1 },
      { type: 'waiting', order: 51, person: 'cas', quantity: 1 },
      { type: 'restocked', quantity: 1 },
      { type: 'claimed', order: 52, person: 'bob', quantity: 1, payBy: OPENS_AT + PAY_WITHIN_MS },
    ];
    for (const fact of given) evolve(story.state, fact);
    const facts = story.done('ann0', { type: 'cancel', order: orders[0] ?? 0 });
    assert.deepEqual(facts.slice(1), [
      { type: 'leftWaiting', order: 50, person: 'bob' },
      { type: 'offered', order: 51, person: 'cas', quantity: 1, payBy: OPENS_AT + PAY_WITHIN_MS },
    ]);
  });

  test('DR18: the end of the drop ends the list', () => {
    const { story } = soldOut(1);
    story.done('bob', wait());
    story.done('host', { type: 'end' });
    assert.deepEqual(story.refused('bob', LEAVE), { code: 'not_waiting' });
    assert.equal(story.state.waitingByPerson.size, 0);
  });

  test('DR26: joining and leaving in a loop leaves no trace that grows', () => {
    const { story } = soldOut(1);
    const { state } = story;
    evolve(state, { type: 'waiting', order: 10, person: 'patient', quantity: 1 });
    for (let round = 0; round < 20_000; round += 1) {
      evolve(state, { type: 'waiting', order: 100 + round, person: 'fickle', quantity: 1 });
      evolve(state, { type: 'leftWaiting', order: 100 + round, person: 'fickle' });
    }
    assert.ok(state.waiting.length <= 1_026, `${state.waiting.length} places`);
    assert.equal(waitingAhead(state, 'patient'), 0);
  });

  test('DR26: orders that came and went leave no deadlines that grow', () => {
    const { story } = soldOut(1);
    const { state } = story;
    evolve(state, { type: 'restocked', quantity: 1 });
    for (let order = 100; order < 10_100; order += 1) {
      evolve(state, { type: 'claimed', order, person: 'x', quantity: 1, payBy: OPENS_AT + order });
      if (order === 5_000)
        evolve(state, { type: 'cancelled', order: 2, person: 'ann0', quantity: 1 });
      evolve(state, { type: 'cancelled', order, person: 'x', quantity: 1 });
    }
    assert.ok(state.deadlines.length <= 2_050, `${state.deadlines.length} deadlines`);
  });
});

test('DR17: while a fair window is unsettled nobody can wait', () => {
  const story = new Story(fairTermsWith({ stock: 1 }));
  story.claim('ann', 1, 1);
  assert.deepEqual(story.refused('bob', wait(), 2), { code: 'not_sold_out', left: 1 });
});
