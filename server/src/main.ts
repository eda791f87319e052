import { once } from 'node:events';
import type { Server } from 'node:http';
import { fileURLToPath } from 'node:url';
import { type Logger, pino } from 'pino';
import { Arena } from './arena/arena.ts';
import { systemClock } from './arena/clock.ts';
import { Drops } from './catalogue/drops.ts';
import { Orders } from './catalogue/orders.ts';
import { type Config, publicUrlOf, readConfig } from './config.ts';
import { listen } from './db/listen.ts';
import { Demo } from './demo/demo.ts';
import { createAuthentication } from './http/authenticate.ts';
import { makeClaimsHandler } from './http/claims.ts';
import { makeLimits } from './http/limits.ts';
import { demoRoutes } from './http/routes/demo.ts';
import { dropRoutes } from './http/routes/drops.ts';
import { ordersRoutes } from './http/routes/orders.ts';
import { paymentsRoutes } from './http/routes/payments.ts';
import { peopleRoutes } from './http/routes/people.ts';
import { proofRoutes } from './http/routes/proof.ts';
import { systemRoutes } from './http/routes/system.ts';
import { createHttpServer } from './http/server.ts';
import { handleStream } from './http/stream.ts';
import { webRoutes } from './http/web.ts';
import { createFanOut } from './journal/fan-out/fan-out.ts';
import { Projector } from './journal/projector.ts';
import { Upkeep } from './journal/upkeep.ts';
import { runAudit } from './ops/audit-command.ts';
import { makeHealth } from './ops/health.ts';
import { makeMetrics } from './ops/metrics.ts';
import { createPayments, paymentData } from './payments/payments.ts';
import { createPeople, mayHost } from './people/people.ts';
import { openStorage, type Storage } from './storage.ts';

/** How to serve, beyond what the environment says. */
export interface ServeOptions {
  readonly isDemo: boolean;
  readonly isFresh: boolean;
  /** People of the synthetic crowd to send to the demo drop; 0: none. */
  readonly crowd: number;
}

/** A running server. */
export interface Running {
  /** Where it listens. */
  readonly url: string;
  /** Answers what is in, then stops everything in order. Harmless when called twice. */
  close(): Promise<void>;
}

/** A drain gives streams this long to spread their coming back over. */
const RECONNECT_SPREAD_MS = 3_000;
/** Requests that are still under way after this are cut off. */
const DRAIN_MS = 10_000;
const WEB_DIRECTORY = fileURLToPath(new URL('../../web/dist', import.meta.url));

/** Starts everything and serves until SIGINT or SIGTERM; then drains and returns. */
export async function runServer(options: ServeOptions): Promise<void> {
  const config = readConfig(process.env);
  const logger = pino({ level: config.logLevel });
  const running = await startServer(config, options, logger);
  process.stdout.write(`\n  Dibs is here:  ${running.url}\n\n`);
  await new Promise<void>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
  logger.info('draining: answering what is in');
  await running.close();
}

/** `dibs audit`: opens the installation's storage, audits, closes; resolves to the exit code. */
export async function auditInstallation(contest: string | null, isRepair: boolean): Promise<number> {
  const { databaseUrl, dataDirectory } = readConfig(process.env);
  const log = (line: string) => void process.stderr.write(`${line}\n`);
  const storage = await openStorage({ databaseUrl, dataDirectory, isFresh: false, log });
  try {
    return await runAudit(storage, contest, isRepair);
  } finally {
    await storage.close();
  }
}

/** Composes the server: the one place that knows all parts and in which order they start and end. */
export async function startServer(
  config: Config,
  options: ServeOptions,
  logger: Logger,
): Promise<Running> {
  const closers: (() => Promise<unknown>)[] = [];
  const close = once1(async () => {
    for (const closeOne of closers.splice(0).reverse()) {
      await closeOne().catch((error) => logger.error({ err: error }, 'a part did not close'));
    }
  });
  try {
    const storage = await openStorage({
      databaseUrl: config.databaseUrl,
      dataDirectory: config.dataDirectory,
      isFresh: options.isFresh,
      log: (line) => logger.info(line),
    });
    closers.push(() => storage.close());
    const parts = await startParts({ config, options, logger, storage, closers });
    const url = await listenHttp(parts.server, config);
    closers.push(() => parts.drain());
    if (parts.demo !== null) await parts.demo.start(url, options.crowd);
    return { url, close };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Composition {
  readonly config: Config;
  readonly options: ServeOptions;
  readonly logger: Logger;
  readonly storage: Storage;
  readonly closers: (() => Promise<unknown>)[];
}

interface Parts {
  readonly server: Server;
  readonly demo: Demo | null;
  /** Takes nothing new in, answers what is in, sends streams away to come back elsewhere. */
  drain(): Promise<void>;
}

async function startParts(composition: Composition): Promise<Parts> {
  const { config, options, logger, storage, closers } = composition;
  const { database, log, store, pseudonyms } = storage;
  const publicUrl = publicUrlOf(config, config.port);
  let isDraining = false;
  const clock = systemClock;
  const alarms = { count: () => {} };
  const onAlarm = (what: string, error: unknown) => {
    alarms.count();
    logger.error({ err: error, what }, 'alarm');
  };

  const arena: Arena = new Arena({
    log,
    clock,
    snapshots: storage.snapshots,
    pseudonyms,
    seedOf: (contest) => drops.seedOf(contest),
    onAlarm,
  });
  const drops = new Drops({ database, arena, pseudonyms });
  const projector = new Projector({ arena, log, store, clock, pseudonyms, onAlarm });
  await arena.start();
  closers.push(() => projector.close());
  closers.push(() => arena.close());
  const upkeep = new Upkeep({
    database,
    databaseUrl: storage.databaseUrl,
    log,
    onError: (error) => onAlarm('upkeep', error),
  });
  closers.push(() => upkeep.close());

  const payments = createPayments({
    database,
    arena,
    pseudonyms,
    clock,
    onAlarm,
    config: { ...config.payments, publicUrl },
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

  const authentication = createAuthentication({ people, publicUrl });
  const orders = new Orders({
    database,
    arena,
    pseudonyms,
    clock,
    hurry: () => projector.hurry(),
  });
  const limits = makeLimits(config.isLimited);
  const demo = options.isDemo ? new Demo({ people, drops, now: () => arena.now(), logger }) : null;
  const metrics = makeMetrics({
    onApplied: (listener) => arena.onApplied(listener),
    projectorLag: () => projector.lag,
    streams: () => ({ ...fanOut.stats }),
    databaseConnections: () => database.count(),
  });
  alarms.count = metrics.alarm;
  const claims = makeClaimsHandler({
    arena,
    identify: (request) => authentication.requireIdentity(request),
    limit: config.isLimited ? (identity) => limits.command(identity) : null,
    onError: (error) => logger.error({ err: error }, 'a claim broke'),
  });
  const streams = { fanOut, identify: authentication.identify };
  const { server } = await createHttpServer({
    logger,
    publicUrl,
    thin: [
      claims,
      (request, response) => {
        const isStream = request.method === 'GET' && /^\/v1\/stream(\?|$)/.test(request.url ?? '');
        if (isStream) void handleStream(request, response, streams);
        return isStream;
      },
    ],
    routes: async (app) => {
      authentication.hook(app, limits);
      peopleRoutes(app, { people, config: { publicUrl } });
      dropRoutes(app, { drops, arena, mayHost: (identity) => mayHost(identity, config) });
      ordersRoutes(app, { orders, payments });
      paymentsRoutes(app, { payments });
      proofRoutes(app, { arena, log, database, store, pseudonyms });
      systemRoutes(app, {
        health: makeHealth({ database, isDraining: () => isDraining }),
        metrics: metrics.text,
        installation: async () => ({
          name: 'Dibs',
          version: VERSION,
          demo: demo === null ? null : demo.describe(),
          payments: payments.providers,
          hosting: config.hosting,
          fresh: await people.isFresh(),
        }),
      });
      if (demo !== null) demoRoutes(app, demo);
      await webRoutes(app, WEB_DIRECTORY);
    },
  });
  await projector.start();
  payments.start();
  upkeep.start();
  const drain = async () => {
    isDraining = true;
    await Promise.all([closeHttp(server), fanOut.close({ spreadMs: RECONNECT_SPREAD_MS })]);
  };
  return { server, demo, drain };
}

const VERSION = '0.1.0';
/** Load tests come from one address and as few people. */
const UNLIMITED_STREAMS = {
  streamsMax: 100_000,
  streamsPerAddressMax: 100_000,
  streamsPerPersonMax: 100_000,
};

async function listenHttp(server: Server, { port, host }: Config): Promise<string> {
  server.listen({ port, host, backlog: LISTEN_BACKLOG });
  await Promise.race([
    once(server, 'listening'),
    once(server, 'error').then(([error]) => Promise.reject(explainListen(error, host, port))),
  ]);
  const address = server.address();
  const shown = host.includes(':') ? `[${host}]` : host;
  return `http://${shown}:${typeof address === 'object' ? address?.port : port}`;
}

/** Connections the kernel may keep waiting while a crowd arrives. */
const LISTEN_BACKLOG = 4_096;

function explainListen(error: NodeJS.ErrnoException, host: string, port: number): Error {
  if (error.code !== 'EADDRINUSE') return error;
  const message = `port ${port} of ${host} is in use: stop what listens there, or set PORT`;
  return new Error(message, { cause: error });
}

/** No new connections, idle ones closed, requests under way answered. */
async function closeHttp(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
  await closed;
  clearTimeout(cut);
}

/** Runs `work` at the first call; every call gets that one's promise. */
function once1(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  return () => {
    running ??= work();
    return running;
  };
}
