import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { parseOrderId } from '@dibs/rules/kernel/ids.ts';
import {
  type Answer,
  eventually,
  type OrdersWorld,
  openOrdersWorld,
  type Person,
} from '../../test/orders-world.ts';
import { ArenaFault } from '../arena/faults.ts';
import { paymentData } from './payments.ts';

let world: OrdersWorld;
before(async () => {
  world = await openOrdersWorld();
});
after(() => world.close());

async function reserve(drop: { stock: number; amount?: number; payWithinSeconds?: number }) {
  const contest = await world.addDrop(drop);
  const person = await world.addPerson();
  const order = await world.claim(contest, person);
  return { contest, person, order, path: `/v1/orders/${order}` };
}

function pay(person: Person, order: string, body: object = {}, headers = {}): Promise<Answer> {
  return person.call('POST', `/v1/orders/${order}/pay`, { provider: 'sandbox', ...body }, headers);
}

async function openPage(person: Person, order: string): Promise<string> {
  const answer = await pay(person, order, { page: true });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.body.status, 'reserved');
  const found = /^\/pay\/sandbox\/([0-9a-f-]{36})$/.exec(answer.body.payUrl);
  assert.ok(found?.[1], answer.text);
  return found[1];
}

function press(person: Person, payment: string, decision: string): Promise<Answer> {
  return person.call('POST', `/v1/sandbox/${payment}/${decision}`);
}

async function rows(order: string): Promise<{ id: string; provider: string; status: string }[]> {
  const { contest, seq } = parseOrderId(order) ?? assert.fail(order);
  const found = await world.database.query<{ id: string; provider: string; status: string }>(
    `select id, provider, status from payments where contest = $1 and order_seq = $2
     order by created_at`,
    [contest, seq],
  );
  return found.rows;
}

function rowsBecome(order: string, ...statuses: string[]) {
  return eventually(async () => {
    const found = (await rows(order)).map(({ status }) => status).sort();
    return JSON.stringify(found) === JSON.stringify(statuses.sort()) ? found : null;
  });
}

describe('paying at once', () => {
  it('keeps the order and says so', async () => {
    const { person, order } = await reserve({ stock: 1 });
    const answer = await pay(person, order);
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(answer.body, { id: order, status: 'paid' });
    assert.deepEqual(world.facts(order), ['claimed', 'paid']);
    await rowsBecome(order, 'kept');
  });

  it('refuses an order that is paid, with what it is', async () => {
    const { person, order } = await reserve({ stock: 1 });
    await pay(person, order);
    const answer = await pay(person, order);
    assert.equal(answer.status, 409);
    assert.equal(answer.headers.get('content-type'), 'application/problem+json');
    assert.equal(answer.body.status, 409);
    assert.equal(answer.body.code, 'not_reserved');
    assert.equal(answer.body.orderStatus, 'paid');
    assert.equal((await rows(order)).length, 1);
  });

  it('charges once for two tabs at once', async () => {
    const { person, order } = await reserve({ stock: 1 });
    const answers = await Promise.all([1, 2, 3, 4, 5, 6].map(() => pay(person, order)));
    for (const answer of answers) {
      assert.ok(answer.status === 200 || answer.body.orderStatus === 'paid', answer.text);
    }
    assert.ok(answers.some(({ status }) => status === 200));
    assert.equal((await rows(order)).length, 1);
    assert.deepEqual(world.facts(order), ['claimed', 'paid']);
  });

  it('answers a repeated key with the same bytes, another request under it with 422', async () => {
    const { person, order } = await reserve({ stock: 1 });
    const key = { 'idempotency-key': 'pay-1' };
    const first = await pay(person, order, {}, key);
    const second = await pay(person, order, {}, key);
    assert.equal(first.status, 200);
    assert.equal(second.text, first.text);
    const other = await pay(person, order, { page: true }, key);
    assert.equal(other.status, 422);
    assert.equal(other.body.code, 'key_reused');
  });

  it('repeats a refusal under its key byte for byte', async () => {
    const { person, order, path } = await reserve({ stock: 1 });
    await person.call('POST', `${path}/cancel`);
    const key = { 'idempotency-key': 'late' };
    const first = await pay(person, order, {}, key);
    assert.equal(first.body.orderStatus, 'cancelled');
    assert.equal((await pay(person, order, {}, key)).text, first.text);
  });

  it('takes nothing for what is cancelled', async () => {
    const { person, order, path } = await reserve({ stock: 1 });
    assert.equal((await person.call('POST', `${path}/cancel`)).status, 200);
    const answer = await pay(person, order);
    assert.equal(answer.status, 409);
    assert.equal(answer.body.orderStatus, 'cancelled');
    assert.deepEqual(await rows(order), []);
  });

  it('is refused for somebody else exactly as for an order that is not there', async () => {
    const { order, contest } = await reserve({ stock: 1 });
    const stranger = await world.addPerson();
    const admin = await world.addPerson(['member', 'admin']);
    const theirs = await pay(stranger, order);
    const nobodys = await pay(stranger, `${contest}-999`);
    assert.equal(theirs.status, 404);
    assert.equal(theirs.text, nobodys.text);
    assert.equal((await pay(admin, order)).status, 404);
    assert.deepEqual(await rows(order), []);
  });

  it('names the providers there are', async () => {
    const { person, order } = await reserve({ stock: 1 });
    const answer = await pay(person, order, { provider: 'stripe' });
    assert.equal(answer.status, 400);
    assert.equal(answer.body.code, 'invalid');
    assert.match(answer.body.detail, /sandbox/);
  });
});

describe('the sandbox page', () => {
  it('shows what is to be paid to who is to pay, and to nobody else', async () => {
    const { person, order } = await reserve({ stock: 1, amount: 1_250 });
    const payment = await openPage(person, order);
    const page = await person.call('GET', `/v1/sandbox/${payment}`);
    assert.equal(page.status, 200, page.text);
    assert.deepEqual(page.body.total, { amount: 1_250, currency: 'EUR' });
    assert.equal(page.body.orderId, order);
    assert.equal(page.body.title, 'Lamp');
    assert.equal(page.body.status, 'open');
    const stranger = await world.addPerson();
    const unknown = await stranger.call('GET', `/v1/sandbox/${randomUUID()}`);
    const theirs = await stranger.call('GET', `/v1/sandbox/${payment}`);
    assert.equal(theirs.status, 404);
    assert.equal(theirs.text, unknown.text);
    assert.equal((await press(stranger, payment, 'approve')).status, 404);
    assert.deepEqual(world.facts(order), ['claimed']);
    const anonymous = await fetch(`${world.url}/v1/sandbox/${payment}`);
    assert.equal(anonymous.status, 401);
  });

  it('is the same one when asked for again, and not for another order', async () => {
    const { person, order } = await reserve({ stock: 1 });
    const other = await reserve({ stock: 1 });
    const payment = await openPage(person, order);
    assert.equal(await openPage(person, order), payment);
    assert.notEqual(await openPage(other.person, other.order), payment);
  });

  it('pays when approved, once however often', async () => {
    const { person, order } = await reserve({ stock: 1 });
    const payment = await openPage(person, order);
    const answers = await Promise.all([1, 2, 3, 4].map(() => press(person, payment, 'approve')));
    for (const { status, body } of answers) {
      assert.equal(status, 200);
      assert.equal(body.status, 'approved');
    }
    assert.equal((await press(person, payment, 'decline')).body.status, 'approved');
    assert.deepEqual(world.facts(order), ['claimed', 'paid']);
    await rowsBecome(order, 'kept');
  });

  it('leaves the order reserved when declined; another try pays', async () => {
    const { person, order, path } = await reserve({ stock: 1 });
    const payment = await openPage(person, order);
    assert.equal((await press(person, payment, 'decline')).body.status, 'declined');
    assert.equal((await press(person, payment, 'approve')).body.status, 'declined');
    assert.equal((await person.call('GET', path)).body.status, 'reserved');
    assert.equal((await pay(person, order)).body.status, 'paid');
    await rowsBecome(order, 'declined', 'kept');
  });

  it('declined at the provider alone: 402, and the order stays reserved', async () => {
    const { person, order, path } = await reserve({ stock: 1 });
    const payment = await openPage(person, order);
    await world.database.query(
      "update sandbox_payments set status = 'declined' where payment = $1",
      [payment],
    );
    const answer = await pay(person, order);
    assert.equal(answer.status, 402);
    assert.equal(answer.body.code, 'payment_declined');
    assert.equal((await person.call('GET', path)).body.status, 'reserved');
    assert.equal((await pay(person, order)).status, 200);
  });

  it('refuses odd payments and decisions', async () => {
    const { person, order } = await reserve({ stock: 1 });
    const payment = await openPage(person, order);
    for (const path of [
      `${payment}/steal`,
      'x/approve',
      `${'9'.repeat(200)}/approve`,
      "'/approve",
    ]) {
      const { status } = await person.call('POST', `/v1/sandbox/${path}`);
      assert.equal(status, 400, path);
    }
    assert.equal((await press(person, randomUUID(), 'approve')).status, 404);
  });
});

describe('late', { concurrency: true }, () => {
  it('is refused before any charge', async () => {
    const { person, order } = await reserve({ stock: 1, payWithinSeconds: 5 });
    await world.fact(order, 'expired');
    const answer = await pay(person, order);
    assert.equal(answer.status, 409);
    assert.equal(answer.body.code, 'not_reserved');
    assert.equal(answer.body.orderStatus, 'expired');
    assert.deepEqual(await rows(order), []);
  });

  it('never answered: the order expires and nothing is taken', async () => {
    const { person, order, path } = await reserve({ stock: 1, payWithinSeconds: 5 });
    const payment = await openPage(person, order);
    await world.fact(order, 'expired');
    assert.equal((await person.call('GET', path)).body.status, 'expired');
    // The page's own time ends, too.
    await world.database.query(
      "update sandbox_payments set expires_at = now() - interval '1 second' where payment = $1",
      [payment],
    );
    await world.database.query('update payments set due_at = now() where id = $1', [payment]);
    await rowsBecome(order, 'abandoned');
    assert.equal((await press(person, payment, 'approve')).body.status, 'declined');
    assert.deepEqual(world.facts(order), ['claimed', 'expired']);
  });

  it('is granted again where units are left', async () => {
    const { person, order, path } = await reserve({ stock: 1, payWithinSeconds: 5 });
    const payment = await openPage(person, order);
    await world.fact(order, 'expired');
    assert.equal((await press(person, payment, 'approve')).status, 200);
    assert.equal((await person.call('GET', path)).body.status, 'paid');
    assert.deepEqual(world.facts(order), ['claimed', 'expired', 'paid']);
    await rowsBecome(order, 'kept');
  });

  it('is given back where none are left, exactly once', async () => {
    const { contest, person, order, path } = await reserve({ stock: 1, payWithinSeconds: 5 });
    const payment = await openPage(person, order);
    await world.fact(order, 'expired');
    const next = await world.addPerson();
    await pay(next, await world.claim(contest, next));
    await Promise.all([press(person, payment, 'approve'), press(person, payment, 'approve')]);
    await world.fact(order, 'refunded');
    await rowsBecome(order, 'refunded');
    assert.deepEqual(world.facts(order), ['claimed', 'expired', 'refundDue', 'refunded']);
    const detail = await person.call('GET', path);
    assert.equal(detail.body.status, 'refunded');
    assert.deepEqual(
      detail.body.history.map(({ fact }: { fact: string }) => fact),
      ['claimed', 'expired', 'refundDue', 'refunded'],
    );
    const { rows: books } = await world.database.query(
      'select refunded_at from sandbox_payments where payment = $1',
      [payment],
    );
    assert.ok(books[0]?.refunded_at);
  });

  it('approved after the order was cancelled: given back', async () => {
    const { person, order, path } = await reserve({ stock: 1 });
    const payment = await openPage(person, order);
    await person.call('POST', `${path}/cancel`);
    await press(person, payment, 'approve');
    await world.fact(order, 'refunded');
    assert.deepEqual(world.facts(order), ['claimed', 'cancelled', 'refundDue', 'refunded']);
  });
});

describe('when the process dies', () => {
  const died = new ArenaFault('log_unavailable', 'the log did not confirm the write');

  /** Has the next `type` command fail, after it was written or before. */
  function failOnce(type: string, order: string, when: 'before' | 'after'): void {
    const contest = parseOrderId(order)?.contest;
    world.intercept = async (submission, submit) => {
      if (submission.command.type !== type || submission.contest !== contest) {
        return submit(submission);
      }
      world.intercept = null;
      if (when === 'after') await submit(submission);
      throw died;
    };
  }

  for (const when of ['before', 'after'] as const) {
    it(`between taking and logging (${when} the write), another finishes it`, async () => {
      const { person, order, path } = await reserve({ stock: 1 });
      failOnce('pay', order, when);
      const answer = await pay(person, order);
      assert.equal(answer.status, 503);
      assert.ok(Number(answer.headers.get('retry-after')) >= 1);
      await world.database.query(
        `update payments set due_at = now() where status = 'taken' and contest = $1`,
        [parseOrderId(order)?.contest],
      );
      await rowsBecome(order, 'kept');
      assert.deepEqual(world.facts(order), ['claimed', 'paid']);
      assert.equal((await person.call('GET', path)).body.status, 'paid');
    });

    it(`between refund and its fact (${when} the write), it is given back once`, async () => {
      const { person, order, path } = await reserve({ stock: 1 });
      const payment = await openPage(person, order);
      await person.call('POST', `${path}/cancel`);
      failOnce('refunded', order, when);
      await press(person, payment, 'approve');
      await eventually(async () => world.intercept === null);
      await world.database.query('update payments set due_at = now() where id = $1', [payment]);
      await rowsBecome(order, 'refunded');
      assert.deepEqual(world.facts(order), ['claimed', 'cancelled', 'refundDue', 'refunded']);
    });
  }

  it('a repeat with the same key after the fault is paid, not charged again', async () => {
    const { person, order } = await reserve({ stock: 1 });
    failOnce('pay', order, 'after');
    const key = { 'idempotency-key': 'again' };
    assert.equal((await pay(person, order, {}, key)).status, 503);
    const answer = await pay(person, order, {}, key);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.body.status, 'paid');
    assert.equal((await rows(order)).length, 1);
  });

  it('before the row says taken: settlement learns it from the provider', async () => {
    const { person, order } = await reserve({ stock: 1 });
    const payment = await openPage(person, order);
    // As if the process had died right after the provider took the money.
    await world.database.query(
      "update sandbox_payments set status = 'approved' where payment = $1",
      [payment],
    );
    await world.database.query('update payments set due_at = now() where id = $1', [payment]);
    await world.fact(order, 'paid');
    await rowsBecome(order, 'kept');
  });

  it('two processes that settle the same rows do each step once', async () => {
    const another = world.anotherProcess();
    another.start();
    const paid = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const { person, order } = await reserve({ stock: 1 });
        const payment = await openPage(person, order);
        return { order, payment };
      }),
    );
    const payments = paid.map(({ payment }) => payment);
    await world.database.query(
      "update sandbox_payments set status = 'approved' where payment = any($1)",
      [payments],
    );
    await world.database.query('update payments set due_at = now() where id = any($1)', [payments]);
    for (const { order } of paid) {
      await rowsBecome(order, 'kept');
      assert.deepEqual(world.facts(order), ['claimed', 'paid']);
    }
  });
});

describe('money that does not agree', () => {
  it('is never granted, and raises an alarm', async () => {
    const { person, order } = await reserve({ stock: 1 });
    const payment = await openPage(person, order);
    await world.database.query(
      "update sandbox_payments set amount = 1, status = 'approved' where payment = $1",
      [payment],
    );
    await world.database.query('update payments set due_at = now() where id = $1', [payment]);
    const alarm = await eventually(async () =>
      world.alarms.find((each) => each.payment === payment),
    );
    assert.match(String(alarm.error), /PaymentMismatch.*1000 EUR.*tells of 1 EUR/);
    assert.deepEqual(world.facts(order), ['claimed']);
  });
});

describe("a person's payments", () => {
  it('are exported, and name nobody once forgotten', async () => {
    const { person, order } = await reserve({ stock: 1 });
    await pay(person, order);
    const exported = (await paymentData.collect(world.database, person.id)) as { order: string }[];
    assert.equal(exported.length, 1);
    assert.equal(exported[0]?.order, order);
    await paymentData.forget(world.database, [person.id]);
    assert.deepEqual(await paymentData.collect(world.database, person.id), []);
    const [row] = (await rows(order)).map(({ status }) => status);
    assert.equal(row, 'kept');
  });
});
