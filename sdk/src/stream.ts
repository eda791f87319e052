import type { DropFact } from '@dibs/rules/contests/drop/types.ts';
import type { DropView } from '@dibs/rules/contests/drop/view.ts';
import { chunksOf } from './body.ts';
import { ConnectionLost, DibsProblem } from './problem.ts';
import { SseParser } from './sse-parser.ts';
import { StreamPositions } from './stream-positions.ts';
import type { Transport } from './transport.ts';

/**
 * What happens, as it happens. One connection carries all topics and is made again whenever it breaks:
 *
 * - `connecting` → `open` once the server answers.
 * - `open` → `lost` when the connection ends or not a byte (not even a heartbeat) came for 45 s.
 * - `lost` → `connecting` after a pause: random, growing from 1 s to 30 s with every failure in a row;
 *   as long as a draining server asked for; at once when the device comes back online.
 * - `closed` for good: by `close()`, or because the server said no in a way that waiting cannot mend.
 *
 * Each connection goes on from the last position seen, so that a fact comes once and in order, across
 * connections too. Where that cannot be, the topic's `onReset` is called and its view comes anew.
 */

/** A fact with its place in the log. All facts of one entry share their `seq`. */
export type StreamFact = DropFact & {
  readonly seq: number;
  /** Log time, milliseconds since 1970. */
  readonly at: number;
  /** The contest; on the topic `me`. */
  readonly contest?: string;
};

export type StreamState = 'connecting' | 'open' | 'lost' | 'closed';

export interface StateDetail {
  /** `lost`: when it will be tried again. */
  readonly retryAfterMs?: number;
  /** Why. */
  readonly error?: DibsProblem | ConnectionLost;
}

export interface StreamOptions {
  /** `drop:<id>`, and `me` for the caller's own facts in all contests. */
  readonly topics: readonly string[];
  /** Where to go on from, by topic: the `position` of a drop that was fetched. */
  readonly positions?: Readonly<Record<string, string>>;
  /** What stands at `position`; first of all, and after a reset. */
  onView?(topic: string, view: DropView, position: string): void;
  onFacts?(topic: string, facts: readonly StreamFact[]): void;
  /** Facts may be missing: what is shown of this topic must be fetched anew. */
  onReset?(topic: string): void;
  onState?(state: StreamState, detail: StateDetail): void;
}

export interface Stream {
  readonly state: StreamState;
  addTopic(topic: string, position?: string): void;
  removeTopic(topic: string): void;
  close(): void;
}

/** Three heartbeats of the server. */
const SILENCE_MAX_MS = 45_000;
const PAUSE_FIRST_MS = 1_000;
const PAUSE_MAX_MS = 30_000;
/** How long a server may ask us to stay away. */
const ASKED_MAX_MS = 10 * 60_000;
/** Characters of one event: a large fair window settles in one. */
const EVENT_SIZE_MAX = 32 * 1024 * 1024;

/** Why a connection was ended from this side. */
type Ending =
  | { readonly type: 'reconnect'; readonly afterMs: number }
  | { readonly type: 'again' }
  | { readonly type: 'silent' };

export function openStream(transport: Transport, options: StreamOptions): Stream {
  return new FactStream(transport, options);
}

class FactStream implements Stream {
  readonly #transport: Transport;
  readonly #options: StreamOptions;
  readonly #positions: StreamPositions;
  readonly #closing = new AbortController();
  #state: StreamState = 'connecting';
  #connection: AbortController | null = null;
  #ending: Ending | null = null;
  #pause: AbortController | null = null;
  #pauseFirstMs = PAUSE_FIRST_MS;
  #failures = 0;

  constructor(transport: Transport, options: StreamOptions) {
    this.#transport = transport;
    this.#options = options;
    this.#positions = new StreamPositions(options.topics, options.positions ?? {});
    // Whoever asked for the stream gets it before its first call.
    queueMicrotask(() => void this.#run());
  }

  get state(): StreamState {
    return this.#state;
  }

  addTopic(topic: string, position?: string): void {
    if (this.#positions.add(topic, position)) this.#again();
  }

  removeTopic(topic: string): void {
    if (this.#positions.remove(topic)) this.#again();
  }

  close(): void {
    this.#closing.abort();
    this.#setState('closed', {});
  }

  /** Connects anew at once, with the topics there are now; several changes in one turn, once. */
  #again(): void {
    this.#pause?.abort();
    if (this.#connection === null || this.#ending !== null) return;
    this.#end({ type: 'again' });
  }

  #end(ending: Ending): void {
    this.#ending ??= ending;
    this.#connection?.abort(new DOMException(ending.type, 'AbortError'));
  }

  async #run(): Promise<void> {
    const wake = () => this.#pause?.abort();
    const world = globalThis as Partial<
      Pick<EventTarget, 'addEventListener' | 'removeEventListener'>
    >;
    world.addEventListener?.('online', wake);
    while (!this.#closing.signal.aborted) {
      if (this.#positions.topics.length === 0) {
        await this.#wait(PAUSE_MAX_MS);
        continue;
      }
      this.#setState('connecting', {});
      const error = await this.#connect();
      const ending = this.#ending;
      this.#ending = null;
      if (this.#closing.signal.aborted) break;
      if (ending?.type === 'again') continue;
      if (error instanceof DibsProblem && isFinal(error)) {
        this.#closing.abort();
        this.#setState('closed', { error });
        break;
      }
      const retryAfterMs = this.#pauseMs(ending, error);
      this.#failures += 1;
      this.#setState('lost', { retryAfterMs, error });
      await this.#wait(retryAfterMs);
    }
    world.removeEventListener?.('online', wake);
  }

  /** One connection from its beginning to its end; why it ended. */
  async #connect(): Promise<DibsProblem | ConnectionLost> {
    const connection = new AbortController();
    this.#connection = connection;
    const signal = AbortSignal.any([this.#closing.signal, connection.signal]);
    try {
      const response = await this.#open(signal);
      this.#setState('open', {});
      await this.#read(response, connection);
      return new ConnectionLost('network', 'the server ended the stream');
    } catch (error) {
      if (error instanceof DibsProblem || error instanceof ConnectionLost) return error;
      const reason = this.#ending?.type === 'silent' ? 'timeout' : 'network';
      return new ConnectionLost(reason, `the stream broke: ${String(error)}`, { cause: error });
    } finally {
      connection.abort();
      this.#connection = null;
    }
  }

  async #open(signal: AbortSignal): Promise<Response> {
    const lastEventId = this.#positions.begin();
    const headers: Record<string, string> = { accept: 'text/event-stream' };
    if (lastEventId !== null) headers['last-event-id'] = lastEventId;
    const query = { topic: this.#positions.topics };
    const response = await this.#transport.openOnce({ name: 'stream', query, headers }, { signal });
    const type = response.headers.get('content-type') ?? '';
    if (!type.startsWith('text/event-stream')) {
      throw new ConnectionLost('malformed', `the stream came as ${type}, not text/event-stream`);
    }
    return response;
  }

  async #read(response: Response, connection: AbortController): Promise<void> {
    const { clock } = this.#transport;
    let lastByteAt = clock.now();
    const watch = async () => {
      for (;;) {
        const silentMs = clock.now() - lastByteAt;
        if (silentMs >= SILENCE_MAX_MS) return this.#end({ type: 'silent' });
        await clock.sleep(SILENCE_MAX_MS - silentMs, connection.signal);
      }
    };
    watch().catch(() => {});
    const parser = new SseParser({
      sizeMax: EVENT_SIZE_MAX,
      onEvent: ({ type, data, id }) => {
        if (!connection.signal.aborted) this.#take(type, data, id);
      },
      onRetry: (afterMs) => {
        this.#pauseFirstMs = Math.min(Math.max(afterMs, 1), PAUSE_MAX_MS);
      },
    });
    for await (const chunk of chunksOf(response)) {
      lastByteAt = clock.now();
      parser.push(chunk);
    }
  }

  #take(type: string, data: string, id: string): void {
    const body = readEvent(data);
    const { topic } = body;
    if (type === 'reconnect') {
      const afterMs = typeof body.afterMs === 'number' && body.afterMs >= 0 ? body.afterMs : 0;
      this.#end({ type: 'reconnect', afterMs: Math.min(afterMs, ASKED_MAX_MS) });
      return;
    }
    if (typeof topic !== 'string' || !this.#positions.has(topic)) return;
    if (type === 'reset') {
      this.#positions.forget(topic);
      this.#tell(() => this.#options.onReset?.(topic));
    } else if (type === 'view' && typeof body.position === 'string') {
      const { view, position } = body as { view: DropView; position: string };
      this.#positions.set(topic, position);
      this.#tell(() => this.#options.onView?.(topic, view, position));
    } else if (type === 'facts' && Array.isArray(body.facts)) {
      this.#takeFacts(topic, body as { facts: StreamFact[]; after?: unknown }, id);
    }
    if (this.#ending === null) {
      this.#failures = 0;
      this.#positions.note(id);
    }
  }

  #takeFacts(topic: string, body: { facts: StreamFact[]; after?: unknown }, id: string): void {
    if (this.#positions.isBroken(topic, body.after, id)) {
      this.#positions.forget(topic);
      this.#tell(() => this.#options.onReset?.(topic));
      // Without a position the next connection begins with the topic's view.
      this.#end({ type: 'reconnect', afterMs: 0 });
      return;
    }
    const facts = this.#positions.takeNew(topic, body.facts);
    if (facts.length > 0) this.#tell(() => this.#options.onFacts?.(topic, facts));
  }

  /** A listener's mistake is its own: it surfaces as uncaught, and the stream goes on. */
  #tell(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }

  #setState(state: StreamState, detail: StateDetail): void {
    if (this.#state === 'closed') return;
    this.#state = state;
    this.#tell(() => this.#options.onState?.(state, detail));
  }

  #pauseMs(ending: Ending | null, error: DibsProblem | ConnectionLost): number {
    const most = Math.min(PAUSE_MAX_MS, this.#pauseFirstMs * 2 ** Math.min(this.#failures, 20));
    const pauseMs = this.#transport.random() * most;
    if (ending?.type === 'reconnect') return ending.afterMs + pauseMs / 4;
    const asked = error instanceof DibsProblem ? (error.retryAfterMs ?? 0) : 0;
    return Math.min(asked, ASKED_MAX_MS) + pauseMs;
  }

  async #wait(ms: number): Promise<void> {
    this.#pause = new AbortController();
    const signal = AbortSignal.any([this.#pause.signal, this.#closing.signal]);
    await this.#transport.clock.sleep(ms, signal).catch(() => {});
    this.#pause = null;
  }
}

/** Waiting does not mend it: the request itself is refused. */
function isFinal(problem: DibsProblem): boolean {
  return problem.status < 500 && !problem.isTemporary;
}

function readEvent(data: string): { topic?: unknown; [member: string]: unknown } {
  let body: unknown;
  try {
    body = JSON.parse(data);
  } catch (cause) {
    throw new ConnectionLost('malformed', `an event is not JSON: ${data.slice(0, 60)}`, { cause });
  }
  if (typeof body !== 'object' || body === null) {
    throw new ConnectionLost('malformed', `an event is no object: ${data.slice(0, 60)}`);
  }
  return body as { topic?: unknown };
}
