import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, chmodSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startEmbeddedPostgres } from '../server/src/db/embedded.ts';

/** The real programs that the tests run against. */
export interface Surroundings {
  /** For the tests' processes: TEST_DATABASE_URL, TEST_REDIS_URL, CHROMIUM, where they exist. */
  environment: NodeJS.ProcessEnv;
  /** What is not on this machine, and what is therefore skipped. */
  missing: string[];
  close(): Promise<void>;
}

/** An operator's own settings must not lead a test into a real installation. */
const operatorSettings = [
  'PORT',
  'HOST',
  'DATA_DIR',
  'DATABASE_URL',
  'REDIS_URL',
  'PUBLIC_URL',
  'LIMITS',
  'HOSTING',
  'PAYMENT_PROVIDERS',
  'STRIPE_SECRET_KEY',
  'STRIPE_WEBHOOK_SECRET',
  'LOG_LEVEL',
];

/** Starts one PostgreSQL for the whole run; finds or starts Redis; finds Chromium. */
export async function openSurroundings(): Promise<Surroundings> {
  const environment = { ...process.env };
  for (const name of operatorSettings) delete environment[name];
  const missing: string[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'dibs-check-'));
  chmodSync(folder, 0o755); // As root, PostgreSQL runs under an account that must pass through.
  const postgres = await startEmbeddedPostgres({ dataDirectory: folder, log: () => {} });
  environment['TEST_DATABASE_URL'] = postgres.url;
  const redis = await findRedis(folder);
  if (redis) environment['TEST_REDIS_URL'] = redis.url;
  else missing.push('Redis (REDIS_URL, 127.0.0.1:6379 or redis-server on the PATH)');
  const chromium = findChromium();
  if (chromium) environment['CHROMIUM'] = chromium;
  else missing.push('Chromium (CHROMIUM, or chromium or google-chrome on the PATH)');
  return {
    environment,
    missing,
    async close() {
      await redis?.close();
      await postgres.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Redis of REDIS_URL, else on the usual port, else one of our own on a free port. */
async function findRedis(folder: string) {
  const url = process.env['REDIS_URL'] || 'redis://127.0.0.1:6379';
  if (await answersPing(url)) return { url, close: async () => {} };
  const program = findOnPath('redis-server');
  if (!program) return undefined;
  const port = await findFreePort();
  const flags = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', ''];
  const child = spawn(program, flags, { stdio: 'ignore' });
  child.on('error', () => {});
  process.once('exit', () => child.kill('SIGKILL'));
  const own = `redis://127.0.0.1:${port}`;
  for (let waitedMs = 0; waitedMs < 5_000; waitedMs += 50) {
    if (await answersPing(own)) return { url: own, close: () => endRedis(child) };
    await sleep(50);
  }
  child.kill('SIGKILL');
  throw new Error(`${program} was started on port ${port} and did not answer within 5 s`);
}

async function endRedis(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

/** Asks for an answer, because anything may listen on that port. */
async function answersPing(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port || 6379), hostname);
  socket.setTimeout(1_000, () => socket.destroy(new Error('no answer')));
  try {
    await once(socket, 'connect');
    socket.write('PING\r\n');
    const [answer] = await once(socket, 'data');
    // A Redis that wants a password answers so, and is a Redis too.
    return /^(\+PONG|-NOAUTH)/.test(String(answer));
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

function findChromium(): string | undefined {
  const given = process.env['CHROMIUM'];
  if (given) return given;
  for (const name of ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']) {
    const found = findOnPath(name);
    if (found) return found;
  }
  return undefined;
}

function findOnPath(name: string): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}
