import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  addContest,
  anna,
  ben,
  createPeopleWorld,
  emptyPeople,
  fault,
  laptop,
  type PeopleWorld,
  readIdentityOf,
  untilRevoked,
} from '../../test/people-world.ts';
import type { Database } from '../db/pool.ts';
import type { People, SignedInTokens } from './people.ts';

let world: PeopleWorld;
let people: People;
let database: Database;

before(async () => {
  world = await createPeopleWorld();
  people = await world.join();
  database = world.database;
});

after(() => world.close());

const empty = () => emptyPeople(database);
const identityOf = (signedIn: SignedInTokens, by = people) => readIdentityOf(signedIn, by);

test('PE20: an export holds everything about a person and nothing about others', async () => {
  await empty();
  const notes = {
    name: 'notes',
    collect: async (_database: unknown, person: string) => [`a note on ${person}`],
    forget: async () => {},
  };
  const noting = await world.join({ personalData: [notes] });
  const identity = identityOf(await people.register(anna, laptop));
  const other = identityOf(await people.register(ben, laptop));
  const own = await addContest(database, identity.personId, identity.personId);
  await addContest(database, other.personId, other.personId);
  const exported = await noting.exportPerson(identity);
  const text = JSON.stringify(exported);
  assert.ok(!text.includes(other.personId) && !text.includes('Ben') && !text.includes('argon2'));
  const { profile, sessions, orders, contests, notes: noted } = JSON.parse(text);
  assert.equal(profile.name, 'Anna');
  assert.equal(sessions.length, 1);
  assert.deepEqual(noted, [`a note on ${identity.personId}`]);
  assert.equal(contests[0].id, own);
  assert.equal(orders.length, 1);
  assert.equal(orders[0].id, `${own}-7`);
  assert.deepEqual(orders[0].total, { amount: 2400, currency: 'EUR' });
  assert.deepEqual(
    orders[0].history.map((entry: { fact: string }) => entry.fact),
    ['claimed', 'paid'],
  );
});

test('PE21: who is deleted is named nowhere, and their tokens end everywhere', async () => {
  await empty();
  const other = await world.join();
  await people.register(ben, laptop);
  const signedIn = await people.register(anna, laptop);
  const identity = identityOf(signedIn);
  identityOf(signedIn, other);
  await addContest(database, identity.personId, identity.personId);
  await people.deletePerson(identity);
  assert.equal(people.identify(signedIn.accessToken), null);
  await untilRevoked(other, () => other.identify(signedIn.accessToken) === null);
  assert.equal(await people.refresh(signedIn.refreshToken, laptop), null);
  await assert.rejects(people.signIn(anna, laptop), fault('wrong_credentials'));
  const { rows } = await database.query<{ dump: string }>(
    `select contests::text as dump from contests union all select orders::text from orders
     union all select people::text from people union all select sessions::text from sessions`,
  );
  assert.ok(rows.length >= 4, 'order and contest are still there');
  for (const { dump } of rows) assert.ok(!dump.includes(identity.personId), dump);
  await people.register(anna, laptop); // the name is free again
});

test('PE21: an order written while its person is being deleted does not name them', async () => {
  await empty();
  const identity = identityOf(await people.register(anna, laptop));
  const contest = await addContest(database, identity.personId, identity.personId);
  let deleted: Promise<void> | undefined;
  await database.transaction(async (connection) => {
    await connection.query(
      `insert into orders (contest, seq, person, quantity, amount, currency, status,
         created_at, pay_by)
       select $1, 8, id, 1, 2400, 'EUR', 'reserved', now(), now() from people where id = $2`,
      [contest, identity.personId],
    );
    deleted = people.deletePerson(identity);
    await untilSomebodyWaits();
  });
  await deleted;
  const { rows } = await database.query('select from orders where person is not null');
  assert.equal(rows.length, 0);
});

/** Until a statement in this database waits for a lock. */
async function untilSomebodyWaits(): Promise<void> {
  for (let n = 0; n < 500; n += 1) {
    const { rows } = await database.query(
      `select from pg_locks l join pg_database d on d.oid = l.database
       where not granted and datname = current_database()`,
    );
    if (rows.length > 0) return;
  }
  throw new Error('nothing waits for a lock');
}

test('PE21: a deletion that a part refuses leaves everything as it was', async () => {
  await empty();
  const failing = {
    name: 'broken',
    collect: async () => null,
    forget: async () => {
      throw new Error('cannot forget');
    },
  };
  const broken = await world.join({ personalData: [failing] });
  const signedIn = await people.register(anna, laptop);
  await assert.rejects(broken.deletePerson(identityOf(signedIn)), /cannot forget/);
  identityOf(signedIn);
  assert.ok((await people.refresh(signedIn.refreshToken, laptop)) !== null);
});

test('PE18: the only person may delete the account, and the next one is admin again', async () => {
  await empty();
  await people.deletePerson(identityOf(await people.register(anna, laptop)));
  assert.equal(await people.isFresh(), true);
  assert.deepEqual((await people.register(ben, laptop)).person.roles, ['member', 'admin']);
});
