import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { hangUp, json, PatientClock, problem, ScriptedServer } from '../test/scripted-server.ts';
import { type ClientOptions, ConnectionLost, createClient, DibsProblem } from './sdk.ts';
import type { SignedIn } from './wire/shapes.ts';

const DROP = '0190aaaa-bbbb-7ccc-8ddd-eeeeffff0001';
const CLAIMS = `POST /v1/drops/${DROP}/claims`;
const CLAIM = { id: `${DROP}-7`, orderId: `${DROP}-7`, quantity: 1, status: 'reserved', seq: 7 };

let server: ScriptedServer;
let clock: PatientClock;

beforeEach(async () => {
  server = await ScriptedServer.start();
  clock = new PatientClock();
});

afterEach(() => server.close());

function client(options: ClientOptions = {}) {
  return createClient({ baseUrl: server.baseUrl, clock, random: () => 0.5, ...options });
}

function signedIn(number: number): SignedIn {
  return {
    person: { id: DROP, name: 'Ada', roles: ['member'] },
    accessToken: `access-${number}`,
    refreshToken: `refresh-${number}`,
    expiresAt: '2026-11-20T00:00:00Z',
  };
}

function isProblem(code: string): (error: unknown) => boolean {
  return (error) => error instanceof DibsProblem && error.code === code;
}

test('a claim carries its body, a key and the token', async () => {
  server.on(CLAIMS, json(201, CLAIM));
  const claim = await client({ accessToken: 'mine' }).drops.claim(DROP, { quantity: 2 });
  assert.deepEqual(claim, CLAIM);
  const [arrival] = server.of(CLAIMS);
  assert.deepEqual(arrival?.body, { quantity: 2 });
  assert.equal(arrival?.headers['authorization'], 'Bearer mine');
  assert.match(String(arrival?.headers['idempotency-key']), /^[0-9a-f]{32}$/);
});

test('lists put what is asked into the query, and leave out what is not', async () => {
  server.on('GET /v1/drops', json(200, { items: [], next: null }));
  await client().drops.list({ status: 'live', limit: 5, cursor: null, host: undefined });
  assert.equal(server.arrivals[0]?.url.search, '?status=live&limit=5');
});

test('names in paths are escaped and must be there', async () => {
  server.on('POST /v1/demo/identities/a%2Fb', json(200, signedIn(1)));
  await client().demo.enter('a/b');
  await assert.rejects(client().drops.get(''), TypeError);
});

test('a command is repeated with the key of its first attempt', async () => {
  server.inTurn(CLAIMS, [hangUp, problem(503, { code: 'busy' }), json(201, CLAIM)]);
  assert.deepEqual(await client().drops.claim(DROP), CLAIM);
  const keys = server.of(CLAIMS).map(({ headers }) => headers['idempotency-key']);
  assert.equal(keys.length, 3);
  assert.equal(new Set(keys).size, 1);
  assert.deepEqual(clock.pauses, [100, 200], 'half of 200 ms, then of 400 ms');
});

test('the key may be given', async () => {
  server.on(CLAIMS, json(201, CLAIM));
  await client().drops.claim(DROP, {}, { key: 'my own' });
  assert.equal(server.arrivals[0]?.headers['idempotency-key'], 'my own');
});

test('Retry-After is kept to, and the problem’s own wish goes before it', async () => {
  server.inTurn(CLAIMS, [
    problem(429, { code: 'rate_limited' }, { 'retry-after': '2' }),
    problem(503, { code: 'busy', retryAfterMs: 700 }, { 'retry-after': '1' }),
    json(201, CLAIM),
  ]);
  await client().drops.claim(DROP);
  assert.deepEqual(clock.pauses, [2_100, 900]);
});

test('who is asked to wait beyond the deadline is told at once', async () => {
  server.on(CLAIMS, problem(503, { code: 'unavailable' }, { 'retry-after': '60' }));
  await assert.rejects(client().drops.claim(DROP), (error) => {
    assert.ok(error instanceof DibsProblem);
    assert.equal(error.retryAfterMs, 60_000);
    assert.match(error.key ?? '', /^[0-9a-f]{32}$/);
    return true;
  });
  assert.equal(server.arrivals.length, 1);
});

test('retries end after ten attempts', async () => {
  server.on('GET /v1/time', problem(503, { code: 'busy' }));
  await assert.rejects(client({ random: () => 0.01 }).time.get(), isProblem('busy'));
  assert.equal(server.arrivals.length, 10);
});

test('refusals and lasting faults are not repeated', async () => {
  server.on(CLAIMS, problem(409, { code: 'sold_out', left: 0 }));
  await assert.rejects(client().drops.claim(DROP), (error) => {
    assert.ok(error instanceof DibsProblem);
    assert.equal(error.isRefusal, true);
    assert.equal(error.isTemporary, false);
    assert.equal(error.problem['left'], 0);
    return true;
  });
  server.on('GET /v1/me', problem(403, { code: 'forbidden', detail: 'Not you' }));
  await assert.rejects(client().me.get(), (error) => {
    assert.ok(error instanceof DibsProblem);
    assert.equal(error.isRefusal, false);
    assert.equal(error.message, 'Not you');
    return true;
  });
  assert.equal(server.arrivals.length, 2);
});

test('what has no key is said once', async () => {
  server.on('POST /v1/people', hangUp);
  await assert.rejects(
    client().people.register({ name: 'Ada', password: 'longer than eight' }),
    (error) => error instanceof ConnectionLost && error.reason === 'network',
  );
  assert.equal(server.arrivals.length, 1);
});

test('what is not of Dibs becomes a problem by its status', async () => {
  const page = (status: number) => (response: import('node:http').ServerResponse) => {
    response.writeHead(status, { 'content-type': 'text/html' });
    response.end('<h1>proxy</h1>');
  };
  server.inTurn('GET /v1/time', [page(502), json(200, { now: '', epochMs: 1 })]);
  assert.equal((await client().time.get()).epochMs, 1);
  for (const [status, code] of [
    [413, 'too_large'],
    [418, 'malformed'],
    [500, 'internal'],
    [401, 'unauthenticated'],
    [409, 'malformed'],
  ] as const) {
    server.on('GET /v1/time', page(status));
    await assert.rejects(client().time.get(), isProblem(code));
  }
  server.on('GET /v1/time', page(200));
  await assert.rejects(client().time.get(), (error) => {
    return error instanceof ConnectionLost && error.reason === 'malformed';
  });
});

test('an answer without end is not read', async () => {
  server.on('GET /v1/me/export', (response) => {
    const block = Buffer.alloc(1024 * 1024, 32);
    const more = () => {
      while (!response.destroyed && response.write(block));
    };
    response.on('drain', more);
    more();
  });
  await assert.rejects(client().me.export(), (error) => {
    return error instanceof ConnectionLost && error.reason === 'too_large';
  });
  assert.equal(server.arrivals.length, 1);
});

test('an attempt that is not answered in time is given up, and tried again within the deadline', async () => {
  server.inTurn('GET /v1/time', [() => {}, json(200, { now: '', epochMs: 3 })]);
  const real = createClient({ baseUrl: server.baseUrl, attemptTimeoutMs: 50 });
  assert.equal((await real.time.get()).epochMs, 3);
  server.on('GET /v1/time', () => {});
  await assert.rejects(real.time.get({ timeoutMs: 120 }), (error) => {
    return error instanceof ConnectionLost && error.reason === 'timeout';
  });
});

test('a signal ends a call while it waits and while it pauses', async () => {
  const stop = new AbortController();
  const reason = new Error('the page was left');
  server.on('GET /v1/time', () => stop.abort(reason));
  await assert.rejects(client().time.get({ signal: stop.signal }), reason);
  await assert.rejects(client().time.get({ signal: stop.signal }), reason);
  assert.equal(server.arrivals.length, 1);
  const pausing = new AbortController();
  server.on('GET /v1/time', problem(503, { code: 'busy', retryAfterMs: 5_000 }));
  const real = createClient({ baseUrl: server.baseUrl });
  const call = real.time.get({ signal: pausing.signal });
  while (server.arrivals.length < 2) await new Promise((resolve) => setImmediate(resolve));
  pausing.abort(reason);
  await assert.rejects(call, reason);
});

test('signing in keeps the tokens and tells of them; signing out forgets them', async () => {
  const told: (string | null)[] = [];
  server.on('POST /v1/sessions', json(200, signedIn(1)));
  server.on('GET /v1/me', json(200, signedIn(1).person));
  server.on('DELETE /v1/sessions/current', (response) => {
    response.writeHead(204).end();
  });
  const ada = client({ onTokens: (tokens) => told.push(tokens?.accessToken ?? null) });
  await ada.sessions.signIn({ name: 'Ada', password: 'longer than eight' });
  await ada.me.get();
  await ada.sessions.signOut();
  await ada.me.get();
  assert.deepEqual(
    server.of('GET /v1/me').map(({ headers }) => headers['authorization']),
    ['Bearer access-1', undefined],
  );
  assert.deepEqual(told, ['access-1', null]);
});

/** A server whose access tokens end whenever `current` is raised. */
function expiring(): { current: number } {
  const state = { current: 1 };
  server.on('GET /v1/me', (response, arrival) => {
    const isFresh = arrival.headers['authorization'] === `Bearer access-${state.current}`;
    const answer = isFresh
      ? json(200, signedIn(1).person)
      : problem(401, { code: 'token_expired' });
    return answer(response, arrival);
  });
  server.on('POST /v1/sessions/refresh', (response, arrival) => {
    const expected = { refreshToken: `refresh-${state.current - 1}` };
    assert.deepEqual(arrival.body, expected, 'each refresh token is spent once');
    return json(200, signedIn(state.current))(response, arrival);
  });
  return state;
}

test('an expired token is made fresh once, however many calls find it expired', async () => {
  const state = expiring();
  const ada = client({ accessToken: 'access-1', refreshToken: 'refresh-1' });
  await ada.me.get();
  state.current = 2;
  await Promise.all(Array.from({ length: 20 }, () => ada.me.get()));
  assert.equal(server.of('POST /v1/sessions/refresh').length, 1);
  state.current = 3;
  await ada.me.get();
  assert.equal(server.of('POST /v1/sessions/refresh').length, 2);
});

test('a session that is over is told as such, and forgotten', async () => {
  const told: unknown[] = [];
  server.on('GET /v1/me', problem(401, { code: 'token_expired' }));
  server.on('POST /v1/sessions/refresh', problem(401, { code: 'unauthenticated' }));
  const ada = client({
    accessToken: 'a',
    refreshToken: 'r',
    onTokens: (tokens) => told.push(tokens),
  });
  await assert.rejects(ada.me.get(), isProblem('token_expired'));
  await assert.rejects(ada.me.get(), isProblem('token_expired'));
  assert.equal(server.of('POST /v1/sessions/refresh').length, 1);
  assert.deepEqual(told, [null]);
});

test('a refresh that could not be asked for leaves the session alone', async () => {
  const state = expiring();
  const ada = client({ accessToken: 'access-1', refreshToken: 'refresh-1' });
  state.current = 2;
  server.inTurn('POST /v1/sessions/refresh', [
    problem(503, { code: 'unavailable' }),
    json(200, signedIn(2)),
  ]);
  await assert.rejects(ada.me.get(), isProblem('unavailable'));
  await ada.me.get();
});

test('a token that stays expired after a refresh is not refreshed in a loop', async () => {
  server.on('GET /v1/me', problem(401, { code: 'token_expired' }));
  server.on('POST /v1/sessions/refresh', json(200, signedIn(2)));
  const ada = client({ accessToken: 'access-1', refreshToken: 'refresh-1' });
  await assert.rejects(ada.me.get(), isProblem('token_expired'));
  assert.equal(server.of('POST /v1/sessions/refresh').length, 1);
});

test('with cookies no token is sent, and a visitor is not asked to refresh twice', async () => {
  server.on('GET /v1/me', problem(401, { code: 'unauthenticated' }));
  server.on('POST /v1/sessions/refresh', problem(401, { code: 'unauthenticated' }));
  const visitor = client({ session: 'cookies' });
  await assert.rejects(visitor.me.get(), isProblem('unauthenticated'));
  await assert.rejects(visitor.me.get(), isProblem('unauthenticated'));
  assert.equal(server.of('POST /v1/sessions/refresh').length, 1);
  assert.deepEqual(server.of('POST /v1/sessions/refresh')[0]?.body, {});
  server.on('POST /v1/sessions', json(200, signedIn(1)));
  await visitor.sessions.signIn({ name: 'Ada', password: 'longer than eight' });
  server.on('POST /v1/sessions/refresh', json(200, signedIn(2)));
  server.inTurn('GET /v1/me', [
    problem(401, { code: 'unauthenticated' }),
    json(200, signedIn(1).person),
  ]);
  await visitor.me.get();
  assert.ok(server.arrivals.every(({ headers }) => headers['authorization'] === undefined));
});

test('another source of tokens is asked before each call', async () => {
  let number = 0;
  server.inTurn('GET /v1/me', [
    problem(401, { code: 'token_expired' }),
    json(200, signedIn(1).person),
  ]);
  const getToken = async () => {
    number += 1;
    return `given-${number}`;
  };
  await client({ getToken }).me.get();
  assert.deepEqual(
    server.arrivals.map(({ headers }) => headers['authorization']),
    ['Bearer given-1', 'Bearer given-2'],
  );
});

test('a log is read line by line, wherever it is cut', async () => {
  server.on(`GET /v1/contests/${DROP}/log`, async (response) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    for (const byte of Buffer.from('{"ä":1}\n{"b":2}\r\n\n{"c":3}')) {
      response.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    response.end();
  });
  const lines: string[] = [];
  for await (const line of client().proof.log(DROP)) lines.push(line);
  assert.deepEqual(lines, ['{"ä":1}', '{"b":2}', '', '{"c":3}']);
});

test('options out of range are refused', () => {
  assert.throws(() => createClient({ baseUrl: 'dibs.example' }), /baseUrl is dibs.example/);
  assert.throws(() => createClient({ deadlineMs: 0 }), /deadlineMs is 0/);
});
