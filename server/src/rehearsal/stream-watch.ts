import { connect, type Socket } from 'node:net';
import type { Target } from './connection.ts';
import { type EventMeaning, EventReader } from './event-reader.ts';
import { FactHash } from './fact-hash.ts';

/**
 * Many event streams on one drop. Each stream must see every fact after its first view exactly once
 * and in order, also across reconnects; `finish` holds each against the log's own list of facts.
 */
export interface StreamWatchOptions {
  readonly target: Target;
  /** `drop:<id>`. */
  readonly topic: string;
  readonly streams: number;
}

export interface StreamWatchReport {
  readonly streams: number;
  /** Facts that were seen, over all streams. */
  readonly facts: number;
  readonly events: number;
  /** Times a stream came back with its last event's id. */
  readonly reconnects: number;
  /** Times the server could not go on from there and sent a new view. */
  readonly resets: number;
  /** What some stream saw wrongly, in words; the first of them. */
  readonly faults: readonly string[];
}

/** A fact of the log, as `finish` wants it. */
export interface LoggedFact {
  readonly seq: number;
  readonly hash: number;
}

/** Connections being opened at one time. */
const openingMax = 200;
const openLimitMs = 60_000;
const finishLimitMs = 30_000;
const comeBackAfterMs = 100;
const faultsMax = 20;
/** All sockets read into the same bytes: each reader copies what it must keep. */
const arrivals = Buffer.allocUnsafe(262_144);

class Stream {
  socket: Socket | null = null;
  /** Where the facts it counts begin; -1 before the first view. */
  from = -1;
  /** The last event's id, to resume from. */
  lastId = '';
  position = -1;
  readonly hash = new FactHash();
  pending: Buffer | null = null;
}

export class StreamWatch {
  readonly #options: StreamWatchOptions;
  readonly #streams: Stream[] = [];
  readonly #reader = new EventReader();
  readonly #faults: string[] = [];
  #faultCount = 0;
  #events = 0;
  #facts = 0;
  #reconnects = 0;
  #resets = 0;
  #isClosing = false;
  #onView: (() => void) | null = null;

  constructor(options: StreamWatchOptions) {
    this.#options = options;
  }

  /** Opens all streams; resolves once each has its first view. */
  async open(): Promise<void> {
    const deadline = Date.now() + openLimitMs;
    while (this.#streams.length < this.#options.streams) {
      const waiting = this.#streams.filter(({ from }) => from < 0).length;
      if (waiting < openingMax) {
        const stream = new Stream();
        this.#streams.push(stream);
        this.#connect(stream);
      } else await this.#nextView(deadline);
    }
    while (this.#streams.some(({ from }) => from < 0)) await this.#nextView(deadline);
  }

  async #nextView(deadline: number): Promise<void> {
    const open = this.#streams.filter(({ from }) => from >= 0).length;
    if (Date.now() > deadline) {
      this.close();
      throw new Error(`${open} of ${this.#options.streams} streams opened; ${this.#faults[0]}`);
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, 1_000);
      this.#onView = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Breaks off `count` streams, evenly chosen; they come back by themselves. */
  breakOff(count: number): void {
    const step = this.#streams.length / Math.max(1, count);
    for (let index = 0; index < count; index += 1) {
      this.#streams[Math.floor(index * step)]?.socket?.destroy();
    }
  }

  /** Waits until every stream has what the log has, compares, and closes all. */
  async finish(facts: readonly LoggedFact[]): Promise<StreamWatchReport> {
    const last = facts.at(-1)?.seq ?? 0;
    const deadline = Date.now() + finishLimitMs;
    while (Date.now() < deadline && this.#streams.some(({ position }) => position < last)) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const expected = expectFrom(facts);
    for (const [index, stream] of this.#streams.entries()) {
      const { count, value } = expected(stream.from);
      if (stream.hash.count === count && stream.hash.value === value) continue;
      this.#fault(
        `stream ${index}, from entry ${stream.from} on, saw ${stream.hash.count} facts up to ` +
          `entry ${stream.position}; the log has ${count} up to ${last}`,
      );
    }
    this.close();
    if (this.#faultCount > this.#faults.length) {
      this.#faults.push(`and ${this.#faultCount - this.#faults.length} more`);
    }
    return {
      streams: this.#streams.length,
      facts: this.#facts,
      events: this.#events,
      reconnects: this.#reconnects,
      resets: this.#resets,
      faults: this.#faults,
    };
  }

  close(): void {
    this.#isClosing = true;
    for (const { socket } of this.#streams) socket?.destroy();
  }

  #connect(stream: Stream): void {
    const { host, port } = this.#options.target;
    stream.pending = null;
    const socket = connect({
      host,
      port,
      onread: {
        buffer: arrivals,
        callback: (size) => {
          this.#read(stream, size);
          return true;
        },
      },
    });
    stream.socket = socket;
    socket.on('error', () => undefined);
    socket.on('close', () => this.#comeBack(stream));
    const from = stream.lastId === '' ? '' : `last-event-id: ${stream.lastId}\r\n`;
    const path = `/v1/stream?topic=${this.#options.topic}`;
    socket.write(
      `GET ${path} HTTP/1.1\r\nhost: ${host}:${port}\r\naccept: text/event-stream\r\n${from}\r\n`,
    );
  }

  #comeBack(stream: Stream): void {
    if (this.#isClosing) return;
    this.#reconnects += 1;
    setTimeout(
      () => {
        if (!this.#isClosing) this.#connect(stream);
      },
      comeBackAfterMs * (0.5 + Math.random()),
    );
  }

  #read(stream: Stream, size: number): void {
    const bytes = arrivals.subarray(0, size);
    const all = stream.pending === null ? bytes : Buffer.concat([stream.pending, bytes]);
    try {
      const read = this.#reader.read(all, (meaning) => this.#take(stream, meaning));
      stream.pending = read < all.length ? Buffer.from(all.subarray(read)) : null;
    } catch (error) {
      this.#fault((error as Error).message);
      stream.socket?.destroy();
    }
  }

  #take(stream: Stream, meaning: EventMeaning): void {
    this.#events += 1;
    if (meaning.id !== '') stream.lastId = meaning.id;
    if (meaning.type === 'view') {
      if (stream.from >= 0) this.#resets += 1;
      stream.from = meaning.seq;
      stream.position = meaning.seq;
      stream.hash.clear();
      this.#onView?.();
    } else if (meaning.type === 'facts') {
      if (meaning.first <= stream.position) {
        this.#fault(`entry ${meaning.first} came after ${stream.position}`);
      }
      stream.position = meaning.last;
      stream.hash.append(meaning.hash);
      this.#facts += meaning.hash.count;
    }
  }

  #fault(words: string): void {
    this.#faultCount += 1;
    if (this.#faults.length < faultsMax) this.#faults.push(words);
  }
}

/** Count and hash of the facts after a position, worked out once for each position asked for. */
function expectFrom(facts: readonly LoggedFact[]): (from: number) => FactHash {
  const known = new Map<number, FactHash>();
  return (from) => {
    const before = known.get(from);
    if (before !== undefined) return before;
    const made = new FactHash();
    for (const { seq, hash } of facts) if (seq > from) made.add(hash);
    known.set(from, made);
    return made;
  };
}
