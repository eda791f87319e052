import { performance } from 'node:perf_hooks';
import { type Answer, readHeader } from './answer-reader.ts';
import { Connection, type Target } from './connection.ts';
import { Latencies, type Quantiles } from './latencies.ts';

/**
 * The crowd as an open model: each request has an instant at which a person intends to send it, and
 * is sent then, however slow the answers before it are; latency counts from that instant. So a
 * server that stalls is charged for everyone who waited, not only for those already connected.
 *
 * A request that gets no answer (connection refused, reset, closed) or a temporary fault (429, 503,
 * 507) is sent again, the same bytes with the same idempotency key, until an answer comes or
 * `patienceMs` has passed since it was intended.
 */
export interface Shot {
  /** What the request is, in the report: `claim`, `pay` ... */
  readonly kind: string;
  /** When to send it, in milliseconds since the run's start. */
  readonly atMs: number;
  readonly request: string;
  /** Break the connection off so long after sending; `onOutcome` is then told `cut`. */
  readonly cutAfterMs?: number;
  readonly onOutcome?: (outcome: ShotOutcome) => void;
}

export type ShotOutcome =
  | { readonly type: 'answered'; readonly answer: Answer; readonly nowMs: number }
  | { readonly type: 'cut'; readonly nowMs: number }
  | { readonly type: 'unanswered'; readonly nowMs: number };

export interface GeneratorOptions {
  readonly target: Target;
  /** Connections at the most; a request that finds none free waits, and its latency grows. */
  readonly connectionsMax: number;
  readonly patienceMs: number;
}

export interface Tally {
  sent: number;
  answered: number;
  unanswered: number;
  /** Cut on purpose before an answer came. */
  cut: number;
  /** Sent again after a lost connection or a temporary fault. */
  repeated: number;
  connectionErrors: number;
  /** Answers with status 5xx, repeated ones included. */
  serverErrors: number;
}

export interface GeneratorReport extends Tally {
  readonly durationMs: number;
  /** Requests that were answered, by kind and by `status code`: `201`, `409 sold_out` ... */
  readonly answers: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Temporary faults that were answered by a repeat. */
  readonly faults: Readonly<Record<string, number>>;
  readonly latency: Readonly<Record<string, Quantiles>>;
  readonly overall: Quantiles;
}

interface Flight {
  readonly shot: Shot;
  readonly attempt: number;
}

const temporary = new Set([429, 503, 507]);
const repeatAfterMs = { first: 50, max: 1_000 };

export class Generator {
  readonly tally: Tally = {
    sent: 0,
    answered: 0,
    unanswered: 0,
    cut: 0,
    repeated: 0,
    connectionErrors: 0,
    serverErrors: 0,
  };
  readonly #options: GeneratorOptions;
  /** What is to be sent, by the millisecond. */
  readonly #agenda = new Map<number, Flight[]>();
  readonly #idle: Connection[] = [];
  #connections = 0;
  /** Due and waiting for a connection, from `#waitingFrom` on. */
  #waiting: Flight[] = [];
  #waitingFrom = 0;
  /** Requests that have no outcome yet. */
  #open = 0;
  #startedAt = 0;
  readonly #kinds = new Map<string, { answers: Record<string, number>; latencies: Latencies }>();
  readonly #faults: Record<string, number> = {};
  readonly #overall = new Latencies();
  #finish: (() => void) | null = null;

  constructor(options: GeneratorOptions) {
    this.#options = options;
  }

  /** Milliseconds since the run's start. */
  now(): number {
    return this.#startedAt === 0 ? 0 : performance.now() - this.#startedAt;
  }

  /** Requests without an outcome. */
  get open(): number {
    return this.#open;
  }

  /** Puts a request on the agenda; also during the run, from `onOutcome`. */
  add(shot: Shot): void {
    this.#open += 1;
    this.#plan({ shot, attempt: 0 }, shot.atMs);
  }

  /** Sends everything; resolves once every request has its outcome. Rejects when `signal` aborts. */
  async run(signal?: AbortSignal): Promise<GeneratorReport> {
    this.#startedAt = performance.now();
    let nextMs = 0;
    const timer = setInterval(() => {
      const nowMs = this.now();
      for (; nextMs <= nowMs; nextMs += 1) this.#sendDue(nextMs);
      if (this.#open === 0) this.#finish?.();
    }, 1);
    const abort = new Promise<never>((_, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      if (signal?.aborted === true) reject(signal.reason);
    });
    abort.catch(() => undefined);
    try {
      const finished = new Promise<void>((resolve) => {
        this.#finish = resolve;
      });
      await Promise.race([finished, abort]);
    } finally {
      clearInterval(timer);
      for (const connection of this.#idle) connection.cut();
    }
    return this.report();
  }

  /** The figures so far. */
  report(): GeneratorReport {
    const kinds = [...this.#kinds];
    return {
      ...this.tally,
      durationMs: this.now(),
      answers: Object.fromEntries(kinds.map(([kind, { answers }]) => [kind, answers])),
      faults: this.#faults,
      latency: Object.fromEntries(
        kinds.map(([kind, { latencies }]) => [kind, latencies.quantiles()]),
      ),
      overall: this.#overall.quantiles(),
    };
  }

  /** An instant that has gone by is now: the next tick sends it. */
  #plan(flight: Flight, atMs: number): void {
    const slot = Math.max(
      Math.ceil(atMs),
      Math.floor(this.now()) + (this.#startedAt === 0 ? 0 : 1),
    );
    const due = this.#agenda.get(slot);
    if (due === undefined) this.#agenda.set(slot, [flight]);
    else due.push(flight);
  }

  #sendDue(slot: number): void {
    const due = this.#agenda.get(slot);
    if (due === undefined) return;
    this.#agenda.delete(slot);
    for (const flight of due) this.#send(flight);
  }

  #send(flight: Flight): void {
    const connection = this.#takeConnection();
    if (connection === null) {
      this.#waiting.push(flight);
      return;
    }
    const { shot, attempt } = flight;
    this.tally.sent += 1;
    if (attempt > 0) this.tally.repeated += 1;
    let cutTimer: NodeJS.Timeout | undefined;
    let isCut = false;
    connection.send(shot.request, (outcome) => {
      clearTimeout(cutTimer);
      this.#giveBack(connection);
      if (isCut) this.#settleCut(shot);
      else if (outcome instanceof Error) this.#repeatLost(flight);
      else this.#take(flight, outcome);
    });
    if (shot.cutAfterMs === undefined || attempt > 0) return;
    cutTimer = setTimeout(() => {
      isCut = true;
      connection.cut();
    }, shot.cutAfterMs);
  }

  #takeConnection(): Connection | null {
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined) break;
      if (connection.isAlive) return connection;
      this.#connections -= 1;
    }
    if (this.#connections >= this.#options.connectionsMax) return null;
    this.#connections += 1;
    return new Connection(this.#options.target);
  }

  #giveBack(connection: Connection): void {
    if (connection.isAlive) this.#idle.push(connection);
    else this.#connections -= 1;
    const next = this.#waiting[this.#waitingFrom];
    if (next === undefined) return;
    this.#waitingFrom += 1;
    if (this.#waitingFrom === this.#waiting.length) {
      this.#waiting = [];
      this.#waitingFrom = 0;
    }
    // In a turn of its own: the one whose answer came is told first, and calls do not nest.
    setImmediate(() => this.#send(next));
  }

  #settleCut(shot: Shot): void {
    this.tally.cut += 1;
    this.#open -= 1;
    shot.onOutcome?.({ type: 'cut', nowMs: this.now() });
  }

  #repeatLost(flight: Flight): void {
    this.tally.connectionErrors += 1;
    const { first, max } = repeatAfterMs;
    this.#repeat(flight, Math.min(max, first * 2 ** flight.attempt));
  }

  #repeat(flight: Flight, afterMs: number): void {
    const { shot, attempt } = flight;
    const nowMs = this.now();
    if (nowMs - shot.atMs > this.#options.patienceMs) {
      this.tally.unanswered += 1;
      this.#open -= 1;
      shot.onOutcome?.({ type: 'unanswered', nowMs });
      return;
    }
    // Spread, so that a server that has just come back is not met by everyone in one millisecond.
    this.#plan({ shot, attempt: attempt + 1 }, nowMs + afterMs * (0.5 + Math.random()));
  }

  #take(flight: Flight, answer: Answer): void {
    const { shot } = flight;
    const { status } = answer;
    const label = status < 400 ? String(status) : `${status} ${codeOf(answer)}`;
    if (status >= 500) this.tally.serverErrors += 1;
    if (temporary.has(status)) {
      this.#faults[label] = (this.#faults[label] ?? 0) + 1;
      const seconds = Number(readHeader(answer, 'retry-after') ?? 0);
      const afterMs = Math.min(2_000, Math.max(repeatAfterMs.first, seconds * 1_000));
      this.#repeat(flight, afterMs);
      return;
    }
    const nowMs = this.now();
    this.tally.answered += 1;
    this.#open -= 1;
    const latencyMs = nowMs - shot.atMs;
    this.#overall.add(latencyMs);
    const { answers, latencies } = this.#ofKind(shot.kind);
    answers[label] = (answers[label] ?? 0) + 1;
    latencies.add(latencyMs);
    shot.onOutcome?.({ type: 'answered', answer, nowMs });
  }

  #ofKind(kind: string): { answers: Record<string, number>; latencies: Latencies } {
    const known = this.#kinds.get(kind);
    if (known !== undefined) return known;
    const made = { answers: {}, latencies: new Latencies() };
    this.#kinds.set(kind, made);
    return made;
  }
}

/** The `code` of a problem+json body, or `?`. */
export function codeOf(answer: Answer): string {
  return /"code":"([a-z_]{1,40})"/.exec(answer.body)?.[1] ?? '?';
}
