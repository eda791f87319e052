import { hash } from 'node:crypto';
import type { Queryable } from '../db/pool.ts';

export type PayAnswer =
  | { readonly type: 'paid' }
  | { readonly type: 'page'; readonly url: string }
  | { readonly type: 'declined' }
  | { readonly type: 'refused'; readonly refusal: { code: 'not_reserved'; status: string } }
  /** There is no such order, or it is somebody else's. */
  | { readonly type: 'unknown_order' }
  | { readonly type: 'unknown_provider' }
  | { readonly type: 'key_reused' };

/**
 * What is known of a request to pay that carries an idempotency key: nothing yet, which attempt it
 * began, or what it was answered. `key_reused`: the key had been sent with another request.
 */
export type KnownRequest =
  | { readonly type: 'new' }
  | { readonly type: 'begun'; readonly payment: string }
  | { readonly type: 'answered'; readonly answer: PayAnswer }
  | { readonly type: 'key_reused' };

/** Names a request by who asked, about which order, with which key; none of it can be read back. */
export function tagRequest(person: string, order: string, key: string): string {
  return hash('sha256', `${person}\n${order}\n${key}`, 'base64url');
}

export async function recallRequest(
  database: Queryable,
  tag: string,
  request: string,
): Promise<KnownRequest> {
  const { rows } = await database.query(
    'select request, payment, answer from payment_requests where tag = $1',
    [tag],
  );
  const [row] = rows;
  if (row === undefined) return { type: 'new' };
  if (row.request !== request) return { type: 'key_reused' };
  if (row.answer !== null) return { type: 'answered', answer: row.answer };
  return row.payment === null ? { type: 'new' } : { type: 'begun', payment: row.payment };
}

/** Notes which attempt a request goes with, before any money moves. */
export async function beginRequest(
  database: Queryable,
  request: { tag: string; request: string; payment: string },
): Promise<void> {
  await database.query(
    `insert into payment_requests (tag, request, payment) values ($1, $2, $3)
     on conflict (tag) do update set payment = excluded.payment
       where payment_requests.answer is null`,
    [request.tag, request.request, request.payment],
  );
}

/** Keeps the first answer given to a request, and returns that. */
export async function keepAnswer(
  database: Queryable,
  request: { tag: string; request: string; answer: PayAnswer },
): Promise<PayAnswer> {
  const { rows } = await database.query(
    `insert into payment_requests (tag, request, answer) values ($1, $2, $3)
     on conflict (tag) do update
       set answer = coalesce(payment_requests.answer, excluded.answer)
     returning request, answer`,
    [request.tag, request.request, JSON.stringify(request.answer)],
  );
  return rows[0]?.request === request.request ? rows[0]?.answer : { type: 'key_reused' };
}
