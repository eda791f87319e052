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
 * R2: one SQL statement, so one round trip and one commit per claim. It reads what is known of key
 * and person, takes the units under the drop's row lock and writes claim and holdings; two claims of
 * one person at one instant are told apart by the constraints, which undo the whole statement.
 */
const statement = `
  with known as (
    select seq, quantity, pay_by from claims where drop = $1 and person = $2 and key = $3
  ), had as (
    select coalesce((select units from holdings where drop = $1 and person = $2), 0) as units
  ), taken as (
    update drops set taken = taken + $4, seq = seq + 1
    where id = $1 and taken + $4 <= stock and not exists (select from known)
      and (select units from had) + $4 <= ${LIMIT_PER_PERSON}
    returning seq
  ), held as (
    insert into holdings (drop, person, units) select $1, $2, $4 from taken
    on conflict (drop, person) do update set units = holdings.units + excluded.units
  ), made as (
    insert into claims (drop, person, key, seq, quantity, pay_by)
    select $1, $2, $3, taken.seq, $4, $5 from taken
    returning seq, quantity, pay_by
  )
  select (select units from had) as units, seq, quantity, pay_by
  from (select) as one left join (
    select * from made union all select * from known
  ) as claim on true`;

const connections = 16;

export function openOneStatement(): Promise<Reference> {
  return openSql(connections, claim);
}

async function claim(pool: pg.Pool, drop: string, asked: AskedClaim): Promise<ClaimOutcome> {
  const { person, key, quantity } = asked;
  const payBy = Date.now() + PAY_WITHIN_MS;
  const values = [drop, person, key, quantity, payBy];
  for (;;) {
    try {
      const { rows } = await pool.query({ name: 'claim', text: statement, values });
      const row = rows[0] as ClaimRow & { seq: string | null; units: number };
      if (row.seq !== null) return repeat(row, quantity);
      const isOver = row.units + quantity > LIMIT_PER_PERSON;
      return { type: 'refused', code: isOver ? 'limit_reached' : 'sold_out' };
    } catch (error) {
      // The same key or person at the same instant: now that the other is done, look again.
      const code = (error as { code?: string }).code ?? '';
      if (code !== uniqueViolation && code !== checkViolation) throw error;
    }
  }
}

const uniqueViolation = '23505';
const checkViolation = '23514';
