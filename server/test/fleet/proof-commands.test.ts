import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Audit, OrderDetail } from '@dibs/sdk/wire';
import pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../database.ts';
import {
  audit,
  call,
  callUntil,
  callWell,
  claim,
  mint,
  openDrop,
  register,
  untilDrop,
} from './api.ts';
import { runDibs, ServerProcess } from './server-process.ts';

/** `dibs verify` and `dibs audit`, on what a real server left behind. */

const folder = mkdtempSync(join(tmpdir(), 'dibs-proof-'));
let database: TestDatabase;
let server: ServerProcess;
let sql: pg.Client;
let drop: string;
let winner: { token: string; order: string };

before(async () => {
  database = await createTestDatabase();
  server = await ServerProcess.start({ databaseUrl: database.url });
  sql = new pg.Client({ connectionString: database.url });
  await sql.connect();
  const { url } = server;
  const admin = (await register(url, 'Ada')).accessToken;
  const people = await mint(url, admin, 40);
  const opensAt = new Date(Date.now() + 300).toISOString();
  drop = await openDrop(url, admin, { stock: 20, opensAt, fairWindowMs: 400, limitPerPerson: 1 });
  await untilDrop(url, drop, ({ status }) => status === 'open');
  const tokens = people.map(({ accessToken }) => accessToken);
  const answers = await Promise.all(tokens.map((token) => claim(url, drop, { token })));
  const orders = answers
    .map(({ status, body }, index) => ({
      status,
      order: body['id'] as string,
      token: tokens[index],
    }))
    .filter(({ status }) => status === 201);
  assert.equal(orders.length, 20);
  for (const [index, { order, token }] of orders.entries()) {
    const verb = index % 4 === 0 ? 'cancel' : 'pay';
    const body = verb === 'pay' ? { body: { provider: 'sandbox' } } : {};
    await callWell(url, 'POST', `/v1/orders/${order}/${verb}`, { token, ...body });
  }
  winner = { order: orders[1]?.order ?? '', token: orders[1]?.token ?? '' };
  await callWell(url, 'POST', `/v1/drops/${drop}/end`, { token: admin });
});

after(async () => {
  await sql?.end();
  await server?.stop();
  await database?.drop();
  rmSync(folder, { recursive: true, force: true });
});

async function download(): Promise<string> {
  return (await call(server.url, 'GET', `/v1/contests/${drop}/log`)).text;
}

function keep(text: string): string {
  const file = join(folder, 'log.ndjson');
  writeFileSync(file, text);
  return file;
}

function runAudit(...args: string[]) {
  return runDibs(['audit', ...args], { environment: { DATABASE_URL: database.url } });
}

test('verify: a downloaded log is good, from a file as well as from standard input', async () => {
  const log = await download();
  const { head } = await audit(server.url, drop);
  const good = await runDibs(['verify', keep(log), '--expect-head', head]);
  assert.equal(good.code, 0, good.stderr);
  assert.match(good.stdout, new RegExp(`^OK: contest ${drop}, \\d+ entries\\nhead ${head}\\n`));
  assert.match(good.stdout, /^stock 20 = sold 15 \+ held 0 \+ left 5$/m);
  const piped = await runDibs(['verify', '-', '--json'], { input: log });
  assert.equal(piped.code, 0);
  const { ok, outcome } = JSON.parse(piped.stdout);
  assert.deepEqual([ok, outcome.sold, outcome.winnersCount], [true, 15, 15]);
});

test('verify: every kind of tampering is found', async () => {
  const log = await download();
  const { head } = await audit(server.url, drop);
  const lines = log.trimEnd().split('\n');
  const [first = '', ...batches] = lines;
  const swapped = [first, ...batches];
  [swapped[2], swapped[3]] = [swapped[3] ?? '', swapped[2] ?? ''];
  const tampered: Record<string, string> = {
    'another quantity': log.replace('\\"quantity\\":1', '\\"quantity\\":2'),
    'another instant': log.replace(/"at":(\d+)\d,/, '"at":$10,'),
    'a batch left out': [first, ...batches.filter((_, index) => index !== 2)].join('\n'),
    'two batches swapped': swapped.join('\n'),
    'a batch twice': [...lines, lines.at(-1)].join('\n'),
    'the end cut off': lines.slice(0, -1).join('\n'),
    'half a line': log.slice(0, -50),
    'another contest': log.replaceAll(
      drop,
      drop.replace(/^./, (digit) => (digit === '0' ? '1' : '0')),
    ),
    'no log': 'hello\n',
    nothing: '',
  };
  for (const [what, text] of Object.entries(tampered)) {
    assert.notEqual(text, log, what);
    const { code, stdout } = await runDibs(['verify', keep(text), '--expect-head', head]);
    assert.equal(code, 1, `${what}: ${stdout}`);
    assert.match(stdout, /^NOT OK/, what);
  }
  const missing = await runDibs(['verify', join(folder, 'nothing-here')]);
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /cannot verify .*nothing-here/);
});

test('audit: beside a running server all agrees', async () => {
  const { code, stdout, stderr } = await runAudit();
  assert.equal(code, 0, stdout + stderr);
  assert.match(
    stdout,
    new RegExp(`^${drop}: ok, .* stock 20 = sold 15 \\+ held 0 \\+ left 5$`, 'm'),
  );
  const none = await runAudit('00000000-0000-4000-8000-000000000000');
  assert.equal(none.code, 1);
  assert.match(none.stderr, /no contest 00000000/);
  const odd = await runAudit('the-lantern');
  assert.equal(odd.code, 1);
  assert.doesNotMatch(odd.stderr, /\bat .*\.ts:\d/);
});

test('audit: rows changed by hand are told one by one, and mended from the log', async () => {
  const { url } = server;
  const seq = Number(winner.order.slice(37));
  const path = `/v1/orders/${winner.order}`;
  const asked = { token: winner.token };
  const before0 = await callWell<OrderDetail>(url, 'GET', path, asked);
  const { rows } = await sql.query(
    `select seq from orders where contest = $1 and seq <> $2 and status = 'paid' order by seq`,
    [drop, seq],
  );
  const [other, third] = rows.map((row) => Number(row.seq));
  await sql.query('delete from orders where contest = $1 and seq = $2', [drop, seq]);
  await sql.query(
    `update orders set quantity = 7, person = gen_random_uuid() where contest = $1 and seq = $2`,
    [drop, other],
  );
  await sql.query(
    `update orders set status = 'refunded', amount = 1 where contest = $1 and seq = $2`,
    [drop, third],
  );
  await sql.query(
    `insert into orders (contest, seq, quantity, amount, currency, status, created_at, pay_by)
     values ($1, 1, 3, 0, 'EUR', 'paid', now(), now())`,
    [drop],
  );
  await sql.query('update contests set sold = sold + 1, stock = 21 where id = $1', [drop]);

  const told = await call(url, 'GET', `/v1/contests/${drop}/audit`);
  const { ok, chainOk, differences } = told.body as unknown as Audit;
  assert.deepEqual([ok, chainOk], [false, true]);
  const { code, stdout } = await runAudit(drop);
  assert.equal(code, 1);
  assert.match(stdout, new RegExp(`^${drop}: DIFFERS`, 'm'));
  const expected = [
    'stock: log 20, rows 21',
    'sold: log 15, rows 16',
    'order 1: log "missing", rows "paid"',
    `order ${seq}: log "in the log", rows "missing"`,
    `quantity of order ${other}: log 1, rows 7`,
    `status of order ${third}: log "paid", rows "refunded"`,
    `amount of order ${third}: log 2400, rows 1`,
  ];
  for (const line of expected) assert.ok(stdout.includes(`  ${line}\n`), `${line}\n${stdout}`);
  assert.match(stdout, new RegExp(`person of order ${other}: log "[0-9a-f-]{36}", rows "`));
  assert.equal(differences.length, expected.length + 1);

  const mended = await runAudit(drop, '--repair');
  assert.equal(mended.code, 0, mended.stdout + mended.stderr);
  assert.match(mended.stdout, /rows written anew from the log/);
  assert.match(mended.stdout, new RegExp(`^${drop}: ok`, 'm'));
  assert.equal((await runAudit()).code, 0);
  await audit(url, drop);
  assert.deepEqual(await callWell(url, 'GET', path, asked), before0);
});

test('audit: a log changed by hand is told, and rows are not mended from it', async () => {
  const { rows } = await sql.query(
    'select seq, payload from log_batch where contest = $1 order by seq limit 3',
    [drop],
  );
  const { seq, payload } = rows[1] as { seq: string; payload: string };
  const change = 'update log_batch set payload = $3 where contest = $1 and seq = $2';
  await sql.query(change, [drop, seq, `${payload} `]);
  const { code, stdout } = await runAudit('--repair');
  assert.equal(code, 1);
  assert.match(stdout, /hash chain: log "intact", rows "broken"/);
  assert.doesNotMatch(stdout, /written anew/);
  const downloaded = await runDibs(['verify', keep(await download())]);
  assert.equal(downloaded.code, 1);
  await sql.query(change, [drop, seq, payload]);
  assert.equal((await runAudit()).code, 0);
});

test('a person who leaves is in no row, and the proof holds without them', async () => {
  const { url } = server;
  const name = 'Zenobia Quux';
  const zen = await register(url, name);
  const token = zen.accessToken;
  const own = await openDrop(url, token, { stock: 3, limitPerPerson: 2, quantityMax: 2 });
  const order = await claim(url, own, { token, quantity: 2 });
  const pay = { token, body: { provider: 'sandbox' }, key: 'zen' };
  await callWell(url, 'POST', `/v1/orders/${order.body['id']}/pay`, pay);
  const [ben] = await mint(url, (await signInAda()).accessToken, 1);
  await claim(url, own, { token: ben?.accessToken });
  const wait = { token: ben?.accessToken, body: { quantity: 1 } };
  await callWell(url, 'POST', `/v1/drops/${own}/waiting`, wait);
  const put = await call(url, 'POST', `/v1/drops/${own}/restock`, {
    token,
    key: 'more',
    body: { quantity: 1 },
  });
  assert.equal(put.status, 200);
  const exported = await call(url, 'GET', '/v1/me/export', { token });
  assert.match(exported.text, new RegExp(String(order.body['id'])));
  assert.equal((await call(url, 'DELETE', '/v1/me', { token })).status, 204);

  const signIn = { body: { name, password: 'correct horse battery' } };
  assert.equal((await call(url, 'POST', '/v1/sessions', signIn)).status, 401);
  const gone = () => call(url, 'GET', '/v1/me', { token });
  await callUntil(gone, ({ status }) => status === 401, 5_000);
  await audit(url, own);
  const log = (await call(url, 'GET', `/v1/contests/${own}/log`)).text;
  assert.equal((await runDibs(['verify', '-'], { input: log })).code, 0);
  assert.equal((await runAudit(own)).code, 0);
  assert.doesNotMatch(log, new RegExp(`${zen.person.id}|${name}`));
  const { host } = await untilDrop(url, own, (shown) => shown.host.name === '', 6_000);
  assert.equal(host.id, null);
  assert.deepEqual(await tablesNaming([zen.person.id, name, 'zenobia']), []);
  // Whatever is written from the log anew names nobody either.
  await sql.query('update orders set quantity = 9 where contest = $1', [own]);
  assert.equal((await runAudit(own, '--repair')).code, 0);
  assert.deepEqual(await tablesNaming([zen.person.id, name, 'zenobia']), []);
});

async function signInAda() {
  const body = { name: 'Ada', password: 'correct horse battery' };
  return callWell<{ accessToken: string }>(server.url, 'POST', '/v1/sessions', { body });
}

/** Tables with a row in which one of the texts stands, as text or as the bytes of one. */
async function tablesNaming(texts: readonly string[]): Promise<string[]> {
  const wanted = texts.flatMap((text) => [text, Buffer.from(text).toString('hex')]);
  const tables = await sql.query(`select tablename from pg_tables where schemaname = 'public'`);
  assert.ok(tables.rows.length > 10);
  const found: string[] = [];
  for (const { tablename } of tables.rows) {
    const { rows } = await sql.query(
      `select from ${pg.escapeIdentifier(tablename)} t
       where exists (select from unnest($1::text[]) w where t::text ilike '%' || w || '%') limit 1`,
      [wanted],
    );
    if (rows.length > 0) found.push(tablename);
  }
  return found;
}
