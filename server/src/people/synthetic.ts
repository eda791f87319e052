import { randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import type { SyntheticPeople } from '@dibs/sdk/wire';
import type { Database } from '../db/pool.ts';
import { type AccessTokens, SYNTHETIC_LIFE_MS } from './access-tokens.ts';
import { PeopleFault } from './faults.ts';
import type { PersonalData } from './personal-data.ts';
import { REVOKED_CHANNEL } from './revocations.ts';

export const SYNTHETIC_MAX = 50_000;
/** Signing takes some µs; other requests get their turn after so many. */
const SIGNED_AT_ONCE = 500;

/**
 * Makes throw-away people by one statement and signs an access token for each: no password, no
 * session of their own, no name to sign in by. The tokens last an hour and end with the people.
 */
export async function mintSynthetic(
  database: Database,
  tokens: AccessTokens,
  count: number,
): Promise<SyntheticPeople> {
  if (!Number.isInteger(count) || count < 1 || count > SYNTHETIC_MAX) {
    throw new PeopleFault('invalid', `count: 1 to ${SYNTHETIC_MAX}, received ${count}`);
  }
  const batch = randomUUID();
  const { rows } = await database.query<{ id: string; name: string }>(
    `insert into people (id, name, roles, is_synthetic, synthetic_batch)
     select gen_random_uuid(), 'Crowd ' || left($2::uuid::text, 4) || '-' || n,
       array['member'], true, $2
     from generate_series(1, $1::integer) as n
     returning id, name`,
    [count, batch],
  );
  const people: SyntheticPeople['people'] = [];
  for (const { id, name } of rows) {
    const { token } = tokens.issue(
      {
        personId: id,
        sessionId: batch,
        name,
        roles: ['member'],
        isSynthetic: true,
        version: 1,
      },
      SYNTHETIC_LIFE_MS,
    );
    people.push({ id, accessToken: token });
    if (people.length % SIGNED_AT_ONCE === 0) await turn();
  }
  return { people };
}

/** Removes all throw-away people, one minting per transaction; returns how many went. */
export async function removeSynthetic(
  database: Database,
  personalData: readonly PersonalData[],
): Promise<number> {
  const batches = await database.query<{ batch: string }>(
    `select distinct synthetic_batch as batch from people where synthetic_batch is not null`,
  );
  let removed = 0;
  for (const { batch } of batches.rows) {
    removed += await database.transaction(async (connection) => {
      await connection.query(
        `with noted as (
           insert into revocations (subject, until)
           values ($1, now() + interval '70 minutes') returning subject
         )
         select pg_notify('${REVOKED_CHANNEL}', '') from noted`,
        [batch],
      );
      const { rows } = await connection.query<{ id: string }>(
        'select id from people where synthetic_batch = $1 for update',
        [batch],
      );
      const people = rows.map((row) => row.id);
      for (const data of personalData) await data.forget(connection, people);
      await connection.query('delete from people where synthetic_batch = $1', [batch]);
      return people.length;
    });
  }
  return removed;
}
