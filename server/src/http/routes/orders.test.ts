import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { type OrdersWorld, openOrdersWorld, type Person } from '../../../test/orders-world.ts';

let world: OrdersWorld;
before(async () => {
  world = await openOrdersWorld();
});
after(() => world.close());

interface Listed {
  readonly id: string;
  readonly status: string;
}

async function list(person: Person, query = ''): Promise<{ items: Listed[]; next: string | null }> {
  const answer = await person.call('GET', `/v1/orders${query}`);
  assert.equal(answer.status, 200, answer.text);
  return answer.body;
}

describe('GET /v1/orders', () => {
  it('shows an order acknowledged just before, at once and whatever else is going on', async () => {
    const drop = await world.addDrop({ stock: 1_000 });
    const person = await world.addPerson();
    let isOver = false;
    const storm = Promise.all(
      Array.from({ length: 5 }, async () => {
        while (!isOver) await world.claim(drop, await world.addPerson());
      }),
    );
    try {
      for (let round = 1; round <= 10; round += 1) {
        const order = await world.claim(drop, person);
        const { items } = await list(person);
        assert.equal(items[0]?.id, order);
        assert.equal(items.length, round);
      }
    } finally {
      isOver = true;
      await storm;
    }
  });

  it('shows what an order became just before', async () => {
    const person = await world.addPerson();
    const order = await world.claim(await world.addDrop({ stock: 5 }), person);
    await person.call('POST', `/v1/orders/${order}/cancel`);
    assert.deepEqual(
      (await list(person)).items.map(({ status }) => status),
      ['cancelled'],
    );
  });

  it('pages newest first, each order once, by cursor and status', async () => {
    const person = await world.addPerson();
    const drops = await Promise.all([1, 2].map(() => world.addDrop({ stock: 50 })));
    const made: string[] = [];
    for (let round = 0; round < 4; round += 1) {
      for (const drop of drops) made.push(await world.claim(drop, person));
    }
    await person.call('POST', `/v1/orders/${made[2]}/pay`, { provider: 'sandbox' });
    const seen: string[] = [];
    let cursor = '';
    for (;;) {
      const page = await list(person, `?limit=3${cursor}`);
      assert.ok(page.items.length <= 3);
      seen.push(...page.items.map(({ id }) => id));
      if (page.next === null) break;
      cursor = `&cursor=${page.next}`;
    }
    assert.equal(seen.length, made.length);
    assert.deepEqual([...seen].sort(), [...made].sort());
    // Claims of one drop are of different instants, so their order is certain.
    for (const drop of drops) {
      const own = (all: string[]) => all.filter((id) => id.startsWith(drop));
      assert.deepEqual(own(seen), own(made).reverse());
    }
    const paid = await list(person, '?status=paid');
    assert.deepEqual(
      paid.items.map(({ id }) => id),
      [made[2]],
    );
    assert.equal((await list(person, '?status=reserved')).items.length, made.length - 1);
  });

  it("shows nobody else's", async () => {
    const drop = await world.addDrop({ stock: 5 });
    await world.claim(drop, await world.addPerson());
    const admin = await world.addPerson(['member', 'admin']);
    assert.deepEqual(await list(admin), { items: [], next: null });
  });

  it('bounds limit, cursor and status', async () => {
    const person = await world.addPerson();
    const drop = '00000000-0000-4000-8000-000000000000';
    const cursorOf = (keys: unknown) => Buffer.from(JSON.stringify(keys)).toString('base64url');
    for (const query of [
      'limit=0',
      'limit=101',
      'limit=-1',
      'limit=1e9',
      'limit=x',
      'status=nonsense',
      'status=queued',
      'cursor=nonsense',
      `cursor=${'x'.repeat(201)}`,
      `cursor=${cursorOf([1, 'x', 1])}`,
      `cursor=${cursorOf([1e300, drop, 1])}`,
      `cursor=${cursorOf([1, drop, 1.5])}`,
      `cursor=${cursorOf([1, drop])}`,
      `cursor=${cursorOf({ length: 3 })}`,
      'person=someone',
    ]) {
      const answer = await person.call('GET', `/v1/orders?${query}`);
      assert.equal(answer.status, 400, `${query}: ${answer.text}`);
      assert.equal(answer.body.code, 'invalid');
    }
  });

  it('needs a token', async () => {
    for (const path of ['/v1/orders', `/v1/orders/${randomUUID()}-1`]) {
      assert.equal((await fetch(world.url + path)).status, 401);
    }
  });
});

describe('GET /v1/orders/:id', () => {
  it('tells what it is and how it came to be so', async () => {
    const person = await world.addPerson();
    const order = await world.claim(await world.addDrop({ stock: 5, amount: 300 }), person, 2);
    const path = `/v1/orders/${order}`;
    const reserved = (await person.call('GET', path)).body;
    assert.equal(reserved.status, 'reserved');
    assert.equal(reserved.quantity, 2);
    assert.deepEqual(reserved.total, { amount: 600, currency: 'EUR' });
    assert.equal(reserved.title, 'Lamp');
    assert.equal(Date.parse(reserved.payBy) - Date.parse(reserved.createdAt), 600_000);
    await person.call('POST', `${path}/pay`, { provider: 'sandbox' });
    const paid = (await person.call('GET', path)).body;
    assert.equal(paid.status, 'paid');
    assert.deepEqual(
      paid.history.map(({ fact }: { fact: string }) => fact),
      ['claimed', 'paid'],
    );
    assert.equal(order, `${paid.dropId}-${paid.history[0].seq}`);
  });

  it('is right also while the projector is behind', async () => {
    const drop = await world.addDrop({ stock: 5 });
    const person = await world.addPerson();
    const order = await world.claim(drop, person);
    await person.call('GET', `/v1/orders/${order}`);
    const { rows } = await world.database.query('select cursor_seq from contests where id = $1', [
      drop,
    ]);
    // Rows as they were before: another projector's cursor, and an order it has not written.
    await world.database.query('delete from orders where contest = $1', [drop]);
    await world.database.query('update contests set cursor_seq = cursor_seq - 1 where id = $1', [
      drop,
    ]);
    const answer = await person.call('GET', `/v1/orders/${order}`);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.body.status, 'reserved');
    assert.ok(rows[0]?.['cursor_seq'] > 1);
  });

  it("is 404 for somebody else's, the same as for none; an admin sees any", async () => {
    const drop = await world.addDrop({ stock: 5 });
    const order = await world.claim(drop, await world.addPerson());
    const stranger = await world.addPerson();
    const theirs = await stranger.call('GET', `/v1/orders/${order}`);
    assert.equal(theirs.status, 404);
    for (const id of [`${drop}-99`, `${randomUUID()}-1`, `${drop}-999999999999999`]) {
      const nobodys = await stranger.call('GET', `/v1/orders/${id}`);
      assert.equal(nobodys.text, theirs.text, id);
    }
    const admin = await world.addPerson(['member', 'admin']);
    assert.equal((await admin.call('GET', `/v1/orders/${order}`)).body.id, order);
  });

  it('takes odd ids for what they are', async () => {
    const drop = await world.addDrop({ stock: 5 });
    const person = await world.addPerson();
    for (const [id, status] of [
      [`${drop}--1`, 400],
      [`${drop}-0`, 400],
      [`${drop}-1.5`, 400],
      [`${drop}-9999999999999999`, 400],
      [drop, 400],
      ['1', 400],
      ['%00', 400],
      [`${'-'.repeat(36)}-1`, 404],
    ] as const) {
      for (const [method, rest] of [
        ['GET', ''],
        ['POST', '/cancel'],
      ] as const) {
        const answer = await person.call(method, `/v1/orders/${id}${rest}`);
        assert.equal(answer.status, status, `${method} ${id}: ${answer.text}`);
      }
    }
  });
});

describe('POST /v1/orders/:id/cancel', () => {
  it('gives the units back, once, also when repeated under its key', async () => {
    const drop = await world.addDrop({ stock: 2 });
    const person = await world.addPerson();
    const order = await world.claim(drop, person, 2);
    const key = { 'idempotency-key': 'stop' };
    const first = await person.call('POST', `/v1/orders/${order}/cancel`, undefined, key);
    assert.equal(first.status, 200, first.text);
    assert.deepEqual(first.body, { id: order, status: 'cancelled' });
    const second = await person.call('POST', `/v1/orders/${order}/cancel`, undefined, key);
    assert.equal(second.text, first.text);
    assert.deepEqual(world.facts(order), ['claimed', 'cancelled']);
    await world.claim(drop, person, 2);
  });

  it('is refused for what is paid, cancelled already', async () => {
    const person = await world.addPerson();
    const order = await world.claim(await world.addDrop({ stock: 2 }), person);
    const path = `/v1/orders/${order}`;
    await person.call('POST', `${path}/pay`, { provider: 'sandbox' });
    const answer = await person.call('POST', `${path}/cancel`);
    assert.equal(answer.status, 409);
    assert.equal(answer.body.code, 'not_reserved');
    assert.equal(answer.body.status, 409);
    assert.equal(answer.body.orderStatus, 'paid');
  });

  it("cannot touch somebody else's order, not even an admin's hand", async () => {
    const drop = await world.addDrop({ stock: 2 });
    const order = await world.claim(drop, await world.addPerson());
    for (const roles of [['member'], ['member', 'admin']] as const) {
      const stranger = await world.addPerson(roles);
      const answer = await stranger.call('POST', `/v1/orders/${order}/cancel`);
      assert.equal(answer.status, 404);
    }
    assert.deepEqual(world.facts(order), ['claimed']);
  });

  it('and paying at once end in one of the two, with no money kept for nothing', async () => {
    const drop = await world.addDrop({ stock: 20 });
    for (let round = 0; round < 8; round += 1) {
      const person = await world.addPerson();
      const order = await world.claim(drop, person);
      const path = `/v1/orders/${order}`;
      await Promise.all([
        person.call('POST', `${path}/pay`, { provider: 'sandbox' }),
        person.call('POST', `${path}/cancel`),
      ]);
      const facts = world.facts(order);
      if (facts.includes('refundDue')) await world.fact(order, 'refunded');
      const { status } = (await person.call('GET', path)).body;
      assert.ok(['paid', 'cancelled', 'refunded'].includes(status), status);
      assert.equal(facts.includes('paid') && facts.includes('cancelled'), false);
    }
  });
});

describe('bodies that make no sense', () => {
  it('are refused, and take nothing', async () => {
    const person = await world.addPerson();
    const order = await world.claim(await world.addDrop({ stock: 2 }), person);
    const path = `/v1/orders/${order}/pay`;
    for (const [body, status] of [
      ['{"provider":', 400],
      ['[]', 400],
      ['null', 400],
      [{}, 400],
      [{ provider: 7 }, 400],
      [{ provider: 'SANDBOX' }, 400],
      [{ provider: 'x'.repeat(21) }, 400],
      [{ provider: 'sandbox', page: 'yes' }, 400],
      [{ provider: 'sandbox', amount: 1 }, 400],
      [{ provider: 'sandbox', person: randomUUID() }, 400],
      [`{"provider":"${'x'.repeat(1_000_000)}"}`, 413],
    ] as const) {
      const answer = await person.call('POST', path, body);
      assert.equal(answer.status, status, `${JSON.stringify(body).slice(0, 60)}: ${answer.text}`);
    }
    const text = await person.call('POST', path, 'sandbox', { 'content-type': 'text/xml' });
    assert.equal(text.status, 415);
    const longKey = { 'idempotency-key': 'x'.repeat(201) };
    assert.equal((await person.call('POST', path, { provider: 'sandbox' }, longKey)).status, 400);
    assert.deepEqual(world.facts(order), ['claimed']);
  });
});
