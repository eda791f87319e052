import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { call } from './api.ts';
import { RawConnection, requestText } from './raw-connection.ts';
import { WireWorld } from './wire-world.ts';

/** Connections that no honest client makes, and files that are nobody's. */

let world: WireWorld;
/** They begin first, because what becomes of them takes its time. */
const slow: RawConnection[] = [];
let pouring: NodeJS.Timeout;

before(async () => {
  world = await WireWorld.open();
  sendSlowly();
});

after(async () => {
  clearInterval(pouring);
  await world?.close();
});

test('files outside the web app are out of reach', async () => {
  const paths = [
    '/../package.json',
    '/../../../../etc/passwd',
    '/assets/../../../package.json',
    '/..%2f..%2fpackage.json',
    '/%2e%2e/%2e%2e/package.json',
    '/assets/..%2f..%2f..%2f..%2fpackage.json',
    '/..%5c..%5cpackage.json',
    '/docs/../../package.json',
    '/docs/static/..%2f..%2fpackage.json',
    '/docs/..%2f..%2fpackage',
    '/package.json%00.html',
    '//etc/passwd',
    'http://127.0.0.1/../../etc/passwd',
    '/.sources',
    '/assets/../.sources',
    '/%2esources',
    '/.git/config',
  ];
  for (const path of paths) {
    for (const accept of ['*/*', 'text/html']) {
      const connection = new RawConnection(world.server.port);
      connection.send(requestText('GET', path, { accept }));
      const [answer] = await connection.untilAnswers(1);
      connection.leave();
      assert.doesNotMatch(answer?.body ?? '', /"workspaces"|root:x|\[core\]/, path);
      const isPage = answer?.status === 200 && /<!doctype html>/i.test(answer.body);
      const isRefused = [400, 403, 404].includes(answer?.status ?? 0);
      assert.ok(isRefused || (isPage && accept === 'text/html'), `${path}: ${answer?.status}`);
    }
  }
});

test('one connection, many requests: each gets its own answer', async () => {
  const path = `/v1/drops/${world.drop}/claims`;
  const headers = {
    authorization: `Bearer ${world.tokens['ben']}`,
    'content-type': 'application/json',
  };
  const tooMany = requestText('POST', path, headers, '{"quantity":2}');
  const nobody = requestText(
    'POST',
    path,
    { 'content-type': 'application/json' },
    '{"quantity":1}',
  );
  const time = requestText('GET', '/v1/time');
  const codeOf = ({ status, body }: { status: number; body: string }) =>
    `${status} ${JSON.parse(body).code ?? ''}`;

  const pipelined = new RawConnection(world.server.port);
  pipelined.send(tooMany + time + nobody + tooMany + time);
  const answers = await pipelined.untilAnswers(5);
  assert.deepEqual(answers.map(codeOf), [
    '409 bad_quantity',
    '200 ',
    '401 unauthenticated',
    '409 bad_quantity',
    '200 ',
  ]);
  pipelined.leave();

  // The body of a request that was refused for its head comes after the answer.
  const late = new RawConnection(world.server.port);
  const body = '{"quantity":1}';
  const size = String(body.length);
  late.send(requestText('POST', path, { 'content-length': size }));
  await late.untilAnswers(1);
  late.send(body).send(time);
  const [refused, after401] = await late.untilAnswers(2);
  assert.equal(refused && codeOf(refused), '401 unauthenticated');
  assert.equal(after401?.status, 200);
  // The same for one that is too large, which is read away up to a bound.
  late.send(
    requestText('POST', path, { ...headers, 'content-length': '300000' }, ' '.repeat(300_000)),
  );
  late.send(tooMany);
  const [, , tooLarge, last] = await late.untilAnswers(4);
  assert.equal(tooLarge && codeOf(tooLarge), '413 too_large');
  assert.equal(last && codeOf(last), '409 bad_quantity');
  late.leave();

  const expecting = new RawConnection(world.server.port);
  expecting.send(
    requestText('POST', path, { ...headers, expect: '100-continue', 'content-length': size }),
  );
  expecting.send(body.replace('1', '2'));
  const [continued] = await expecting.untilAnswers(1);
  assert.equal(continued && codeOf(continued), '409 bad_quantity');
  expecting.leave();

  const chunked = new RawConnection(world.server.port);
  chunked.send(requestText('POST', path, { ...headers, 'transfer-encoding': 'chunked' }));
  for (const piece of ['{"quant', 'ity":', '2}']) {
    chunked.send(`${piece.length.toString(16)}\r\n${piece}\r\n`);
  }
  chunked.send('0\r\n\r\n').send(time);
  const [inPieces, next] = await chunked.untilAnswers(2);
  assert.equal(inPieces && codeOf(inPieces), '409 bad_quantity');
  assert.equal(next?.status, 200);
  chunked.leave();
  await world.expectUnchanged();
});

test('a body without end is cut off, with an answer', async () => {
  const path = `/v1/drops/${world.drop}/claims`;
  const headers = {
    authorization: `Bearer ${world.tokens['ben']}`,
    'content-type': 'application/json',
  };
  const endless = new RawConnection(world.server.port);
  endless.send(requestText('POST', path, { ...headers, 'transfer-encoding': 'chunked' }));
  const chunk = `10000\r\n${' '.repeat(65_536)}\r\n`;
  const pouring = setInterval(() => endless.send(chunk), 1);
  const [answer] = await endless.untilAnswers(1);
  assert.equal(answer?.status, 413);
  await endless.untilOver();
  clearInterval(pouring);
});

test('a client that leaves in the middle disturbs nobody', async () => {
  const path = `/v1/drops/${world.drop}/claims`;
  const headers = {
    authorization: `Bearer ${world.tokens['ben']}`,
    'content-type': 'application/json',
  };
  for (let turn = 0; turn < 20; turn += 1) {
    const connection = new RawConnection(world.server.port);
    connection.send(requestText('POST', path, { ...headers, 'content-length': '14' }, '{"quan'));
    if (turn % 2 === 0) await call(world.server.url, 'GET', '/v1/time');
    connection.leave();
  }
  for (const bytes of [
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    '\x16\x03\x01\x02\x00\x01',
    '\n'.repeat(50),
  ]) {
    new RawConnection(world.server.port).send(Buffer.from(bytes, 'latin1')).leave();
  }
  await world.expectUnchanged();
});

test('who sends too slowly is cut off', async () => {
  await Promise.all(slow.map((connection) => connection.untilOver(40_000)));
  assert.ok(world.server.isRunning);
  assert.equal(world.server.stderr, '');
  assert.doesNotMatch(world.server.stdout, /"level":[56]0/);
  await world.expectUnchanged();
});

/** A byte now and then keeps a connection from being idle; the whole request has a limit too. */
function sendSlowly(): void {
  const { tokens, drop, server } = world;
  const { port } = server;
  const headers = {
    authorization: `Bearer ${tokens['ben']}`,
    'content-type': 'application/json',
    'content-length': '14',
  };
  slow.push(
    new RawConnection(port).send('POST /v1/drops HTTP/1.1\r\nhost: slow\r\n'),
    new RawConnection(port).send(requestText('POST', `/v1/drops/${drop}/claims`, headers)),
  );
  pouring = setInterval(() => {
    slow[0]?.send('x');
    slow[1]?.send(' ');
  }, 2_000);
}
