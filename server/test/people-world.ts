import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { listen } from '../src/db/listen.ts';
import { type Database, openDatabase } from '../src/db/pool.ts';
import {
  createPeople,
  type Identity,
  type People,
  PeopleFault,
  type PeopleOptions,
  type SignedInTokens,
} from '../src/people/people.ts';
import { createTestDatabase } from './database.ts';

/** Real time, but it can be set forward. */
export class TestClock {
  #aheadMs = 0;

  now(): number {
    return Date.now() + this.#aheadMs;
  }

  advance(milliseconds: number): void {
    this.#aheadMs += milliseconds;
  }

  after(delayMs: number, run: () => void): { cancel(): void } {
    const timer = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(timer) };
  }
}

/** An installation's people on a database of its own, as one or several processes have them. */
export interface PeopleWorld {
  readonly database: Database;
  readonly clock: TestClock;
  readonly secret: Buffer;
  /** Another process of the same installation. */
  join(changes?: Partial<PeopleOptions>): Promise<People>;
  close(): Promise<void>;
}

export async function createPeopleWorld(): Promise<PeopleWorld> {
  const { url, drop } = await createTestDatabase();
  const database = openDatabase({ url });
  const clock = new TestClock();
  const secret = randomBytes(32);
  const joined: People[] = [];
  return {
    database,
    clock,
    secret,
    async join(changes = {}) {
      const people = await createPeople({
        database,
        listen: (wanted) => listen({ url, ...wanted }),
        secret,
        clock,
        isFirstAdmin: true,
        limits: 'off',
        ...changes,
      });
      joined.push(people);
      return people;
    },
    async close() {
      for (const people of joined) await people.close();
      await database.close();
      await drop();
    },
  };
}

/** Waits for a change of what `people` know to be revoked until `isDone`; fails after `limitMs`. */
export async function untilRevoked(
  people: People,
  isDone: () => boolean,
  limitMs = 5_000,
): Promise<void> {
  if (isDone()) return;
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      stop();
      reject(new Error(`not revoked within ${limitMs} ms`));
    }, limitMs);
    const stop = people.onRevoked(() => {
      if (!isDone()) return;
      clearTimeout(timer);
      stop();
      resolve();
    });
  });
}

export const anna = { name: 'Anna', password: 'correct horse battery' };
export const ben = { name: 'Ben', password: 'staple of the lake' };
export const laptop = { address: '192.0.2.1', userAgent: 'Laptop/1.0' };
export const phone = { address: '192.0.2.2', userAgent: 'Phone/1.0' };

/** Empties the tables, so that a test has them for itself. */
export async function emptyPeople(database: Database): Promise<void> {
  await database.query('truncate people, sessions, founder, contests, orders cascade');
}

/** For assert.rejects: a PeopleFault of this code. */
export function fault(code: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof PeopleFault, String(error));
    assert.equal(error.code, code);
    return true;
  };
}

/** Whom an access token names, which must be good. */
export function readIdentityOf({ accessToken }: SignedInTokens, by: People): Identity {
  const identity = by.identify(accessToken);
  assert.ok(identity !== null && identity !== 'expired', `the token is ${identity}`);
  return identity;
}

/** A contest with one paid order (position 7) and its history. */
export async function addContest(database: Database, host: string, buyer: string): Promise<string> {
  const contest = randomUUID();
  await database.query('insert into contests (id, kind, host, title) values ($1, $2, $3, $4)', [
    contest,
    'drop',
    host,
    'Lantern',
  ]);
  await database.query(
    `insert into orders (contest, seq, person, quantity, amount, currency, status,
         created_at, pay_by, history)
     values ($1, 7, $2, 1, 2400, 'EUR', 'paid', now(), now(), $3)`,
    [contest, buyer, '7 0 1790000000000 claimed\n9 0 1790000001000 paid\n'],
  );
  return contest;
}
