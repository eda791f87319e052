import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../server/src/db/embedded.ts';
import { type AskedClaim, type ClaimOutcome, LIMIT_PER_PERSON, type Reference } from './front.ts';

/** What R2 and R3 share: the same PostgreSQL, the same tables, prepared statements, a tuned pool. */
const tables = `
  create table drops (
    id uuid primary key,
    stock integer not null,
    taken integer not null default 0,
    seq bigint not null default 0,
    check (taken <= stock)
  ) with (fillfactor = 50);
  create table holdings (
    drop uuid not null,
    person uuid not null,
    units integer not null,
    primary key (drop, person),
    constraint within_limit check (units <= ${LIMIT_PER_PERSON})
  );
  create table claims (
    drop uuid not null,
    person uuid not null,
    key text not null,
    seq bigint not null,
    quantity integer not null,
    pay_by bigint not null,
    primary key (drop, person, key)
  )`;

export interface SqlReference extends Reference {
  readonly pool: pg.Pool;
}

/**
 * Starts a PostgreSQL of its own, the one Dibs brings, and makes the tables. `connections`: as many
 * as measured best; more only wait for the same row's lock.
 */
export async function openSql(
  connections: number,
  claim: (pool: pg.Pool, drop: string, asked: AskedClaim) => Promise<ClaimOutcome>,
): Promise<Reference> {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'dibs-bench-sql-'));
  const log = () => undefined;
  const embedded = await startEmbeddedPostgres({ dataDirectory, log });
  const pool = new pg.Pool({ connectionString: embedded.url, max: connections });
  // At the end the server goes before its last idle connections have.
  pool.on('error', () => undefined);
  await pool.query(tables);
  const { rows } = await pool.query('show synchronous_commit');
  if (rows[0].synchronous_commit !== 'on') throw new Error('commits would not be durable');
  return {
    claim: (drop, asked) => claim(pool, drop, asked),
    async createDrop(drop, stock) {
      await pool.query('insert into drops (id, stock) values ($1, $2)', [drop, stock]);
    },
    async count(drop) {
      const counted = await pool.query(
        `select taken, (select count(*)::integer from claims where drop = $1) as claims
         from drops where id = $1`,
        [drop],
      );
      return { units: counted.rows[0].taken, claims: counted.rows[0].claims };
    },
    async close() {
      await pool.end();
      await embedded.close();
      rmSync(dataDirectory, { recursive: true, force: true });
    },
  };
}

/** A claim as it stands in the table. */
export interface ClaimRow {
  readonly seq: string;
  readonly quantity: number;
  readonly pay_by: string;
}

/** A claim that was made before, under the same key. */
export function repeat(row: ClaimRow, quantity: number): ClaimOutcome {
  if (row.quantity !== quantity) return { type: 'key_reused' };
  return { type: 'reserved', seq: Number(row.seq), quantity, payBy: Number(row.pay_by) };
}
