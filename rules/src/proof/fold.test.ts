import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  fairTermsWith,
  OPENS_AT,
  PAY_WITHIN_MS,
  SEED,
  termsWith,
} from '../contests/drop/drop.fixture.ts';
import type { DropCommand, DropState, DropTerms } from '../contests/drop/types.ts';
import { readDigest } from '../kernel/digest.ts';
import {
  CHECKPOINT_EVERY,
  type CommandEntry,
  Divergence,
  type Fold,
  foldEntry,
  KEY_LIFE_MS,
  type LogEntry,
  recall,
  type Step,
  startFold,
  UnknownRules,
  type Verdict,
} from './fold.ts';

/** A full key: 16 characters of person and key, 8 of the command. */
const keyOf = (tag: string, command = 'command0') => `${tag.padEnd(16, '.')}${command}`;

function entry(person: string | null, tag: string, command: DropCommand): CommandEntry {
  return { person, key: keyOf(tag), command };
}

const CREATE: CommandEntry = {
  ...entry('host', 'create', { type: 'create', host: 'host', terms: termsWith() }),
  kind: 'drop',
};
const creation = (terms: DropTerms): DropCommand => ({ type: 'create', host: 'host', terms });
const claim = (person: string, tag: string, quantity = 1) =>
  entry(person, tag, { type: 'claim', quantity });

function folded(entries: readonly LogEntry[], at = OPENS_AT): { fold: Fold; steps: Step[] } {
  const fold = startFold('drop');
  const steps = entries.map((each) => foldEntry(fold, each, at));
  return { fold, steps };
}

const answer = (step: Step | undefined): Verdict | undefined => step?.answers.at(-1)?.[1];
const codeOf = (verdict: Verdict | undefined) =>
  verdict?.type === 'refused' ? verdict.refusal.code : verdict?.type;
const drop = (fold: Fold) => fold.state as DropState;

describe('order and creation', () => {
  test('LG1: an order is named by the position of its entry', () => {
    const { fold, steps } = folded([CREATE, claim('ann', 'a'), claim('bob', 'b')]);
    assert.equal(fold.seq, 3);
    assert.deepEqual([...drop(fold).orders.keys()], [2, 3]);
    assert.deepEqual(
      steps.map(({ seq }) => seq),
      [1, 2, 3],
    );
  });

  test('LG2: rules that nobody knows here are not played', () => {
    for (const bad of [
      { ...CREATE, kind: 'raffle' },
      { ...CREATE, command: creation(termsWith({ rules: 99 })) },
      { ...CREATE, command: { type: 'create' } },
    ]) {
      assert.throws(() => folded([bad]), UnknownRules);
    }
  });

  test('LG2: what stands before the creation is unknown, and the contest can still begin', () => {
    const { fold, steps } = folded([claim('ann', 'early'), CREATE, claim('ann', 'late')]);
    assert.equal(codeOf(answer(steps[0])), 'unknown');
    assert.equal(codeOf(answer(steps[2])), 'accepted');
    assert.equal(codeOf(recall(fold, keyOf('early'))), 'unknown');
  });
});

describe('keys', () => {
  test('LG3: a repeat has the first verdict and changes nothing', () => {
    const { fold, steps } = folded([
      CREATE,
      claim('ann', 'a'),
      { ...entry(null, 'p', { type: 'pay', order: 2, payment: 'x' }) },
      claim('ann', 'a'),
    ]);
    assert.equal(JSON.stringify(answer(steps[3])), JSON.stringify(answer(steps[1])));
    assert.deepEqual(steps[3]?.facts, []);
    assert.equal(drop(fold).held, 0);
    assert.equal(drop(fold).sold, 1);
  });

  test('LG3: refusals are remembered too, though they would be granted by now', () => {
    const small = {
      ...CREATE,
      command: creation(termsWith({ stock: 1 })),
    };
    const { fold, steps } = folded([
      small,
      claim('ann', 'a'),
      claim('bob', 'b'),
      entry('ann', 'c', { type: 'cancel', order: 2 }),
      claim('bob', 'b'),
    ]);
    assert.equal(codeOf(answer(steps[2])), 'sold_out');
    assert.equal(codeOf(answer(steps[4])), 'sold_out');
    assert.equal(drop(fold).held, 0);
  });

  test('LG4: the same key with another command changes nothing', () => {
    const other = { ...claim('ann', 'a', 2), key: keyOf('a', 'command2') };
    const { fold, steps } = folded([CREATE, claim('ann', 'a'), other]);
    assert.deepEqual(answer(steps[2]), { type: 'key_reused' });
    assert.equal(drop(fold).held, 1);
    assert.equal(recall(fold, keyOf('a'))?.type, 'accepted');
  });

  test('LG5: a deferred answer comes with the entry that decides it', () => {
    const terms = fairTermsWith({ stock: 1 });
    const fair = { ...CREATE, command: creation(terms) };
    const { fold, steps } = folded([fair, claim('ann', 'a'), claim('bob', 'b'), claim('ann', 'a')]);
    assert.deepEqual(answer(steps[1]), { type: 'deferred', seq: 2 });
    assert.deepEqual(answer(steps[3]), { type: 'deferred', seq: 2 });
    const settle = entry(null, 's', { type: 'settle', seed: SEED });
    const step = foldEntry(fold, settle, OPENS_AT + 1_000);
    const answers = new Map(step.answers);
    assert.deepEqual([...answers.keys()].sort(), [keyOf('a'), keyOf('b'), keyOf('s')].sort());
    const verdicts = [answers.get(keyOf('a')), answers.get(keyOf('b'))];
    assert.deepEqual(verdicts.map(codeOf).sort(), ['accepted', 'sold_out']);
    for (const [index, tag] of ['a', 'b'].entries()) {
      assert.equal(recall(fold, keyOf(tag)), verdicts[index]);
      const accepted = verdicts[index];
      if (accepted?.type !== 'accepted') continue;
      assert.equal(accepted.seq, index + 2);
      assert.deepEqual(
        accepted.facts.map(({ type }) => type),
        ['claimed'],
      );
    }
    assert.equal(fold.deferred.size, 0);
  });

  test('LG5: a deferred answer has all that the deciding entry says of it', () => {
    const terms = fairTermsWith({ stock: 1, price: { amount: 0, currency: 'EUR' } });
    const { fold } = folded([{ ...CREATE, command: creation(terms) }, claim('ann', 'a')]);
    foldEntry(fold, entry(null, 's', { type: 'settle', seed: SEED }), OPENS_AT + 1_000);
    const verdict = recall(fold, keyOf('a'));
    assert.ok(verdict?.type === 'accepted');
    assert.deepEqual(
      verdict.facts.map(({ type }) => type),
      ['claimed', 'paid'],
    );
  });

  test('LG6: a noted refusal is the verdict of its key, unless the key has one', () => {
    const { fold, steps } = folded([
      CREATE,
      claim('ann', 'a'),
      { refused: { code: 'sold_out' }, keys: [keyOf('a'), keyOf('b')] },
      claim('bob', 'b'),
    ]);
    assert.equal(recall(fold, keyOf('a'))?.type, 'accepted');
    assert.equal(codeOf(answer(steps[3])), 'sold_out');
    assert.equal(drop(fold).held, 1);
    assert.deepEqual(recall(fold, keyOf('b', 'command2')), { type: 'key_reused' });
  });

  test('LG9: a key is forgotten a day after its verdict, not before', () => {
    const { fold } = folded([CREATE, claim('ann', 'a')]);
    const noise = (count: number, at: number) => {
      for (let index = 0; index < count; index += 1) {
        foldEntry(fold, entry(null, `noise${fold.seq}`, { type: 'expire' }), at);
      }
    };
    noise(200, OPENS_AT + KEY_LIFE_MS);
    assert.equal(recall(fold, keyOf('a'))?.type, 'accepted');
    noise(200, OPENS_AT + KEY_LIFE_MS + 1);
    assert.equal(recall(fold, keyOf('a')), undefined);
    assert.ok(fold.answers.size >= 400 - 2);
    noise(200, OPENS_AT + 2 * KEY_LIFE_MS + 2);
    assert.ok(fold.answers.size <= 264, `${fold.answers.size} keys`);
  });

  test('LG9: a deferred key is not forgotten for its age', () => {
    const fair = { ...CREATE, command: creation(fairTermsWith()) };
    const { fold } = folded([fair, claim('ann', 'a')]);
    for (let index = 0; index < 200; index += 1) {
      const at = OPENS_AT + 2 * KEY_LIFE_MS;
      foldEntry(fold, entry(null, `noise${index}`, { type: 'expire' }), at);
    }
    assert.equal(recall(fold, keyOf('a'))?.type, 'deferred');
  });

  test('LG11: the caller is told what concerns them or nobody in particular', () => {
    const terms = termsWith({ stock: 1 });
    const { fold, steps } = folded([
      { ...CREATE, command: creation(terms) },
      claim('ann', 'a'),
      entry('bob', 'w', { type: 'wait', quantity: 1 }),
      entry('ann', 'c', { type: 'cancel', order: 2 }),
    ]);
    assert.deepEqual(
      steps[3]?.facts.map(({ type }) => type),
      ['cancelled', 'offered'],
    );
    const verdict = answer(steps[3]);
    assert.ok(verdict?.type === 'accepted');
    assert.deepEqual(
      verdict.facts.map(({ type }) => type),
      ['cancelled'],
    );
    const expire = entry(null, 'e', { type: 'expire' });
    const told = answer(foldEntry(fold, expire, OPENS_AT + PAY_WITHIN_MS));
    assert.ok(told?.type === 'accepted');
    assert.equal(told.facts.length, 1);
  });
});

describe('replicas', () => {
  function longFold(): Fold {
    const { fold } = folded([CREATE]);
    while (fold.seq < CHECKPOINT_EVERY) {
      foldEntry(fold, entry(null, `n${fold.seq}`, { type: 'expire' }), OPENS_AT);
    }
    return fold;
  }

  test('LG7: a checkpoint of the same digest is agreed to', () => {
    const fold = longFold();
    const own = fold.checkpoint;
    assert.ok(own !== null && own.seq === CHECKPOINT_EVERY && !own.logged);
    foldEntry(fold, { checkpoint: own.seq, digest: own.digest }, OPENS_AT);
    assert.equal(fold.checkpoint?.logged, true);
  });

  test('LG7: a checkpoint of another digest stops the replica', () => {
    const fold = longFold();
    const other = { checkpoint: CHECKPOINT_EVERY, digest: '0000000000000000' };
    assert.throws(() => foldEntry(fold, other, OPENS_AT), Divergence);
  });

  test('LG7: a checkpoint of a position this replica does not hold says nothing', () => {
    const fold = longFold();
    foldEntry(fold, { checkpoint: 17, digest: '0000000000000000' }, OPENS_AT);
    assert.equal(fold.checkpoint?.logged, false);
  });

  test('LG8: time that goes back is not played', () => {
    const { fold } = folded([CREATE], 5_000);
    assert.throws(() => foldEntry(fold, claim('ann', 'a'), 4_999), { name: 'Bug' });
  });

  const command: fc.Arbitrary<CommandEntry> = fc
    .tuple(
      fc.constantFrom('ann', 'bob', 'cas', null),
      fc.integer({ min: 0, max: 40 }),
      fc.oneof(
        fc.record({ type: fc.constant('claim'), quantity: fc.integer({ min: 1, max: 2 }) }),
        fc.record({ type: fc.constant('wait'), quantity: fc.integer({ min: 1, max: 2 }) }),
        fc.record({ type: fc.constantFrom('leave', 'expire', 'open', 'pause', 'resume') }),
        fc.record({ type: fc.constant('cancel'), order: fc.integer({ min: 2, max: 30 }) }),
        fc.record({
          type: fc.constant('pay'),
          order: fc.integer({ min: 2, max: 30 }),
          payment: fc.constantFrom('p', 'q'),
        }),
        fc.constant({ type: 'settle', seed: SEED }),
      ),
    )
    .map(([person, tag, asked]) => ({
      person,
      key: keyOf(`${person}${tag}`, JSON.stringify(asked).slice(9, 17).padEnd(8, '.')),
      command: asked,
    }));
  const note: fc.Arbitrary<LogEntry> = fc
    .array(fc.integer({ min: 0, max: 40 }), { maxLength: 4 })
    .map((tags) => ({
      refused: { code: 'sold_out' },
      keys: tags.map((tag) => keyOf(`ann${tag}`, 'claim","')),
    }));
  const logs = fc.array(
    fc.record({
      entry: fc.oneof({ weight: 9, arbitrary: command }, note),
      afterMs: fc.constantFrom(0, 0, 50, 700, 9_000),
    }),
    { maxLength: 100, size: 'max' },
  );

  test('LG10: the same entries give the same digest, state and answers, from any start', () => {
    fc.assert(
      fc.property(logs, fc.boolean(), fc.nat(100), (log, isFair, cut) => {
        const changes = { stock: 3, payWithinMs: 5_000 };
        const terms = isFair ? fairTermsWith(changes) : termsWith(changes);
        const entries: { entry: LogEntry; afterMs: number }[] = [
          { entry: { ...CREATE, command: creation(terms) }, afterMs: 0 },
          ...log,
        ];
        const one = startFold('drop');
        let other = startFold('drop');
        let at = OPENS_AT - 100;
        for (const [index, { entry: each, afterMs }] of entries.entries()) {
          at += afterMs;
          if (index === cut) other = restored(other);
          const step = foldEntry(one, each, at);
          // As it is read from a log: written out and parsed.
          const same = foldEntry(other, JSON.parse(JSON.stringify(each)) as LogEntry, at);
          assert.equal(JSON.stringify(same), JSON.stringify(step));
          assert.equal(readDigest(other.digest), readDigest(one.digest));
        }
        assert.deepEqual(other, one);
      }),
      { numRuns: 300 },
    );
  });

  test('LG3: a log with every entry repeated is the same contest', () => {
    fc.assert(
      fc.property(logs, (log) => {
        const commands = log.flatMap(({ entry: each }) => ('command' in each ? [each] : []));
        const { fold } = folded([CREATE, ...commands]);
        const before = structuredClone(fold.state);
        for (const each of commands) {
          const first = recall(fold, each.key);
          const step = foldEntry(fold, each, OPENS_AT);
          assert.deepEqual(step.facts, []);
          assert.equal(JSON.stringify(answer(step)), JSON.stringify(first));
        }
        assert.deepEqual(fold.state, before);
      }),
      { numRuns: 100 },
    );
  });

  /** As a snapshot: all but the rules is copied, the rules are those of this program. */
  function restored(fold: Fold): Fold {
    return { ...structuredClone({ ...fold, rules: null }), rules: fold.rules };
  }
});
