import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
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

let server: Promise<string> | undefined;

/**
 * A database of this test's own, migrated, cloned from a template in about 50 ms. It lies in the
 * PostgreSQL of `TEST_DATABASE_URL` (tools/check.ts starts one per run), else in one that this
 * process starts in a temporary folder and ends after its last test.
 */
export async function createTestDatabase(): Promise<TestDatabase> {
  server ??= findServer();
  const base = await server;
  const template = `template_${await fingerprintMigrations()}`;
  const name = `test_${randomBytes(8).toString('hex')}`;
  await withClient(base, async (client) => {
    await ensureTemplate(client, base, template);
    await client.query(`create database ${name} template ${template}`);
  });
  return {
    url: urlOf(base, name),
    drop: () =>
      withClient(base, async (client) => {
        await client.query(`drop database if exists ${name} with (force)`);
      }),
  };
}

async function findServer(): Promise<string> {
  const given = process.env['TEST_DATABASE_URL'];
  if (given) return given;
  const dataDirectory = mkdtempSync(join(tmpdir(), 'dibs-test-'));
  const started = await startEmbeddedPostgres({ dataDirectory, log: () => {} });
  after(async () => {
    await started.close();
    rmSync(dataDirectory, { recursive: true, force: true });
  });
  return started.url;
}

/** Made under another name and renamed, so that a template is whole or absent. */
async function ensureTemplate(client: pg.Client, base: string, template: string): Promise<void> {
  await client.query('select pg_advisory_lock($1)', [advisoryLock]);
  const found = await client.query('select from pg_database where datname = $1', [template]);
  if (found.rowCount === 0) {
    const draft = `${template}_draft`;
    await client.query(`drop database if exists ${draft} with (force)`);
    await client.query(`create database ${draft}`);
    await migrate({ url: urlOf(base, draft) });
    await client.query(`alter database ${draft} rename to ${template}`);
  }
  await client.query('select pg_advisory_unlock($1)', [advisoryLock]);
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
