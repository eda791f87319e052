/**
 * What can go wrong between Dibs and PostgreSQL, beside mistakes in the SQL. All of these are
 * faults of the world: temporary, never the fault of the person who asked.
 */
export abstract class DatabaseFault extends Error {
  abstract readonly code: string;
  readonly temporary = true;
  abstract readonly retryAfterMs: number;
  /** SQLSTATE, where PostgreSQL itself answered. */
  readonly sqlState: string | undefined;

  constructor(message: string, options: { cause: unknown; sqlState?: string | undefined }) {
    super(message, { cause: options.cause });
    this.sqlState = options.sqlState;
  }
}

/** PostgreSQL is unreachable, starting, stopping, or has no connection to spare. */
export class DatabaseUnavailable extends DatabaseFault {
  readonly code = 'database_unavailable';
  readonly retryAfterMs = 1_000;
  /**
   * True when the connection was lost after the statement had been sent: it may have been
   * committed. Who wrote something has to look before writing it again.
   */
  readonly mayHaveRun: boolean;

  constructor(message: string, options: { cause: unknown; mayHaveRun: boolean }) {
    super(message, { cause: options.cause, sqlState: readSqlState(options.cause) });
    this.mayHaveRun = options.mayHaveRun;
  }
}

/** The disk (or memory) of PostgreSQL is full. What was committed is safe; nothing new is taken. */
export class DatabaseFull extends DatabaseFault {
  readonly code = 'database_full';
  readonly retryAfterMs = 30_000;
}

/** PostgreSQL takes no writes: a standby, or a primary during a fail-over. */
export class DatabaseReadOnly extends DatabaseFault {
  readonly code = 'database_read_only';
  readonly retryAfterMs = 5_000;
}

/** A statement or a lock took longer than its limit and was given up; it has not been applied. */
export class DatabaseTimeout extends DatabaseFault {
  readonly code = 'database_timeout';
  readonly retryAfterMs = 1_000;
}

/** Class 08 connection exceptions, 53300 too many connections, 57P01..5 shut down or starting. */
const unavailableStates = /^(08|53300|57P0[1-5])/;
const unavailableCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);
/** pg reports these without a code. */
const unavailableMessages = [
  'Connection terminated',
  'connection timeout',
  'timeout exceeded when trying to connect',
  'timeout expired',
  'Client has encountered a connection error',
  'Query read timeout',
  'Client was closed and is not queryable',
];

/**
 * Turns an error of pg into a fault with its cause kept; what is no fault (a broken constraint, a
 * mistake in SQL) comes back unchanged.
 *
 * @param sent whether the statement had been sent when the error came.
 */
export function translateError(error: unknown, sent: boolean): unknown {
  if (error instanceof DatabaseFault || !(error instanceof Error)) return error;
  const sqlState = readSqlState(error);
  const options = { cause: error, sqlState };
  if (sqlState === '53100' || sqlState === '53200' || /No space left/.test(error.message)) {
    return new DatabaseFull(`PostgreSQL has no space left: ${error.message}`, options);
  }
  if (sqlState === '25006') {
    return new DatabaseReadOnly(`PostgreSQL is read-only: ${error.message}`, options);
  }
  if (sqlState === '57014' || sqlState === '55P03' || sqlState === '25P03') {
    return new DatabaseTimeout(`PostgreSQL took too long: ${error.message}`, options);
  }
  if (isUnavailable(error, sqlState)) {
    const message = `PostgreSQL unreachable: ${describe(error)}`;
    return new DatabaseUnavailable(message, { cause: error, mayHaveRun: sent });
  }
  return error;
}

/** Whether the connection is of no more use after this error. */
export function isConnectionLost(error: unknown): boolean {
  return error instanceof DatabaseUnavailable;
}

function isUnavailable(error: Error, sqlState: string | undefined): boolean {
  if (sqlState !== undefined) return unavailableStates.test(sqlState);
  if (error instanceof AggregateError)
    return error.errors.some((one) => isUnavailable(one, undefined));
  const code = (error as NodeJS.ErrnoException).code;
  if (code !== undefined && unavailableCodes.has(code)) return true;
  return unavailableMessages.some((message) => error.message.includes(message));
}

/** Node tries several addresses and then throws an AggregateError without a message. */
function describe(error: Error): string {
  if (error.message) return error.message;
  if (error instanceof AggregateError) return error.errors.map(String).join(', ');
  return error.name;
}

function readSqlState(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && hasSeverity(error)
    ? code
    : undefined;
}

/** Only answers of PostgreSQL have a severity; "EPIPE" would pass for an SQLSTATE otherwise. */
function hasSeverity(error: unknown): boolean {
  return typeof (error as { severity?: unknown }).severity === 'string';
}
