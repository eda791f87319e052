import { FAULTS, type Problem, REFUSAL_CODES } from './wire/problems.ts';

const REFUSALS: ReadonlySet<string> = new Set(REFUSAL_CODES);

/** Dibs answered, and the answer is no: a refusal of a contest, or a fault. */
export class DibsProblem extends Error {
  override readonly name = 'DibsProblem';
  readonly problem: Problem;
  /** The idempotency key of the command, or null: send it again to mean the same command. */
  readonly key: string | null;
  /** How long to wait at least before another try, or null where the server did not say. */
  readonly retryAfterMs: number | null;

  constructor(problem: Problem, key: string | null = null, retryAfterMs: number | null = null) {
    super(problem.detail ?? problem.title);
    this.problem = problem;
    this.key = key;
    this.retryAfterMs = retryAfterMs;
  }

  get code(): Problem['code'] {
    return this.problem.code;
  }

  get status(): number {
    return this.problem.status;
  }

  /** An expected "no" of a contest (`sold_out`, `not_open` ...), not something that broke. */
  get isRefusal(): boolean {
    return REFUSALS.has(this.problem.code);
  }

  /** The same request may succeed later. */
  get isTemporary(): boolean {
    const { code } = this.problem;
    return code in FAULTS && FAULTS[code as keyof typeof FAULTS].isTemporary;
  }
}

export type LossReason = 'network' | 'timeout' | 'too_large' | 'malformed';

/**
 * No answer that can be understood came. What became of a command is then unknown: send it again
 * with the same key, and the first verdict is given.
 */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
  readonly reason: LossReason;
  readonly key: string | null;

  constructor(reason: LossReason, message: string, options: ErrorOptions & { key?: string } = {}) {
    super(message, options);
    this.reason = reason;
    this.key = options.key ?? null;
  }

  get isTemporary(): boolean {
    return this.reason === 'network' || this.reason === 'timeout';
  }
}

/**
 * The problem in an answer that is not a success. What is not of Dibs (a proxy's page) becomes a
 * problem with the code that fits its status.
 */
export function problemOf(status: number, body: unknown): Problem {
  const told = body as Partial<Problem> | null;
  const isOfDibs =
    typeof told === 'object' &&
    told !== null &&
    typeof told.code === 'string' &&
    (REFUSALS.has(told.code) || Object.hasOwn(FAULTS, told.code));
  if (isOfDibs)
    return { type: 'about:blank', title: told.code as string, ...told, status } as Problem;
  const code = codeOfStatus(status);
  return { type: 'about:blank', title: FAULTS[code].title, status, code };
}

function codeOfStatus(status: number): keyof typeof FAULTS {
  if (status === 502 || status === 504) return 'unavailable';
  const preferred = { 400: 'malformed', 401: 'unauthenticated', 403: 'forbidden' } as const;
  const known = preferred[status as keyof typeof preferred];
  if (known !== undefined) return known;
  for (const [code, fault] of Object.entries(FAULTS)) {
    if (fault.status === status && status !== 409) return code as keyof typeof FAULTS;
  }
  return status >= 500 ? 'internal' : 'malformed';
}

/** What `Retry-After` (seconds or a date) or the problem itself asks for, in ms; null: nothing. */
export function retryAfterOf(
  header: string | null,
  problem: Problem,
  nowMs: number,
): number | null {
  const { retryAfterMs } = problem;
  if (typeof retryAfterMs === 'number' && retryAfterMs >= 0) return retryAfterMs;
  if (header === null) return null;
  if (/^[0-9]{1,9}$/.test(header)) return Number(header) * 1_000;
  const instant = Date.parse(header);
  return Number.isNaN(instant) ? null : Math.max(0, instant - nowMs);
}
