import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { Order } from '@dibs/sdk/wire';
import { createTestDatabase, type TestDatabase } from '../database.ts';
import { StreamReader } from '../streams.ts';
import {
  type Answer,
  audit,
  call,
  callUntil,
  claim,
  mint,
  openDrop,
  readDrop,
  register,
  untilDrop,
} from './api.ts';
import { ServerProcess } from './server-process.ts';

/** Two server processes that know of each other only what stands in one PostgreSQL. */

let database: TestDatabase;
let one: ServerProcess;
let other: ServerProcess;
let admin: string;

before(async () => {
  database = await createTestDatabase();
  const options = { databaseUrl: database.url };
  [one, other] = await Promise.all([ServerProcess.start(options), ServerProcess.start(options)]);
  admin = (await register(one.url, 'Ada')).accessToken;
});

after(async () => {
  await Promise.all([one?.stop(), other?.stop()]);
  await database?.drop();
});

/** Order ids of one drop by their place in its log. */
function byPosition(a: unknown, b: unknown): number {
  return Number(String(a).slice(37)) - Number(String(b).slice(37));
}

const isWon = ({ status }: Answer) => status === 201;

test('a storm through both sells exactly the stock, and both show the same', async () => {
  const people = await mint(one.url, admin, 300);
  const drop = await openDrop(one.url, admin, { stock: 100 });
  const streams = [one, other].map(
    ({ port }) => new StreamReader(port, `/v1/stream?topic=drop:${drop}`),
  );
  await Promise.all(streams.map((stream) => stream.until(() => stream.events.length > 0)));
  const answers = await Promise.all(
    people.map(({ accessToken: token }, index) =>
      claim(index % 2 === 0 ? one.url : other.url, drop, { token, key: randomUUID() }),
    ),
  );
  const won = answers.filter(isWon);
  assert.equal(won.length, 100);
  assert.equal(new Set(won.map(({ body }) => body['id'])).size, 100);
  const refused = answers.filter((answer) => !isWon(answer));
  assert.deepEqual(new Set(refused.map(({ body }) => body['code'])), new Set(['sold_out']));
  await audit(one.url, drop);
  await audit(other.url, drop);
  const position = (await readDrop(one.url, drop)).position;
  const seen = await untilDrop(other.url, drop, (shown) => shown.position === position);
  assert.deepEqual(seen, await readDrop(one.url, drop));
  assert.deepEqual([seen.held, seen.left], [100, 0]);
  const claimsOf = (stream: StreamReader) =>
    stream.events
      .flatMap(({ data }) => data.facts ?? [])
      .filter((fact) => fact['type'] === 'claimed');
  for (const stream of streams) {
    await stream.until(() => claimsOf(stream).length >= 100);
    const orders = claimsOf(stream).map((fact) => fact['order'] as number);
    assert.deepEqual(
      orders,
      orders.toSorted((a, b) => a - b),
    );
    assert.equal(new Set(orders).size, 100);
    assert.deepEqual(
      new Set(orders.map((order) => `${drop}-${order}`)),
      new Set(won.map(({ body }) => body['id'])),
    );
    stream.leave();
  }
});

test('a stream whose server is killed goes on at the other, every fact once', async () => {
  const people = await mint(other.url, admin, 200);
  const drop = await openDrop(other.url, admin, { stock: 150 });
  const path = `/v1/stream?topic=drop:${drop}`;
  const first = new StreamReader(one.port, path);
  // Where somebody else has followed the drop, its facts are kept for those who come later.
  const neighbour = new StreamReader(other.port, path);
  await Promise.all(
    [first, neighbour].map((stream) => stream.until(() => stream.events.length > 0)),
  );
  const claims = people.map(({ accessToken: token }) => claim(other.url, drop, { token }));
  await first.until(() => first.events.some(({ data: { facts } }) => facts !== undefined));
  await one.kill();
  await first.closed();
  const resume = { 'last-event-id': first.lastEventId ?? '' };
  const second = new StreamReader(other.port, path, resume);
  const won = (await Promise.all(claims)).filter(isWon);
  assert.equal(won.length, 150);
  const claimed = () =>
    [first, second]
      .flatMap(({ events }) => events.flatMap(({ data }) => data.facts ?? []))
      .filter((fact) => fact['type'] === 'claimed')
      .map((fact) => `${drop}-${fact['order']}`);
  await second.until(() => claimed().length >= 150);
  assert.ok(second.events.every(({ event }) => event === 'facts'));
  assert.deepEqual(claimed(), won.map(({ body }) => body['id']).toSorted(byPosition));
  second.leave();
  neighbour.leave();

  // A process that has just begun kept nothing: it says so, and shows what is.
  one = await ServerProcess.start({ databaseUrl: database.url });
  const third = new StreamReader(one.port, path, resume);
  await third.until(() => third.events.length >= 2);
  assert.deepEqual(
    third.events.map(({ event }) => event),
    ['reset', 'view'],
  );
  assert.deepEqual(
    [third.events[1]?.data.view['held'], third.events[1]?.data.view['left']],
    [150, 0],
  );
  third.leave();
});

test('who signs out at one process is signed out at the other', async () => {
  const { accessToken: token } = await register(one.url, 'Vera');
  const ask = () => call(other.url, 'GET', '/v1/me', { token });
  assert.equal((await ask()).status, 200);
  const out = await call(one.url, 'DELETE', '/v1/sessions/current', { token });
  assert.equal(out.status, 204);
  await callUntil(ask, ({ status }) => status === 401, 5_000);
});

test('a drop made at one process can be claimed at the other at once', async () => {
  const [person] = await mint(one.url, admin, 1);
  const drop = await openDrop(one.url, admin);
  const { status } = await claim(other.url, drop, { token: person?.accessToken });
  assert.equal(status, 201);
});

test('an id that was asked for too early does not stay unknown', async () => {
  const [person] = await mint(one.url, admin, 1);
  const key = randomUUID();
  const body = {
    title: 'Early',
    stock: 1,
    price: { amount: 0, currency: 'EUR' },
    opensAt: new Date(Date.now() + 500).toISOString(),
  };
  const made = await call(one.url, 'POST', '/v1/drops', { token: admin, key, body });
  assert.equal(made.status, 201);
  const drop = made.body['id'] as string;
  const token = person?.accessToken;
  const early = await claim(other.url, drop, { token });
  assert.equal(early.body['code'], 'not_open');
  const done = await callUntil(() => claim(other.url, drop, { token }), isWon, 3_000);
  assert.equal(done.body['status'], 'paid');
});

test('what is paid at one process is paid at the other', async () => {
  const [person] = await mint(one.url, admin, 1);
  const token = person?.accessToken;
  const drop = await openDrop(one.url, admin);
  const { body } = await claim(one.url, drop, { token });
  const asked = { token, body: { provider: 'sandbox' } };
  const paid = await call(other.url, 'POST', `/v1/orders/${body['id']}/pay`, asked);
  assert.deepEqual([paid.status, paid.body['status']], [200, 'paid']);
  const seen = await call(one.url, 'GET', `/v1/orders/${body['id']}`, { token });
  assert.equal((seen.body as Order).status, 'paid');
  await untilDrop(one.url, drop, ({ sold }) => sold === 1);
});

test('a claim of a fair window is answered by the process that took it', async () => {
  const people = await mint(one.url, admin, 20);
  const opensAt = new Date(Date.now() + 300).toISOString();
  const drop = await openDrop(one.url, admin, { stock: 5, fairWindowMs: 600, opensAt });
  await untilDrop(other.url, drop, ({ status }) => status === 'open');
  const answers = await Promise.all(
    people.map(({ accessToken: token }, index) =>
      claim(index % 2 === 0 ? one.url : other.url, drop, { token }),
    ),
  );
  assert.equal(answers.filter(isWon).length, 5);
  const { seed } = await readDrop(other.url, drop);
  assert.match(seed ?? '', /^[0-9a-f]{64}$/);
  await audit(other.url, drop);
});

test('the clock of a drop goes on when the process that made it is killed', async () => {
  const people = await mint(one.url, admin, 6);
  const tokens = people.map(({ accessToken }) => accessToken);
  const opensAt = new Date(Date.now() + 2_500).toISOString();
  const expiring = await openDrop(one.url, admin, { stock: 2, payWithinSeconds: 5 });
  const opening = await openDrop(one.url, admin, { opensAt });
  const settling = await openDrop(one.url, admin, { stock: 2, opensAt, fairWindowMs: 1_500 });
  const closesAt = new Date(Date.now() + 3_500).toISOString();
  const closing = await openDrop(one.url, admin, { closesAt });
  for (const token of tokens.slice(0, 2)) {
    assert.equal((await claim(one.url, expiring, { token })).status, 201);
  }
  await one.kill();
  // The one that is left has never been asked for any of them.
  await untilDrop(other.url, opening, ({ status }) => status === 'open');
  const claims = tokens.map((token) => claim(other.url, settling, { token }));
  assert.equal((await Promise.all(claims)).filter(isWon).length, 2);
  await untilDrop(other.url, closing, ({ status }) => status === 'ended');
  await untilDrop(other.url, expiring, ({ held, left }) => held === 0 && left === 2);
  const token = tokens[0];
  const { body } = await call(other.url, 'GET', '/v1/orders?status=expired', { token });
  assert.equal((body['items'] as Order[]).length, 1);
  for (const drop of [opening, settling, closing, expiring]) await audit(other.url, drop);
  one = await ServerProcess.start({ databaseUrl: database.url });
  for (const drop of [opening, settling, closing, expiring]) {
    assert.deepEqual(await readDrop(one.url, drop), await readDrop(other.url, drop));
  }
});
