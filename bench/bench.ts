import { parseArgs } from 'node:util';
import { type ClosedLoopReport, runClosedLoop } from './closed-loop.ts';
import { CONTENDERS, type Contender, type ContenderName, openContender } from './contenders.ts';
import { awaitQuiet, measureTree } from './processes.ts';
import { describeMachine, formatTable, median, writeSection } from './results.ts';

/**
 * `npm run bench`: Dibs and the references, one after another in each round, so that whatever else
 * the machine does meets all alike. Figure: operations per CPU-second over all processes of a
 * server, its database included, the generator excluded.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    connections: { type: 'string', default: '256' },
    people: { type: 'string', default: '50000' },
    only: { type: 'string', default: CONTENDERS.join(',') },
    'dry-run': { type: 'boolean', default: false },
  },
});

const rounds = readNumber('rounds', 1, 50);
const seconds = readNumber('seconds', 1, 60);
const connections = readNumber('connections', 1, 2_000);
const people = readNumber('people', 1_000, 50_000);
const names = values.only.split(',') as ContenderName[];
const warmUpClaims = 5_000;
const quietLimitMs = 15_000;

type ScenarioName = 'accepted claims' | 'sold-out answers';

interface Sample {
  readonly perCpuSecond: number;
  /** With what the server does behind the answers until it is quiet: rows, archive, snapshots. */
  readonly perCpuSecondAfterwards: number;
  readonly perSecond: number;
  readonly p99: number;
  readonly operations: number;
}

const targets: readonly (readonly [ScenarioName, ContenderName, number])[] = [
  ['accepted claims', 'R1', 2],
  ['accepted claims', 'R2', 15],
  ['accepted claims', 'R3', 35],
  ['sold-out answers', 'R4', 0.6],
];

function readNumber(
  name: 'rounds' | 'seconds' | 'connections' | 'people',
  low: number,
  high: number,
) {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value >= low && value <= high) return value;
  throw new Error(
    `--${name} is ${values[name]}, but must be a whole number from ${low} to ${high}`,
  );
}

/** One run: a fresh drop, the loop, the CPU before and after, and the check of the books. */
async function measure(contender: Contender, scenario: ScenarioName): Promise<Sample> {
  const isAccepted = scenario === 'accepted claims';
  const stock = isAccepted ? 10_000_000 : 1;
  const drop = await contender.createDrop(stock);
  if (!isAccepted) await sellOut(contender, drop);
  await awaitQuiet(contender.pid, quietLimitMs);
  const before = measureTree(contender.pid);
  const report = await runClosedLoop({
    url: contender.url,
    drop,
    // Whoever has the one unit would be told something else.
    tokens: isAccepted ? contender.tokens : contender.tokens.slice(1),
    connections,
    seconds,
    isEndless: !isAccepted,
  });
  const after = measureTree(contender.pid);
  await contender.catchUp();
  const quiet = await awaitQuiet(contender.pid, quietLimitMs);
  await check({ contender, drop, stock, report, isAccepted });
  const { operations, latency } = report;
  return {
    perCpuSecond: operations / (after.cpuSeconds - before.cpuSeconds),
    perCpuSecondAfterwards: operations / (quiet.cpuSeconds - before.cpuSeconds),
    perSecond: operations / report.seconds,
    p99: latency.p99,
    operations,
  };
}

async function sellOut(contender: Contender, drop: string): Promise<void> {
  const { answers } = await runClosedLoop({
    url: contender.url,
    drop,
    tokens: contender.tokens.slice(0, 1),
    connections: 1,
    seconds: 5,
    isEndless: false,
  });
  if (answers['201'] !== 1) throw new Error(`${contender.name}: ${JSON.stringify(answers)}`);
}

/** Every run ends with this: only the expected answers, and the books hold exactly what was told. */
async function check(run: {
  contender: Contender;
  drop: string;
  stock: number;
  report: ClosedLoopReport;
  isAccepted: boolean;
}): Promise<void> {
  const { contender, drop, stock, report, isAccepted } = run;
  const { answers, operations } = report;
  const expected = isAccepted ? '201' : '409 sold_out';
  const accepted = isAccepted ? operations : 1;
  const { units, claims } = await contender.count(drop);
  const isRight =
    answers[expected] === operations && units === accepted && claims === accepted && units <= stock;
  if (isRight) return;
  throw new Error(
    `${contender.name}: ${JSON.stringify(answers)}, ${units} units and ${claims} claims recorded, ` +
      `${accepted} acknowledged of a stock of ${stock}`,
  );
}

async function warmUp(contender: Contender): Promise<void> {
  for (const stock of [10_000_000, 1]) {
    await runClosedLoop({
      url: contender.url,
      drop: await contender.createDrop(stock),
      tokens: contender.tokens.slice(0, warmUpClaims),
      connections,
      seconds,
      isEndless: false,
    });
  }
}

type Samples = Map<ScenarioName, Map<ContenderName, Sample[]>>;

async function run(): Promise<Samples> {
  const contenders: Contender[] = [];
  const samples: Samples = new Map([
    ['accepted claims', new Map()],
    ['sold-out answers', new Map()],
  ]);
  try {
    for (const name of names) contenders.push(await openContender(name, people));
    for (const contender of contenders) await warmUp(contender);
    for (let round = 0; round < rounds; round += 1) {
      for (const [scenario, byName] of samples) {
        for (let turn = 0; turn < contenders.length; turn += 1) {
          // Each round begins with another one.
          const contender = contenders[(turn + round) % contenders.length] as Contender;
          const sample = await measure(contender, scenario);
          const list = byName.get(contender.name) ?? [];
          list.push(sample);
          byName.set(contender.name, list);
          const figures = `${sample.perCpuSecond.toFixed(0)} per CPU-second`;
          const rest = `${sample.perSecond.toFixed(0)}/s, p99 ${sample.p99.toFixed(1)} ms`;
          console.error(`round ${round + 1} ${scenario} ${contender.name}: ${figures}, ${rest}`);
        }
      }
    }
  } finally {
    for (const contender of contenders) await contender.close();
  }
  return samples;
}

function tell(samples: Samples): { text: string; isReached: boolean } {
  const parts: string[] = [];
  for (const [scenario, byName] of samples) {
    const rows = [...byName].map(([name, list]) => {
      const per = list.map(({ perCpuSecond }) => perCpuSecond);
      const afterwards = list.map(({ perCpuSecondAfterwards }) => perCpuSecondAfterwards);
      return [
        name,
        median(per).toFixed(0),
        `${Math.min(...per).toFixed(0)} to ${Math.max(...per).toFixed(0)}`,
        median(afterwards).toFixed(0),
        median(list.map(({ perSecond }) => perSecond)).toFixed(0),
        median(list.map(({ p99 }) => p99)).toFixed(1),
      ];
    });
    const head = ['', 'per CPU-second', 'spread', 'until quiet', 'per second', 'p99 ms'];
    parts.push(`### ${scenario}\n\n${formatTable(head, rows)}`);
  }
  const { rows, isReached } = holdAgainstTargets(samples);
  if (rows.length > 0) {
    const head = ['', 'target', 'measured', 'until quiet', ''];
    parts.push(`### Against the targets\n\n${formatTable(head, rows)}`);
  }
  return { text: parts.join('\n\n'), isReached };
}

/** Dibs' median over the reference's, as measured until the last answer, and until quiet. */
function holdAgainstTargets(samples: Samples): { rows: string[][]; isReached: boolean } {
  const rows: string[][] = [];
  let isReached = true;
  for (const [scenario, name, target] of targets) {
    const own = samples.get(scenario)?.get('Dibs');
    const other = samples.get(scenario)?.get(name);
    if (own === undefined || other === undefined) continue;
    const ratio = (figure: (sample: Sample) => number): number =>
      median(own.map(figure)) / median(other.map(figure));
    const measured = ratio(({ perCpuSecond }) => perCpuSecond);
    const afterwards = ratio(({ perCpuSecondAfterwards }) => perCpuSecondAfterwards);
    if (measured < target) isReached = false;
    rows.push([
      `${scenario}, Dibs / ${name}`,
      `${target}x`,
      `${measured.toFixed(2)}x`,
      `${afterwards.toFixed(2)}x`,
      measured < target ? 'missed' : 'reached',
    ]);
  }
  return { rows, isReached };
}

const samples = await run();
const { text, isReached } = tell(samples);
const command = `npm run bench -- --rounds ${rounds} --seconds ${seconds}`;
const intro =
  `Closed loop, ${connections} connections, ${rounds} rounds of ${seconds} s, medians. R1: Redis-Lua, ` +
  'AOF always. R2: one SQL statement per claim. R3: SELECT FOR UPDATE. R4: bare node:http. ' +
  '"Until quiet" also counts what a server does behind its answers (rows, archive, snapshots).';
console.log(`${describeMachine()}\n\n${text}`);
if (!values['dry-run']) {
  writeSection({ title: 'Cost per operation', command, body: `${intro}\n\n${text}` });
}
process.exitCode = isReached ? 0 : 1;
