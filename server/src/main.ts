import { once } from 'node:events';
import type { Server } from 'node:http';
import { fileURLToPath } from 'node:url';
import { type Logger, pino } from 'pino';
import { type Config, publicUrlOf, readConfig } from './config.ts';
import type { App } from './http/app.ts';
import { createAuthentication } from './http/authenticate.ts';
import { makeClaimsHandler } from './http/claims.ts';
import { drainHttp } from './http/drain.ts';
import { makeLimits } from './http/limits.ts';
import { demoRoutes } from './http/routes/demo.ts';
import { documentRoutes } from './http/routes/documents.ts';
import { dropRoutes } from './http/routes/drops.ts';
import { ordersRoutes } from './http/routes/orders.ts';
import { paymentsRoutes } from './http/routes/payments.ts';
import { peopleRoutes } from './http/routes/people.ts';
import { proofRoutes } from './http/routes/proof.ts';
import { streamRoutes } from './http/routes/stream.ts';
import { systemRoutes } from './http/routes/system.ts';
import { createHttpServer } from './http/server.ts';
import { makeStreamHandler } from './http/stream.ts';
import { webRoutes } from './http/web.ts';
import { runAudit } from './ops/audit-command.ts';
import { makeHealth } from './ops/health.ts';
import { type Composition, type Parts, type ServeOptions, startParts } from './parts.ts';
import { mayHost } from './people/people.ts';
import { openStorage } from './storage.ts';

/** A running server. */
export interface Running {
  /** Where it listens. */
  readonly url: string;
  /** Answers what is in, then stops everything in order. Harmless when called twice. */
  close(): Promise<void>;
}

/** A drain gives streams this long to spread their coming back over. */
const RECONNECT_SPREAD_MS = 3_000;
const DOCUMENTS_DIRECTORY = fileURLToPath(new URL('../../docs', import.meta.url));
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
export async function auditInstallation(
  contest: string | null,
  isRepair: boolean,
): Promise<number> {
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
  const close = callOnce(async () => {
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
    const composition = { config, options, logger, storage, closers };
    const parts = await startParts(composition);
    const server = await createServer(composition, parts);
    const url = await listenHttp(server, config);
    closers.push(async () => {
      parts.isDraining = true;
      const spreadMs = RECONNECT_SPREAD_MS;
      await Promise.all([drainHttp(server), parts.fanOut.close({ spreadMs })]);
    });
    const { demo } = parts;
    if (demo !== null) {
      closers.push(async () => demo.close());
      await demo.start(url, options.crowd);
    }
    return { url, close };
  } catch (error) {
    await close();
    throw error;
  }
}

const VERSION = '0.1.0';

/** One HTTP server over all parts: what a crowd uses at once first, then everything else. */
async function createServer(composition: Composition, parts: Parts): Promise<Server> {
  const { config, logger } = composition;
  const { arena, fanOut, people } = parts;
  const publicUrl = publicUrlOf(config, config.port);
  const authentication = createAuthentication({ people, publicUrl });
  const limits = makeLimits(config.isLimited);
  const claims = makeClaimsHandler({
    arena,
    identify: (request) => authentication.requireIdentity(request),
    limit: config.isLimited ? (identity) => limits.command(identity) : null,
    onError: (error) => logger.error({ err: error }, 'a claim broke'),
  });
  const streams = makeStreamHandler({ fanOut, identify: authentication.identify });
  const { server } = await createHttpServer({
    logger,
    publicUrl,
    isDraining: () => parts.isDraining,
    thin: [claims, streams],
    routes: async (app) => {
      authentication.hook(app, limits);
      peopleRoutes(app, { people, config: { publicUrl } });
      await addRoutes(app, composition, parts);
    },
  });
  return server;
}

async function addRoutes(app: App, composition: Composition, parts: Parts): Promise<void> {
  const { config, storage } = composition;
  const { arena, demo, drops, metrics, orders, payments, people } = parts;
  dropRoutes(app, { drops, arena, mayHost: (identity) => mayHost(identity, config) });
  ordersRoutes(app, { orders, payments });
  paymentsRoutes(app, { payments });
  proofRoutes(app, { arena, hurry: parts.hurry, ...storage });
  const { database } = storage;
  streamRoutes(app);
  documentRoutes(app, DOCUMENTS_DIRECTORY);
  systemRoutes(app, {
    health: makeHealth({ database, isDraining: () => parts.isDraining }),
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
}

async function listenHttp(server: Server, { port, host }: Config): Promise<string> {
  server.listen({ port, host, backlog: LISTEN_BACKLOG });
  await once(server, 'listening').catch((error) => {
    throw explainListen(error, host, port);
  });
  const address = server.address();
  const shown = host.includes(':') ? `[${host}]` : host;
  return `http://${shown}:${typeof address === 'object' ? address?.port : port}`;
}

/** Connections the kernel may keep waiting while a crowd arrives. */
const LISTEN_BACKLOG = 4_096;

function explainListen(cause: NodeJS.ErrnoException, host: string, port: number): Error {
  const messages: Readonly<Record<string, string>> = {
    EADDRINUSE: `port ${port} of ${host} is in use: stop what listens there, or set PORT`,
    EACCES: `port ${port} of ${host} needs rights this user lacks: set PORT to 1024 or more`,
    EADDRNOTAVAIL: `${host} is no address of this machine: set HOST to one, such as 127.0.0.1`,
    ENOTFOUND: `${host} is not known to this machine: set HOST to an address, such as 127.0.0.1`,
  };
  const message = messages[cause.code ?? ''];
  return message === undefined ? cause : new Error(message, { cause });
}

/** Runs `work` at the first call; every call gets that one's promise. */
function callOnce(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  return () => {
    running ??= work();
    return running;
  };
}
