import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createServerClock } from './server-clock.ts';

/** A device whose wall clock is off, and a server that is so far away. */
class World {
  steady = 1_000;
  wallOffset = 5_000;
  readonly serverOffset = 1_790_000_000_000;
  readonly delays: [thereMs: number, backMs: number][];
  calls = 0;

  constructor(delays: [number, number][]) {
    this.delays = delays;
  }

  readonly clock = createServerClock({
    steadyNow: () => this.steady,
    wallNow: () => this.steady + this.wallOffset,
    time: async () => {
      const [there, back] = this.delays[this.calls % this.delays.length] as [number, number];
      this.calls += 1;
      this.steady += there;
      const epochMs = this.truth;
      this.steady += back;
      return { now: '', epochMs };
    },
  });

  get truth(): number {
    return this.steady + this.serverOffset;
  }
}

test('the narrowest sample counts, and its error is bounded by half its round trip', async () => {
  const world = new World([
    [300, 20],
    [10, 14],
    [200, 200],
  ]);
  assert.equal(world.clock.errorMs, Number.POSITIVE_INFINITY);
  assert.equal(world.clock.now(), world.steady + world.wallOffset);
  await world.clock.sync();
  assert.equal(world.calls, 5);
  assert.equal(world.clock.now() - world.truth, -2);
  assert.ok(world.clock.errorMs >= 12 && world.clock.errorMs < 13);
  assert.equal(Math.round(world.clock.offsetMs), world.serverOffset - 2 - world.wallOffset);
});

test('the estimate is never off by more than it says', async () => {
  const delay = fc.tuple(fc.nat(3_000), fc.nat(3_000));
  const delays = fc.array(delay, { minLength: 1, maxLength: 7 });
  await fc.assert(
    fc.asyncProperty(delays, fc.array(fc.nat(600_000), { maxLength: 4 }), async (list, pauses) => {
      const world = new World(list);
      await world.clock.sync();
      for (const pause of pauses) {
        world.steady += pause;
        await world.clock.sync();
        assert.ok(Math.abs(world.clock.now() - world.truth) <= world.clock.errorMs + 1e-6);
      }
    }),
  );
});

test('after the device has slept, or its clock was set, old samples do not count', async () => {
  const world = new World([[1, 1]]);
  await world.clock.sync();
  world.wallOffset += 60_000;
  world.delays.splice(0, 1, [100, 100]);
  await world.clock.sync();
  assert.ok(world.clock.errorMs >= 100);
  assert.equal(world.clock.now(), world.truth);
});

test('a sync fails only where not one sample came', async () => {
  const failure = new Error('no connection');
  let calls = 0;
  const clock = createServerClock({
    time: async () => {
      calls += 1;
      if (calls === 1 || calls === 3) throw failure;
      return { now: '', epochMs: 1 };
    },
  });
  await assert.rejects(clock.sync(), failure);
  await clock.sync();
  assert.ok(Number.isFinite(clock.errorMs));
  const stop = new AbortController();
  stop.abort(failure);
  await assert.rejects(
    createServerClock({ time: ({ signal }) => Promise.reject(signal?.reason) }).sync(stop.signal),
    failure,
  );
});
