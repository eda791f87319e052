import pg from 'pg';
import { isConnectionLost, translateError } from './database-faults.ts';

/** Something that runs SQL: the pool, or one connection inside a transaction. */
export interface Queryable {
  /**
   * Runs one statement. Give it a name to have it prepared once per connection. With `timeoutMs`
   * it is waited for no longer than that, instead of as long as the pool says; it may run on.
   *
   * int8 comes back as a number (an error beyond 2^53), numeric as a string, timestamptz as a
   * Date, json parsed, bytea as a Buffer.
   *
   * @throws DatabaseUnavailable, DatabaseFull, DatabaseReadOnly, DatabaseTimeout; or the error of
   *   PostgreSQL, such as a broken constraint, with its SQLSTATE in `code`.
   */
  query<Row extends pg.QueryResultRow = pg.QueryResultRow>(
    statement: string | Statement,
    values?: unknown[],
  ): Promise<pg.QueryResult<Row>>;
}

export interface Statement {
  name?: string;
  text: string;
  timeoutMs?: number;
}

/** A pool of connections to one PostgreSQL. It recovers by itself after PostgreSQL was away. */
export interface Database extends Queryable {
  /**
   * Runs `work` between BEGIN and COMMIT on one connection; rolls back when it throws. A
   * DatabaseUnavailable with `mayHaveRun` means that the commit may have gone through.
   */
  transaction<Result>(work: (connection: Queryable) => Promise<Result>): Promise<Result>;
  /** Connections by state, for metrics. */
  count(): { total: number; idle: number; waiting: number };
  /** Waits for running statements and closes. Harmless when called twice. */
  close(): Promise<void>;
}

export interface DatabaseOptions {
  url: string;
  /** Shown in pg_stat_activity. */
  name?: string;
  connectionsMax?: number;
  /** How long to wait for a connection, busy or unreachable alike, before DatabaseUnavailable. */
  connectTimeoutMs?: number;
  statementTimeoutMs?: number;
  /** Told about connections that broke while idle. */
  log?: (line: string) => void;
}

/** After the server's own limit the client waits this long, then takes the server for frozen. */
const answerGraceMs = 2_000;
const idleTimeoutMs = 30_000;
const lockTimeoutMs = 5_000;
const idleInTransactionTimeoutMs = 30_000;

/** Opens a pool. Connects lazily: an unreachable PostgreSQL shows at the first statement. */
export function openDatabase(options: DatabaseOptions): Database {
  const { statementTimeoutMs = 10_000 } = options;
  const pool = new pg.Pool({
    connectionString: options.url,
    application_name: options.name ?? 'dibs',
    max: options.connectionsMax ?? 10,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 3_000,
    idleTimeoutMillis: idleTimeoutMs,
    statement_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs + answerGraceMs,
    lock_timeout: Math.min(lockTimeoutMs, statementTimeoutMs),
    idle_in_transaction_session_timeout: idleInTransactionTimeoutMs,
    keepAlive: true,
    types: { getTypeParser: chooseParser },
  });
  // Without a listener an idle connection that breaks would end the process.
  pool.on('error', (error) => options.log?.(`an idle database connection broke: ${error.message}`));
  pool.on('connect', (client) => client.on('error', () => {}));
  let closed: Promise<void> | undefined;
  return {
    query: (statement, values) => withClient(pool, (client) => run(client, statement, values)),
    transaction: (work) => withClient(pool, (client) => runTransaction(client, work)),
    count: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    close: () => {
      closed ??= pool.end();
      return closed;
    },
  };
}

async function withClient<Result>(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect().catch((error) => {
    throw translateError(error, false);
  });
  let lost = false;
  try {
    return await work(client);
  } catch (error) {
    lost = isConnectionLost(error);
    throw error;
  } finally {
    client.release(lost);
  }
}

async function run<Row extends pg.QueryResultRow>(
  client: pg.ClientBase,
  statement: string | Statement,
  values?: unknown[],
): Promise<pg.QueryResult<Row>> {
  const { timeoutMs, ...query } = typeof statement === 'string' ? { text: statement } : statement;
  // pg reads it off the statement; its types do not know that.
  if (timeoutMs !== undefined) Object.assign(query, { query_timeout: timeoutMs });
  try {
    return await client.query<Row>(values === undefined ? query : { ...query, values });
  } catch (error) {
    throw translateError(error, true);
  }
}

async function runTransaction<Result>(
  client: pg.ClientBase,
  work: (connection: Queryable) => Promise<Result>,
): Promise<Result> {
  await run(client, 'begin');
  let result: Result;
  try {
    result = await work({ query: (statement, values) => run(client, statement, values) });
  } catch (error) {
    if (isConnectionLost(error)) throw error;
    // A rollback that fails means a lost connection; then PostgreSQL rolls back by itself, and
    // the connection must not go back to the pool.
    await run(client, 'rollback');
    throw error;
  }
  const commit = await run(client, 'commit');
  // PostgreSQL answers ROLLBACK to the COMMIT of a transaction in which a statement had failed.
  if (commit.command !== 'COMMIT') {
    throw new Error('the transaction was rolled back: an error in it was caught and ignored');
  }
  return result;
}

const int8Oid = 20;

function chooseParser(oid: number, format?: 'text' | 'binary') {
  if (oid === int8Oid && format !== 'binary') return parseInt8;
  return pg.types.getTypeParser(oid, format as 'text');
}

function parseInt8(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`int8 ${text} is beyond 2^53 - 1`);
  return value;
}
