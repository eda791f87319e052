import { readText } from './body.ts';
import type { Clock } from './clock.ts';
import type { Credentials } from './credentials.ts';
import { ConnectionLost, DibsProblem, problemOf, retryAfterOf } from './problem.ts';
import { CALLS } from './wire/calls.ts';

/**
 * Brings a call to the server and its answer back. What failed for a while only is tried again, with
 * a growing random pause, within one deadline; and only what may be said twice: reading, and commands
 * with an idempotency key, which the server answers with the first verdict.
 */

export type CallName = keyof typeof CALLS;

export interface CallOptions {
  /** Ends the call, its pauses and its retries. */
  readonly signal?: AbortSignal;
  /** For the call with all its retries; the client's `deadlineMs` unless given. */
  readonly timeoutMs?: number;
}

export interface CommandOptions extends CallOptions {
  /** Idempotency key, at most 200 characters; made anew for each call unless given. */
  readonly key?: string;
}

export interface Request {
  readonly name: CallName;
  /** Values of the `:names` in the call's path. */
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | readonly string[] | null | undefined>>;
  readonly body?: unknown;
  /** The call takes an idempotency key. */
  readonly isCommand?: true;
  /** Never repeated, whatever it is. */
  readonly isOnce?: true;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface TransportOptions {
  /** Without a slash at its end; empty: the page's own origin. */
  readonly baseUrl: string;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly deadlineMs: number;
  readonly attemptTimeoutMs: number;
}

/** The largest answer that is read: an export of a very busy person. */
const ANSWER_SIZE_MAX_BYTES = 16 * 1024 * 1024;
/** With pauses that grow to 5 s these outlast a restart of the server, within the usual deadline. */
const ATTEMPTS_MAX = 10;
const PAUSE_FIRST_MS = 200;
const PAUSE_MAX_MS = 5_000;

interface Attempt {
  readonly method: string;
  readonly url: string;
  readonly key: string | null;
  readonly request: Request;
}

/** What one attempt came to. */
type Outcome<Result> =
  | { readonly result: Result }
  | { readonly fault: DibsProblem | ConnectionLost; readonly generation: number };

export class Transport {
  readonly #options: TransportOptions;
  readonly credentials: Credentials;

  constructor(options: TransportOptions, credentials: Credentials) {
    this.#options = options;
    this.credentials = credentials;
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  get random(): () => number {
    return this.#options.random;
  }

  /** Makes a call and reads its JSON answer; undefined where there is none. */
  call<Result>(request: Request, options: CommandOptions = {}): Promise<Result> {
    return this.#persist(request, options, async (response) => {
      const text = await readText(response, ANSWER_SIZE_MAX_BYTES);
      if (text === '') return undefined as Result;
      return parseJson(text) as Result;
    });
  }

  /**
   * Makes a call and hands its open answer over, to be read as it comes. `signal` ends it, also while it
   * is read; the deadline is for its beginning alone.
   */
  open(request: Request, options: CallOptions = {}): Promise<Response> {
    return this.#persist(request, options, (response) => Promise.resolve(response));
  }

  /** As `open`, but without retries: who asks paces themselves. A refresh is still made. */
  openOnce(request: Request, options: CallOptions = {}): Promise<Response> {
    return this.#persist({ ...request, isOnce: true }, options, (answer) =>
      Promise.resolve(answer),
    );
  }

  /** One attempt that neither repeats nor refreshes; for the refresh itself. */
  async callOnce<Result>(request: Request): Promise<Result> {
    const attempt = this.#prepare(request, null);
    const outcome = await this.#attempt<Result>(
      attempt,
      { timeoutMs: this.#options.attemptTimeoutMs },
      (r) => readText(r, ANSWER_SIZE_MAX_BYTES).then((text) => parseJson(text) as Result),
    );
    if ('fault' in outcome) throw outcome.fault;
    return outcome.result;
  }

  async #persist<Result>(
    request: Request,
    options: CommandOptions,
    read: (response: Response) => Promise<Result>,
  ): Promise<Result> {
    const { clock, attemptTimeoutMs } = this.#options;
    const attempt = this.#prepare(request, request.isCommand ? (options.key ?? makeKey()) : null);
    const mayRepeat = !request.isOnce && (attempt.method === 'GET' || attempt.key !== null);
    const deadline = clock.now() + (options.timeoutMs ?? this.#options.deadlineMs);
    let isRefreshed = false;
    for (let count = 1; ; count += 1) {
      const timeoutMs = Math.max(1, Math.min(attemptTimeoutMs, deadline - clock.now()));
      const limits =
        options.signal === undefined ? { timeoutMs } : { timeoutMs, signal: options.signal };
      const outcome = await this.#attempt(attempt, limits, read);
      if ('result' in outcome) return outcome.result;
      const { fault, generation } = outcome;
      if (!isRefreshed && fault instanceof DibsProblem && this.credentials.canMend(fault.code)) {
        isRefreshed = true;
        if (await this.#refresh(generation, options.signal, fault)) continue;
      }
      const pauseMs = mayRepeat && count < ATTEMPTS_MAX ? this.#pauseAfter(fault, count) : null;
      if (pauseMs === null || clock.now() + pauseMs >= deadline) throw fault;
      await clock.sleep(pauseMs, options.signal ?? NEVER);
    }
  }

  #prepare(request: Request, key: string | null): Attempt {
    const [method, path] = CALLS[request.name].split(' ') as [string, string];
    const filled = path.replace(/:([a-z]+)/g, (_, name: string) => {
      const value = request.path?.[name];
      if (value === undefined || value === '') throw new TypeError(`${request.name} needs ${name}`);
      return encodeURIComponent(value);
    });
    return { method, url: this.#options.baseUrl + filled + queryText(request), key, request };
  }

  async #attempt<Result>(
    attempt: Attempt,
    limits: { timeoutMs: number; signal?: AbortSignal },
    read: (response: Response) => Promise<Result>,
  ): Promise<Outcome<Result>> {
    const { generation } = this.credentials;
    limits.signal?.throwIfAborted();
    const timer = new AbortController();
    const over = new AbortController();
    const signal =
      limits.signal === undefined ? over.signal : AbortSignal.any([limits.signal, over.signal]);
    const late = () =>
      over.abort(new ConnectionLost('timeout', 'no answer came in time', withKey(attempt)));
    void this.#options.clock.sleep(limits.timeoutMs, timer.signal).then(late, () => {});
    try {
      const response = await this.#fetch(attempt, signal);
      if (response.ok) return { result: await read(response) };
      const problem = problemOf(response.status, await readProblem(response));
      const header = response.headers.get('retry-after');
      const retryAfterMs = retryAfterOf(header, problem, this.#options.clock.now());
      return { fault: new DibsProblem(problem, attempt.key, retryAfterMs), generation };
    } catch (error) {
      limits.signal?.throwIfAborted();
      return {
        fault: lossOf(over.signal.aborted ? over.signal.reason : error, attempt),
        generation,
      };
    } finally {
      timer.abort();
    }
  }

  async #fetch(attempt: Attempt, signal: AbortSignal): Promise<Response> {
    const { request, key, method } = attempt;
    const headers: Record<string, string> = { accept: ACCEPTED, ...request.headers };
    const token = await this.credentials.accessToken();
    if (token !== null && request.name !== 'refresh') headers['authorization'] = `Bearer ${token}`;
    if (key !== null) headers['idempotency-key'] = key;
    const init: RequestInit = { method, headers, signal, cache: 'no-store' };
    init.credentials = this.credentials.areCookies ? 'same-origin' : 'omit';
    if (request.body !== undefined) {
      headers['content-type'] = 'application/json';
      init.body = JSON.stringify(request.body);
    }
    return this.#options.fetch(attempt.url, init);
  }

  async #refresh(
    generation: number,
    signal: AbortSignal | undefined,
    fault: DibsProblem,
  ): Promise<boolean> {
    try {
      return await untilAborted(this.credentials.refresh(generation), signal);
    } catch (error) {
      signal?.throwIfAborted();
      // The session may live on: the caller must not take this for being signed out.
      if (error instanceof DibsProblem && error.isTemporary) {
        throw new DibsProblem(error.problem, fault.key, error.retryAfterMs);
      }
      throw lossOf(error, fault);
    }
  }

  /** How long to wait before the next try, or null: it would not help. */
  #pauseAfter(fault: DibsProblem | ConnectionLost, count: number): number | null {
    if (!fault.isTemporary) return null;
    const most = Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** (count - 1));
    // All of the pause is random, so that a crowd that fell together does not come back together.
    const pauseMs = this.#options.random() * most;
    const asked = fault instanceof DibsProblem ? fault.retryAfterMs : null;
    return (asked ?? 0) + pauseMs;
  }
}

const ACCEPTED = 'application/json, application/problem+json, */*;q=0.1';
const NEVER = new AbortController().signal;

/** A key that nobody else makes: 128 random bits. */
export function makeKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function queryText(request: Request): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(request.query ?? {})) {
    if (value === undefined || value === null) continue;
    for (const one of typeof value === 'object' ? value : [value]) query.append(name, String(one));
  }
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

async function readProblem(response: Response): Promise<unknown> {
  const text = await readText(response, ANSWER_SIZE_MAX_BYTES);
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const begin = text.slice(0, 60);
    throw new ConnectionLost('malformed', `the answer is not JSON; it begins: ${begin}`, { cause });
  }
}

function withKey({ key }: { key: string | null }): { key?: string } {
  return key === null ? {} : { key };
}

function lossOf(error: unknown, attempt: { key: string | null }): ConnectionLost {
  if (error instanceof ConnectionLost && error.key === attempt.key) return error;
  const { reason, message } =
    error instanceof ConnectionLost
      ? error
      : { reason: 'network' as const, message: `no connection: ${String(error)}` };
  return new ConnectionLost(reason, message, { cause: error, ...withKey(attempt) });
}

/** The promise's result, or the signal's reason as soon as it is aborted. */
function untilAborted<Result>(
  promise: Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
