import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Attempt, Buckets, limitAttempts } from './attempts.ts';
import { PeopleFault } from './faults.ts';
import { RecentMap } from './recent-map.ts';

function makeLimits() {
  const clock = { at: 1_000_000 };
  return { clock, attempts: limitAttempts(() => clock.at) };
}

/** The wait in ms that a try is told, 0 when it may go on. */
function waitOf(attempt: () => unknown): number {
  try {
    attempt();
    return 0;
  } catch (error) {
    assert.ok(error instanceof PeopleFault && error.code === 'rate_limited', String(error));
    assert.ok((error.retryAfterMs ?? 0) > 0);
    return error.retryAfterMs as number;
  }
}

test('PE5: five wrong passwords are free, then the delay doubles up to 15 minutes', () => {
  const { clock, attempts } = makeLimits();
  for (let n = 0; n < 5; n += 1)
    assert.equal(
      waitOf(() => attempts.signIn('anna', '192.0.2.1')),
      0,
    );
  const delays: number[] = [];
  for (let n = 0; n < 14; n += 1) {
    const waitMs = waitOf(() => attempts.signIn('anna', '192.0.2.1'));
    delays.push(waitMs);
    clock.at += waitMs;
    assert.equal(
      waitOf(() => attempts.signIn('anna', '192.0.2.1')),
      0,
      'after the wait one may try',
    );
  }
  assert.deepEqual(delays.slice(0, 5), [1_000, 2_000, 4_000, 8_000, 16_000]);
  assert.equal(delays.at(-1), 15 * 60_000);
});

test('PE5: tries at once count before any has failed', () => {
  const { attempts } = makeLimits();
  const admitted = Array.from({ length: 50 }, () =>
    waitOf(() => attempts.signIn('anna', '192.0.2.1')),
  ).filter((waitMs) => waitMs === 0);
  assert.equal(admitted.length, 5);
});

test('PE6: somebody who guesses at a name does not keep its owner out elsewhere', () => {
  const { attempts } = makeLimits();
  for (let n = 0; n < 500; n += 1) waitOf(() => attempts.signIn('anna', '198.51.100.7'));
  assert.equal(
    waitOf(() => attempts.signIn('anna', '192.0.2.1')),
    0,
  );
});

test('PE6: guessers with many addresses are slowed by name, its owner at home is not', () => {
  const { clock, attempts } = makeLimits();
  attempts.signIn('anna', '192.0.2.1').succeeded();
  let admitted = 0;
  for (let n = 0; n < 10_000; n += 1) {
    const address = `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`;
    if (waitOf(() => attempts.signIn('anna', address)) === 0) admitted += 1;
  }
  assert.equal(admitted, 30);
  assert.equal(
    waitOf(() => attempts.signIn('anna', '192.0.2.1')),
    0,
    'at home',
  );
  const waitMs = waitOf(() => attempts.signIn('anna', '203.0.113.9'));
  assert.ok(
    waitMs > 0 && waitMs <= 5_000,
    `at a new place the wait is ${waitMs} ms, never for good`,
  );
  clock.at += waitMs;
  assert.equal(
    waitOf(() => attempts.signIn('anna', '203.0.113.9')),
    0,
  );
});

test('PE6: one address cannot try a password on many names', () => {
  const { attempts } = makeLimits();
  let admitted = 0;
  for (let n = 0; n < 1_000; n += 1) {
    if (waitOf(() => attempts.signIn(`name ${n}`, '192.0.2.1')) === 0) admitted += 1;
  }
  assert.equal(admitted, 60);
});

test('PE6: a stadium behind one address signs in, since good tries are given back', () => {
  const { attempts } = makeLimits();
  for (let n = 0; n < 5_000; n += 1) attempts.signIn(`name ${n}`, '192.0.2.1').succeeded();
});

test('PE5: a good sign-in forgets the failures before it', () => {
  const { attempts } = makeLimits();
  const tries: Attempt[] = [];
  for (let n = 0; n < 4; n += 1) tries.push(attempts.signIn('anna', '192.0.2.1'));
  attempts.signIn('anna', '192.0.2.1').succeeded();
  for (let n = 0; n < 5; n += 1)
    assert.equal(
      waitOf(() => attempts.signIn('anna', '192.0.2.1')),
      0,
    );
});

test('PE5: a try that the server was too busy for does not count', () => {
  const { attempts } = makeLimits();
  for (let n = 0; n < 100; n += 1) attempts.signIn('anna', '192.0.2.1').cancelled();
  assert.equal(
    waitOf(() => attempts.signIn('anna', '192.0.2.1')),
    0,
  );
});

test('PE6: the 2^64 addresses of one IPv6 network are one', () => {
  const { attempts } = makeLimits();
  let admitted = 0;
  for (let n = 0; n < 100; n += 1) {
    if (waitOf(() => attempts.register(`2001:db8:1:2::${n.toString(16)}`)) === 0) admitted += 1;
  }
  assert.equal(admitted, 60);
  assert.equal(
    waitOf(() => attempts.register('2001:db8:1:3::1')),
    0,
  );
  assert.equal(
    waitOf(() => attempts.register('::ffff:192.0.2.1')),
    0,
  );
});

test('PE6: registrations and confirmations are limited', () => {
  const { attempts } = makeLimits();
  const registered = Array.from({ length: 200 }, () =>
    waitOf(() => attempts.register('192.0.2.1')),
  );
  assert.equal(registered.filter((waitMs) => waitMs === 0).length, 60);
  const confirmed = Array.from({ length: 20 }, () => waitOf(() => attempts.confirm('person')));
  assert.equal(confirmed.filter((waitMs) => waitMs === 0).length, 5);
});

test('PE6: what is remembered is bounded, whatever comes in', () => {
  const map = new RecentMap<number>(100);
  for (let n = 0; n < 10_000; n += 1) {
    map.set(`key ${n}`, n);
    map.set('used all the time', (map.get('used all the time') ?? 0) + 1);
    assert.ok(map.size <= 100);
  }
  assert.equal(map.get('used all the time'), 10_000);
  assert.equal(map.get('key 0'), undefined);
});

test('PE6: a bucket fills up with time, and not beyond its size', () => {
  let at = 0;
  const bucket = new Buckets(() => at, { capacity: 2, refillMs: 100 });
  assert.deepEqual(
    [1, 2, 3].map(() => bucket.take('a', [])),
    [0, 0, 100],
  );
  at += 50;
  assert.equal(bucket.take('a', []), 50);
  at += 100_000;
  assert.deepEqual(
    [1, 2, 3].map(() => bucket.take('a', [])),
    [0, 0, 100],
  );
  at -= 1_000_000; // a clock that jumps back gives nothing away and takes nothing
  assert.equal(bucket.take('a', []), 100);
});
