import { parentPort, workerData } from 'node:worker_threads';
import { simulate } from './simulation.ts';

/** Plays the seeds it is given, one by one, and tells how each went. */
for (const seed of workerData as readonly number[]) {
  const { story: _, ...result } = await simulate(seed);
  parentPort?.postMessage(result);
}
