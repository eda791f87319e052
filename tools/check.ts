import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { type Counts, countsIn, withoutCounts } from './reporter.ts';
import { endAllPrograms, type ProgramResult, runProgram } from './run-program.ts';
import { openSurroundings, type Surroundings } from './test-surroundings.ts';

/**
 * `npm test`: everything that must hold. `--static` runs only what needs no services, and
 * `--only=unit,e2e` the named steps. The last line is `N passed, N failed, N skipped`.
 *
 * Steps that need no quiet run two at a time; the others (real processes, a real browser) come
 * after them, one by one, so that their time limits measure Dibs and not its neighbours.
 */
interface Step {
  name: string;
  limitMs: number;
  isStatic?: boolean;
  needsQuiet?: boolean;
  /** Undefined: there is nothing to run. */
  run: (context: Context) => Promise<Outcome> | undefined;
}

interface Context {
  environment: NodeJS.ProcessEnv;
  limitMs: number;
}

interface Outcome extends Counts {
  output: string;
}

const root = join(import.meta.dirname, '..');
const minuteMs = 60_000;
const heartbeatMs = 30_000;
/** One test that hangs must not cost the whole step its time, nor hide the others' results. */
const testLimitShare = 0.8;

const steps: Step[] = [
  { name: 'types', limitMs: 4 * minuteMs, isStatic: true, run: checkTypes },
  { name: 'biome', limitMs: minuteMs, isStatic: true, run: checkStyle },
  testStep('tidy', ['server/test/tidy.test.ts'], { limitMs: minuteMs, isStatic: true }),
  testStep('simulator', ['server/test/sim/**/*.test.ts'], { limitMs: 6 * minuteMs }),
  testStep('unit', ['{rules,sdk,server,web}/src/**/*.test.ts', '{tools,bench}/**/*.test.ts'], {
    limitMs: 5 * minuteMs,
  }),
  testStep('contract', ['server/test/contract/**/*.test.ts'], { limitMs: 4 * minuteMs }),
  testStep('documents', ['server/test/docs.test.ts'], { limitMs: minuteMs }),
  { name: 'web build', limitMs: 3 * minuteMs, run: buildWeb },
  testStep('fleet', ['server/test/fleet/**/*.test.ts'], {
    limitMs: 6 * minuteMs,
    needsQuiet: true,
  }),
  testStep('e2e', ['server/test/e2e/**/*.test.ts'], { limitMs: 6 * minuteMs, needsQuiet: true }),
];

let isEnding = false;
const total: Counts = { passed: 0, failed: 0, skipped: 0 };
const flags = process.argv.slice(2);
const only = flags
  .find((flag) => flag.startsWith('--only='))
  ?.slice('--only='.length)
  .split(',');
const unknown = flags.filter((flag) => flag !== '--static' && !flag.startsWith('--only='));
if (unknown.length > 0) {
  console.error(`unknown: ${unknown.join(' ')}; there are --static and --only=STEP,STEP`);
  process.exit(2);
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  // main() then comes to its end by itself and closes what it opened.
  process.on(signal, () => {
    isEnding = true;
    endAllPrograms();
  });
}
await main();

async function main(): Promise<void> {
  const chosen = steps.filter(
    ({ name, isStatic }) =>
      (!flags.includes('--static') || isStatic) && (!only || only.includes(name)),
  );
  const needsServices = chosen.some(({ isStatic }) => !isStatic);
  const surroundings = needsServices ? await openSurroundings() : undefined;
  try {
    if (surroundings) tellMissing(surroundings);
    const environment = surroundings?.environment ?? process.env;
    const parallel = chosen.filter(({ needsQuiet }) => !needsQuiet);
    const runNext = async (): Promise<void> => {
      for (let step = parallel.shift(); step && !isEnding; step = parallel.shift()) {
        await runStep(step, environment);
      }
    };
    await Promise.all([runNext(), runNext()]);
    for (const step of chosen) {
      if (step.needsQuiet && !isEnding) await runStep(step, environment);
    }
  } finally {
    await surroundings?.close();
  }
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  process.exitCode = isEnding ? 130 : total.failed > 0 || total.passed === 0 ? 1 : 0;
}

/** What is missing is a reason to skip on a person's machine and a failure where all is promised. */
function tellMissing({ missing }: Surroundings): void {
  for (const what of missing) {
    console.log(`missing: ${what}; the tests that need it are skipped`);
    if (process.env['CI'] === 'true') total.failed += 1;
  }
}

async function runStep(step: Step, environment: NodeJS.ProcessEnv): Promise<void> {
  const startedAt = performance.now();
  const seconds = () => `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
  const running = step.run({ environment, limitMs: step.limitMs });
  if (!running) return;
  console.log(`… ${step.name}`);
  const heartbeat = setInterval(() => console.log(`… ${step.name} ${seconds()}`), heartbeatMs);
  const { passed, failed, skipped, output } = await running;
  clearInterval(heartbeat);
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
  const skips = skipped > 0 ? `, ${skipped} skipped` : '';
  if (failed > 0) {
    console.log(
      `${output}\n✖ ${step.name}: ${failed} failed, ${passed} passed${skips}, ${seconds()}`,
    );
    return;
  }
  for (const line of output.split('\n')) if (line.startsWith('skipped: ')) console.log(`  ${line}`);
  console.log(`✔ ${step.name}: ${passed} passed${skips}, ${seconds()}`);
}

/** One compilation per tsconfig, two at a time; each counts as one check. */
async function checkTypes(context: Context): Promise<Outcome> {
  const projects = globSync('{.,*}/tsconfig{,.test}.json', { cwd: root }).sort();
  const outcome: Outcome = { passed: 0, failed: 0, skipped: 0, output: '' };
  const compileNext = async (): Promise<void> => {
    for (let project = projects.shift(); project; project = projects.shift()) {
      const compiler = ['node_modules/typescript/bin/tsc', '-p', project];
      const result = await runNode(compiler, context);
      addResult(outcome, result);
    }
  };
  await Promise.all([compileNext(), compileNext()]);
  return outcome;
}

async function checkStyle(context: Context): Promise<Outcome> {
  const outcome: Outcome = { passed: 0, failed: 0, skipped: 0, output: '' };
  const biome = ['node_modules/@biomejs/biome/bin/biome', 'ci', '--colors=off', '.'];
  addResult(outcome, await runNode(biome, context));
  return outcome;
}

function buildWeb(context: Context): Promise<Outcome> | undefined {
  if (!existsSync(join(root, 'web', 'index.html'))) return undefined;
  const outcome: Outcome = { passed: 0, failed: 0, skipped: 0, output: '' };
  return runNode(['bin/build.mjs'], context).then((result) => addResult(outcome, result));
}

function testStep(
  name: string,
  patterns: string[],
  options: { limitMs: number; isStatic?: boolean; needsQuiet?: boolean },
): Step {
  const run = (context: Context) => {
    const found = globSync(patterns, { cwd: root }).filter(
      (path) => !path.includes('node_modules'),
    );
    const files = [...new Set(found)].sort();
    return files.length === 0 ? undefined : runTests(files, context, options.needsQuiet === true);
  };
  return { name, ...options, run };
}

async function runTests(files: string[], context: Context, alone: boolean): Promise<Outcome> {
  const reporter = ['--test-reporter', './tools/reporter.ts', '--test-reporter-destination=stdout'];
  const concurrency = `--test-concurrency=${alone ? 1 : 2}`;
  const limit = `--test-timeout=${Math.round(context.limitMs * testLimitShare)}`;
  const flags = ['--test', concurrency, limit, ...reporter];
  const { code, output } = await runNode([...flags, ...files], context);
  const counts = countsIn(output);
  const shown = withoutCounts(output);
  if (!counts) return { passed: 0, failed: 1, skipped: 0, output: shown };
  // A process that ends badly after its last test has not passed.
  const failed = code !== 0 && counts.failed === 0 ? 1 : counts.failed;
  return { ...counts, failed, output: shown };
}

function runNode(args: string[], { environment, limitMs }: Context): Promise<ProgramResult> {
  return runProgram({ command: process.execPath, args, cwd: root, environment, limitMs });
}

function addResult(outcome: Outcome, { code, output }: ProgramResult): Outcome {
  if (code === 0) outcome.passed += 1;
  else {
    outcome.failed += 1;
    outcome.output += output;
  }
  return outcome;
}
