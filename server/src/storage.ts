import { Pseudonyms } from './arena/pseudonyms.ts';
import { forgetEmbeddedPostgres, startEmbeddedPostgres } from './db/embedded.ts';
import { readOrCreateSecret } from './db/installation.ts';
import { listen } from './db/listen.ts';
import { migrate } from './db/migrate.ts';
import { type Database, openDatabase } from './db/pool.ts';
import { ArchivedLog } from './journal/archive.ts';
import { PostgresSnapshots } from './journal/snapshots-postgres.ts';
import { PostgresProjectionStore } from './journal/store-postgres.ts';
import { PostgresLog } from './log/postgres.ts';

/** Everything durable of an installation, opened; shared by `serve` and `audit`. */
export interface Storage {
  readonly database: Database;
  readonly databaseUrl: string;
  readonly log: ArchivedLog;
  readonly store: PostgresProjectionStore;
  readonly snapshots: PostgresSnapshots;
  readonly pseudonyms: Pseudonyms;
  readonly tokenSecret: Buffer;
  /** Listens to one channel; `onNotice` gets null after each gap. */
  readonly listenTo: ListenTo;
  close(): Promise<void>;
}

export type ListenTo = (
  channel: string,
  onNotice: (payload: string | null) => void,
) => { readonly ready: Promise<void>; close(): Promise<void> };

export interface StorageOptions {
  /** A server of the operator's; null: the one in the box. */
  readonly databaseUrl: string | null;
  readonly dataDirectory: string;
  /** Forgets the embedded database's data first. */
  readonly isFresh: boolean;
  readonly log: (line: string) => void;
}

/** Opens everything, embedded PostgreSQL first where no other is named, and migrates. */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const closeOne of closers.splice(0).reverse()) await closeOne();
  };
  try {
    const databaseUrl = options.databaseUrl ?? (await startBoxed(options, closers));
    await migrate({ url: databaseUrl, log: options.log });
    const database = openDatabase({
      url: databaseUrl,
      connectionsMax: CONNECTIONS_MAX,
      log: options.log,
    });
    closers.push(() => database.close());
    const listenTo: ListenTo = (channel, onNotice) =>
      listen({
        url: databaseUrl,
        channels: { [channel]: onNotice },
        onListening: () => onNotice(null),
        log: options.log,
      });
    return {
      database,
      databaseUrl,
      log: new ArchivedLog(new PostgresLog({ database, listen: listenTo }), database),
      store: new PostgresProjectionStore(database),
      snapshots: new PostgresSnapshots(database),
      pseudonyms: new Pseudonyms(await readOrCreateSecret(database, 'pseudonym secret')),
      tokenSecret: await readOrCreateSecret(database, 'token secret'),
      listenTo,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A contest has one append in flight, so a few connections carry many thousand commands a second. */
const CONNECTIONS_MAX = 16;

async function startBoxed(
  { dataDirectory, isFresh, log }: StorageOptions,
  closers: (() => Promise<void>)[],
): Promise<string> {
  if (isFresh) await forgetEmbeddedPostgres({ dataDirectory, log });
  const embedded = await startEmbeddedPostgres({ dataDirectory, log });
  closers.push(() => embedded.close());
  return embedded.url;
}
