import type { Queryable } from '../db/pool.ts';
import { decodeHistory } from '../journal/order-history.ts';

/** What a part of Dibs keeps about people, for their export and for their leaving. */
export interface PersonalData {
  /** Under which the export shows it. */
  readonly name: string;
  /** All that there is about a person, as JSON. */
  collect(database: Queryable, person: string): Promise<unknown>;
  /**
   * Removes it, or what links it to these people, inside the transaction that removes them: either
   * all of it goes or none.
   */
  forget(connection: Queryable, people: readonly string[]): Promise<void>;
}

const ORDERS_A_PAGE = 1_000;

interface OrderRow {
  contest: string;
  seq: number;
  title: string;
  quantity: number;
  amount: number;
  currency: string;
  status: string;
  created_at: Date;
  pay_by: Date;
  history: string;
}

/** Orders stay for the host's books, and name nobody any more. */
export const orderData: PersonalData = {
  name: 'orders',
  async collect(database, person) {
    const orders: unknown[] = [];
    let last: OrderRow | undefined;
    for (;;) {
      const rows = await readOrders(database, person, last);
      for (const row of rows) {
        const { contest, seq, amount, currency, created_at, pay_by, history, ...order } = row;
        const id = `${contest}-${seq}`;
        orders.push({
          id,
          ...order,
          total: { amount, currency },
          createdAt: created_at,
          payBy: pay_by,
          history: decodeHistory(history).map(({ fact, at }) => ({ fact, at: new Date(at) })),
        });
      }
      last = rows.at(-1);
      if (rows.length < ORDERS_A_PAGE) return orders;
    }
  },
  async forget(connection, people) {
    await connection.query('update orders set person = null where person = any ($1::uuid[])', [
      people,
    ]);
  },
};

async function readOrders(
  database: Queryable,
  person: string,
  after: OrderRow | undefined,
): Promise<OrderRow[]> {
  const { rows } = await database.query<OrderRow>(
    `select o.contest, o.seq, c.title, o.quantity, o.amount, o.currency, o.status, o.created_at,
       o.pay_by, o.history
     from orders o join contests c on c.id = o.contest
     where o.person = $1 and (o.contest, o.seq) > ($2::uuid, $3::bigint)
     order by o.contest, o.seq limit ${ORDERS_A_PAGE}`,
    [person, after?.contest ?? '00000000-0000-0000-0000-000000000000', after?.seq ?? 0],
  );
  return rows;
}

/** Contests go on without their host: who claimed has a right to their answer. */
export const contestData: PersonalData = {
  name: 'contests',
  async collect(database, person) {
    const { rows } = await database.query(
      `select id, kind, title, description, picture_url as "pictureUrl",
         picture_text as "pictureText", status, opens_at as "opensAt", closes_at as "closesAt",
         json_build_object('amount', price_amount, 'currency', price_currency) as price,
         stock, sold, created_at as "createdAt"
       from contests where host = $1 order by created_at, id`,
      [person],
    );
    return rows;
  },
  async forget(connection, people) {
    // The projector looks up whether a person exists and writes them into rows. It must not have
    // looked before this and write after it, so its transactions come wholly before or after.
    await connection.query('lock table contests, orders in share row exclusive mode');
    await connection.query('update contests set host = null where host = any ($1::uuid[])', [
      people,
    ]);
  },
};
