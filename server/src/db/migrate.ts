import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { translateError } from './database-faults.ts';

interface Migration {
  number: number;
  name: string;
  text: string;
  checksum: string;
}

interface AppliedMigration {
  number: number;
  name: string;
  checksum: string;
}

/** The database and the program do not fit together. Waiting does not help. */
export class MigrationRefused extends Error {
  readonly code = 'migration_refused';
}

const directory = join(import.meta.dirname, 'migrations');
/** Any number of its own; it means "Dibs migrates" among the advisory locks of the database. */
const advisoryLock = 5_243_127_701;

/**
 * Brings the database up to the newest migration of this program. Each file runs in a transaction
 * of its own together with the note that it ran. Several processes may call this at once: one
 * migrates, the others wait and find it done.
 *
 * @throws MigrationRefused when an applied file was changed, is missing here (the database is of
 *   a newer Dibs), or comes after one that is not applied.
 */
export async function migrate(options: {
  url: string;
  log?: (line: string) => void;
  migrationsDirectory?: string;
}): Promise<void> {
  const migrations = await readMigrations(options.migrationsDirectory ?? directory);
  const client = new pg.Client({
    connectionString: options.url,
    application_name: 'dibs-migrate',
    connectionTimeoutMillis: 5_000,
  });
  client.on('error', () => {}); // The statement that waits gets the error too.
  try {
    await client.connect();
    await client.query('select pg_advisory_lock($1)', [advisoryLock]);
    const applied = await readApplied(client);
    for (const migration of choosePending(migrations, applied)) {
      await apply(client, migration);
      options.log?.(`applied migration ${migration.name}`);
    }
  } catch (error) {
    throw translateError(error, true);
  } finally {
    await client.end().catch(() => {}); // Gives up the lock as well.
  }
}

/**
 * A hash over all migrations of this program; two databases with the same one look alike.
 */
export async function fingerprintMigrations(): Promise<string> {
  const hash = createHash('sha256');
  for (const { name, checksum } of await readMigrations(directory)) hash.update(name + checksum);
  return hash.digest('hex').slice(0, 16);
}

async function readMigrations(from: string): Promise<Migration[]> {
  const migrations: Migration[] = [];
  for (const name of (await readdir(from)).filter((file) => file.endsWith('.sql')).sort()) {
    const number = Number(/^(\d{4})-[a-z0-9-]+\.sql$/.exec(name)?.[1]);
    if (!(number > 0)) throw new Error(`migration ${name} is not named like 0001-some-name.sql`);
    const twin = migrations.find((migration) => migration.number === number);
    if (twin) throw new Error(`migrations ${twin.name} and ${name} have the same number`);
    // A checkout on another system may have other line ends; that is no change.
    const text = (await readFile(join(from, name), 'utf8')).replaceAll('\r\n', '\n');
    const checksum = createHash('sha256').update(text).digest('hex');
    migrations.push({ number, name, text, checksum });
  }
  return migrations;
}

async function readApplied(client: pg.Client): Promise<AppliedMigration[]> {
  await client.query(`
    create table if not exists migration (
      number integer primary key,
      name text not null,
      checksum text not null,
      applied_at timestamptz not null default now()
    )`);
  const found = await client.query<AppliedMigration>(
    'select number, name, checksum from migration order by number',
  );
  return found.rows;
}

/** The migrations that are still to be applied, in order. Pure; throws MigrationRefused. */
export function choosePending<Known extends AppliedMigration>(
  known: Known[],
  applied: AppliedMigration[],
): Known[] {
  for (const { number, name, checksum } of applied) {
    const mine = known.find((migration) => migration.number === number);
    if (!mine) {
      throw new MigrationRefused(
        `the database has migration ${name}, which this Dibs does not know: it was used with a ` +
          'newer version; start that version, or restore a backup',
      );
    }
    if (mine.checksum !== checksum) {
      throw new MigrationRefused(
        `migration ${mine.name} was changed after the database had applied it (as ${name}); ` +
          'restore the file and put the change into a new migration',
      );
    }
  }
  const newest = applied.reduce((most, { number }) => Math.max(most, number), 0);
  const done = new Set(applied.map(({ number }) => number));
  const pending = known.filter(({ number }) => !done.has(number));
  const late = pending.find(({ number }) => number < newest);
  if (late) {
    throw new MigrationRefused(
      `migration ${late.name} comes before number ${newest}, which the database has applied ` +
        'already; give it a higher number',
    );
  }
  return pending;
}

async function apply(client: pg.Client, migration: Migration): Promise<void> {
  await client.query('begin');
  try {
    await client.query(migration.text);
    await client.query('insert into migration (number, name, checksum) values ($1, $2, $3)', [
      migration.number,
      migration.name,
      migration.checksum,
    ]);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => {});
    if (!(error instanceof Error)) throw error;
    const fault = translateError(error, true);
    if (fault !== error) throw fault;
    throw new Error(`migration ${migration.name} failed: ${error.message}`, { cause: error });
  }
}
