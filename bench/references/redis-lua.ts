import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis';
import { type ClaimOutcome, LIMIT_PER_PERSON, PAY_WITHIN_MS, type Reference } from './front.ts';

/**
 * R1: the rule as a Lua script inside Redis, one EVALSHA per claim, every write in the append-only
 * file and fsynced before the answer (`appendfsync always`).
 *
 * As good as its kind can be: one connection, on which the client sends everything of one turn
 * together, so that Redis handles many scripts per wake-up and fsyncs once for all of them; one
 * hash for all of a drop's keys, with the verdict as its value.
 */
const script = `
local known = redis.call('HGET', KEYS[2], ARGV[2])
if known then return known end
local wanted = tonumber(ARGV[3])
local has = tonumber(redis.call('HGET', KEYS[3], ARGV[1]) or '0')
if has + wanted > tonumber(ARGV[5]) then
  redis.call('HSET', KEYS[2], ARGV[2], ARGV[3] .. ' limit_reached')
  return ARGV[3] .. ' limit_reached'
end
local left = tonumber(redis.call('HGET', KEYS[1], 'left') or '0')
if wanted > left then
  return ARGV[3] .. ' sold_out'
end
redis.call('HINCRBY', KEYS[1], 'left', -wanted)
local seq = redis.call('HINCRBY', KEYS[1], 'seq', 1)
redis.call('HINCRBY', KEYS[3], ARGV[1], wanted)
local verdict = ARGV[3] .. ' reserved ' .. seq .. ' ' .. ARGV[4]
redis.call('HSET', KEYS[2], ARGV[2], verdict)
return verdict
`;

/** Starts a redis-server of its own with an empty folder and connects to it. */
export async function openRedisLua(): Promise<Reference> {
  const folder = mkdtempSync(join(tmpdir(), 'dibs-bench-redis-'));
  const port = await findFreePort();
  const server = startRedis(folder, port);
  const client = createClient({ url: `redis://127.0.0.1:${port}` });
  client.on('error', (error) => process.stderr.write(`redis: ${(error as Error).message}\n`));
  await client.connect();
  const sha = createHash('sha1').update(script).digest('hex');
  if ((await client.scriptLoad(script)) !== sha) throw new Error('another script was loaded');
  const mode = await client.configGet('appendfsync');
  if (mode['appendfsync'] !== 'always') throw new Error(`appendfsync is ${mode['appendfsync']}`);
  const keysOf = (drop: string) => [`drop:${drop}`, `keys:${drop}`, `held:${drop}`];
  return {
    async claim(drop, { person, key, quantity }): Promise<ClaimOutcome> {
      const payBy = Date.now() + PAY_WITHIN_MS;
      const verdict = await client.evalSha(sha, {
        keys: keysOf(drop),
        arguments: [
          person,
          `${person} ${key}`,
          String(quantity),
          String(payBy),
          String(LIMIT_PER_PERSON),
        ],
      });
      return readVerdict(String(verdict), quantity);
    },
    async createDrop(drop, stock) {
      await client.hSet(`drop:${drop}`, { left: stock, seq: 0, stock });
    },
    async count(drop) {
      const { left, stock } = await client.hGetAll(`drop:${drop}`);
      let claims = 0;
      for (const verdict of await client.hVals(`keys:${drop}`)) {
        if (verdict.includes(' reserved ')) claims += 1;
      }
      return { units: Number(stock) - Number(left), claims };
    },
    async close() {
      client.destroy();
      server.kill('SIGTERM');
      await once(server, 'exit');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function readVerdict(verdict: string, quantity: number): ClaimOutcome {
  const [asked, type, seq, payBy] = verdict.split(' ');
  if (Number(asked) !== quantity) return { type: 'key_reused' };
  if (type === 'reserved') {
    return { type: 'reserved', seq: Number(seq), quantity, payBy: Number(payBy) };
  }
  if (type === 'sold_out' || type === 'limit_reached') return { type: 'refused', code: type };
  throw new Error(`the script said ${verdict}`);
}

function startRedis(folder: string, port: number): ChildProcess {
  const settings = {
    port: String(port),
    bind: '127.0.0.1',
    dir: folder,
    appendonly: 'yes',
    appendfsync: 'always',
    save: '',
    'no-appendfsync-on-rewrite': 'no',
    'auto-aof-rewrite-percentage': '0',
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  return spawn('redis-server', flags, { stdio: ['ignore', 'ignore', 'inherit'] });
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no free port found');
  return address.port;
}
