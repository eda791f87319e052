import { Generator, type GeneratorReport } from './generator.ts';
import { judgeAnswers, judgeUnits, ordersByPerson, type Replayed, replayLog } from './judge.ts';
import { Ledger } from './ledger.ts';
import { type Actor, type AdminAccess, Organiser } from './organiser.ts';
import { showProgress } from './progress.ts';
import { targetOf } from './request.ts';
import { Script } from './script.ts';
import { StreamWatch, type StreamWatchReport } from './stream-watch.ts';

export interface DrillOptions {
  /** Base URL of the server, `http://host:port`. */
  readonly url: string;
  readonly people: number;
  readonly stock: number;
  /** Requests of the storm in all, at least one a person. */
  readonly requests: number;
  /** Requests per second the storm is spread to come to, on average. */
  readonly rate: number;
  /** Event streams that watch the drop meanwhile. */
  readonly streams: number;
  readonly connectionsMax: number;
  /** How long a person goes on repeating what got no answer, in milliseconds. */
  readonly patienceMs: number;
  readonly access: AdminAccess;
  /** The server may be killed meanwhile: lost connections and 503 are then no contradictions. */
  readonly expectOutages: boolean;
  /** Leave the throw-away people and the drop where they are. */
  readonly keep: boolean;
  readonly seed: number;
  readonly signal?: AbortSignal;
  /** Told when the drop has opened; whoever kills servers in the middle begins then. */
  readonly onStorm?: (contest: string) => void;
}

export interface DrillOutcome {
  readonly ok: boolean;
  readonly contest: string;
  readonly report: GeneratorReport;
  readonly units: { stock: number; sold: number; held: number; left: number };
  readonly entries: number;
  /** Refusals the log knows nothing of: given from memory, and not noted before a kill. */
  readonly unrecordedRefusals: number;
  readonly streams: StreamWatchReport | null;
  readonly contradictionCount: number;
  /** The first of them, in words. */
  readonly contradictions: readonly string[];
}

/** From the making of the drop to its opening: the streams connect and early claims come. */
const leadMs = 3_000;
const lastCallsMax = 10;
/** Orders are asked for by so many people at a time. */
const askersMax = 16;

/**
 * Storms a drop of its own with throw-away people, then holds every answer they got against the
 * public log, the audit and the orders. Rejects where that cannot even be tried.
 */
export async function runDrill(options: DrillOptions): Promise<DrillOutcome> {
  const organiser = new Organiser(options.url);
  await organiser.signIn(options.access);
  const actors = await organiser.mintPeople(options.people);
  const drop = await makeDrop(organiser, options);
  const ledger = new Ledger();
  const streams = await watchStreams(options, drop.id);
  const storm = await playStorm({ options, organiser, actors, ledger, drop });
  const replayed = await settleLog(organiser, drop.id, ledger);
  const { fold, state } = replayed;
  const { unrecorded } = judgeAnswers(ledger, replayed);
  judgeUnits(ledger, replayed, options.stock);
  judgeServer(ledger, storm, options.expectOutages);
  await judgeRows(organiser, drop.id, { ledger, replayed });
  const seen = streams === null ? null : await judgeStreams(streams, ledger, replayed);
  if (!options.keep) await tidyUp(organiser, drop.id);
  const { stock, sold, held } = state;
  return {
    ok: ledger.contradictionCount === 0,
    contest: drop.id,
    report: storm,
    units: { stock, sold, held, left: stock - sold - held },
    entries: fold.seq,
    unrecordedRefusals: unrecorded,
    streams: seen,
    contradictionCount: ledger.contradictionCount,
    contradictions: ledger.contradictions,
  };
}

interface MadeDrop {
  readonly id: string;
  /** When it opens, by this machine's `performance` clock. */
  readonly opensAt: number;
}

async function makeDrop(organiser: Organiser, options: DrillOptions): Promise<MadeDrop> {
  const asked = performance.now();
  const { epochMs } = await organiser.readClock();
  const opensIn = leadMs + options.streams / 4;
  const drop = await organiser.createDrop({
    title: `Drill of ${options.people} people`,
    description: 'A rehearsal with throw-away people.',
    stock: options.stock,
    price: { amount: 1_000, currency: 'EUR' },
    opensAt: new Date(epochMs + opensIn).toISOString(),
    limitPerPerson: 1,
    quantityMax: 1,
    payWithinSeconds: 86_400,
  });
  return { id: drop.id, opensAt: (asked + performance.now()) / 2 + opensIn };
}

async function playStorm(parts: {
  options: DrillOptions;
  organiser: Organiser;
  actors: Actor[];
  ledger: Ledger;
  drop: MadeDrop;
}): Promise<GeneratorReport> {
  const { options, organiser, actors, ledger, drop } = parts;
  const target = targetOf(options.url);
  const { connectionsMax, patienceMs, requests, rate, signal } = options;
  const generator = new Generator({ target, connectionsMax, patienceMs });
  const opensAtMs = drop.opensAt - performance.now();
  const stormMs = (requests / rate) * 1_000;
  const random = seededRandom(options.seed);
  const contest = drop.id;
  const shared = { generator, ledger, target, contest, actors, requests, random };
  const script = new Script({ ...shared, opensAtMs, stormMs });
  script.write();
  const opening = setTimeout(() => options.onStorm?.(contest), Math.max(0, opensAtMs));
  const hide = showProgress(generator, () => (generator.now() < opensAtMs ? 'early' : 'storm'));
  try {
    await generator.run(signal);
    await lastCalls(script, {
      generator,
      organiser,
      actors,
      contest,
      ...(signal ? { signal } : {}),
    });
  } finally {
    hide();
    clearTimeout(opening);
  }
  return generator.report();
}

/** What was cancelled late is on sale again: people come back for it until all is gone. */
async function lastCalls(
  script: Script,
  parts: {
    generator: Generator;
    organiser: Organiser;
    actors: Actor[];
    contest: string;
    signal?: AbortSignal;
  },
): Promise<void> {
  const { generator, organiser, actors, contest, signal } = parts;
  let next = actors.length;
  for (let call = 0; call < lastCallsMax; call += 1) {
    const { left } = await organiser.readDrop(contest);
    if (left === 0) return;
    // From the end of the list on: most of them never won anything.
    const comers = actors.slice(Math.max(0, next - left * 2), next);
    next -= comers.length;
    script.claimAgain(comers);
    await generator.run(signal);
  }
}

/** The log once nothing is being added to it any more. */
async function settleLog(organiser: Organiser, contest: string, ledger: Ledger): Promise<Replayed> {
  let replayed = replayLog(await organiser.downloadLog(contest), contest);
  for (let look = 0; look < 20; look += 1) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    const again = replayLog(await organiser.downloadLog(contest), contest);
    const isStill = again.fold.seq === replayed.fold.seq;
    replayed = again;
    if (isStill) return replayed;
  }
  ledger.contradict('the log goes on growing though nobody asks for anything');
  return replayed;
}

/** Faults nobody provoked, and refusals by a limit that makes the storm meaningless. */
function judgeServer(ledger: Ledger, report: GeneratorReport, expectOutages: boolean): void {
  for (const [label, count] of Object.entries(report.faults)) {
    if (label.startsWith('429')) {
      ledger.contradict(`${count} times ${label}: start the server with LIMITS=off for a drill`);
    } else if (!expectOutages) ledger.contradict(`${count} times ${label}`);
  }
  for (const [kind, answers] of Object.entries(report.answers)) {
    for (const [label, count] of Object.entries(answers)) {
      if (label.startsWith('5')) ledger.contradict(`${kind}: ${count} times ${label}`);
    }
  }
}

/** The audit, the drop's own figures and each winner's orders say what the log says. */
async function judgeRows(
  organiser: Organiser,
  contest: string,
  parts: { ledger: Ledger; replayed: Replayed },
): Promise<void> {
  const { ledger, replayed } = parts;
  const { stock, sold, held } = replayed.state;
  const own = JSON.stringify({ stock, sold, held, left: stock - sold - held });
  const audit = await organiser.audit(contest);
  if (!audit.ok || !audit.chainOk) {
    ledger.contradict(`the audit says ${JSON.stringify(audit).slice(0, 400)}`);
  }
  const told = { stock: audit.log.stock, sold: audit.log.sold, held: audit.log.held };
  const audited = JSON.stringify({ ...told, left: audit.log.left });
  if (audited !== own) ledger.contradict(`the audit counts ${audited}, we count ${own}`);
  const drop = await organiser.readDrop(contest);
  const shown = { stock: drop.stock, sold: drop.sold, held: drop.held, left: drop.left };
  if (JSON.stringify(shown) !== own) {
    ledger.contradict(`the drop shows ${JSON.stringify(shown)}, we count ${own}`);
  }
  const people = [...ordersByPerson(ledger, replayed)].filter(([, own]) => own.orders.size > 0);
  const ask = async (): Promise<void> => {
    for (let next = people.pop(); next !== undefined; next = people.pop()) {
      const [id, { token, orders }] = next;
      const listed = await organiser.listOrders(token);
      const rows = listed.map((order) => [order.id, `${order.quantity} ${order.status}`] as const);
      const logged = [...orders].map(
        ([number, { quantity, status }]) =>
          [`${contest}-${number}`, `${quantity} ${status}`] as const,
      );
      const [rowsText, logText] = [rows, logged].map((list) =>
        JSON.stringify([...list].sort(([a], [b]) => (a < b ? -1 : 1))),
      );
      if (rowsText === logText) continue;
      ledger.contradict(`orders of ${id}: ${rowsText} in the list, ${logText} in the log`);
    }
  };
  await Promise.all(Array.from({ length: askersMax }, ask));
}

async function watchStreams(options: DrillOptions, contest: string): Promise<StreamWatch | null> {
  if (options.streams === 0) return null;
  const watch = new StreamWatch({
    target: targetOf(options.url),
    topic: `drop:${contest}`,
    streams: options.streams,
  });
  await watch.open();
  return watch;
}

async function judgeStreams(
  streams: StreamWatch,
  ledger: Ledger,
  replayed: Replayed,
): Promise<StreamWatchReport> {
  const report = await streams.finish(replayed.facts);
  for (const fault of report.faults) ledger.contradict(`a stream: ${fault}`);
  return report;
}

async function tidyUp(organiser: Organiser, contest: string): Promise<void> {
  await organiser.steerDrop(contest, 'end', {});
  await organiser.removePeople();
}

/** Numbers from 0 to 1 by a seed (mulberry32): the same seed, the same crowd. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
