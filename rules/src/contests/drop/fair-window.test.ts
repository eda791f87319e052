import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { fairTermsWith, OPENS_AT, PAY_WITHIN_MS, SEED, Story } from './drop.fixture.ts';
import type { DropCommand, DropFact } from './types.ts';

const sha256 = (text: string) => createHash('sha256').update(text, 'utf8').digest('hex');
const SETTLE: DropCommand = { type: 'settle', seed: SEED };

/** The order of service written down a second time, from the words of DR8. */
function rank(claims: readonly { order: number; person: string; quantity: number }[]): number[] {
  const lines = claims.map(({ order, person, quantity }) => `${order}:${person}:${quantity}`);
  const entrants = sha256(lines.join('\n'));
  const ticket = (order: number, person: string) =>
    BigInt(`0x${sha256(`${SEED}:${entrants}:${person}:${order}`)}`);
  return claims
    .map(({ order, person }) => ({ order, ticket: ticket(order, person) }))
    .sort((a, b) => (a.ticket < b.ticket ? -1 : 1))
    .map(({ order }) => order);
}

const answered = (facts: readonly DropFact[]) =>
  facts.flatMap((fact) => (fact.type === 'claimed' || fact.type === 'missed' ? [fact.order] : []));

describe('the fair window', () => {
  test('DR7: claims are noted, count towards the limit and cannot be touched', () => {
    const story = new Story(fairTermsWith());
    assert.deepEqual(story.done('ann', { type: 'claim', quantity: 2 }, 10), [
      { type: 'queued', order: 2, person: 'ann', quantity: 2, inWindow: true, defers: true },
    ]);
    assert.equal(story.refused('ann', { type: 'claim', quantity: 2 }, 11).code, 'limit_reached');
    assert.equal(story.refused('ann', { type: 'cancel', order: 2 }, 12).code, 'unknown_order');
    const pay: DropCommand = { type: 'pay', order: 2, payment: 'p' };
    assert.equal(story.refused(null, pay, 12).code, 'unknown_order');
    assert.deepEqual([story.state.held, story.left], [0, 10]);
  });

  test('DR7: more may be noted than there is', () => {
    const story = new Story(fairTermsWith({ stock: 1 }));
    for (let person = 0; person < 20; person += 1) story.claim(`p${person}`, 1, person);
    assert.equal(story.state.queue?.length, 20);
  });

  test('DR8: served in the order of the committed seed, whoever came first', () => {
    for (let size = 1; size <= 40; size += 3) {
      const story = new Story(fairTermsWith({ stock: 1_000 }));
      const claims: { order: number; person: string; quantity: number }[] = [];
      for (let index = 0; index < size; index += 1) {
        const claim = { person: `p${index % 25}`, quantity: 1 + (index % 2) };
        claims.push({ order: story.claim(claim.person, claim.quantity, index), ...claim });
      }
      const facts = story.done(null, SETTLE, 1_000);
      assert.deepEqual(answered(facts), rank(claims));
      const lines = claims.map(({ order, person, quantity }) => `${order}:${person}:${quantity}`);
      const entrantsHash = sha256(lines.join('\n'));
      assert.deepEqual(facts[0], { type: 'settled', seed: SEED, entrantsHash });
    }
  });

  test('DR8: who came after the window stands behind, first come first served', () => {
    const story = new Story(fairTermsWith({ stock: 1_000 }));
    const claims = ['ann', 'bob', 'cas'].map((person, index) => {
      return { order: story.claim(person, 1, 990 + index), person, quantity: 1 };
    });
    const late = ['dan', 'eve'].map((person) => story.claim(person, 1, 1_000));
    const facts = story.done(null, SETTLE, 1_200);
    assert.deepEqual(answered(facts), [...rank(claims), ...late]);
  });

  test('DR8: what does not fit is missed, and the next that fits is served', () => {
    const story = new Story(fairTermsWith({ stock: 3 }));
    const claims = [2, 2, 2, 1].map((quantity, index) => {
      const person = `p${index}`;
      return { order: story.claim(person, quantity, index), person, quantity };
    });
    const facts = story.done(null, SETTLE, 1_000);
    let left = 3;
    for (const order of rank(claims)) {
      const quantity = claims.find((claim) => claim.order === order)?.quantity ?? 0;
      const fact = facts.find((other) => 'order' in other && other.order === order);
      if (quantity <= left) {
        left -= quantity;
        assert.deepEqual(fact, {
          type: 'claimed',
          order,
          person: `p${order - 2}`,
          quantity,
          payBy: OPENS_AT + 1_000 + PAY_WITHIN_MS,
          answers: order,
        });
      } else {
        const refusal = { code: 'sold_out', left };
        const person = `p${order - 2}`;
        assert.deepEqual(fact, { type: 'missed', order, person, answers: order, refusal });
      }
    }
    assert.equal(story.left, 0);
  });

  test('DR8: only the committed seed settles, only when it is time, only once', () => {
    const story = new Story(fairTermsWith());
    story.claim('ann', 1, 1);
    for (const [command, at] of [
      [SETTLE, 999],
      [{ type: 'settle', seed: 'another' }, 1_000],
      [{ type: 'settle' }, 1_000],
    ] as [DropCommand, number][]) {
      assert.deepEqual(story.refused(null, command, at), { code: 'nothing_due' });
    }
    story.done(null, SETTLE, 1_000);
    assert.deepEqual(story.refused(null, SETTLE, 1_001), { code: 'nothing_due' });
    assert.equal(story.done('bob', { type: 'claim', quantity: 1 }, 1_001)[0]?.type, 'claimed');
  });

  test('DR8: a window in which nobody claimed settles too', () => {
    const story = new Story(fairTermsWith());
    assert.deepEqual(story.done(null, SETTLE, 1_000), [
      { type: 'settled', seed: SEED, entrantsHash: sha256('') },
    ]);
  });

  test('DR9: who wins a free drop by the seed has paid', () => {
    const story = new Story(fairTermsWith({ price: { amount: 0, currency: 'points' } }));
    const order = story.claim('ann', 1, 1);
    const facts = story.done(null, SETTLE, 1_000);
    assert.deepEqual(
      facts.map(({ type }) => type),
      ['settled', 'claimed', 'paid'],
    );
    assert.equal(story.statusOf(order), 'paid');
  });

  test('DR21: an early end answers every noted claim', () => {
    const story = new Story(fairTermsWith());
    const orders = [story.claim('ann', 1, 1), story.claim('bob', 2, 2)];
    const facts = story.done('host', { type: 'end' }, 500);
    const refusal = { code: 'ended' };
    assert.deepEqual(facts, [
      { type: 'ended', by: 'host' },
      { type: 'missed', order: orders[0], person: 'ann', answers: orders[0], refusal },
      { type: 'missed', order: orders[1], person: 'bob', answers: orders[1], refusal },
    ]);
    assert.equal(story.state.holdings.size, 0);
  });

  test('DR22: the seed is revealed though the drop has ended', () => {
    const story = new Story(fairTermsWith());
    story.claim('ann', 1, 1);
    story.done('host', { type: 'end' }, 500);
    const facts = story.done(null, SETTLE, 1_000);
    assert.deepEqual(
      facts.map(({ type }) => type),
      ['settled'],
    );
    assert.equal(story.state.seed, SEED);
  });
});
