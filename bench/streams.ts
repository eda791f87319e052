import { parseArgs } from 'node:util';
import { Generator, type GeneratorReport } from '../server/src/rehearsal/generator.ts';
import { replayLog } from '../server/src/rehearsal/judge.ts';
import { type Actor, Organiser } from '../server/src/rehearsal/organiser.ts';
import { showProgress } from '../server/src/rehearsal/progress.ts';
import { targetOf, writeRequest } from '../server/src/rehearsal/request.ts';
import type { StreamWatchReport } from '../server/src/rehearsal/stream-watch.ts';
import { measureRss } from './processes.ts';
import { formatTable, writeSection } from './results.ts';
import { ServerProcess } from './server-process.ts';
import { StreamReaders } from './stream-readers.ts';

/**
 * How long claims take while many people watch: an open loop of claims beside many event streams.
 * The stock is topped up every second, so that there is something to tell all the time. In the
 * middle some streams break off and come back.
 */
const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '10000' },
    rate: { type: 'string', default: '5000' },
    seconds: { type: 'string', default: '30' },
    people: { type: 'string', default: '50000' },
    stock: { type: 'string', default: '1000' },
    'dry-run': { type: 'boolean', default: false },
  },
});

const streams = Number(values.streams);
const rate = Number(values.rate);
const seconds = Number(values.seconds);
const stock = Number(values.stock);
const restockUnits = 100;
const breakOffShare = 0.05;
const leadMs = 2_000;
const targets = { p99Ms: 100, bytesPerStream: 25_000 } as const;

interface Outcome {
  readonly report: GeneratorReport;
  readonly watched: StreamWatchReport;
  readonly bytesPerStream: number;
  readonly units: string;
}

async function run(server: ServerProcess, readers: StreamReaders): Promise<Outcome> {
  const organiser = new Organiser(server.url);
  await organiser.signIn({ token: await server.makeAdmin() });
  const actors = await organiser.mintPeople(Number(values.people));
  const { epochMs } = await organiser.readClock();
  const { id: drop } = await organiser.createDrop({
    title: 'Streams',
    stock,
    price: { amount: 1_000, currency: 'EUR' },
    opensAt: new Date(epochMs - 1_000).toISOString(),
    limitPerPerson: 1,
    payWithinSeconds: 86_400,
  });
  await settle();
  const before = measureRss(server.pid);
  await readers.open({ target: targetOf(server.url), topic: `drop:${drop}`, streams });
  await settle();
  const bytesPerStream = (measureRss(server.pid) - before) / streams;
  const report = await storm({ server, organiser, readers, actors, drop });
  await settle();
  const { facts, state } = replayLog(await organiser.downloadLog(drop), drop);
  const audit = await organiser.audit(drop);
  if (!audit.ok) throw new Error(`the audit: ${JSON.stringify(audit.differences).slice(0, 400)}`);
  const won = report.answers['claim']?.['201'] ?? 0;
  if (state.sold + state.held !== won || won > state.stock) {
    throw new Error(`${won} acknowledged, ${state.held} held of ${state.stock}`);
  }
  const watched = await readers.finish(facts);
  const units = `${won} of ${state.stock}`;
  return { report, watched, bytesPerStream, units };
}

/** Lets the server come to rest, so that its memory is what it keeps. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 2_000));
}

async function storm(parts: {
  server: ServerProcess;
  organiser: Organiser;
  readers: StreamReaders;
  actors: readonly Actor[];
  drop: string;
}): Promise<GeneratorReport> {
  const { server, organiser, readers, actors, drop } = parts;
  const target = targetOf(server.url);
  const generator = new Generator({ target, connectionsMax: 1_024, patienceMs: 30_000 });
  const path = `/v1/drops/${drop}/claims`;
  const body = '{"quantity":1}';
  for (let index = 0; index < rate * seconds; index += 1) {
    const token = actors[index % actors.length]?.accessToken ?? '';
    const request = writeRequest(target, { method: 'POST', path, token, key: `s-${index}`, body });
    generator.add({ kind: 'claim', atMs: leadMs + (index / rate) * 1_000, request });
  }
  const hide = showProgress(generator, () => 'streams');
  const restock = setInterval(() => {
    organiser.steerDrop(drop, 'restock', { quantity: restockUnits }).catch(fail);
  }, 1_000);
  const halfMs = leadMs + seconds * 500;
  const breaking = setTimeout(() => {
    readers.breakOff(Math.floor(streams * breakOffShare)).catch(fail);
  }, halfMs);
  try {
    return await generator.run(AbortSignal.timeout(leadMs + seconds * 1_000 + 60_000));
  } finally {
    clearInterval(restock);
    clearTimeout(breaking);
    hide();
  }
}

function fail(error: unknown): void {
  console.error((error as Error).message);
  process.exitCode = 1;
}

function tell({ report, watched, bytesPerStream, units }: Outcome): string {
  const { p50, p99, p999, max } = report.overall;
  const rows = [
    ['claims per second', String(rate), `${(report.answered / seconds).toFixed(0)} answered`],
    ['claims p50 / p99 / p99.9 / max ms', `p99 below ${targets.p99Ms}`, quantiles()],
    ['server errors, unanswered', '0, 0', `${report.serverErrors}, ${report.unanswered}`],
    ['streams', String(streams), String(watched.streams)],
    ['memory per stream, bytes', `${targets.bytesPerStream}`, bytesPerStream.toFixed(0)],
    ['streams with a fact lost, doubled or out of order', '0', String(watched.faults.length)],
    ['facts told over all streams', '', String(watched.facts)],
    ['events, reconnects, resets', '', eventFigures()],
    ['units won', '', units],
  ];
  return formatTable(['', 'target', 'measured'], rows);

  function quantiles(): string {
    return [p50, p99, p999, max].map((value) => value.toFixed(1)).join(' / ');
  }
  function eventFigures(): string {
    return `${watched.events}, ${watched.reconnects}, ${watched.resets}`;
  }
}

const readers = new StreamReaders();
const server = await ServerProcess.start();
try {
  const outcome = await run(server, readers);
  const text = tell(outcome);
  console.log(text);
  for (const fault of outcome.watched.faults) console.error(fault);
  const { report, watched, bytesPerStream } = outcome;
  const isReached =
    report.overall.p99 < targets.p99Ms &&
    bytesPerStream <= targets.bytesPerStream &&
    report.unanswered + report.serverErrors + watched.faults.length === 0;
  if (!isReached) process.exitCode = 1;
  if (!values['dry-run']) {
    const command = 'node bin/run.mjs bench/streams.ts';
    const told =
      `Open loop for ${seconds} s; generator, stream readers, server and database share the ` +
      `machine. ${restockUnits} units are added every second; ${breakOffShare * 100} % of the ` +
      'streams break off in the middle and come back.';
    writeSection({ title: 'Claims beside event streams', command, body: `${told}\n\n${text}` });
  }
} finally {
  readers.close();
  await server.remove();
}
