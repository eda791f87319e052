import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, closeSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  type Answer,
  audit,
  call,
  callUntil,
  claim,
  mint,
  openDrop,
  readDrop,
  register,
} from './api.ts';
import { makeDataDirectory, ServerProcess } from './server-process.ts';

/** The disk under the database in the box runs full in the middle of a storm. */

/** PostgreSQL's first data and log take about 60 MB. */
const diskSizeMb = 160;
const whyNot = whyNoSmallDisk();

/** Null, or why there can be no small disk here. */
function whyNoSmallDisk(): string | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'mounting needs root';
  const { path, remove } = makeDataDirectory();
  try {
    mountDisk(path);
    execFileSync('umount', [path]);
    return null;
  } catch (error) {
    return `a small disk cannot be mounted: ${String((error as { stderr?: unknown }).stderr).trim()}`;
  } finally {
    remove();
  }
}

function mountDisk(path: string): void {
  const flags = ['-t', 'tmpfs', '-o', `size=${diskSizeMb}m`, 'tmpfs', path];
  execFileSync('mount', flags, { stdio: ['ignore', 'ignore', 'pipe'] });
  chmodSync(path, 0o755); // PostgreSQL's account has to pass through.
}

/** Takes the room that is left, but for so much. */
function fillDisk(path: string, leftBytes: number): string {
  const ballast = join(path, 'ballast');
  const file = openSync(ballast, 'a');
  const left = () => {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  };
  for (const sizeBytes of [1_048_576, 4_096]) {
    const bytes = Buffer.alloc(sizeBytes);
    while (left() - sizeBytes >= leftBytes) writeSync(file, bytes);
  }
  closeSync(file);
  return ballast;
}

function expectFull({ status, headers, body, text }: Answer): void {
  assert.ok(status === 507 || status === 503, text);
  assert.equal(headers.get('content-type'), 'application/problem+json');
  assert.match(headers.get('retry-after') ?? '', /^[1-9]\d*$/);
  assert.match(body['code'] as string, status === 507 ? /^storage_full$/ : /^unavailable$/);
}

interface Claimed {
  readonly token: string;
  readonly key: string;
  readonly answer: Answer;
}

/** Claims with fresh people until the disk is full, and a little more; then makes room. */
async function stormFullDisk(path: string, leftBytes: number): Promise<void> {
  let server = await ServerProcess.start({ dataDirectory: path });
  try {
    const { url } = server;
    const admin = (await register(url, 'Ada')).accessToken;
    const people = await mint(url, admin, 3_000);
    const drop = await openDrop(url, admin, { stock: 100_000 });
    const won: Claimed[] = [];
    const faults: Claimed[] = [];
    const claimNext = async () => {
      const token = people.pop()?.accessToken;
      assert.ok(token, 'the disk did not run full');
      const key = randomUUID();
      const answer = await claim(url, drop, { token, key });
      (answer.status === 201 ? won : faults).push({ token, key, answer });
    };
    const claimTogether = (count: number) => Promise.all(Array.from({ length: count }, claimNext));
    await claimTogether(50);
    assert.equal(faults.length, 0);

    const ballast = fillDisk(path, leftBytes);
    while (faults.length === 0) {
      await claimTogether(50);
      // Makes the database write much more than a claim does.
      await call(url, 'POST', '/v1/admin/synthetic-people', {
        token: admin,
        body: { count: 2_000 },
      });
    }
    // It stays so, and it stays clear.
    await claimTogether(20);
    for (const { answer } of faults) expectFull(answer);
    assert.equal((await call(url, 'GET', '/livez')).status, 200);
    // What was acknowledged is known still.
    assert.ok((await readDrop(url, drop)).held >= won.length);
    await expectSame(url, drop, won.slice(0, 1));

    rmSync(ballast);
    const isWell = ({ status }: Answer) => status === 201;
    for (const { token, key } of faults) {
      const answer = await callUntil(() => claim(url, drop, { token, key }), isWell, 30_000);
      won.push({ token, key, answer });
    }
    assert.equal((await audit(url, drop)).log.held, won.length);
    assert.ok(server.isRunning);

    // What was written while the disk was full can be read by the next start.
    await server.kill();
    server = await ServerProcess.start({ dataDirectory: path });
    assert.equal((await audit(server.url, drop)).log.held, won.length);
    await expectSame(server.url, drop, won.slice(-100));
  } finally {
    await server.stop();
  }
}

async function expectSame(url: string, drop: string, claims: readonly Claimed[]): Promise<void> {
  for (const { token, key, answer } of claims) {
    const { status, text } = await claim(url, drop, { token, key });
    assert.deepEqual([status, text], [201, answer.text]);
  }
}

const cases = [
  ['no room for rows', 0],
  // Its log grows by files of 16 MB: without one PostgreSQL ends, and cannot start.
  ["no room for PostgreSQL's own log", 8_000_000],
] as const;

for (const [what, leftBytes] of cases) {
  const title = `${what}: clear faults, nothing lost or broken, recovery when there is room`;
  test(title, { skip: whyNot ?? false }, async () => {
    const disk = makeDataDirectory();
    mountDisk(disk.path);
    try {
      await stormFullDisk(disk.path, leftBytes);
    } finally {
      execFileSync('umount', [disk.path]);
      disk.remove();
    }
  });
}
