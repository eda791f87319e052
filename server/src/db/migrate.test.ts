import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../../test/database.ts';
import { choosePending, migrate } from './migrate.ts';
import { type Database, openDatabase } from './pool.ts';

let place: TestDatabase;
let database: Database;

before(async () => {
  place = await createTestDatabase();
  database = openDatabase({ url: place.url });
});

after(async () => {
  await database.close();
  await place.drop();
});

/** A folder of migrations that counts on from what the database has. */
async function folder(files: Record<string, string>) {
  const directory = await mkdtemp(join(tmpdir(), 'migrations-'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
  after(() => rm(directory, { recursive: true }));
  return { url: place.url, migrationsDirectory: directory };
}

/** Each test starts with a database that has no migration of its own yet. */
async function forget() {
  await database.query('drop table if exists migration, counted, second');
}

const counted = 'create table counted (n integer); insert into counted values (1);';

test('several processes that start at once apply each migration once', async () => {
  await forget();
  const options = await folder({ '0001-counted.sql': counted, '0002-second.sql': 'select 1;' });
  await Promise.all([1, 2, 3, 4].map(() => migrate(options)));
  assert.deepEqual((await database.query('select n from counted')).rows, [{ n: 1 }]);
  const names = await database.query('select name from migration order by number');
  assert.deepEqual(
    names.rows.map(({ name }) => name),
    ['0001-counted.sql', '0002-second.sql'],
  );
});

test('a migration that fails leaves nothing behind and names itself', async () => {
  await forget();
  const options = await folder({ '0001-counted.sql': `${counted} select 1/0;` });
  await assert.rejects(migrate(options), /migration 0001-counted\.sql failed: division by zero/);
  await assert.rejects(database.query('select from counted'), /does not exist/);
  const again = await folder({ '0001-counted.sql': counted });
  await migrate(again);
});

test('line ends of another system are no change, other edits are refused', async () => {
  await forget();
  await migrate(await folder({ '0001-counted.sql': `${counted}\n-- end\n` }));
  await migrate(await folder({ '0001-counted.sql': `${counted}\r\n-- end\r\n` }));
  await assert.rejects(
    migrate(await folder({ '0001-counted.sql': 'select 2;' })),
    /0001-counted\.sql was changed after the database had applied it/,
  );
});

test('a database of a newer version is refused', async () => {
  await forget();
  await migrate(await folder({ '0001-counted.sql': counted, '0002-second.sql': 'select 1;' }));
  await assert.rejects(
    migrate(await folder({ '0001-counted.sql': counted })),
    /migration 0002-second\.sql, which this Dibs does not know: it was used with a newer version/,
  );
});

test('wrong names and numbers used twice are refused', async () => {
  await assert.rejects(migrate(await folder({ '1-x.sql': '' })), /not named like 0001-some-name/);
  await assert.rejects(
    migrate(await folder({ '0001-a.sql': '', '0001-b.sql': '' })),
    /0001-a\.sql and 0001-b\.sql have the same number/,
  );
});

test('a late number is refused, pending ones come in order', () => {
  const known = [1, 2, 3].map((number) => ({ number, name: `000${number}-x.sql`, checksum: 'c' }));
  const [first, second, third] = known;
  assert(first && second && third);
  assert.deepEqual(choosePending(known, [first]), [second, third]);
  assert.throws(() => choosePending(known, [first, third]), /0002-x\.sql comes before number 3/);
});
