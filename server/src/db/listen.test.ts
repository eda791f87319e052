import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { after, before, test } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../../test/database.ts';
import { openGate } from '../../test/gate.ts';
import { listen } from './listen.ts';
import { type Database, openDatabase } from './pool.ts';

let place: TestDatabase;
let database: Database;

before(async () => {
  place = await createTestDatabase();
  database = openDatabase({ url: place.url });
});

after(async () => {
  await database.close();
  await place.drop();
});

function spy() {
  const events = new EventEmitter();
  return {
    events,
    channels: { news: (payload: string) => events.emit('news', payload) },
    onListening: () => void events.emit('listening'),
  };
}

test('a notice reaches the handler of its channel', async () => {
  const { events, channels, onListening } = spy();
  const listener = listen({ url: place.url, channels, onListening });
  await listener.ready;
  const heard = once(events, 'news');
  await database.query("select pg_notify('other', 'x'), pg_notify('news', 'hello')");
  assert.deepEqual(await heard, ['hello']);
  await listener.close();
});

test('after a lost connection it listens again and tells that notices may be missed', async () => {
  const gate = await openGate(place.url);
  const { events, channels, onListening } = spy();
  const lines: string[] = [];
  const listener = listen({
    url: gate.url,
    channels,
    onListening,
    log: (line) => lines.push(line),
  });
  await listener.ready;
  await gate.shut();
  const again = once(events, 'listening');
  await gate.reopen();
  await again;
  const heard = once(events, 'news');
  await database.query("select pg_notify('news', 'after')");
  assert.deepEqual(await heard, ['after']);
  assert.match(lines[0] ?? '', /listening connection broke/);
  await listener.close();
  await gate.shut();
});

test('a connection that went silent is found out and replaced', async () => {
  const gate = await openGate(place.url);
  const { events, channels, onListening } = spy();
  const listener = listen({ url: gate.url, channels, onListening });
  await listener.ready;
  gate.freeze();
  await once(events, 'listening');
  await listener.close();
  await gate.shut();
});

test('close ends it also while PostgreSQL is away', async () => {
  const { channels, onListening } = spy();
  const url = 'postgres://nobody@127.0.0.1:1/none';
  const listener = listen({ url, channels, onListening });
  await listener.close();
});
