import { parentPort, workerData } from 'node:worker_threads';
import { foldEntry, type LogEntry, startFold } from '@dibs/rules/proof/fold.ts';
import { openDatabase } from '../db/pool.ts';
import { PostgresLog } from '../log/postgres.ts';
import { ArchivedLog } from './archive.ts';
import { PostgresSnapshots } from './snapshots-postgres.ts';

/**
 * Folds a contest's log in a thread of its own and keeps the fold: to serialise a million orders
 * takes a second or two, in which the thread that serves people must not stand still.
 */
const { databaseUrl, contest } = workerData as { databaseUrl: string; contest: string };

const PAGE_ENTRIES = 5_000;

const database = openDatabase({ url: databaseUrl, name: 'dibs snapshot', connectionsMax: 1 });
try {
  const listen = () => ({ ready: Promise.resolve(), close: async () => {} });
  const log = new ArchivedLog(new PostgresLog({ database, listen }), database);
  const snapshots = new PostgresSnapshots(database);
  const fold = (await snapshots.load(contest)) ?? startFold(contest);
  for (;;) {
    const batches = await log.read(contest, fold.seq, PAGE_ENTRIES);
    if (batches.length === 0) break;
    for (const { payload, at } of batches) {
      for (const entry of JSON.parse(payload) as LogEntry[]) foldEntry(fold, entry, at);
    }
  }
  parentPort?.postMessage(await snapshots.save(fold));
} finally {
  await database.close();
}
