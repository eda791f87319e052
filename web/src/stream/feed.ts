import type { Client, DropView, StreamFact } from '@dibs/sdk';
import {
  applyFacts,
  type DropFigures,
  figuresOf,
  type LiveDrop,
  seqOf,
  startLive,
  type WireFact,
} from '../drops/live-drop.ts';

/**
 * The one stream of this tab. Screens watch topics; the feed opens the stream with the first topic,
 * adds and removes topics as screens come and go, and closes it with the last.
 *
 * A drop's figures have three sources, told apart by log position: a fetched drop, the stream's
 * `view`, and the facts after either. Later positions win, so that nothing counts twice.
 */
export type Connection = 'idle' | 'connecting' | 'open' | 'lost';

export interface OwnFactListener {
  /** Facts that concern the person who is signed in, with the contest they belong to. */
  onOwnFacts(facts: readonly WireFact[]): void;
  /** Facts about the person may have been missed: fetch anew. */
  onOwnReset(): void;
}

interface WatchedDrop {
  watchers: number;
  quantityMax: number;
  live: LiveDrop | null;
  refetch: ReturnType<typeof setTimeout> | null;
}

type Stream = ReturnType<Client['stream']>;

/** Unknown units are asked for at most so often, spread so that a crowd does not ask at once. */
const REFETCH_MS = { least: 500, spread: 3_500 };

/** A stream refused for good is begun anew, with what is watched by then, after so long. */
const REOPEN_MS = 5_000;

export class Feed {
  readonly #client: Client;
  readonly #own: OwnFactListener;
  readonly #drops = new Map<string, WatchedDrop>();
  readonly #listeners = new Set<() => void>();
  readonly #factListeners = new Set<(drop: string, facts: readonly WireFact[]) => void>();
  #watchesMe = false;
  #stream: Stream | null = null;
  #connection: Connection = 'idle';
  #frame: number | null = null;
  #reopen: ReturnType<typeof setTimeout> | null = null;

  constructor(client: Client, own: OwnFactListener) {
    this.#client = client;
    this.#own = own;
  }

  /** Follows a drop until the returned function is called. */
  watchDrop(id: string, quantityMax: number): () => void {
    const known = this.#drops.get(id);
    const drop = known ?? { watchers: 0, quantityMax, live: null, refetch: null };
    drop.watchers += 1;
    drop.quantityMax = Math.max(drop.quantityMax, quantityMax);
    if (known === undefined) {
      this.#drops.set(id, drop);
      this.#add(`drop:${id}`);
    }
    let isWatching = true;
    return () => {
      if (!isWatching) return;
      isWatching = false;
      drop.watchers -= 1;
      // React may leave and come back within one turn; the topic goes only if it stays away.
      setTimeout(() => this.#leaveDrop(id, drop), 0);
    };
  }

  /** Follows, or no longer, what concerns the person who is signed in. */
  watchMe(shouldWatch: boolean): void {
    if (shouldWatch === this.#watchesMe) return;
    this.#watchesMe = shouldWatch;
    if (shouldWatch) this.#add('me');
    else this.#remove('me');
  }

  /** Figures as they were fetched, which count unless the stream knows newer ones. */
  offerFetched(id: string, figures: DropFigures, position: string): void {
    const drop = this.#drops.get(id);
    if (drop === undefined) return;
    const seq = seqOf(position);
    const { live } = drop;
    if (live !== null && live.seq > seq) return;
    if (live !== null && live.seq === seq && !live.isUncertain) return;
    drop.live = startLive(figuresOf(figures), seq, live ?? undefined);
    this.#tellSoon();
  }

  readonly figures = (id: string): DropFigures | null => {
    return this.#drops.get(id)?.live?.figures ?? null;
  };

  readonly connection = (): Connection => this.#connection;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Every fact of the watched drops as it comes, for screens that draw more than figures. */
  readonly subscribeFacts = (
    listener: (drop: string, facts: readonly WireFact[]) => void,
  ): (() => void) => {
    this.#factListeners.add(listener);
    return () => this.#factListeners.delete(listener);
  };

  #add(topic: string): void {
    if (this.#stream !== null) this.#stream.addTopic(topic);
    else if (this.#reopen === null) this.#open([topic]);
  }

  #remove(topic: string): void {
    if (this.#drops.size === 0 && !this.#watchesMe) {
      this.#stream?.close();
      this.#stream = null;
      this.#setConnection('idle');
    } else this.#stream?.removeTopic(topic);
  }

  #leaveDrop(id: string, drop: WatchedDrop): void {
    if (drop.watchers > 0 || this.#drops.get(id) !== drop) return;
    if (drop.refetch !== null) clearTimeout(drop.refetch);
    this.#drops.delete(id);
    this.#remove(`drop:${id}`);
  }

  #open(topics: string[]): void {
    const stream: Stream = this.#client.stream({
      topics,
      onView: (of, view, position) => this.#onView(of, view, position),
      onFacts: (of, facts) => this.#onFacts(of, facts),
      onReset: (of) => {
        if (of === 'me') this.#own.onOwnReset();
      },
      onState: (state) => {
        if (this.#stream !== null && this.#stream !== stream) return;
        if (state === 'closed') this.#onClosed(stream);
        else this.#setConnection(state);
      },
    });
    this.#stream = stream;
  }

  /** The server said no for good to the topics together (signed out, drop gone): begin anew. */
  #onClosed(stream: Stream): void {
    if (this.#stream !== stream) return;
    this.#stream = null;
    this.#setConnection('lost');
    this.#reopen = setTimeout(() => {
      this.#reopen = null;
      const topics = [...this.#drops.keys()].map((id) => `drop:${id}`);
      if (this.#watchesMe) topics.push('me');
      if (topics.length > 0) this.#open(topics);
      else this.#setConnection('idle');
    }, REOPEN_MS);
  }

  #onView(topic: string, view: DropView, position: string): void {
    const drop = this.#drops.get(topic.slice('drop:'.length));
    if (drop === undefined) return;
    drop.live = startLive(figuresOf(view), seqOf(position), drop.live ?? undefined);
    this.#tellSoon();
  }

  #onFacts(topic: string, received: readonly StreamFact[]): void {
    const facts = received as readonly WireFact[];
    if (topic === 'me') {
      this.#own.onOwnFacts(facts);
      return;
    }
    const id = topic.slice('drop:'.length);
    const drop = this.#drops.get(id);
    if (drop === undefined || drop.live === null) return;
    drop.live = applyFacts(drop.live, facts, drop.quantityMax);
    if (drop.live.isUncertain) this.#refetchSoon(id, drop);
    for (const listener of this.#factListeners) listener(id, facts);
    this.#tellSoon();
  }

  #refetchSoon(id: string, drop: WatchedDrop): void {
    if (drop.refetch !== null) return;
    const delayMs = REFETCH_MS.least + Math.random() * REFETCH_MS.spread;
    drop.refetch = setTimeout(async () => {
      drop.refetch = null;
      try {
        const fetched = await this.#client.drops.get(id);
        const { live } = drop;
        const seq = seqOf(fetched.position);
        if (live === null || seq >= live.seq) {
          drop.live = startLive(figuresOf(fetched), seq, live ?? undefined);
          this.#tellSoon();
        } else this.#refetchSoon(id, drop);
      } catch {
        // The next uncertain fact, or the next view after a reconnect, brings the figures.
      }
    }, delayMs);
  }

  /** Lost stays lost until it is open again: a mere attempt is no news. */
  #setConnection(connection: Connection): void {
    if (this.#connection === connection) return;
    if (this.#connection === 'lost' && connection === 'connecting') return;
    this.#connection = connection;
    for (const listener of this.#listeners) listener();
  }

  /** In a storm facts come by the hundred: screens are told once per frame. */
  #tellSoon(): void {
    if (this.#frame !== null) return;
    const tell = () => {
      this.#frame = null;
      for (const listener of this.#listeners) listener();
    };
    this.#frame = document.hidden ? Number(setTimeout(tell, 250)) : requestAnimationFrame(tell);
  }
}
