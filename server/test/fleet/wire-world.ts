import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { readOrCreateSecret } from '../../src/db/installation.ts';
import { openDatabase } from '../../src/db/pool.ts';
import { AccessTokens } from '../../src/people/access-tokens.ts';
import type { Revocations } from '../../src/people/revocations.ts';
import { createTestDatabase, type TestDatabase } from '../database.ts';
import {
  audit,
  call,
  callUntil,
  callWell,
  claim,
  mint,
  openDrop,
  readDrop,
  register,
} from './api.ts';
import { RawConnection, requestText } from './raw-connection.ts';
import { ServerProcess } from './server-process.ts';

/** A request that no honest client sends, and the problem it should get. */
export interface Abuse {
  readonly what: string;
  readonly method?: string;
  readonly path: string;
  /** Ben's unless given; null: none. */
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is; an object is sent as JSON. */
  readonly body?: string | object;
  /** `status code`, or several that would be right. */
  readonly expect: string | RegExp;
}

/**
 * A server with an admin, a host (Hugo) and two members. Hugo has two drops: in one, which is open,
 * Ann has claimed a unit; the other opens in an hour.
 */
export class WireWorld {
  readonly server: ServerProcess;
  readonly tokens: Readonly<Record<string, string>>;
  readonly drop: string;
  readonly scheduled: string;
  /** Ann's. */
  readonly order: string;
  readonly #database: TestDatabase;
  #figures: unknown;

  private constructor(
    parts: Pick<WireWorld, 'server' | 'tokens' | 'drop' | 'scheduled' | 'order'> & {
      database: TestDatabase;
    },
  ) {
    this.server = parts.server;
    this.tokens = parts.tokens;
    this.drop = parts.drop;
    this.scheduled = parts.scheduled;
    this.order = parts.order;
    this.#database = parts.database;
  }

  static async open(): Promise<WireWorld> {
    const database = await createTestDatabase();
    const server = await ServerProcess.start({ databaseUrl: database.url });
    const { url } = server;
    const admin = (await register(url, 'Ada')).accessToken;
    const [ann, ben] = (await mint(url, admin, 2)) as [Actor, Actor];
    const host = (await register(url, 'Hugo')).accessToken;
    const drop = await openDrop(url, host);
    const { body } = await claim(url, drop, { token: ann.accessToken });
    const opensAt = new Date(Date.now() + 3_600_000).toISOString();
    const scheduled = await openDrop(url, host, { opensAt });
    const good = { admin, host, ann: ann.accessToken, ben: ben.accessToken };
    const tokens = { ...good, ...(await forge(database.url, ben.id)) };
    const order = body['id'] as string;
    const world = new WireWorld({ server, tokens, drop, scheduled, order, database });
    // What is listed runs a moment after what happened.
    const listed = () => call(url, 'GET', '/v1/drops');
    await callUntil(listed, ({ body: { items } }) => (items as unknown[]).length === 2);
    world.#figures = await world.#read();
    return world;
  }

  /** Everything is as it was at the beginning. */
  async expectUnchanged(): Promise<void> {
    assert.deepEqual(await this.#read(), this.#figures);
  }

  async expectRefused(abuses: readonly Abuse[]): Promise<void> {
    for (const abuse of abuses) await this.#expectRefused(abuse);
    await this.expectUnchanged();
  }

  async close(): Promise<void> {
    await this.server.stop();
    await this.#database.drop();
  }

  async #read(): Promise<unknown> {
    const { url } = this.server;
    const { items } = await callWell<{ items: unknown[] }>(url, 'GET', '/v1/drops');
    const orders = [];
    for (const token of [this.tokens['ann'], this.tokens['ben']]) {
      orders.push((await call(url, 'GET', '/v1/orders', { token })).body);
    }
    const { log } = await audit(url, this.drop);
    const { left, held, status } = await readDrop(url, this.scheduled);
    return { log, orders, drops: items.length, scheduled: { left, held, status } };
  }

  async #expectRefused(abuse: Abuse): Promise<void> {
    const { what, expect } = abuse;
    const connection = new RawConnection(this.server.port);
    connection.send(this.#write(abuse));
    const [answer] = await connection.untilAnswers(1).catch((error) => {
      throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
    });
    connection.leave();
    assert.ok(answer);
    const type = answer.headers.get('content-type') ?? '';
    const problem = type.startsWith('application/problem+json') ? JSON.parse(answer.body) : {};
    const received = `${answer.status} ${problem.code}`;
    const isRight = typeof expect === 'string' ? received === expect : expect.test(received);
    assert.ok(isRight, `${what}: ${received}, not ${expect}: ${answer.body.slice(0, 300)}`);
    assert.equal(problem.status, answer.status, what);
    assert.equal(problem.type, `/docs/errors#${problem.code}`, what);
    assert.doesNotMatch(answer.body, /\.ts:|node_modules|select |insert /, what);
  }

  #write({ method = 'POST', path, token = this.tokens['ben'] ?? null, ...abuse }: Abuse): string {
    const headers: Record<string, string> = { ...abuse.headers };
    if (token !== null) headers['authorization'] ??= `Bearer ${token}`;
    const body = typeof abuse.body === 'object' ? JSON.stringify(abuse.body) : abuse.body;
    if (body !== undefined) headers['content-type'] ??= 'application/json';
    return requestText(method, path, headers, body);
  }
}

type Actor = Awaited<ReturnType<typeof mint>>[number];

/** Tokens that are not good, although they look so. */
async function forge(databaseUrl: string, personId: string): Promise<Record<string, string>> {
  const pool = openDatabase({ url: databaseUrl });
  const secret = await readOrCreateSecret(pool, 'token secret');
  await pool.close();
  const identity = { personId, sessionId: randomUUID(), name: 'Ben', isSynthetic: false };
  const claims = { ...identity, roles: ['admin'] as const, version: 1 };
  const issue = (key: Buffer, ageMs: number) =>
    new AccessTokens({
      secret: key,
      now: () => Date.now() - ageMs,
      revocations: {} as Revocations,
    }).issue(claims).token;
  const foreign = issue(randomBytes(32), 0);
  const [, payload] = foreign.split('.');
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return {
    expired: issue(secret, 3_600_000),
    ofTheFuture: issue(secret, -3_600_000),
    foreign,
    unsigned: `${encode({ alg: 'none', typ: 'JWT' })}.${payload}.`,
    signatureCut: `${issue(secret, 0).split('.').slice(0, 2).join('.')}.`,
    otherPayload: [foreign.split('.')[0], payload, issue(secret, 5_000).split('.')[2]].join('.'),
    garbage: 'x'.repeat(4_000),
  };
}
