import type { Logger } from 'pino';
import { Arena } from './arena/arena.ts';
import { systemClock } from './arena/clock.ts';
import { Drops } from './catalogue/drops.ts';
import { Orders } from './catalogue/orders.ts';
import { type Config, publicUrlOf } from './config.ts';
import { listen } from './db/listen.ts';
import { Demo } from './demo/demo.ts';
import { createFanOut, type FanOut } from './journal/fan-out/fan-out.ts';
import { Projector } from './journal/projector.ts';
import { Upkeep } from './journal/upkeep.ts';
import { type Metrics, makeMetrics } from './ops/metrics.ts';
import { createPayments, type Payments, paymentData } from './payments/payments.ts';
import { createPeople, type People } from './people/people.ts';
import type { Storage } from './storage.ts';

/** How to serve, beyond what the environment says. */
export interface ServeOptions {
  readonly isDemo: boolean;
  readonly isFresh: boolean;
  /** People of the synthetic crowd to send to the demo drop; 0: none. */
  readonly crowd: number;
}

/** What the parts are made of. */
export interface Composition {
  readonly config: Config;
  readonly options: ServeOptions;
  readonly logger: Logger;
  readonly storage: Storage;
  /** Called last to first when the server stops. */
  readonly closers: (() => Promise<unknown>)[];
}

/** Everything that runs in a serving process, but for HTTP. */
export interface Parts {
  readonly arena: Arena;
  readonly drops: Drops;
  readonly orders: Orders;
  readonly payments: Payments;
  readonly people: People;
  readonly fanOut: FanOut;
  readonly demo: Demo | null;
  readonly metrics: Metrics;
  /** Tells the projector that somebody waits for rows. */
  readonly hurry: () => void;
  /** This process is going away. */
  isDraining: boolean;
}

/** Load tests come from one address and as few people. */
const UNLIMITED_STREAMS = {
  streamsMax: 100_000,
  streamsPerAddressMax: 100_000,
  streamsPerPersonMax: 100_000,
};

/** Makes and starts the parts, each after those it needs; whatever must be closed is noted. */
export async function startParts(composition: Composition): Promise<Parts> {
  const { config, options, logger, storage, closers } = composition;
  const { database, pseudonyms } = storage;
  const clock = systemClock;
  const alarms = { count: () => {} };
  const onAlarm = (what: string, error: unknown) => {
    alarms.count();
    logger.error({ err: error, what }, 'alarm');
  };
  const { arena, drops, projector } = await startCore(composition, onAlarm);
  const hurry = () => projector.hurry();
  const orders = new Orders({ database, arena, pseudonyms, clock, hurry });
  const payments = createPayments({
    database,
    arena,
    pseudonyms,
    clock,
    onAlarm,
    config: { ...config.payments, publicUrl: publicUrlOf(config, config.port) },
  });
  closers.push(() => payments.close());
  const people = await createPeople({
    database,
    listen: (wanted) => listen({ url: storage.databaseUrl, ...wanted }),
    secret: storage.tokenSecret,
    clock,
    isFirstAdmin: !options.isDemo,
    limits: config.isLimited ? 'on' : 'off',
    personalData: [paymentData],
    log: (line) => logger.warn(line),
  });
  closers.push(() => people.close());
  const fanOut = createFanOut({
    arena,
    pseudonyms,
    isRevoked: (session) => people.isRevoked(session),
    ...(config.isLimited ? {} : { limits: UNLIMITED_STREAMS }),
  });
  const metrics = makeMetrics({
    onApplied: (listener) => arena.onApplied(listener),
    projectorLag: () => projector.lag,
    streams: () => ({ ...fanOut.stats }),
    databaseConnections: () => database.count(),
  });
  alarms.count = metrics.alarm;
  // Rows that fell behind are brought up while people are served already.
  projector.start().catch((error) => onAlarm('projector', error));
  payments.start();
  const demo = options.isDemo ? new Demo({ people, drops, now: () => arena.now(), logger }) : null;
  return {
    arena,
    drops,
    orders,
    payments,
    people,
    fanOut,
    demo,
    metrics,
    hurry,
    isDraining: false,
  };
}

/** The arena and what follows its log. */
async function startCore(
  { storage, closers }: Composition,
  onAlarm: (what: string, error: unknown) => void,
): Promise<{ arena: Arena; drops: Drops; projector: Projector }> {
  const { database, databaseUrl, log, snapshots, store, pseudonyms } = storage;
  const clock = systemClock;
  const arena: Arena = new Arena({
    log,
    clock,
    snapshots,
    pseudonyms,
    seedOf: (contest) => drops.seedOf(contest),
    onAlarm,
  });
  const drops = new Drops({ database, arena, pseudonyms, hurry: () => projector.hurry() });
  const projector = new Projector({ arena, log, store, clock, pseudonyms, onAlarm });
  await arena.start();
  closers.push(() => projector.close());
  closers.push(() => arena.close());
  const onError = (error: unknown) => onAlarm('upkeep', error);
  const upkeep = new Upkeep({ database, databaseUrl, log, onError });
  closers.push(() => upkeep.close());
  upkeep.start();
  return { arena, drops, projector };
}
