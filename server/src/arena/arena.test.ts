import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  ArenaWorld,
  BEGINS_AT,
  CONTEST,
  claim,
  codeOf,
  HOST,
  personNumber,
} from './arena.fixture.ts';
import { QUEUE_MAX } from './replica.ts';

const fault = (code: string) => ({ name: 'ArenaFault', code });

async function begun(changes: Parameters<ArenaWorld['create']>[1] = {}) {
  const world = new ArenaWorld();
  const arena = await world.arena();
  await world.create(arena, changes);
  return { world, arena };
}

describe('batches', () => {
  test('what comes in one turn is one write', async () => {
    const { world, arena } = await begun({ stock: 50 });
    const before = world.log.appended.length;
    const asked = Array.from({ length: 30 }, (_, index) => arena.submit(claim(index)));
    await world.clock.advance(1);
    const verdicts = await Promise.all(asked);
    assert.ok(verdicts.every(({ type }) => type === 'accepted'));
    assert.equal(world.log.appended.length - before, 1);
    assert.equal(world.log.appended.at(-1)?.count, 30);
  });

  test('what comes while a write is on its way is the next write', async () => {
    const { world, arena } = await begun({ stock: 50 });
    world.log.hold();
    const first = arena.submit(claim(1));
    await world.clock.advance(1);
    const others = [2, 3, 4].map((person) => arena.submit(claim(person)));
    await world.clock.advance(1);
    const before = world.log.appended.length;
    world.log.release();
    await world.clock.advance(1);
    await Promise.all([first, ...others]);
    const counts = world.log.appended.slice(before).map(({ count }) => count);
    assert.deepEqual(counts, [1, 3]);
  });

  test('nothing is acknowledged before it is durable', async () => {
    const { world, arena } = await begun();
    world.log.hold();
    let isAnswered = false;
    const asked = arena.submit(claim(1)).then(() => {
      isAnswered = true;
    });
    await world.clock.advance(500);
    assert.equal(isAnswered, false);
    world.log.release();
    await world.clock.advance(1);
    await asked;
    assert.equal(isAnswered, true);
  });

  test('beyond the bound of the queue the answer is busy', async () => {
    const { world, arena } = await begun({ stock: QUEUE_MAX + 10 });
    world.log.hold();
    const asked = Array.from({ length: QUEUE_MAX }, (_, index) => arena.submit(claim(index)));
    await assert.rejects(arena.submit(claim(QUEUE_MAX + 1)), fault('busy'));
    world.log.release();
    await world.clock.advance(1);
    await Promise.all(asked);
    assert.equal(codeOf(await world.ask(arena, claim(QUEUE_MAX + 1))), 'accepted');
  });
});

describe('keys', () => {
  test('a duplicate in flight shares the answer', async () => {
    const { world, arena } = await begun();
    const before = world.log.appended.length;
    const asked = [arena.submit(claim(1)), arena.submit(claim(1)), arena.submit(claim(1))];
    await world.clock.advance(1);
    const [one, ...others] = await Promise.all(asked);
    for (const other of others) assert.equal(other, one);
    assert.equal(world.log.appended.length - before, 1);
    assert.equal(world.log.appended.at(-1)?.count, 1);
  });

  test('a repeat has the first verdict, on another arena too, byte for byte', async () => {
    const { world, arena } = await begun();
    const first = JSON.stringify(await world.ask(arena, claim(1)));
    const other = await world.arena();
    for (const asked of [arena, other, await world.arena()]) {
      assert.equal(JSON.stringify(await world.ask(asked, claim(1))), first);
    }
    assert.equal(arena.peek(CONTEST)?.seq, other.peek(CONTEST)?.seq);
  });

  test('the same key with another command is a fault, whatever the first verdict was', async () => {
    const { world, arena } = await begun({ stock: 1 });
    await world.ask(arena, claim(1));
    assert.equal(codeOf(await world.ask(arena, claim(2))), 'sold_out');
    for (const person of [1, 2]) {
      const other = { ...claim(person), command: { type: 'leave' } };
      await assert.rejects(world.ask(arena, other), fault('key_reused'));
      await world.clock.advance(200);
      await assert.rejects(world.ask(arena, other), fault('key_reused'));
    }
  });

  test('a command with a used key that is still on its way is a fault', async () => {
    const { world, arena } = await begun();
    const first = arena.submit(claim(1));
    const other = arena.submit({ ...claim(1), command: { type: 'wait' } });
    other.catch(() => undefined);
    await world.clock.advance(1);
    assert.equal(codeOf(await first), 'accepted');
    await assert.rejects(other, fault('key_reused'));
  });

  test("one person's key says nothing about another's", async () => {
    const { world, arena } = await begun();
    assert.equal(codeOf(await world.ask(arena, claim(1, 'same'))), 'accepted');
    assert.equal(codeOf(await world.ask(arena, claim(2, 'same'))), 'accepted');
  });
});

describe('refusals from memory', () => {
  test('of one turn share one entry, and are told once it is written', async () => {
    const { world, arena } = await begun({ stock: 1 });
    await world.ask(arena, claim(1));
    const before = world.log.appended.length;
    const asked = Array.from({ length: 50 }, (_, index) => arena.submit(claim(index + 2)));
    assert.equal(world.log.appended.length, before);
    await world.clock.advance(1);
    for (const verdict of await Promise.all(asked)) assert.equal(codeOf(verdict), 'sold_out');
    assert.equal(world.log.appended.length, before + 1);
    assert.equal(world.log.appended.at(-1)?.count, 1);
  });

  test('that nobody can repeat cost no write and no wait', async () => {
    const { world, arena } = await begun({ stock: 1 });
    await world.ask(arena, claim(1));
    const before = world.log.appended.length;
    assert.equal(codeOf(await arena.submit(claim(2, null))), 'sold_out');
    await world.clock.advance(60);
    assert.equal(world.log.appended.length, before);
  });

  test('hold on another arena, though the command would be granted by now', async () => {
    const { world, arena } = await begun({ stock: 1 });
    const order = await world.ask(arena, claim(1));
    assert.ok(order.type === 'accepted');
    const refused = JSON.stringify(await world.ask(arena, claim(2)));
    await world.clock.advance(60);
    const cancel = { type: 'cancel', order: order.seq };
    await world.ask(arena, { ...claim(1, 'cancel'), command: cancel });
    const other = await world.arena();
    assert.equal(JSON.stringify(await world.ask(other, claim(2))), refused);
    assert.equal(codeOf(await world.ask(other, claim(2, 'new'))), 'accepted');
  });

  test('whose note could not be written are not told', async () => {
    const { world, arena } = await begun({ stock: 1 });
    await world.ask(arena, claim(1));
    world.log.fail = 'before';
    await assert.rejects(world.ask(arena, claim(2)), fault('log_unavailable'));
    world.log.fail = 'no';
    assert.equal(codeOf(await world.ask(arena, claim(2))), 'sold_out');
  });

  test('are left to the log once it was not heard of for long', async () => {
    const { world, arena } = await begun({ stock: 1 });
    await world.ask(arena, claim(1));
    world.log.fail = 'all';
    await world.clock.advance(4_500);
    assert.equal(codeOf(await arena.submit(claim(2, null))), 'sold_out');
    await world.clock.advance(2_000);
    await assert.rejects(world.ask(arena, claim(3, null)), fault('log_unavailable'));
    world.log.fail = 'no';
    await world.clock.advance(1_500);
    assert.equal(codeOf(await arena.submit(claim(4, null))), 'sold_out');
  });

  test('are left to the log close to the opening, whichever clock is right', async () => {
    const { world, arena } = await begun({ opensAt: BEGINS_AT + 10_000 });
    assert.equal(codeOf(await world.ask(arena, claim(1))), 'not_open');
    await world.clock.advance(BEGINS_AT + 9_900 - world.clock.now());
    const before = world.log.appended.length;
    assert.equal(codeOf(await world.ask(arena, claim(2))), 'not_open');
    assert.ok(world.log.appended.length > before);
  });

  test('say nothing about an order that this replica has not come to', async () => {
    const { world, arena } = await begun();
    const other = await world.arena();
    await world.ask(other, claim(9));
    world.log.fail = 'reads';
    const order = await world.ask(arena, claim(1));
    assert.ok(order.type === 'accepted');
    const command = { type: 'cancel', order: order.seq };
    const asked = other.submit({ ...claim(1, 'cancel'), command });
    world.log.fail = 'no';
    await world.clock.advance(1);
    assert.equal(codeOf(await asked), 'accepted');
  });
});

describe('clocks', () => {
  test('a process whose clock is set forth and back keeps to the log', async () => {
    const world = new ArenaWorld();
    let offsetMs = 0;
    const clock = {
      now: () => world.clock.now() + offsetMs,
      after: world.clock.after.bind(world.clock),
      soon: world.clock.soon.bind(world.clock),
    };
    const arena = await world.arena({ clock });
    await world.create(arena, { closesAt: BEGINS_AT + 3_600_000, stock: 100 });
    for (const stepMs of [7_200_000, -7_200_000, -3_600_000, 3_600_000]) {
      offsetMs += stepMs;
      // What this process knows seems old or yet to come, so the log decides, and shows its clock.
      const person = 10 + Math.abs(offsetMs) + (stepMs > 0 ? 1 : 0);
      assert.equal(codeOf(await world.ask(arena, claim(person))), 'accepted', `step ${stepMs}`);
      assert.ok(Math.abs(arena.now() - world.clock.now()) < 50);
    }
  });
});

describe('contests', () => {
  test('that do not exist are unknown', async () => {
    const world = new ArenaWorld();
    const arena = await world.arena();
    await assert.rejects(world.ask(arena, claim(1)), fault('contest_unknown'));
    await assert.rejects(arena.read(CONTEST), fault('contest_unknown'));
  });

  test('that have a log but no creation refuse everything as unknown, and can begin', async () => {
    const world = new ArenaWorld();
    const arena = await world.arena();
    await arena.create(CONTEST);
    assert.equal(codeOf(await world.ask(arena, claim(1))), 'unknown');
    await world.create(arena);
    assert.equal(codeOf(await world.ask(arena, claim(2))), 'accepted');
    assert.equal(codeOf(await world.ask(arena, claim(1))), 'unknown');
    assert.equal(codeOf(await world.ask(await world.arena(), claim(1, 'other'))), 'accepted');
  });

  test('are steered by their host alone', async () => {
    const { world, arena } = await begun();
    const pause = { contest: CONTEST, key: null, command: { type: 'pause' } };
    const asked = await world.ask(arena, { ...pause, person: personNumber(1) });
    assert.equal(codeOf(asked), 'not_host');
    assert.equal(codeOf(await world.ask(arena, { ...pause, person: HOST })), 'accepted');
  });
});

describe('listeners', () => {
  test('hear each entry once, in order, before the caller has the answer', async () => {
    const { world, arena } = await begun({ stock: 50 });
    const heard: number[] = [];
    arena.onApplied(({ steps }) => heard.push(...steps.map(({ seq }) => seq)));
    const from = (arena.peek(CONTEST)?.seq ?? 0) + 1;
    for (let person = 0; person < 5; person += 1) {
      const verdict = await world.ask(arena, claim(person));
      assert.ok(verdict.type === 'accepted' && heard.includes(verdict.seq));
    }
    assert.deepEqual(
      heard,
      Array.from({ length: heard.length }, (_, index) => from + index),
    );
  });

  test('that throw do not cost anybody an answer', async () => {
    const { world, arena } = await begun();
    const heard: number[] = [];
    arena.onApplied(() => {
      throw new Error('a listener’s own mistake');
    });
    arena.onApplied(({ steps }) => heard.push(steps.length));
    assert.equal(codeOf(await world.ask(arena, claim(1))), 'accepted');
    assert.deepEqual(heard, [1]);
    assert.match(String(world.alarms[0]), /own mistake/);
  });
});
