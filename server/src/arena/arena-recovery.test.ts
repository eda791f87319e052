import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import type { DropState } from '@dibs/rules/contests/drop/types.ts';
import { CHECKPOINT_EVERY, type Fold } from '@dibs/rules/proof/fold.ts';
import { ArenaWorld, BEGINS_AT, CONTEST, claim, codeOf } from './arena.fixture.ts';
import type { Arena } from './arena.ts';

const fault = (code: string) => ({ name: 'ArenaFault', code });
const SEED = 'the seed';
const SEED_HASH = createHash('sha256').update(SEED).digest('hex');

async function begun(changes: Parameters<ArenaWorld['create']>[1] = {}) {
  const world = new ArenaWorld();
  const arena = await world.arena();
  await world.create(arena, changes);
  return { world, arena };
}

const stateOf = (arena: Arena) => arena.peek(CONTEST)?.state as DropState;

describe('a log that fails', () => {
  test('an append that was not written is a fault, and a repeat is served', async () => {
    const { world, arena } = await begun();
    world.log.fail = 'before';
    await assert.rejects(world.ask(arena, claim(1)), fault('log_unavailable'));
    world.log.fail = 'no';
    assert.equal(codeOf(await world.ask(arena, claim(1))), 'accepted');
    assert.equal(stateOf(arena).held, 1);
  });

  test('an append that was written after all is found by the repeat, once', async () => {
    const { world, arena } = await begun();
    world.log.fail = 'after';
    await assert.rejects(world.ask(arena, claim(1)), fault('log_unavailable'));
    world.log.fail = 'no';
    const verdict = await world.ask(arena, claim(1));
    assert.equal(codeOf(verdict), 'accepted');
    assert.equal(stateOf(arena).held, 1);
    assert.equal(
      JSON.stringify(await world.ask(await world.arena(), claim(1))),
      JSON.stringify(verdict),
    );
  });

  test('after it nobody is refused from memory until the log was read', async () => {
    const { world, arena } = await begun({ stock: 1 });
    await world.ask(arena, claim(1));
    world.log.fail = 'all';
    const cancel = { type: 'cancel', order: [...stateOf(arena).orders.keys()][0] ?? 0 };
    const asked = arena.submit({ ...claim(1, 'cancel'), command: cancel });
    asked.catch(() => undefined);
    await world.clock.advance(1);
    await assert.rejects(asked, fault('log_unavailable'));
    await assert.rejects(world.ask(arena, claim(2, null)), fault('log_unavailable'));
    world.log.fail = 'no';
    await world.clock.advance(1_100);
    assert.equal(codeOf(await arena.submit(claim(3, null))), 'sold_out');
  });

  test('growth whose hint was lost is seen by polling', async () => {
    const { world, arena } = await begun();
    const other = await world.arena();
    await other.read(CONTEST);
    world.log.fail = 'reads';
    await world.ask(arena, claim(1));
    world.log.fail = 'no';
    const seq = arena.peek(CONTEST)?.seq;
    assert.notEqual(other.peek(CONTEST)?.seq, seq);
    await world.clock.advance(1_100);
    assert.equal(other.peek(CONTEST)?.seq, seq);
  });
});

describe('a replica that breaks', () => {
  /** A stored fold whose digest is not the one others had: it goes apart at the first checkpoint. */
  async function spoiled(): Promise<{ world: ArenaWorld; arena: Arena }> {
    const { world, arena } = await begun({ stock: 10 });
    const fold = arena.peek(CONTEST) as Fold;
    const copy = { ...structuredClone({ ...fold, rules: null }), rules: fold.rules };
    copy.digest.low ^= 1;
    world.stored = copy;
    return { world, arena };
  }

  test('is built anew without the snapshot it stood on', async () => {
    const { world, arena } = await spoiled();
    const noise = (count: number) =>
      Array.from({ length: count }, (_, index) => ({
        person: null,
        key: `noise${index}`.padEnd(24, '.').slice(0, 24),
        command: { type: 'expire' },
      }));
    await world.log.append(CONTEST, JSON.stringify(noise(CHECKPOINT_EVERY)), CHECKPOINT_EVERY);
    await world.clock.advance(1_100);
    // The next batch takes the checkpoint along, by which the other will know that it is wrong.
    assert.equal(codeOf(await world.ask(arena, claim(1))), 'accepted');
    assert.match(world.log.appended.at(-1)?.payload ?? '', /"checkpoint":4096/);
    const other = await world.arena();
    await assert.rejects(world.ask(other, claim(2)), fault('rebuilding'));
    assert.equal((world.alarms[0] as Error).name, 'Divergence');
    await world.clock.advance(1_100);
    assert.equal(codeOf(await world.ask(other, claim(2))), 'accepted');
    assert.equal(world.alarms.length, 1);
  });

  test('tells those who wait', async () => {
    const { world, arena } = await begun();
    world.log.hold();
    const asked = [arena.submit(claim(1)), arena.submit(claim(2))];
    for (const each of asked) each.catch(() => undefined);
    await world.clock.advance(1);
    // What no process should ever write: the rules know no such command.
    const nonsense = { person: 'x', key: 'k'.repeat(24), command: { type: 'nonsense' } };
    world.log.release();
    await world.log.append(CONTEST, JSON.stringify([nonsense]), 1);
    await world.clock.advance(1);
    for (const each of asked) await assert.rejects(each, { name: 'ArenaFault' });
    assert.equal((world.alarms[0] as Error).name, 'Bug');
    assert.equal(arena.peek(CONTEST), undefined);
  });

  test('a command on which the rules break never reaches the log', async () => {
    const { world, arena } = await begun();
    world.log.fail = 'reads';
    await world.clock.advance(7_000);
    world.log.fail = 'no';
    const before = world.log.appended.length;
    const asked = arena.submit({ ...claim(1), command: { type: 'nonsense' } });
    await assert.rejects(asked, { name: 'Bug' });
    assert.equal(world.log.appended.length, before);
    assert.equal(codeOf(await world.ask(arena, claim(2))), 'accepted');
  });
});

describe('deadlines', () => {
  const expired = (arena: Arena) =>
    [...stateOf(arena).orders.values()].filter(({ status }) => status === 'expired').length;

  test('unpaid orders expire when their time has come', async () => {
    const { world, arena } = await begun({ payWithinMs: 5_000 });
    await world.ask(arena, claim(1));
    await world.clock.advance(4_900);
    assert.equal(expired(arena), 0);
    await world.clock.advance(200);
    assert.equal(expired(arena), 1);
    assert.equal(stateOf(arena).held, 0);
  });

  test('a process that starts takes over the deadlines of what it loads', async () => {
    const { world, arena } = await begun({ payWithinMs: 5_000 });
    await world.ask(arena, claim(1));
    await arena.close();
    const other = await world.arena();
    await other.read(CONTEST);
    await world.clock.advance(5_200);
    assert.equal(expired(other), 1);
  });

  test('several processes do it once', async () => {
    const { world, arena } = await begun({ payWithinMs: 5_000 });
    const others = [await world.arena(), await world.arena()];
    for (const other of others) await other.read(CONTEST);
    await world.ask(arena, claim(1));
    await world.clock.advance(6_500);
    for (const each of [arena, ...others]) assert.equal(expired(each), 1);
    assert.equal(arena.peek(CONTEST)?.seq, others[0]?.peek(CONTEST)?.seq);
  });

  test('a deadline that met a broken log is kept once it is back', async () => {
    const { world, arena } = await begun({ payWithinMs: 5_000 });
    await world.ask(arena, claim(1));
    world.log.fail = 'all';
    await world.clock.advance(9_000);
    assert.equal(expired(arena), 0);
    world.log.fail = 'no';
    await world.clock.advance(1_600);
    assert.equal(expired(arena), 1);
  });

  test('the fair window settles by its seed and answers all who wait', async () => {
    const world = new ArenaWorld();
    world.seed = SEED;
    const arena = await world.arena();
    const window = { opensAt: BEGINS_AT, fairWindowMs: 1_000, seedHash: SEED_HASH };
    await world.create(arena, { ...window, stock: 1 });
    const asked = [1, 2, 3].map((person) => arena.submit(claim(person)));
    const again = arena.submit(claim(1));
    await world.clock.advance(500);
    // A repeat while it is deferred waits with the first, also on another process.
    const elsewhere = (await world.arena()).submit(claim(1));
    await world.clock.advance(700);
    const verdicts = await Promise.all(asked);
    assert.deepEqual(verdicts.map(codeOf).sort(), ['accepted', 'sold_out', 'sold_out']);
    assert.equal(JSON.stringify(await again), JSON.stringify(verdicts[0]));
    assert.equal(JSON.stringify(await elsewhere), JSON.stringify(verdicts[0]));
    assert.equal(JSON.stringify(await world.ask(arena, claim(1))), JSON.stringify(verdicts[0]));
  });
});

describe('a drain', () => {
  test('answers those who are in, notes what was refused, takes nobody in', async () => {
    const { world, arena } = await begun({ stock: 1 });
    const asked = arena.submit(claim(1));
    const closing = arena.close();
    await world.clock.advance(30);
    assert.equal(codeOf(await asked), 'accepted');
    await closing;
    await assert.rejects(arena.submit(claim(2)), fault('draining'));
  });

  test('writes the notes that are left', async () => {
    const { world, arena } = await begun({ stock: 1 });
    await world.ask(arena, claim(1));
    const asked = arena.submit(claim(2));
    const closing = arena.close();
    await world.clock.advance(30);
    await closing;
    assert.equal(codeOf(await asked), 'sold_out');
    assert.match(world.log.appended.at(-1)?.payload ?? '', /"refused"/);
  });

  test('tells those who wait for a fair window that it goes', async () => {
    const window = { opensAt: BEGINS_AT, fairWindowMs: 5_000, seedHash: SEED_HASH };
    const { world, arena } = await begun(window);
    const asked = arena.submit(claim(1));
    asked.catch(() => undefined);
    await world.clock.advance(10);
    const closing = arena.close();
    await world.clock.advance(30);
    await closing;
    await assert.rejects(asked, fault('draining'));
  });

  test('ends though the log is away, and leaves no timer behind', async () => {
    const { world, arena } = await begun({ stock: 1 });
    await world.ask(arena, claim(1));
    world.log.fail = 'all';
    const asked = arena.submit(claim(2));
    asked.catch(() => undefined);
    const closing = arena.close();
    await world.clock.advance(100);
    await assert.rejects(asked, fault('log_unavailable'));
    await closing;
    await world.clock.advance(60_000);
    assert.equal(world.clock.pending, 0);
  });
});
