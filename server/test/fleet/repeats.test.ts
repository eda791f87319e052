import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../database.ts';
import {
  type Answer,
  audit,
  call,
  callWell,
  claim,
  mint,
  openDrop,
  readDrop,
  register,
  untilDrop,
} from './api.ts';
import { ServerProcess } from './server-process.ts';

/**
 * The same idempotency key gets the first answer, byte for byte: at the process that gave it, at
 * another one, and after both were killed.
 */

let database: TestDatabase;
let one: ServerProcess;
let other: ServerProcess;
let admin: string;

before(async () => {
  database = await createTestDatabase();
  await startBoth();
  admin = (await register(one.url, 'Ada')).accessToken;
});

after(async () => {
  await Promise.all([one?.stop(), other?.stop()]);
  await database?.drop();
});

async function startBoth(): Promise<void> {
  const options = { databaseUrl: database.url };
  [one, other] = await Promise.all([ServerProcess.start(options), ServerProcess.start(options)]);
}

interface Told {
  readonly what: string;
  readonly first: Answer;
  /** Asks again, with the same key and body. */
  readonly repeat: (url: string) => Promise<Answer>;
  /** The same key for something else; undefined where the call has no body to differ in. */
  readonly misuse?: (url: string) => Promise<Answer>;
}

/** Asks with a fresh key; `change` makes another wish of the body. */
async function tell(
  what: string,
  asked: { path: string; token: string; body?: object; method?: string; change?: object },
): Promise<Told> {
  const { path, token, body, method = 'POST', change } = asked;
  const key = randomUUID();
  const send = (url: string, sent = body) =>
    call(url, method, path, { token, key, ...(sent === undefined ? {} : { body: sent }) });
  const first = await send(one.url);
  return {
    what,
    first,
    repeat: (url) => send(url),
    ...(change === undefined ? {} : { misuse: (url: string) => send(url, { ...body, ...change }) }),
  };
}

async function expectFirst(told: readonly Told[], url: string, where: string): Promise<void> {
  for (const { what, first, repeat } of told) {
    const again = await repeat(url);
    assert.equal(again.status, first.status, `${what} ${where}: ${again.text}`);
    assert.equal(again.text, first.text, `${what} ${where}`);
    const names = ['content-type', 'location'];
    for (const name of names) assert.equal(again.headers.get(name), first.headers.get(name), what);
  }
}

test('each kind of command, repeated anywhere and after kill -9, has one answer', async () => {
  const people = await mint(one.url, admin, 6);
  const [ann, ben, cleo, dora, eve] = people.map(({ accessToken }) => accessToken) as [
    string,
    string,
    string,
    string,
    string,
  ];
  const wanted = {
    title: 'Once',
    stock: 2,
    price: { amount: 500, currency: 'EUR' },
    opensAt: new Date(Date.now() - 1_000).toISOString(),
    limitPerPerson: 2,
  };
  const made = await tell('create', {
    path: '/v1/drops',
    token: admin,
    body: wanted,
    change: { stock: 3 },
  });
  assert.equal(made.first.status, 201);
  const drop = made.first.body['id'] as string;
  await untilDrop(one.url, drop, ({ status }) => status === 'open');
  const on = (verb: string) => `/v1/drops/${drop}/${verb}`;
  const body = { quantity: 1 };
  const change = { quantity: 2 };
  const won = await tell('claim', { path: on('claims'), token: ann, body, change });
  const alsoWon = await tell('second claim', { path: on('claims'), token: ben, body, change });
  assert.deepEqual([won.first.status, alsoWon.first.status], [201, 201]);
  const lost = await tell('sold out', { path: on('claims'), token: cleo, body, change });
  assert.equal(lost.first.body['code'], 'sold_out');
  const greedy = await tell('beyond bounds', { path: on('claims'), token: ann, body: change });
  assert.equal(greedy.first.status, 409);
  const waiting = await tell('wait', { path: on('waiting'), token: cleo, body, change });
  const behind = await tell('wait behind', { path: on('waiting'), token: dora, body, change });
  assert.deepEqual([waiting.first.status, behind.first.body['ahead']], [201, 1]);
  const left = await tell('leave', { path: on('waiting'), token: cleo, method: 'DELETE' });
  assert.equal(left.first.status, 204);
  const order = `/v1/orders/${won.first.body['id']}`;
  const cancelled = await tell('cancel', { path: `${order}/cancel`, token: ann });
  assert.equal(cancelled.first.body['status'], 'cancelled');
  const other2 = `/v1/orders/${alsoWon.first.body['id']}`;
  const provider = { provider: 'sandbox' };
  const paid = await tell('pay', {
    path: `${other2}/pay`,
    token: ben,
    body: provider,
    change: { page: true },
  });
  assert.equal(paid.first.body['status'], 'paid');
  const paused = await tell('pause', { path: on('pause'), token: admin });
  const resumed = await tell('resume', { path: on('resume'), token: admin });
  const restocked = await tell('restock', { path: on('restock'), token: admin, body, change });
  assert.deepEqual(
    [paused, resumed, restocked].map(({ first }) => first.status),
    [200, 200, 200],
  );
  // Much has changed since: what is answered anew would differ.
  await callWell(one.url, 'POST', on('restock'), { token: admin, body: { quantity: 5 } });
  assert.equal((await claim(one.url, drop, { token: eve })).status, 201);

  const told = [made, won, alsoWon, lost, greedy, waiting, behind, left, cancelled, paid];
  told.push(paused, resumed, restocked);
  const { position } = await readDrop(one.url, drop);
  await untilDrop(other.url, drop, (shown) => shown.position === position);
  await expectFirst(told, one.url, 'where it was asked first');
  await expectFirst(told, other.url, 'at the other process');
  for (const { what, misuse } of told) {
    if (misuse === undefined) continue;
    const answer = await misuse(other.url);
    assert.deepEqual([answer.status, answer.body['code']], [422, 'key_reused'], what);
  }
  const figures = await readDrop(one.url, drop);
  assert.equal(figures.position, position, 'repeats write nothing');

  await Promise.all([one.kill(), other.kill()]);
  await startBoth();
  await expectFirst(told, one.url, 'after kill -9');
  await expectFirst(told, other.url, 'after kill -9, at the other');
  for (const { what, misuse } of told) {
    if (misuse !== undefined) assert.equal((await misuse(one.url)).status, 422, what);
  }
  const { position: _, ...before } = figures;
  const { position: __, ...now } = await readDrop(one.url, drop);
  assert.deepEqual(now, before);
  await audit(other.url, drop);
});

test('a key sent a hundred times at once, to both, is one claim', async () => {
  const [person] = await mint(one.url, admin, 1);
  const token = person?.accessToken;
  const drop = await openDrop(one.url, admin, { stock: 50, limitPerPerson: 50, quantityMax: 1 });
  const key = randomUUID();
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, index) =>
      claim(index % 2 === 0 ? one.url : other.url, drop, { token, key }),
    ),
  );
  assert.equal(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size, 1);
  assert.equal(answers[0]?.status, 201);
  assert.equal((await readDrop(one.url, drop)).held, 1);
});

test('the same key of two people, or at two drops, is two keys', async () => {
  const [ann, ben] = await mint(one.url, admin, 2);
  const key = randomUUID();
  const drops = [await openDrop(one.url, admin), await openDrop(one.url, admin)] as const;
  const answers = [
    await claim(one.url, drops[0], { token: ann?.accessToken, key }),
    await claim(one.url, drops[0], { token: ben?.accessToken, key }),
    await claim(other.url, drops[1], { token: ann?.accessToken, key }),
  ];
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]));
  assert.equal(new Set(answers.map(({ body }) => body['id'])).size, 3);
});

test('a refusal holds from the moment it is told, whatever happens to who told it', async () => {
  const [ann, ben] = await mint(one.url, admin, 2);
  const drop = await openDrop(one.url, admin, { stock: 1 });
  assert.equal((await claim(one.url, drop, { token: ann?.accessToken })).status, 201);
  // The other one has to know the drop, so that it could answer by itself.
  await untilDrop(other.url, drop, ({ left }) => left === 0);
  const asked = { token: ben?.accessToken, key: randomUUID() };
  const first = await claim(one.url, drop, asked);
  one.child.kill('SIGKILL');
  assert.equal(first.body['code'], 'sold_out');
  const more = { token: admin, body: { quantity: 5 } };
  await callWell(other.url, 'POST', `/v1/drops/${drop}/restock`, more);
  assert.equal((await claim(other.url, drop, asked)).text, first.text);
  one = await ServerProcess.start({ databaseUrl: database.url });
  assert.equal((await claim(one.url, drop, asked)).text, first.text);
  const anew = { ...asked, key: randomUUID() };
  assert.equal((await claim(one.url, drop, anew)).status, 201);
});
