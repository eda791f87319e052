import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Verdict } from '@dibs/rules/proof/fold.ts';
import { Arena } from '../src/arena/arena.ts';
import { systemClock } from '../src/arena/clock.ts';
import { Pseudonyms } from '../src/arena/pseudonyms.ts';
import type { ThinHandler } from '../src/http/server.ts';
import { handleStream, type StreamIdentity } from '../src/http/stream.ts';
import { createFanOut, type FanOut, type FanOutLimits } from '../src/journal/fan-out/fan-out.ts';
import { MemoryLog } from '../src/log/memory.ts';

/** A real arena on a log in memory, a real server with nothing but its stream, and raw readers. */

export interface StreamWorld {
  readonly log: MemoryLog;
  readonly arena: Arena;
  readonly pseudonyms: Pseudonyms;
  readonly fanOut: FanOut;
  readonly server: Server;
  readonly port: number;
  /** Sessions that count as ended. */
  readonly revoked: Set<string>;
  /** Errors the arena raised an alarm about. */
  readonly alarms: unknown[];
  close(): Promise<void>;
}

/** Readers say who they are by a header: `as: <person>[/<session>]`. */
function identify(text: string | string[] | undefined): StreamIdentity | null {
  if (typeof text !== 'string') return null;
  const [personId = '', sessionId = ''] = text.split('/');
  return { personId, sessionId };
}

export async function createStreamWorld(
  options: {
    limits?: Partial<FanOutLimits>;
    log?: MemoryLog;
    /** False: what is applied now is not told, as when a replica is built anew. */
    isTold?: () => boolean;
    /** Another route of the same server. */
    also?: (arena: Arena) => ThinHandler;
  } = {},
): Promise<StreamWorld> {
  const log = options.log ?? new MemoryLog(() => Date.now());
  const pseudonyms = new Pseudonyms(Buffer.alloc(32, 7));
  const alarms: unknown[] = [];
  const revoked = new Set<string>();
  const arena = new Arena({
    log,
    clock: systemClock,
    snapshots: { load: async () => null },
    pseudonyms,
    seedOf: async () => null,
    onAlarm: (_contest, error) => alarms.push(error),
  });
  await arena.start();
  const { isTold } = options;
  const fanOut = createFanOut({
    arena: {
      read: (contest) => arena.read(contest),
      peek: (contest) => arena.peek(contest),
      now: () => arena.now(),
      onApplied: (listener) =>
        arena.onApplied((applied) => {
          if (isTold?.() !== false) listener(applied);
        }),
    },
    pseudonyms,
    isRevoked: (session) => revoked.has(session),
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  });
  const also = options.also?.(arena);
  const server = createServer((request, response) => {
    if (also?.(request, response) === true) return;
    void handleStream(request, response, {
      fanOut,
      identify: (asked) => identify(asked.headers['as']),
    });
  });
  server.keepAliveTimeout = 75_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    await fanOut.close({ spreadMs: 1, waitMs: 200 });
    server.closeAllConnections();
    await new Promise<void>((resolve) => void server.close(() => resolve()));
    await arena.close();
  };
  return { log, arena, pseudonyms, fanOut, server, port, revoked, alarms, close };
}

/** A drop that is open, with so much stock that a test need not think of it. */
export async function createDrop(
  world: Pick<StreamWorld, 'arena' | 'pseudonyms'>,
  terms: { stock?: number; price?: number } = {},
): Promise<string> {
  const contest = randomUUID();
  const host = randomUUID();
  await world.arena.create(contest);
  await world.arena.submit({
    contest,
    person: host,
    key: null,
    kind: 'drop',
    command: {
      type: 'create',
      host: world.pseudonyms.of(contest, host),
      terms: {
        rules: 1,
        stock: terms.stock ?? 10_000_000,
        price: { amount: terms.price ?? 100, currency: 'EUR' },
        opensAt: 1,
        closesAt: null,
        limitPerPerson: 1_000,
        quantityMax: 10,
        payWithinMs: 600_000,
        fairWindowMs: 0,
        seedHash: null,
      },
    } as never,
  });
  // The clock would open it a moment later, in the middle of what a test looks at.
  const command = { type: 'open' };
  await world.arena.submit({ contest, person: null, key: null, command });
  return contest;
}

/** `count` people claim a unit each, at once. */
export function claimAtOnce(
  arena: Arena,
  contest: string,
  people: readonly string[],
): Promise<Verdict[]> {
  const command = { type: 'claim', quantity: 1 } as never;
  return Promise.all(people.map((person) => arena.submit({ contest, person, key: null, command })));
}

export interface StreamEvent {
  readonly event: string;
  readonly id: string | null;
  readonly data: {
    readonly topic: string;
    readonly position: string;
    readonly view: Readonly<Record<string, unknown>>;
    readonly facts: readonly (Readonly<Record<string, unknown>> & { readonly seq: number })[];
    readonly afterMs: number;
  };
}

/** A reader that speaks plain sockets, so that it can do what no good client would. */
export class StreamReader {
  readonly socket: Socket;
  readonly events: StreamEvent[] = [];
  status = 0;
  head = '';
  heartbeats = 0;
  lastEventId: string | null = null;
  /** Body of an answer that is not a stream. */
  body = '';
  isClosed = false;
  #text = '';
  readonly #waiting = new Set<() => void>();

  constructor(port: number, path: string, headers: Readonly<Record<string, string>> = {}) {
    this.socket = connect(port, '127.0.0.1');
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    this.socket.write(`GET ${path} HTTP/1.1\r\nhost: test\r\n${lines.join('')}\r\n`);
    this.socket.setEncoding('utf8');
    this.socket.on('data', (text) => this.#read(String(text)));
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.isClosed = true;
      this.#tell();
    });
  }

  /** Resolves once `isMet()`; rejects after `timeoutMs` or when the stream ends before. */
  async until(isMet: () => boolean, timeoutMs = 20_000): Promise<void> {
    const timeout = AbortSignal.timeout(timeoutMs);
    while (!isMet()) {
      if (timeout.aborted) throw new Error(`not met in ${timeoutMs} ms: ${isMet}`);
      if (this.isClosed) throw new Error(`the stream ended before: ${isMet}`);
      await this.#change(timeout);
    }
  }

  async closed(timeoutMs = 20_000): Promise<void> {
    const timeout = AbortSignal.timeout(timeoutMs);
    while (!this.isClosed) {
      if (timeout.aborted) throw new Error(`not closed in ${timeoutMs} ms`);
      await this.#change(timeout);
    }
  }

  leave(): void {
    this.socket.destroy();
  }

  #change(timeout: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done);
        timeout.removeEventListener('abort', done);
        resolve();
      };
      this.#waiting.add(done);
      timeout.addEventListener('abort', done);
    });
  }

  #tell(): void {
    for (const done of [...this.#waiting]) done();
  }

  #read(text: string): void {
    this.#text += text;
    if (this.status === 0) {
      const end = this.#text.indexOf('\r\n\r\n');
      if (end < 0) return;
      this.head = this.#text.slice(0, end).toLowerCase();
      this.status = Number(this.head.slice(9, 12));
      this.#text = this.#text.slice(end + 4);
    }
    if (this.status !== 200) {
      this.body += this.#text;
      this.#text = '';
    }
    const blocks = this.#text.split('\n\n');
    this.#text = blocks.pop() ?? '';
    for (const block of blocks) this.#readBlock(block);
    this.#tell();
  }

  #readBlock(block: string): void {
    if (block.startsWith(':')) {
      this.heartbeats += 1;
      return;
    }
    const fields = new Map<string, string>();
    for (const line of block.split('\n')) {
      const colon = line.indexOf(': ');
      fields.set(line.slice(0, colon), line.slice(colon + 2));
    }
    const event = fields.get('event');
    const id = fields.get('id') ?? null;
    if (id !== null) this.lastEventId = id;
    if (event === undefined) return;
    this.events.push({ event, id, data: JSON.parse(fields.get('data') ?? 'null') });
  }
}
