import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../arena/clock.ts';
import { Pacing } from './pacing.ts';

function burn(ms: number): void {
  const before = process.threadCpuUsage().user;
  while (process.threadCpuUsage().user < before + ms * 1_000);
}

test('a long pass is sliced, and takes no more than its share', async () => {
  let isDone = false;
  const pacing = new Pacing({
    clock: systemClock,
    frameMs: 1,
    share: 0.2,
    *begin() {
      for (let count = 0; count < 60; count += 1) {
        burn(1);
        yield;
      }
      isDone = true;
    },
  });
  let turns = 0;
  pacing.wake();
  while (!isDone) {
    await new Promise((resolve) => setImmediate(resolve));
    turns += 1;
  }
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(turns > 20, `others had ${turns} turns`);
  assert.ok(pacing.workMs >= 60);
  const share = pacing.workMs / pacing.passMs;
  assert.ok(share < 0.3, `a pass took ${share} of the time it lasted`);
  pacing.close();
});

test('wakes share a pass, and passes are a frame apart', async () => {
  const begins: number[] = [];
  const waiting: (() => void)[] = [];
  const pacing = new Pacing({
    clock: systemClock,
    frameMs: 40,
    share: 0.2,
    *begin() {
      begins.push(performance.now());
      if (begins.length === 1) pacing.wake();
      waiting.shift()?.();
      yield;
    },
  });
  const begun = (): Promise<void> => new Promise((resolve) => waiting.push(resolve));
  const passes = [begun(), begun(), begun()];
  const startedAt = performance.now();
  for (let count = 0; count < 100; count += 1) pacing.wake();
  await passes[0];
  await passes[1];
  for (let count = 0; count < 100; count += 1) pacing.wake();
  await passes[2];
  assert.ok((begins[0] ?? 0) - startedAt < 35, 'the first goes at once');
  assert.ok((begins[1] ?? 0) - (begins[0] ?? 0) > 38);
  assert.ok((begins[2] ?? 0) - (begins[1] ?? 0) > 38);
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(begins.length, 3);
  pacing.wake();
  pacing.close();
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.equal(begins.length, 3);
});
