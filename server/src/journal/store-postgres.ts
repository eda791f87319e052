import type { Database, Queryable } from '../db/pool.ts';
import { encodeHistories } from './order-history.ts';
import type { OrderRow, Projection, ProjectionStore } from './store.ts';

/** Rows in one statement: about 1 MB of values. */
const ROWS_PER_STATEMENT = 5_000;
/** Contests looked at in one sweep; the rest come with the next. */
const BEHIND_MAX = 1_000;

/** The projection as rows in PostgreSQL; the cursor is a column of the contest's row. */
export class PostgresProjectionStore implements ProjectionStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async cursor(contest: string): Promise<number | null> {
    const { rows } = await this.#database.query(
      { name: 'projection-cursor', text: 'select cursor_seq from contests where id = $1' },
      [contest],
    );
    return rows[0]?.cursor_seq ?? null;
  }

  async behind(dueBefore: number): Promise<string[]> {
    const { rows } = await this.#database.query(
      `select c.id from contests c join log_head h on h.contest = c.id
       where h.seq > c.cursor_seq or c.due_at <= $1 order by c.created_at desc limit $2`,
      [dueBefore, BEHIND_MAX],
    );
    return rows.map((row) => row.id);
  }

  project(projection: Projection): Promise<boolean> {
    return this.#database.transaction(async (connection) => {
      // The cursor first: its row lock is what keeps two projectors apart.
      if (!(await moveCursor(connection, projection))) return false;
      const { contest, orders } = projection;
      const histories = encodeHistories(projection.history);
      for (let from = 0; from < orders.length; from += ROWS_PER_STATEMENT) {
        const some = orders.slice(from, from + ROWS_PER_STATEMENT);
        await writeOrders(connection, contest, { orders: some, histories });
      }
      return true;
    });
  }
}

async function moveCursor(connection: Queryable, projection: Projection): Promise<boolean> {
  const { contest, from, to, summary } = projection;
  const { rowCount } = await connection.query(
    {
      name: 'projection-move',
      text: `
        update contests set
          host = (select id from people where id = $4), status = $5,
          opens_at = to_timestamp($6 / 1000.0), closes_at = to_timestamp($7 / 1000.0),
          price_amount = $8, price_currency = $9, stock = $10, sold = $11, held = $12,
          waiting = $13, terms = $14, due_at = $15, cursor_seq = $3
        where id = $1 and cursor_seq = $2`,
    },
    [
      contest,
      from,
      to,
      summary.host,
      summary.status,
      summary.opensAt,
      summary.closesAt,
      summary.price.amount,
      summary.price.currency,
      summary.stock,
      summary.sold,
      summary.held,
      summary.waiting,
      JSON.stringify(summary.terms),
      summary.dueAt,
    ],
  );
  return rowCount === 1;
}

/** Writes orders as they are now. The person is looked up: a deleted one's orders name nobody. */
async function writeOrders(
  connection: Queryable,
  contest: string,
  { orders, histories }: { orders: readonly OrderRow[]; histories: ReadonlyMap<number, string> },
): Promise<void> {
  await connection.query(
    {
      name: 'projection-orders',
      text: `
        insert into orders (contest, seq, person, quantity, amount, currency, status,
          created_at, pay_by, payment, history)
        select $1, o.seq, p.id, o.quantity, o.amount, o.currency, o.status,
          to_timestamp(o.created_at / 1000.0), to_timestamp(o.pay_by / 1000.0), o.payment,
          o.history
        from unnest($2::bigint[], $3::uuid[], $4::int[], $5::bigint[], $6::text[], $7::text[],
          $8::bigint[], $9::bigint[], $10::text[], $11::text[])
          as o(seq, person, quantity, amount, currency, status, created_at, pay_by, payment, history)
        left join people p on p.id = o.person
        on conflict (contest, seq) do update set person = excluded.person,
          quantity = excluded.quantity, amount = excluded.amount, currency = excluded.currency,
          status = excluded.status, created_at = excluded.created_at, pay_by = excluded.pay_by,
          payment = excluded.payment, history = orders.history || excluded.history`,
    },
    [
      contest,
      orders.map((order) => order.seq),
      orders.map((order) => order.person),
      orders.map((order) => order.quantity),
      orders.map((order) => order.amount),
      orders.map((order) => order.currency),
      orders.map((order) => order.status),
      orders.map((order) => order.createdAt),
      orders.map((order) => order.payBy),
      orders.map((order) => order.payment),
      orders.map((order) => histories.get(order.seq) ?? ''),
    ],
  );
}
