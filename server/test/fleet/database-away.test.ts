import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/db/embedded.ts';
import { type Gate, openGate } from '../gate.ts';
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
import { makeDataDirectory, ServerProcess } from './server-process.ts';

/** PostgreSQL goes away in a storm: it refuses connections, or it is there and says nothing. */

const data = makeDataDirectory();
let postgres: EmbeddedPostgres;
let gate: Gate;
let server: ServerProcess;
let admin: string;

before(async () => {
  postgres = await startEmbeddedPostgres({ dataDirectory: data.path, log: () => {} });
  gate = await openGate(postgres.url);
  server = await ServerProcess.start({ databaseUrl: gate.url });
  admin = (await register(server.url, 'Ada')).accessToken;
});

after(async () => {
  resume();
  await server?.stop();
  await gate?.shut();
  await postgres?.close();
  data.remove();
});

let frozen: number[] = [];

let thawing: ChildProcess | undefined;

function freeze(): void {
  frozen = processesOf(join(data.path, 'postgres', 'cluster', 'postmaster.pid'));
  for (const pid of frozen) process.kill(pid, 'SIGSTOP');
  // Should this process be killed meanwhile, they must not stay so for good.
  const script = `sleep 40; kill -CONT ${frozen.join(' ')}`;
  thawing = spawn('/bin/sh', ['-c', script], { detached: true, stdio: 'ignore' });
  thawing.unref();
}

function resume(): void {
  for (const pid of frozen.splice(0).reverse()) process.kill(pid, 'SIGCONT');
  // Its group: the shell and its sleep.
  if (thawing?.pid !== undefined) process.kill(-thawing.pid, 'SIGKILL');
  thawing = undefined;
}

/** What a client must be able to read off a fault that passes. */
function expectTemporary({ status, headers, body, text }: Answer): void {
  assert.equal(status, 503, text);
  assert.equal(headers.get('content-type'), 'application/problem+json');
  assert.match(headers.get('retry-after') ?? '', /^[1-9]\d*$/);
  assert.equal(body['code'], 'unavailable');
  assert.ok((body['retryAfterMs'] as number) > 0);
  assert.doesNotMatch(text, /postgres:|127\.0\.0\.1|\.ts:/);
}

interface Outage {
  readonly begin: () => Promise<void> | void;
  readonly end: () => Promise<void> | void;
  readonly lastsMs: number;
  /** No command may take longer to be told. */
  readonly toldWithinMs: number;
}

/** Storms a drop before, during and after an outage; everything must add up in the end. */
async function stormThrough({ begin, end, lastsMs, toldWithinMs }: Outage): Promise<void> {
  const { url, port } = server;
  const [late, ...people] = await mint(url, admin, 300);
  const token = late?.accessToken ?? '';
  const drop = await openDrop(url, admin, { stock: 200 });
  const stream = new StreamReader(port, `/v1/stream?topic=drop:${drop}`);
  await stream.until(() => stream.events.length > 0);
  const won = new Map<string, string>();
  const faults: Answer[] = [];
  let slowestMs = 0;
  let isAway = false;
  const waiting = [...people];
  const ask = async (asked: { token: string; key: string }) => {
    const sentAt = performance.now();
    const answer = await claim(url, drop, asked);
    slowestMs = Math.max(slowestMs, performance.now() - sentAt);
    if (answer.status === 503) faults.push(answer);
    return answer;
  };
  const returned = Promise.withResolvers<void>();
  const askPatiently = async (asked: { token: string; key: string }) => {
    const isDone = (answer: Answer) => answer.status !== 503;
    const { status, body } = await callUntil(() => ask(asked), isDone, 40_000);
    assert.ok(status === 201 || body['code'] === 'sold_out');
    if (status === 201) won.set(asked.key, body['id'] as string);
  };
  const clients = Array.from({ length: 20 }, async () => {
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      await askPatiently({ token: next.accessToken, key: randomUUID() });
      // Half of them come after the outage, whatever the machine's pace.
      if (waiting.length < 150 && !isAway) await returned.promise;
    }
  });
  while (won.size < 40) await new Promise((resolve) => setTimeout(resolve, 5));

  isAway = true;
  await begin();
  const over = new Promise((resolve) => setTimeout(resolve, lastsMs));
  const asked = { token, key: randomUUID() };
  expectTemporary(await ask(asked));
  assert.equal((await call(url, 'GET', '/livez')).status, 200);
  assert.equal((await readDrop(url, drop)).stock, 200, 'known drops can be read');
  const ready = await call(url, 'GET', '/readyz');
  assert.equal(ready.status, 503);
  expectTemporary(await call(url, 'GET', '/v1/orders', { token }));
  expectTemporary(await call(url, 'GET', `/v1/drops/${randomUUID()}`));
  await over;
  await end();
  isAway = false;
  returned.resolve();

  await callUntil(
    () => call(url, 'GET', '/readyz'),
    ({ status }) => status === 200,
    8_000,
  );
  // Whether that write had happened is found out by the same key.
  await Promise.all([...clients, askPatiently(asked)]);
  assert.equal(won.size, 200);
  assert.equal(new Set(won.values()).size, 200);
  assert.ok(faults.length > 0);
  for (const fault of faults) expectTemporary(fault);
  assert.ok(slowestMs < toldWithinMs, `the slowest was told after ${slowestMs} ms`);
  assert.deepEqual((await audit(url, drop)).log, { stock: 200, sold: 0, held: 200, left: 0 });
  const claimed = () =>
    stream.events
      .flatMap(({ data: { facts } }) => facts ?? [])
      .filter((fact) => fact['type'] === 'claimed')
      .map((fact) => fact['order'] as number);
  await stream.until(() => claimed().length >= 200);
  assert.deepEqual(
    claimed(),
    [...new Set(claimed())].toSorted((a, b) => a - b),
  );
  assert.deepEqual(new Set(claimed().map((order) => `${drop}-${order}`)), new Set(won.values()));
  stream.leave();
}

test('connections are refused: clear faults, recovery, nothing lost, streams go on', async () => {
  await stormThrough({
    begin: () => gate.shut(),
    end: () => gate.reopen(),
    lastsMs: 4_000,
    toldWithinMs: 5_000,
  });
});

test('PostgreSQL is frozen for 10 s: the same', {
  skip: process.platform === 'linux' ? false : 'finds its processes in /proc',
}, async () => {
  await stormThrough({
    begin: freeze,
    end: resume,
    lastsMs: 10_000,
    toldWithinMs: 9_000,
  });
});

test('a deadline that fell into an outage is kept after it', async () => {
  const { url } = server;
  const opensAt = new Date(Date.now() + 1_500).toISOString();
  const drop = await openDrop(url, admin, { opensAt });
  await gate.shut();
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  await gate.reopen();
  await untilDrop(url, drop, ({ position }) => position !== '1:1', 10_000);
  assert.equal((await readDrop(url, drop)).status, 'open');
  await audit(url, drop);
});

/** The postmaster and its children. */
function processesOf(pidFile: string): number[] {
  const postmaster = Number(readFileSync(pidFile, 'utf8').split('\n')[0]);
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => parentOf(pid) === postmaster)
    .map(Number);
  return [postmaster, ...children];
}

function parentOf(pid: string): number | null {
  try {
    // The program's name may hold spaces and brackets; what follows its last bracket does not.
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return null; // It has ended.
  }
}
