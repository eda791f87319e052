import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { pino } from 'pino';
import { anna, ben, createPeopleWorld, type PeopleWorld } from '../../../test/people-world.ts';
import type { People, PeopleOptions } from '../../people/people.ts';
import { createAuthentication } from '../authenticate.ts';
import { makeLimits } from '../limits.ts';
import { createHttpServer } from '../server.ts';
import { peopleRoutes } from './people.ts';

interface Site {
  readonly url: string;
  readonly people: People;
  close(): Promise<void>;
}

let world: PeopleWorld;
let site: Site;

before(async () => {
  world = await createPeopleWorld();
  site = await openSite(null);
});

after(async () => {
  await site.close();
  await world.close();
});

async function openSite(
  publicUrl: string | null,
  changes: Partial<PeopleOptions> = {},
): Promise<Site> {
  const people = await world.join(changes);
  const authentication = createAuthentication({ people, publicUrl });
  const { server, app } = await createHttpServer({
    logger: pino({ level: 'silent' }),
    publicUrl: publicUrl ?? 'http://127.0.0.1',
    thin: [],
    routes: (routes) => {
      authentication.hook(routes, makeLimits(true));
      peopleRoutes(routes, { people, config: { publicUrl } });
    },
  });
  const url = await listenLocally(server);
  const close = async () => {
    const closed = once(server, 'close');
    server.close();
    // The client keeps its connections, one of them with a body that was too large to read.
    server.closeAllConnections();
    await closed;
    await app.close();
  };
  return { url, people, close };
}

async function listenLocally(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function empty() {
  await world.database.query('truncate people, sessions, founder cascade');
}

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: the tests say which shape they expect
  readonly body: any;
  readonly headers: Headers;
  readonly cookies: Map<string, string>;
}

async function call(
  address: string,
  {
    body,
    token,
    headers = {},
    at = site,
  }: {
    body?: unknown;
    token?: string;
    headers?: Record<string, string>;
    at?: Site;
  } = {},
): Promise<Answer> {
  const [method = 'GET', path = '/'] = address.split(' ');
  const isText = typeof body === 'string';
  const response = await fetch(at.url + path, {
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const cookies = new Map(
    response.headers.getSetCookie().map((line) => {
      const end = line.indexOf('=');
      return [line.slice(0, end), line.slice(end + 1)];
    }),
  );
  const parsed = text === '' ? null : JSON.parse(text);
  return { status: response.status, body: parsed, headers: response.headers, cookies };
}

function refused(answer: Answer, status: number, code: string) {
  assert.deepEqual([answer.status, answer.body?.code], [status, code], JSON.stringify(answer.body));
  assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/);
}

/** The Cookie header of a browser that got these answers. */
function cookieOf({ cookies }: Answer): string {
  return [...cookies].map(([name, line]) => `${name}=${line.split(';')[0]}`).join('; ');
}

async function register(credentials = anna): Promise<Answer> {
  const answer = await call('POST /v1/people', { body: credentials });
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
  return answer;
}

test('PE10: register, sign in, look at oneself, refresh, sign out', async () => {
  await empty();
  const registered = await register();
  assert.deepEqual(Object.keys(registered.body).sort(), [
    ...['accessToken', 'expiresAt', 'person', 'refreshToken'],
  ]);
  assert.deepEqual(registered.body.person.roles, ['member', 'admin']);
  assert.equal(registered.headers.get('cache-control'), 'no-store');
  const signedIn = await call('POST /v1/sessions', { body: anna });
  assert.equal(signedIn.status, 200);
  const me = await call('GET /v1/me', { token: signedIn.body.accessToken });
  assert.deepEqual(me.body, registered.body.person);
  const { refreshToken } = signedIn.body;
  const renewed = await call('POST /v1/sessions/refresh', { body: { refreshToken } });
  assert.equal(renewed.status, 200);
  const out = await call('DELETE /v1/sessions/current', { token: renewed.body.accessToken });
  assert.equal(out.status, 204);
  refused(await call('GET /v1/me', { token: renewed.body.accessToken }), 401, 'unauthenticated');
  const late = { body: { refreshToken: renewed.body.refreshToken } };
  refused(await call('POST /v1/sessions/refresh', late), 401, 'unauthenticated');
});

test('PE4: a wrong password and an unknown name get the same answer byte for byte', async () => {
  await empty();
  await register();
  const wrong = await call('POST /v1/sessions', { body: { ...anna, password: 'not hers at all' } });
  const unknown = await call('POST /v1/sessions', { body: { ...anna, name: 'Nobody' } });
  const impossible = await call('POST /v1/sessions', { body: { ...anna, name: 'An\u0000na' } });
  refused(wrong, 401, 'wrong_credentials');
  assert.deepEqual(unknown.body, wrong.body);
  assert.deepEqual(impossible.body, wrong.body);
  assert.equal(wrong.cookies.size, 0);
});

test('PE4: no other password lets anybody in, whatever its shape', async () => {
  await empty();
  await register();
  for (const password of [
    'password',
    `${anna.password} `,
    anna.password.toUpperCase(),
    '*'.repeat(8),
  ]) {
    const answer = await call('POST /v1/sessions', { body: { ...anna, password } });
    refused(answer, 401, 'wrong_credentials');
  }
});

test('bad bodies are refused with what is wrong', async () => {
  await empty();
  const bad: [unknown, number, string][] = [
    [{}, 400, 'invalid'],
    [{ name: 'Anna' }, 400, 'invalid'],
    [{ name: 'Anna', password: 'short' }, 400, 'invalid'],
    [{ name: 'Anna', password: 'x'.repeat(201) }, 400, 'invalid'],
    [{ name: 7, password: anna.password }, 400, 'invalid'],
    [{ name: 'A', password: anna.password }, 400, 'invalid'],
    [{ name: 'A ', password: anna.password }, 400, 'invalid'],
    [{ name: 'x'.repeat(41), password: anna.password }, 400, 'invalid'],
    [{ name: 'An\u0000na', password: anna.password }, 400, 'invalid'],
    [{ name: 'An\u202ena', password: anna.password }, 400, 'invalid'],
    [{ ...anna, roles: ['admin'] }, 400, 'invalid'],
    [{ ...anna, id: randomUUID() }, 400, 'invalid'],
    [[anna], 400, 'invalid'],
    [null, 400, 'invalid'],
    ['{"name": ', 400, 'malformed'],
    [{ ...anna, password: 'x'.repeat(1_000_000) }, 413, 'too_large'],
  ];
  for (const [body, status, code] of bad) {
    refused(await call('POST /v1/people', { body }), status, code);
  }
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const posted = await call('POST /v1/people', { body: 'name=Anna', headers: form });
  refused(posted, 415, 'unsupported_media_type');
  const { rows } = await world.database.query('select from people');
  assert.equal(rows.length, 0);
});

test('PE1: a taken name is told, in any case', async () => {
  await empty();
  await register();
  const answer = await call('POST /v1/people', { body: { ...anna, name: 'aNNA' } });
  refused(answer, 409, 'name_taken');
});

test('PE9: tokens that are not good: 401 with what to do', async () => {
  await empty();
  const { body } = await register();
  const foreign = `${body.accessToken.slice(0, -4)}AAAA`;
  for (const token of [foreign, 'x', body.refreshToken, `${body.accessToken}.`]) {
    const answer = await call('GET /v1/me', { token });
    refused(answer, 401, 'unauthenticated');
    assert.equal(answer.headers.get('www-authenticate'), 'Bearer');
  }
  refused(await call('GET /v1/me'), 401, 'unauthenticated');
  const basic = { authorization: 'Basic YW5uYTpwYXNz' };
  refused(await call('GET /v1/me', { headers: basic }), 401, 'unauthenticated');
  const lower = { authorization: `bearer ${body.accessToken}` };
  assert.equal((await call('GET /v1/me', { headers: lower })).status, 200);
  world.clock.advance(16 * 60_000);
  refused(await call('GET /v1/me', { token: body.accessToken }), 401, 'token_expired');
  const { refreshToken } = body;
  const renewed = await call('POST /v1/sessions/refresh', { body: { refreshToken } });
  assert.equal((await call('GET /v1/me', { token: renewed.body.accessToken })).status, 200);
});

test('PE8: nobody acts for another person, whatever body, query or headers claim', async () => {
  await empty();
  const own = await register();
  const other = await register(ben);
  const id = other.body.person.id;
  const headers = { 'x-user-id': id, 'x-person-id': id, cookie: `person=${id}` };
  const token = own.body.accessToken;
  const me = await call(`GET /v1/me?person=${id}&userId=${id}`, { token, headers });
  assert.equal(me.body.id, own.body.person.id);
  const change = await call('PATCH /v1/me', { token, body: { name: 'Eve', id } });
  refused(change, 400, 'invalid');
  const session = await world.database.query('select id from sessions where person = $1', [id]);
  const revoke = await call(`DELETE /v1/me/sessions/${session.rows[0]?.['id']}`, { token });
  refused(revoke, 404, 'not_found');
  assert.equal((await call('GET /v1/me', { token: other.body.accessToken })).status, 200);
});

test('PE16: browsers get cookies that scripts cannot read, and live by them alone', async () => {
  await empty();
  const registered = await register();
  const access = registered.cookies.get('dibs_access') ?? '';
  const refresh = registered.cookies.get('dibs_refresh') ?? '';
  assert.match(access, /; Path=\/; .*HttpOnly; SameSite=Lax$/);
  assert.match(refresh, /; Path=\/v1\/sessions; .*HttpOnly; SameSite=Strict$/);
  const presence = registered.cookies.get('dibs_present') ?? '';
  assert.match(presence, /^yes; Path=\/; Max-Age=\d+; SameSite=Lax$/, 'a page may read this one');
  const cookie = cookieOf(registered);
  const same = { cookie, 'sec-fetch-site': 'same-origin' };
  assert.equal((await call('GET /v1/me', { headers: { cookie } })).status, 200);
  const renamed = await call('PATCH /v1/me', { headers: same, body: { name: 'Hannah' } });
  assert.equal(renamed.status, 200);
  refused(await call('GET /v1/me', { headers: same }), 401, 'token_expired');
  const renewed = await call('POST /v1/sessions/refresh', { headers: same });
  assert.equal(renewed.status, 200, JSON.stringify(renewed.body));
  const newer = { cookie: cookieOf(renewed), 'sec-fetch-site': 'same-origin' };
  assert.equal((await call('GET /v1/me', { headers: newer })).body.name, 'Hannah');
  const out = await call('DELETE /v1/sessions/current', { headers: newer });
  assert.equal(out.status, 204);
  for (const name of ['dibs_access', 'dibs_refresh', 'dibs_present']) {
    assert.match(out.cookies.get(name) ?? '', /^; Path=\/.*Max-Age=0/);
  }
  refused(await call('GET /v1/me', { headers: newer }), 401, 'unauthenticated');
});

test('PE17: a page of another site can do nothing with the cookies', async () => {
  await empty();
  const registered = await register();
  const cookie = cookieOf(registered);
  const foreign: Record<string, string>[] = [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: `${site.url}.evil.example` },
    { origin: site.url, 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'none' },
    {},
  ];
  for (const headers of foreign) {
    const answer = await call('PATCH /v1/me', {
      headers: { ...headers, cookie },
      body: { name: 'Eve' },
    });
    refused(answer, 403, 'wrong_origin');
    const renewal = await call('POST /v1/sessions/refresh', { headers: { ...headers, cookie } });
    refused(renewal, 403, 'wrong_origin');
    refused(await call('DELETE /v1/me', { headers: { ...headers, cookie } }), 403, 'wrong_origin');
  }
  for (const headers of [{ origin: site.url }, { 'sec-fetch-site': 'same-origin' }]) {
    const answer = await call('PATCH /v1/me', { headers: { ...headers, cookie }, body: {} });
    assert.equal(answer.status, 200);
  }
  // A token in a header is no cookie: a page of another site does not have it.
  const token = registered.body.accessToken;
  const headers = { origin: 'https://evil.example' };
  assert.equal((await call('PATCH /v1/me', { token, headers, body: {} })).status, 200);
});

test('PE17: a page of another site cannot sign its visitor in as somebody else', async () => {
  await empty();
  await register();
  for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }]) {
    const answer = await call('POST /v1/sessions', { body: anna, headers });
    assert.equal(answer.cookies.size, 0);
  }
});

test('PE16: an old cookie keeps nobody from signing in or out', async () => {
  await empty();
  const registered = await register();
  const same = { cookie: cookieOf(registered), 'sec-fetch-site': 'same-origin' };
  world.clock.advance(16 * 60_000);
  const again = await call('POST /v1/sessions', { body: anna, headers: same });
  assert.equal(again.status, 200);
  const out = await call('DELETE /v1/sessions/current', { headers: same });
  assert.equal(out.status, 204);
  const { rows } = await world.database.query('select from sessions');
  assert.equal(rows.length, 1, 'the session of the refresh cookie has ended');
  const nobody = await call('DELETE /v1/sessions/current');
  refused(nobody, 401, 'unauthenticated');
});

test('PE16: behind https cookies are secure, and the public address counts as ours', async () => {
  await empty();
  const secure = await openSite('https://dibs.example');
  try {
    const registered = await call('POST /v1/people', {
      body: anna,
      at: secure,
      headers: { origin: 'https://dibs.example' },
    });
    assert.match(registered.cookies.get('dibs_access') ?? '', /; Secure$/);
    assert.match(registered.cookies.get('dibs_refresh') ?? '', /; Secure$/);
    const answer = await call('PATCH /v1/me', {
      at: secure,
      headers: { cookie: cookieOf(registered), origin: 'https://dibs.example' },
      body: {},
    });
    assert.equal(answer.status, 200);
  } finally {
    await secure.close();
  }
});

test('PE5: attempts are limited: 429 with Retry-After, also for a good password', async () => {
  await empty();
  await register();
  const limited = await openSite(null, { limits: 'on' });
  try {
    const wrong = { ...anna, password: 'not hers at all' };
    for (let n = 0; n < 5; n += 1) {
      const answer = await call('POST /v1/sessions', { body: wrong, at: limited });
      refused(answer, 401, 'wrong_credentials');
    }
    const answer = await call('POST /v1/sessions', { body: anna, at: limited });
    refused(answer, 429, 'rate_limited');
    assert.ok(Number(answer.headers.get('retry-after')) >= 1);
    assert.ok(answer.body.retryAfterMs > 0);
    world.clock.advance(answer.body.retryAfterMs);
    assert.equal((await call('POST /v1/sessions', { body: anna, at: limited })).status, 200);
  } finally {
    await limited.close();
  }
});

test('PE14: sessions are listed and ended over the wire', async () => {
  await empty();
  const first = await register();
  const second = await call('POST /v1/sessions', {
    body: anna,
    headers: { 'user-agent': 'Phone' },
  });
  const token = second.body.accessToken;
  const { body } = await call('GET /v1/me/sessions', { token });
  assert.deepEqual(
    body.items.map((one: { userAgent: string; isCurrent: boolean }) => [
      one.userAgent,
      one.isCurrent,
    ]),
    [
      ['Phone', true],
      ['node', false],
    ],
  );
  const gone = await call(`DELETE /v1/me/sessions/${body.items[1].id}`, { token });
  assert.equal(gone.status, 204);
  refused(await call('GET /v1/me', { token: first.body.accessToken }), 401, 'unauthenticated');
  refused(await call(`DELETE /v1/me/sessions/${randomUUID()}`, { token }), 404, 'not_found');
  refused(await call('DELETE /v1/me/sessions/7', { token }), 400, 'invalid');
});

test('PE20: export and deletion of oneself', async () => {
  await empty();
  await register();
  const { body } = await register(ben);
  const token = body.accessToken;
  const exported = await call('GET /v1/me/export', { token });
  assert.equal(exported.status, 200);
  assert.deepEqual(Object.keys(exported.body), ['profile', 'sessions', 'contests', 'orders']);
  assert.equal(exported.body.profile.name, 'Ben');
  assert.match(exported.headers.get('content-disposition') ?? '', /attachment/);
  assert.equal((await call('DELETE /v1/me', { token })).status, 204);
  refused(await call('GET /v1/me', { token }), 401, 'unauthenticated');
  refused(await call('POST /v1/sessions', { body: ben }), 401, 'wrong_credentials');
});

test('PE19: what is for admins is refused to everybody else', async () => {
  await empty();
  const admin = (await register()).body;
  const member = (await register(ben)).body;
  const calls: [string, unknown][] = [
    [`PUT /v1/people/${member.person.id}/roles`, { roles: ['admin'] }],
    ['POST /v1/admin/synthetic-people', { count: 2 }],
    ['DELETE /v1/admin/synthetic-people', undefined],
  ];
  for (const [address, body] of calls) {
    refused(await call(address, { body }), 401, 'unauthenticated');
    refused(await call(address, { body, token: member.accessToken }), 403, 'forbidden');
  }
  const token = admin.accessToken;
  for (const roles of [['king'], 'admin', ['host', 'host'], null]) {
    const answer = await call(`PUT /v1/people/${member.person.id}/roles`, {
      token,
      body: { roles },
    });
    refused(answer, 400, 'invalid');
  }
  const promoted = await call(`PUT /v1/people/${member.person.id}/roles`, {
    token,
    body: { roles: ['host'] },
  });
  assert.deepEqual(promoted.body.roles, ['member', 'host']);
  refused(await call('GET /v1/me', { token: member.accessToken }), 401, 'token_expired');
  const last = await call(`PUT /v1/people/${admin.person.id}/roles`, {
    token,
    body: { roles: [] },
  });
  refused(last, 403, 'forbidden');
});

test('PE22: throw-away people over the wire', async () => {
  await empty();
  const token = (await register()).body.accessToken;
  for (const count of [0, 50_001, -1, 1.5, '3', null]) {
    const answer = await call('POST /v1/admin/synthetic-people', { token, body: { count } });
    refused(answer, 400, 'invalid');
  }
  const minted = await call('POST /v1/admin/synthetic-people', { token, body: { count: 5_000 } });
  assert.equal(minted.status, 201);
  assert.equal(minted.body.people.length, 5_000);
  const one = minted.body.people[4_999];
  const me = await call('GET /v1/me', { token: one.accessToken });
  assert.equal(me.body.id, one.id);
  const rename = { token: one.accessToken, body: { name: 'Eve' } };
  refused(await call('PATCH /v1/me', rename), 403, 'forbidden');
  const removed = await call('DELETE /v1/admin/synthetic-people', { token });
  assert.deepEqual(removed.body, { removed: 5_000 });
  refused(await call('GET /v1/me', { token: one.accessToken }), 401, 'unauthenticated');
});

test('every call is described with a summary and its answers', async () => {
  const { body } = await call('GET /openapi.json');
  const paths = [
    ...['/v1/people', '/v1/sessions', '/v1/sessions/refresh', '/v1/sessions/current', '/v1/me'],
    ...['/v1/me/export', '/v1/me/sessions', '/v1/me/sessions/{id}', '/v1/people/{id}/roles'],
    '/v1/admin/synthetic-people',
  ];
  for (const path of paths) {
    assert.ok(body.paths[path], path);
    for (const call of Object.values<{ summary: string; tags: string[] }>(body.paths[path])) {
      assert.ok(call.summary && call.tags.length === 1, path);
    }
  }
});
