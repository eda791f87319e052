import { Id, SandboxPayment } from '@dibs/sdk/wire';
import { Type } from 'typebox';
import type { NoticeOutcome, Payments, SandboxView } from '../../payments/payments.ts';
import { BadNotice } from '../../payments/provider.ts';
import type { App } from '../app.ts';
import { requireIdentity } from '../authenticate.ts';
import { HttpProblem } from '../problem.ts';

export interface PaymentsRoutesParts {
  readonly payments: Payments;
}

const tags = ['payments'];
const Received = Type.Object({ received: Type.Boolean() });
/** Stripe's notices have about 10 kB; more is not read. */
const NOTICE_BYTES_MAX = 256 * 1024;

/** The sandbox's pay page, and where Stripe tells what happened on its own. */
export function paymentsRoutes(app: App, { payments }: PaymentsRoutesParts): void {
  const Params = Type.Object({ payment: Id });
  app.get(
    '/v1/sandbox/:payment',
    {
      schema: {
        tags,
        summary: "Sandbox: what its pay page shows, to the order's owner",
        params: Params,
        response: { 200: SandboxPayment },
      },
    },
    async (request, reply) => {
      const { personId } = requireIdentity(request);
      reply.header('cache-control', 'no-store');
      return showSandbox(await payments.readSandbox(request.params.payment, personId));
    },
  );

  const Decision = Type.Object({ payment: Id, decision: Type.Enum(['approve', 'decline']) });
  app.post(
    '/v1/sandbox/:payment/:decision',
    {
      schema: {
        tags,
        summary: 'Sandbox: press approve or decline; only the first press counts',
        params: Decision,
        response: { 200: SandboxPayment },
      },
    },
    async (request) => {
      const { personId } = requireIdentity(request);
      const { payment, decision } = request.params;
      const decided = decision === 'approve' ? 'approved' : 'declined';
      return showSandbox(await payments.decideSandbox(payment, personId, decided));
    },
  );

  // In a scope of its own: a signature holds for the very bytes that were sent.
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(
      'application/json',
      { parseAs: 'buffer', bodyLimit: NOTICE_BYTES_MAX },
      (_request, body, done) => done(null, body),
    );
    scope.post(
      '/v1/webhooks/stripe',
      {
        bodyLimit: NOTICE_BYTES_MAX,
        schema: {
          tags,
          summary: 'Stripe tells what happened; answered 2xx once the log has it',
          response: { 200: Received },
        },
      },
      async (request) => {
        const signature = request.headers['stripe-signature'];
        if (typeof signature !== 'string' || !Buffer.isBuffer(request.body)) {
          throw new HttpProblem('malformed', 'A notice needs a body and a Stripe-Signature');
        }
        if (!payments.providers.includes('stripe')) throw new HttpProblem('not_found');
        const outcome = await payments
          .receiveNotice('stripe', request.body, signature)
          .catch(explain);
        return showOutcome(outcome);
      },
    );
  });
}

function showSandbox(view: SandboxView | null): SandboxPayment {
  if (view === null) throw new HttpProblem('not_found', 'There is no such payment of yours');
  const { payment, orderId, title, amount, currency, status } = view;
  return {
    payment,
    orderId,
    title,
    total: { amount, currency },
    status,
    payBy: new Date(view.payBy).toISOString(),
    returnUrl: `/orders/${orderId}`,
  };
}

function showOutcome(outcome: NoticeOutcome): { received: boolean } {
  switch (outcome) {
    case 'noted':
    case 'ignored':
      return { received: true };
    case 'unknown_payment':
      throw new HttpProblem('not_found', 'There is no such payment here');
    case 'mismatch':
      throw new HttpProblem('invalid', 'Amount, currency or order are not what was asked for');
  }
}

function explain(error: unknown): never {
  if (error instanceof BadNotice) throw new HttpProblem('malformed', error.message);
  throw error;
}
