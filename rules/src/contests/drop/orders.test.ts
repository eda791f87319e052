import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { OPENS_AT, PAY_WITHIN_MS, Story, termsWith } from './drop.fixture.ts';
import { evolve } from './evolve.ts';
import type { DropCommand } from './types.ts';

const pay = (order: number, payment = 'p1'): DropCommand => ({ type: 'pay', order, payment });
const cancel = (order: number): DropCommand => ({ type: 'cancel', order });
const refunded = (order: number, payment = 'p1'): DropCommand => ({
  type: 'refunded',
  order,
  payment,
});
const EXPIRE: DropCommand = { type: 'expire' };

describe('payment', () => {
  test('DR10: a payment keeps the units', () => {
    const story = new Story();
    const order = story.claim('ann', 2);
    assert.deepEqual(story.done(null, pay(order)), [
      { type: 'paid', order, person: 'ann', quantity: 2, payment: 'p1', late: false },
    ]);
    assert.deepEqual([story.state.sold, story.state.held, story.left], [2, 0, 8]);
  });

  test('DR10: before its expiry stands in the log, a payment is in time', () => {
    const story = new Story();
    const order = story.claim('ann');
    story.done(null, pay(order), PAY_WITHIN_MS + 5_000);
    assert.equal(story.statusOf(order), 'paid');
    assert.deepEqual(story.refused(null, EXPIRE, PAY_WITHIN_MS + 5_001), { code: 'nothing_due' });
  });

  test('DR10: the same payment again changes nothing', () => {
    const story = new Story();
    const order = story.claim('ann');
    story.done(null, pay(order));
    assert.deepEqual(story.done(null, pay(order)), []);
    assert.equal(story.state.sold, 1);
  });

  test('DR10: nobody can pay for an order that is none', () => {
    const story = new Story();
    assert.deepEqual(story.refused(null, pay(99)), { code: 'unknown_order' });
  });

  function expired(stock = 10): { story: Story; order: number } {
    const story = new Story(termsWith({ stock }));
    const order = story.claim('ann', 2);
    story.done(null, EXPIRE, PAY_WITHIN_MS);
    return { story, order };
  }

  test('DR11: granted again where units are left', () => {
    const { story, order } = expired();
    assert.deepEqual(story.done(null, pay(order), PAY_WITHIN_MS + 1), [
      { type: 'paid', order, person: 'ann', quantity: 2, payment: 'p1', late: true },
    ]);
    assert.deepEqual([story.state.sold, story.state.held, story.left], [2, 0, 8]);
    assert.deepEqual(story.done(null, pay(order), PAY_WITHIN_MS + 2), []);
  });

  test('DR11: refunded where too few units are left', () => {
    const { story, order } = expired(3);
    story.claim('bob', 2, PAY_WITHIN_MS);
    const facts = story.done(null, pay(order), PAY_WITHIN_MS + 1);
    assert.deepEqual(facts, [{ type: 'refundDue', order, person: 'ann', payment: 'p1' }]);
    assert.equal(story.statusOf(order), 'refunding');
  });

  test('DR11: refunded where somebody waits', () => {
    const { story, order } = expired(2);
    const held = story.claim('bob', 2, PAY_WITHIN_MS);
    story.done('cas', { type: 'wait', quantity: 1 }, PAY_WITHIN_MS);
    story.done('host', { type: 'pause' }, PAY_WITHIN_MS);
    story.done('bob', cancel(held), PAY_WITHIN_MS);
    assert.equal(story.left, 2);
    assert.equal(story.done(null, pay(order), PAY_WITHIN_MS)[0]?.type, 'refundDue');
  });

  test('DR11: refunded where the person holds too much by now', () => {
    const { story, order } = expired();
    story.claim('ann', 2, PAY_WITHIN_MS);
    assert.equal(story.done(null, pay(order), PAY_WITHIN_MS)[0]?.type, 'refundDue');
  });

  test('DR11: granted again after the end', () => {
    const { story, order } = expired();
    story.done('host', { type: 'end' }, PAY_WITHIN_MS);
    assert.equal(story.done(null, pay(order), PAY_WITHIN_MS)[0]?.type, 'paid');
  });
});

describe('refunds', () => {
  test('DR12: a second payment goes back, the order stays paid', () => {
    const story = new Story();
    const order = story.claim('ann');
    story.done(null, pay(order, 'p1'));
    const facts = story.done(null, pay(order, 'p2'));
    assert.deepEqual(facts, [{ type: 'refundDue', order, person: 'ann', payment: 'p2' }]);
    assert.deepEqual(story.done(null, pay(order, 'p2')), [], 'promised once');
    assert.equal(story.statusOf(order), 'paid');
    assert.equal(story.done(null, refunded(order, 'p2'))[0]?.type, 'refunded');
    assert.deepEqual(story.done(null, refunded(order, 'p2')), []);
    assert.deepEqual(story.done(null, pay(order, 'p2')), []);
    assert.equal(story.statusOf(order), 'paid');
  });

  test('DR12: money for a free order goes back', () => {
    const story = new Story(termsWith({ price: { amount: 0, currency: 'EUR' } }));
    const order = story.claim('ann');
    assert.equal(story.done(null, pay(order))[0]?.type, 'refundDue');
    assert.equal(story.statusOf(order), 'paid');
  });

  test('DR12: money for a cancelled order goes back, though units are left', () => {
    const story = new Story();
    const order = story.claim('ann');
    story.done('ann', cancel(order));
    assert.equal(story.done(null, pay(order))[0]?.type, 'refundDue');
    assert.equal(story.statusOf(order), 'refunding');
    assert.deepEqual(story.done(null, pay(order)), []);
    story.done(null, pay(order, 'p2'));
    story.done(null, refunded(order, 'p2'));
    assert.equal(story.statusOf(order), 'refunding');
    story.done(null, refunded(order, 'p1'));
    assert.equal(story.statusOf(order), 'refunded');
    assert.deepEqual([story.state.sold, story.state.held], [0, 0]);
  });

  test('DR12: a refund that nobody owes is nothing_due', () => {
    const story = new Story();
    const order = story.claim('ann');
    assert.deepEqual(story.refused(null, refunded(order)), { code: 'nothing_due' });
    story.done(null, pay(order));
    assert.deepEqual(story.refused(null, refunded(order)), { code: 'nothing_due' });
    assert.deepEqual(story.refused(null, refunded(77)), { code: 'unknown_order' });
  });
});

describe('cancellation and expiry', () => {
  test('DR14: the units come back', () => {
    const story = new Story();
    const order = story.claim('ann', 2);
    assert.deepEqual(story.done('ann', cancel(order)), [
      { type: 'cancelled', order, person: 'ann', quantity: 2 },
    ]);
    assert.deepEqual([story.state.held, story.left], [0, 10]);
  });

  test("DR14: somebody else's order is unknown", () => {
    const story = new Story();
    const order = story.claim('ann');
    for (const by of ['bob', 'host', null]) {
      assert.deepEqual(story.refused(by, cancel(order)), { code: 'unknown_order' });
    }
  });

  test('DR14: what is not reserved cannot be cancelled, and says what it is', () => {
    const story = new Story();
    const order = story.claim('ann');
    story.done('ann', cancel(order));
    assert.deepEqual(story.refused('ann', cancel(order)), {
      code: 'not_reserved',
      status: 'cancelled',
    });
    const paid = story.claim('ann');
    story.done(null, pay(paid));
    assert.deepEqual(story.refused('ann', cancel(paid)), { code: 'not_reserved', status: 'paid' });
  });

  test('DR14: also while paused and after the end', () => {
    const story = new Story();
    const first = story.claim('ann');
    const second = story.claim('ann');
    story.done('host', { type: 'pause' });
    story.done('ann', cancel(first));
    story.done('host', { type: 'end' });
    story.done('ann', cancel(second));
    assert.equal(story.left, 10);
  });

  test('DR15: from the deadline on, in the order of deadlines', () => {
    const story = new Story();
    const first = story.claim('ann', 1, 0);
    const second = story.claim('bob', 1, 10);
    const third = story.claim('cas', 1, 20);
    story.done('bob', cancel(second), 20);
    assert.deepEqual(story.refused(null, EXPIRE, PAY_WITHIN_MS - 1), { code: 'nothing_due' });
    assert.deepEqual(story.done(null, EXPIRE, PAY_WITHIN_MS), [
      { type: 'expired', order: first, person: 'ann', quantity: 1 },
    ]);
    assert.deepEqual(story.refused(null, EXPIRE, PAY_WITHIN_MS), { code: 'nothing_due' });
    assert.deepEqual(story.done(null, EXPIRE, PAY_WITHIN_MS + 20), [
      { type: 'expired', order: third, person: 'cas', quantity: 1 },
    ]);
  });

  test('DR15: at most 1,000 in one entry, the rest in the next', () => {
    const story = new Story(termsWith({ stock: 1_500 }));
    for (let order = 2; order < 1_502; order += 1) {
      const person = `p${order}`;
      const payBy = OPENS_AT + PAY_WITHIN_MS;
      evolve(story.state, { type: 'claimed', order, person, quantity: 1, payBy });
    }
    story.seq = 2_000;
    assert.equal(story.done(null, EXPIRE, PAY_WITHIN_MS).length, 1_000);
    assert.equal(story.done(null, EXPIRE, PAY_WITHIN_MS).length, 500);
    assert.equal(story.left, 1_500);
  });

  test('DR16: units return once, cancelled or expired, never both', () => {
    const story = new Story();
    const order = story.claim('ann', 2);
    story.done('ann', cancel(order), 1);
    assert.deepEqual(story.refused(null, EXPIRE, PAY_WITHIN_MS), { code: 'nothing_due' });
    const other = story.claim('ann', 2, 2);
    story.done(null, EXPIRE, PAY_WITHIN_MS + 2);
    assert.equal(story.refused('ann', cancel(other), PAY_WITHIN_MS + 3).code, 'not_reserved');
    assert.equal(story.left, 10);
  });

  test('DR16: a fact that would make units vanish or appear stops the replica', () => {
    const story = new Story(termsWith({ stock: 1 }));
    const order = story.claim('ann');
    story.done('ann', cancel(order));
    const bugs = [
      { type: 'cancelled', order, person: 'ann', quantity: 1 },
      { type: 'expired', order, person: 'ann', quantity: 1 },
      { type: 'paid', order, person: 'ann', quantity: 1, payment: 'p', late: false },
      { type: 'paid', order, person: 'ann', quantity: 1, payment: 'p', late: true },
      { type: 'claimed', order, person: 'ann', quantity: 1, payBy: 0 },
      { type: 'claimed', order: 50, person: 'ann', quantity: 2, payBy: 0 },
      { type: 'expired', order: 51, person: 'ann', quantity: 1 },
    ] as const;
    for (const fact of bugs) {
      assert.throws(() => evolve(structuredClone(story.state), fact), { name: 'Bug' });
    }
  });
});
