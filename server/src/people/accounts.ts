import type { Role } from '@dibs/sdk/wire';
import type { Queryable } from '../db/pool.ts';
import type { PersonName } from './names.ts';
import type { RefreshToken } from './refresh-tokens.ts';
import type { Bearer } from './sessions.ts';

export interface Account extends Bearer {
  password_hash: string | null;
}

/** Whether the error is PostgreSQL's "this name is there already". */
export function isNameTaken(error: unknown): boolean {
  const { code, constraint } = error as { code?: string; constraint?: string };
  return code === '23505' && constraint === 'people_by_name';
}

export interface NewAccount extends PersonName {
  readonly id: string;
  readonly passwordHash: string;
  readonly token: RefreshToken;
  readonly userAgent: string;
  /** Whether the first person here becomes the admin. */
  readonly mayFound: boolean;
}

/**
 * Adds a person with a first session in one statement. The founder's row decides who is first:
 * of two at once the second waits for the first to commit, and then finds it taken.
 */
export async function addAccount(database: Queryable, account: NewAccount): Promise<Bearer> {
  const { rows } = await database.query<Bearer>(
    {
      name: 'people-register',
      text: `
        with founding as (
          insert into founder (person)
          select $1 where $7 and not exists (select from people where password_hash is not null)
          on conflict do nothing returning person
        ), person as (
          insert into people (id, name, name_key, password_hash, roles)
          select $1, $2, $3, $4, case when exists (select from founding)
            then array['member', 'admin'] else array['member'] end
          returning id, name, roles, version
        ), session as (
          insert into sessions (id, person, refresh_hash, user_agent, expires_at)
          select $5, id, $6, $8, now() + interval '30 days' from person
        )
        select * from person`,
    },
    [
      account.id,
      account.name,
      account.key,
      account.passwordHash,
      account.token.sessionId,
      account.token.hash,
      account.mayFound,
      account.userAgent,
    ],
  );
  return rows[0] as Bearer;
}

/** Adds one of the demo's people, who have no password; null when somebody has the name. */
export async function addDemoAccount(
  database: Queryable,
  { id, name, key, roles }: PersonName & { id: string; roles: readonly Role[] },
): Promise<string | null> {
  const added = await database.query(
    `insert into people (id, name, name_key, roles) values ($1, $2, $3, $4)
     on conflict (name_key) do nothing`,
    [id, name, key, roles],
  );
  if (added.rowCount === 1) return id;
  const { rows } = await database.query<{ id: string }>(
    'select id from people where name_key = $1 and password_hash is null',
    [key],
  );
  return rows[0]?.id ?? null;
}

export async function findByName(database: Queryable, key: string): Promise<Account | null> {
  const { rows } = await database.query<Account>(
    {
      name: 'people-by-name',
      text: `select id, name, roles, version, password_hash from people where name_key = $1`,
    },
    [key],
  );
  return rows[0] ?? null;
}

/** Holds a person's row until the transaction ends, so that what was read of it stays true. */
export async function holdAccount(connection: Queryable, id: string): Promise<Account | null> {
  const { rows } = await connection.query<Account>(
    `select id, name, roles, version, password_hash from people where id = $1
     for no key update`,
    [id],
  );
  return rows[0] ?? null;
}

/**
 * Holds the rows of all admins and of one person, always in the same order; so two admins who take
 * each other's role away are served one after the other. Admins without a password count only
 * where the demo lets people in without one.
 */
export async function holdAdmins(
  connection: Queryable,
  { person, isDemo }: { person: string; isDemo: boolean },
): Promise<{ admins: Set<string>; person: Account | null }> {
  const { rows } = await connection.query<Account>(
    `select id, name, roles, version, password_hash from people
     where 'admin' = any (roles) or id = $1 order by id for no key update`,
    [person],
  );
  const admins = rows.filter(
    (row) => row.roles.includes('admin') && (isDemo || row.password_hash !== null),
  );
  return {
    admins: new Set(admins.map((row) => row.id)),
    person: rows.find((row) => row.id === person) ?? null,
  };
}

/** Changes name, password or roles; grows the version where tokens carry what changed. */
export async function changeAccount(
  connection: Queryable,
  id: string,
  change: { name?: PersonName; passwordHash?: string; roles?: readonly Role[] },
): Promise<Bearer> {
  const isInTokens = change.name !== undefined || change.roles !== undefined;
  const { rows } = await connection.query<Bearer>(
    `update people set name = coalesce($2, name), name_key = coalesce($3, name_key),
       password_hash = coalesce($4, password_hash), roles = coalesce($5, roles),
       version = version + $6::integer
     where id = $1 returning id, name, roles, version`,
    [
      id,
      change.name?.name ?? null,
      change.name?.key ?? null,
      change.passwordHash ?? null,
      change.roles ?? null,
      isInTokens ? 1 : 0,
    ],
  );
  return rows[0] as Bearer;
}

/** Whether anybody has registered, demo and throw-away people aside. */
export async function hasAnybody(database: Queryable): Promise<boolean> {
  const { rows } = await database.query<{ found: boolean }>(
    'select exists (select from people where password_hash is not null) as found',
  );
  return rows[0]?.found === true;
}
