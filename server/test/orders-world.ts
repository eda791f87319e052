import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { FactShape } from '@dibs/rules/contests/contest.ts';
import { orderId } from '@dibs/rules/kernel/ids.ts';
import type { Role } from '@dibs/sdk/wire';
import { pino } from 'pino';
import { Arena, type Submission } from '../src/arena/arena.ts';
import { systemClock } from '../src/arena/clock.ts';
import { Pseudonyms } from '../src/arena/pseudonyms.ts';
import { Drops } from '../src/catalogue/drops.ts';
import { Orders } from '../src/catalogue/orders.ts';
import { listen } from '../src/db/listen.ts';
import { type Database, openDatabase } from '../src/db/pool.ts';
import { identifyHook } from '../src/http/authenticate.ts';
import { makeLimits } from '../src/http/limits.ts';
import { ordersRoutes } from '../src/http/routes/orders.ts';
import { paymentsRoutes } from '../src/http/routes/payments.ts';
import { createHttpServer } from '../src/http/server.ts';
import { Projector } from '../src/journal/projector.ts';
import { PostgresProjectionStore } from '../src/journal/store-postgres.ts';
import { PostgresLog } from '../src/log/postgres.ts';
import { createPayments, type Payments } from '../src/payments/payments.ts';
import type { StripeConfig } from '../src/payments/stripe.ts';
import { createTestDatabase } from './database.ts';

/** Real database, log, arena, projector, payments and HTTP server; people by minted tokens. */

export interface Person {
  readonly id: string;
  /** Calls the API as this person. */
  call(method: string, path: string, body?: unknown, headers?: Headers): Promise<Answer>;
}

type Headers = Readonly<Record<string, string>>;

export interface Answer {
  readonly status: number;
  readonly headers: globalThis.Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came
  readonly body: any;
}

export interface OrdersWorld {
  readonly database: Database;
  readonly arena: Arena;
  readonly url: string;
  readonly payments: Payments;
  readonly alarms: { payment: string; error: unknown }[];
  /** Called before (and may stand in for) each command that payments submit. */
  intercept:
    | ((submission: Submission, submit: Arena['submit']) => ReturnType<Arena['submit']>)
    | null;
  /** Payments of another process on the same database; not started. */
  anotherProcess(): Payments;
  addPerson(roles?: readonly Role[]): Promise<Person>;
  addDrop(drop: { stock: number; amount?: number; payWithinSeconds?: number }): Promise<string>;
  /** Claims units; the order's id. */
  claim(drop: string, person: Person, quantity?: number): Promise<string>;
  /** Resolves once a fact of this type about this order is in the log. */
  fact(order: string, type: string): Promise<FactShape>;
  /** All facts about an order so far, in order. */
  facts(order: string): string[];
  close(): Promise<void>;
}

export async function openOrdersWorld(
  options: { stripe?: StripeConfig; pollMs?: number; isStarted?: boolean } = {},
): Promise<OrdersWorld> {
  const test = await createTestDatabase();
  const database = openDatabase({ url: test.url, connectionsMax: 8 });
  const pseudonyms = new Pseudonyms(Buffer.alloc(32, 7));
  const alarms: { payment: string; error: unknown }[] = [];
  const onAlarm = (payment: string, error: unknown) => alarms.push({ payment, error });
  const log = new PostgresLog({
    database,
    listen: (channel, onNotice) =>
      listen({
        url: test.url,
        channels: { [channel]: onNotice },
        onListening: () => onNotice(null),
      }),
  });
  const clock = systemClock;
  const snapshots = { load: async () => null };
  const seedOf = async () => null;
  const arena = new Arena({ log, clock, snapshots, pseudonyms, seedOf, onAlarm });
  await arena.start();
  const store = new PostgresProjectionStore(database);
  const projector = new Projector({ arena, log, store, clock, pseudonyms, onAlarm });
  await projector.start();
  const watch = watchFacts(arena);
  const intercepted = {
    now: () => arena.now(),
    read: (contest: string) => arena.read(contest),
    submit: (submission: Submission) =>
      world.intercept?.(submission, (it) => arena.submit(it)) ?? arena.submit(submission),
  };
  const makePayments = () =>
    createPayments({
      database,
      arena: intercepted,
      pseudonyms,
      clock,
      onAlarm,
      config: {
        sandbox: true,
        stripe: options.stripe ?? null,
        publicUrl: 'http://dibs.test',
        pollMs: options.pollMs ?? 200,
      },
    });
  const payments = makePayments();
  if (options.isStarted !== false) payments.start();
  const others: Payments[] = [];
  const orders = new Orders({ database, arena, pseudonyms, clock });
  const identities = new Map<string, { id: string; roles: readonly Role[] }>();
  const { server, app } = await createHttpServer({
    logger: pino({ level: process.env['TEST_LOG'] ?? 'silent' }),
    publicUrl: 'http://dibs.test',
    thin: [],
    routes: (routes) => {
      const identify = (token: string) => {
        const found = identities.get(token);
        if (found === undefined) return null;
        const { id: personId, roles } = found;
        return { personId, roles, sessionId: personId, name: token, isSynthetic: false };
      };
      const by = { people: { identify }, publicUrl: 'http://dibs.test' };
      identifyHook(routes, by, makeLimits(false));
      ordersRoutes(routes, { orders, payments });
      paymentsRoutes(routes, { payments });
    },
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const drops = new Drops({ database, arena, pseudonyms });
  const host = randomUUID();
  const world: OrdersWorld = {
    database,
    arena,
    url,
    payments,
    alarms,
    intercept: null,
    anotherProcess() {
      const another = makePayments();
      others.push(another);
      return another;
    },
    async addPerson(roles = ['member']) {
      const id = randomUUID();
      await database.query(
        'insert into people (id, name, name_key, roles) values ($1::uuid, $1::text, $1::text, $2)',
        [id, roles],
      );
      identities.set(id, { id, roles });
      return {
        id,
        call: (method, path, body, headers = {}) =>
          call(url + path, method, body, { authorization: `Bearer ${id}`, ...headers }),
      };
    },
    async addDrop({ stock, amount = 1_000, payWithinSeconds = 600 }) {
      const opensAt = new Date(Date.now() - 1_000).toISOString();
      const price = { amount, currency: 'EUR' };
      const limits = { limitPerPerson: 10, quantityMax: 5, payWithinSeconds };
      const drop = { title: 'Lamp', stock, price, opensAt, ...limits };
      return (await drops.create(host, drop, null)).id;
    },
    async claim(drop, person, quantity = 1) {
      const command = { type: 'claim', quantity };
      const verdict = await arena.submit({ contest: drop, person: person.id, key: null, command });
      if (verdict.type !== 'accepted') throw new Error(`claim: ${JSON.stringify(verdict)}`);
      return orderId(drop, verdict.seq);
    },
    fact: watch.fact,
    facts: (order) => (watch.known.get(order) ?? []).map(({ type }) => type),
    async close() {
      for (const another of others) await another.close();
      await payments.close();
      orders.close();
      server.close();
      server.closeAllConnections();
      await app.close();
      await arena.close();
      await projector.close();
      await database.close();
      await test.drop();
    },
  };
  return world;
}

/** Notes what the arena applies, by order. */
function watchFacts(arena: Arena) {
  const known = new Map<string, FactShape[]>();
  const waiting = new Set<() => void>();
  arena.onApplied(({ contest, steps }) => {
    for (const fact of steps.flatMap(({ facts }) => facts)) {
      const { order } = fact as FactShape & { order?: number };
      if (order === undefined) continue;
      const id = orderId(contest, order);
      known.set(id, [...(known.get(id) ?? []), fact]);
    }
    for (const look of waiting) look();
  });
  const fact = (order: string, type: string) =>
    new Promise<FactShape>((resolve) => {
      const look = () => {
        const found = known.get(order)?.find((each) => each.type === type);
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  return { known, fact };
}

async function call(url: string, method: string, body: unknown, headers: Headers): Promise<Answer> {
  const isText = typeof body === 'string';
  const response = await fetch(url, {
    method,
    headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') === true;
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson && text !== '' ? JSON.parse(text) : null,
  };
}

/** Resolves once `look` finds what it waits for; for rows, which no event tells of. */
export async function eventually<Found>(
  look: () => Promise<Found | null | undefined | false>,
): Promise<Found> {
  const until = Date.now() + 30_000;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > until) throw new Error('waited 30 s in vain');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
