import { randomBytes, randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { CommandEntry } from '@dibs/rules/proof/fold.ts';
import { entryKey } from '../server/src/arena/keys.ts';
import { startEmbeddedPostgres } from '../server/src/db/embedded.ts';
import { openDatabase } from '../server/src/db/pool.ts';
import { BATCH_ENTRIES_MAX } from '../server/src/log/log.ts';
import { PostgresLog } from '../server/src/log/postgres.ts';
import { Connection, type Outcome } from '../server/src/rehearsal/connection.ts';
import { Organiser } from '../server/src/rehearsal/organiser.ts';
import { targetOf, writeRequest } from '../server/src/rehearsal/request.ts';
import { measureRss } from './processes.ts';
import { formatTable, writeSection } from './results.ts';
import { ServerProcess } from './server-process.ts';

/**
 * How soon a server serves a contest whose log is long: a drop is made, its log is filled behind the
 * stopped server's back, the server is started and asked for the drop and for a claim. Twice: the
 * first start finds no snapshot and no rows, the second what the first has left.
 */
const { values } = parseArgs({
  options: {
    entries: { type: 'string', default: '1000000' },
    'dry-run': { type: 'boolean', default: false },
  },
});
const entries = Number(values.entries);
const targetMs = 10_000;
const upkeepLimitMs = 240_000;

/** A season of one drop: six of ten entries are claims, three pay, one cancels. */
function makeEntry(number: number, people: readonly string[]): CommandEntry {
  const turn = number % 10;
  const claimed = number - turn;
  if (turn < 6) {
    const command = { type: 'claim', quantity: 1 };
    const person = people[(claimed / 10) * 6 + turn] ?? '';
    return { person, key: entryKey(person, 'k', command), command };
  }
  if (turn < 9) {
    const command = { type: 'pay', order: claimed + turn - 6 + 3, payment: String(number) };
    return { person: null, key: entryKey(null, `p${number}`, command), command };
  }
  const command = { type: 'cancel', order: claimed + 3 + 3 };
  const person = people[(claimed / 10) * 6 + 3] ?? '';
  return { person, key: entryKey(person, 'c', command), command };
}

async function fillLog(dataDirectory: string, drop: string): Promise<number> {
  const embedded = await startEmbeddedPostgres({ dataDirectory, log: () => undefined });
  const database = openDatabase({ url: embedded.url });
  try {
    const silent = { ready: Promise.resolve(), close: async () => undefined };
    const log = new PostgresLog({ database, listen: () => silent });
    // Entries 1 and 2 are there: the making and the opening. The first of ours is the third.
    const head = (await log.heads([drop])).get(drop);
    if (head !== 2) throw new Error(`the log has ${head} entries, 2 were expected`);
    const people = Array.from({ length: Math.ceil(entries * 0.6) + 6 }, () =>
      randomBytes(16).toString('base64url'),
    );
    for (let from = 0; from < entries; from += BATCH_ENTRIES_MAX) {
      const count = Math.min(BATCH_ENTRIES_MAX, entries - from);
      const batch = Array.from({ length: count }, (_, index) => makeEntry(from + index, people));
      await log.append(drop, JSON.stringify(batch), count);
    }
    return (await log.heads([drop])).get(drop) ?? 0;
  } finally {
    await database.close();
    await embedded.close();
  }
}

interface Started {
  readonly servingMs: number;
  readonly claimMs: number;
  readonly rssBytes: number;
}

/** From the process's start to the drop's first answer, and to the first new claim's. */
async function timeStart(server: ServerProcess, drop: string, token: string): Promise<Started> {
  const startedAt = performance.now();
  const starting = server.start();
  const answer = await Promise.race([
    poll(`${server.url}/v1/drops/${drop}`),
    starting.then(() => new Promise<never>(() => undefined)),
  ]);
  const servingMs = performance.now() - startedAt;
  const { sold, held } = (await answer.json()) as { sold: number; held: number };
  const expected = Math.floor(entries / 10) * 5;
  if (sold + held < expected) throw new Error(`${sold} sold, ${held} held; ${expected} expected`);
  const status = await claim(server, { drop, token });
  if (status !== 201 && status !== 409) throw new Error(`the claim was answered ${status}`);
  const claimMs = performance.now() - startedAt;
  await starting;
  return { servingMs, claimMs, rssBytes: measureRss(server.pid) };
}

async function poll(url: string): Promise<Response> {
  const deadline = performance.now() + 120_000;
  let words = '';
  while (performance.now() < deadline) {
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(60_000) });
      if (answer.status === 200) return answer;
      words = `${answer.status} ${(await answer.text()).slice(0, 200)}`;
    } catch (error) {
      words = (error as Error).message;
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`${url}: ${words}`);
}

async function claim(
  server: ServerProcess,
  { drop, token }: { drop: string; token: string },
): Promise<number> {
  const target = targetOf(server.url);
  const connection = new Connection(target);
  const path = `/v1/drops/${drop}/claims`;
  const body = '{"quantity":1}';
  const request = writeRequest(target, { method: 'POST', path, token, key: randomUUID(), body });
  const outcome = await new Promise<Outcome>((resolve) => connection.send(request, resolve));
  connection.cut();
  if (outcome instanceof Error) throw outcome;
  return outcome.status;
}

const server = await ServerProcess.start();
try {
  const organiser = new Organiser(server.url);
  await organiser.signIn({ token: await server.makeAdmin() });
  const [first, second] = await organiser.mintPeople(2);
  const { epochMs } = await organiser.readClock();
  const { id: drop } = await organiser.createDrop({
    title: 'Cold start',
    stock: 10_000_000,
    price: { amount: 1_000, currency: 'EUR' },
    opensAt: new Date(epochMs - 1_000).toISOString(),
    payWithinSeconds: 604_800,
  });
  // The clock's own `open` is the second entry.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  await server.stop();
  const head = await fillLog(server.dataDirectory, drop);
  const cold = await timeStart(server, drop, first?.accessToken ?? '');
  // The rows, the archive and the snapshot follow behind.
  const upkeepAt = performance.now();
  let isLevel = false;
  while (!isLevel && performance.now() - upkeepAt < upkeepLimitMs) {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    isLevel = await organiser.audit(drop).then(
      ({ ok }) => ok,
      () => false,
    );
  }
  const upkeepMs = performance.now() - upkeepAt;
  console.error(
    `served after ${cold.servingMs.toFixed(0)} ms, level after ${upkeepMs.toFixed(0)} ms`,
  );
  await server.stop();
  const warm = await timeStart(server, drop, second?.accessToken ?? '');
  const row = (name: string, { servingMs, claimMs, rssBytes }: Started) => [
    name,
    (servingMs / 1_000).toFixed(2),
    (claimMs / 1_000).toFixed(2),
    (rssBytes / 1_048_576).toFixed(0),
  ];
  const text = formatTable(
    ['', 'drop served after s', 'claim answered after s', 'memory MB'],
    [row('without snapshot', cold), row('once level', warm)],
  );
  const level = isLevel ? `level after ${(upkeepMs / 1_000).toFixed(0)} s` : 'not level in time';
  console.log(`${text}\n\nrows and audit: ${level}`);
  if (Math.max(cold.claimMs, warm.claimMs) > targetMs || !isLevel) process.exitCode = 1;
  if (!values['dry-run']) {
    const told =
      `A log of ${head} entries (claims, payments, cancellations); from the start of the process, ` +
      `its database included, to the first answers; the target is ${targetMs / 1_000} s. Rows and ` +
      `audit after the first start: ${level}.`;
    const command = 'node bin/run.mjs bench/cold-start.ts';
    writeSection({ title: 'Cold start', command, body: `${told}\n\n${text}` });
  }
} finally {
  await server.remove();
}
