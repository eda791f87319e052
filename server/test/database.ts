import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres } from '../src/db/embedded.ts';
import { fingerprintMigrations, migrate } from '../src/db/migrate.ts';

export interface TestDatabase {
  url: string;
  /** Drops the database, also while connections to it are open. */
  drop(): Promise<void>;
}

/** Any number; it orders the makers of the template among all test processes. */
const advisoryLock = 5_243_127_702;

interface Server {
  url: string;
  close(): Promise<void>;
}

let server: Promise<Server> | undefined;
let databases = 0;

/**
 * A database of this test's own, migrated, cloned from a template in about 50 ms. It lies in the
 * PostgreSQL of `TEST_DATABASE_URL` (tools/check.ts starts one per run), else in one that this
 * process starts in a temporary folder and ends with its last database.
 */
export async function createTestDatabase(): Promise<TestDatabase> {
  databases += 1;
  server ??= openServer();
  const { url, close } = await server;
  const name = `test_${randomBytes(8).toString('hex')}`;
  const leave = async () => {
    databases -= 1;
    if (databases > 0) return;
    server = undefined;
    await close();
  };
  try {
    await withClient(url, (client) => cloneTemplate(client, url, name));
  } catch (error) {
    await leave();
    throw error;
  }
  const drop = async () => {
    await withClient(url, async (client) => {
      await client.query(`drop database if exists ${name} with (force)`);
    });
    await leave();
  };
  return { url: urlOf(url, name), drop };
}

async function openServer(): Promise<Server> {
  const given = process.env['TEST_DATABASE_URL'];
  if (given) return { url: given, close: async () => {} };
  const dataDirectory = mkdtempSync(join(tmpdir(), 'dibs-test-'));
  chmodSync(dataDirectory, 0o755); // As root, PostgreSQL's account has to pass through.
  const remove = () => rmSync(dataDirectory, { recursive: true, force: true });
  const started = await startEmbeddedPostgres({ dataDirectory, log: () => {} });
  return { url: started.url, close: () => started.close().then(remove) };
}

/** The template is made under another name and renamed, so that it is whole or absent. */
async function cloneTemplate(client: pg.Client, url: string, name: string): Promise<void> {
  const template = `template_${await fingerprintMigrations()}`;
  await client.query('select pg_advisory_lock($1)', [advisoryLock]);
  const found = await client.query('select from pg_database where datname = $1', [template]);
  if (found.rowCount === 0) {
    const draft = `${template}_draft`;
    await client.query(`drop database if exists ${draft} with (force)`);
    await client.query(`create database ${draft}`);
    await migrate({ url: urlOf(url, draft) });
    await client.query(`alter database ${draft} rename to ${template}`);
  }
  await client.query('select pg_advisory_unlock($1)', [advisoryLock]);
  await client.query(`create database ${name} template ${template}`);
}

async function withClient(url: string, work: (client: pg.Client) => Promise<void>) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

function urlOf(base: string, database: string): string {
  const url = new URL(base);
  url.pathname = `/${database}`;
  return url.href;
}
