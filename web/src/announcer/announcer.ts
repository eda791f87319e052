/**
 * What a screen reader is told, and when. One announcer per page, so that voices never compete:
 *
 * - `now`: assertive, at once (lost connection, won, refused). It empties what waits politely about
 *   the same drop's stock, which is stale by then.
 * - `time`: polite, at once; countdowns themselves speak only at their thresholds.
 * - `stock`: polite, at most once in five seconds, always the newest, and only when the news is
 *   worth a sentence (see `isWorthSaying`).
 */
export type Announcement =
  | { readonly priority: 'now' | 'time'; readonly text: string }
  | {
      readonly priority: 'stock';
      readonly text: string;
      readonly left: number;
      readonly stock: number;
    };

/** `number` grows with every sentence: the same words twice are still two announcements. */
export interface Sentence {
  readonly text: string;
  readonly number: number;
}

export interface Voice {
  readonly assertive: Sentence;
  readonly polite: Sentence;
}

/** Stock is told at most so often: shorter, and a reader in a storm never finishes a sentence. */
export const STOCK_EVERY_MS = 5_000;

/** Figures that were said last, against which news is judged. */
interface Said {
  readonly left: number;
  readonly stock: number;
}

/** News: sold out, back again, the last few, more stock, or a tenth of the stock gone since. */
export function isWorthSaying(said: Said | null, left: number, stock: number): boolean {
  if (said === null) return true;
  if (said.left === left && said.stock === stock) return false;
  if ((left === 0) !== (said.left === 0) || stock !== said.stock) return true;
  const few = Math.max(1, Math.min(10, Math.floor(stock / 20)));
  if (left <= few !== said.left <= few) return true;
  return Math.abs(left - said.left) >= Math.max(1, stock / 10);
}

export interface AnnouncerClock {
  now(): number;
  /** Calls `callback` after `delayMs`; the answer cancels it. */
  later(callback: () => void, delayMs: number): () => void;
}

export class Announcer {
  readonly #clock: AnnouncerClock;
  readonly #listeners = new Set<() => void>();
  #voice: Voice = { assertive: { text: '', number: 0 }, polite: { text: '', number: 0 } };
  #said: Said | null = null;
  #saidAt = Number.NEGATIVE_INFINITY;
  #pending: (Announcement & { priority: 'stock' }) | null = null;
  #cancel: (() => void) | null = null;

  constructor(clock: AnnouncerClock) {
    this.#clock = clock;
  }

  announce(announcement: Announcement): void {
    if (announcement.priority === 'stock') {
      this.#queueStock(announcement);
    } else if (announcement.priority === 'now') {
      this.#forgetPending();
      this.#speak('assertive', announcement.text);
    } else this.#speak('polite', announcement.text);
  }

  /** These figures are on the page already, where they can be read: only what follows is news. */
  startStock(left: number, stock: number): void {
    this.#forgetPending();
    this.#said = { left, stock };
  }

  readonly voice = (): Voice => this.#voice;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #queueStock(announcement: Announcement & { priority: 'stock' }): void {
    this.#pending = announcement;
    if (this.#cancel !== null) return;
    const waitMs = Math.max(0, this.#saidAt + STOCK_EVERY_MS - this.#clock.now());
    this.#cancel = this.#clock.later(() => this.#speakStock(), waitMs);
  }

  #speakStock(): void {
    this.#cancel = null;
    const pending = this.#pending;
    this.#pending = null;
    if (pending === null || !isWorthSaying(this.#said, pending.left, pending.stock)) return;
    this.#said = { left: pending.left, stock: pending.stock };
    this.#saidAt = this.#clock.now();
    this.#speak('polite', pending.text);
  }

  #forgetPending(): void {
    this.#pending = null;
    this.#cancel?.();
    this.#cancel = null;
  }

  #speak(region: 'assertive' | 'polite', text: string): void {
    const number = this.#voice[region].number + 1;
    this.#voice = { ...this.#voice, [region]: { text, number } };
    for (const listener of this.#listeners) listener();
  }
}
