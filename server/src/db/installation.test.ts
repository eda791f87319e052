import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../../test/database.ts';
import { readOrCreateSecret } from './installation.ts';
import { type Database, openDatabase } from './pool.ts';

let place: TestDatabase;
let databases: Database[];

before(async () => {
  place = await createTestDatabase();
  databases = [1, 2, 3].map(() => openDatabase({ url: place.url }));
});

after(async () => {
  await Promise.all(databases.map((database) => database.close()));
  await place.drop();
});

test('all processes that ask at once get the same secret of 32 bytes', async () => {
  const secrets = await Promise.all(
    databases.flatMap((database) => [1, 2, 3].map(() => readOrCreateSecret(database, 'tokens'))),
  );
  assert.equal(secrets[0]?.length, 32);
  assert.equal(new Set(secrets.map((secret) => secret.toString('hex'))).size, 1);
});

test('secrets of different names differ', async () => {
  const [database] = databases;
  assert(database);
  const one = await readOrCreateSecret(database, 'one');
  assert.notDeepEqual(one, await readOrCreateSecret(database, 'two'));
});

test('a secret that was damaged is refused rather than used', async () => {
  const [database] = databases;
  assert(database);
  await database.query("insert into installation values ('short', 'abc')");
  await assert.rejects(readOrCreateSecret(database, 'short'), /short has 2 bytes, not 32/);
});
