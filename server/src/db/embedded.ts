import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { lockDataDirectory } from './data-lock.ts';
import { spawnOptions } from './embedded-account.ts';
import { type Binaries, prepareBinaries } from './embedded-binaries.ts';
import { giveTo, type Place, preparePlace, removePlace } from './embedded-place.ts';
import { type ServerProcess, startProcess, stopStaleServer } from './embedded-process.ts';

export interface EmbeddedPostgres {
  /** Connection URL of the database `dibs`, as a superuser, for this process's lifetime. */
  url: string;
  /** Stops PostgreSQL cleanly and gives the data folder up. Harmless when called twice. */
  close(): Promise<void>;
}

interface EmbeddedOptions {
  /** Dibs' data folder; PostgreSQL's part is `postgres` inside it. Created when missing. */
  dataDirectory: string;
  /** Told, in sentences, what a person should know: first set-up, copies, restarts. */
  log: (line: string) => void;
}

const role = 'dibs';
const restartDelaysMs = [100, 500, 1_000, 2_000, 5_000];

/**
 * Starts the PostgreSQL in the box on a free loopback port, creating its data at the first start.
 *
 * - One Dibs per data folder; another one gets DataDirectoryInUse.
 * - A server that a crashed run left behind is stopped cleanly first; nothing committed is lost.
 * - When PostgreSQL ends by itself it is started again on the same port, so `url` stays true.
 * - PostgreSQL ends with this process, however that ends.
 */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const { log } = options;
  mkdirSync(options.dataDirectory, { recursive: true });
  const dataDirectory = realpathSync(resolve(options.dataDirectory));
  const lock = lockDataDirectory(dataDirectory);
  try {
    const place = preparePlace(dataDirectory, log);
    const binaries = prepareBinaries({ account: place.account, place: place.shelter, log });
    await stopStaleServer(place.home, log);
    const password = await prepareCluster(place, binaries, log);
    const supervised = await supervise({ place, postgres: binaries.postgres, log });
    const url = connectionUrl(supervised.port, password);
    try {
      await createDatabase(url);
    } catch (error) {
      await supervised.close();
      throw error;
    }
    let closed: Promise<void> | undefined;
    const close = () => {
      closed ??= supervised.close().finally(() => lock.release());
      return closed;
    };
    return { url, close };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** Forgets an embedded PostgreSQL: all its data is deleted. It must not be in use. */
export async function forgetEmbeddedPostgres(options: EmbeddedOptions): Promise<void> {
  if (!existsSync(options.dataDirectory)) return;
  const dataDirectory = realpathSync(resolve(options.dataDirectory));
  const lock = lockDataDirectory(dataDirectory);
  try {
    await stopStaleServer(join(dataDirectory, 'postgres'), options.log);
    removePlace(dataDirectory);
  } finally {
    lock.release();
  }
}

/** Creates the cluster where there is none yet. Returns the password. */
async function prepareCluster(
  place: Place,
  binaries: Binaries,
  log: (line: string) => void,
): Promise<string> {
  const cluster = join(place.home, 'cluster');
  const passwordFile = join(place.home, 'password');
  if (existsSync(cluster)) {
    requireVersion(cluster, binaries.major);
    if (!existsSync(passwordFile)) {
      throw new Error(`the password of the database is missing: restore ${passwordFile}`);
    }
    return readFileSync(passwordFile, 'utf8').trim();
  }
  log('setting up PostgreSQL for the first time');
  const password = randomBytes(24).toString('base64url');
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  giveTo(place.account, passwordFile);
  await createCluster(place, binaries.initdb, cluster);
  return password;
}

/**
 * Runs initdb in a folder of its own and renames it, so that a cluster is whole or absent.
 *
 * The collation is PostgreSQL's builtin C.UTF-8: it sorts by code point and knows upper and lower
 * case of every script, and depends neither on the machine's C library nor on an ICU version, an
 * update of which would silently break indexes. Lists for people are sorted by them at the edge.
 */
async function createCluster(place: Place, initdb: string, cluster: string): Promise<void> {
  const draft = `${cluster}.new`;
  rmSync(draft, { recursive: true, force: true });
  const flags = [
    ['-D', draft],
    ['--username', role],
    ['--pwfile', join(place.home, 'password')],
    ['--auth', 'scram-sha-256'],
    ['--encoding', 'UTF8'],
    ['--locale', 'C'],
    ['--locale-provider', 'builtin'],
    ['--builtin-locale', 'C.UTF-8'],
    ['--data-checksums'],
  ].flat();
  const child = spawn(initdb, flags, {
    ...spawnOptions(place.account),
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' },
  });
  let said = '';
  const keep = (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-2_000);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const [code] = await once(child, 'close');
  if (code !== 0) {
    rmSync(draft, { recursive: true, force: true });
    throw new Error(`PostgreSQL could not be set up in ${cluster}: ${said.trim()}`);
  }
  renameSync(draft, cluster);
}

function requireVersion(cluster: string, major: string): void {
  const found = readFileSync(join(cluster, 'PG_VERSION'), 'utf8').trim();
  if (found === major) return;
  throw new Error(
    `the data in ${cluster} is of PostgreSQL ${found}, but this Dibs brings PostgreSQL ${major}; ` +
      'back it up with the Dibs that made it and restore it with this one',
  );
}

function connectionUrl(port: number, password: string, database = 'dibs'): string {
  return `postgres://${role}:${password}@127.0.0.1:${port}/${database}`;
}

/** Creates the database `dibs` when it is not there. Proves the password and the port as well. */
async function createDatabase(url: string): Promise<void> {
  const maintenance = new URL(url);
  maintenance.pathname = '/postgres';
  const client = new pg.Client({ connectionString: maintenance.href });
  await client.connect();
  try {
    const found = await client.query("select from pg_database where datname = 'dibs'");
    if (found.rowCount === 0) await client.query('create database dibs');
  } finally {
    await client.end();
  }
}

/**
 * Keeps the server running on one port until closed. Between an unexpected end and the next start
 * lies a growing delay, so that a server that cannot run does not keep a core busy.
 */
async function supervise(options: {
  place: Place;
  postgres: string;
  log: (line: string) => void;
}): Promise<{ port: number; close(): Promise<void> }> {
  const { place, postgres, log } = options;
  const start = (port?: number) =>
    startProcess({
      account: place.account,
      home: place.home,
      postgres,
      ...(port === undefined ? {} : { port }),
    });
  let server = await startOnFreePort(start, log);
  const { port } = server;
  const closing = new AbortController();
  const watch = async () => {
    for (let failures = 0; ; ) {
      await server.exited;
      if (closing.signal.aborted) return;
      const delayMs = restartDelaysMs[Math.min(failures, restartDelaysMs.length - 1)] ?? 0;
      log(`PostgreSQL ended by itself; starting it again in ${delayMs} ms`);
      await sleep(delayMs, undefined, { signal: closing.signal, ref: false }).catch(() => {});
      if (closing.signal.aborted) return;
      try {
        await stopStaleServer(place.home, log);
        server = await start(port);
        failures = 0;
        log('PostgreSQL is back');
      } catch (error) {
        failures += 1;
        log((error as Error).message);
      }
    }
  };
  const watching = watch();
  const close = async () => {
    closing.abort();
    await server.stop();
    await watching;
    // It may have been starting while we were told to close.
    await server.stop();
  };
  return { port, close };
}

/** Between finding a free port and listening on it somebody else may take it. */
async function startOnFreePort(
  start: () => Promise<ServerProcess>,
  log: (line: string) => void,
): Promise<ServerProcess> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start();
    } catch (error) {
      const portTaken = /could not bind|Address already in use/.test((error as Error).message);
      if (!portTaken || attempt === 5) throw error;
      log('the port was taken by somebody else; trying another one');
    }
  }
}
