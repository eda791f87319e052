import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { SimulationResult } from './simulation.ts';

export type PlayedSeed = Omit<SimulationResult, 'story'>;

/**
 * Plays seeds in as many threads as there are processors, `workersMax` at the most. Returns the
 * results in the order in which they came. Stops early once `isEnough` says so.
 */
export async function playSeeds(
  seeds: readonly number[],
  options: { workersMax?: number; isEnough?: (result: PlayedSeed) => boolean } = {},
): Promise<PlayedSeed[]> {
  const threads = Math.min(availableParallelism(), options.workersMax ?? 4, seeds.length);
  const results: PlayedSeed[] = [];
  const workers: Worker[] = [];
  const stopAll = () => Promise.all(workers.map((worker) => worker.terminate()));
  await Promise.all(
    Array.from({ length: threads }, async (_, thread) => {
      const own = seeds.filter((__, index) => index % threads === thread);
      const worker = new Worker(new URL('./seed-worker.ts', import.meta.url), { workerData: own });
      workers.push(worker);
      await new Promise<void>((resolve, reject) => {
        worker.on('message', (result: PlayedSeed) => {
          results.push(result);
          if (options.isEnough?.(result) === true) void stopAll();
        });
        worker.on('error', reject);
        worker.on('exit', () => resolve());
      });
    }),
  );
  return results;
}
