import assert from 'node:assert/strict';
import { test } from 'node:test';
import { genesisHash, hashLink } from '@dibs/rules/proof/chain.ts';
import { json, ScriptedServer } from '../test/scripted-server.ts';
import { createClient } from './sdk.ts';
import { type Progress, verifyContest, verifyStream, verifyText } from './verify.ts';

const CONTEST = '0190aaaa-bbbb-7ccc-8ddd-eeeeffff0001';
const OPENS_AT = 1_790_000_000_000;

/** A log of a drop of 3 with so many batches of ten claims each. */
function makeLog(batches: number): { text: string; hashes: string[] } {
  const lines = [JSON.stringify({ format: 'dibs-log/1', contest: CONTEST, kind: 'drop' })];
  const hashes = [genesisHash(CONTEST)];
  let seq = 1;
  const write = (entries: readonly unknown[], at: number) => {
    const link = { epoch: 1, seq, at, payload: JSON.stringify(entries) };
    const hash = hashLink(hashes.at(-1) as string, link);
    hashes.push(hash);
    lines.push(JSON.stringify({ epoch: 1, seq, at, hash, payload: link.payload }));
    seq += entries.length;
  };
  const terms = {
    rules: 1,
    stock: 3,
    price: { amount: 500, currency: 'EUR' },
    opensAt: OPENS_AT,
    closesAt: null,
    limitPerPerson: 1,
    quantityMax: 1,
    payWithinMs: 60_000,
    fairWindowMs: 0,
    seedHash: null,
  };
  const host = 'host'.padEnd(22, '_');
  const command = { type: 'create', host, terms };
  write([{ person: host, key: 'create'.padEnd(24, '_'), command, kind: 'drop' }], OPENS_AT - 1);
  for (let batch = 0; batch < batches; batch += 1) {
    const claims = Array.from({ length: 10 }, (_, index) => {
      const name = `p-${batch}-${index}`;
      const claim = { type: 'claim', quantity: 1 };
      return { person: name.padEnd(22, '_'), key: name.padEnd(24, '_'), command: claim };
    });
    write(claims, OPENS_AT + batch);
  }
  return { text: `${lines.join('\n')}\n`, hashes };
}

async function* inPieces(text: string, sizeBytes: number): AsyncGenerator<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  for (let from = 0; from < bytes.length; from += sizeBytes) {
    yield bytes.subarray(from, from + sizeBytes);
  }
}

test('text, pieces of bytes and a web stream verify alike', async () => {
  const { text, hashes } = makeLog(4);
  const head = hashes.at(-1) as string;
  const whole = await verifyText(text, { expect: { head } });
  assert.deepEqual(whole.errors, []);
  assert.equal(whole.outcome?.held, 3);
  assert.deepEqual(await verifyStream(inPieces(text, 7)), whole);
  const body = new Response(text).body as ReadableStream<Uint8Array>;
  assert.deepEqual(await verifyStream(body), whole);
  assert.deepEqual(await verifyText(text.replaceAll('\n', '\r\n')), whole);
});

test('bytes that are no text are an error of the file, not of the program', async () => {
  const { text } = makeLog(2);
  const bytes = new TextEncoder().encode(text);
  bytes[200] = 0xff;
  const pieces = async function* () {
    yield bytes;
  };
  const { ok, errors } = await verifyStream(pieces());
  assert.equal(ok, false);
  assert.match(errors[0]?.message ?? '', /not UTF-8/);
});

test('an empty line in the middle, and one too many at the end, are told', async () => {
  const { text } = makeLog(2);
  assert.equal((await verifyText(`${text}\n`)).errors[0]?.line, 5);
  assert.equal((await verifyText('')).errors[0]?.message, 'the file is empty');
});

test('a long log lets the page have its turns, tells how far it is, and can be stopped', async () => {
  const { text } = makeLog(6_000);
  const told: Progress[] = [];
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, 1);
  const verification = await verifyStream(inPieces(text, 65_536), {
    onProgress: (progress) => told.push(progress),
  });
  clearInterval(timer);
  assert.equal(verification.ok, true);
  assert.ok(told.length > 1 && turns > 0);
  assert.equal(told.at(-1)?.entries, 60_001);
  assert.equal(told.at(-1)?.characters, text.length);
  const stop = new AbortController();
  const reason = new Error('enough');
  const stopped = verifyText(text, { signal: stop.signal, onProgress: () => stop.abort(reason) });
  await assert.rejects(stopped, reason);
});

test('a contest is verified as it is downloaded, up to the head the server told before', async () => {
  const server = await ScriptedServer.start();
  const { text, hashes } = makeLog(4);
  const client = createClient({ baseUrl: server.baseUrl });
  const log = (body: string) =>
    server.on(`GET /v1/contests/${CONTEST}/log`, (response) => {
      response.end(body);
    });
  server.on(`GET /v1/contests/${CONTEST}/audit`, json(200, { head: hashes[3] }));
  log(text);
  const whole = await verifyContest(client, CONTEST);
  assert.deepEqual(whole.errors, [], 'the log may have grown since');
  log(text.split('\n').slice(0, 3).join('\n'));
  const cut = await verifyContest(client, CONTEST);
  assert.deepEqual(
    cut.errors.map(({ what }) => what),
    ['expected'],
  );
  const other = CONTEST.replace('0001', '0002');
  server.on(`GET /v1/contests/${other}/audit`, json(200, { head: hashes[3] }));
  server.on(`GET /v1/contests/${other}/log`, (response) => {
    response.end(text);
  });
  const swapped = await verifyContest(client, other);
  assert.match(swapped.errors[0]?.message ?? '', /not of/);
  await server.close();
});
