import type { Socket } from 'node:net';
import { type Chunk, eventEnd, factsBody, HEARTBEAT, resetEvent } from './frames.ts';
import { formatPosition } from './positions.ts';
import type { Topic } from './topics.ts';

/** One contest as one stream follows it. */
export interface Subscription {
  readonly connection: Connection;
  readonly topic: Topic<Subscription>;
  /** The stream has been sent everything up to here; -1: nothing, it needs a view. */
  at: number;
}

/** What is told to people themselves waits here while their reader is busy; more is a `reset`. */
const OWN_FACTS_MAX = 500;

export interface Reader {
  readonly person: string | null;
  readonly session: string | null;
  /** The network address the limits count by. */
  readonly address: string;
}

/**
 * One stream: a socket and where it stands in each of its topics.
 *
 * A socket is written to only while everything before has left this process, so a slow reader holds
 * one event at the most, and its bytes are shared with other readers. What it misses meanwhile
 * stays in the topics' rings and is sent once it has drained.
 */
export class Connection {
  readonly socket: Socket;
  readonly reader: Reader;
  readonly epoch: number;
  /** By topic in the order asked for; null stands for `me`. */
  subscriptions: readonly (Subscription | null)[] = [];
  /** Process time of the last write, for heartbeats. */
  wroteAt: number;
  /** Since when a reader has been holding up its own stream; 0 when it is not. */
  busySince = 0;
  /** Bytes that were sealed for this stream while it was busy. */
  missedBytes = 0;
  #own: string[] = [];
  #hasLostOwn = false;

  constructor(options: { socket: Socket; reader: Reader; epoch: number; now: number }) {
    this.socket = options.socket;
    this.reader = options.reader;
    this.epoch = options.epoch;
    this.wroteAt = options.now;
  }

  get isClosed(): boolean {
    return this.socket.destroyed;
  }

  /** Something sent before is still in this process. */
  get isBusy(): boolean {
    return this.socket.writableLength > 0;
  }

  get hasOwnTopic(): boolean {
    return this.subscriptions.includes(null);
  }

  /** Calls `onDrained` once what was sent before has left this process; it must be busy. */
  awaitDrain(now: number, onDrained: (connection: Connection) => void): void {
    if (this.busySince !== 0) return;
    this.busySince = now;
    // A socket tells of draining only above its high-water mark; the end of one more write is told
    // always.
    this.socket.write(HEARTBEAT, (error) => {
      if (error) return;
      this.busySince = 0;
      this.missedBytes = 0;
      onDrained(this);
    });
  }

  /** Keeps the connection from looking dead; a reader that has vanished shows by it. */
  beat(now: number): void {
    this.wroteAt = now;
    this.socket.write(HEARTBEAT);
  }

  write(text: string, now: number): void {
    this.wroteAt = now;
    this.socket.write(text);
  }

  /** Sends facts of one of its topics; returns about how many bytes. */
  writeChunk(subscription: Subscription, chunk: Chunk, now: number): number {
    this.wroteAt = now;
    subscription.at = chunk.to;
    const { subscriptions } = this;
    if (subscriptions.length === 1) {
      this.socket.write(chunk.whole('', ''));
    } else if (subscriptions.length === 2 && subscriptions[1] === null) {
      this.socket.write(chunk.whole('', ',-'));
    } else if (subscriptions.length === 2 && subscriptions[0] === null) {
      this.socket.write(chunk.whole('-,', ''));
    } else {
      this.socket.cork();
      this.socket.write(chunk.body());
      this.socket.write(eventEnd(this.id()));
      this.socket.uncork();
    }
    return chunk.sizeBytes;
  }

  /** The `id:` of this stream as it stands. */
  id(): string {
    return this.subscriptions
      .map((held) => (held === null || held.at < 0 ? '-' : formatPosition(this.epoch, held.at)))
      .join(',');
  }

  /** Keeps a fact about this stream's person until `flushOwn`. */
  addOwn(fact: string): void {
    if (this.#own.length < OWN_FACTS_MAX) this.#own.push(fact);
    else this.loseOwn();
  }

  /** Facts about this stream's person are not known for sure: they must look for themselves. */
  loseOwn(): void {
    this.#own = [];
    this.#hasLostOwn = true;
  }

  get hasOwn(): boolean {
    return this.#hasLostOwn || this.#own.length > 0;
  }

  /** Sends what was kept; returns how many bytes. It must not be busy. */
  flushOwn(now: number): number {
    let text = this.#hasLostOwn ? resetEvent('me') : '';
    if (this.#own.length > 0) {
      text += factsBody('me', this.#own.join(',')) + eventEnd(this.id());
    }
    this.#own = [];
    this.#hasLostOwn = false;
    if (text !== '') this.write(text, now);
    return text.length;
  }
}
