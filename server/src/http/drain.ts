import type { Server } from 'node:http';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';

/**
 * Whoever keeps a connection open learns within this time, by the `connection: close` of their next
 * answer, that the server is going away, instead of by a reset.
 */
const LINGER_MS = 250;
/** Those who are still arriving are waited for no longer than this. */
const LINGER_MAX_MS = 1_000;
const IDLE_CHECK_MS = 25;
/** Requests that are still under way after this are cut off. */
const CUT_MS = 10_000;

/**
 * Ends a server so that whoever has reached it is answered. Answers must carry `connection: close`
 * from now on. It goes on taking in what the kernel has accepted already, which would be reset
 * otherwise; then takes no new connections, answers what is under way and closes what is idle.
 */
export async function drainHttp(server: Server): Promise<void> {
  let arrivedAt = performance.now();
  const note = () => {
    arrivedAt = performance.now();
  };
  server.on('connection', note);
  const startedAt = arrivedAt;
  await sleep(LINGER_MS);
  for (let checkedAt = 0; checkedAt < arrivedAt; ) {
    if (performance.now() - startedAt > LINGER_MAX_MS) break;
    checkedAt = performance.now();
    await turn();
  }
  server.off('connection', note);
  const closed = new Promise((resolve) => server.close(resolve));
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
  const cut = setTimeout(() => server.closeAllConnections(), CUT_MS);
  await closed;
  clearInterval(idle);
  clearTimeout(cut);
}
