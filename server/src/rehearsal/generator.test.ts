import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import type { Target } from './connection.ts';
import { Generator, type ShotOutcome } from './generator.ts';
import { writeRequest } from './request.ts';

const servers: Server[] = [];
after(() => {
  for (const server of servers) server.close().closeAllConnections();
});

async function serve(listener: RequestListener, port = 0): Promise<Target & { server: Server }> {
  const server = createServer(listener).listen(port, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port, server };
}

function ask(target: Target, key: string): string {
  const body = '{"quantity":1}';
  return writeRequest(target, { method: 'POST', path: '/claims', token: 'token', key, body });
}

const options = { connectionsMax: 8, patienceMs: 5_000 };

test('each request is answered, and told apart by kind, status and code', async () => {
  const target = await serve(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    assert.equal(text, '{"quantity":1}');
    assert.equal(request.headers.authorization, 'Bearer token');
    const isWon = Number(request.headers['idempotency-key']) < 20;
    response.statusCode = isWon ? 201 : 409;
    response.end(isWon ? '{"id":1}' : '{"code":"sold_out"}');
  });
  const generator = new Generator({ target, ...options });
  for (let index = 0; index < 100; index += 1) {
    generator.add({ kind: 'claim', atMs: index / 4, request: ask(target, String(index)) });
  }
  const report = await generator.run();
  assert.deepEqual(report.answers, { claim: { '201': 20, '409 sold_out': 80 } });
  assert.equal(report.answered, 100);
  assert.equal(report.unanswered, 0);
  assert.equal(report.latency['claim']?.count, 100);
});

test('latency counts from the intended instant, so a stall is charged to all who waited', async () => {
  const release = Promise.withResolvers<void>();
  const target = await serve(async (_, response) => {
    await release.promise;
    response.end('{}');
  });
  const generator = new Generator({ target, ...options, connectionsMax: 1 });
  for (let index = 0; index < 3; index += 1) {
    generator.add({ kind: 'claim', atMs: 0, request: ask(target, String(index)) });
  }
  setTimeout(release.resolve, 120);
  const { overall } = await generator.run();
  // All three, also the two that had no connection yet and were sent only afterwards.
  assert.ok(overall.p50 >= 115, `p50 ${overall.p50}`);
});

test('a lost connection and a temporary fault are repeated with the same bytes', async () => {
  const keys: unknown[] = [];
  const target = await serve((request, response) => {
    keys.push(request.headers['idempotency-key']);
    if (keys.length === 1) request.socket.destroy();
    else if (keys.length === 2) response.writeHead(503).end('{"code":"busy"}');
    else response.end('{}');
  });
  const generator = new Generator({ target, ...options });
  generator.add({ kind: 'claim', atMs: 0, request: ask(target, 'once') });
  const report = await generator.run();
  assert.deepEqual(keys, ['once', 'once', 'once']);
  assert.equal(report.answered, 1);
  assert.equal(report.repeated, 2);
  assert.equal(report.connectionErrors, 1);
  assert.deepEqual(report.faults, { '503 busy': 1 });
});

test('a request to a server that is away is answered once it is back', async () => {
  const gone = await serve((_, response) => response.end('{}'));
  gone.server.close();
  await once(gone.server, 'close');
  const generator = new Generator({ target: gone, ...options });
  generator.add({ kind: 'claim', atMs: 0, request: ask(gone, 'patient') });
  const running = generator.run();
  await serve((_, response) => response.end('{}'), gone.port);
  const report = await running;
  assert.equal(report.answered, 1);
});

test('patience ends: the request is told unanswered', async () => {
  const target = await serve((request) => request.socket.destroy());
  const generator = new Generator({ target, ...options, patienceMs: 100 });
  const outcomes: ShotOutcome[] = [];
  const onOutcome = (outcome: ShotOutcome) => outcomes.push(outcome);
  generator.add({ kind: 'claim', atMs: 0, request: ask(target, 'lost'), onOutcome });
  const report = await generator.run();
  assert.equal(report.unanswered, 1);
  assert.deepEqual(
    outcomes.map(({ type }) => type),
    ['unanswered'],
  );
});

test('a connection cut on purpose is told, and others go on', async () => {
  const target = await serve((request, response) => {
    if (request.headers['idempotency-key'] === 'quick') response.end('{}');
  });
  const generator = new Generator({ target, ...options });
  generator.add({
    kind: 'claim',
    atMs: 0,
    request: ask(target, 'slow'),
    cutAfterMs: 20,
    onOutcome: ({ type, nowMs }) => {
      assert.equal(type, 'cut');
      generator.add({ kind: 'retry', atMs: nowMs, request: ask(target, 'quick') });
    },
  });
  const report = await generator.run();
  assert.equal(report.cut, 1);
  assert.deepEqual(report.answers, { retry: { '200': 1 } });
});
