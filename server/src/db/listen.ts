import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { translateError } from './database-faults.ts';

export interface Listener {
  /** Settles when the channels are listened to for the first time. */
  ready: Promise<void>;
  close(): Promise<void>;
}

export interface ListenOptions {
  url: string;
  /** Handler by channel name. A handler must not throw and should return quickly. */
  channels: Record<string, (payload: string) => void>;
  /**
   * Called after each LISTEN, the first one included: notices sent before are missed, so read what
   * they would have told. Notices that arrive while it runs are handled as usual.
   */
  onListening: () => void | Promise<void>;
  log?: (line: string) => void;
  name?: string;
}

const connectTimeoutMs = 3_000;
/** A connection that died silently is found out after at most pingMs + answerLimitMs. */
const pingMs = 3_000;
const answerLimitMs = 3_000;
const retryMinimumMs = 100;
const retryMaximumMs = 2_000;

/**
 * Listens to notices on a connection of its own, for as long as it is not closed:
 *
 *   connecting -> listening          LISTEN done: onListening is called
 *   listening  -> waiting            the connection broke, or did not answer a ping
 *   connecting -> waiting            PostgreSQL is unreachable
 *   waiting    -> connecting         after 0.1 s to 2 s, doubling, back to 0.1 s after a success
 *   any        -> closed             close()
 *
 * Notices are hints: they can be lost while not listening, which is what onListening is for.
 */
export function listen(options: ListenOptions): Listener {
  const closing = new AbortController();
  const ready = Promise.withResolvers<void>();
  const log = options.log ?? (() => {});
  const loop = async () => {
    let retryMs = retryMinimumMs;
    while (!closing.signal.aborted) {
      try {
        await listenOnce(options, closing.signal, () => {
          retryMs = retryMinimumMs;
          ready.resolve();
        });
      } catch (error) {
        if (closing.signal.aborted) break;
        log(`the listening connection broke: ${(translateError(error, false) as Error).message}`);
      }
      await sleep(retryMs, undefined, { signal: closing.signal }).catch(() => {});
      retryMs = Math.min(retryMs * 2, retryMaximumMs);
    }
  };
  const running = loop();
  return {
    ready: ready.promise,
    async close() {
      closing.abort();
      await running;
      ready.resolve();
    },
  };
}

/** One life of the connection. Ends by throwing, or quietly when told to close. */
async function listenOnce(options: ListenOptions, closing: AbortSignal, onSuccess: () => void) {
  const client = new pg.Client({
    connectionString: options.url,
    application_name: options.name ?? 'dibs-listen',
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: answerLimitMs,
    keepAlive: true,
  });
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => {});
  client.on('error', broken.reject);
  client.on('end', () => broken.reject(new Error('Connection terminated')));
  client.on('notification', ({ channel, payload }) => {
    if (Object.hasOwn(options.channels, channel)) options.channels[channel]?.(payload ?? '');
  });
  const stop = () => broken.reject(new Error('closed'));
  closing.addEventListener('abort', stop);
  try {
    await Promise.race([client.connect(), broken.promise]);
    for (const channel of Object.keys(options.channels)) {
      await client.query(`listen ${pg.escapeIdentifier(channel)}`);
    }
    onSuccess();
    await options.onListening();
    for (;;) {
      await Promise.race([sleep(pingMs, undefined, { signal: closing }), broken.promise]);
      await Promise.race([client.query('select 1'), broken.promise]);
    }
  } finally {
    closing.removeEventListener('abort', stop);
    // end() waits for an answer that a frozen server never gives.
    await Promise.race([client.end().catch(() => {}), sleep(500)]);
  }
}
