/**
 * Plays seeds by hand: `node server/test/sim/run.ts --seed 7 --trace` tells the story of one,
 * `--from 1 --count 500` plays many in this thread, `--until-failed` stops at the first that fails.
 */
import { parseArgs } from 'node:util';
import { simulate } from './simulation.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    from: { type: 'string', default: '1' },
    count: { type: 'string', default: '100' },
    trace: { type: 'boolean', default: false },
    'until-failed': { type: 'boolean', default: false },
  },
});

const first = Number(values.seed ?? values.from);
const count = values.seed === undefined ? Number(values.count) : 1;
const beganAt = performance.now();
const totals: Record<string, number> = {};
let failed = 0;
for (let seed = first; seed < first + count; seed += 1) {
  const result = await simulate(seed, { keepStory: values.trace });
  for (const line of result.story ?? []) process.stdout.write(`${line}\n`);
  for (const [name, value] of Object.entries({ ...result.figures, events: result.events })) {
    totals[name] = (totals[name] ?? 0) + value;
  }
  if (result.contradictions.length === 0) continue;
  failed += 1;
  process.stdout.write(`seed ${seed}: ${result.contradictions.slice(0, 5).join('\n  ')}\n`);
  if (values['until-failed']) break;
}
const seconds = (performance.now() - beganAt) / 1_000;
process.stdout.write(`${JSON.stringify(totals)}\n`);
process.stdout.write(`${count} seeds, ${failed} failed, ${(count / seconds).toFixed(1)} seeds/s\n`);
process.exitCode = failed > 0 ? 1 : 0;
