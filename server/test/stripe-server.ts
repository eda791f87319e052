import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import Stripe from 'stripe';
import type { StripeConfig } from '../src/payments/stripe.ts';

/** As much of Stripe as Dibs talks to: an HTTP server with sessions, refunds and signed events. */

export interface CheckoutSession {
  readonly id: string;
  readonly object: 'checkout.session';
  readonly url: string;
  status: 'open' | 'complete' | 'expired';
  payment_status: 'unpaid' | 'paid';
  payment_intent: string | null;
  amount_total: number;
  currency: string;
  metadata: Record<string, string>;
  readonly expires_at: number;
}

export interface StripeServer {
  readonly config: StripeConfig;
  readonly sessions: Map<string, CheckoutSession>;
  /** Payment intents that were given back, one entry per refund that was really made. */
  readonly refunds: string[];
  /** Every request, as `METHOD path`. */
  readonly requests: string[];
  /** Below this a session is refused, as Stripe does with tiny amounts. */
  amountMin: number;
  /** The person pays on the page. */
  pay(session: string): CheckoutSession;
  /** An event as Stripe delivers it. */
  event(type: string, object: object, id?: string): string;
  sign(payload: string, options?: { secret?: string; timestamp?: number }): string;
  stop(): Promise<void>;
  restart(): Promise<void>;
}

const SECRET_KEY = 'sk_test_dibs';
const WEBHOOK_SECRET = 'whsec_dibs';

export async function startStripeServer(): Promise<StripeServer> {
  const sessions = new Map<string, CheckoutSession>();
  const answers = new Map<string, { body: string; status: number; text: string }>();
  const refunds: string[] = [];
  const requests: string[] = [];
  const stripe = new Stripe(SECRET_KEY);
  let count = 0;
  const state = { amountMin: 50 };

  function create(form: URLSearchParams): CheckoutSession {
    count += 1;
    const id = `cs_test_${count}`;
    const session: CheckoutSession = {
      id,
      object: 'checkout.session',
      url: `https://checkout.test/pay/${id}`,
      status: 'open',
      payment_status: 'unpaid',
      payment_intent: null,
      amount_total: Number(form.get('line_items[0][price_data][unit_amount]')),
      currency: form.get('line_items[0][price_data][currency]') ?? '',
      metadata: {
        payment: form.get('metadata[payment]') ?? '',
        order: form.get('metadata[order]') ?? '',
      },
      expires_at: Number(form.get('expires_at')),
    };
    const lifeS = session.expires_at - Date.now() / 1_000;
    if (lifeS < 1_800 || lifeS > 86_400) throw new Error(`expires_at in ${lifeS} s`);
    if (session.amount_total < state.amountMin) throw new Error('the amount is too small');
    sessions.set(id, session);
    return session;
  }

  function refund(form: URLSearchParams): object {
    const intent = form.get('payment_intent') ?? '';
    if (refunds.includes(intent)) throw new Error('charge_already_refunded');
    refunds.push(intent);
    return { id: `re_${refunds.length}`, object: 'refund', status: 'succeeded' };
  }

  function route(method: string, path: string, form: URLSearchParams): object | null {
    if (method === 'POST' && path === '/v1/checkout/sessions') return create(form);
    if (method === 'POST' && path === '/v1/refunds') return refund(form);
    const [, id = '', action] = /^\/v1\/checkout\/sessions\/(\w+)(\/expire)?$/.exec(path) ?? [];
    const session = sessions.get(id);
    if (session === undefined) return null;
    if (action === undefined) return session;
    if (session.status !== 'open') throw new Error('only open sessions can expire');
    session.status = 'expired';
    return session;
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request;
    const body = (await request.toArray()).join('');
    requests.push(`${method} ${url}`);
    const key = headers['idempotency-key'];
    const known = typeof key === 'string' ? answers.get(key) : undefined;
    let status = 200;
    let text: string;
    if (headers.authorization !== `Bearer ${SECRET_KEY}`) {
      [status, text] = [401, JSON.stringify({ error: { message: 'who are you?' } })];
    } else if (known !== undefined) {
      if (known.body !== body) throw new Error('another body under the same idempotency key');
      ({ status, text } = known);
    } else {
      try {
        const answer = route(method, url, new URLSearchParams(body));
        status = answer === null ? 404 : 200;
        text = JSON.stringify(answer ?? { error: { message: 'no such thing' } });
      } catch (error) {
        status = 400;
        const { message } = error as Error;
        text = JSON.stringify({
          error: { type: 'invalid_request_error', code: message, message },
        });
      }
      if (typeof key === 'string') answers.set(key, { body, status, text });
    }
    response.writeHead(status, { 'content-type': 'application/json' }).end(text);
  }

  let server: Server;
  const open = async (port: number) => {
    server = createServer((request, response) => {
      handle(request, response).catch((error) => {
        const text = JSON.stringify({
          error: { type: 'idempotency_error', message: String(error) },
        });
        response.writeHead(400, { 'content-type': 'application/json' }).end(text);
      });
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const port = await open(0);

  return {
    config: {
      secretKey: SECRET_KEY,
      webhookSecret: WEBHOOK_SECRET,
      host: '127.0.0.1',
      port,
      protocol: 'http',
      timeoutMs: 2_000,
    },
    sessions,
    refunds,
    requests,
    get amountMin() {
      return state.amountMin;
    },
    set amountMin(amount) {
      state.amountMin = amount;
    },
    pay(id) {
      const session = sessions.get(id);
      if (session?.status !== 'open') throw new Error(`session ${id} is not open`);
      session.status = 'complete';
      session.payment_status = 'paid';
      session.payment_intent = `pi_${id}`;
      return session;
    },
    event(type, object, id = `evt_${Math.random().toString(36).slice(2)}`) {
      return JSON.stringify({ id, object: 'event', type, data: { object } });
    },
    sign(payload, options = {}) {
      return stripe.webhooks.generateTestHeaderString({
        payload,
        secret: options.secret ?? WEBHOOK_SECRET,
        ...(options.timestamp === undefined ? {} : { timestamp: options.timestamp }),
      });
    },
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
    restart: async () => void (await open(port)),
  };
}
