import { Pseudonyms } from '../../src/arena/pseudonyms.ts';
import { audit } from './auditor.ts';
import { Crowd, commit, type Drop } from './crowd.ts';
import type { Figures } from './evidence.ts';
import { History } from './history.ts';
import { SimulatedLog } from './simulated-log.ts';
import { INSTALLATION_SECRET, SimulatedProcess } from './simulated-process.ts';
import { SimulatedRows } from './simulated-rows.ts';
import { FAIR_WEATHER, type Weather, Wires } from './weather.ts';
import { World } from './world.ts';

export interface SimulationResult {
  readonly seed: number;
  /** What contradicts the promises; empty: all is well. */
  readonly contradictions: readonly string[];
  readonly traceHash: string;
  readonly events: number;
  readonly story: readonly string[] | null;
  readonly figures: Figures;
}

/** How long everything may calm down at the end before it is audited. */
const CALM_MS = 9_000;

/** Plays one world from its seed to the end and audits it. */
export async function simulate(
  seed: number,
  options: { keepStory?: boolean } = {},
): Promise<SimulationResult> {
  const world = new World(seed, options);
  const { random } = world;
  const wires = new Wires(world, FAIR_WEATHER);
  const log = new SimulatedLog(world, wires);
  const rows = new SimulatedRows(world, wires, log);
  const history = new History();
  const seeds = new Map<string, string>();
  const parts = { world, wires, log, rows, history, seeds };
  const processes: SimulatedProcess[] = [];
  const count = random.pick([1, 2, 2, 3, 4]);
  for (let index = 1; index <= count; index += 1) {
    processes.push(new SimulatedProcess(`p${index}`, parts));
  }
  const clocks = random.chance(0.3) ? 4_000 : 100;
  for (const process of processes) void process.start(random.between(-clocks, clocks));
  await world.run(world.now + 50);

  wires.weather = drawWeather(world);
  const drops = [drawDrop(world, seeds)];
  if (random.chance(0.2)) drops.push(drawDrop(world, seeds));
  for (const drop of drops) rows.memory.add(drop.id);
  const people = Array.from({ length: random.between(4, 22) }, () => random.uuid());
  const endsAt = world.now + random.between(7_000, 13_000);
  world.tell('world', JSON.stringify({ seed, count, drops, weather: wires.weather }));
  new Crowd({ world, processes, drops, people, endsAt }).begin();
  const clocksStepMs = random.chance(0.15) ? random.between(50, 3_000) : 0;
  if (clocksStepMs > 0) void stepClocks(world, log, { endsAt, byMs: clocksStepMs });
  const trouble = random.pick([0, 1, 1, 1]);
  if (trouble > 0) for (const process of processes) void makeTrouble(process, parts, endsAt);
  for (const process of processes) void keepSnapshots(process, { world, rows, drops, endsAt });
  await world.run(endsAt);

  world.tell('world', 'calms down');
  wires.weather = FAIR_WEATHER;
  wires.cutUntil.clear();
  // Sometimes everything goes down at once, and nobody but the rows knows what is due.
  if (random.chance(0.3)) for (const process of processes) process.crash();
  for (const process of processes) if (process.life?.isAlive !== true) void process.start(0);
  await world.run(endsAt + CALM_MS);
  const pseudonyms = new Pseudonyms(INSTALLATION_SECRET);
  const { contradictions, figures } = audit({
    history,
    log,
    rows,
    processes,
    drops,
    endedAt: world.now,
    clockToleranceMs: clocksStepMs * 4,
    pseudonymOf: (contest, person) => pseudonyms.of(contest, person),
    personOf: (contest, pseudonym) => pseudonyms.personOf(contest, pseudonym),
  });
  const { traceHash, happened: events, story } = world;
  return { seed, contradictions, traceHash, events, story, figures };
}

function drawWeather(world: World): Weather {
  const { random } = world;
  if (random.chance(0.15)) return FAIR_WEATHER;
  const often = () => random.pick([0, 0, 0.01, 0.05]);
  return {
    delayMaxMs: random.pick([1, 4, 15, 60]),
    slow: random.pick([0, 0.01, 0.1]),
    failBefore: often(),
    failAfter: often(),
    hintLost: random.pick([0, 0.1, 0.5, 1]),
    hintDoubled: random.pick([0, 0.3]),
    readStale: random.pick([0, 0, 0.03, 0.2]),
  };
}

function drawDrop(world: World, seeds: Map<string, string>): Drop {
  const { random } = world;
  const id = random.uuid();
  const opensAt = world.now + random.between(300, 1_500);
  const fairWindowMs = random.chance(0.4) ? random.pick([100, 400, 1_500]) : 0;
  const seed = fairWindowMs > 0 ? random.text() : null;
  if (seed !== null) seeds.set(id, seed);
  const isFree = random.chance(0.12);
  const lastsMs = fairWindowMs + random.pick([0, 10, 3_000, 6_000]);
  const pseudonyms = new Pseudonyms(INSTALLATION_SECRET);
  const host = random.uuid();
  const terms = {
    rules: 1,
    stock: random.pick([1, 2, 3, 5, 9, 30]),
    price: isFree ? { amount: 0, currency: 'points' } : { amount: 1_000, currency: 'EUR' },
    opensAt,
    closesAt: random.chance(0.35) ? opensAt + Math.max(1, lastsMs) : null,
    limitPerPerson: random.pick([1, 2, 2, 3]),
    quantityMax: random.pick([1, 2, 2, 3]),
    payWithinMs: 5_000,
    fairWindowMs,
    seedHash: seed === null ? null : commit(seed),
  };
  return { id, host, hostPseudonym: pseudonyms.of(id, host), terms };
}

interface Trouble {
  readonly world: World;
  readonly wires: Wires;
}

/** Crashes, restarts and cuts off one process, now and then. */
async function makeTrouble(
  process: SimulatedProcess,
  { world, wires }: Trouble,
  endsAt: number,
): Promise<void> {
  const { random } = world;
  const patienceMs = random.pick([600, 2_000, 6_000]);
  for (;;) {
    await world.sleep(random.between(50, patienceMs));
    if (world.now >= endsAt) return;
    const { life } = process;
    const kind = random.between(0, 9);
    if (kind < 3 && life !== null) {
      const forMs = random.pick([50, 300, 1_500, 9_000]);
      world.tell(life.name, `is cut off for ${forMs} ms`);
      wires.cutUntil.set(life, world.now + forMs);
      continue;
    }
    if (kind < 5) await process.close();
    else process.crash();
    await world.sleep(random.pick([0, 20, 400, 2_000]));
    if (process.life?.isAlive !== true) void process.start(random.between(-300, 300));
  }
}

/** The clock of the log is set, forth and back. */
async function stepClocks(
  world: World,
  log: SimulatedLog,
  { endsAt, byMs }: { endsAt: number; byMs: number },
): Promise<void> {
  const { random } = world;
  for (let steps = 0; steps < 4 && world.now < endsAt; steps += 1) {
    await world.sleep(random.between(300, 4_000));
    log.stepClock(random.between(-byMs, byMs));
  }
}

async function keepSnapshots(
  process: SimulatedProcess,
  parts: { world: World; rows: SimulatedRows; drops: readonly Drop[]; endsAt: number },
): Promise<void> {
  const { world, rows, drops, endsAt } = parts;
  const { random } = world;
  const everyMs = random.pick([1_500, 5_000, 100_000]);
  while (world.now < endsAt) {
    await world.sleep(random.between(1, everyMs));
    const fold = process.arena?.peek(random.pick(drops).id);
    if (fold !== undefined && fold.rules !== null) rows.keep(fold);
  }
}
