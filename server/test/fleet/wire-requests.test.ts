import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { WireWorld } from './wire-world.ts';

/** Requests that no honest client sends. Each gets its problem, and nothing changes. */

let world: WireWorld;

before(async () => {
  world = await WireWorld.open();
});

after(async () => {
  await world?.close();
});

const malformed = '400 malformed';
const invalid = '400 invalid';

test('claims: bodies of all kinds', async () => {
  const path = `/v1/drops/${world.drop}/claims`;
  const json = (body: string, expect: string | RegExp = invalid) => {
    return { what: `claim ${body.slice(0, 40)}`, path, body, expect };
  };
  await world.expectRefused([
    ...['{', '{"quantity":', "{'quantity':1}", '\u0000', 'quantity=1', '{"quantity":1}{}'].map(
      (body) => json(body, malformed),
    ),
    ...['[]', 'null', '"1"', '1', '[{"quantity":1}]', '{"quantity":"1"}'].map((body) => json(body)),
    ...['1.5', '-1', '0', '1e99', '-1e99', 'null', '[1]', '{}', 'true', '9007199254740993'].map(
      (quantity) => json(`{"quantity":${quantity}}`),
    ),
    json('{"quantity":NaN}', malformed),
    json('{"quantity":1,"person":"somebody else"}'),
    json('{"__proto__":{"quantity":1}}'),
    json('{"constructor":1}'),
    json('{"quantity":2}', '409 bad_quantity'),
    json('{"quantity":1000000}', '409 bad_quantity'),
    json('['.repeat(4_000), malformed),
    json(`{"quantity":1,"x":"${'x'.repeat(4_100)}"}`, '413 too_large'),
    json(`{"quantity":1${' '.repeat(1_000_000)}}`, '413 too_large'),
    json('x'.repeat(1_000_000), '413 too_large'),
    ...['text/plain', 'multipart/form-data; boundary=x', 'application/x-www-form-urlencoded'].map(
      (type) => ({
        ...json('{"quantity":1}', '415 unsupported_media_type'),
        what: `claim as ${type}`,
        headers: { 'content-type': type },
      }),
    ),
    {
      what: 'a length that is a lie',
      path,
      headers: { 'content-length': '99999999999', 'content-type': 'application/json' },
      expect: '413 too_large',
    },
  ]);
});

test('claims: who asks, and for what', async () => {
  const path = `/v1/drops/${world.drop}/claims`;
  const body = { quantity: 1 };
  const by = (name: string, expect: string) => {
    return { what: `claim by ${name}`, path, body, token: world.tokens[name] ?? null, expect };
  };
  const on = (id: string, expect: string | RegExp) => {
    return { what: `claim at ${id}`, path: `/v1/drops/${id}/claims`, body, expect };
  };
  const said = (authorization: string) => {
    const expect = '401 unauthenticated';
    return { what: `claim by ${authorization}`, path, body, headers: { authorization }, expect };
  };
  await world.expectRefused([
    by('nobody', '401 unauthenticated'),
    ...['foreign', 'unsigned', 'signatureCut', 'otherPayload', 'garbage', 'ofTheFuture'].map(
      (name) => by(name, '401 unauthenticated'),
    ),
    by('expired', '401 token_expired'),
    ...['Basic QWRhOmNvcnJlY3Q=', 'Bearer', 'Bearer ', `Token ${world.tokens['ben']}`, '\t'].map(
      said,
    ),
    on(randomUUID(), '404 not_found'),
    on('00000000-0000-0000-0000-000000000000', /^(404 not_found|400 invalid)$/),
    on(world.drop.toUpperCase(), /^(404 not_found|400 invalid)$/),
    on(world.drop.replace('-', '%2d'), /^(404 not_found|400 invalid)$/),
    on('-'.repeat(36), /^(404 not_found|400 invalid)$/),
    on('1', /^(404 not_found|400 invalid)$/),
    on(`${world.drop}%00`, /^(404 not_found|400 invalid)$/),
    on('..%2f..', /^(404 not_found|400 invalid)$/),
    on(world.scheduled, '409 not_open'),
    {
      what: 'a long key',
      path,
      body,
      headers: { 'idempotency-key': 'k'.repeat(201) },
      expect: invalid,
    },
    { what: 'an empty key', path, body, headers: { 'idempotency-key': '' }, expect: invalid },
    ...['GET', 'PUT', 'DELETE', 'PATCH', 'PROPFIND'].map((method) => ({
      what: `${method} claims`,
      method,
      path,
      expect: /^(404 not_found|405 method_not_allowed)$/,
    })),
  ]);
});

test('drops: terms that make no sense, and hands off the drops of others', async () => {
  const hour = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();
  const good = {
    title: 'Abuse',
    stock: 5,
    price: { amount: 100, currency: 'EUR' },
    opensAt: hour(1),
  };
  const make = (change: object, expect: string | RegExp = invalid) => {
    const what = `a drop with ${JSON.stringify(change).slice(0, 60)}`;
    return { what, path: '/v1/drops', body: { ...good, ...change }, expect };
  };
  await world.expectRefused([
    ...[0, -5, 1.5, 1e12, '5', null, [], true].map((stock) => make({ stock })),
    ...[-1, 1e10, 0.5, '100', null].map((amount) => make({ price: { amount, currency: 'EUR' } })),
    ...['eur', 'EURO', '', 5, null].map((currency) => make({ price: { amount: 1, currency } })),
    make({ price: 100 }),
    ...['yesterday', '', 5, null, '2026-13-45T99:99:99Z', '9999-12-31T23:59:59Z'].map((opensAt) =>
      make({ opensAt }),
    ),
    ...[hour(0.5), hour(-1), 'never', 0].map((closesAt) => make({ closesAt })),
    make({ opensAt: good.opensAt, closesAt: good.opensAt }),
    ...['', 'x'.repeat(121), 5, null, ['x']].map((title) => make({ title })),
    make({ title: 'a\u0000b' }),
    make({ description: '\u0000' }),
    make({ pictureText: 'a\u0000' }),
    make({ description: 'x'.repeat(5_001) }),
    ...[
      'javascript:alert(1)',
      '//evil.example/x',
      'http://x',
      'https://x/"><script>',
      '\u0000',
    ].map((pictureUrl) => make({ pictureUrl })),
    ...[0, -1, 1_001, 1.5].map((limitPerPerson) => make({ limitPerPerson })),
    ...[0, 101].map((quantityMax) => make({ quantityMax })),
    ...[4, 604_801, -1].map((payWithinSeconds) => make({ payWithinSeconds })),
    ...[-1, 50, 10_001].map((fairWindowMs) => make({ fairWindowMs })),
    make({ host: world.drop }),
    make({ isSynthetic: true }),
    make({ title: 'x'.repeat(1_000_000) }, '413 too_large'),
    make({ title: 'x'.repeat(5_000_000) }, '413 too_large'),
    {
      what: 'a drop by nobody',
      path: '/v1/drops',
      token: null,
      body: good,
      expect: '401 unauthenticated',
    },
    {
      what: 'a drop as text',
      path: '/v1/drops',
      headers: { 'content-type': 'text/plain' },
      body: JSON.stringify(good),
      expect: '415 unsupported_media_type',
    },
    { what: 'half a drop', path: '/v1/drops', body: '{"title":', expect: malformed },
    { what: 'no body', path: '/v1/drops', expect: /^400 (malformed|invalid)$/ },
    ...['pause', 'end', 'resume'].map((verb) => ({
      what: `${verb} by a member`,
      path: `/v1/drops/${world.drop}/${verb}`,
      expect: '403 forbidden',
    })),
    {
      what: 'restock by a member',
      path: `/v1/drops/${world.drop}/restock`,
      body: { quantity: 5 },
      expect: '403 forbidden',
    },
    ...[0, -1, 10_000_001, '1', null].map((quantity) => ({
      what: `restock by ${quantity}`,
      path: `/v1/drops/${world.drop}/restock`,
      token: world.tokens['host'] ?? '',
      body: { quantity },
      expect: invalid,
    })),
    {
      what: 'stock beyond all bounds',
      path: `/v1/drops/${world.drop}/restock`,
      token: world.tokens['host'] ?? '',
      body: { quantity: 10_000_000 },
      expect: '409 stock_out_of_range',
    },
  ]);
});

test('orders, people and roles of others', async () => {
  const order = `/v1/orders/${world.order}`;
  const pay = { provider: 'sandbox' };
  const notFound = '404 not_found';
  const get = (path: string, expect: string | RegExp, token = world.tokens['ben'] ?? null) => {
    return { what: `GET ${path.slice(0, 80)}`, method: 'GET', path, token, expect };
  };
  await world.expectRefused([
    get(order, notFound),
    { what: "another's order, paid", path: `${order}/pay`, body: pay, expect: notFound },
    { what: "another's order, cancelled", path: `${order}/cancel`, expect: notFound },
    {
      what: 'an unknown order',
      path: `/v1/orders/${world.drop}-999/pay`,
      body: pay,
      expect: notFound,
    },
    {
      what: 'a huge order',
      path: `/v1/orders/${world.drop}-999999999999999/cancel`,
      expect: notFound,
    },
    { what: 'no order', path: '/v1/orders/1/pay', body: pay, expect: invalid },
    { what: 'an odd provider', path: `${order}/pay`, body: { provider: '../x' }, expect: invalid },
    {
      what: 'another provider',
      path: `${order}/pay`,
      token: world.tokens['ann'] ?? '',
      body: { provider: 'gold' },
      expect: invalid,
    },
    get('/v1/orders', '401 unauthenticated', null),
    get('/v1/orders?cursor=garbage', invalid),
    get(`/v1/orders?cursor=${Buffer.from('[1,"x",1]').toString('base64url')}`, invalid),
    get('/v1/orders?limit=0', invalid),
    get('/v1/orders?limit=1e9', invalid),
    get('/v1/orders?status=%00', invalid),
    get('/v1/orders?limit=1&limit=2', invalid),
    get('/v1/drops?limit=-1', invalid),
    get('/v1/drops?cursor=%00', invalid),
    ...[
      '[1,"x"]',
      '[1e308,"x"]',
      `["x","${randomUUID()}"]`,
      '[1]',
      `[1e300,"${randomUUID()}"]`,
    ].map((cursor) =>
      get(`/v1/drops?cursor=${Buffer.from(cursor).toString('base64url')}`, invalid),
    ),
    get('/v1/drops?status=gone', invalid),
    get('/v1/drops?host=1', invalid),
    get('/v1/drops?host=me', '401 unauthenticated', null),
    get(`/v1/drops/${randomUUID()}`, notFound),
    get('/v1/drops/1', invalid),
    get(`/v1/contests/${randomUUID()}/log`, notFound),
    get(`/v1/contests/${randomUUID()}/audit`, notFound),
    get('/v1/contests/x/audit', invalid),
    get('/v1/me/export', '401 unauthenticated', null),
    {
      what: 'roles by a member',
      method: 'PUT',
      path: `/v1/people/${randomUUID()}/roles`,
      body: { roles: ['admin'] },
      expect: '403 forbidden',
    },
    {
      what: 'crowds by a member',
      path: '/v1/admin/synthetic-people',
      body: { count: 1 },
      expect: '403 forbidden',
    },
    {
      what: 'crowds removed by a member',
      method: 'DELETE',
      path: '/v1/admin/synthetic-people',
      expect: '403 forbidden',
    },
    {
      what: 'too large a crowd',
      path: '/v1/admin/synthetic-people',
      token: world.tokens['admin'] ?? '',
      body: { count: 1e9 },
      expect: invalid,
    },
    {
      what: 'a name of nothing',
      path: '/v1/people',
      token: null,
      body: { name: '\u0000\u0000', password: 'long enough' },
      expect: invalid,
    },
    {
      what: 'a password with nothing in it',
      path: '/v1/people',
      token: null,
      body: { name: 'Zed', password: '' },
      expect: invalid,
    },
    {
      what: 'signing in as nothing',
      path: '/v1/sessions',
      token: null,
      body: { name: '\u0000x', password: 'long enough' },
      expect: /^(400 invalid|401 wrong_credentials)$/,
    },
    {
      what: 'signing in as a list',
      path: '/v1/sessions',
      token: null,
      body: { name: ['Ada'], password: 'long enough' },
      expect: invalid,
    },
    {
      what: 'refreshing with garbage',
      path: '/v1/sessions/refresh',
      token: null,
      body: { refreshToken: '\u0000' },
      expect: /^(400 invalid|401 unauthenticated)$/,
    },
    {
      what: "another's session",
      method: 'DELETE',
      path: `/v1/me/sessions/${randomUUID()}`,
      token: world.tokens['host'] ?? '',
      expect: notFound,
    },
    { what: 'an unknown payment', path: `/v1/sandbox/${randomUUID()}/approve`, expect: notFound },
    {
      what: 'no payment',
      path: '/v1/sandbox/%00/approve',
      expect: /^(404 not_found|400 invalid)$/,
    },
    {
      what: 'an odd decision',
      path: `/v1/sandbox/${randomUUID()}/steal`,
      expect: /^(404 not_found|400 invalid)$/,
    },
    {
      what: 'a notice of a provider that is not there',
      path: '/v1/webhooks/stripe',
      token: null,
      body: {},
      expect: /^(404 not_found|400 (invalid|malformed)|401 .*)$/,
    },
    get('/v1/stream', invalid),
    get('/v1/stream?topic=nonsense', invalid),
    get('/v1/stream?topic=drop:1', /^(400 invalid|404 not_found)$/),
    get(`/v1/stream?topic=drop:${randomUUID()}`, notFound),
    get('/v1/stream?topic=me', '401 unauthenticated', null),
    get(`/v1/stream?${`topic=drop:${world.drop}&`.repeat(300)}`, invalid),
  ]);
});

test('what is no proper HTTP', async () => {
  const path = `/v1/drops/${world.drop}/claims`;
  const nul = /^(404 not_found|400 (invalid|malformed))$/;
  await world.expectRefused([
    {
      what: 'a header of 100 kB',
      path,
      headers: { 'x-long': 'x'.repeat(100_000) },
      expect: /^4(13|31) too_large$/,
    },
    {
      what: 'a thousand headers',
      path,
      headers: Object.fromEntries(
        Array.from({ length: 1_000 }, (_, n) => [`x-${n}`, 'x'.repeat(20)]),
      ),
      expect: /^4(13|31) too_large$/,
    },
    { what: 'a token of 20 kB', path, token: 'x'.repeat(20_000), expect: /^4(13|31) too_large$/ },
    { what: 'a negative length', path, headers: { 'content-length': '-5' }, expect: malformed },
    {
      what: 'two lengths',
      path,
      headers: { 'content-length': '2', 'Content-Length': '14' },
      body: '{"quantity":1}',
      expect: malformed,
    },
    {
      what: 'length and chunks',
      path,
      headers: { 'content-length': '14', 'transfer-encoding': 'chunked' },
      expect: malformed,
    },
    { what: 'a method that is none', method: 'BREW', path, expect: malformed },
    { what: 'a bad escape', method: 'GET', path: '/%', expect: nul },
    { what: 'a bad escape of an id', method: 'GET', path: '/v1/drops/%', expect: nul },
    { what: 'half a character', method: 'GET', path: '/v1/drops/%c0%af', expect: nul },
    {
      what: 'an address of 10 kB',
      method: 'GET',
      path: `/v1/drops/${'x'.repeat(10_000)}`,
      expect: /^4(00 invalid|04 not_found|13 too_large)$/,
    },
    { what: 'an unknown address', method: 'GET', path: '/v1/nothing', expect: '404 not_found' },
  ]);
});
