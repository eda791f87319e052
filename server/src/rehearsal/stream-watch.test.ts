import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { hashFact } from './fact-hash.ts';
import { StreamWatch } from './stream-watch.ts';

const topic = 'drop:1';
const facts = Array.from({ length: 40 }, (_, index) => ({
  // Two facts an entry, and entries without any between.
  seq: 10 + Math.floor(index / 2) * 3,
  at: 1_000,
  type: index % 2 === 0 ? 'claimed' : 'paid',
}));
const logged = facts.map((fact) => ({ seq: fact.seq, hash: hashFact(JSON.stringify(fact)) }));

/**
 * A stream server whose streams can be made to lie: `tamper` may change the list that a stream is
 * sent. Streams resume from their last id; the connection breaks off once in the middle.
 */
async function serve(
  tamper: (list: typeof facts) => typeof facts,
  onEnd: (close: () => void) => void,
) {
  const seen = new Set<string>();
  const server = createServer((request, response) => {
    const from = Number(request.headers['last-event-id']?.toString().split(':')[1] ?? 9);
    response.writeHead(200, { 'content-type': 'text/event-stream', connection: 'close' });
    response.useChunkedEncodingByDefault = false;
    response.write('retry: 1000\n\n:\n\n');
    if (request.headers['last-event-id'] === undefined) {
      const view = { topic, view: {}, position: '1:9' };
      response.write(`event: view\ndata: ${JSON.stringify(view)}\nid: 1:9\n\n`);
    }
    const list = tamper(facts).filter(({ seq }) => seq > from);
    const isFirst = !seen.has(String(request.socket.remotePort)) && from === 9;
    // The first time round only half is sent; an entry is never divided.
    const part = isFirst ? list.slice(0, 20) : list;
    sendFacts(response, part);
    if (isFirst) response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onEnd(() => server.close().closeAllConnections());
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

function sendFacts(response: ServerResponse, list: typeof facts): void {
  for (let index = 0; index < list.length; index += 4) {
    const part = list.slice(index, index + 4);
    const data = JSON.stringify({ topic, facts: part });
    response.write(`event: facts\ndata: ${data}\nid: 1:${part.at(-1)?.seq}\n\n`);
  }
}

async function watch(
  context: { after(close: () => void): void },
  tamper: (list: typeof facts) => typeof facts,
) {
  const target = await serve(tamper, (close) => context.after(close));
  const watching = new StreamWatch({ target, topic, streams: 5 });
  context.after(() => watching.close());
  await watching.open();
  return watching.finish(logged);
}

test('streams that see every fact once, also across a reconnect, are found right', async (context) => {
  const report = await watch(context, (list) => list);
  assert.deepEqual(report.faults, []);
  assert.equal(report.facts, 5 * facts.length);
  assert.equal(report.reconnects, 5);
  assert.equal(report.resets, 0);
});

const tampers: readonly (readonly [string, (list: typeof facts) => typeof facts])[] = [
  ['lost', (list) => list.filter((_, index) => index !== 7)],
  ['doubled', (list) => list.flatMap((fact, index) => (index === 7 ? [fact, fact] : [fact]))],
  ['changed', (list) => list.map((fact, index) => (index === 7 ? { ...fact, at: 2 } : fact))],
  ['swapped', (list) => [list[1], list[0], ...list.slice(2)] as typeof facts],
];

for (const [name, tamper] of tampers) {
  test(`a fact that was ${name} is found`, async (context) => {
    const report = await watch(context, tamper);
    assert.ok(report.faults.length > 0);
  });
}
