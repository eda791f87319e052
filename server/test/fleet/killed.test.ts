import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Installation, Order } from '@dibs/sdk/wire';
import {
  type Answer,
  audit,
  call,
  callUntil,
  callWell,
  claim,
  mint,
  openDrop,
  password,
  readDrop,
  register,
} from './api.ts';
import { makeDataDirectory, ServerProcess } from './server-process.ts';

/** A server with the PostgreSQL in the box, and that one too, are killed in the middle of a storm. */

const data = makeDataDirectory();
let server: ServerProcess;

after(async () => {
  await server?.stop();
  data.remove();
});

interface Claimer {
  readonly token: string;
  readonly key: string;
  /** Every answer that got through, in order. */
  readonly answers: Answer[];
}

/** Repeats one claim with one key until it is answered, whatever happens to the server. */
async function claimPatiently(url: string, drop: string, claimer: Claimer): Promise<void> {
  const { token, key, answers } = claimer;
  const ask = () => claim(url, drop, { token, key });
  answers.push(await callUntil(ask, ({ status }) => status !== 503, 60_000));
}

/** Resolves once so many are answered. */
async function untilAnswered(claimers: readonly Claimer[], count: number): Promise<void> {
  const isReached = () => claimers.filter(({ answers }) => answers.length > 0).length >= count;
  while (!isReached()) await new Promise((resolve) => setTimeout(resolve, 2));
}

function readPostmaster(): number {
  const file = join(data.path, 'postgres', 'cluster', 'postmaster.pid');
  return Number(readFileSync(file, 'utf8').split('\n')[0]);
}

test('kill -9 in a storm, twice the server and once PostgreSQL: nothing acknowledged is missing, nothing is double', async () => {
  const options = { dataDirectory: data.path };
  server = await ServerProcess.start(options);
  const { url, port } = server;
  const admin = (await register(url, 'Ada')).accessToken;
  const people = await mint(url, admin, 1_200);
  const drop = await openDrop(url, admin, { stock: 400, price: { amount: 100, currency: 'EUR' } });
  const claimers = people.map(({ accessToken: token }) => {
    return { token, key: randomUUID(), answers: [] as Answer[] };
  });
  // So many at a time, that there is a middle of the storm to be killed in.
  const waiting = [...claimers];
  const clients = Array.from({ length: 60 }, async () => {
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      await claimPatiently(url, drop, next);
    }
  });
  for (const answered of [120, 300]) {
    await untilAnswered(claimers, answered);
    await server.kill();
    server = await ServerProcess.start({ ...options, port });
  }
  await untilAnswered(claimers, 500);
  process.kill(readPostmaster(), 'SIGKILL');
  await Promise.all(clients);

  const won = claimers.filter(({ answers }) => answers[0]?.status === 201);
  assert.equal(won.length, 400);
  assert.equal(new Set(won.map(({ answers }) => answers[0]?.body['id'])).size, 400);
  const lost = claimers.filter(({ answers }) => answers[0]?.body['code'] === 'sold_out');
  assert.equal(lost.length, 800);
  const { log } = await audit(url, drop);
  assert.deepEqual(log, { stock: 400, sold: 0, held: 400, left: 0 });
  // Repeats find what was acknowledged, before either kill as well as after.
  for (const { token, key, answers } of won.slice(0, 150)) {
    const { status, text } = await claim(url, drop, { token, key });
    assert.deepEqual([status, text], [201, answers[0]?.text]);
  }
  for (const { token, answers } of won.filter((_, index) => index % 20 === 0)) {
    const { items } = await callWell<{ items: Order[] }>(url, 'GET', '/v1/orders', { token });
    assert.deepEqual(
      items.map(({ id }) => id),
      [answers[0]?.body['id']],
    );
  }
});

test('the next start keeps everything, and --fresh forgets it', async () => {
  const { port, url } = server;
  const [drop] = (await callWell<{ items: { id: string }[] }>(url, 'GET', '/v1/drops')).items;
  const id = drop?.id ?? '';
  const before = await readDrop(url, id);
  assert.deepEqual(await server.stop(), { code: 0, signal: null });
  server = await ServerProcess.start({ dataDirectory: data.path, port });
  assert.deepEqual(await readDrop(url, id), before);
  const signIn = { body: { name: 'ada', password } };
  assert.equal((await call(url, 'POST', '/v1/sessions', signIn)).status, 200);
  await server.stop();
  server = await ServerProcess.start({ dataDirectory: data.path, port, args: ['--fresh'] });
  assert.equal((await call(url, 'GET', `/v1/drops/${id}`)).status, 404);
  assert.equal((await call(url, 'POST', '/v1/sessions', signIn)).status, 401);
  const { fresh } = await callWell<Installation>(url, 'GET', '/v1/installation');
  assert.equal(fresh, true);
});
