import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fairTermsWith, OPENS_AT, PAY_WITHIN_MS, SEED, Story, termsWith } from './drop.fixture.ts';
import type { DropCommand } from './types.ts';
import { due, statusAt, view, waitingAhead } from './view.ts';

const claim = (quantity = 1): DropCommand => ({ type: 'claim', quantity });
const PAUSE: DropCommand = { type: 'pause' };
const RESUME: DropCommand = { type: 'resume' };
const END: DropCommand = { type: 'end' };
const restock = (quantity: number): DropCommand => ({ type: 'restock', quantity });

describe('the host', () => {
  test('DR19: while paused nothing is claimed, all else goes on', () => {
    const story = new Story();
    const paid = story.claim('ann');
    story.claim('bob');
    assert.deepEqual(story.done('host', PAUSE), [{ type: 'paused' }]);
    assert.deepEqual(story.refused('cas', claim()), { code: 'paused' });
    assert.deepEqual(story.refused('host', PAUSE), { code: 'paused' });
    story.done(null, { type: 'pay', order: paid, payment: 'p' });
    story.done(null, { type: 'expire' }, PAY_WITHIN_MS);
    assert.deepEqual(story.done('host', RESUME), [{ type: 'resumed' }]);
    assert.deepEqual(story.refused('host', RESUME), { code: 'not_paused' });
    story.claim('cas');
  });

  test('DR19: a pause before the opening holds, and the drop is first of all not open', () => {
    const story = new Story();
    story.done('host', PAUSE, -10);
    assert.equal(story.refused('ann', claim(), -5).code, 'not_open');
    assert.equal(story.refused('ann', claim(), 5).code, 'paused');
  });

  test('DR19: a fair window settles in a pause', () => {
    const story = new Story(fairTermsWith());
    const order = story.claim('ann', 1, 1);
    story.done('host', PAUSE, 2);
    story.done(null, { type: 'settle', seed: SEED }, 1_000);
    assert.equal(story.statusOf(order), 'reserved');
  });

  test('DR20: restock adds units to be claimed', () => {
    const story = new Story(termsWith({ stock: 1 }));
    story.claim('ann');
    assert.deepEqual(story.done('host', restock(2)), [{ type: 'restocked', quantity: 2 }]);
    assert.deepEqual([story.state.stock, story.left], [3, 2]);
    story.claim('bob', 2);
  });

  test('DR20: a restock out of range is refused', () => {
    const story = new Story();
    const maximum = 9_999_990;
    for (const quantity of [0, -1, 1.5, maximum + 1, Number.NaN, '1' as unknown as number]) {
      const refusal = story.refused('host', restock(quantity));
      assert.deepEqual(refusal, { code: 'stock_out_of_range', maximum });
    }
    story.done('host', restock(maximum));
    assert.equal(story.refused('host', restock(1)).code, 'stock_out_of_range');
  });

  test('DR21: the host ends it, once', () => {
    const story = new Story();
    story.done('host', PAUSE);
    assert.deepEqual(story.done('host', END), [{ type: 'ended', by: 'host' }]);
    for (const command of [PAUSE, RESUME, restock(1), END]) {
      assert.deepEqual(story.refused('host', command), { code: 'ended' });
    }
    assert.deepEqual(story.refused('ann', claim()), { code: 'ended' });
    assert.equal(story.refused(null, { type: 'close' }).code, 'nothing_due');
  });

  test('DR21: the clock ends it at its closing instant', () => {
    const story = new Story(termsWith({ closesAt: OPENS_AT + 100 }));
    assert.deepEqual(story.refused(null, { type: 'close' }, 99), { code: 'nothing_due' });
    assert.deepEqual(story.done(null, { type: 'close' }, 100), [{ type: 'ended', by: 'clock' }]);
    assert.deepEqual(story.refused(null, { type: 'close' }, 101), { code: 'nothing_due' });
  });

  test('DR21: a drop can end before it opens', () => {
    const story = new Story();
    story.done('host', END, -10);
    assert.equal(story.refused('ann', claim(), -5).code, 'ended');
    assert.equal(story.refused(null, { type: 'open' }, 0).code, 'nothing_due');
    assert.equal(due(story.state), null);
  });

  test('DR22: reserved orders outlive the end', () => {
    const story = new Story(termsWith({ stock: 3 }));
    const orders = [story.claim('ann'), story.claim('bob'), story.claim('cas')];
    story.done('dan', { type: 'wait', quantity: 1 });
    story.done('host', END, 1);
    story.done(null, { type: 'pay', order: orders[0] ?? 0, payment: 'p' }, 2);
    assert.equal(story.done('bob', { type: 'cancel', order: orders[1] ?? 0 }, 3).length, 1);
    assert.equal(story.done(null, { type: 'expire' }, PAY_WITHIN_MS).length, 1);
    assert.deepEqual([story.state.sold, story.state.held, story.left], [1, 0, 2]);
  });

  test('DR23: only the host and the system steer', () => {
    const story = new Story();
    for (const command of [PAUSE, RESUME, restock(1), END]) {
      assert.deepEqual(story.refused('ann', command), { code: 'not_host' });
    }
    story.done(null, PAUSE);
    story.done(null, RESUME);
    story.done(null, restock(1));
    story.done(null, END);
    assert.deepEqual(story.refused('ann', PAUSE), { code: 'not_host' });
  });

  test('DR23: no person says what only the system may', () => {
    const story = new Story();
    const order = story.claim('ann');
    for (const command of [
      { type: 'pay', order, payment: 'p' },
      { type: 'refunded', order, payment: 'p' },
      { type: 'open' },
      { type: 'settle', seed: 's' },
      { type: 'expire' },
      { type: 'close' },
    ] as const) {
      assert.deepEqual(story.refused('ann', command), { code: 'system_only' });
      assert.deepEqual(story.refused('host', command), { code: 'system_only' });
    }
  });

  test('DR23: the system claims, waits and cancels nothing', () => {
    const story = new Story(termsWith({ stock: 1 }));
    const order = story.claim('ann');
    assert.equal(story.refused(null, claim()).code, 'unknown');
    assert.equal(story.refused(null, { type: 'wait', quantity: 1 }).code, 'unknown');
    assert.equal(story.refused(null, { type: 'leave' }).code, 'not_waiting');
    assert.equal(story.refused(null, { type: 'cancel', order }).code, 'unknown_order');
  });
});

test("DR23: what is the system's is not for a person, nor for the host", () => {
  const story = new Story(termsWith({ closesAt: OPENS_AT + 1 }));
  const order = story.claim('ann');
  for (const command of [
    { type: 'pay', order, payment: 'p' },
    { type: 'refunded', order, payment: 'p' },
    { type: 'open' },
    { type: 'settle', seed: SEED },
    { type: 'expire' },
    { type: 'close' },
  ] as const) {
    for (const by of ['ann', 'host']) {
      assert.deepEqual(story.refused(by, command, PAY_WITHIN_MS), { code: 'system_only' });
    }
  }
});

describe('the clock and the view', () => {
  test('DR24: the soonest is due, one after the other', () => {
    const story = new Story(fairTermsWith({ closesAt: OPENS_AT + PAY_WITHIN_MS + 5_000 }));
    const seen: [string, number][] = [];
    const step = (afterOpening: number) => {
      const next = due(story.state);
      if (next === null) return;
      seen.push([next.command.type, next.at - OPENS_AT]);
      const command =
        next.needsSeed === true ? ({ type: 'settle', seed: SEED } as const) : next.command;
      const early = story.refused(null, command, next.at - OPENS_AT - 1);
      assert.equal(early.code, 'nothing_due');
      story.done(null, command, afterOpening);
      assert.equal(story.refused(null, command, afterOpening).code, 'nothing_due');
    };
    step(0);
    story.claim('ann', 1, 1);
    step(1_000);
    step(1_000 + PAY_WITHIN_MS);
    step(PAY_WITHIN_MS + 5_000);
    assert.deepEqual(seen, [
      ['open', 0],
      ['settle', 1_000],
      ['expire', 1_000 + PAY_WITHIN_MS],
      ['close', PAY_WITHIN_MS + 5_000],
    ]);
    assert.equal(due(story.state), null);
  });

  test('DR24: settling comes before a close of the same instant', () => {
    const story = new Story(fairTermsWith({ closesAt: OPENS_AT + 1_000 }));
    story.done(null, { type: 'open' }, 0);
    assert.equal(due(story.state)?.command.type, 'settle');
  });

  test('DR24: before creation nothing is due', () => {
    assert.equal(due({ ...new Story().state, terms: null }), null);
  });

  test('DR25: status, figures, seed and place in line', () => {
    const story = new Story(fairTermsWith({ stock: 3, closesAt: OPENS_AT + 9_000 }));
    const { state } = story;
    assert.equal(statusAt(state, OPENS_AT - 1), 'scheduled');
    story.claim('ann', 2, 1);
    assert.deepEqual(view(state, OPENS_AT + 1), {
      status: 'open',
      stock: 3,
      sold: 0,
      held: 0,
      left: 3,
      waiting: 0,
      queued: 1,
      seed: null,
    });
    story.done(null, { type: 'settle', seed: SEED }, 1_000);
    story.claim('bob', 1, 1_001);
    story.done('cas', { type: 'wait', quantity: 1 }, 1_002);
    story.done('dan', { type: 'wait', quantity: 1 }, 1_003);
    story.done('host', PAUSE, 1_004);
    assert.deepEqual(view(state, OPENS_AT + 1_004), {
      status: 'paused',
      stock: 3,
      sold: 0,
      held: 3,
      left: 0,
      waiting: 2,
      queued: 0,
      seed: SEED,
    });
    assert.equal(waitingAhead(state, 'cas'), 0);
    assert.equal(waitingAhead(state, 'dan'), 1);
    assert.equal(waitingAhead(state, 'eve'), null);
    assert.equal(statusAt(state, OPENS_AT + 9_000), 'ended');
  });
});
