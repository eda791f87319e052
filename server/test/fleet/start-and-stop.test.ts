import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../database.ts';
import { StreamReader } from '../streams.ts';
import { type Answer, audit, call, claim, mint, openDrop, readDrop, register } from './api.ts';
import { DibsProgram, makeDataDirectory, runDibs, ServerProcess } from './server-process.ts';

/** What an operator meets: a port or folder that is taken, bad settings, Ctrl-C. */

const data = makeDataDirectory();
let database: TestDatabase;
let server: ServerProcess | undefined;

before(async () => {
  database = await createTestDatabase();
});

after(async () => {
  await server?.stop();
  await database?.drop();
  data.remove();
});

/** The process id of the PostgreSQL in the box, or null where none runs. */
function postgresOf(dataDirectory: string): number | null {
  const file = join(dataDirectory, 'postgres', 'cluster', 'postmaster.pid');
  if (!existsSync(file)) return null;
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
  try {
    process.kill(pid, 0);
    return pid;
  } catch {
    return null;
  }
}

/** One plain sentence, and nothing that only a programmer reads. */
function expectPlain(program: DibsProgram, pattern: RegExp): void {
  const lines = program.stderr.trim().split('\n');
  assert.match(lines.at(-1) ?? '', pattern);
  assert.equal(lines.length, 1, program.stderr);
  assert.equal(program.stdout.trim(), '');
}

test('a port in use: one line that names it, and PostgreSQL does not stay behind', async () => {
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const { port } = holder.address() as { port: number };
  const environment = { PORT: String(port), DATA_DIR: data.path, LOG_LEVEL: 'warn' };
  const program = new DibsProgram(['serve'], { environment });
  const { code } = await program.end(40_000);
  holder.close();
  assert.equal(code, 1);
  expectPlain(program, new RegExp(`port ${port} .*in use.*PORT`));
  assert.equal(postgresOf(data.path), null);
});

test('an address that is not of this machine: one line that names it', async () => {
  const environment = { PORT: '0', HOST: '192.0.2.1', DATABASE_URL: database.url };
  const program = new DibsProgram(['serve'], {
    environment: { ...environment, LOG_LEVEL: 'warn' },
  });
  assert.equal((await program.end()).code, 1);
  expectPlain(program, /192\.0\.2\.1 .*HOST/);
});

test('bad settings are all told at once, before anything is started', async () => {
  const environment = {
    PORT: '70700',
    HOST: '0.0.0.0',
    LIMITS: 'off',
    DATABASE_URL: 'mysql://user:secret@host/name',
    DATA_DIR: data.path,
  };
  const { code, stderr } = await runDibs(['serve'], { environment });
  assert.equal(code, 1);
  for (const name of ['PORT', 'DATABASE_URL', 'LIMITS']) {
    assert.match(stderr, new RegExp(`^  - ${name} `, 'm'));
  }
  assert.doesNotMatch(stderr, /secret|\bat .*\.ts:\d/);
});

test('an unknown flag or command is refused with a word of help', async () => {
  for (const args of [['serve', '--fast'], ['dance'], ['serve', '--crowd', '-3']]) {
    const { code, stderr } = await runDibs(args);
    assert.notEqual(code, 0, args.join(' '));
    assert.match(stderr, /^error: /, args.join(' '));
    assert.doesNotMatch(stderr, /\bat .*\.ts:\d/);
  }
});

test('a PostgreSQL that is not there: one line that says so', async () => {
  const environment = { DATABASE_URL: 'postgres://dibs:secret@127.0.0.1:9/dibs', PORT: '0' };
  const program = new DibsProgram(['serve'], { environment });
  const { code } = await program.end(40_000);
  assert.equal(code, 1);
  assert.match(program.stderr, /PostgreSQL|database/i);
  assert.doesNotMatch(program.stderr, /secret|\bat .*\.ts:\d/);
});

test('Ctrl-C in a storm: all that is in is answered, streams are sent on, exit code 0', async () => {
  server = await ServerProcess.start({ databaseUrl: database.url });
  const { url, port } = server;
  const admin = (await register(url, 'Ada')).accessToken;
  const people = await mint(url, admin, 400);
  const drop = await openDrop(url, admin, { stock: 1_000 });
  const stream = new StreamReader(port, `/v1/stream?topic=drop:${drop}`);
  await stream.until(() => stream.events.length > 0);
  const answered: Answer[] = [];
  let unanswered = 0;
  let interruptedAt = 0;
  const storm = people.map(async ({ accessToken: token }) => {
    try {
      answered.push(await claim(url, drop, { token }));
    } catch (error) {
      // Only who never got a connection may be left without an answer.
      const { code } = ((error as Error).cause ?? {}) as { code?: string };
      assert.equal(code, 'ECONNREFUSED', String((error as Error).cause));
      unanswered += 1;
    }
    if (answered.length === 50) {
      interruptedAt = performance.now();
      server?.child.kill('SIGINT');
    }
  });
  await Promise.all(storm);
  const end = await server.end(15_000);
  assert.deepEqual(end, { code: 0, signal: null }, server.said);
  assert.ok(performance.now() - interruptedAt < 15_000);
  const reconnect = stream.events.find(({ event }) => event === 'reconnect');
  assert.ok((reconnect?.data.afterMs ?? -1) >= 0);
  const codes = new Set(answered.map(({ status, body }) => `${status} ${body['code'] ?? ''}`));
  for (const code of codes) assert.match(code, /^(201 |503 draining)$/);
  assert.equal(answered.length + unanswered, people.length);

  server = await ServerProcess.start({ databaseUrl: database.url });
  const won = answered.filter(({ status }) => status === 201).length;
  assert.equal((await readDrop(server.url, drop)).held, won);
  await audit(server.url, drop);
});

test('a fair window does not hold up Ctrl-C for longer than it lasts', async () => {
  assert.ok(server);
  const { url } = server;
  const body = { name: 'ada', password: 'correct horse battery' };
  const { accessToken: admin } = (await call(url, 'POST', '/v1/sessions', { body })).body;
  const people = await mint(url, admin as string, 3);
  const opensAt = new Date(Date.now() + 300).toISOString();
  const wanted = { stock: 2, opensAt, fairWindowMs: 2_000 };
  const drop = await openDrop(url, admin as string, wanted);
  while ((await readDrop(url, drop)).status !== 'open');
  const claims = people.map(({ accessToken: token }) => claim(url, drop, { token }));
  while ((await readDrop(url, drop)).queued < people.length);
  const stopping = server.stop();
  const statuses = (await Promise.all(claims)).map(({ status }) => status);
  assert.deepEqual(
    statuses.toSorted((a, b) => a - b),
    [201, 201, 409],
  );
  assert.deepEqual(await stopping, { code: 0, signal: null });
});

test('the box: a folder in use is told, Ctrl-C stops PostgreSQL and a running crowd', async () => {
  const options = { dataDirectory: data.path };
  server = await ServerProcess.start({ ...options, args: ['--demo', '--crowd', '20'] });
  const environment = { PORT: '0', DATA_DIR: data.path, LOG_LEVEL: 'warn' };
  const second = new DibsProgram(['serve'], { environment });
  assert.equal((await second.end()).code, 1);
  expectPlain(second, /in use by another running Dibs \(process \d+.*DATA_DIR/);
  assert.match(second.stderr, new RegExp(`process ${server.pid},`));
  const fresh = new DibsProgram(['serve', '--fresh'], { environment });
  assert.equal((await fresh.end()).code, 1);
  expectPlain(fresh, /in use by another running Dibs/);
  const audited = await runDibs(['audit'], { environment });
  assert.equal(audited.code, 1);
  assert.match(audited.stderr, /^dibs: .*in use by another running Dibs.*\n$/);
  assert.equal((await call(server.url, 'GET', '/readyz')).status, 200);

  const postgres = postgresOf(data.path);
  assert.notEqual(postgres, null);
  server.child.kill('SIGTERM');
  assert.deepEqual(await server.end(), { code: 0, signal: null });
  assert.equal(postgresOf(data.path), null);
  assert.equal(existsSync(join(data.path, 'postgres', 'cluster', 'postmaster.pid')), false);
  const after0 = await runDibs(['audit'], { environment });
  assert.equal(after0.code, 0, after0.stderr);
  assert.match(after0.stdout, /: ok, /);
  assert.equal(postgresOf(data.path), null);
});
