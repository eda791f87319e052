import type { RefusalShape } from '@dibs/rules/contests/contest.ts';
import { orderId, parseOrderId } from '@dibs/rules/kernel/ids.ts';
import {
  Instant,
  Order,
  OrderId,
  OrderQuery,
  Paid,
  PayRequest,
  type Problem,
} from '@dibs/sdk/wire';
import { type Static, Type } from 'typebox';
import { BadCursor } from '../../catalogue/cursor.ts';
import type { OrderName, Orders } from '../../catalogue/orders.ts';
import type { PayAnswer, Payments } from '../../payments/payments.ts';
import { ProviderUnavailable } from '../../payments/provider.ts';
import type { App } from '../app.ts';
import { requireIdentity } from '../authenticate.ts';
import { readKey } from '../claims.ts';
import { HttpProblem, refusalProblem } from '../problem.ts';

export interface OrdersRoutesParts {
  readonly orders: Orders;
  readonly payments: Payments;
}

const Params = Type.Object({ id: OrderId });
const Listed = Type.Object({
  items: Type.Array(Order),
  next: Type.Union([Type.String(), Type.Null()]),
});
const Detail = Type.Object({
  ...Order.properties,
  history: Type.Array(
    Type.Object({
      fact: Type.String({ description: 'claimed, offered, paid, expired, cancelled ...' }),
      seq: Type.Integer({ description: 'Position in the public log' }),
      at: Instant,
    }),
  ),
});
const tags = ['orders'];
/** A client asks again after this for a provider that is away; settlement has its own pace. */
const PROVIDER_RETRY_MS = 5_000;

/** Orders: one's own, to see, pay for and cancel. Somebody else's is as unknown as none at all. */
export function ordersRoutes(app: App, { orders, payments }: OrdersRoutesParts): void {
  app.get(
    '/v1/orders',
    {
      schema: {
        tags,
        summary: 'Your orders, newest first',
        querystring: OrderQuery,
        response: { 200: Listed },
      },
    },
    async (request, reply) => {
      const { personId } = requireIdentity(request);
      const { limit = 20, cursor, status } = request.query as Static<typeof OrderQuery>;
      reply.header('cache-control', 'no-store');
      return orders.list(personId, { limit, cursor, status }).catch(explain) as never;
    },
  );

  app.get(
    '/v1/orders/:id',
    {
      schema: {
        tags,
        summary: 'See an order and its history',
        params: Params,
        response: { 200: Detail },
      },
    },
    async (request, reply) => {
      const { personId, roles } = requireIdentity(request);
      const name = nameOrder(request.params.id);
      const order = await orders.read(name, roles.includes('admin') ? null : personId);
      if (order === null) throw unknownOrder();
      reply.header('cache-control', 'no-store');
      return order as never;
    },
  );

  app.post(
    '/v1/orders/:id/pay',
    {
      schema: {
        tags,
        summary: 'Pay for an order',
        description:
          'Without `page` the sandbox takes the money at once. With it, or where a provider has ' +
          'pages only (stripe), the answer holds `payUrl`: the page where the person pays.',
        params: Params,
        body: PayRequest,
        response: { 200: Paid },
      },
    },
    async (request, reply) => {
      const { personId: person } = requireIdentity(request);
      const { contest, seq } = nameOrder(request.params.id);
      const { provider, page: usesPage = false } = request.body as Static<typeof PayRequest>;
      const key = readKey(request.raw);
      const answer = await payments
        .pay({ contest, seq, person, provider, usesPage, key })
        .catch(explain);
      if (answer.type === 'refused') {
        return reply.code(409 as 200).send(refuse(answer.refusal) as never);
      }
      return showAnswer(orderId(contest, seq), answer, payments.providers);
    },
  );

  app.post(
    '/v1/orders/:id/cancel',
    {
      schema: { tags, summary: 'Cancel a reserved order', params: Params, response: { 200: Paid } },
    },
    async (request, reply) => {
      const { personId } = requireIdentity(request);
      const name = nameOrder(request.params.id);
      const verdict = await orders.cancel(name, personId, readKey(request.raw));
      if (verdict === null) throw unknownOrder();
      if (verdict.type === 'refused') {
        if (verdict.refusal.code === 'unknown_order') throw unknownOrder();
        return reply.code(409 as 200).send(refuse(verdict.refusal) as never);
      }
      return { id: orderId(name.contest, name.seq), status: 'cancelled' as const };
    },
  );
}

function nameOrder(id: string): OrderName {
  const name = parseOrderId(id);
  if (name === null) throw unknownOrder();
  return name;
}

function unknownOrder(): HttpProblem {
  return new HttpProblem('not_found', 'You have no such order');
}

/** A refusal's `status` says what became of the order; the problem's own says 409. */
function refuse(refusal: RefusalShape & { status?: string }): Problem {
  const { status: orderStatus, ...rest } = refusal;
  const problem = refusalProblem(rest);
  return orderStatus === undefined ? problem : { ...problem, orderStatus };
}

function showAnswer(
  id: string,
  answer: Exclude<PayAnswer, { type: 'refused' }>,
  providers: readonly string[],
): Paid {
  switch (answer.type) {
    case 'paid':
      return { id, status: 'paid' };
    case 'page':
      return { id, status: 'reserved', payUrl: answer.url };
    case 'declined':
      throw new HttpProblem('payment_declined', 'Nothing was taken; the order is still reserved');
    case 'unknown_order':
      throw unknownOrder();
    case 'key_reused':
      throw new HttpProblem('key_reused');
    case 'unknown_provider':
      throw new HttpProblem('invalid', `/provider must be one of: ${providers.join(', ')}`);
  }
}

/** What the domain throws, as the problem the caller is told. */
function explain(error: unknown): never {
  if (error instanceof BadCursor) throw new HttpProblem('invalid', error.message);
  if (error instanceof ProviderUnavailable) {
    const detail = 'The payment provider does not answer. Try again: you will not pay twice';
    const members = { retryAfterMs: PROVIDER_RETRY_MS };
    throw new HttpProblem('unavailable', detail, members, { cause: error });
  }
  throw error;
}
