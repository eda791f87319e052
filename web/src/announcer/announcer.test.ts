import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Announcer, isWorthSaying, STOCK_EVERY_MS } from './announcer.ts';

/** A clock that the test moves, and everything that was said, with its instant. */
function setUp() {
  let now = 0;
  const tasks: { at: number; run: () => void }[] = [];
  const announcer = new Announcer({
    now: () => now,
    later(run, delayMs) {
      const task = { at: now + delayMs, run };
      tasks.push(task);
      return () => tasks.splice(tasks.indexOf(task), 1);
    },
  });
  const said: [number, string][] = [];
  let last = announcer.voice();
  announcer.subscribe(() => {
    const voice = announcer.voice();
    const isPolite = voice.assertive === last.assertive;
    said.push([now, isPolite ? voice.polite.text : `! ${voice.assertive.text}`]);
    last = voice;
  });
  const moveTo = (at: number) => {
    for (;;) {
      const due = tasks.filter((task) => task.at <= at).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      tasks.splice(tasks.indexOf(due), 1);
      now = Math.max(now, due.at);
      due.run();
    }
    now = at;
  };
  const stock = (left: number, total = 1000) =>
    announcer.announce({ priority: 'stock', text: `${left} left`, left, stock: total });
  return { announcer, said, moveTo, stock };
}

test('stock in a storm is told once in five seconds, and always the newest', () => {
  const { said, moveTo, stock } = setUp();
  for (let at = 0; at <= 12_000; at += 50) {
    moveTo(at);
    stock(Math.max(0, 1000 - at / 10));
  }
  moveTo(20_000);
  const instants = said.map(([at]) => at);
  assert.equal(said[0]?.[1], '1000 left');
  assert.equal(said.at(-1)?.[1], '0 left');
  for (let index = 1; index < instants.length; index += 1) {
    const pause = (instants[index] as number) - (instants[index - 1] as number);
    assert.ok(pause >= STOCK_EVERY_MS, `two announcements ${pause} ms apart`);
  }
});

test('small changes of the stock are not worth a sentence, the last and the first unit are', () => {
  assert.equal(isWorthSaying(null, 1000, 1000), true);
  assert.equal(isWorthSaying({ left: 1000, stock: 1000 }, 950, 1000), false);
  assert.equal(isWorthSaying({ left: 1000, stock: 1000 }, 900, 1000), true);
  assert.equal(isWorthSaying({ left: 12, stock: 1000 }, 10, 1000), true);
  assert.equal(isWorthSaying({ left: 10, stock: 1000 }, 9, 1000), false);
  assert.equal(isWorthSaying({ left: 9, stock: 1000 }, 0, 1000), true);
  assert.equal(isWorthSaying({ left: 0, stock: 1000 }, 1, 1000), true);
  assert.equal(isWorthSaying({ left: 5, stock: 1000 }, 5, 1001), true);
  assert.equal(isWorthSaying({ left: 5, stock: 1000 }, 5, 1000), false);
});

test('what is urgent is said at once and makes waiting stock news stale', () => {
  const { announcer, said, moveTo, stock } = setUp();
  stock(1000);
  moveTo(10);
  stock(500);
  moveTo(1000);
  announcer.announce({ priority: 'now', text: 'You won' });
  moveTo(20_000);
  assert.deepEqual(said, [
    [0, '1000 left'],
    [1000, '! You won'],
  ]);
});

test('the same words twice are two announcements', () => {
  const { announcer } = setUp();
  announcer.announce({ priority: 'now', text: 'Sold out' });
  const { assertive, polite } = announcer.voice();
  announcer.announce({ priority: 'now', text: 'Sold out' });
  assert.equal(announcer.voice().assertive.number, assertive.number + 1);
  assert.equal(announcer.voice().polite, polite);
});

test('figures that are on the page already are no news', () => {
  const { announcer, said, moveTo, stock } = setUp();
  announcer.startStock(1000, 1000);
  stock(1000);
  moveTo(6000);
  stock(400);
  moveTo(12_000);
  assert.deepEqual(said, [[6000, '400 left']]);
});
