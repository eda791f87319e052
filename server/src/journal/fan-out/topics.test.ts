import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Step } from '@dibs/rules/proof/fold.ts';
import fc from 'fast-check';
import { CHUNK_BYTES, Topic } from './topics.ts';

const LIMITS = { ringFacts: 1_000_000, ringBytes: 1 << 30 };

function makeTopic(limits = LIMITS, budget = { bytes: 0, bytesMax: 1 << 30 }): Topic {
  return new Topic({ contest: 'c', epoch: 1, head: 0, limits, budget });
}

function step(seq: number, facts: number, padding = ''): Step {
  const made = Array.from({ length: facts }, (_, index) => ({ type: `f${index}`, padding }));
  return { seq, at: 5, facts: made, answers: [] };
}

/** What a reader at `at` is sent until there is nothing left, and where it then is. */
function drain(topic: Topic, from: number): { seen: string[]; at: number; pieces: number } {
  const seen: string[] = [];
  let at = from;
  let pieces = 0;
  for (;;) {
    const chunk = topic.chunkAfter(at);
    if (chunk === 'lost') return { seen: ['lost'], at, pieces };
    if (chunk === null) return { seen, at: Math.max(at, topic.sealedTo), pieces };
    const text = chunk.whole('', '').toString();
    const [, data = '', id = ''] = text.split('\n');
    for (const fact of JSON.parse(data.slice(6)).facts) seen.push(`${fact.seq} ${fact.type}`);
    assert.equal(id, `id: 1:${chunk.to}`);
    assert.ok(chunk.to > at, 'every chunk leads on');
    at = chunk.to;
    pieces += 1;
  }
}

test('from any position, at any time: every fact after it, once, in order', () => {
  const batches = fc.array(
    fc.record({
      sizes: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 5 }),
      isSealed: fc.boolean(),
      reader: fc.nat(60),
    }),
    { maxLength: 20 },
  );
  fc.assert(
    fc.property(batches, (runs) => {
      const topic = makeTopic();
      const log: { seq: number; name: string }[] = [];
      let seq = 0;
      for (const { sizes, isSealed, reader } of runs) {
        const steps = sizes.map((size) => step(++seq, size));
        for (const { seq: at, facts } of steps) {
          for (const fact of facts) log.push({ seq: at, name: `${at} ${fact.type}` });
        }
        topic.take(steps);
        if (isSealed) topic.seal();
        const { seen, at } = drain(topic, reader);
        const expected = log.filter((fact) => fact.seq > reader && fact.seq <= topic.sealedTo);
        assert.deepEqual(
          seen,
          expected.map(({ name }) => name),
        );
        assert.equal(at, Math.max(reader, topic.sealedTo));
      }
    }),
  );
});

test('readers at one frame share its bytes, whatever stands beside it in their ids', () => {
  const topic = makeTopic();
  topic.take([step(1, 1), step(2, 0)]);
  topic.seal();
  topic.take([step(3, 1), step(4, 2), step(5, 0)]);
  topic.seal();
  const [one, two, cut] = [topic.chunkAfter(2), topic.chunkAfter(1), topic.chunkAfter(3)];
  assert.ok(one !== null && one !== 'lost');
  assert.equal(one, two, 'no fact lies between these positions');
  assert.notEqual(one, cut);
  assert.equal(one.whole('', ''), one.whole('', ''));
  assert.match(one.whole('', ',-').toString(), /\nid: 1:5,-\n\n$/);
  assert.match(one.whole('-,', '').toString(), /\nid: -,1:5\n\n$/);
});

test('a long way behind comes in pieces of bounded size', () => {
  const topic = makeTopic();
  for (let seq = 1; seq <= 100; seq += 1) {
    topic.take([step(seq, 1, 'x'.repeat(CHUNK_BYTES / 10))]);
    topic.seal();
  }
  const { seen, pieces } = drain(topic, 3);
  assert.equal(seen.length, 97);
  assert.ok(pieces >= 9);
  const first = topic.chunkAfter(3);
  assert.ok(first !== null && first !== 'lost');
  assert.ok(first.sizeBytes < CHUNK_BYTES * 1.2);
});

test('rings are bounded by facts, by bytes and all together; who is before is told so', () => {
  const few = makeTopic({ ringFacts: 3, ringBytes: 1 << 20 });
  for (let seq = 1; seq <= 5; seq += 1) {
    few.take([step(seq, 1)]);
    few.seal();
  }
  assert.equal(few.base, 2);
  assert.equal(few.chunkAfter(1), 'lost');
  assert.deepEqual(drain(few, 2).seen, ['3 f0', '4 f0', '5 f0']);

  const small = makeTopic({ ringFacts: 100, ringBytes: 2_000 });
  for (let seq = 1; seq <= 5; seq += 1) {
    small.take([step(seq, 1, 'x'.repeat(900))]);
    small.seal();
  }
  assert.equal(small.base, 3);

  const budget = { bytes: 0, bytesMax: 1_500 };
  const [left, right] = [makeTopic(LIMITS, budget), makeTopic(LIMITS, budget)];
  left.take([step(1, 1, 'x'.repeat(900))]);
  left.seal();
  right.take([step(1, 1, 'x'.repeat(900))]);
  right.seal();
  assert.equal(right.chunkAfter(0), 'lost');
  assert.notEqual(left.chunkAfter(0), 'lost');
  left.restart(left.head);
  right.restart(right.head);
  assert.equal(budget.bytes, 0);
});

test('one entry with more facts than a ring holds loses nothing but the ring', () => {
  const topic = makeTopic({ ringFacts: 10, ringBytes: 1 << 20 });
  topic.take([step(1, 11)]);
  topic.seal();
  assert.equal(topic.chunkAfter(0), 'lost');
  assert.equal(topic.chunkAfter(1), null);
  topic.take([step(2, 1)]);
  topic.seal();
  assert.deepEqual(drain(topic, 1).seen, ['2 f0']);
});

test('batches told twice are taken once; a gap loses the ring', () => {
  const topic = makeTopic();
  topic.take([step(1, 1), step(2, 1)]);
  assert.equal(topic.take([step(1, 1), step(2, 1)]), false);
  topic.take([step(2, 1), step(3, 1)]);
  topic.seal();
  assert.deepEqual(drain(topic, 0).seen, ['1 f0', '2 f0', '3 f0']);
  topic.take([step(5, 1)]);
  topic.seal();
  assert.equal(topic.chunkAfter(3), 'lost');
  assert.equal(topic.head, 5);
});
