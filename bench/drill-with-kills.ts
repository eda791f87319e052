import { parseArgs } from 'node:util';
import { type DrillOutcome, runDrill } from '../server/src/rehearsal/drill.ts';
import { formatTable, writeSection } from './results.ts';
import { ServerProcess } from './server-process.ts';

/**
 * The drill against a server of its own: once undisturbed, once killed (-9) in the middle of the
 * storm, twice by default, and started again. What was acknowledged before a kill must be there
 * after it, and nobody's repeat may win twice.
 */
const { values } = parseArgs({
  options: {
    people: { type: 'string', default: '20000' },
    stock: { type: 'string', default: '1000' },
    requests: { type: 'string', default: '60000' },
    rate: { type: 'string', default: '4000' },
    streams: { type: 'string', default: '0' },
    kills: { type: 'string', default: '2' },
    seed: { type: 'string', default: '1' },
    'only-kills': { type: 'boolean', default: false },
    'dry-run': { type: 'boolean', default: false },
  },
});

const kills = Number(values.kills);
const requests = Number(values.requests);
const rate = Number(values.rate);
const stormMs = (requests / rate) * 1_000;
/** The first kill meets the rush for the units, the others what follows. */
const firstKillMs = 150;

async function hold(
  server: ServerProcess,
  token: string,
  killCount: number,
): Promise<DrillOutcome> {
  let killing: Promise<void> = Promise.resolve();
  const outcome = await runDrill({
    url: server.url,
    people: Number(values.people),
    stock: Number(values.stock),
    requests,
    rate,
    streams: Number(values.streams),
    connectionsMax: 512,
    patienceMs: 120_000,
    access: { token },
    expectOutages: killCount > 0,
    keep: false,
    seed: Number(values.seed),
    onStorm: () => {
      killing = killAndRestart(server, killCount);
    },
  });
  await killing;
  return outcome;
}

async function killAndRestart(server: ServerProcess, count: number): Promise<void> {
  for (let kill = 0; kill < count; kill += 1) {
    const pauseMs = kill === 0 ? firstKillMs : (stormMs * 0.6) / count;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    await server.kill();
    const killedAt = performance.now();
    await server.start();
    console.error(`killed and back after ${(performance.now() - killedAt).toFixed(0)} ms`);
  }
}

function row(name: string, { report, units, contradictionCount }: DrillOutcome): string[] {
  const { overall } = report;
  const claims = report.latency['claim'];
  return [
    name,
    String(report.sent),
    String(report.answered),
    String(report.unanswered),
    String(report.connectionErrors),
    String(report.serverErrors),
    `${units.sold} + ${units.held} + ${units.left}`,
    String(contradictionCount),
    `${claims?.p50.toFixed(1)} / ${claims?.p99.toFixed(1)} / ${claims?.p999.toFixed(1)}`,
    overall.max.toFixed(0),
  ];
}

const head = [
  '',
  'sent',
  'answered',
  'unanswered',
  'lost connections',
  '5xx',
  'sold + held + left',
  'contradictions',
  'claim p50/p99/p99.9 ms',
  'max ms',
];

const server = await ServerProcess.start();
const rows: string[][] = [];
try {
  const token = await server.makeAdmin();
  for (const killCount of values['only-kills'] ? [kills] : [0, kills]) {
    const outcome = await hold(server, token, killCount);
    const name = killCount === 0 ? 'undisturbed' : `killed ${killCount} times`;
    rows.push(row(name, outcome));
    console.error(JSON.stringify(outcome.report.answers));
    console.error(JSON.stringify(outcome.report.faults));
    for (const words of outcome.contradictions) console.error(`CONTRADICTION ${words}`);
    if (!outcome.ok) process.exitCode = 1;
  }
} finally {
  await server.remove();
}
const body = formatTable(head, rows);
console.log(body);
if (!values['dry-run'] && process.exitCode !== 1) {
  const { people, stock } = values;
  const told =
    `${people} people, ${stock} units, ${requests} requests at ${rate}/s on average; latency from ` +
    `the intended send time. Every answer held against the log, the audit and the orders.`;
  const command = 'node bin/run.mjs bench/drill-with-kills.ts';
  writeSection({ title: 'Drill', command, body: `${told}\n\n${body}` });
}
