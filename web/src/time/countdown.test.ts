import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countdownDigits, countdownParts, crossedThreshold, nextTickMs } from './countdown.ts';

test('each threshold is reached once, on its instant', () => {
  const spoken: number[] = [];
  for (let left = 310_000; left > -2000; left -= 100) {
    const crossed = crossedThreshold(left, left - 100);
    if (crossed !== null) spoken.push(crossed);
  }
  assert.deepEqual(spoken, [300, 60, 30, 10, 5]);
  assert.equal(crossedThreshold(60_000, 59_900), null);
  assert.equal(crossedThreshold(60_001, 60_000), 60);
});

test('a tab that slept hears only the last threshold it missed', () => {
  assert.equal(crossedThreshold(400_000, 4000), 5);
  assert.equal(crossedThreshold(400_000, -5), null);
  assert.equal(crossedThreshold(-5, -10), null);
});

test('the display is rounded up and fine at the end', () => {
  const digits = (ms: number) => countdownDigits(countdownParts(ms));
  assert.equal(digits(-50), '0.0');
  assert.equal(digits(1), '0.1');
  assert.equal(digits(9_999), '10.0');
  assert.equal(digits(9_400), '9.4');
  assert.equal(digits(10_000), '00:10');
  assert.equal(digits(10_001), '00:11');
  assert.equal(digits(309_000), '05:09');
  assert.equal(digits(2 * 3_600_000 + 309_000), '2:05:09');
  assert.deepEqual(countdownParts(90_061_000), {
    days: 1,
    hours: 1,
    minutes: 1,
    seconds: 1,
    tenths: null,
  });
});

test('between two changes of the display nothing is drawn', () => {
  assert.equal(nextTickMs(12_345), 345);
  assert.equal(nextTickMs(12_000), 1000);
  assert.equal(nextTickMs(9_999), 0);
});
