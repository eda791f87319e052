import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Latencies } from './latencies.ts';

test('quantiles are those of the sorted list', () => {
  fc.assert(
    fc.property(
      fc.array(fc.float({ min: 0, max: 1_000, noNaN: true }), { maxLength: 3_000 }),
      (values) => {
        const latencies = new Latencies();
        for (const value of values) latencies.add(value);
        const { count, p50, p99, max } = latencies.quantiles();
        assert.equal(count, values.length);
        if (values.length === 0) return;
        const within = (bound: number) => values.filter((value) => value <= bound).length;
        assert.ok(within(p50) * 2 >= values.length && values.includes(p50));
        assert.ok(within(p99) * 100 >= values.length * 99 && values.includes(p99));
        assert.equal(max, Math.max(...values));
      },
    ),
  );
});
