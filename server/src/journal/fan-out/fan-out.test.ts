import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { afterEach, test } from 'node:test';
import type { Step } from '@dibs/rules/proof/fold.ts';
import {
  claimAtOnce,
  createDrop,
  createStreamWorld,
  StreamReader,
  type StreamWorld,
} from '../../../test/streams.ts';

const worlds: StreamWorld[] = [];

async function createWorld(
  options?: Parameters<typeof createStreamWorld>[0],
): Promise<StreamWorld> {
  const world = await createStreamWorld(options);
  worlds.push(world);
  return world;
}

afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close();
});

/** A generator of numbers from 0 to below 1 that a seed replays. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/**
 * What the log brought forth, by contest, noted beside the fan-out: what readers are held against.
 */
class Witness {
  readonly facts = new Map<string, { seq: number; text: string }[]>();
  readonly views = new Map<string, string>();

  constructor(world: StreamWorld) {
    world.arena.onApplied(({ contest, fold, steps }) => {
      this.views.set(`${contest}:${fold.seq}`, JSON.stringify(fold.rules?.view(fold.state, 2)));
      const facts = this.facts.get(contest) ?? [];
      this.facts.set(contest, facts);
      for (const step of steps) this.#note(facts, step);
    });
  }

  #note(facts: { seq: number; text: string }[], step: Step): void {
    for (const fact of step.facts) {
      facts.push({ seq: step.seq, text: JSON.stringify({ seq: step.seq, at: step.at, ...fact }) });
    }
  }

  last(contest: string): number {
    return this.facts.get(contest)?.at(-1)?.seq ?? 0;
  }
}

/**
 * One tab: reads, loses its connection, comes back where it was. Sees every fact once, in order.
 */
class Tab {
  readonly contests: readonly string[];
  readonly #world: StreamWorld;
  readonly #path: string;
  readonly #headers: Record<string, string>;
  /** By contest: position of the last view, and the facts since. */
  readonly shown = new Map<string, { from: number; view: string; facts: string[]; to: number }>();
  reader: StreamReader;
  resets = 0;
  views = 0;
  #read = 0;

  constructor(world: StreamWorld, contests: readonly string[], person: string | null) {
    this.#world = world;
    this.contests = contests;
    const topics = contests.map((contest) => `topic=drop:${contest}`);
    if (person !== null) topics.push('topic=me');
    this.#path = `/v1/stream?${topics.join('&')}`;
    this.#headers = person === null ? {} : { as: person };
    this.reader = new StreamReader(world.port, this.#path, this.#headers);
  }

  comeBack(): void {
    this.take();
    const { lastEventId } = this.reader;
    this.reader.leave();
    this.reader = new StreamReader(this.#world.port, this.#path, {
      ...this.#headers,
      ...(lastEventId === null ? {} : { 'last-event-id': lastEventId }),
    });
    this.reader.lastEventId = lastEventId;
    this.#read = 0;
  }

  /** Takes in what has arrived, as a page would. */
  take(): void {
    for (const { event, data } of this.reader.events.slice(this.#read)) {
      const contest = data.topic.slice('drop:'.length);
      if (data.topic === 'me') continue;
      if (event === 'reset') {
        this.resets += 1;
        this.shown.delete(contest);
      } else if (event === 'view') {
        this.views += 1;
        const from = Number(data.position.split(':')[1]);
        this.shown.set(contest, { from, view: JSON.stringify(data.view), facts: [], to: from });
      } else if (event === 'facts') {
        const held = this.shown.get(contest);
        assert.ok(held !== undefined, 'facts before a view');
        for (const fact of data.facts) held.facts.push(JSON.stringify(fact));
        held.to = data.facts.at(-1)?.seq ?? held.to;
      }
    }
    this.#read = this.reader.events.length;
  }

  isAt(witness: Witness): boolean {
    this.take();
    return this.contests.every(
      (contest) => (this.shown.get(contest)?.to ?? -1) >= witness.last(contest),
    );
  }

  check(witness: Witness): void {
    for (const contest of this.contests) {
      const held = this.shown.get(contest);
      assert.ok(held !== undefined);
      assert.equal(held.view, witness.views.get(`${contest}:${held.from}`), 'view at its position');
      const facts = witness.facts.get(contest) ?? [];
      const expected = facts.filter(({ seq }) => seq > held.from).map(({ text }) => text);
      assert.deepEqual(held.facts, expected);
    }
  }
}

async function storm(
  seed: number,
  limits: Parameters<typeof createStreamWorld>[0],
): Promise<Tab[]> {
  const random = seeded(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const world = await createWorld(limits);
  const witness = new Witness(world);
  const contests = [await createDrop(world), await createDrop(world, { price: 0 })];
  const people = Array.from({ length: 40 }, () => randomUUID());
  const tabs: Tab[] = [];
  const gone: Tab[] = [];
  for (let round = 0; round < 150; round += 1) {
    const batches = Math.floor(random() * 4);
    for (let batch = 0; batch < batches; batch += 1) {
      const claims = Array.from({ length: 1 + Math.floor(random() * 30) }, () => pick(people));
      await claimAtOnce(world.arena, pick(contests), claims);
    }
    const act = random();
    if (act < 0.5 && tabs.length < 40) {
      const asked = random() < 0.6 ? [pick(contests)] : contests;
      tabs.push(new Tab(world, asked, random() < 0.4 ? pick(people) : null));
    } else if (act < 0.8 && tabs.length > 0) {
      pick(tabs).comeBack();
    } else if (tabs.length > 3) {
      gone.push(...tabs.splice(Math.floor(random() * tabs.length), 1));
      gone.at(-1)?.reader.leave();
    }
    if (random() < 0.3) await new Promise((resolve) => setTimeout(resolve, random() * 20));
  }
  await claimAtOnce(world.arena, contests[0] as string, people);
  await claimAtOnce(world.arena, contests[1] as string, people);
  for (const tab of tabs) {
    await tab.reader.until(() => tab.isAt(witness));
    tab.check(witness);
  }
  assert.deepEqual(world.alarms, []);
  return tabs;
}

test('each reader sees every fact once and in order, also across reconnects', async () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
  console.log(`SEED=${seed}`);
  const tabs = await storm(seed, {});
  assert.ok(tabs.length > 3);
  assert.equal(
    tabs.reduce((sum, tab) => sum + tab.resets, 0),
    0,
    'the rings held everything',
  );
  for (const tab of tabs) assert.equal(tab.views, tab.contests.length, 'no view anew');
});

test('a reader that pauses and goes on catches up, though nothing more happens', async () => {
  const world = await createWorld({
    limits: { unsentBytesMax: 1 << 30, ringBytes: 1 << 30, ringFacts: 1_000_000, frameMs: 5 },
  });
  const witness = new Witness(world);
  const contest = await createDrop(world);
  const tab = new Tab(world, [contest], null);
  await tab.reader.until(() => tab.reader.events.length === 1);
  tab.reader.socket.pause();
  const other = new Tab(world, [contest], null);
  await other.reader.until(() => other.reader.events.length === 1);
  const people = Array.from({ length: 1_900 }, () => randomUUID());
  for (let round = 0; world.fanOut.stats.slow === 0; round += 1) {
    assert.ok(round < 200, 'the pause was never felt');
    await claimAtOnce(world.arena, contest, people);
    await other.reader.until(() => other.isAt(witness));
  }
  await claimAtOnce(world.arena, contest, people);
  await other.reader.until(() => other.isAt(witness));
  tab.reader.socket.resume();
  await tab.reader.until(() => tab.isAt(witness));
  tab.check(witness);
  assert.equal(tab.resets, 0);
});

test('where rings are too short, readers begin anew from a view', async () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
  console.log(`SEED=${seed}`);
  const tabs = await storm(seed, { limits: { ringFacts: 60, frameMs: 5 } });
  assert.ok(tabs.reduce((sum, tab) => sum + tab.resets, 0) > 0);
});

test('readers far behind are brought on in pieces, with a position in each', async () => {
  const world = await createWorld();
  const witness = new Witness(world);
  const contest = await createDrop(world);
  const first = new Tab(world, [contest], null);
  await first.reader.until(() => first.reader.events.length === 1);
  const people = Array.from({ length: 700 }, () => randomUUID());
  const second = new Tab(world, [contest], people[0] ?? null);
  await second.reader.until(() => second.reader.events.length === 2);
  second.take();
  const position = second.reader.lastEventId;
  assert.match(position ?? '', /^1:\d+,-$/);
  second.reader.leave();
  for (let round = 0; round < 8; round += 1) {
    await claimAtOnce(world.arena, contest, people);
    await first.reader.until(() => first.isAt(witness));
  }
  second.comeBack();
  await second.reader.until(() => second.isAt(witness));
  second.check(witness);
  assert.equal(second.resets, 0);
  assert.ok(second.reader.events.length >= 3);
});

test('facts of one entry stay together, also when a reader resumes between entries', async () => {
  const world = await createWorld({ limits: { frameMs: 5 } });
  const witness = new Witness(world);
  const contest = await createDrop(world, { price: 0 });
  const tab = new Tab(world, [contest], null);
  await tab.reader.until(() => tab.reader.events.length === 1);
  await claimAtOnce(
    world.arena,
    contest,
    Array.from({ length: 50 }, () => randomUUID()),
  );
  await tab.reader.until(() => tab.isAt(witness));
  for (let seq = 1; seq <= witness.last(contest); seq += 1) {
    const path = `/v1/stream?topic=drop:${contest}&lastEventId=1:${seq}`;
    const reader = new StreamReader(world.port, path);
    const expected = (witness.facts.get(contest) ?? [])
      .filter((fact) => fact.seq > seq)
      .map((fact) => fact.text);
    if (expected.length > 0 && seq >= 2) {
      await reader.until(() => reader.events.length > 0);
      const facts = reader.events.flatMap(({ data }) => data.facts ?? []);
      assert.deepEqual(
        facts.map((fact) => JSON.stringify(fact)),
        expected,
      );
    }
    reader.leave();
  }
});

test('a position of another epoch, before the ring or far ahead: reset, then a view', async () => {
  const world = await createWorld();
  const contest = await createDrop(world);
  await claimAtOnce(world.arena, contest, [randomUUID()]);
  for (const position of ['2:3', '1:0', '1:999999999']) {
    const reader = new StreamReader(world.port, `/v1/stream?topic=drop:${contest}`, {
      'last-event-id': position,
    });
    await reader.until(() => reader.events.length === 2);
    assert.deepEqual(
      reader.events.map(({ event }) => event),
      ['reset', 'view'],
    );
    reader.leave();
  }
  const { seq } = await world.arena.read(contest);
  const path = `/v1/stream?topic=drop:${contest}`;
  const ahead = new StreamReader(world.port, `${path}&lastEventId=1:${seq + 4}`);
  const other = new StreamReader(world.port, path);
  await other.until(() => other.events.length === 1);
  await ahead.until(() => ahead.status === 200);
  await claimAtOnce(
    world.arena,
    contest,
    Array.from({ length: 8 }, () => randomUUID()),
  );
  await ahead.until(() => ahead.events.some(({ event }) => event === 'facts'));
  const firstSeq = ahead.events[0]?.data.facts[0]?.seq;
  assert.equal(firstSeq, seq + 5, 'this process lagged behind the other; nothing is told twice');
});

test('a person hears what concerns them, in both of their tabs, from any contest', async () => {
  const world = await createWorld();
  const contest = await createDrop(world);
  const [person = '', other = ''] = [randomUUID(), randomUUID()];
  const open = (): StreamReader =>
    new StreamReader(world.port, '/v1/stream?topic=me', { as: person });
  const tabs = [open(), open()] as const;
  for (const tab of tabs) {
    await tab.until(() => tab.events.length === 1);
    assert.equal(tab.events[0]?.event, 'reset');
  }
  const stranger = new StreamReader(world.port, '/v1/stream?topic=me', { as: other });
  await stranger.until(() => stranger.events.length === 1);
  const [verdict] = await claimAtOnce(world.arena, contest, [person]);
  for (const tab of tabs) {
    await tab.until(() => tab.events.length === 2);
    const fact = tab.events[1]?.data.facts[0];
    assert.equal(fact?.['contest'], contest);
    assert.equal(fact?.['type'], 'claimed');
    assert.equal(fact?.seq, verdict?.type === 'accepted' ? verdict.seq : 0);
  }
  tabs[0].leave();
  await tabs[0].closed();
  await claimAtOnce(world.arena, contest, [person, person, randomUUID()]);
  const told = (): number => tabs[1].events.flatMap(({ data }) => data.facts ?? []).length;
  await tabs[1].until(() => told() === 3);
  assert.equal(stranger.events.length, 1);
});

test('a contest that is loaded later does not tell a person of the past again', async () => {
  const first = await createWorld();
  const contest = await createDrop(first);
  const person = randomUUID();
  await claimAtOnce(first.arena, contest, [person]);
  const second = await createWorld({ log: first.log });
  const tab = new StreamReader(second.port, '/v1/stream?topic=me', { as: person });
  await tab.until(() => tab.events.length === 1);
  await second.arena.read(contest);
  await claimAtOnce(first.arena, contest, [person]);
  await tab.until(() => tab.events.length === 2);
  assert.deepEqual(
    tab.events[1]?.data.facts.map((fact) => fact.seq),
    [(await first.arena.read(contest)).seq],
  );
});

test('the stream of a session that is revoked ends within 5 s, others stay', async () => {
  const world = await createWorld({ limits: { sweepMs: 200 } });
  const person = randomUUID();
  const ended = new StreamReader(world.port, '/v1/stream?topic=me', { as: `${person}/one` });
  const kept = new StreamReader(world.port, '/v1/stream?topic=me', { as: `${person}/two` });
  await ended.until(() => ended.events.length === 1);
  await kept.until(() => kept.events.length === 1);
  world.revoked.add('one');
  await ended.closed(5_000);
  assert.equal(kept.isClosed, false);
  assert.equal(world.fanOut.stats.endedRevoked, 1);
});

test('a silent stream has a heartbeat', async () => {
  const world = await createWorld({ limits: { heartbeatMs: 300, sweepMs: 100 } });
  const contest = await createDrop(world);
  const reader = new StreamReader(world.port, `/v1/stream?topic=drop:${contest}`);
  await reader.until(() => reader.heartbeats >= 3);
});

test('a drain sends everybody away at different moments and leaves nothing', async () => {
  const world = await createWorld();
  const contest = await createDrop(world);
  const path = `/v1/stream?topic=drop:${contest}`;
  const readers = Array.from({ length: 30 }, () => new StreamReader(world.port, path));
  for (const reader of readers) await reader.until(() => reader.events.length === 1);
  await world.fanOut.close({ spreadMs: 60_000 });
  for (const reader of readers) await reader.closed();
  const moments = readers.map((reader) => reader.events.at(-1)?.data.afterMs ?? -1);
  assert.ok(moments.every((afterMs) => afterMs >= 0 && afterMs < 60_000));
  assert.ok(new Set(moments).size > 20);
  assert.equal(world.fanOut.stats.streams, 0);
  const late = new StreamReader(world.port, path);
  await late.until(() => late.body.endsWith('}'));
  assert.equal(late.status, 503);
  assert.equal(JSON.parse(late.body).code, 'draining');
  late.leave();
});

test('what a rebuilt replica folded in silence: reset and view, for people too', async () => {
  let isTold = true;
  const world = await createWorld({ limits: { sweepMs: 100 }, isTold: () => isTold });
  const witness = new Witness(world);
  const contest = await createDrop(world);
  const tab = new Tab(world, [contest], randomUUID());
  await tab.reader.until(() => tab.reader.events.length === 2);
  const claim = (): Promise<unknown> => claimAtOnce(world.arena, contest, [randomUUID()]);
  const views = (): number => tab.reader.events.filter(({ event }) => event === 'view').length;
  await claim();
  await tab.reader.until(() => tab.isAt(witness));
  isTold = false;
  await claim();
  // Nothing more is told: the sweep finds that the replica is further than the ring.
  await tab.reader.until(() => views() === 2);
  await claim();
  isTold = true;
  await claim();
  await tab.reader.until(() => views() === 3);
  const own = tab.reader.events.filter(
    ({ data, event }) => data.topic === 'me' && event === 'reset',
  );
  assert.equal(own.length, 2, 'one at the beginning, one for the gap');
  await claim();
  await tab.reader.until(() => tab.isAt(witness));
  tab.check(witness);
  assert.equal(tab.resets, 2);
});

test('a reader that never reads, or vanishes in mid-pass, holds up nobody', async () => {
  const world = await createWorld({ limits: { unsentBytesMax: 64 * 1_024, stalledMs: 60_000 } });
  const witness = new Witness(world);
  const contest = await createDrop(world);
  const path = `/v1/stream?topic=drop:${contest}`;
  const stuck = new StreamReader(world.port, path);
  await stuck.until(() => stuck.events.length === 1);
  stuck.socket.pause();
  const tabs = Array.from({ length: 20 }, () => new Tab(world, [contest], null));
  for (const tab of tabs) await tab.reader.until(() => tab.reader.events.length === 1);
  const people = Array.from({ length: 1_000 }, () => randomUUID());
  for (let round = 0; world.fanOut.stats.droppedSlow === 0; round += 1) {
    assert.ok(round < 200, 'the reader that never reads was never sent away');
    const claims = claimAtOnce(world.arena, contest, people);
    if (round < 10) {
      const vanishing = new StreamReader(world.port, path);
      await vanishing.until(() => vanishing.status === 200);
      vanishing.socket.resetAndDestroy();
    }
    await claims;
    for (const tab of tabs) await tab.reader.until(() => tab.isAt(witness), 5_000);
  }
  for (const tab of tabs) {
    tab.check(witness);
    assert.equal(tab.resets, 0);
  }
  while (world.fanOut.stats.streams > tabs.length) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  stuck.socket.resume();
  await stuck.closed();
  const later = new Tab(world, [contest], null);
  await later.reader.until(() => later.reader.events.length === 1);
});
