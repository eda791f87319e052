import { orderId } from '@dibs/rules/kernel/ids.ts';
import type { Verdict } from '@dibs/rules/proof/fold.ts';
import type { Arena } from '../arena/arena.ts';
import type { Clock } from '../arena/clock.ts';
import { ArenaFault } from '../arena/faults.ts';
import { findLiveOrder } from '../catalogue/orders-live.ts';
import type { Queryable } from '../db/pool.ts';
import type { OrderRow } from '../journal/store.ts';
import {
  findPayment,
  forgetOldRequests,
  hurryOtherPayments,
  lookAgainAt,
  movePayment,
  takeDuePayments,
} from './payment-rows.ts';
import { type Payment, type PaymentProvider, type ProviderState, pageEndsAt } from './provider.ts';

export interface SettlementOptions {
  readonly database: Queryable;
  readonly arena: Pick<Arena, 'submit' | 'read' | 'now'>;
  readonly clock: Clock;
  readonly providers: ReadonlyMap<string, PaymentProvider>;
  /** Told of a payment that could not be settled; it is tried again unless money does not agree. */
  readonly onAlarm: (payment: string, error: unknown) => void;
  /** How often rows that are due are looked for. */
  readonly pollMs?: number;
}

/** Every process polls, so this is the load of an idle installation: one indexed read each time. */
const POLL_MS = 5_000;
/** Rows taken at once; the provider is asked about them side by side. */
const TAKEN_AT_ONCE = 8;
/** A row that could not be finished is due again after this, doubled each time up to a maximum. */
const LEASE_MS = 10_000;
const LEASE_MAX_MS = 300_000;
/** Whoever learnt of money settles it at once; the loop only where that process died or failed. */
const TAKEN_DUE_MS = 5_000;
/** An open page is looked at now and then, in case the provider's notice is lost ... */
const LOOK_EVERY_MS = 30_000;
const LOOK_DOUBLINGS_MAX = 5;
/** ... and once more just before the order expires: then it still is in time. */
const LAST_LOOK_BEFORE_MS = 2_000;
const LOOK_AFTER_MS = 2_000;
const FORGET_EVERY_MS = 3_600_000;

/** The provider took other money than was asked for, or for something else. Never granted. */
export class PaymentMismatch extends Error {
  override readonly name = 'PaymentMismatch';
}

/**
 * Carries each payment to its end. The row says how far it is:
 *
 *   started    -> taken       the provider says that it has the money (charge, notice or look)
 *   started    -> declined    the provider says that it will not have it
 *   started    -> abandoned   the page is gone, nobody paid
 *   declined, abandoned -> taken   money came all the same: it must not be lost
 *   taken      -> kept        the log says `paid` with this payment
 *   taken      -> refund_due  the log says `refundDue`
 *   refund_due -> refunded    the provider gave it back and the log says `refunded`
 *
 * Each step is first done where it counts (the provider, the log), under a key that makes a repeat
 * harmless, and then noted in the row by an update that only one process wins. So a crash between
 * any two steps costs a repeat, by whichever process finds the row due.
 */
export class Settlement {
  readonly #options: SettlementOptions;
  #timer: { cancel(): void } | null = null;
  #sweeping: Promise<void> | null = null;
  #isWanted = false;
  #isClosed = false;
  #forgottenAt = 0;

  constructor(options: SettlementOptions) {
    this.#options = options;
  }

  start(): void {
    this.wake();
  }

  /** Looks for due rows now. */
  wake(): void {
    if (this.#isClosed) return;
    this.#isWanted = true;
    this.#sweeping ??= this.#sweep().finally(() => {
      this.#sweeping = null;
      this.#plan();
    });
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#sweeping;
  }

  /**
   * Acts on what a provider said of a payment; the payment as it is then. Throws
   * `PaymentMismatch`; rejects with `ArenaFault` where the log cannot be asked, with nothing lost.
   */
  async learn(payment: Payment, state: ProviderState): Promise<Payment> {
    const { database } = this.#options;
    switch (state.type) {
      case 'open':
        return payment;
      case 'declined':
      case 'closed': {
        const to = state.type === 'declined' ? 'declined' : 'abandoned';
        await movePayment(database, payment.id, { from: ['started'], to, dueInMs: null });
        return this.#reload(payment.id);
      }
      case 'taken': {
        checkMoney(payment, state);
        await movePayment(database, payment.id, {
          from: ['started', 'declined', 'abandoned'],
          to: 'taken',
          dueInMs: TAKEN_DUE_MS,
          reference: state.reference,
        });
        return this.settle(await this.#reload(payment.id));
      }
    }
  }

  /** Has the log say what becomes of money that was taken; the payment as it is then. */
  async settle(payment: Payment): Promise<Payment> {
    if (payment.status !== 'taken') return payment;
    const isKept = await this.#tellLog(payment);
    await movePayment(this.#options.database, payment.id, {
      from: ['taken'],
      to: isKept ? 'kept' : 'refund_due',
      dueInMs: isKept ? null : 0,
    });
    // An order that is paid needs no other page: whoever forgot it open must not pay twice.
    if (isKept) await hurryOtherPayments(this.#options.database, payment);
    this.wake();
    return this.#reload(payment.id);
  }

  /** Whether the log keeps the money. */
  async #tellLog(payment: Payment): Promise<boolean> {
    const command = { type: 'pay', order: payment.orderSeq, payment: payment.id };
    const verdict = await this.#submit(payment, `pay:${payment.id}`, command);
    if (verdict?.type !== 'accepted') return false; // No such order: nobody can have meant to buy.
    const [fact] = verdict.facts;
    if (fact !== undefined) return fact.type === 'paid';
    // The log has had it, from a time beyond the memory of keys: the order tells what it said.
    const order = await this.#findOrder(payment);
    return order?.status === 'paid' && order.payment === payment.id;
  }

  /** Whether the order no longer waits to be paid: its time is over, or it is something else. */
  async #isOver(payment: Payment): Promise<boolean> {
    if (payment.payBy <= this.#options.arena.now()) return true;
    return (await this.#findOrder(payment))?.status !== 'reserved';
  }

  async #findOrder({ contest, orderSeq }: Payment): Promise<OrderRow | null> {
    try {
      const fold = await this.#options.arena.read(contest);
      return findLiveOrder(fold, orderSeq, (_contest, pseudonym) => pseudonym);
    } catch (error) {
      if (error instanceof ArenaFault && error.code === 'contest_unknown') return null;
      throw error;
    }
  }

  /** Gives money back that the log does not keep. */
  async #refund(payment: Payment): Promise<void> {
    await this.#providerOf(payment).refund(payment);
    const command = { type: 'refunded', order: payment.orderSeq, payment: payment.id };
    await this.#submit(payment, `refunded:${payment.id}`, command);
    await movePayment(this.#options.database, payment.id, {
      from: ['refund_due'],
      to: 'refunded',
      dueInMs: null,
    });
  }

  /** The verdict, or null where the contest is gone for good. */
  async #submit(
    { contest }: Payment,
    key: string | null,
    command: { type: string; order: number; payment: string },
  ): Promise<Verdict | null> {
    try {
      return await this.#options.arena.submit({ contest, person: null, key, command });
    } catch (error) {
      if (error instanceof ArenaFault && error.code === 'contest_unknown') return null;
      throw error;
    }
  }

  /** Money the provider gave back by itself: what was owed is done, anything else is an alarm. */
  async learnRefunded(payment: Payment): Promise<void> {
    if (payment.status === 'refund_due') return this.#refund(payment);
    if (payment.status !== 'kept') return;
    const { database, onAlarm } = this.#options;
    await movePayment(database, payment.id, { from: ['kept'], to: 'refunded', dueInMs: null });
    const order = orderId(payment.contest, payment.orderSeq);
    onAlarm(
      payment.id,
      new Error(`order ${order} stays paid, but its money was given back by hand`),
    );
  }

  #plan(): void {
    if (this.#isClosed) return;
    if (this.#isWanted) {
      this.wake();
      return;
    }
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(this.#options.pollMs ?? POLL_MS, () => this.wake());
  }

  /** Never rejects. */
  async #sweep(): Promise<void> {
    const { database, clock, onAlarm } = this.#options;
    try {
      while (this.#isWanted && !this.#isClosed) {
        this.#isWanted = false;
        const lease = { count: TAKEN_AT_ONCE, leaseMs: LEASE_MS, leaseMaxMs: LEASE_MAX_MS };
        const due = await takeDuePayments(database, lease);
        await Promise.all(due.map((payment) => this.#finish(payment)));
        if (due.length === TAKEN_AT_ONCE) this.#isWanted = true;
      }
      if (clock.now() - this.#forgottenAt < FORGET_EVERY_MS) return;
      this.#forgottenAt = clock.now();
      await forgetOldRequests(database);
    } catch (error) {
      this.#isWanted = false;
      onAlarm('', error);
    }
  }

  /** The next step of a payment that is due. Never rejects. */
  async #finish(payment: Payment): Promise<void> {
    try {
      if (payment.status === 'started') await this.#ask(payment);
      else if (payment.status === 'taken') await this.settle(payment);
      else if (payment.status === 'refund_due') await this.#refund(payment);
    } catch (error) {
      this.#options.onAlarm(payment.id, error);
    }
  }

  /** Asks the provider what became of a payment it has not told about. */
  async #ask(payment: Payment): Promise<void> {
    const provider = this.#providerOf(payment);
    const state = (await this.#isOver(payment))
      ? await provider.close(payment)
      : await provider.look(payment);
    await this.learn(payment, state);
    if (state.type !== 'open') return;
    const { database, arena } = this.#options;
    await lookAgainAt(database, payment.id, nextLookAt(payment, arena.now()));
  }

  #providerOf(payment: Payment): PaymentProvider {
    const provider = this.#options.providers.get(payment.provider);
    if (provider === undefined) {
      throw new Error(
        `payment ${payment.id} needs provider ${payment.provider}, which is not set up`,
      );
    }
    return provider;
  }

  async #reload(id: string): Promise<Payment> {
    const payment = await findPayment(this.#options.database, id);
    if (payment === null) throw new Error(`the row of payment ${id} has vanished`);
    return payment;
  }
}

/** When an open page is looked at next, milliseconds since 1970. */
export function nextLookAt(payment: Payment, now: number): number {
  const doublings = Math.min(Math.max(payment.attempts - 1, 0), LOOK_DOUBLINGS_MAX);
  const edges = [payment.payBy - LAST_LOOK_BEFORE_MS, payment.payBy + LOOK_AFTER_MS];
  const edge = edges.find((at) => at > now) ?? pageEndsAt(payment) + LOOK_AFTER_MS;
  return Math.min(now + LOOK_EVERY_MS * 2 ** doublings, Math.max(edge, now + LOOK_AFTER_MS));
}

function checkMoney(payment: Payment, state: ProviderState & { type: 'taken' }): void {
  const order = orderId(payment.contest, payment.orderSeq);
  const isAsAsked =
    state.amount === payment.amount && state.currency === payment.currency && state.order === order;
  if (isAsAsked) return;
  throw new PaymentMismatch(
    `payment ${payment.id}: asked for ${payment.amount} ${payment.currency} for order ${order}, ` +
      `${payment.provider} tells of ${state.amount} ${state.currency} for ${state.order}`,
  );
}
