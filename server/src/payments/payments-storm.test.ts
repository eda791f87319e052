import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { parseOrderId } from '@dibs/rules/kernel/ids.ts';
import {
  eventually,
  type OrdersWorld,
  openOrdersWorld,
  type Person,
} from '../../test/orders-world.ts';
import { ArenaFault } from '../arena/faults.ts';

/** Orders are paid, paged, cancelled and forgotten at once, while the log fails now and then. */

let world: OrdersWorld;
before(async () => {
  world = await openOrdersWorld({ pollMs: 100 });
  world.anotherProcess().start();
});
after(() => world.close());

const ORDERS = 60;
const STEPS = 4;
/** Of the commands that payments submit, this part fails before the write, and as many after it. */
const FAILING = 0.2;

/** Mulberry32: small, and the same everywhere for a seed. */
function makeRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

it('each payment is kept for a paid order or given back, whatever happens', async (test) => {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 1e9));
  test.diagnostic(`SEED=${seed}`);
  const random = makeRandom(seed);
  const drop = await world.addDrop({ stock: ORDERS, payWithinSeconds: 5 });
  world.intercept = async (submission, submit) => {
    const luck = random();
    if (luck < FAILING) throw new ArenaFault('log_unavailable', 'not written');
    const verdict = await submit(submission);
    if (luck < 2 * FAILING) throw new ArenaFault('log_unavailable', 'written, but not told');
    return verdict;
  };
  const orders = await Promise.all(
    Array.from({ length: ORDERS }, async () => {
      const person = await world.addPerson();
      return { person, order: await world.claim(drop, person) };
    }),
  );
  // One for certain is cancelled with its page open, which is approved afterwards.
  const certain = orders[0] ?? assert.fail();
  await certain.person.call('POST', `/v1/orders/${certain.order}/pay`, {
    provider: 'sandbox',
    page: true,
  });
  await certain.person.call('POST', `/v1/orders/${certain.order}/cancel`);
  await approvePages(certain.person, certain.order);
  await Promise.all(orders.map(({ person, order }) => liveThrough(person, order, random)));
  // Those who were too late or forgot: their units go to others, their pages are approved late.
  const rest = orders.filter(() => random() < 0.5);
  await eventually(async () => world.facts(orders.at(-1)?.order ?? '').length > 1);
  await Promise.all(rest.map(({ person, order }) => approvePages(person, order)));
  world.intercept = null;
  await eventually(async () => {
    await world.database.query(
      "update payments set due_at = now() where status in ('taken', 'refund_due')",
    );
    const { rows } = await world.database.query(
      `select count(*) as open from payments p left join sandbox_payments s on s.payment = p.id
       where p.status in ('taken', 'refund_due') or (p.status = 'started' and s.status <> 'open')`,
    );
    if (rows[0]?.['open'] > 0) {
      await world.database.query("update payments set due_at = now() where status = 'started'");
    }
    return rows[0]?.['open'] === 0;
  });
  for (const { order } of orders) await checkBooks(order);
  const ends = orders.flatMap(({ order }) => world.facts(order));
  for (const end of ['paid', 'cancelled', 'expired', 'refunded']) {
    const count = ends.filter((fact) => fact === end).length;
    test.diagnostic(`${end}: ${count}`);
  }
  assert.ok(ends.includes('paid') && ends.includes('refunded'), `too tame: ${ends.join(' ')}`);
});

async function liveThrough(person: Person, order: string, random: () => number): Promise<void> {
  const path = `/v1/orders/${order}`;
  for (let step = 0; step < STEPS; step += 1) {
    const pay = (page: boolean) =>
      person.call('POST', `${path}/pay`, { provider: 'sandbox', page });
    const luck = random();
    if (luck < 0.25) await Promise.all([pay(false), pay(random() < 0.5)]);
    else if (luck < 0.5) await pay(true);
    else if (luck < 0.75) await approvePages(person, order);
    else if (luck < 0.85) await Promise.all([pay(false), person.call('POST', `${path}/cancel`)]);
  }
}

/** The person presses on every page they were ever shown. */
async function approvePages(person: Person, order: string): Promise<void> {
  const { contest, seq } = parseOrderId(order) ?? assert.fail(order);
  const { rows } = await world.database.query<{ id: string }>(
    'select id from payments where contest = $1 and order_seq = $2',
    [contest, seq],
  );
  const press = (id: string) => person.call('POST', `/v1/sandbox/${id}/approve`);
  await Promise.all(rows.flatMap(({ id }) => [press(id), press(id)]));
}

/** Holds the log, our rows and the provider's books against each other. */
async function checkBooks(order: string): Promise<void> {
  const { contest, seq } = parseOrderId(order) ?? assert.fail(order);
  const { rows } = await world.database.query(
    `select p.status, s.status as taken, s.refunded_at from payments p
     left join sandbox_payments s on s.payment = p.id where contest = $1 and order_seq = $2`,
    [contest, seq],
  );
  const facts = world.facts(order);
  const told = `${order}: ${facts.join(' ')}; ${JSON.stringify(rows)}`;
  const isPaid = facts.includes('paid');
  const kept = rows.filter((row) => row['taken'] === 'approved' && row['refunded_at'] === null);
  assert.equal(kept.length, isPaid ? 1 : 0, told);
  assert.equal(rows.filter((row) => row['status'] === 'kept').length, isPaid ? 1 : 0, told);
  const refunds = rows.filter((row) => row['refunded_at'] !== null).length;
  assert.equal(facts.filter((fact) => fact === 'refundDue').length, refunds, told);
  assert.equal(facts.filter((fact) => fact === 'refunded').length, refunds, told);
  assert.ok(facts.filter((fact) => fact === 'paid').length <= 1, told);
}
