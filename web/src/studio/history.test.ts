import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addSample, SAMPLES_MAX, type Sample, tableRows } from './history.ts';

function record(count: number, everyMs: number): readonly Sample[] {
  let samples: readonly Sample[] = [];
  for (let index = 0; index < count; index += 1) {
    const units = { left: 100_000 - index, held: index, sold: 0 };
    samples = addSample(samples, units, index * everyMs);
  }
  return samples;
}

test('a storm is thinned, and its last figures are always there', () => {
  const samples = record(1_000, 1);
  assert.ok(samples.length < 12, `${samples.length} samples for one second`);
  assert.equal(samples.at(-1)?.held, 999);
  assert.equal(samples[0]?.held, 0);
});

test('a long watch is bounded and keeps its beginning and its end', () => {
  const samples = record(3 * SAMPLES_MAX, 1_000);
  assert.ok(samples.length <= SAMPLES_MAX);
  assert.equal(samples[0]?.at, 0);
  assert.equal(samples.at(-1)?.held, 3 * SAMPLES_MAX - 1);
  for (let index = 1; index < samples.length; index += 1) {
    assert.ok((samples[index] as Sample).at > (samples[index - 1] as Sample).at);
  }
});

test('the table has the newest first, the first last, and no row without news', () => {
  const rows = tableRows(record(100, 1_000), 5);
  assert.equal(rows.length, 5);
  assert.equal(rows[0]?.held, 99);
  assert.equal(rows.at(-1)?.held, 0);
  const still = [1, 2, 3].map((at) => ({ at, left: 1, held: 0, sold: 0 }));
  assert.equal(tableRows(still, 5).length, 1);
});
