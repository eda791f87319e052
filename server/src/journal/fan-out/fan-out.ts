import type { Socket } from 'node:net';
import type { Applied, Arena } from '../../arena/arena.ts';
import { type Clock, systemClock } from '../../arena/clock.ts';
import { Admissions, StreamRefusal } from './admission.ts';
import { Connection, type Reader, type Subscription } from './connections.ts';
import { reconnectEvent, resetEvent, streamHead, viewEvent } from './frames.ts';
import { FAN_OUT_LIMITS, type FanOutLimits } from './limits.ts';
import { OwnTopics } from './own-topics.ts';
import { Pacing } from './pacing.ts';
import { formatPosition, type Position } from './positions.ts';
import { checkRequest, loadRefusal, type StreamRequest } from './requests.ts';
import { Sweep } from './sweep.ts';
import { type RingBudget, Topic } from './topics.ts';

export { StreamRefusal } from './admission.ts';
export { FAN_OUT_LIMITS, type FanOutLimits } from './limits.ts';
export type { StreamRequest } from './requests.ts';

export interface FanOutOptions {
  readonly arena: Pick<Arena, 'read' | 'peek' | 'now' | 'onApplied'>;
  readonly pseudonyms: { personOf(contest: string, pseudonym: string): string };
  /** Whether a session has been ended; asked often, so it must be a look into memory. */
  readonly isRevoked: (sessionId: string) => boolean;
  readonly limits?: Partial<FanOutLimits>;
  readonly clock?: Clock;
  /** Which life of the log positions belong to. */
  readonly epoch?: number;
}

/** What ops exports; from `deliveries` on they only ever grow. */
export interface FanOutStats {
  streams: number;
  subscriptions: number;
  /** Streams whose reader is holding them up right now. */
  slow: number;
  topics: number;
  people: number;
  ringsBytes: number;
  /** How long the last pass over the streams took, and how much of it was work; milliseconds. */
  frameMs: number;
  frameWorkMs: number;
  deliveries: number;
  bytes: number;
  droppedSlow: number;
  endedRevoked: number;
  resets: number;
  refused: number;
}

/** A place that is kept for one stream whose contests are loaded. */
export interface Admission {
  /**
   * Begins the stream on the socket that `takeSocket` hands over; to be called in the turn in which
   * it was admitted. Where `takeSocket` returns null (the reader has gone) nothing begins.
   * Throws `StreamRefusal` before `takeSocket` is called.
   */
  begin(takeSocket: () => Socket | null): void;
}

/**
 * Tells facts to the streams (`GET /v1/stream`) of this process: each stream every fact of its
 * topics once and in order, from a view or from the position it resumes at.
 *
 *   arena --applied batches--> topics (rings) --passes--> sockets
 *
 * On the arena's hot path a batch is only put down. Passes (see pacing.ts) serialise what gathered,
 * once per topic, and bring every stream from its own position to the ring's end with shared bytes.
 * A reader that cannot keep up is passed by, and sent away when it falls behind too far; nobody
 * ever waits for it.
 */
export class FanOut {
  readonly #options: FanOutOptions;
  readonly #limits: FanOutLimits;
  readonly #clock: Clock;
  readonly #epoch: number;
  readonly #admissions: Admissions;
  readonly #budget: RingBudget;
  readonly #topics = new Map<string, Topic<Subscription>>();
  readonly #connections = new Set<Connection>();
  readonly #own: OwnTopics;
  readonly #pacing: Pacing;
  readonly #sweep: Sweep;
  readonly #stopListening: () => void;
  readonly #totals = {
    deliveries: 0,
    bytes: 0,
    droppedSlow: 0,
    endedRevoked: 0,
    resets: 0,
    refused: 0,
  };
  readonly #onDrained = (connection: Connection): void => this.#resume(connection);
  #dirty = new Set<Topic<Subscription>>();
  /** Streams that are behind the rings and can be written to. */
  #behind = new Set<Connection>();
  #isClosing = false;
  #onEmpty: (() => void) | null = null;

  constructor(options: FanOutOptions) {
    this.#options = options;
    this.#limits = { ...FAN_OUT_LIMITS, ...options.limits };
    this.#clock = options.clock ?? systemClock;
    this.#epoch = options.epoch ?? 1;
    this.#admissions = new Admissions(this.#limits);
    this.#budget = { bytes: 0, bytesMax: this.#limits.ringsBytes };
    this.#own = new OwnTopics((contest, pseudonym) =>
      options.pseudonyms.personOf(contest, pseudonym),
    );
    this.#pacing = new Pacing({
      clock: this.#clock,
      begin: () => this.#pass(),
      frameMs: this.#limits.frameMs,
      share: this.#limits.loopShare,
    });
    this.#sweep = new Sweep({
      clock: this.#clock,
      cycleMs: this.#limits.sweepMs,
      connections: this.#connections,
      visit: (connection, now) => this.#visit(connection, now),
      onCycle: (now) => this.#tendTopics(now),
    });
    this.#stopListening = options.arena.onApplied((applied) => this.#take(applied));
  }

  get stats(): FanOutStats {
    let subscriptions = 0;
    for (const topic of this.#topics.values()) subscriptions += topic.subscriptions.size;
    let slow = 0;
    for (const connection of this.#connections) if (connection.busySince !== 0) slow += 1;
    return {
      streams: this.#connections.size,
      subscriptions,
      slow,
      topics: this.#topics.size,
      people: this.#own.people,
      ringsBytes: this.#budget.bytes,
      frameMs: this.#pacing.passMs,
      frameWorkMs: this.#pacing.workMs,
      ...this.#totals,
    };
  }

  /** Checks a request, counts it and loads its contests. Rejects with `StreamRefusal`. */
  async admit(request: StreamRequest): Promise<Admission> {
    try {
      if (this.#isClosing) throw new StreamRefusal('draining', 'this process is going away', 1_000);
      const checked = checkRequest(request, this.#limits.topicsPerStreamMax);
      const { address, person } = request.reader;
      const leave = this.#admissions.enter(address, person);
      try {
        await this.#load(checked.contests);
      } catch (error) {
        leave();
        throw error;
      }
      const begin = (takeSocket: () => Socket | null): void => {
        try {
          const topics = checked.contests.map((contest) =>
            contest === null ? null : this.#openTopic(contest),
          );
          const socket = takeSocket();
          if (socket === null) leave();
          else this.#begin({ socket, reader: request.reader, topics, checked, leave });
        } catch (error) {
          leave();
          throw error;
        }
      };
      return { begin };
    } catch (error) {
      this.#totals.refused += 1;
      throw error;
    }
  }

  /**
   * Sends every reader away, to come back at a random moment within `spreadMs`, and resolves once
   * all are gone.
   */
  async close(options: { spreadMs: number; waitMs?: number }): Promise<void> {
    this.#isClosing = true;
    this.#stopListening();
    this.#pacing.close();
    this.#sweep.close();
    let count = 0;
    for (const connection of this.#connections) {
      const afterMs = Math.floor(Math.random() * options.spreadMs);
      connection.socket.end(reconnectEvent(afterMs));
      count += 1;
      if (count % CLOSE_SLICE === 0) {
        await new Promise<void>((resolve) => this.#clock.soon(resolve));
      }
    }
    if (this.#connections.size > 0) {
      const emptied = new Promise<void>((resolve) => {
        this.#onEmpty = resolve;
      });
      const timer = this.#clock.after(options.waitMs ?? CLOSE_WAIT_MS, () => {
        for (const connection of this.#connections) connection.socket.destroy();
      });
      await emptied;
      timer.cancel();
    }
    this.#topics.clear();
    this.#dirty.clear();
    this.#behind.clear();
  }

  async #load(contests: readonly (string | null)[]): Promise<void> {
    try {
      await Promise.all(
        contests.map(async (contest) => {
          if (contest === null) return;
          const fold = await this.#options.arena.read(contest);
          if (fold.rules?.kind !== 'drop') {
            throw new StreamRefusal('not_found', `there is no drop ${contest}`);
          }
        }),
      );
    } catch (error) {
      throw loadRefusal(error);
    }
    if (this.#isClosing) throw new StreamRefusal('draining', 'this process is going away', 1_000);
  }

  #openTopic(contest: string): Topic<Subscription> {
    const fold = this.#options.arena.peek(contest);
    if (fold === undefined) {
      throw new StreamRefusal('unavailable', 'the contest is being loaded', 1_000);
    }
    let topic = this.#topics.get(contest);
    if (topic === undefined) {
      if (this.#topics.size >= this.#limits.topicsMax) {
        throw new StreamRefusal('busy', `${this.#limits.topicsMax} contests are followed`, 5_000);
      }
      const { ringFacts, ringBytes } = this.#limits;
      topic = new Topic<Subscription>({
        contest,
        epoch: this.#epoch,
        head: fold.seq,
        limits: { ringFacts, ringBytes },
        budget: this.#budget,
      });
      topic.emptySince = this.#clock.now();
      this.#topics.set(contest, topic);
      this.#sweep.wake();
    } else if (fold.seq > topic.head) {
      this.#restart(topic, fold.seq);
    }
    return topic;
  }

  #begin(stream: {
    socket: Socket;
    reader: Reader;
    topics: readonly (Topic<Subscription> | null)[];
    checked: { positions: readonly (Position | null)[] | null };
    leave: () => void;
  }): void {
    const { socket, reader } = stream;
    const now = this.#clock.now();
    const connection = new Connection({ socket, reader, epoch: this.#epoch, now });
    connection.subscriptions = stream.topics.map((topic) =>
      topic === null ? null : { connection, topic, at: -1 },
    );
    socket.once('close', () => {
      stream.leave();
      this.#remove(connection);
    });
    this.#connections.add(connection);
    this.#sweep.wake();
    let text = streamHead(RETRY_MS + Math.floor(Math.random() * RETRY_SPREAD_MS));
    const fresh: { subscription: Subscription; isLost: boolean }[] = [];
    connection.subscriptions.forEach((subscription, index) => {
      if (subscription === null) {
        if (reader.person !== null) this.#own.add(reader.person, connection);
        text += resetEvent('me');
        return;
      }
      const { topic } = subscription;
      topic.subscriptions.add(subscription);
      topic.emptySince = 0;
      const position = stream.checked.positions?.[index] ?? null;
      if (position !== null && this.#canResume(topic, position)) subscription.at = position.seq;
      else fresh.push({ subscription, isLost: position !== null });
    });
    for (const { subscription, isLost } of fresh) text += this.#show(subscription, isLost);
    connection.write(text, now);
    if (fresh.length < connection.subscriptions.length) this.#resume(connection);
  }

  #canResume(topic: Topic<Subscription>, position: Position): boolean {
    const isKnown = position.epoch === this.#epoch && position.seq >= topic.base;
    return isKnown && position.seq <= topic.head + AHEAD_MAX;
  }

  /**
   * The topic as it stands now, as an event; facts after it follow. Empty while it is not loaded.
   */
  #show(subscription: Subscription, isLost: boolean): string {
    const { topic, connection } = subscription;
    const fold = this.#options.arena.peek(topic.contest);
    if (fold === undefined || fold.rules === null) return '';
    subscription.at = topic.head;
    if (isLost) this.#totals.resets += 1;
    const view = fold.rules.view(fold.state, this.#options.arena.now());
    const position = formatPosition(this.#epoch, topic.head);
    const event = viewEvent(topic.name, { view, position }, connection.id());
    return isLost ? resetEvent(topic.name) + event : event;
  }

  /** On the arena's hot path: puts the batch down and goes. */
  #take(applied: Applied): void {
    const topic = this.#topics.get(applied.contest);
    let isNews = false;
    if (topic?.take(applied.steps) === true) {
      this.#dirty.add(topic);
      isNews = true;
    }
    if (this.#own.hasListeners && this.#own.take(applied)) isNews = true;
    if (isNews) this.#pacing.wake();
  }

  #restart(topic: Topic<Subscription>, head: number): void {
    topic.restart(head);
    this.#dirty.add(topic);
    this.#pacing.wake();
  }

  /** The stream is to be brought on from where it stands, with the next pass. */
  #resume(connection: Connection): void {
    this.#behind.add(connection);
    this.#pacing.wake();
  }

  *#pass(): Generator<void> {
    const topics = this.#dirty;
    const behind = this.#behind;
    this.#dirty = new Set();
    this.#behind = new Set();
    for (const topic of topics) {
      topic.seal();
      yield;
    }
    for (const topic of topics) {
      const { frameBytes } = topic;
      for (const subscription of topic.subscriptions) {
        this.#deliver(subscription, frameBytes);
        yield;
      }
      topic.releaseFrame();
    }
    const touched = new Set<Connection>();
    yield* this.#own.tell(touched);
    for (const connection of touched) {
      this.#deliverOwn(connection);
      yield;
    }
    for (const connection of behind) {
      for (const subscription of connection.subscriptions) {
        if (subscription !== null) this.#deliver(subscription, 0);
      }
      if (connection.hasOwn) this.#deliverOwn(connection);
      yield;
    }
    for (const connection of behind) {
      for (const subscription of connection.subscriptions) subscription?.topic.releaseFrame();
    }
  }

  /**
   * Sends a stream what comes after its position; `news`: bytes that it would miss if it is busy.
   */
  #deliver(subscription: Subscription, news: number): void {
    const { connection, topic } = subscription;
    if (subscription.at >= topic.sealedTo || connection.isClosed) return;
    const now = this.#clock.now();
    if (connection.isBusy) {
      connection.missedBytes += news;
      if (connection.missedBytes > this.#limits.unsentBytesMax) this.#dropSlow(connection);
      else connection.awaitDrain(now, this.#onDrained);
      return;
    }
    const chunk = topic.chunkAfter(subscription.at);
    if (chunk === null) {
      subscription.at = topic.sealedTo;
    } else if (chunk === 'lost') {
      const text = this.#show(subscription, true);
      if (text !== '') connection.write(text, now);
    } else {
      this.#count(connection.writeChunk(subscription, chunk, now));
      if (subscription.at < topic.sealedTo) this.#resume(connection);
    }
  }

  #deliverOwn(connection: Connection): void {
    if (connection.isClosed) return;
    const now = this.#clock.now();
    if (connection.isBusy) connection.awaitDrain(now, this.#onDrained);
    else this.#count(connection.flushOwn(now));
  }

  #count(bytes: number): void {
    this.#totals.deliveries += 1;
    this.#totals.bytes += bytes;
  }

  #dropSlow(connection: Connection): void {
    this.#totals.droppedSlow += 1;
    connection.socket.destroy();
  }

  #visit(connection: Connection, now: number): void {
    const { session } = connection.reader;
    if (session !== null && connection.hasOwnTopic && this.#options.isRevoked(session)) {
      this.#totals.endedRevoked += 1;
      connection.socket.destroy();
    } else if (connection.busySince !== 0) {
      if (now - connection.busySince > this.#limits.stalledMs) this.#dropSlow(connection);
    } else if (connection.isBusy) {
      connection.awaitDrain(now, this.#onDrained);
    } else if (now - connection.wroteAt >= this.#limits.heartbeatMs - this.#limits.sweepMs) {
      connection.beat(now);
    }
  }

  /** Lets rings go that nobody came back to, and sees that what is followed stays loaded. */
  #tendTopics(now: number): void {
    for (const topic of this.#topics.values()) {
      if (topic.subscriptions.size === 0) {
        if (now - topic.emptySince < this.#limits.ringLifeMs) continue;
        topic.restart(topic.head);
        this.#topics.delete(topic.contest);
        this.#dirty.delete(topic);
        continue;
      }
      const fold = this.#options.arena.peek(topic.contest);
      if (fold === undefined) {
        // It was let go, or is being rebuilt; once it is back, the next look finds what was missed.
        this.#options.arena.read(topic.contest).catch(() => undefined);
      } else if (fold.seq > topic.head) {
        this.#restart(topic, fold.seq);
      }
    }
  }

  #remove(connection: Connection): void {
    this.#connections.delete(connection);
    this.#behind.delete(connection);
    if (connection.reader.person !== null) {
      this.#own.remove(connection.reader.person, connection);
    }
    for (const subscription of connection.subscriptions) {
      if (subscription === null) continue;
      subscription.topic.subscriptions.delete(subscription);
      if (subscription.topic.subscriptions.size === 0) {
        subscription.topic.emptySince = this.#clock.now();
      }
    }
    if (this.#connections.size === 0) this.#onEmpty?.();
  }
}

export function createFanOut(options: FanOutOptions): FanOut {
  return new FanOut(options);
}

/**
 * A process may lag behind the one that a stream comes from; beyond this the position is not ours.
 */
const AHEAD_MAX = 100_000;
/** A plain EventSource comes back after this and a random part of the spread. */
const RETRY_MS = 1_000;
const RETRY_SPREAD_MS = 3_000;
/** Readers sent away per turn while closing. */
const CLOSE_SLICE = 250;
/** Those who have not gone by then are cut off. */
const CLOSE_WAIT_MS = 2_000;
