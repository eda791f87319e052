import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../../test/database.ts';
import { openGate } from '../../test/gate.ts';
import { DatabaseTimeout, DatabaseUnavailable, translateError } from './database-faults.ts';
import { openDatabase } from './pool.ts';

let place: TestDatabase;

before(async () => {
  place = await createTestDatabase();
});

after(() => place.drop());

test('int8 is a number, and an error beyond what a number holds', async () => {
  const database = openDatabase({ url: place.url });
  const found = await database.query('select 9007199254740991::int8 as most, count(*) as count');
  assert.deepEqual(found.rows, [{ most: 9_007_199_254_740_991, count: 1 }]);
  await assert.rejects(database.query('select 9007199254740992::int8'), /beyond 2\^53/);
  assert.equal((await database.query('select 1 as one')).rows[0]?.['one'], 1);
  await database.close();
});

test('a transaction commits as a whole or not at all', async () => {
  const database = openDatabase({ url: place.url });
  await database.query('create table kept (n integer primary key)');
  await database.transaction(async (connection) => {
    await connection.query('insert into kept values (1)');
    await connection.query('insert into kept values (2)');
  });
  const failing = database.transaction(async (connection) => {
    await connection.query('insert into kept values (3)');
    await connection.query('insert into kept values (1)');
  });
  await assert.rejects(failing, { code: '23505' });
  const swallowing = database.transaction(async (connection) => {
    await connection.query('insert into kept values (4)');
    await connection.query('insert into kept values (1)').catch(() => {});
  });
  await assert.rejects(swallowing, /rolled back/);
  const kept = await database.query('select n from kept order by n');
  assert.deepEqual(
    kept.rows.map(({ n }) => n),
    [1, 2],
  );
  await database.close();
});

test('a statement that takes too long is given up, the connection lives on', async () => {
  const database = openDatabase({ url: place.url, statementTimeoutMs: 50, connectionsMax: 1 });
  await assert.rejects(database.query('select pg_sleep(5)'), DatabaseTimeout);
  assert.equal((await database.query('select 1 as one')).rowCount, 1);
  await database.close();
});

test('nobody listening, and a server that never answers, are DatabaseUnavailable', async () => {
  const silent = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
  await new Promise((resolve) => silent.once('listening', resolve));
  const { port } = silent.address() as { port: number };
  const url = `postgres://nobody@127.0.0.1:${port}/none`;
  const database = openDatabase({ url, connectTimeoutMs: 100 });
  const unavailable = (error: unknown) =>
    error instanceof DatabaseUnavailable && !error.mayHaveRun && error.temporary;
  await assert.rejects(database.query('select 1'), unavailable);
  await new Promise((resolve) => silent.close(resolve));
  await assert.rejects(database.query('select 1'), unavailable);
  await database.close();
});

test('a pool without a free connection is DatabaseUnavailable after its limit', async () => {
  const database = openDatabase({ url: place.url, connectionsMax: 1, connectTimeoutMs: 50 });
  const taken = Promise.withResolvers<void>();
  const free = Promise.withResolvers<void>();
  const holding = database.transaction(async () => {
    taken.resolve();
    await free.promise;
  });
  await taken.promise;
  await assert.rejects(database.query('select 1'), DatabaseUnavailable);
  free.resolve();
  await holding;
  await database.query('select 1');
  await database.close();
});

test('after PostgreSQL was away the same pool works again', async () => {
  const gate = await openGate(place.url);
  const database = openDatabase({ url: gate.url, connectTimeoutMs: 200 });
  await Promise.all([1, 2, 3].map(() => database.query('select 1')));
  const interrupted = assert.rejects(
    database.query('select pg_sleep(5)'),
    (error: unknown) => error instanceof DatabaseUnavailable && error.mayHaveRun,
  );
  await gate.shut();
  await interrupted;
  await assert.rejects(database.query('select 1'), DatabaseUnavailable);
  await gate.reopen();
  assert.equal((await database.query('select 1 as one')).rowCount, 1);
  await database.close();
  await gate.shut();
});

test('a full disk and a read-only server are told apart from other errors', () => {
  const answer = (code: string) => Object.assign(new Error('x'), { code, severity: 'ERROR' });
  const codeOf = (error: unknown) => (translateError(error, true) as { code: string }).code;
  assert.equal(codeOf(answer('53100')), 'database_full');
  assert.equal(codeOf(answer('25006')), 'database_read_only');
  assert.equal(codeOf(answer('57P03')), 'database_unavailable');
  assert.equal(codeOf(answer('23505')), '23505');
  assert.equal(codeOf(Object.assign(new Error('x'), { code: 'EPIPE' })), 'database_unavailable');
  const several = new AggregateError([Object.assign(new Error('x'), { code: 'ECONNREFUSED' })]);
  assert.equal(codeOf(several), 'database_unavailable');
});
