/**
 * Proves that the tests bite: plants one fault after the other into a copy of the sources and plays
 * the simulator, then the tests of rules and arena, until something fails. Exit code 1 where a fault
 * survives. `--only TEXT` plants those whose name contains it, `--seeds N` plays more worlds.
 */
import { spawn } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { PLANTED_FAULTS, type PlantedFault, plant } from './planted-faults.ts';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
/** What the tests below need of the repository. */
const COPIED = [
  'package.json',
  'rules',
  'sdk',
  'server/package.json',
  'server/src',
  'server/test/sim',
];
const WORKSPACES = ['rules', 'sdk', 'server'];
/** A world that does not come to an end is a fault found as well. */
const PATIENCE_MS = 180_000;

interface Caught {
  readonly by: string;
  readonly why: string;
}

const { values } = parseArgs({
  options: { only: { type: 'string', default: '' }, seeds: { type: 'string', default: '400' } },
});
const faults = PLANTED_FAULTS.filter(({ name }) => name.includes(values.only));
// All at once: a text that is no longer there must not cost minutes to be found.
for (const fault of faults) plant(readFileSync(join(ROOT, fault.file), 'utf8'), fault);
const results = new Map<PlantedFault, Caught | null>();
const waiting = [...faults];
const beganAt = performance.now();
await Promise.all(
  Array.from({ length: Math.min(availableParallelism(), 4) }, async () => {
    const tree = copyTree();
    try {
      for (let fault = waiting.shift(); fault !== undefined; fault = waiting.shift()) {
        const caught = await tryFault(tree, fault);
        results.set(fault, caught);
        process.stderr.write(`${caught === null ? 'SURVIVES' : 'caught  '} ${fault.name}\n`);
      }
    } finally {
      rmSync(tree, { recursive: true, force: true });
    }
  }),
);
report();

/** A copy of the sources that shares the installed packages. */
function copyTree(): string {
  const tree = mkdtempSync(join(tmpdir(), 'dibs-planted-'));
  for (const path of COPIED) {
    const filter = (source: string) =>
      !source.split('/').slice(ROOT.split('/').length).includes('node_modules');
    cpSync(join(ROOT, path), join(tree, path), { recursive: true, filter });
  }
  mkdirSync(join(tree, 'node_modules', '@dibs'), { recursive: true });
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (name === '@dibs') continue;
    symlinkSync(join(ROOT, 'node_modules', name), join(tree, 'node_modules', name));
  }
  for (const name of WORKSPACES) {
    symlinkSync(join(tree, name), join(tree, 'node_modules', '@dibs', name));
  }
  return tree;
}

async function tryFault(tree: string, fault: PlantedFault): Promise<Caught | null> {
  const file = join(tree, fault.file);
  const original = readFileSync(file, 'utf8');
  writeFileSync(file, plant(original, fault));
  try {
    return (await simulate(tree)) ?? (await runTests(tree));
  } finally {
    writeFileSync(file, original);
  }
}

async function simulate(tree: string): Promise<Caught | null> {
  const run = join(tree, 'server/test/sim/run.ts');
  const { code, output } = await node(tree, [run, '--count', values.seeds, '--until-failed']);
  if (code === 0) return null;
  const failed = /^seed (\d+): (.*)$/m.exec(output);
  if (failed !== null) return { by: `seed ${failed[1]}`, why: failed[2] ?? '' };
  const lines = output.trim().split('\n');
  const error = lines.find((line) => /^\w*(Error|Bug)\b/.test(line)) ?? lines.at(-1) ?? '';
  return { by: code === null ? 'simulator (no end)' : 'simulator', why: error };
}

async function runTests(tree: string): Promise<Caught | null> {
  const globs = ['rules/src/**/*.test.ts', 'server/src/arena/*.test.ts'];
  const { code, output } = await node(tree, ['--test', '--test-reporter=tap', ...globs]);
  if (code === 0) return null;
  const name = /^\s*not ok \d+ - (?!.*\.test\.ts)(.*)$/m.exec(output)?.[1] ?? 'a test';
  const why = /^\s+error: (.*)$/m.exec(output)?.[1] ?? '';
  return { by: `test "${name}"`, why };
}

/** Runs this runtime on something in the tree; `code` null: it was stopped, it did not end. */
function node(tree: string, args: string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: tree, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-200_000);
      });
    }
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, output });
    });
  });
}

function report(): void {
  const width = Math.max(...faults.map(({ name }) => name.length));
  let survivors = 0;
  for (const fault of faults) {
    const caught = results.get(fault) ?? null;
    if (caught === null) survivors += 1;
    const by = caught === null ? 'SURVIVES' : `${caught.by}: ${caught.why.slice(0, 90)}`;
    process.stdout.write(`${fault.name.padEnd(width)}  ${by}\n`);
  }
  const seconds = ((performance.now() - beganAt) / 1_000).toFixed(0);
  process.stdout.write(`${faults.length} faults, ${survivors} survive, ${seconds} s\n`);
  process.exitCode = survivors > 0 ? 1 : 0;
}
