import { randomUUID } from 'node:crypto';
import type { QueryResultRow } from 'pg';
import type { Queryable } from '../db/pool.ts';
import type { Payment, PaymentStatus } from './provider.ts';

/** What an attempt to pay begins with. */
export type NewPayment = Pick<
  Payment,
  'contest' | 'orderSeq' | 'person' | 'provider' | 'amount' | 'currency' | 'payBy'
>;

const COLUMNS = `id, contest, order_seq, person, provider, provider_ref, page_url, amount, currency,
  status, pay_by, created_at, attempts,
  coalesce((select c.title from contests c where c.id = payments.contest), '') as title`;

/**
 * The attempt that is under way (or was kept) for an order at a provider, made now where there is
 * none. `firstLookMs`: when settlement looks at a fresh one, in case this process dies with it.
 */
export async function startPayment(
  database: Queryable,
  wanted: NewPayment,
  firstLookMs: number,
): Promise<Payment> {
  const { contest, orderSeq, person, provider, amount, currency, payBy } = wanted;
  for (let tries = 0; tries < 5; tries += 1) {
    const made = await database.query(
      `insert into payments (id, contest, order_seq, person, provider, amount, currency, pay_by,
         due_at)
       values ($1, $2, $3, $4, $5, $6, $7, to_timestamp($8 / 1000.0),
         now() + $9 * interval '1 millisecond')
       on conflict (contest, order_seq, provider) where is_current do nothing
       returning ${COLUMNS}`,
      [randomUUID(), contest, orderSeq, person, provider, amount, currency, payBy, firstLookMs],
    );
    if (made.rows[0] !== undefined) return readPayment(made.rows[0]);
    const { rows } = await database.query(
      `select ${COLUMNS} from payments
       where contest = $1 and order_seq = $2 and provider = $3 and is_current`,
      [contest, orderSeq, provider],
    );
    if (rows[0] !== undefined) return readPayment(rows[0]);
  }
  throw new Error(`attempts to pay order ${orderSeq} of ${contest} begin and end too fast`);
}

export async function findPayment(database: Queryable, id: string): Promise<Payment | null> {
  const { rows } = await database.query(
    { name: 'payment-find', text: `select ${COLUMNS} from payments where id = $1` },
    [id],
  );
  return rows[0] === undefined ? null : readPayment(rows[0]);
}

/** Notes where the person pays, and when settlement looks whether they did. */
export async function notePage(
  database: Queryable,
  id: string,
  page: { reference: string; url: string; lookAt: number },
): Promise<void> {
  await database.query(
    `update payments set provider_ref = $2, page_url = $3, updated_at = now(),
       due_at = case when due_at is null then null else to_timestamp($4 / 1000.0) end
     where id = $1`,
    [id, page.reference, page.url, page.lookAt],
  );
}

/**
 * Moves a payment from one of the states `from` to `to`. False, nothing changed, where it was in
 * none of them: somebody else moved it. `dueInMs`: when settlement looks next; null: never again.
 */
export async function movePayment(
  database: Queryable,
  id: string,
  move: {
    from: readonly PaymentStatus[];
    to: PaymentStatus;
    dueInMs: number | null;
    reference?: string;
  },
): Promise<boolean> {
  const { rowCount } = await database.query(
    {
      name: 'payment-move',
      text: `update payments set status = $3, updated_at = now(), attempts = 0,
          is_current = is_current and $3 in ('taken', 'kept'),
          provider_ref = coalesce($4, provider_ref),
          due_at = now() + $5::bigint * interval '1 millisecond'
        where id = $1 and status = any($2)`,
    },
    [id, move.from, move.to, move.reference ?? null, move.dueInMs],
  );
  return rowCount === 1;
}

/**
 * Takes the payments that are due, each for one process: whoever takes one has until `leaseMs` from
 * now, doubled with each attempt up to `leaseMaxMs`, before it is due again.
 */
export async function takeDuePayments(
  database: Queryable,
  options: { count: number; leaseMs: number; leaseMaxMs: number },
): Promise<Payment[]> {
  const { rows } = await database.query(
    {
      name: 'payments-take-due',
      text: `update payments set attempts = attempts + 1,
          due_at = now() + least($2 * 2 ^ least(attempts, 20), $3) * interval '1 millisecond'
        where id in (
          select id from payments where due_at <= now()
          order by due_at limit $1 for update skip locked
        )
        returning ${COLUMNS}`,
    },
    [options.count, options.leaseMs, options.leaseMaxMs],
  );
  return rows.map(readPayment);
}

/** Has settlement look at a payment at this instant, milliseconds since 1970. */
export async function lookAgainAt(database: Queryable, id: string, at: number): Promise<void> {
  await database.query(
    `update payments set due_at = to_timestamp($2 / 1000.0) where id = $1 and due_at is not null`,
    [id, at],
  );
}

/** Has settlement look now at whatever else was begun for the same order. */
export async function hurryOtherPayments(database: Queryable, payment: Payment): Promise<void> {
  await database.query(
    `update payments set due_at = now()
     where contest = $1 and order_seq = $2 and id <> $3 and status = 'started'`,
    [payment.contest, payment.orderSeq, payment.id],
  );
}

/** Whether this notice of a provider is in the log already. */
export async function knowsNotice(
  database: Queryable,
  provider: string,
  notice: string,
): Promise<boolean> {
  const { rowCount } = await database.query(
    'select from payment_notices where provider = $1 and notice = $2',
    [provider, notice],
  );
  return rowCount === 1;
}

export async function noteNotice(
  database: Queryable,
  provider: string,
  notice: string,
): Promise<void> {
  await database.query(
    'insert into payment_notices (provider, notice) values ($1, $2) on conflict do nothing',
    [provider, notice],
  );
}

/** Repeats of requests come within a day, Stripe's of notices within three. */
export async function forgetOldRequests(database: Queryable): Promise<void> {
  await database.query("delete from payment_requests where created_at < now() - interval '1 day'");
  await database.query(
    "delete from payment_notices where received_at < now() - interval '30 days'",
  );
}

/** Cuts the links between people and their payments. */
export async function forgetPayers(database: Queryable, people: readonly string[]): Promise<void> {
  await database.query('update payments set person = null where person = any ($1::uuid[])', [
    people,
  ]);
}

/** All payments of a person, oldest first. */
export async function listPaymentsOf(database: Queryable, person: string): Promise<Payment[]> {
  const { rows } = await database.query(
    `select ${COLUMNS} from payments where person = $1 order by created_at, id`,
    [person],
  );
  return rows.map(readPayment);
}

function readPayment(row: QueryResultRow): Payment {
  return {
    id: row.id,
    contest: row.contest,
    orderSeq: row.order_seq,
    person: row.person,
    title: row.title,
    provider: row.provider,
    reference: row.provider_ref,
    pageUrl: row.page_url,
    amount: row.amount,
    currency: row.currency,
    status: row.status,
    payBy: row.pay_by.getTime(),
    createdAt: row.created_at.getTime(),
    attempts: row.attempts,
  };
}
