import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Account, spawnOptions } from './embedded-account.ts';
import { giveTo } from './embedded-place.ts';

/** A running postmaster. */
export interface ServerProcess {
  port: number;
  /** Settles when the postmaster is gone, wanted or not. */
  exited: Promise<void>;
  /** Ends it cleanly ("fast": open transactions are rolled back), by force after 30 s. */
  stop(): Promise<void>;
}

const startLimitMs = 60_000;
const stopLimitMs = 30_000;
const logSizeBytes = 1_000_000;

/**
 * Runs PostgreSQL as long as its standard input stays open. The kernel closes that pipe when Dibs
 * ends, however it ends, so PostgreSQL never outlives it; and PostgreSQL itself is in a session of
 * its own, so Ctrl-C in the terminal reaches only Dibs, which ends it when it has drained.
 */
const watchdog = `
exec 3<&0
"$@" 3<&- </dev/null &
postgres=$!
( read -r _ <&3; kill -INT $postgres 2>/dev/null ) &
wait $postgres
code=$?
kill $! 2>/dev/null
exit $code
`;

/**
 * Settings of the server, on its command line, so that each start has today's. Everything about
 * durability stays as strict as PostgreSQL can be: an acknowledged claim has been synced.
 */
const settings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '100',
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  shared_buffers: '128MB',
  work_mem: '8MB',
  maintenance_work_mem: '64MB',
  max_wal_size: '512MB',
  // Requests here are short; parallel plans and compiled expressions only cost them.
  max_parallel_workers_per_gather: '0',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // Starts, stops and crashes, but no line for each refused statement: the log stays small.
  log_min_messages: 'log',
  log_checkpoints: 'off',
};

/** Starts the postmaster on `port`, or on a free one, and waits until it takes connections. */
export async function startProcess(options: {
  account: Account;
  postgres: string;
  home: string;
  port?: number;
}): Promise<ServerProcess> {
  const { account, postgres, home } = options;
  const port = options.port ?? (await findFreePort());
  const before = readPostmaster(home);
  const logFile = openLog(account, home);
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const program = [postgres, '-D', join(home, 'cluster'), '-p', String(port), ...flags];
  const child = spawn('/bin/sh', ['-c', watchdog, 'dibs-postgres', ...program], {
    ...spawnOptions(account),
    detached: true,
    stdio: ['pipe', logFile, logFile],
    env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' },
  });
  closeSync(logFile);
  // A process that forgot to close must still be able to end; the watchdog then does the rest.
  child.unref();
  (child.stdin as unknown as { unref(): void }).unref();
  child.stdin?.on('error', () => {});
  const exited = once(child, 'exit').then(
    () => {},
    () => {},
  );
  const server = { port, exited, stop: () => stopProcess(child, exited, home) };
  await waitUntilReady({ server, child, home, before });
  return server;
}

/** A port of 127.0.0.1 that nobody listens on at this moment. */
async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no free port found');
  return address.port;
}

function openLog(account: Account, home: string): number {
  const path = join(home, 'server.log');
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size > logSizeBytes) renameSync(path, `${path}.1`);
  const file = openSync(path, 'a', 0o600);
  giveTo(account, path);
  return file;
}

/**
 * PostgreSQL itself writes "ready" as the 8th line of its postmaster.pid. A server that was killed
 * leaves that file behind, so what it says counts only when it is not what it said `before`.
 */
async function waitUntilReady(options: {
  server: ServerProcess;
  child: ChildProcess;
  home: string;
  before: Postmaster | undefined;
}): Promise<void> {
  const { server, child, home, before } = options;
  const deadline = Date.now() + startLimitMs;
  for (;;) {
    const now = readPostmaster(home);
    if (now?.status === 'ready' && now.identity !== before?.identity) return;
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) {
      throw new Error(`PostgreSQL did not start: ${lastWords(home)}`);
    }
    if (Date.now() > deadline) {
      await server.stop();
      throw new Error(
        `PostgreSQL was not ready within ${startLimitMs / 1000} s: ${lastWords(home)}`,
      );
    }
    await sleep(20);
  }
}

async function stopProcess(child: ChildProcess, exited: Promise<void>, home: string) {
  child.ref();
  child.stdin?.destroy();
  const inTime = await Promise.race([
    exited.then(() => true),
    sleep(stopLimitMs, false, { ref: false }),
  ]);
  if (inTime) return;
  const postmaster = readPostmaster(home);
  if (postmaster) sendSignal(postmaster.pid, 'SIGQUIT');
  await exited;
}

/**
 * Ends a server of an earlier run that is still alive although its Dibs is not. Call it only while
 * holding the data folder's lock. Says in the log what it did.
 */
export async function stopStaleServer(home: string, log: (line: string) => void): Promise<void> {
  const stale = readPostmaster(home);
  if (!stale || !isPostgres(stale.pid)) return;
  log(`a PostgreSQL of an earlier run is still there (process ${stale.pid}); stopping it`);
  sendSignal(stale.pid, 'SIGINT');
  const deadline = Date.now() + stopLimitMs;
  let forced = false;
  while (isPostgres(stale.pid) && readPostmaster(home)?.pid === stale.pid) {
    if (Date.now() > deadline) {
      if (forced) throw new Error(`PostgreSQL (process ${stale.pid}) of an earlier run won't stop`);
      forced = true;
      sendSignal(stale.pid, 'SIGQUIT');
    }
    await sleep(20);
  }
}

interface Postmaster {
  pid: number;
  status: string;
  /** Differs between any two servers of a cluster: process id, start time, port, shared memory. */
  identity: string;
}

function readPostmaster(home: string): Postmaster | undefined {
  try {
    const lines = readFileSync(join(home, 'cluster', 'postmaster.pid'), 'utf8').split('\n');
    const pid = Number(lines[0]);
    if (!Number.isInteger(pid) || pid < 2) return undefined;
    return { pid, status: lines[7]?.trim() ?? '', identity: lines.slice(0, 7).join(' ') };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A process id may have been given to somebody else since; only PostgreSQL is ever signalled. */
function isPostgres(pid: number): boolean {
  try {
    const answer = execFileSync('ps', ['-p', String(pid), '-o', 'stat=,command='], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return answer.includes('postgres') && !answer.trim().startsWith('Z');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return isPostgresByProc(pid);
    return false;
  }
}

/** Small container images have no `ps`. */
function isPostgresByProc(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('postgres');
  } catch {
    return false;
  }
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function lastWords(home: string): string {
  const path = join(home, 'server.log');
  if (!existsSync(path)) return 'it left no log';
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  return `${lines.slice(-5).join(' | ')} (see ${path})`;
}
