import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import {
  type Answer,
  eventually,
  type OrdersWorld,
  openOrdersWorld,
  type Person,
} from '../../test/orders-world.ts';
import {
  type CheckoutSession,
  type StripeServer,
  startStripeServer,
} from '../../test/stripe-server.ts';
import { ArenaFault } from '../arena/faults.ts';

let stripe: StripeServer;
let world: OrdersWorld;
before(async () => {
  stripe = await startStripeServer();
  world = await openOrdersWorld({ stripe: stripe.config });
});
after(async () => {
  await world.close();
  await stripe.stop();
});

async function reserve(drop: { stock: number; amount?: number; payWithinSeconds?: number }) {
  const contest = await world.addDrop(drop);
  const person = await world.addPerson();
  return { contest, person, order: await world.claim(contest, person) };
}

function pay(person: Person, order: string, headers = {}): Promise<Answer> {
  return person.call('POST', `/v1/orders/${order}/pay`, { provider: 'stripe' }, headers);
}

async function openPage(person: Person, order: string): Promise<CheckoutSession> {
  const answer = await pay(person, order);
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.body.status, 'reserved');
  const session = stripe.sessions.get(answer.body.payUrl.split('/').at(-1));
  assert.ok(session, answer.text);
  return session;
}

/** An order of a fresh drop with an open page. */
async function reservePage(drop: { stock: number; payWithinSeconds?: number } = { stock: 1 }) {
  const reserved = await reserve(drop);
  return { ...reserved, session: await openPage(reserved.person, reserved.order) };
}

async function deliver(payload: string, headers: Record<string, string> = {}) {
  const response = await fetch(`${world.url}/v1/webhooks/stripe`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'stripe-signature': stripe.sign(payload),
      ...headers,
    },
    body: payload,
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: JSON.parse(text) };
}

function deliverPaid(session: object) {
  return deliver(stripe.event('checkout.session.completed', session));
}

function statusOf(session: CheckoutSession): Promise<string> {
  return world.database
    .query('select status from payments where id = $1', [session.metadata['payment']])
    .then(({ rows }) => rows[0]?.['status']);
}

function becomes(session: CheckoutSession, status: string) {
  return eventually(async () => (await statusOf(session)) === status);
}

/** Settlement looks at the payment now, not when its time has come. */
async function makeDue(session: CheckoutSession) {
  await world.database.query('update payments set due_at = now() where id = $1', [
    session.metadata['payment'],
  ]);
}

describe("Stripe's page", () => {
  it('is asked for with our amount, order and payment, once however often', async () => {
    const { person, order } = await reserve({ stock: 1, amount: 2_599 });
    const before = stripe.sessions.size;
    const pages = await Promise.all([1, 2, 3].map(() => openPage(person, order)));
    const again = await openPage(person, order);
    assert.equal(stripe.sessions.size, before + 1);
    for (const page of pages) assert.equal(page.id, again.id);
    assert.equal(again.amount_total, 2_599);
    assert.equal(again.currency, 'eur');
    assert.equal(again.metadata['order'], order);
    assert.deepEqual(world.facts(order), ['claimed']);
  });

  it('a repeat with the same key gets the same bytes, also after it was paid', async () => {
    const { person, order } = await reserve({ stock: 1 });
    const key = { 'idempotency-key': 'k' };
    const first = await pay(person, order, key);
    const session = stripe.sessions.get(first.body.payUrl.split('/').at(-1));
    assert.ok(session);
    await deliverPaid(stripe.pay(session.id));
    assert.equal((await pay(person, order, key)).text, first.text);
  });

  it('an amount that Stripe does not take is declined, not an outage', async () => {
    const { person, order } = await reserve({ stock: 1, amount: 3 });
    const answer = await pay(person, order);
    assert.equal(answer.status, 402);
    assert.equal(answer.body.code, 'payment_declined');
  });

  it('is closed once the order has expired', async () => {
    const { order, session } = await reservePage({ stock: 1, payWithinSeconds: 5 });
    await world.fact(order, 'expired');
    await becomes(session, 'abandoned');
    assert.equal(session.status, 'expired');
  });
});

describe("Stripe's page of an order that is settled otherwise", () => {
  it('is closed: paid by the sandbox', async () => {
    const { person, order, session } = await reservePage();
    await person.call('POST', `/v1/orders/${order}/pay`, { provider: 'sandbox' });
    await becomes(session, 'abandoned');
    assert.equal(session.status, 'expired');
    assert.deepEqual(world.facts(order), ['claimed', 'paid']);
  });

  it('is closed: cancelled', async () => {
    const { person, order, session } = await reservePage();
    await person.call('POST', `/v1/orders/${order}/cancel`);
    await makeDue(session);
    await becomes(session, 'abandoned');
    assert.equal(session.status, 'expired');
  });
});

describe("Stripe's notices", () => {
  it('pay for the order', async () => {
    const { order, session } = await reservePage();
    const answer = await deliverPaid(stripe.pay(session.id));
    assert.equal(answer.status, 200, answer.text);
    // Answered only once the log has it.
    assert.deepEqual(world.facts(order), ['claimed', 'paid']);
    await becomes(session, 'kept');
  });

  it('change nothing when they come again, five at once', async () => {
    const { order, session } = await reservePage();
    const payload = stripe.event('checkout.session.completed', stripe.pay(session.id));
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => deliver(payload)));
    for (const { status, text } of answers) assert.equal(status, 200, text);
    assert.equal((await deliver(payload)).status, 200);
    const succeeded = stripe.event('checkout.session.async_payment_succeeded', session);
    assert.equal((await deliver(succeeded)).status, 200);
    assert.deepEqual(world.facts(order), ['claimed', 'paid']);
  });

  it('are refused without a good signature', async () => {
    const { order, session } = await reservePage();
    const payload = stripe.event('checkout.session.completed', stripe.pay(session.id));
    const now = Math.floor(Date.now() / 1_000);
    const signatures = {
      'of another secret': stripe.sign(payload, { secret: 'whsec_other' }),
      'too old': stripe.sign(payload, { timestamp: now - 3_600 }),
      'of another text': stripe.sign(`${payload} `),
      nonsense: 't=1,v1=00',
      empty: '',
    };
    for (const [name, signature] of Object.entries(signatures)) {
      const answer = await deliver(payload, { 'stripe-signature': signature });
      assert.equal(answer.status, 400, name);
    }
    assert.deepEqual(world.facts(order), ['claimed']);
    assert.equal((await deliver(payload)).status, 200);
  });

  for (const [name, change] of Object.entries({
    amount: { amount_total: 1 },
    currency: { currency: 'jpy' },
    order: { metadata: { order: `${randomUUID()}-7` } },
  })) {
    it(`of another ${name} are refused, raise an alarm and grant nothing`, async () => {
      const { order, session } = await reservePage();
      const paid = stripe.pay(session.id);
      const metadata = { ...paid.metadata, ...(change as { metadata?: object }).metadata };
      const answer = await deliverPaid({ ...paid, ...change, metadata });
      assert.equal(answer.status, 400);
      assert.equal(answer.body.code, 'invalid');
      assert.deepEqual(world.facts(order), ['claimed']);
      const payment = session.metadata['payment'];
      assert.ok(world.alarms.some((alarm) => alarm.payment === payment));
    });
  }

  it('of payments that nobody here knows are not said to be fine', async () => {
    const { session } = await reservePage();
    const paid = stripe.pay(session.id);
    const strange = { ...paid, metadata: { ...paid.metadata, payment: randomUUID() } };
    assert.equal((await deliverPaid(strange)).status, 404);
    const odd = { ...paid, metadata: { ...paid.metadata, payment: "' or true --" } };
    assert.equal((await deliverPaid(odd)).status, 404);
  });

  it('of other things are none of our business', async () => {
    const other = { id: 'cs_other', status: 'complete', payment_status: 'paid', metadata: {} };
    assert.equal((await deliverPaid(other)).status, 200);
    const customer = stripe.event('customer.created', { id: 'cus_1' });
    assert.equal((await deliver(customer)).status, 200);
  });

  it('that money is still on its way grant nothing yet', async () => {
    const { order, session } = await reservePage();
    const unpaid = { ...session, status: 'complete', payment_status: 'unpaid' };
    assert.equal((await deliverPaid(unpaid)).status, 200);
    assert.deepEqual(world.facts(order), ['claimed']);
    const failed = stripe.event('checkout.session.async_payment_failed', unpaid);
    assert.equal((await deliver(failed)).status, 200);
    assert.equal(await statusOf(session), 'declined');
    // A failure that came before the success: what was taken counts all the same.
    assert.equal((await deliverPaid(stripe.pay(session.id))).status, 200);
    assert.deepEqual(world.facts(order), ['claimed', 'paid']);
  });

  it('are asked for again while the log cannot be reached', async () => {
    const { order, session, contest } = await reservePage();
    const payload = stripe.event('checkout.session.completed', stripe.pay(session.id));
    world.intercept = async (submission, submit) => {
      if (submission.contest !== contest) return submit(submission);
      throw new ArenaFault('log_unavailable', 'the log did not confirm the write');
    };
    const failed = await deliver(payload);
    assert.equal(failed.status, 503);
    assert.ok(failed.headers.get('retry-after'));
    world.intercept = null;
    assert.equal((await deliver(payload)).status, 200);
    assert.deepEqual(world.facts(order), ['claimed', 'paid']);
  });

  it('may be lost: settlement asks Stripe', async () => {
    const { order, session } = await reservePage();
    stripe.pay(session.id);
    await makeDue(session);
    await world.fact(order, 'paid');
    await becomes(session, 'kept');
  });

  it('are bounded and must be JSON', async () => {
    const huge = await deliver(`{"pad":"${'x'.repeat(1_000_000)}"}`);
    assert.equal(huge.status, 413);
    assert.equal((await deliver('{}', { 'content-type': 'text/plain' })).status, 415);
    assert.equal((await deliver('{"id":')).status, 400);
  });
});

describe('money that goes back', () => {
  it('after a late payment without units left: once, at Stripe and in the log', async () => {
    const { contest, order, session } = await reservePage({ stock: 1, payWithinSeconds: 5 });
    // Paid in the last moment; Stripe's notice comes late.
    const paid = stripe.pay(session.id);
    await world.database.query("update payments set due_at = now() + '1 hour' where id = $1", [
      session.metadata['payment'],
    ]);
    await world.fact(order, 'expired');
    await world.claim(contest, await world.addPerson());
    const payload = stripe.event('checkout.session.completed', paid);
    const answers = await Promise.all([1, 2, 3].map(() => deliver(payload)));
    for (const { status } of answers) assert.equal(status, 200);
    await world.fact(order, 'refunded');
    await becomes(session, 'refunded');
    assert.deepEqual(world.facts(order), ['claimed', 'expired', 'refundDue', 'refunded']);
    assert.equal(stripe.refunds.filter((intent) => intent === paid.payment_intent).length, 1);
  });

  it('of the second of two providers; the order stays paid by the first', async () => {
    const { person, order, session } = await reservePage();
    const path = `/v1/orders/${order}/pay`;
    const paid = stripe.pay(session.id);
    assert.equal((await person.call('POST', path, { provider: 'sandbox' })).status, 200);
    assert.equal((await deliverPaid(paid)).status, 200);
    await world.fact(order, 'refunded');
    await becomes(session, 'refunded');
    assert.ok(stripe.refunds.includes(paid.payment_intent ?? ''));
    assert.equal((await person.call('GET', `/v1/orders/${order}`)).body.status, 'paid');
  });

  it('by hand, of an order that is paid: the operator is told, the order stays', async () => {
    const { order, session } = await reservePage();
    await deliverPaid(stripe.pay(session.id));
    const charge = { id: 'ch_1', object: 'charge', refunded: true, metadata: session.metadata };
    assert.equal((await deliver(stripe.event('charge.refunded', charge))).status, 200);
    assert.equal(await statusOf(session), 'refunded');
    assert.deepEqual(world.facts(order), ['claimed', 'paid']);
    const payment = session.metadata['payment'];
    assert.match(String(world.alarms.find((alarm) => alarm.payment === payment)?.error), /by hand/);
  });
});

describe('while Stripe is away', { concurrency: false }, () => {
  it('paying answers 503 with Retry-After, and goes on with the same payment later', async () => {
    const { person, order } = await reserve({ stock: 1 });
    await stripe.stop();
    const answer = await pay(person, order);
    await stripe.restart();
    assert.equal(answer.status, 503, answer.text);
    assert.equal(answer.body.code, 'unavailable');
    assert.ok(Number(answer.headers.get('retry-after')) >= 1);
    const { rows } = await world.database.query(
      "select id from payments where status = 'started' and provider_ref is null and person = $1",
      [person.id],
    );
    const session = await openPage(person, order);
    assert.equal(session.metadata['payment'], rows[0]?.['id']);
  });

  it('a refund waits until it is back', async () => {
    const { person, order, session } = await reservePage();
    await person.call('POST', `/v1/orders/${order}/cancel`);
    const paid = stripe.pay(session.id);
    await stripe.stop();
    assert.equal((await deliverPaid(paid)).status, 200);
    const payment = session.metadata['payment'];
    await eventually(async () => world.alarms.find((alarm) => alarm.payment === payment));
    assert.equal(await statusOf(session), 'refund_due');
    await stripe.restart();
    await makeDue(session);
    await becomes(session, 'refunded');
    assert.deepEqual(world.facts(order), ['claimed', 'cancelled', 'refundDue', 'refunded']);
  });
});
