import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { after, before, test } from 'node:test';
import {
  anna,
  createPeopleWorld,
  laptop,
  type PeopleWorld,
  untilRevoked,
} from '../../test/people-world.ts';
import type { Database } from '../db/pool.ts';

let world: PeopleWorld;

before(async () => {
  world = await createPeopleWorld();
});

after(() => world.close());

/** The world's database, which can be made to be away. */
function breakable(database: Database): Database & { isAway: boolean } {
  return {
    ...database,
    isAway: false,
    query(statement, values) {
      if (this.isAway) return Promise.reject(new Error('PostgreSQL unreachable'));
      return database.query(statement, values);
    },
  };
}

test('PE14: while the database is away what is known holds; the rest is caught up', async () => {
  const people = await world.join();
  const database = breakable(world.database);
  const lines = new EventEmitter();
  const logged: string[] = [];
  const cut = await world.join({
    database,
    listen: () => ({ close: async () => {} }),
    pollMs: 5,
    log: (line) => {
      logged.push(line);
      lines.emit('line');
    },
  });
  const first = await people.register(anna, laptop);
  const second = await people.signIn(anna, laptop);
  await people.signOut({ refreshToken: first.refreshToken });
  const isOut = (token: string) => () => cut.identify(token) === null;
  await untilRevoked(cut, isOut(first.accessToken));
  database.isAway = true;
  await once(lines, 'line');
  assert.deepEqual(logged, ['revoked sessions cannot be read: PostgreSQL unreachable']);
  await people.signOut({ refreshToken: second.refreshToken });
  assert.equal(isOut(first.accessToken)(), true);
  assert.equal(isOut(second.accessToken)(), false, 'it cannot know');
  const back = once(lines, 'line');
  database.isAway = false;
  await untilRevoked(cut, isOut(second.accessToken));
  await back;
  assert.equal(logged.length, 2, 'said once each, not at every poll');
});

test('PE8: identifying asks no database', async () => {
  const people = await world.join();
  const signedIn = await people.register({ ...anna, name: 'Offline' }, laptop);
  const database = breakable(world.database);
  const other = await world.join({ database, pollMs: 60_000 });
  database.isAway = true;
  const identity = other.identify(signedIn.accessToken);
  assert.ok(identity !== null && identity !== 'expired');
  assert.equal(identity.name, 'Offline');
});

test('PE14: revocations and sessions that are over are cleaned up', async () => {
  const people = await world.join({ pollMs: 5 });
  const signedIn = await people.register({ ...anna, name: 'Passing' }, laptop);
  await people.signOut({ refreshToken: signedIn.refreshToken });
  await people.signIn({ ...anna, name: 'Passing' }, laptop);
  await world.database.query("update revocations set until = now() - interval '1 second'");
  await world.database.query("update sessions set expires_at = now() - interval '1 second'");
  world.clock.advance(61_000);
  for (let n = 0; n < 1_000; n += 1) {
    const { rows } = await world.database.query(
      'select from revocations union all select from sessions',
    );
    if (rows.length === 0) return;
  }
  assert.fail('rows that are over are still there');
});
