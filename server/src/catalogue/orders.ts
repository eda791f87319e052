import { isUuid, orderId } from '@dibs/rules/kernel/ids.ts';
import type { Verdict } from '@dibs/rules/proof/fold.ts';
import type { Order, OrderStatus } from '@dibs/sdk/wire';
import type { Arena } from '../arena/arena.ts';
import type { Clock } from '../arena/clock.ts';
import { ArenaFault } from '../arena/faults.ts';
import type { Pseudonyms } from '../arena/pseudonyms.ts';
import type { Queryable } from '../db/pool.ts';
import { decodeHistory } from '../journal/order-history.ts';
import type { OrderRow } from '../journal/store.ts';
import { BadCursor, decodeCursor, encodeCursor } from './cursor.ts';
import { Freshness } from './orders-freshness.ts';
import { findLiveOrder } from './orders-live.ts';

export interface OrdersOptions {
  readonly database: Queryable;
  readonly arena: Pick<Arena, 'submit' | 'read' | 'now' | 'onApplied'>;
  readonly pseudonyms: Pick<Pseudonyms, 'personOf'>;
  readonly clock: Clock;
  /** Tells the projector of this process that somebody waits for rows. */
  readonly hurry?: () => void;
}

/** Which order: the contest, and the log entry that brought it forth. */
export interface OrderName {
  readonly contest: string;
  readonly seq: number;
}

/** One change of an order, as a fact of the public log. */
export interface OrderChange {
  /** The fact's name: `claimed`, `offered`, `paid`, `expired`, `refundDue` ... */
  readonly fact: string;
  /** Position in the public log. */
  readonly seq: number;
  readonly at: string;
}

export type OrderDetail = Order & { readonly history: readonly OrderChange[] };

/** Orders as their owners see them. Nobody is told of somebody else's, not even that it exists. */
export class Orders {
  readonly #options: OrdersOptions;
  readonly #freshness: Freshness;

  constructor(options: OrdersOptions) {
    this.#options = options;
    this.#freshness = new Freshness(options);
  }

  /**
   * A person's orders, newest first, one page. Shows whatever this process has acknowledged before,
   * unless the projector is more than a second behind. Throws `BadCursor`.
   */
  async list(
    person: string,
    query: { limit: number; cursor?: string | undefined; status?: OrderStatus | undefined },
  ): Promise<{ items: Order[]; next: string | null }> {
    const after = query.cursor === undefined ? null : readCursor(query.cursor);
    await this.#freshness.wait();
    const { rows } = await this.#options.database.query<Row>(
      {
        name: 'orders-list',
        text: `select ${COLUMNS}
          from orders o join contests c on c.id = o.contest
          where o.person = $1 and ($2::text is null or o.status = $2)
            and ($3::float8 is null or (o.created_at, o.contest, o.seq)
              < (to_timestamp($3 / 1000.0), $4::uuid, $5::bigint))
          order by o.created_at desc, o.contest desc, o.seq desc limit $6`,
      },
      [
        person,
        query.status ?? null,
        after?.createdAt ?? null,
        after?.contest ?? null,
        after?.seq ?? null,
        query.limit + 1,
      ],
    );
    const page = rows.slice(0, query.limit);
    const last = page.at(-1);
    const isMore = rows.length > query.limit && last !== undefined;
    return {
      items: page.map((row) => show(row.contest, row.title, readRow(row))),
      next: isMore ? encodeCursor([last.created_at.getTime(), last.contest, last.seq]) : null,
    };
  }

  /**
   * An order as it is now, with its history; null where there is none or it is somebody else's.
   * `person` null: an admin asks, who may see any.
   */
  async read(name: OrderName, person: string | null): Promise<OrderDetail | null> {
    await this.#freshness.wait(name.contest);
    const { rows } = await this.#options.database.query<CurrentRow>(
      {
        name: 'orders-read',
        // One statement, so that row, cursor and the log's end are of one moment.
        text: `select ${COLUMNS}, o.history, c.id, c.cursor_seq, h.seq as head_seq
          from contests c
          left join orders o on o.contest = c.id and o.seq = $2
          left join log_head h on h.contest = c.id
          where c.id = $1`,
      },
      [name.contest, name.seq],
    );
    const [row] = rows;
    if (row === undefined) return null;
    const order = await this.#choose(row, name);
    if (order === null || (person !== null && order.person !== person)) return null;
    const history = decodeHistory(row.history ?? '')
      .slice(0, CHANGES_MAX)
      .map(({ fact, entry, at }) => ({ fact, seq: entry, at: new Date(at).toISOString() }));
    return { ...show(row.id, row.title, order), history };
  }

  /** The row where it holds the log's last word, else the replica's order if that is newer. */
  async #choose(row: CurrentRow, name: OrderName): Promise<OrderRow | null> {
    const known = row.contest === null ? null : readRow(row as Row);
    if (row.cursor_seq >= (row.head_seq ?? 0)) return known;
    const live = await this.#findLive(name);
    return live !== null && live.at > row.cursor_seq ? live.order : known;
  }

  /** Gives the units of a person's own reserved order back; null where it is no order of theirs. */
  async cancel(name: OrderName, person: string, key: string | null): Promise<Verdict | null> {
    const { contest, seq } = name;
    const live = await this.#findLive(name);
    if (live?.order?.person !== person) return null;
    const command = { type: 'cancel', order: seq };
    return this.#options.arena.submit({ contest, person, key, command });
  }

  /** The order as the replica has it, and the position it was read at. */
  async #findLive(name: OrderName): Promise<{ order: OrderRow | null; at: number } | null> {
    const { arena, pseudonyms } = this.#options;
    try {
      const fold = await arena.read(name.contest);
      const order = findLiveOrder(fold, name.seq, (contest, pseudonym) =>
        pseudonyms.personOf(contest, pseudonym),
      );
      return { order, at: fold.seq };
    } catch (error) {
      if (error instanceof ArenaFault && error.code === 'contest_unknown') return null;
      throw error;
    }
  }

  close(): void {
    this.#freshness.close();
  }
}

/** Changes of one order that are shown: many payments given back would be the only way to more. */
const CHANGES_MAX = 100;

const COLUMNS = `o.contest, o.seq, o.person, o.quantity, o.amount, o.currency, o.status,
  o.created_at, o.pay_by, o.payment, c.title`;

interface Row {
  contest: string;
  seq: number;
  person: string | null;
  quantity: number;
  amount: number;
  currency: string;
  status: string;
  created_at: Date;
  pay_by: Date;
  payment: string | null;
  title: string;
}

/** The order's columns are null where it has no row yet. */
type CurrentRow = Omit<Row, 'contest'> & {
  contest: string | null;
  history: string | null;
  id: string;
  cursor_seq: number;
  head_seq: number | null;
};

function readRow(row: Row): OrderRow {
  const { seq, quantity, amount, currency, status, payment } = row;
  const [createdAt, payBy] = [row.created_at.getTime(), row.pay_by.getTime()];
  // A deleted person's orders are nobody's: no id is an empty text.
  const person = row.person ?? '';
  return { seq, person, quantity, amount, currency, status, createdAt, payBy, payment };
}

function show(contest: string, title: string, order: OrderRow): Order {
  return {
    id: orderId(contest, order.seq),
    dropId: contest,
    title,
    quantity: order.quantity,
    total: { amount: order.amount, currency: order.currency },
    status: order.status as OrderStatus,
    createdAt: new Date(order.createdAt).toISOString(),
    payBy: new Date(order.payBy).toISOString(),
  };
}

function readCursor(cursor: string): { createdAt: number; contest: string; seq: number } {
  const [createdAt, contest, seq] = decodeCursor(cursor, 3);
  const isOurs =
    Number.isSafeInteger(createdAt) &&
    Math.abs(createdAt as number) <= INSTANT_MAX &&
    typeof contest === 'string' &&
    isUuid(contest) &&
    Number.isSafeInteger(seq);
  if (!isOurs) throw new BadCursor('the cursor is not one of ours: begin the list anew');
  return { createdAt: createdAt as number, contest, seq: seq as number };
}

/** PostgreSQL's and JavaScript's calendars both hold the year 9999. */
const INSTANT_MAX = 253_402_300_799_999;
