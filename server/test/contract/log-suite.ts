import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { genesisHash, hashLink } from '@dibs/rules/proof/chain.ts';
import { BATCH_ENTRIES_MAX, type ContestLog, LogMissing } from '../../src/log/log.ts';

/**
 * What every log guarantees, run on each adapter. `open` gives two handles on the same log, as two
 * processes would have; `close` lets go of both.
 */
export function testLog(
  name: string,
  open: () => Promise<{ one: ContestLog; other: ContestLog; close(): Promise<void> }>,
): void {
  const withLogs = (
    title: string,
    run: (logs: { one: ContestLog; other: ContestLog; contest: string }) => Promise<void>,
  ) =>
    test(`${name}: ${title}`, async () => {
      const { one, other, close } = await open();
      try {
        const contest = randomUUID();
        await one.create(contest);
        await run({ one, other, contest });
      } finally {
        await close();
      }
    });

  withLogs(
    'positions run from 1 without gaps, whoever appends',
    async ({ one, other, contest }) => {
      const first = await one.append(contest, '["a","b"]', 2);
      const second = await other.append(contest, '["c"]', 1);
      const third = await one.append(contest, '["d"]', 1);
      assert.deepEqual([first.seq, second.seq, third.seq], [1, 3, 4]);
      const heads = await other.heads([contest, randomUUID()]);
      assert.deepEqual([...heads], [[contest, 4]]);
    },
  );

  withLogs('what is read is what was appended, byte for byte', async ({ one, other, contest }) => {
    const payload = JSON.stringify(['é 票 \u0000-free \\ "quoted" \n', 1e21, null]);
    const head = await one.append(contest, payload, 3);
    const [batch] = await other.read(contest, 0, 10);
    assert.deepEqual(batch, { ...head, payload, count: 3 });
    assert.deepEqual(await other.read(contest, 3, 10), []);
  });

  withLogs('batches of two writers never interleave, and time does not go back', async (logs) => {
    const { one, other, contest } = logs;
    const write = async (log: ContestLog, tag: string) => {
      for (let number = 0; number < 40; number += 1) {
        await log.append(contest, JSON.stringify([`${tag}${number}`, `${tag}${number}`]), 2);
      }
    };
    await Promise.all([write(one, 'a'), write(other, 'b'), write(one, 'c')]);
    const batches = await one.read(contest, 0, 1_000);
    assert.equal(batches.length, 120);
    let next = 1;
    let at = 0;
    for (const batch of batches) {
      assert.equal(batch.seq, next);
      assert.ok(batch.at >= at);
      next += batch.count;
      at = batch.at;
    }
    const ofA = batches
      .map(({ payload }) => JSON.parse(payload)[0])
      .filter((tag) => /^a/.test(tag));
    assert.deepEqual(
      ofA,
      Array.from({ length: 40 }, (_, number) => `a${number}`),
    );
  });

  withLogs('each batch carries the hash of the one before', async ({ one, other, contest }) => {
    for (const text of ['["1"]', '["zwei 二"]', '["3"]']) await one.append(contest, text, 1);
    let hash = genesisHash(contest);
    for (const batch of await other.read(contest, 0, 10)) {
      hash = hashLink(hash, batch);
      assert.equal(batch.hash, hash);
    }
  });

  withLogs('reading goes on page by page from any position', async ({ one, contest }) => {
    for (let number = 0; number < 30; number += 1) await one.append(contest, '[1,2,3]', 3);
    const seen: number[] = [];
    let after = 0;
    for (;;) {
      const page = await one.read(contest, after, 10);
      if (page.length === 0) break;
      assert.ok(page.length <= 10);
      for (const { seq, count } of page) {
        seen.push(seq);
        after = seq + count - 1;
      }
    }
    assert.deepEqual(
      seen,
      Array.from({ length: 30 }, (_, number) => number * 3 + 1),
    );
  });

  withLogs('a contest without a log takes nothing', async ({ one }) => {
    await assert.rejects(one.append(randomUUID(), '[1]', 1), LogMissing);
    assert.deepEqual(await one.read(randomUUID(), 0, 10), []);
  });

  withLogs('making a log twice keeps what is in it', async ({ one, other, contest }) => {
    await one.append(contest, '[1]', 1);
    await other.create(contest);
    assert.equal((await one.read(contest, 0, 10)).length, 1);
  });

  withLogs('the largest batch goes through', async ({ one, contest }) => {
    const entry = 'x'.repeat(200);
    const payload = JSON.stringify(Array.from({ length: BATCH_ENTRIES_MAX }, () => entry));
    await one.append(contest, payload, BATCH_ENTRIES_MAX);
    const [batch] = await one.read(contest, 0, 1);
    assert.equal(batch?.payload, payload);
  });

  withLogs('whoever follows hears that a log grew', async ({ one, other, contest }) => {
    let hear: () => void = () => {};
    const heard = new Promise<void>((resolve) => {
      hear = resolve;
    });
    const following = await other.follow((grown) => grown === contest && hear());
    await one.append(contest, '[1]', 1);
    await heard;
    await following.close();
  });

  withLogs('the clock of the log is the clock of its entries', async ({ one, contest }) => {
    const before = await one.now();
    const { at } = await one.append(contest, '[1]', 1);
    const after = await one.now();
    assert.ok(before <= at && at <= after, `${before} <= ${at} <= ${after}`);
  });

  withLogs('what is trimmed is gone, the rest stays', async ({ one, other, contest }) => {
    for (let number = 0; number < 5; number += 1) await one.append(contest, '[1,2]', 2);
    await one.trim(contest, 5);
    const [first] = await other.read(contest, 4, 10);
    assert.equal(first?.seq, 5);
    assert.ok((await other.read(contest, 0, 4)).every(({ seq }) => seq >= 5));
    assert.equal((await other.append(contest, '[1]', 1)).seq, 11);
  });
}
