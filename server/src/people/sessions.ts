import type { Role } from '@dibs/sdk/wire';
import type { Database, Queryable } from '../db/pool.ts';
import type { RefreshToken } from './refresh-tokens.ts';
import { REVOKED_CHANNEL } from './revocations.ts';

export interface SessionRow {
  id: string;
  created_at: Date;
  last_used_at: Date;
  user_agent: string;
}

/** A person as their access token will name them. */
export interface Bearer {
  id: string;
  name: string;
  roles: Role[];
  version: number;
}

export const SESSIONS_MAX = 20;
const REFRESH_LIFE = "interval '30 days'";
/** An honest repeat of a refresh comes within seconds: two tabs at once, or an answer lost. */
const REPEAT_WITHIN = "interval '10 seconds'";
/** Longer than any access token of a session lives, clocks that differ included. */
const REVOCATION_LIFE = "interval '20 minutes'";
const USER_AGENT_MAX = 200;

/** What is kept of a client's name: it is shown to its owner, and never trusted. */
export function readUserAgent(text: string | undefined): string {
  return (text ?? '').replace(/[^\x20-\x7e]/g, '').slice(0, USER_AGENT_MAX);
}

/**
 * Begins a session in a transaction that holds the person's row, so that two at once count each
 * other; the sessions that were used least recently make room.
 */
export async function beginSession(
  connection: Queryable,
  { person, token, userAgent }: { person: string; token: RefreshToken; userAgent: string },
): Promise<void> {
  const { rows } = await connection.query<{ id: string }>(
    {
      name: 'people-sessions-excess',
      text: 'select id from sessions where person = $1 order by last_used_at desc, id offset $2',
    },
    [person, SESSIONS_MAX - 1],
  );
  if (rows.length > 0)
    await endSessions(
      connection,
      person,
      rows.map((row) => row.id),
    );
  await insertSession(connection, { person, token, userAgent });
}

export async function insertSession(
  connection: Queryable,
  { person, token, userAgent }: { person: string; token: RefreshToken; userAgent: string },
): Promise<void> {
  await connection.query(
    {
      name: 'people-session-begin',
      text: `
        insert into sessions (id, person, refresh_hash, user_agent, expires_at)
        values ($1, $2, $3, $4, now() + ${REFRESH_LIFE})`,
    },
    [token.sessionId, person, token.hash, userAgent],
  );
}

/** Ends sessions of a person and tells every process; the number that were there. */
export async function endSessions(
  connection: Queryable,
  person: string,
  sessions: readonly string[],
): Promise<number> {
  const { rowCount } = await connection.query(
    {
      name: 'people-sessions-end',
      text: `
        with ended as (
          delete from sessions where person = $1 and id = any ($2::uuid[]) returning id
        ), noted as (
          insert into revocations (subject, until)
          select id, now() + ${REVOCATION_LIFE} from ended returning subject
        )
        select pg_notify('${REVOKED_CHANNEL}', '') from noted`,
    },
    [person, sessions],
  );
  return rowCount ?? 0;
}

/** Ends all sessions of a person but one. */
export async function endOtherSessions(
  connection: Queryable,
  person: string,
  kept: string | null,
): Promise<void> {
  const { rows } = await connection.query<{ id: string }>(
    'select id from sessions where person = $1 and id is distinct from $2',
    [person, kept],
  );
  if (rows.length > 0)
    await endSessions(
      connection,
      person,
      rows.map((row) => row.id),
    );
}

/** Tells every process that tokens of this person from before `version` must be refreshed. */
export async function outdateTokens(
  connection: Queryable,
  person: string,
  version: number,
): Promise<void> {
  await connection.query(
    `with noted as (
       insert into revocations (subject, version, until)
       values ($1, $2, now() + ${REVOCATION_LIFE}) returning subject
     )
     select pg_notify('${REVOKED_CHANNEL}', '') from noted`,
    [person, version],
  );
}

/**
 * Puts the successor in the place of a refresh token:
 *
 *   token is the current one                            -> rotated
 *   token is the one before, rotated a moment ago, and
 *     the same client asks                              -> repeated: its successor is current
 *   token is an older one of a session that lives       -> reused: somebody has a copy; ended
 *   the session has ended                               -> ended
 */
export async function rotateSession(
  database: Database,
  {
    token,
    successor,
    userAgent,
  }: {
    token: RefreshToken;
    successor: RefreshToken;
    userAgent: string;
  },
): Promise<
  { kind: 'rotated' | 'repeated'; bearer: Bearer } | { kind: 'reused'; person: string } | null
> {
  const rotated = await database.query<Bearer>(
    {
      name: 'people-session-rotate',
      text: `
        update sessions s set previous_hash = s.refresh_hash, refresh_hash = $3,
          rotated_at = clock_timestamp(), last_used_at = clock_timestamp(),
          expires_at = now() + ${REFRESH_LIFE}
        from people p
        where s.id = $1 and s.refresh_hash = $2 and s.expires_at > now() and p.id = s.person
        returning p.id, p.name, p.roles, p.version`,
    },
    [token.sessionId, token.hash, successor.hash],
  );
  if (rotated.rows[0] !== undefined) return { kind: 'rotated', bearer: rotated.rows[0] };
  const repeated = await database.query<Bearer>(
    `select p.id, p.name, p.roles, p.version from sessions s join people p on p.id = s.person
     where s.id = $1 and s.previous_hash = $2 and s.refresh_hash = $3 and s.user_agent = $4
       and s.expires_at > now() and s.rotated_at > clock_timestamp() - ${REPEAT_WITHIN}`,
    [token.sessionId, token.hash, successor.hash, userAgent],
  );
  if (repeated.rows[0] !== undefined) return { kind: 'repeated', bearer: repeated.rows[0] };
  const { rows } = await database.query<{ person: string }>(
    'select person from sessions where id = $1',
    [token.sessionId],
  );
  const person = rows[0]?.person;
  if (person === undefined) return null;
  await endSessions(database, person, [token.sessionId]);
  return { kind: 'reused', person };
}

/** The session a refresh token belongs to while it is good, for signing out by it. */
export async function findSession(
  database: Queryable,
  token: RefreshToken,
): Promise<string | null> {
  const { rows } = await database.query<{ person: string }>(
    'select person from sessions where id = $1 and refresh_hash = $2',
    [token.sessionId, token.hash],
  );
  return rows[0]?.person ?? null;
}

export async function listSessions(database: Queryable, person: string): Promise<SessionRow[]> {
  const { rows } = await database.query<SessionRow>(
    {
      name: 'people-sessions',
      text: `
        select id, created_at, last_used_at, user_agent from sessions
        where person = $1 and expires_at > now() order by last_used_at desc, id`,
    },
    [person],
  );
  return rows;
}
