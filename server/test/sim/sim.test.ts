import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { type PlayedSeed, playSeeds } from './play-seeds.ts';
import { simulate } from './simulation.ts';

/** How many worlds are played; `SIMULATION_SEEDS=20000 npm test` plays more. */
const COUNT = Number(process.env['SIMULATION_SEEDS'] ?? 2_000);
const FROM = Number(process.env['SIMULATION_FROM'] ?? 1);
const KEPT_FILE = new URL('./kept-seeds.json', import.meta.url);

/** Seeds that failed once: they are played for good. */
const kept = JSON.parse(readFileSync(KEPT_FILE, 'utf8')) as { seed: number; failed: string }[];

test('a seed replays exactly', async () => {
  for (const seed of [1, 2, 3, 5, 8, 13]) {
    const [one, other] = [await simulate(seed), await simulate(seed, { keepStory: true })];
    assert.equal(one.traceHash, other.traceHash, `seed ${seed} told another story`);
    assert.equal(one.events, other.events);
    assert.ok((other.story?.length ?? 0) > 50);
    const next = await simulate(seed + 1_000_000);
    assert.notEqual(next.traceHash, one.traceHash);
  }
});

test('seeds that failed before hold', async () => {
  check(await playSeeds(kept.map(({ seed }) => seed)));
});

test(`${COUNT} worlds from seed ${FROM} on hold what is promised`, async (context) => {
  const beganAt = performance.now();
  const results = await playSeeds(Array.from({ length: COUNT }, (_, index) => FROM + index));
  const seconds = (performance.now() - beganAt) / 1_000;
  context.diagnostic(`${(COUNT / seconds).toFixed(1)} seeds/s`);
  check(results);
  assert.equal(results.length, COUNT);
  // Worlds in which nothing happens would prove nothing.
  const total = (name: keyof PlayedSeed['figures']) =>
    results.reduce((sum, { figures }) => sum + figures[name], 0) / COUNT;
  assert.ok(total('accepted') > 20, `${total('accepted')} accepted per world`);
  assert.ok(total('refused') > 50, `${total('refused')} refused per world`);
  assert.ok(total('repeats') > 10, `${total('repeats')} repeats per world`);
  assert.ok(total('died') > 0.5, `${total('died')} died with their process per world`);
  assert.ok(total('offers') > 0.5, `${total('offers')} offers per world`);
  assert.ok(total('settled') > 0.2, `${total('settled')} windows settled per world`);
});

/** Fails with the failed seeds, and keeps them. */
function check(results: readonly PlayedSeed[]): void {
  const failed = results.filter(({ contradictions }) => contradictions.length > 0);
  if (failed.length === 0) return;
  failed.sort((a, b) => a.seed - b.seed);
  const news = failed.slice(0, 5).filter(({ seed }) => !kept.some((other) => other.seed === seed));
  for (const { seed, contradictions } of news) {
    kept.push({ seed, failed: contradictions[0]?.slice(0, 120) ?? '' });
  }
  writeFileSync(KEPT_FILE, `${JSON.stringify(kept, null, 2)}\n`);
  const lines = failed.map(({ seed, contradictions }) => `seed ${seed}: ${contradictions[0]}`);
  assert.fail(
    `${failed.length} seeds failed; see one by\n` +
      `  node server/test/sim/run.ts --seed ${failed[0]?.seed} --trace\n${lines.slice(0, 20).join('\n')}`,
  );
}
