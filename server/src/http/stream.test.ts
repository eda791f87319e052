import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import { claimAtOnce, createDrop, createStreamWorld, StreamReader } from '../../test/streams.ts';

const world = await createStreamWorld({
  limits: {
    streamsPerAddressMax: 8,
    streamsPerPersonMax: 2,
    streamsMax: 12,
    ringLifeMs: 1_500,
    sweepMs: 100,
  },
});
const drop = await createDrop(world);
after(() => world.close());

function read(query: string, headers: Record<string, string> = {}): StreamReader {
  return new StreamReader(world.port, `/v1/stream?${query}`, headers);
}

async function refused(query: string, headers?: Record<string, string>): Promise<StreamReader> {
  const reader = read(query, headers);
  await reader.until(() => reader.body.endsWith('}'));
  reader.leave();
  return reader;
}

async function gone(): Promise<void> {
  while (world.fanOut.stats.streams > 0) await new Promise((resolve) => setImmediate(resolve));
}

test('what cannot be a stream is answered with a problem before it begins', async () => {
  const cases: [string, number, string][] = [
    ['', 400, 'invalid'],
    ['topic=drop:no', 400, 'invalid'],
    ['topic=room:1', 400, 'invalid'],
    ['topic=', 400, 'invalid'],
    [`topic=drop:${drop.toUpperCase()}`, 400, 'invalid'],
    [`topic=drop:${drop}&topic=drop:${drop}`, 400, 'invalid'],
    [Array.from({ length: 21 }, () => `topic=drop:${randomUUID()}`).join('&'), 400, 'invalid'],
    [`topic=drop:${randomUUID()}`, 404, 'not_found'],
    ['topic=me', 401, 'unauthenticated'],
    [`topic=drop:${drop}&lastEventId=1`, 400, 'malformed'],
    [`topic=drop:${drop}&lastEventId=1:2,1:3`, 400, 'malformed'],
    [`topic=drop:${drop}&lastEventId=1:-2`, 400, 'malformed'],
    [`topic=drop:${drop}&lastEventId=1:${'9'.repeat(16)}`, 400, 'malformed'],
    [`topic=drop:${drop}&lastEventId=${'-'.repeat(5_000)}`, 400, 'malformed'],
    [`topic=drop:${drop}&lastEventId=%00`, 400, 'malformed'],
  ];
  for (const [query, status, code] of cases) {
    const reader = await refused(query);
    assert.equal(reader.status, status, query);
    assert.equal(JSON.parse(reader.body).code, code, query);
    assert.match(reader.head, /content-type: application\/problem\+json/);
  }
  assert.equal(world.fanOut.stats.streams, 0);
});

test('a stream is text/event-stream that no proxy holds back', async () => {
  const reader = read(`topic=drop:${drop}`);
  await reader.until(() => reader.events.length === 1);
  assert.equal(reader.status, 200);
  assert.match(reader.head, /content-type: text\/event-stream/);
  assert.match(reader.head, /x-accel-buffering: no/);
  assert.match(reader.head, /cache-control: no-store/);
  reader.leave();
  await gone();
});

test('too many streams of a person or an address: 429 with Retry-After', async () => {
  const open: StreamReader[] = [];
  const begin = async (query: string, headers?: Record<string, string>): Promise<void> => {
    const reader = read(query, headers);
    open.push(reader);
    await reader.until(() => reader.events.length > 0);
  };
  const as = { as: randomUUID() };
  await begin('topic=me', as);
  await begin('topic=me', as);
  const person = await refused('topic=me', as);
  assert.equal(person.status, 429);
  assert.match(person.head, /retry-after: [1-9]/);
  for (let count = 0; count < 8; count += 1) await begin(`topic=drop:${drop}`);
  const address = await refused(`topic=drop:${drop}`);
  assert.equal(address.status, 429);
  assert.equal(JSON.parse(address.body).code, 'rate_limited');
  for (const reader of open) reader.leave();
  await gone();
  await begin('topic=me', as);
  open.at(-1)?.leave();
  await gone();
});

test('the process has its own limit', async () => {
  const small = await createStreamWorld({ limits: { streamsMax: 1 } });
  const contest = await createDrop(small);
  const first = new StreamReader(small.port, `/v1/stream?topic=drop:${contest}`);
  await first.until(() => first.events.length === 1);
  const second = new StreamReader(small.port, `/v1/stream?topic=drop:${contest}`);
  await second.until(() => second.body.endsWith('}'));
  assert.equal(second.status, 503);
  assert.equal(JSON.parse(second.body).code, 'busy');
  assert.match(second.head, /retry-after: 5/);
  second.leave();
  await small.close();
});

test('a reader that sends more than its request is cut off and reaches nothing', async () => {
  const request = `GET /v1/stream?topic=drop:${drop} HTTP/1.1\r\nhost: test\r\n\r\n`;
  const pipelining = connect(world.port, '127.0.0.1');
  pipelining.on('error', () => undefined);
  pipelining.write(request + request);
  await once(pipelining.resume(), 'close');
  const talking = read(`topic=drop:${drop}`);
  await talking.until(() => talking.events.length === 1);
  talking.socket.write(request);
  await talking.closed();
  assert.equal(talking.events.length, 1);
  await gone();
});

test('after 1,000 streams have come and gone nothing is left', async () => {
  await gone();
  const people = Array.from({ length: 5 }, () => randomUUID());
  for (let round = 0; round < 125; round += 1) {
    const readers = Array.from({ length: 8 }, (_, index) =>
      read(`topic=drop:${drop}&topic=me`, { as: people[index % 5] ?? '' }),
    );
    const isAbrupt = round % 3 === 0;
    for (const reader of readers) {
      if (!isAbrupt) await reader.until(() => reader.events.length === 2);
      reader.leave();
    }
    if (round % 5 === 0) await claimAtOnce(world.arena, drop, people);
    await Promise.all(readers.map((reader) => reader.closed()));
    await gone();
  }
  const stats = world.fanOut.stats;
  assert.equal(stats.streams, 0);
  assert.equal(stats.subscriptions, 0);
  assert.equal(stats.people, 0);
  assert.equal(stats.topics, 1, 'the ring stays for those who come back');
  const connections = await new Promise<number>((resolve, reject) => {
    world.server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
  });
  assert.equal(connections, 0);
  const held = Array.from({ length: 8 }, () => read(`topic=drop:${drop}`));
  for (const reader of held) await reader.until(() => reader.events.length === 1);
  for (const reader of held) reader.leave();
  await gone();
  while (world.fanOut.stats.topics > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(world.fanOut.stats.ringsBytes, 0);
});
