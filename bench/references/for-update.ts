import type pg from 'pg';
import {
  type AskedClaim,
  type ClaimOutcome,
  LIMIT_PER_PERSON,
  PAY_WITHIN_MS,
  type Reference,
} from './front.ts';
import { type ClaimRow, openSql, repeat } from './sql.ts';

/**
 * R3: what a careful first version does. A transaction per claim that locks the drop's row, looks
 * whether the key, the person and the stock allow it, writes, commits. The looks and the writes are
 * put together into one statement each, so that the lock is held for three round trips.
 */
const lock = 'select stock, taken, seq from drops where id = $1 for update';

const look = `
  select coalesce((select units from holdings where drop = $1 and person = $2), 0) as units,
    claim.seq, claim.quantity, claim.pay_by
  from (select) as one
  left join claims as claim on claim.drop = $1 and claim.person = $2 and claim.key = $3`;

const write = `
  with held as (
    insert into holdings (drop, person, units) values ($1, $2, $4)
    on conflict (drop, person) do update set units = holdings.units + excluded.units
  ), taken as (
    update drops set taken = taken + $4, seq = seq + 1 where id = $1 returning seq
  )
  insert into claims (drop, person, key, seq, quantity, pay_by)
  select $1, $2, $3, taken.seq, $4, $5 from taken
  returning seq, quantity, pay_by`;

const connections = 16;

export function openForUpdate(): Promise<Reference> {
  return openSql(connections, claim);
}

async function claim(pool: pg.Pool, drop: string, asked: AskedClaim): Promise<ClaimOutcome> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    const outcome = await decide(client, drop, asked);
    await client.query('commit');
    return outcome;
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
}

async function decide(
  client: pg.PoolClient,
  drop: string,
  { person, key, quantity }: AskedClaim,
): Promise<ClaimOutcome> {
  const locked = await client.query({ name: 'lock', text: lock, values: [drop] });
  const { stock, taken } = locked.rows[0] as { stock: number; taken: number };
  const looked = await client.query({ name: 'look', text: look, values: [drop, person, key] });
  const known = looked.rows[0] as ClaimRow & { seq: string | null; units: number };
  if (known.seq !== null) return repeat(known, quantity);
  if (known.units + quantity > LIMIT_PER_PERSON) return { type: 'refused', code: 'limit_reached' };
  if (taken + quantity > stock) return { type: 'refused', code: 'sold_out' };
  const payBy = Date.now() + PAY_WITHIN_MS;
  const values = [drop, person, key, quantity, payBy];
  const written = await client.query({ name: 'write', text: write, values });
  return repeat(written.rows[0] as ClaimRow, quantity);
}
