import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import type { Client, StreamOptions } from '@dibs/sdk';
import type { DropFigures } from '../drops/live-drop.ts';
import { Feed } from './feed.ts';

const FIGURES: DropFigures = {
  status: 'open',
  stock: 10,
  sold: 0,
  held: 0,
  left: 10,
  waiting: 0,
  queued: 0,
  seed: null,
};

/** A server's end of the stream that the test speaks through, and what the feed asked of it. */
function setUp() {
  const asked: string[] = [];
  let options: StreamOptions | null = null;
  const client = {
    stream(given: StreamOptions) {
      options = given;
      asked.push(`open ${given.topics.join()}`);
      return {
        state: 'open',
        addTopic: (topic: string) => asked.push(`add ${topic}`),
        removeTopic: (topic: string) => asked.push(`remove ${topic}`),
        close: () => asked.push('close'),
      };
    },
  } as unknown as Client;
  const own: string[] = [];
  const feed = new Feed(client, {
    onOwnFacts: (facts) => own.push(...facts.map(({ type }) => type)),
    onOwnReset: () => own.push('reset'),
  });
  const server = () => options as Required<StreamOptions>;
  return { feed, asked, own, server };
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

beforeEach(() => {
  Object.assign(globalThis, {
    document: { hidden: false },
    requestAnimationFrame: (draw: () => void) => Number(setTimeout(draw, 0)),
  });
});

test('one stream carries what the screens watch, and ends with the last of them', async () => {
  const { feed, asked } = setUp();
  const leaveOne = feed.watchDrop('a', 1);
  const leaveAgain = feed.watchDrop('a', 1);
  feed.watchMe(true);
  leaveOne();
  await turn();
  assert.deepEqual(asked, ['open drop:a', 'add me']);
  leaveAgain();
  await turn();
  feed.watchMe(false);
  assert.deepEqual(asked.slice(2), ['remove drop:a', 'close']);
  assert.equal(feed.connection(), 'idle');
});

test('a screen that leaves and comes back within a turn keeps its topic', async () => {
  const { feed, asked } = setUp();
  feed.watchDrop('a', 1)();
  feed.watchDrop('a', 1);
  await turn();
  assert.deepEqual(asked, ['open drop:a']);
});

test('the later of what was fetched and what was streamed is shown', () => {
  const { feed, server } = setUp();
  feed.watchDrop('a', 1);
  feed.offerFetched('a', FIGURES, '1:5');
  assert.equal(feed.figures('a')?.left, 10);
  server().onView('drop:a', { ...FIGURES, held: 1, left: 9 }, '1:7');
  feed.offerFetched('a', FIGURES, '1:6');
  assert.equal(feed.figures('a')?.left, 9);
  const claimed = { seq: 8, at: 8, type: 'claimed', order: 8, quantity: 1, payBy: 0 };
  server().onFacts('drop:a', [{ ...claimed, person: 'p' as never } as never]);
  assert.equal(feed.figures('a')?.left, 8);
  feed.offerFetched('a', { ...FIGURES, held: 3, left: 7 }, '1:9');
  assert.equal(feed.figures('a')?.left, 7);
});

test('a storm of facts tells the screens once per frame', async () => {
  const { feed, server } = setUp();
  feed.watchDrop('a', 1);
  server().onView('drop:a', { ...FIGURES, stock: 1000, left: 1000 }, '1:1');
  await turn();
  let told = 0;
  feed.subscribe(() => {
    told += 1;
  });
  for (let seq = 2; seq < 202; seq += 1) {
    const claimed = { seq, at: seq, type: 'claimed', order: seq, quantity: 1, payBy: 0 };
    server().onFacts('drop:a', [{ ...claimed, person: 'p' as never } as never]);
  }
  await turn();
  assert.equal(told, 1);
  assert.equal(feed.figures('a')?.left, 800);
});

test('own facts and resets reach who keeps the orders', () => {
  const { feed, own, server } = setUp();
  feed.watchMe(true);
  server().onReset('me');
  server().onFacts('me', [{ seq: 1, at: 1, type: 'offered', contest: 'a' } as never]);
  assert.deepEqual(own, ['reset', 'offered']);
});

test('lost stays lost until the stream is open again', () => {
  const { feed, server } = setUp();
  feed.watchDrop('a', 1);
  server().onState('open', {});
  server().onState('lost', {});
  server().onState('connecting', {});
  assert.equal(feed.connection(), 'lost');
  server().onState('open', {});
  assert.equal(feed.connection(), 'open');
});
