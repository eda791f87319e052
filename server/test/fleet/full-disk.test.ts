import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Answer, audit, call, callUntil, claim } from './api.ts';
import { mint, openDrop, readDrop, register } from './api.ts';
import { makeDataDirectory, ServerProcess } from './server-process.ts';

/** The disk under the database in the box runs full in the middle of a storm. */

/** PostgreSQL's first data and log take about 60 MB. */
const diskSizeMb = 160;
const disk = makeDataDirectory();
const ballast = join(disk.path, 'ballast');
const refused = mountDisk();
let server: ServerProcess | undefined;

after(async () => {
  await server?.stop();
  if (refused === null) execFileSync('umount', [disk.path]);
  disk.remove();
});

/** Null, or why there can be no small disk here. */
function mountDisk(): string | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'mounting needs root';
  const flags = ['-t', 'tmpfs', '-o', `size=${diskSizeMb}m`, 'tmpfs', disk.path];
  try {
    execFileSync('mount', flags, { stdio: ['ignore', 'ignore', 'pipe'] });
    chmodSync(disk.path, 0o755);
    return null;
  } catch (error) {
    return `a small disk cannot be mounted: ${String((error as { stderr?: unknown }).stderr).trim()}`;
  }
}

/** Takes all the room that is left. */
function fillDisk(): void {
  const file = openSync(ballast, 'a');
  try {
    for (const sizeBytes of [1_048_576, 4_096]) {
      const bytes = Buffer.alloc(sizeBytes);
      try {
        while (writeSync(file, bytes) > 0);
      } catch (error) {
        assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
      }
    }
  } finally {
    closeSync(file);
  }
}

function expectFull({ status, headers, body, text }: Answer): void {
  assert.ok(status === 507 || status === 503, text);
  assert.equal(headers.get('content-type'), 'application/problem+json');
  assert.match(headers.get('retry-after') ?? '', /^[1-9]\d*$/);
  assert.match(body['code'] as string, status === 507 ? /^storage_full$/ : /^unavailable$/);
}

test('a full disk: clear faults, nothing lost or broken, recovery when there is room', {
  skip: refused ?? false,
}, async () => {
  server = await ServerProcess.start({ dataDirectory: disk.path });
  const { url } = server;
  const admin = (await register(url, 'Ada')).accessToken;
  const people = await mint(url, admin, 3_000);
  const drop = await openDrop(url, admin, { stock: 100_000 });
  const won = new Map<string, { token: string; text: string }>();
  const faults: { token: string; key: string; answer: Answer }[] = [];
  const claimNext = async () => {
    const token = people.pop()?.accessToken;
    assert.ok(token, 'the disk did not run full');
    const key = randomUUID();
    const answer = await claim(url, drop, { token, key });
    if (answer.status === 201) won.set(key, { token, text: answer.text });
    else faults.push({ token, key, answer });
  };
  const claimTogether = (count: number) => Promise.all(Array.from({ length: count }, claimNext));
  await claimTogether(50);
  assert.equal(faults.length, 0);

  fillDisk();
  while (faults.length === 0) await claimTogether(50);
  // It stays so, and it stays clear, also for what is no claim.
  await claimTogether(20);
  for (const { answer } of faults) expectFull(answer);
  assert.ok(faults.some(({ answer }) => answer.status === 507));
  const acknowledged = won.size;
  assert.equal((await call(url, 'GET', '/livez')).status, 200);
  assert.ok((await readDrop(url, drop)).held >= acknowledged);
  // What was acknowledged is known still.
  const [[key, first] = ['', { token: '', text: '' }]] = won;
  const again = await claim(url, drop, { token: first.token, key });
  assert.deepEqual([again.status, again.text], [201, first.text]);

  rmSync(ballast);
  const isWell = ({ status }: Answer) => status === 201;
  for (const { token, key: sent } of faults) {
    const answer = await callUntil(() => claim(url, drop, { token, key: sent }), isWell, 30_000);
    won.set(sent, { token, text: answer.text });
  }
  assert.equal((await audit(url, drop)).log.held, won.size);
  assert.ok(server.isRunning);

  // What was written while the disk was full can be read by the next start.
  await server.kill();
  server = await ServerProcess.start({ dataDirectory: disk.path });
  assert.equal((await audit(server.url, drop)).log.held, won.size);
  for (const [sent, { token, text }] of [...won].slice(-100)) {
    const answer = await claim(server.url, drop, { token, key: sent });
    assert.deepEqual([answer.status, answer.text], [201, text]);
  }
});
