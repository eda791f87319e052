import type { IncomingMessage } from 'node:http';

/** More than the largest body that somebody sends by mistake. */
const DISCARDED_MAX_BYTES = 8_000_000;

/**
 * Reads away what is left of a body that nobody wants. Ending the connection instead would reset it,
 * and cost the client this answer and those to requests sent together with it. Too much, or too slow
 * (see the server's limits), ends it after all.
 */
export function discardRest(request: IncomingMessage): void {
  let discardedBytes = 0;
  request.on('data', (chunk: string | Buffer) => {
    discardedBytes += chunk.length;
    if (discardedBytes > DISCARDED_MAX_BYTES) request.destroy();
  });
  request.resume();
}
