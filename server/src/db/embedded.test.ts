import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { forgetEmbeddedPostgres, startEmbeddedPostgres } from './embedded.ts';
import { type Database, openDatabase } from './pool.ts';

let dataDirectory: string;
const lines = new EventEmitter();
const log = (line: string) => void lines.emit(line);

before(() => {
  // A space, because paths have them; open to others, because as root another account runs it.
  dataDirectory = mkdtempSync(join(tmpdir(), 'dibs data '));
  chmodSync(dataDirectory, 0o755);
});

after(() => rmSync(dataDirectory, { recursive: true, force: true }));

function postmasterId(): number {
  const file = join(dataDirectory, 'postgres', 'cluster', 'postmaster.pid');
  return Number(readFileSync(file, 'utf8').split('\n')[0]);
}

/** A process of its own that starts the database, prints its URL, and stays. */
async function startElsewhere(): Promise<{ child: ChildProcess; url: string }> {
  const script = `
    import { startEmbeddedPostgres } from ${JSON.stringify(`${import.meta.dirname}/embedded.ts`)};
    const dataDirectory = ${JSON.stringify(dataDirectory)};
    const { url } = await startEmbeddedPostgres({ dataDirectory, log: () => {} });
    console.log(url);
    setInterval(() => {}, 1_000);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  assert(child.stdout);
  const [url] = await once(createInterface(child.stdout), 'line');
  return { child, url };
}

async function readKept(database: Database): Promise<unknown[]> {
  return (await database.query('select n from kept order by n')).rows.map(({ n }) => n);
}

test('the first start sets everything up safely', async () => {
  const postgres = await startEmbeddedPostgres({ dataDirectory, log });
  assert.match(postgres.url, /^postgres:\/\/dibs:[\w-]{32}@127\.0\.0\.1:\d+\/dibs$/);
  const password = statSync(join(dataDirectory, 'postgres', 'password'));
  assert.equal(password.mode & 0o777, 0o600);
  const database = openDatabase({ url: postgres.url });
  const expected: [string, string][] = [
    ['fsync', 'on'],
    ['synchronous_commit', 'on'],
    ['full_page_writes', 'on'],
    ['data_checksums', 'on'],
    ['password_encryption', 'scram-sha-256'],
    ['server_encoding', 'UTF8'],
    ['max_connections', '100'],
    ['listen_addresses', '127.0.0.1'],
  ];
  for (const [name, value] of expected) {
    const found = await database.query('select current_setting($1) as value', [name]);
    assert.equal(found.rows[0]?.['value'], value, name);
  }
  await database.query('create table kept (n integer)');
  await database.query('insert into kept values (1)');
  await database.close();
  const wrong = new URL(postgres.url);
  wrong.password = 'wrong';
  const stranger = openDatabase({ url: wrong.href });
  await assert.rejects(stranger.query('select 1'), /password authentication failed/);
  await stranger.close();
  await assert.rejects(
    startEmbeddedPostgres({ dataDirectory, log }),
    /in use by another running Dibs \(process \d+, since 20/,
  );
  await postgres.close();
  await postgres.close();
});

test('after kill -9 the next start finds what was committed', { timeout: 60_000 }, async () => {
  const { child, url } = await startElsewhere();
  const database = openDatabase({ url });
  await database.query('insert into kept values (2)');
  await assert.rejects(startEmbeddedPostgres({ dataDirectory, log }), /in use by another running/);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await database.close();
  const postgres = await startEmbeddedPostgres({ dataDirectory, log });
  const again = openDatabase({ url: postgres.url });
  assert.deepEqual(await readKept(again), [1, 2]);
  await again.close();
  await postgres.close();
});

test('a PostgreSQL that was killed comes back under the same URL', {
  timeout: 60_000,
}, async () => {
  const postgres = await startEmbeddedPostgres({ dataDirectory, log });
  const database = openDatabase({ url: postgres.url, connectTimeoutMs: 1_000 });
  await database.query('insert into kept values (3)');
  const back = once(lines, 'PostgreSQL is back');
  process.kill(postmasterId(), 'SIGKILL');
  await back;
  assert.deepEqual(await readKept(database), [1, 2, 3]);
  await database.close();
  await postgres.close();
});

test('forgetting removes the data', { timeout: 60_000 }, async () => {
  await forgetEmbeddedPostgres({ dataDirectory, log });
  const postgres = await startEmbeddedPostgres({ dataDirectory, log });
  const database = openDatabase({ url: postgres.url });
  await assert.rejects(readKept(database), { code: '42P01' });
  await database.close();
  await postgres.close();
});
