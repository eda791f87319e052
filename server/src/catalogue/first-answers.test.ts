import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../../test/database.ts';
import { type Database, openDatabase } from '../db/pool.ts';
import { keepFirstAnswer } from './first-answers.ts';

let world: TestDatabase;
let database: Database;
const person = randomUUID();

before(async () => {
  world = await createTestDatabase();
  database = openDatabase({ url: world.url });
  await database.query(
    `insert into people (id, name, name_key, roles) values ($1, 'Ann', 'ann', array['member'])`,
    [person],
  );
});

after(async () => {
  await database?.close();
  await world?.drop();
});

const nameOf = (key: string) => ({ contest: randomUUID(), person, key });

test('the first answer of a key is given to all, its members in their order', async () => {
  const name = nameOf('once');
  const answers = await Promise.all(
    [3, 1, 2].map((left) => keepFirstAnswer(database, name, { z: 'last', left, a: 'first' })),
  );
  const texts = new Set(answers.map((answer) => JSON.stringify(answer)));
  assert.equal(texts.size, 1);
  assert.match([...texts][0] ?? '', /^\{"z":"last","left":\d,"a":"first"\}$/);
  const another = await keepFirstAnswer(database, nameOf('once'), { left: 9 });
  assert.deepEqual(another, { left: 9 });
});

test('old answers go as new ones come, but never the one that is asked for', async () => {
  const names = ['a', 'b', 'c'].map(nameOf);
  for (const name of names) await keepFirstAnswer(database, name, { of: name.key });
  await database.query(`update first_answers set created_at = now() - interval '3 days'`);
  const [a] = names as [ReturnType<typeof nameOf>];
  assert.deepEqual(await keepFirstAnswer(database, a, { of: 'anew' }), { of: 'a' });
  for (const key of ['d', 'e']) await keepFirstAnswer(database, nameOf(key), { of: key });
  const { rows } = await database.query(
    `select answer ->> 'of' as of from first_answers
     where created_at < now() - interval '2 days' and answer ->> 'of' is not null`,
  );
  assert.ok(rows.length < names.length, `${rows.length} are left`);
});

test('nothing is kept for somebody who is gone', async () => {
  const name = { ...nameOf('gone'), person: randomUUID() };
  assert.deepEqual(await keepFirstAnswer(database, name, { left: 1 }), { left: 1 });
  assert.deepEqual(await keepFirstAnswer(database, name, { left: 2 }), { left: 2 });
});
