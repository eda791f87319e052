import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
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
  phone,
  readIdentityOf,
  untilRevoked,
} from '../../test/people-world.ts';
import type { Database } from '../db/pool.ts';
import { ACCESS_LIFE_MS } from './access-tokens.ts';
import { mayHost, type People, PeopleFault, type SignedInTokens } from './people.ts';
import { SESSIONS_MAX } from './sessions.ts';

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

test('PE1: who registers is signed in, and signs in again with the name in any case', async () => {
  await empty();
  const registered = await people.register(anna, laptop);
  const identity = identityOf(registered);
  assert.equal(identity.personId, registered.person.id);
  assert.equal(identity.name, 'Anna');
  const again = await people.signIn({ ...anna, name: ' ANNA ' }, phone);
  assert.equal(again.person.id, registered.person.id);
  assert.equal(again.person.name, 'Anna');
  assert.notEqual(identityOf(again).sessionId, identity.sessionId);
});

test('PE3: a password is kept as salted argon2id and nowhere in clear', async () => {
  await empty();
  await people.register(anna, laptop);
  await people.register({ ...anna, name: 'Twin' }, laptop);
  const { rows } = await database.query<{ password_hash: string; dump: string }>(
    'select password_hash, people::text as dump from people order by name',
  );
  assert.match(rows[0]?.password_hash ?? '', /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  assert.notEqual(rows[0]?.password_hash, rows[1]?.password_hash);
  for (const { dump } of rows) assert.ok(!dump.includes(anna.password));
});

test('PE10: tokens are not in the database, only their hashes', async () => {
  await empty();
  const { accessToken, refreshToken } = await people.register(anna, laptop);
  const { rows } = await database.query<{ dump: string }>('select s::text as dump from sessions s');
  const bytes = Buffer.from(refreshToken, 'base64url');
  for (const { dump } of rows) {
    assert.ok(!dump.includes(refreshToken) && !dump.includes(accessToken));
    assert.ok(!dump.includes(bytes.toString('hex')));
  }
});

test('PE4: a wrong password and an unknown name get the same answer in the same time', async () => {
  await empty();
  await people.register(anna, laptop);
  const timeOf = async (credentials: typeof anna) => {
    const start = performance.now();
    const error = await people.signIn(credentials, laptop).catch((reason) => reason);
    assert.ok(error instanceof PeopleFault);
    assert.equal(error.code, 'wrong_credentials');
    assert.equal(error.message, '');
    return performance.now() - start;
  };
  const wrong: number[] = [];
  const unknown: number[] = [];
  const impossible: number[] = [];
  for (let n = 0; n < 6; n += 1) {
    wrong.push(await timeOf({ ...anna, password: 'not hers at all' }));
    unknown.push(await timeOf({ ...anna, name: `Nobody ${n}` }));
    impossible.push(await timeOf({ ...anna, name: '\u202eanna' }));
  }
  // The least of each, since others use the machine too: a missing hash would be a tenth.
  const least = Math.min(...wrong);
  for (const times of [unknown, impossible]) {
    const ratio = Math.min(...times) / least;
    assert.ok(ratio > 0.5 && ratio < 2, `takes ${ratio} times as long as a wrong password`);
  }
});

test('PE1: of many who take one name at once exactly one has it', async () => {
  await empty();
  const names = ['Dora', 'dora', 'DORA', 'Ｄora', 'dorA', 'DoRa'];
  const outcomes = await Promise.allSettled(
    names.map((name) => people.register({ name, password: anna.password }, laptop)),
  );
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
  assert.equal(refused.length, names.length - 1);
  for (const { reason } of refused) fault('name_taken')(reason);
  const { rows } = await database.query('select from sessions');
  assert.equal(rows.length, 1);
});

test('PE18: of many who come first at once exactly one becomes the admin', async () => {
  for (let round = 0; round < 3; round += 1) {
    await empty();
    assert.equal(await people.isFresh(), true);
    const other = await world.join();
    const registered = await Promise.all(
      Array.from({ length: 8 }, (_, n) =>
        [people, other][n % 2]?.register({ name: `First ${n}`, password: anna.password }, laptop),
      ),
    );
    const admins = registered.filter((one) => one?.person.roles.includes('admin'));
    assert.equal(admins.length, 1);
    assert.deepEqual(admins[0]?.person.roles, ['member', 'admin']);
    assert.equal(await people.isFresh(), false);
    assert.deepEqual((await people.register(anna, laptop)).person.roles, ['member']);
  }
});

test('PE18: with a demo nobody becomes admin by coming first', async () => {
  await empty();
  const demo = await world.join({ isFirstAdmin: false });
  assert.deepEqual((await demo.register(anna, laptop)).person.roles, ['member']);
  assert.equal(await demo.isFresh(), false);
});

test('PE10: a refresh gives new tokens of the same session and uses the old one up', async () => {
  await empty();
  const first = await people.register(anna, laptop);
  const second = await people.refresh(first.refreshToken, laptop);
  assert.ok(second !== null);
  assert.notEqual(second.refreshToken, first.refreshToken);
  assert.equal(identityOf(second).sessionId, identityOf(first).sessionId);
  const third = await people.refresh(second.refreshToken, laptop);
  assert.ok(third !== null);
});

test('PE11: an honest repeat of a refresh, also at once and elsewhere, gets the same token', async () => {
  await empty();
  const other = await world.join();
  const first = await people.register(anna, laptop);
  const answers = await Promise.all(
    Array.from({ length: 6 }, (_, n) =>
      [people, other][n % 2]?.refresh(first.refreshToken, laptop),
    ),
  );
  const tokens = new Set(answers.map((answer) => answer?.refreshToken));
  assert.equal(tokens.size, 1);
  const next = answers[0]?.refreshToken;
  assert.ok(next !== undefined && (await people.refresh(next, laptop)) !== null);
});

test('PE12: a copied refresh token used later ends the session for thief and owner', async () => {
  await empty();
  const stolen = await people.register(anna, laptop);
  const owners = await people.refresh(stolen.refreshToken, laptop);
  assert.ok(owners !== null);
  await database.query("update sessions set rotated_at = rotated_at - interval '11 seconds'");
  assert.equal(await people.refresh(stolen.refreshToken, laptop), null);
  assert.equal(await people.refresh(owners.refreshToken, laptop), null);
  assert.equal(people.identify(owners.accessToken), null);
});

test('PE12: a copied refresh token that another client uses at once ends the session', async () => {
  await empty();
  const stolen = await people.register(anna, laptop);
  assert.ok((await people.refresh(stolen.refreshToken, laptop)) !== null);
  assert.equal(await people.refresh(stolen.refreshToken, phone), null);
  assert.equal(people.identify(stolen.accessToken), null);
});

test('PE12: a refresh token from two refreshes ago ends the session at once', async () => {
  await empty();
  const first = await people.register(anna, laptop);
  const second = await people.refresh(first.refreshToken, laptop);
  await people.refresh(second?.refreshToken ?? '', laptop);
  assert.equal(await people.refresh(first.refreshToken, laptop), null);
  assert.equal(people.identify(first.accessToken), null);
});

test('PE10: a made-up refresh token does nothing to the session it names', async () => {
  await empty();
  const signedIn = await people.register(anna, laptop);
  const bytes = Buffer.from(signedIn.refreshToken, 'base64url');
  bytes.fill(7, 16, 48);
  assert.equal(await people.refresh(bytes.toString('base64url'), laptop), null);
  assert.equal(await people.refresh(signedIn.accessToken, laptop), null);
  assert.ok((await people.refresh(signedIn.refreshToken, laptop)) !== null);
});

test('PE10: a refresh token ends after 30 days without use', async () => {
  await empty();
  const signedIn = await people.register(anna, laptop);
  const { rows } = await database.query<{ days: number }>(
    'select round(extract(epoch from expires_at - now()) / 86400)::int as days from sessions',
  );
  assert.equal(rows[0]?.days, 30);
  await database.query("update sessions set expires_at = now() - interval '1 second'");
  assert.equal(await people.refresh(signedIn.refreshToken, laptop), null);
});

test('PE14: signing out revokes the tokens, on every process within 5 s', async () => {
  await empty();
  const other = await world.join();
  const byPolling = await world.join({ listen: () => ({ close: async () => {} }) });
  const signedIn = await people.register(anna, laptop);
  for (const one of [people, other, byPolling]) identityOf(signedIn, one);
  assert.equal(await people.signOut({ identity: identityOf(signedIn) }), true);
  assert.equal(people.identify(signedIn.accessToken), null);
  const isOut = (one: People) => () => one.identify(signedIn.accessToken) === null;
  await untilRevoked(other, isOut(other), 1_000);
  await untilRevoked(byPolling, isOut(byPolling), 5_000);
  assert.equal(await people.refresh(signedIn.refreshToken, laptop), null);
});

test('PE14: a process that starts later knows what was revoked before', async () => {
  await empty();
  const signedIn = await people.register(anna, laptop);
  await people.signOut({ refreshToken: signedIn.refreshToken });
  const later = await world.join();
  assert.equal(later.identify(signedIn.accessToken), null);
});

test('PE13: beyond 20 sessions the one used least recently ends', async () => {
  await empty();
  const sessions = [await people.register(anna, laptop)];
  const { id } = sessions[0]?.person ?? { id: '' };
  await database.query('update people set password_hash = null where id = $1', [id]);
  while (sessions.length < SESSIONS_MAX) {
    sessions.push((await people.openSession(id, 'Laptop/1.0')) as SignedInTokens);
  }
  // The first is used again, so the second is the oldest.
  sessions[0] = (await people.refresh(sessions[0]?.refreshToken ?? '', laptop)) as SignedInTokens;
  await Promise.all(Array.from({ length: 4 }, () => people.openSession(id, 'Phone/1.0')));
  const { rows } = await database.query('select from sessions where person = $1', [id]);
  assert.equal(rows.length, SESSIONS_MAX);
  await untilRevoked(people, () =>
    sessions.slice(1, 5).every((one) => people.identify(one.accessToken) === null),
  );
  for (const one of [sessions[0], ...sessions.slice(5)]) identityOf(one as SignedInTokens);
});

test("PE14: sessions are listed, and one can end one's own only", async () => {
  await empty();
  const first = await people.register(anna, laptop);
  const second = await people.signIn(anna, { ...phone, userAgent: `Ph\0one\n${'x'.repeat(500)}` });
  const stranger = identityOf(await people.register(ben, laptop));
  const listed = await people.listSessions(identityOf(second));
  assert.equal(listed.length, 2);
  assert.deepEqual(
    listed.map(({ isCurrent }) => isCurrent),
    [true, false],
  );
  assert.equal(listed[0]?.userAgent.length, 200);
  assert.match(listed[0]?.userAgent ?? '', /^Phonexxx/);
  const { sessionId } = identityOf(first);
  assert.equal(await people.revokeSession(stranger, sessionId), false);
  identityOf(first);
  assert.equal(await people.revokeSession(identityOf(second), sessionId), true);
  assert.equal(people.identify(first.accessToken), null);
  assert.equal(await people.revokeSession(identityOf(second), randomUUID()), false);
});

test('PE15: after a new name the old tokens are due for a refresh that brings it', async () => {
  await empty();
  const other = await world.join();
  const signedIn = await people.register(anna, laptop);
  identityOf(signedIn, other);
  const changed = await people.changeProfile(identityOf(signedIn), { name: 'Hannah' });
  assert.equal(changed.name, 'Hannah');
  assert.equal(people.identify(signedIn.accessToken), 'expired');
  await untilRevoked(other, () => other.identify(signedIn.accessToken) === 'expired');
  const renewed = await people.refresh(signedIn.refreshToken, laptop);
  assert.equal(identityOf(renewed as SignedInTokens).name, 'Hannah');
  assert.equal(identityOf(renewed as SignedInTokens, other).name, 'Hannah');
  await assert.rejects(people.signIn(anna, laptop), fault('wrong_credentials'));
  await people.register(anna, laptop); // the old name is free again
  await assert.rejects(
    people.changeProfile(identityOf(renewed as SignedInTokens), { name: 'ANNA' }),
    fault('name_taken'),
  );
});

test('PE15: a new password needs the current one and ends the other sessions', async () => {
  await empty();
  const here = await people.register(anna, laptop);
  const there = await people.signIn(anna, phone);
  const password = 'an altogether new one';
  const identity = identityOf(here);
  await assert.rejects(people.changeProfile(identity, { password }), fault('invalid'));
  await assert.rejects(
    people.changeProfile(identity, { password, currentPassword: 'a wrong one' }),
    fault('wrong_credentials'),
  );
  identityOf(there);
  await people.changeProfile(identity, { password, currentPassword: anna.password });
  assert.equal(people.identify(there.accessToken), null);
  assert.equal(await people.refresh(there.refreshToken, phone), null);
  identityOf(here);
  await assert.rejects(people.signIn(anna, laptop), fault('wrong_credentials'));
  await people.signIn({ ...anna, password }, laptop);
});

test('PE6: guessing the current password is slowed down', async () => {
  await empty();
  const limited = await world.join({ limits: 'on' });
  const identity = identityOf(await limited.register(anna, laptop));
  const change = { password: 'an altogether new one', currentPassword: 'a wrong one' };
  for (let n = 0; n < 5; n += 1) {
    await assert.rejects(limited.changeProfile(identity, change), fault('wrong_credentials'));
  }
  await assert.rejects(limited.changeProfile(identity, change), fault('rate_limited'));
});

test('PE19: roles: only an admin sets them, tokens follow at once, and member stays', async () => {
  await empty();
  const admin = identityOf(await people.register(anna, laptop));
  const signedIn = await people.register(ben, laptop);
  const member = identityOf(signedIn);
  await assert.rejects(people.setRoles(member, member.personId, ['admin']), fault('forbidden'));
  await assert.rejects(people.setRoles(admin, randomUUID(), ['host']), fault('not_found'));
  const changed = await people.setRoles(admin, member.personId, ['host', 'moderator']);
  assert.deepEqual(changed.roles, ['member', 'host', 'moderator']);
  assert.equal(people.identify(signedIn.accessToken), 'expired');
  const renewed = identityOf(
    (await people.refresh(signedIn.refreshToken, laptop)) as SignedInTokens,
  );
  assert.deepEqual(renewed.roles, ['member', 'host', 'moderator']);
  assert.equal(mayHost(renewed, { hosting: 'hosts' }), true);
  assert.equal(mayHost(member, { hosting: 'hosts' }), false);
  assert.equal(mayHost(member, { hosting: 'anyone' }), true);
});

test('PE19: the last admin keeps the role, also when two take it from each other', async () => {
  await empty();
  const first = identityOf(await people.register(anna, laptop));
  await assert.rejects(people.setRoles(first, first.personId, []), fault('forbidden'));
  const second = identityOf(await people.register(ben, laptop));
  await assert.rejects(people.deletePerson(first), fault('forbidden'));
  for (let round = 0; round < 5; round += 1) {
    await database.query("update people set roles = '{member,admin}'");
    const outcomes = await Promise.allSettled([
      people.setRoles(first, second.personId, []),
      people.setRoles(second, first.personId, []),
    ]);
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
    const { rows } = await database.query("select from people where 'admin' = any (roles)");
    assert.equal(rows.length, 1);
  }
});

test('PE22: throw-away people come with tokens and go in one go', async () => {
  await empty();
  const other = await world.join();
  await people.register(ben, laptop);
  const first = await people.mintSynthetic(3);
  const second = await people.mintSynthetic(2);
  const all = [...first.people, ...second.people];
  for (const { id, accessToken } of all) {
    const identity = other.identify(accessToken);
    assert.ok(identity !== null && identity !== 'expired');
    assert.equal(identity.personId, id);
    assert.equal(identity.isSynthetic, true);
    assert.deepEqual(identity.roles, ['member']);
  }
  const { id } = first.people[0] ?? { id: '' };
  await addContest(database, id, id);
  world.clock.advance(ACCESS_LIFE_MS * 2);
  identityOf({ accessToken: all[0]?.accessToken } as SignedInTokens);
  assert.equal(await people.removeSynthetic(), 5);
  for (const { accessToken } of all) {
    assert.equal(people.identify(accessToken), null);
    await untilRevoked(other, () => other.identify(accessToken) === null);
  }
  const left = await database.query('select name from people');
  assert.deepEqual(left.rows, [{ name: 'Ben' }]);
  const linked = await database.query('select from orders where person is not null');
  assert.equal(linked.rowCount, 0);
  assert.equal(await people.removeSynthetic(), 0);
});

test('PE22: 20,000 throw-away people take about a second, and go as fast', async () => {
  await empty();
  const start = performance.now();
  const { people: crowd } = await people.mintSynthetic(20_000);
  const mintedMs = performance.now() - start;
  assert.equal(new Set(crowd.map(({ id }) => id)).size, 20_000);
  assert.equal(await people.removeSynthetic(), 20_000);
  const tookMs = performance.now() - start;
  assert.ok(tookMs < 15_000, `minting took ${mintedMs} ms, both ${tookMs} ms`);
  for (const count of [0, -1, 50_001, 1.5, Number.NaN]) {
    await assert.rejects(people.mintSynthetic(count), fault('invalid'));
  }
});

test("PE23: the demo's people are made once, take nobody over, and have no password", async () => {
  await empty();
  const demo = await world.join({ isFirstAdmin: false });
  const real = await demo.register({ name: 'Ada', password: anna.password }, laptop);
  const id = await demo.ensureDemoPerson({ name: 'Ada', roles: ['admin'] });
  assert.notEqual(id, real.person.id);
  assert.equal(await demo.ensureDemoPerson({ name: 'Ada', roles: ['admin'] }), id);
  const signedIn = (await demo.openSession(id, 'Laptop/1.0')) as SignedInTokens;
  assert.equal(signedIn.person.name, 'Ada 2');
  assert.equal(await demo.openSession(randomUUID(), ''), null);
  // By the buttons one enters as the demo's people, not as somebody who registered.
  assert.equal(await demo.openSession(real.person.id, ''), null);
  await assert.rejects(
    demo.signIn({ name: 'Ada 2', password: anna.password }, laptop),
    fault('wrong_credentials'),
  );
  // Without the demo nobody stays inside who came in by its buttons.
  const serious = await world.join({ isFirstAdmin: true });
  assert.equal(serious.identify(signedIn.accessToken), null);
  assert.equal(await serious.refresh(signedIn.refreshToken, laptop), null);
});

test('PE7: more sign-ins at once than can wait are told to come back', async () => {
  await empty();
  const crowd = Array.from({ length: 130 }, () => people.signIn(anna, laptop));
  const outcomes = await Promise.allSettled(crowd);
  const busy = outcomes.filter(
    (outcome) => outcome.status === 'rejected' && outcome.reason.code === 'busy',
  );
  const served = outcomes.filter(
    (outcome) => outcome.status === 'rejected' && outcome.reason.code === 'wrong_credentials',
  );
  assert.equal(busy.length + served.length, 130);
  assert.ok(
    busy.length > 0 && served.length >= 100,
    `${busy.length} busy, ${served.length} served`,
  );
});
