import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyFacts, type DropFigures, seqOf, startLive, type WireFact } from './live-drop.ts';

const FIGURES: DropFigures = {
  status: 'scheduled',
  stock: 10,
  sold: 0,
  held: 0,
  left: 10,
  waiting: 0,
  queued: 0,
  seed: null,
};

function fact(seq: number, type: string, members: Partial<WireFact> = {}): WireFact {
  return { seq, at: seq, type, ...members };
}

test('facts move the figures, and stock = sold + held + left', () => {
  const steps: [WireFact, Partial<DropFigures>][] = [
    [fact(2, 'opened'), { status: 'open' }],
    [fact(3, 'claimed', { order: 3, quantity: 4 }), { held: 4, left: 6 }],
    [fact(4, 'claimed', { order: 4, quantity: 6 }), { held: 10, left: 0 }],
    [fact(5, 'waiting', { order: 5, quantity: 2 }), { waiting: 1 }],
    [fact(6, 'paid', { order: 3, late: false }), { sold: 4, held: 6, left: 0 }],
    [fact(7, 'expired', { order: 4 }), { held: 0, left: 6 }],
    [fact(7, 'offered', { order: 5, quantity: 2 }), { held: 2, left: 4, waiting: 0 }],
    [fact(8, 'paid', { order: 4, late: true }), { sold: 10, held: 2, left: -2 }],
    [fact(9, 'restocked', { quantity: 5 }), { stock: 15, left: 3 }],
    [fact(10, 'paused'), { status: 'paused' }],
    [fact(11, 'resumed'), { status: 'open' }],
    [fact(12, 'cancelled', { order: 5 }), { held: 0, left: 5 }],
    [fact(13, 'ended'), { status: 'ended', waiting: 0 }],
  ];
  let live = startLive(FIGURES, 1);
  let expected = FIGURES;
  for (let index = 0; index < steps.length; index += 1) {
    const [step, change] = steps[index] as [WireFact, Partial<DropFigures>];
    // Facts of one entry come in one call, as the stream delivers them.
    const isSecondOfEntry = step.type === 'offered';
    if (isSecondOfEntry) continue;
    const next = steps[index + 1]?.[0];
    const together = next !== undefined && next.seq === step.seq ? [step, next] : [step];
    live = applyFacts(live, together, 10);
    expected = { ...expected, ...change };
    if (together.length === 2) expected = { ...expected, ...steps[index + 1]?.[1] };
    assert.deepEqual(live.figures, expected, step.type);
  }
  assert.equal(live.isUncertain, false);
});

test('the fair window queues, then settles', () => {
  let live = startLive({ ...FIGURES, status: 'open' }, 1);
  live = applyFacts(live, [fact(2, 'queued', { order: 2, quantity: 1 })], 1);
  live = applyFacts(live, [fact(3, 'queued', { order: 3, quantity: 1 })], 1);
  assert.equal(live.figures.queued, 2);
  assert.equal(live.figures.left, 10);
  live = applyFacts(
    live,
    [
      fact(4, 'settled', { seed: 'ab' }),
      fact(4, 'claimed', { order: 3, quantity: 1 }),
      fact(4, 'missed', { order: 2 }),
    ],
    1,
  );
  assert.deepEqual([live.figures.queued, live.figures.held, live.figures.seed], [0, 1, 'ab']);
});

test('facts that the figures hold already do not count twice', () => {
  const live = startLive({ ...FIGURES, held: 1, left: 9 }, 5);
  assert.equal(applyFacts(live, [fact(5, 'claimed', { order: 5, quantity: 1 })], 1), live);
});

test('an order never seen has one unit where one is the most, else it must be asked for', () => {
  const live = startLive({ ...FIGURES, held: 3, left: 7 }, 5);
  const one = applyFacts(live, [fact(6, 'expired', { order: 2 })], 1);
  assert.deepEqual([one.figures.held, one.isUncertain], [2, false]);
  const several = applyFacts(live, [fact(6, 'expired', { order: 2 })], 4);
  assert.deepEqual([several.figures.held, several.isUncertain], [3, true]);
  const together = [
    fact(6, 'cancelled', { order: 2 }),
    fact(6, 'offered', { order: 4, quantity: 1 }),
  ];
  const half = applyFacts(live, [...together, fact(7, 'paused')], 4);
  assert.deepEqual([half.figures.left, half.figures.status], [7, 'paused']);
  assert.equal(startLive(FIGURES, 7, several).isUncertain, false);
});

test('a position says its entry', () => {
  assert.equal(seqOf('2:17'), 17);
  assert.equal(seqOf(''), 0);
});
