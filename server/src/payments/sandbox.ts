import { orderId } from '@dibs/rules/kernel/ids.ts';
import type { Queryable } from '../db/pool.ts';
import {
  BadNotice,
  type Payment,
  type PaymentProvider,
  type ProviderState,
  pageEndsAt,
} from './provider.ts';

/** A payment in the sandbox's books. */
interface SandboxRow {
  readonly payment: string;
  readonly order_id: string;
  readonly title: string;
  readonly amount: number;
  readonly currency: string;
  readonly status: 'open' | 'approved' | 'declined';
  readonly is_over: boolean;
}

/** What the sandbox's page shows. */
export interface SandboxPage {
  readonly orderId: string;
  readonly title: string;
  readonly amount: number;
  readonly currency: string;
  /** A page whose time is over counts as declined: no more money is taken on it. */
  readonly status: 'open' | 'approved' | 'declined';
}

const COLUMNS = `payment, order_id, title, amount, currency, status,
  status = 'open' and expires_at <= now() as is_over`;

/**
 * The payment provider in the box: play money, its own books, a page with two buttons. It keeps a
 * page open after the order has expired (as a slow bank would), so that late payment can be seen.
 */
export class SandboxProvider implements PaymentProvider {
  readonly name = 'sandbox';
  readonly #database: Queryable;

  constructor(database: Queryable) {
    this.#database = database;
  }

  readonly charge = async (payment: Payment): Promise<ProviderState> => {
    await this.#open(payment);
    await this.decide(payment.id, 'approved');
    return this.look(payment);
  };

  async startPage(payment: Payment): Promise<ProviderState> {
    await this.#open(payment);
    return this.look(payment);
  }

  async look(payment: Payment): Promise<ProviderState> {
    const row = await this.#find(payment.id);
    if (row === null || row.is_over) return { type: 'closed' };
    switch (row.status) {
      case 'open':
        return { type: 'open', reference: row.payment, url: `/pay/sandbox/${row.payment}` };
      case 'declined':
        return { type: 'declined' };
      case 'approved': {
        const { amount, currency, order_id: order } = row;
        return { type: 'taken', reference: row.payment, amount, currency, order };
      }
    }
  }

  close(payment: Payment): Promise<ProviderState> {
    return this.look(payment);
  }

  async refund(payment: Payment): Promise<void> {
    const { rowCount } = await this.#database.query(
      `update sandbox_payments set refunded_at = coalesce(refunded_at, now())
       where payment = $1 and status = 'approved'`,
      [payment.id],
    );
    if (rowCount !== 1) throw new Error(`the sandbox took no money for payment ${payment.id}`);
  }

  readNotice(): never {
    throw new BadNotice('the sandbox sends no notices over the network');
  }

  /** What the page shows, or null where there is none. */
  async page(payment: string): Promise<SandboxPage | null> {
    const row = await this.#find(payment);
    if (row === null) return null;
    const { order_id: order, title, amount, currency } = row;
    return {
      orderId: order,
      title,
      amount,
      currency,
      status: row.is_over ? 'declined' : row.status,
    };
  }

  /** A button of the page. Only the first press counts, and none after the page's time is over. */
  async decide(payment: string, decision: 'approved' | 'declined'): Promise<void> {
    await this.#database.query(
      `update sandbox_payments set status = $2
       where payment = $1 and status = 'open' and expires_at > now()`,
      [payment, decision],
    );
  }

  async #open(payment: Payment): Promise<void> {
    await this.#database.query(
      `insert into sandbox_payments (payment, order_id, title, amount, currency, expires_at)
       values ($1, $2, $3, $4, $5, to_timestamp($6 / 1000.0))
       on conflict (payment) do nothing`,
      [
        payment.id,
        orderId(payment.contest, payment.orderSeq),
        payment.title,
        payment.amount,
        payment.currency,
        pageEndsAt(payment),
      ],
    );
  }

  async #find(payment: string): Promise<SandboxRow | null> {
    const { rows } = await this.#database.query<SandboxRow>(
      { name: 'sandbox-find', text: `select ${COLUMNS} from sandbox_payments where payment = $1` },
      [payment],
    );
    return rows[0] ?? null;
  }
}
