import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { openBareHttp } from './bare-http.ts';
import { openForUpdate } from './for-update.ts';
import { makeTokens, type Reference, serveReference } from './front.ts';
import { openOneStatement } from './one-statement.ts';
import { openRedisLua } from './redis-lua.ts';

/** Serves one reference in a process of its own: `serve.ts R1`; the token secret in BENCH_SECRET. */
const references: Record<string, () => Promise<Reference> | Reference> = {
  R1: openRedisLua,
  R2: openOneStatement,
  R3: openForUpdate,
  R4: openBareHttp,
};

const open = references[process.argv[2] ?? ''];
if (open === undefined) throw new Error(`one of ${Object.keys(references).join(', ')}`);
const secret = Buffer.from(process.env['BENCH_SECRET'] ?? '', 'hex');
const reference = await open();
const server = serveReference(reference, makeTokens(secret));
server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 });
await once(server, 'listening');
console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);

let isClosing = false;
const close = async (): Promise<void> => {
  if (isClosing) return;
  isClosing = true;
  server.close();
  server.closeAllConnections();
  await reference.close();
  process.exit(0);
};
process.on('SIGTERM', () => void close());
// Whoever started this is gone.
process.on('disconnect', () => void close());
