import { after } from 'node:test';
import { listen } from '../../src/db/listen.ts';
import { openDatabase } from '../../src/db/pool.ts';
import { ArchivedLog } from '../../src/journal/archive.ts';
import { MemoryLog } from '../../src/log/memory.ts';
import { PostgresLog } from '../../src/log/postgres.ts';
import { createTestDatabase } from '../database.ts';
import { testLog } from './log-suite.ts';

testLog('memory', async () => {
  const log = new MemoryLog(() => Date.now());
  return { one: log, other: log, close: async () => {} };
});

const { url, drop } = await createTestDatabase();
const databases = [openDatabase({ url }), openDatabase({ url })] as const;
after(async () => {
  for (const database of databases) await database.close();
  await drop();
});

for (const isArchived of [false, true]) {
  testLog(isArchived ? 'postgres with archive' : 'postgres', async () => {
    const [one, other] = databases.map((database) => {
      const log = new PostgresLog({
        database,
        listen: (channel, onNotice) =>
          listen({ url, channels: { [channel]: onNotice }, onListening: () => onNotice(null) }),
      });
      return isArchived ? new ArchivedLog(log, database) : log;
    }) as [PostgresLog, PostgresLog];
    return { one, other, close: async () => {} };
  });
}
