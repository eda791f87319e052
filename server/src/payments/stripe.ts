import { orderId } from '@dibs/rules/kernel/ids.ts';
import Stripe from 'stripe';
import {
  BadNotice,
  type Payment,
  type PaymentProvider,
  type ProviderNotice,
  type ProviderState,
  ProviderUnavailable,
  pageEndsAt,
} from './provider.ts';

export interface StripeConfig {
  readonly secretKey: string;
  readonly webhookSecret: string;
  /** Another address of the API than Stripe's own, for tests. */
  readonly host?: string;
  readonly port?: number;
  readonly protocol?: 'http' | 'https';
  /** One try of one call. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;
const TRIES_AGAIN = 1;
/** A notice signed longer ago is refused: it may be a recorded one. */
const NOTICE_AGE_MAX_S = 300;
const TITLE_LENGTH_MAX = 250;

/** Stripe Checkout: the person pays on Stripe's page, Stripe tells by signed notices. */
export class StripeProvider implements PaymentProvider {
  readonly name = 'stripe';
  readonly charge = null;
  readonly #stripe: Stripe;
  readonly #webhookSecret: string;
  readonly #publicUrl: string;

  /** `publicUrl`: where the person comes back to, without a slash at the end. */
  constructor(config: StripeConfig, publicUrl: string) {
    this.#stripe = new Stripe(config.secretKey, {
      timeout: config.timeoutMs ?? TIMEOUT_MS,
      maxNetworkRetries: TRIES_AGAIN,
      telemetry: false,
      ...(config.host === undefined ? {} : { host: config.host }),
      ...(config.port === undefined ? {} : { port: config.port }),
      ...(config.protocol === undefined ? {} : { protocol: config.protocol }),
    });
    this.#webhookSecret = config.webhookSecret;
    this.#publicUrl = publicUrl;
  }

  async startPage(payment: Payment): Promise<ProviderState> {
    const order = orderId(payment.contest, payment.orderSeq);
    const metadata = { payment: payment.id, order };
    const parameters: Stripe.Checkout.SessionCreateParams = {
      mode: 'payment',
      client_reference_id: payment.id,
      metadata,
      // The charge carries it too: a refund's notice shows the charge, not the session.
      payment_intent_data: { metadata },
      line_items: [
        {
          quantity: 1,
          price_data: {
            currency: payment.currency.toLowerCase(),
            unit_amount: payment.amount,
            product_data: { name: payment.title.slice(0, TITLE_LENGTH_MAX) || order },
          },
        },
      ],
      // The amount is held against ours: it must come back in the currency it was asked in.
      adaptive_pricing: { enabled: false },
      expires_at: Math.floor(pageEndsAt(payment) / 1_000),
      success_url: `${this.#publicUrl}/orders/${order}`,
      cancel_url: `${this.#publicUrl}/orders/${order}`,
    };
    const idempotencyKey = `dibs-page-${payment.id}`;
    const made = this.#stripe.checkout.sessions.create(parameters, { idempotencyKey });
    const session = await made.catch((error: unknown) => {
      // Stripe will never take this (an amount below its least, say): that is a "no", no outage.
      if (error instanceof Stripe.errors.StripeInvalidRequestError) return null;
      throw unavailable(error);
    });
    return session === null ? { type: 'declined' } : readSession(session);
  }

  async look(payment: Payment): Promise<ProviderState> {
    // Without a session nobody was ever given a page to pay on.
    if (payment.reference === null) return { type: 'closed' };
    return readSession(await this.#session(payment.reference));
  }

  async close(payment: Payment): Promise<ProviderState> {
    if (payment.reference === null) return { type: 'closed' };
    try {
      return readSession(await this.#stripe.checkout.sessions.expire(payment.reference));
    } catch (error) {
      // Only an open session can expire: what it became instead, it tells.
      if (error instanceof Stripe.errors.StripeInvalidRequestError) return this.look(payment);
      throw unavailable(error);
    }
  }

  async refund(payment: Payment): Promise<void> {
    if (payment.reference === null) throw new Error(`payment ${payment.id} has no session`);
    const { payment_intent: intent } = await this.#session(payment.reference);
    const id = typeof intent === 'string' ? intent : intent?.id;
    if (id === undefined) throw new Error(`session ${payment.reference} took no money`);
    const options = { idempotencyKey: `dibs-refund-${payment.id}` };
    const asked = this.#stripe.refunds.create(
      { payment_intent: id, metadata: { payment: payment.id } },
      options,
    );
    const refund = await asked.catch((error: unknown) => {
      const { code } = error as { code?: string };
      if (code === 'charge_already_refunded') return null;
      throw unavailable(error);
    });
    if (refund?.status === 'failed' || refund?.status === 'canceled') {
      throw new Error(`refund ${refund.id} of payment ${payment.id} is ${refund.status}`);
    }
  }

  readNotice(body: Buffer, signature: string): ProviderNotice | null {
    let event: Stripe.Event;
    try {
      event = this.#stripe.webhooks.constructEvent(
        body,
        signature,
        this.#webhookSecret,
        NOTICE_AGE_MAX_S,
      );
    } catch (cause) {
      throw new BadNotice('the notice is not signed by Stripe, or too old', { cause });
    }
    return readEvent(event);
  }

  async #session(reference: string): Promise<Stripe.Checkout.Session> {
    return this.#stripe.checkout.sessions.retrieve(reference).catch((error: unknown) => {
      throw unavailable(error);
    });
  }
}

function unavailable(cause: unknown): ProviderUnavailable {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new ProviderUnavailable(`Stripe: ${message}`, { cause });
}

/** Which events concern us, and what they say; null for all others. */
function readEvent(event: Stripe.Event): ProviderNotice | null {
  switch (event.type) {
    case 'checkout.session.completed':
    case 'checkout.session.async_payment_succeeded':
    case 'checkout.session.expired':
      return readSessionEvent(event.id, event.data.object, readSession(event.data.object));
    case 'checkout.session.async_payment_failed':
      return readSessionEvent(event.id, event.data.object, { type: 'declined' });
    case 'charge.refunded': {
      const charge = event.data.object;
      const payment = charge.metadata?.['payment'];
      // A part that went back by hand leaves the order as it is.
      if (payment === undefined || !charge.refunded) return null;
      return { id: event.id, payment, state: { type: 'refunded' } };
    }
    default:
      return null;
  }
}

function readSessionEvent(
  id: string,
  session: Stripe.Checkout.Session,
  state: ProviderState,
): ProviderNotice | null {
  const payment = session.metadata?.['payment'];
  // The account may sell other things than ours.
  return payment === undefined ? null : { id, payment, state };
}

/** `complete` but unpaid: a slow way of paying is under way, and the page is as good as open. */
function readSession(session: Stripe.Checkout.Session): ProviderState {
  if (session.status === 'expired') return { type: 'closed' };
  if (session.status !== 'complete' || session.payment_status === 'unpaid') {
    return { type: 'open', reference: session.id, url: session.url ?? '' };
  }
  return {
    type: 'taken',
    reference: session.id,
    amount: session.amount_total ?? 0,
    currency: (session.currency ?? '').toUpperCase(),
    order: session.metadata?.['order'] ?? '',
  };
}
