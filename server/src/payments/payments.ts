import { isUuid, orderId } from '@dibs/rules/kernel/ids.ts';
import type { Arena } from '../arena/arena.ts';
import type { Clock } from '../arena/clock.ts';
import { ArenaFault } from '../arena/faults.ts';
import type { Pseudonyms } from '../arena/pseudonyms.ts';
import { findLiveOrder } from '../catalogue/orders-live.ts';
import type { Database } from '../db/pool.ts';
import type { OrderRow } from '../journal/store.ts';
import type { PersonalData } from '../people/people.ts';
import {
  beginRequest,
  type KnownRequest,
  keepAnswer,
  type PayAnswer,
  recallRequest,
  tagRequest,
} from './pay-requests.ts';
import {
  findPayment,
  forgetPayers,
  knowsNotice,
  listPaymentsOf,
  noteNotice,
  notePage,
  startPayment,
} from './payment-rows.ts';
import type { Payment, PaymentProvider, ProviderNotice } from './provider.ts';
import { type SandboxPage, SandboxProvider } from './sandbox.ts';
import { nextLookAt, PaymentMismatch, Settlement } from './settlement.ts';
import { type StripeConfig, StripeProvider } from './stripe.ts';

export type { PayAnswer } from './pay-requests.ts';

export interface PaymentsOptions {
  readonly database: Database;
  readonly arena: Pick<Arena, 'submit' | 'read' | 'now'>;
  readonly pseudonyms: Pick<Pseudonyms, 'personOf'>;
  readonly clock: Clock;
  readonly config: PaymentsConfig;
  /** Told of a payment that could not be settled, with its id ('' for all of them). */
  readonly onAlarm: (payment: string, error: unknown) => void;
}

export interface PaymentsConfig {
  /** The provider in the box: play money. */
  readonly sandbox: boolean;
  /** Null: no Stripe. */
  readonly stripe: StripeConfig | null;
  /** Where people reach this installation, without a slash at the end. */
  readonly publicUrl: string;
  /** How often rows that are due are looked for; 5 s unless given. */
  readonly pollMs?: number;
}

export interface PayRequest {
  readonly contest: string;
  readonly seq: number;
  /** UUID of who asks. */
  readonly person: string;
  readonly provider: string;
  /** Answer with the address of the provider's page instead of taking the money at once. */
  readonly usesPage: boolean;
  /** The client's idempotency key, or null. */
  readonly key: string | null;
}

/** A page of the sandbox, as its payer sees it. */
export interface SandboxView extends SandboxPage {
  readonly payment: string;
  /** Milliseconds since 1970. */
  readonly payBy: number;
}

export type NoticeOutcome = 'noted' | 'ignored' | 'unknown_payment' | 'mismatch';

/** Attempts one request may go through, where earlier ones turn out to be over. */
const ATTEMPTS_MAX = 3;
/** When a fresh attempt is looked at by settlement: after all tries of a call to the provider. */
const LOOK_AFTER_CHARGE_MS = 10_000;
const LOOK_AFTER_PAGE_MS = 45_000;

/** Chooses the providers and readies settlement; `start` begins it. */
export function createPayments(options: PaymentsOptions): Payments {
  const { config, database } = options;
  const sandbox = config.sandbox ? new SandboxProvider(database) : null;
  const providers = new Map<string, PaymentProvider>();
  if (sandbox !== null) providers.set(sandbox.name, sandbox);
  if (config.stripe !== null) {
    const stripe = new StripeProvider(config.stripe, config.publicUrl);
    providers.set(stripe.name, stripe);
  }
  return new Payments(options, providers, sandbox);
}

/** Paying for orders, by whichever provider; what becomes of the money is for the log to say. */
export class Payments {
  readonly #options: PaymentsOptions;
  readonly #providers: ReadonlyMap<string, PaymentProvider>;
  readonly #sandbox: SandboxProvider | null;
  readonly #settlement: Settlement;

  constructor(
    options: PaymentsOptions,
    providers: ReadonlyMap<string, PaymentProvider>,
    sandbox: SandboxProvider | null,
  ) {
    this.#options = options;
    this.#providers = providers;
    this.#sandbox = sandbox;
    const { database, arena, clock, onAlarm, config } = options;
    this.#settlement = new Settlement({
      database,
      arena,
      clock,
      providers,
      onAlarm,
      ...(config.pollMs === undefined ? {} : { pollMs: config.pollMs }),
    });
  }

  /** Names of the providers a person may choose. */
  get providers(): string[] {
    return [...this.#providers.keys()];
  }

  /** Begins to finish what was left, by this process or another. */
  start(): void {
    this.#settlement.start();
  }

  close(): Promise<void> {
    return this.#settlement.close();
  }

  /**
   * Pays for an order. Rejects with `ProviderUnavailable`, `ArenaFault` or a database fault: money
   * that may have been taken is settled by itself, and a repeat goes on where this one stopped.
   */
  async pay(request: PayRequest): Promise<PayAnswer> {
    const provider = this.#providers.get(request.provider);
    if (provider === undefined) return { type: 'unknown_provider' };
    const order = await this.#findOrder(request);
    if (order === null || order.person !== request.person) return { type: 'unknown_order' };
    if (request.key === null) return this.#pay(provider, request, order);

    const { database } = this.#options;
    const asked = `${request.provider} ${request.usesPage}`;
    const tag = tagRequest(request.person, orderId(request.contest, request.seq), request.key);
    const known = await recallRequest(database, tag, asked);
    if (known.type === 'key_reused') return { type: 'key_reused' };
    if (known.type === 'answered') return known.answer;
    const begin = (payment: string) => beginRequest(database, { tag, request: asked, payment });
    const answer = (await this.#goOn(known)) ?? (await this.#pay(provider, request, order, begin));
    return keepAnswer(database, { tag, request: asked, answer });
  }

  /** What a request that began earlier came to; null where it must be asked for (again). */
  async #goOn(known: KnownRequest): Promise<PayAnswer | null> {
    if (known.type !== 'begun') return null;
    const payment = await findPayment(this.#options.database, known.payment);
    if (payment === null || payment.status === 'started') return null;
    return this.#answer(await this.#settlement.settle(payment));
  }

  async #pay(
    provider: PaymentProvider,
    request: PayRequest,
    order: OrderRow,
    begin: (payment: string) => Promise<void> = async () => {},
  ): Promise<PayAnswer> {
    const { arena, database } = this.#options;
    // No money is taken that would only have to go back.
    const isLate = order.status === 'reserved' && order.payBy <= arena.now();
    if (order.status !== 'reserved' || isLate) return refuse(isLate ? 'expired' : order.status);
    const { contest, seq: orderSeq, person } = request;
    const { amount, currency, payBy } = order;
    const wanted = { contest, orderSeq, person, provider: provider.name, amount, currency, payBy };
    const usesPage = request.usesPage || provider.charge === null;
    const lookMs = provider.charge === null ? LOOK_AFTER_PAGE_MS : LOOK_AFTER_CHARGE_MS;
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      const payment = await startPayment(database, wanted, lookMs);
      await begin(payment.id);
      const answer =
        payment.status !== 'started'
          ? await this.#answer(await this.#settlement.settle(payment))
          : usesPage
            ? await this.#openPage(provider, payment)
            : await this.#charge(provider, payment);
      if (answer !== null) return answer;
    }
    return { type: 'declined' };
  }

  async #charge(provider: PaymentProvider, payment: Payment): Promise<PayAnswer | null> {
    if (provider.charge === null) return null;
    const state = await provider.charge(payment);
    return this.#answer(await this.#settlement.learn(payment, state));
  }

  async #openPage(provider: PaymentProvider, payment: Payment): Promise<PayAnswer | null> {
    const isNew = payment.reference === null;
    const state = isNew ? await provider.startPage(payment) : await provider.look(payment);
    if (state.type === 'open') {
      const { database, arena } = this.#options;
      const lookAt = nextLookAt(payment, arena.now());
      if (isNew) await notePage(database, payment.id, { ...state, lookAt });
      return { type: 'page', url: payment.pageUrl ?? state.url };
    }
    const learnt = await this.#settlement.learn(payment, state);
    // An earlier page was declined: that is no answer to this request, which gets a fresh page.
    if (!isNew && learnt.status === 'declined') return null;
    return this.#answer(learnt);
  }

  /** What a person is told of their payment; null where it is over and another may begin. */
  async #answer(payment: Payment): Promise<PayAnswer | null> {
    switch (payment.status) {
      case 'kept':
        return { type: 'paid' };
      case 'declined':
        return { type: 'declined' };
      case 'started':
      case 'abandoned':
        return null;
      case 'taken':
      case 'refund_due':
      case 'refunded': {
        const order = await this.#findOrder({ contest: payment.contest, seq: payment.orderSeq });
        return refuse(order?.status ?? 'refunding');
      }
    }
  }

  async #findOrder(name: { contest: string; seq: number }): Promise<OrderRow | null> {
    const { arena, pseudonyms } = this.#options;
    try {
      const fold = await arena.read(name.contest);
      return findLiveOrder(fold, name.seq, (contest, pseudonym) =>
        pseudonyms.personOf(contest, pseudonym),
      );
    } catch (error) {
      if (error instanceof ArenaFault && error.code === 'contest_unknown') return null;
      throw error;
    }
  }

  /**
   * Takes in a notice that came over the network. Resolves once the log has what it tells of.
   * Throws `BadNotice`.
   */
  async receiveNotice(name: string, body: Buffer, signature: string): Promise<NoticeOutcome> {
    const provider = this.#providers.get(name);
    const notice = provider?.readNotice(body, signature) ?? null;
    if (notice === null) return 'ignored';
    const { database, onAlarm } = this.#options;
    if (await knowsNotice(database, name, notice.id)) return 'noted';
    const payment = isUuid(notice.payment) ? await findPayment(database, notice.payment) : null;
    if (payment === null || payment.provider !== name) {
      onAlarm(notice.payment, new Error(`${name} tells of a payment that is not known here`));
      return 'unknown_payment';
    }
    try {
      await this.#actOn(notice, payment);
    } catch (error) {
      if (!(error instanceof PaymentMismatch)) throw error;
      onAlarm(payment.id, error);
      return 'mismatch';
    }
    await noteNotice(database, name, notice.id);
    return 'noted';
  }

  async #actOn(notice: ProviderNotice, payment: Payment): Promise<void> {
    if (notice.state.type === 'refunded') await this.#settlement.learnRefunded(payment);
    else await this.#settlement.learn(payment, notice.state);
  }

  /** The sandbox's page of a payment, for the person who is to pay; null for anyone else. */
  async readSandbox(payment: string, person: string): Promise<SandboxView | null> {
    const row = await findPayment(this.#options.database, payment);
    if (row === null || row.person !== person || row.provider !== 'sandbox') return null;
    const page = await this.#sandbox?.page(payment);
    return page == null ? null : { ...page, payment, payBy: row.payBy };
  }

  /** Presses a button of the sandbox's page; the page after that, or null as `readSandbox`. */
  async decideSandbox(
    payment: string,
    person: string,
    decision: 'approved' | 'declined',
  ): Promise<SandboxView | null> {
    if (this.#sandbox === null || (await this.readSandbox(payment, person)) === null) return null;
    await this.#sandbox.decide(payment, decision);
    // The sandbox tells at once, as a provider's notice would.
    const row = await findPayment(this.#options.database, payment);
    if (row !== null) await this.#settlement.learn(row, await this.#sandbox.look(row));
    return this.readSandbox(payment, person);
  }
}

function refuse(status: string): PayAnswer {
  return { type: 'refused', refusal: { code: 'not_reserved', status } };
}

/** Payments stay for the books, and name nobody any more. */
export const paymentData: PersonalData = {
  name: 'payments',
  async collect(database, person) {
    const payments = await listPaymentsOf(database, person);
    return payments.map((payment) => ({
      order: orderId(payment.contest, payment.orderSeq),
      title: payment.title,
      provider: payment.provider,
      reference: payment.reference,
      amount: payment.amount,
      currency: payment.currency,
      status: payment.status,
      createdAt: new Date(payment.createdAt).toISOString(),
    }));
  },
  forget: (connection, people) => forgetPayers(connection, people),
};
