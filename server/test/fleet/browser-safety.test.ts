import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { call, openDrop, password, readDrop } from './api.ts';
import { RawConnection, requestText } from './raw-connection.ts';
import { WireWorld } from './wire-world.ts';

/** What keeps other sites' pages from acting for a person whose browser has our cookies. */

let world: WireWorld;
/** As a browser sends them. */
let cookies: string;
let refreshCookie: string;

before(async () => {
  world = await WireWorld.open();
  const { url } = world.server;
  const signIn = await call(url, 'POST', '/v1/sessions', { body: { name: 'Hugo', password } });
  const set = signIn.headers.getSetCookie();
  for (const cookie of set.filter((text) => /^dibs_(access|refresh)=/.test(text))) {
    assert.match(cookie, /; HttpOnly(;|$)/);
    assert.match(cookie, /; SameSite=(Lax|Strict)(;|$)/);
  }
  const pairs = set.map((text) => text.split(';')[0] ?? '');
  refreshCookie = pairs.find((pair) => pair.startsWith('dibs_refresh=')) ?? '';
  cookies = pairs.find((pair) => pair.startsWith('dibs_access=')) ?? '';
  assert.match(cookies, /^dibs_access=./);
  assert.match(refreshCookie, /^dibs_refresh=./);
});

after(async () => {
  await world?.close();
});

/** Sent raw: `fetch` would not let a test say where a page comes from. */
async function send(method: string, path: string, headers: Record<string, string>, body = '') {
  const { port } = world.server;
  const connection = new RawConnection(port);
  const type = body === '' ? {} : { 'content-type': 'application/json' };
  const all = { host: `127.0.0.1:${port}`, ...type, ...headers };
  connection.send(requestText(method, path, all, body));
  const [answer] = await connection.untilAnswers(1);
  connection.leave();
  assert.ok(answer);
  return answer;
}

test('pages, files and the API carry the headers that keep browsers safe', async () => {
  for (const path of ['/', '/drops/1', '/v1/drops', '/v1/nothing']) {
    const { headers } = await send('GET', path, { accept: 'text/html' });
    assert.equal(headers.get('x-content-type-options'), 'nosniff', path);
    assert.equal(headers.get('x-frame-options'), 'SAMEORIGIN', path);
    assert.match(headers.get('referrer-policy') ?? '', /no-referrer|same-origin/, path);
    const policy = headers.get('content-security-policy') ?? '';
    for (const rule of ["default-src 'self'", "object-src 'none'", "frame-ancestors 'none'"]) {
      assert.ok(policy.includes(rule), `${path}: ${policy}`);
    }
    assert.doesNotMatch(policy, /script-src[^;]*unsafe|default-src[^;]*unsafe/, path);
    assert.equal(headers.get('x-powered-by'), undefined);
    assert.equal(headers.get('access-control-allow-origin'), undefined);
  }
});

test('a cookie together with the page of another site changes nothing', async () => {
  const drop = await openDrop(world.server.url, world.tokens['host'] ?? '');
  const own = `http://127.0.0.1:${world.server.port}`;
  const foreign: Record<string, string>[] = [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: `${own}.evil.example` },
    { origin: 'http://127.0.0.1:1' },
    { origin: own, 'sec-fetch-site': 'cross-site' },
    { origin: own, 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'none' },
    {},
  ];
  const commands: [path: string, body: string][] = [
    [`/v1/drops/${drop}/claims`, '{"quantity":1}'],
    [`/v1/drops/${drop}/pause`, '{}'],
    [`/v1/drops/${drop}/restock`, '{"quantity":1}'],
    [`/v1/drops/${drop}/waiting`, '{"quantity":1}'],
  ];
  for (const from of foreign) {
    for (const [path, body] of commands) {
      const { status, body: text } = await send('POST', path, { cookie: cookies, ...from }, body);
      const where = `${path} from ${JSON.stringify(from)}`;
      assert.equal(status, 403, `${where}: ${text}`);
      assert.equal(JSON.parse(text).code, 'wrong_origin', where);
    }
    const deletion = await send('DELETE', '/v1/me', { cookie: cookies, ...from });
    assert.equal(deletion.status, 403);
    const refresh = await send(
      'POST',
      '/v1/sessions/refresh',
      { cookie: `${cookies}; ${refreshCookie}`, ...from },
      '{}',
    );
    const hasOrigin = from['origin'] !== undefined || from['sec-fetch-site'] !== undefined;
    if (hasOrigin) assert.equal(refresh.status, 403, JSON.stringify(from));
  }
  const { held, stock, status } = await readDrop(world.server.url, drop);
  assert.deepEqual([held, stock, status], [0, 10, 'open']);
  // A form of another site cannot send JSON, and what it can send is not taken.
  const form = { cookie: cookies, origin: own, 'content-type': 'text/plain' };
  const posted = await send('POST', `/v1/drops/${drop}/claims`, form, '{"quantity":1}');
  assert.equal(posted.status, 415);
});

test('the same cookie with a page of ours works, and reads need no page', async () => {
  const drop = await openDrop(world.server.url, world.tokens['host'] ?? '');
  const origin = `http://127.0.0.1:${world.server.port}`;
  const path = `/v1/drops/${drop}/claims`;
  const headers = { cookie: cookies, origin, 'sec-fetch-site': 'same-origin' };
  assert.equal((await send('POST', path, headers, '{"quantity":1}')).status, 201);
  const me = await send('GET', '/v1/me', { cookie: cookies });
  assert.equal(JSON.parse(me.body).name, 'Hugo');
  // A stream with a cookie is the person's own, wherever the page is: it changes nothing.
  const refused = await send('GET', '/v1/stream?topic=me', {});
  assert.equal(refused.status, 401);
});
