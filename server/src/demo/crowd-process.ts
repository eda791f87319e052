import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { SyntheticPeople } from '@dibs/sdk/wire';

/** Where a crowd goes and who is in it. */
export interface CrowdOrder {
  readonly url: string;
  readonly drop: string;
  readonly people: SyntheticPeople['people'];
}

const CROWD = fileURLToPath(new URL('./crowd-main.ts', import.meta.url));

/**
 * Sends a crowd from a process of its own, so that it costs the server no more than a real one
 * would. `onEnd` is called once, with what went wrong or null.
 */
export function startCrowd(
  order: CrowdOrder,
  onEnd: (error: Error | null) => void,
): { stop(): void } {
  const child = fork(CROWD, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  child.send(order);
  let ended = false;
  const end = (error: Error | null) => {
    if (!ended) onEnd(error);
    ended = true;
  };
  child.once('error', end);
  child.once('exit', (code, signal) => {
    const isFine = code === 0 || signal === 'SIGTERM';
    end(isFine ? null : new Error(`the crowd's process ended with ${code ?? signal}`));
  });
  return { stop: () => void child.kill('SIGTERM') };
}
