import { randomUUID } from 'node:crypto';
import type { ProfileChange, Role, Session, SignedIn, SyntheticPeople } from '@dibs/sdk/wire';
import type { Database, Queryable } from '../db/pool.ts';
import { AccessTokens } from './access-tokens.ts';
import {
  addAccount,
  addDemoAccount,
  changeAccount,
  findByName,
  hasAnybody,
  holdAccount,
  holdAdmins,
  isNameTaken,
} from './accounts.ts';
import { type Attempts, limitAttempts, unlimitedAttempts } from './attempts.ts';
import { PeopleFault } from './faults.ts';
import { arrangeRoles, type Identity } from './identity.ts';
import { readName, readNameKey } from './names.ts';
import { Passwords } from './passwords.ts';
import { contestData, orderData, type PersonalData } from './personal-data.ts';
import { RefreshTokens } from './refresh-tokens.ts';
import { type Listen, type PeopleClock, Revocations } from './revocations.ts';
import {
  type Bearer,
  beginSession,
  endOtherSessions,
  endSessions,
  findSession,
  listSessions,
  outdateTokens,
  readUserAgent,
  rotateSession,
} from './sessions.ts';
import { mintSynthetic, removeSynthetic } from './synthetic.ts';

export { PeopleFault } from './faults.ts';
export { type Hosting, type Identity, mayHost } from './identity.ts';
export type { PersonalData } from './personal-data.ts';
export type { Listen, PeopleClock } from './revocations.ts';

/** What signing in gives, in the shape of the wire. */
export type SignedInTokens = SignedIn;

/** Where a request comes from, as far as people care. */
export interface Client {
  readonly address: string;
  readonly userAgent: string | undefined;
}

export interface PeopleOptions {
  readonly database: Database;
  /** `(options) => listen({ url, ...options })` of db/listen.ts. */
  readonly listen: Listen;
  /** 32 bytes, the same in every process of the installation. */
  readonly secret: Buffer;
  readonly clock: PeopleClock;
  /** The first person to register becomes the admin; false while the demo is on. */
  readonly isFirstAdmin: boolean;
  /** `off`: for load tests on loopback. Hashes at once stay bounded all the same. */
  readonly limits: 'on' | 'off';
  /** What other parts keep about people; orders and hosted contests are known here. */
  readonly personalData?: readonly PersonalData[];
  readonly log?: (line: string) => void;
  /** How often revocations are read when no notice comes. */
  readonly pollMs?: number;
}

/** Opens the accounts of an installation; the tables of migration 0003 must be there. */
export async function createPeople(options: PeopleOptions): Promise<People> {
  const log = options.log ?? (() => {});
  const { database, listen, clock, pollMs } = options;
  const revocations = new Revocations({
    database,
    listen,
    clock,
    log,
    ...(pollMs === undefined ? {} : { pollMs }),
  });
  // Whoever entered by a demo's button must not stay inside once the demo is off.
  if (options.isFirstAdmin) await endDemoSessions(database);
  await revocations.start();
  return new People(options, revocations);
}

async function endDemoSessions(database: Database): Promise<void> {
  const { rows } = await database.query<{ id: string }>(
    `select distinct p.id from people p join sessions s on s.person = p.id
     where p.password_hash is null`,
  );
  for (const { id } of rows) await endOtherSessions(database, id, null);
}

/**
 * Accounts, sessions and roles. Throws PeopleFault for what a person can mend, and the database's
 * own faults where it is away.
 */
export class People {
  readonly #options: PeopleOptions;
  readonly #revocations: Revocations;
  readonly #access: AccessTokens;
  readonly #refresh: RefreshTokens;
  readonly #passwords = new Passwords();
  readonly #attempts: Attempts;
  readonly #personalData: readonly PersonalData[];

  constructor(options: PeopleOptions, revocations: Revocations) {
    const now = () => options.clock.now();
    this.#options = options;
    this.#revocations = revocations;
    this.#access = new AccessTokens({ secret: options.secret, now, revocations });
    this.#refresh = new RefreshTokens(options.secret);
    this.#attempts = options.limits === 'off' ? unlimitedAttempts : limitAttempts(now);
    this.#personalData = [contestData, orderData, ...(options.personalData ?? [])];
  }

  /**
   * Who holds this access token: synchronous, no I/O. `expired`: it was good, and a refresh brings
   * a new one (its time is up, or name or roles have changed). null: it is none of ours, or its
   * session has ended.
   */
  identify(token: string): Identity | null | 'expired' {
    return this.#access.identify(token);
  }

  /** Calls `listener` after sessions were revoked: look at long-lived connections again. */
  onRevoked(listener: () => void): () => void {
    return this.#revocations.onChange(listener);
  }

  /** Whether this session is known to have ended. */
  isRevoked(sessionId: string): boolean {
    return this.#revocations.isRevoked(sessionId);
  }

  /** Whether the next person to register becomes the admin. */
  async isFresh(): Promise<boolean> {
    return this.#options.isFirstAdmin && !(await hasAnybody(this.#options.database));
  }

  /** Faults: `invalid`, `name_taken`, `rate_limited`, `busy`. */
  async register(
    { name, password }: { name: string; password: string },
    client: Client,
  ): Promise<SignedInTokens> {
    const personName = readName(name);
    const attempt = this.#attempts.register(client.address);
    const passwordHash = await this.#hash(password, attempt.cancelled);
    const id = randomUUID();
    const token = this.#refresh.first(randomUUID());
    try {
      const bearer = await addAccount(this.#options.database, {
        ...personName,
        id,
        passwordHash,
        token,
        userAgent: readUserAgent(client.userAgent),
        mayFound: this.#options.isFirstAdmin,
      });
      return this.#sign(bearer, token);
    } catch (error) {
      if (isNameTaken(error)) throw new PeopleFault('name_taken');
      throw error;
    }
  }

  /** Faults: `wrong_credentials` alike for a wrong password and an unknown name, and as above. */
  async signIn(
    { name, password }: { name: string; password: string },
    client: Client,
  ): Promise<SignedInTokens> {
    const key = readNameKey(name);
    const attempt = this.#attempts.signIn(key, client.address);
    let isRight: boolean;
    let account = null;
    try {
      account = key === null ? null : await findByName(this.#options.database, key);
      isRight = await this.#passwords.verify(password, account?.password_hash ?? null);
    } catch (error) {
      attempt.cancelled();
      throw error;
    }
    if (account === null || !isRight) throw new PeopleFault('wrong_credentials');
    attempt.succeeded();
    const signedIn = await this.#open(account.id, account.password_hash, client.userAgent);
    if (signedIn === null) throw new PeopleFault('wrong_credentials');
    return signedIn;
  }

  /** Opens a session for a person without asking for a password: the demo's buttons. */
  async openSession(personId: string, userAgent: string): Promise<SignedInTokens | null> {
    return this.#open(personId, null, userAgent);
  }

  /** A new pair of tokens for a refresh token; null when it is not good any more. */
  async refresh(text: string, client: Client): Promise<SignedInTokens | null> {
    const token = this.#refresh.read(text);
    if (token === null) return null;
    this.#attempts.refresh(token.sessionId);
    const successor = this.#refresh.successor(token);
    const userAgent = readUserAgent(client.userAgent);
    const { database, log } = this.#options;
    const outcome = await rotateSession(database, { token, successor, userAgent });
    if (outcome === null) return null;
    if (outcome.kind !== 'reused') return this.#sign(outcome.bearer, successor);
    log?.(`a refresh token of person ${outcome.person} was used twice; its session is ended`);
    await this.#revocations.refresh();
    return null;
  }

  /** Ends the session of an identity or of a refresh token; false when there was none. */
  async signOut(of: { identity: Identity } | { refreshToken: string }): Promise<boolean> {
    if ('identity' in of) return this.revokeSession(of.identity, of.identity.sessionId);
    const token = this.#refresh.read(of.refreshToken);
    const person = token && (await findSession(this.#options.database, token));
    if (token === null || person === null) return false;
    return this.#end(person, token.sessionId);
  }

  /** Latest used first. */
  async listSessions(identity: Identity): Promise<Session[]> {
    const rows = await listSessions(this.#options.database, identity.personId);
    return rows.map((row) => ({
      id: row.id,
      createdAt: row.created_at.toISOString(),
      lastUsedAt: row.last_used_at.toISOString(),
      userAgent: row.user_agent,
      isCurrent: row.id === identity.sessionId,
    }));
  }

  /** Ends one of the person's own sessions; false when it is none of theirs. */
  async revokeSession(identity: Identity, sessionId: string): Promise<boolean> {
    return this.#end(identity.personId, sessionId);
  }

  /**
   * Changes name or password. A new password needs the current one and ends all other sessions; a
   * new name makes all access tokens due for a refresh. Faults: `invalid`, `wrong_credentials`,
   * `name_taken`, `rate_limited`, `busy`, `unauthenticated` when the person is gone.
   */
  async changeProfile(identity: Identity, change: ProfileChange): Promise<SignedIn['person']> {
    const name = change.name === undefined ? undefined : readName(change.name);
    const replaced =
      change.password === undefined ? null : await this.#replacePassword(identity, change);
    try {
      const bearer = await this.#options.database.transaction(async (connection) => {
        const account = await holdAccount(connection, identity.personId);
        if (account === null) throw new PeopleFault('unauthenticated');
        if (replaced !== null && account.password_hash !== replaced.from) throw wrongPassword();
        const isRenamed = name !== undefined && name.name !== account.name;
        const changed = await changeAccount(connection, account.id, {
          ...(isRenamed ? { name } : {}),
          ...(replaced === null ? {} : { passwordHash: replaced.to }),
        });
        if (replaced !== null) {
          await endOtherSessions(connection, account.id, identity.sessionId);
        }
        if (isRenamed) await outdateTokens(connection, account.id, changed.version);
        return changed;
      });
      await this.#revocations.refresh();
      return describe(bearer);
    } catch (error) {
      if (isNameTaken(error)) throw new PeopleFault('name_taken');
      throw error;
    }
  }

  /** All that Dibs keeps about a person; null when they are gone. */
  async exportPerson(identity: Identity): Promise<Record<string, unknown> | null> {
    const { database } = this.#options;
    const { rows } = await database.query(
      'select id, name, roles, created_at as "createdAt" from people where id = $1',
      [identity.personId],
    );
    if (rows[0] === undefined) return null;
    const exported: Record<string, unknown> = {
      profile: rows[0],
      sessions: await this.listSessions(identity),
    };
    for (const data of this.#personalData) {
      exported[data.name] = await data.collect(database, identity.personId);
    }
    return exported;
  }

  /**
   * Removes a person and every link to them; their tokens end everywhere. Fault: `forbidden` for
   * the last admin while others are there.
   */
  async deletePerson(identity: Identity): Promise<void> {
    const id = identity.personId;
    await this.#options.database.transaction(async (connection) => {
      const { admins, person } = await this.#holdAdmins(connection, id);
      if (person === null) return;
      const others = await connection.query(
        'select from people where id <> $1 and password_hash is not null limit 1',
        [id],
      );
      if (admins.has(id) && admins.size === 1 && others.rowCount !== 0) throw lastAdmin();
      await endOtherSessions(connection, id, null);
      for (const data of this.#personalData) await data.forget(connection, [id]);
      await connection.query('delete from people where id = $1', [id]);
    });
    await this.#revocations.refresh();
  }

  /**
   * Gives a person exactly these roles (and `member`). Faults: `forbidden` unless the actor is an
   * admin at this moment, or when it would leave no admin; `not_found`.
   */
  async setRoles(
    actor: Identity,
    personId: string,
    roles: readonly Role[],
  ): Promise<SignedIn['person']> {
    const bearer = await this.#options.database.transaction(async (connection) => {
      const { admins, person } = await this.#holdAdmins(connection, personId);
      if (!admins.has(actor.personId)) throw new PeopleFault('forbidden');
      if (person === null) throw new PeopleFault('not_found');
      const arranged = arrangeRoles(roles);
      if (arranged.join() === arrangeRoles(person.roles).join()) return person;
      const isLast = admins.has(personId) && admins.size === 1;
      if (isLast && !arranged.includes('admin')) throw lastAdmin();
      const changed = await changeAccount(connection, personId, { roles: arranged });
      await outdateTokens(connection, personId, changed.version);
      return changed;
    });
    await this.#revocations.refresh();
    return describe(bearer);
  }

  /** Makes throw-away people (1 to 50,000) with an access token each. */
  async mintSynthetic(count: number): Promise<SyntheticPeople> {
    return mintSynthetic(this.#options.database, this.#access, count);
  }

  /** Removes all throw-away people; returns how many there were. */
  async removeSynthetic(): Promise<number> {
    const removed = await removeSynthetic(this.#options.database, this.#personalData);
    await this.#revocations.refresh();
    return removed;
  }

  /**
   * The id of one of the demo's people, made when it is not there. Nobody can sign in as them by
   * name; where a registered person has the name, the next free one is taken (`Ada 2`).
   */
  async ensureDemoPerson(wanted: { name: string; roles: readonly Role[] }): Promise<string> {
    const roles = arrangeRoles(wanted.roles);
    for (let number = 1; number <= 100; number += 1) {
      const name = readName(number === 1 ? wanted.name : `${wanted.name} ${number}`);
      const { database } = this.#options;
      const id = await addDemoAccount(database, { ...name, id: randomUUID(), roles });
      if (id !== null) return id;
    }
    throw new PeopleFault('name_taken', `All names like ${wanted.name} are taken`);
  }

  async close(): Promise<void> {
    await this.#revocations.close();
  }

  #holdAdmins(connection: Queryable, person: string) {
    return holdAdmins(connection, { person, isDemo: !this.#options.isFirstAdmin });
  }

  async #hash(password: string, onFailure: () => void): Promise<string> {
    try {
      return await this.#passwords.hash(password);
    } catch (error) {
      onFailure();
      throw error;
    }
  }

  /** Checks the current password and hashes the new one: from which hash to which. */
  async #replacePassword(
    identity: Identity,
    change: ProfileChange,
  ): Promise<{ from: string; to: string }> {
    const { password, currentPassword } = change;
    if (currentPassword === undefined || password === undefined) {
      throw new PeopleFault('invalid', 'currentPassword: needed to change the password');
    }
    const attempt = this.#attempts.confirm(identity.personId);
    try {
      const { rows } = await this.#options.database.query<{ password_hash: string | null }>(
        'select password_hash from people where id = $1',
        [identity.personId],
      );
      const from = rows[0]?.password_hash ?? null;
      const isRight = await this.#passwords.verify(currentPassword, from);
      if (from === null || !isRight) throw wrongPassword();
      const to = await this.#passwords.hash(password);
      attempt.succeeded();
      return { from, to };
    } catch (error) {
      if (!(error instanceof PeopleFault && error.code === 'wrong_credentials')) {
        attempt.cancelled();
      }
      throw error;
    }
  }

  /**
   * Begins a session. `passwordHash`: what the password was held against; it must be the person's
   * still, else a changed password would let the old one in.
   */
  async #open(
    personId: string,
    passwordHash: string | null,
    userAgent: string | undefined,
  ): Promise<SignedInTokens | null> {
    const token = this.#refresh.first(randomUUID());
    const account = await this.#options.database.transaction(async (connection) => {
      const held = await holdAccount(connection, personId);
      if (held === null || held.password_hash !== passwordHash) return null;
      const session = { person: personId, token, userAgent: readUserAgent(userAgent) };
      await beginSession(connection, session);
      return held;
    });
    return account === null ? null : this.#sign(account, token);
  }

  async #end(personId: string, sessionId: string): Promise<boolean> {
    const ended = await endSessions(this.#options.database, personId, [sessionId]);
    await this.#revocations.refresh();
    return ended > 0;
  }

  #sign(bearer: Bearer, refresh: { text: string; sessionId: string }): SignedInTokens {
    const { token, expiresAtMs } = this.#access.issue({
      personId: bearer.id,
      sessionId: refresh.sessionId,
      name: bearer.name,
      roles: bearer.roles,
      isSynthetic: false,
      version: bearer.version,
    });
    return {
      person: describe(bearer),
      accessToken: token,
      refreshToken: refresh.text,
      expiresAt: new Date(expiresAtMs).toISOString(),
    };
  }
}

function describe({ id, name, roles }: Bearer): SignedIn['person'] {
  return { id, name, roles };
}

function lastAdmin(): PeopleFault {
  return new PeopleFault('forbidden', 'The last admin: give the role to somebody else first');
}

function wrongPassword(): PeopleFault {
  return new PeopleFault('wrong_credentials', 'The current password is wrong');
}
