import { isIPv6 } from 'node:net';
import { PeopleFault } from './faults.ts';
import { RecentMap } from './recent-map.ts';

/** A failed sign-in gives back nothing, a good one what it took. */
export interface Attempt {
  succeeded(): void;
  /** It was never tried, for instance because the server was busy. */
  cancelled(): void;
}

export interface Attempts {
  /** Throws PeopleFault `rate_limited`. `nameKey`: null for a name that nobody can have. */
  signIn(nameKey: string | null, address: string): Attempt;
  /** A password asked again of somebody who is signed in. */
  confirm(personId: string): Attempt;
  register(address: string): Attempt;
  refresh(sessionId: string): void;
}

/** Addresses, names and pairs remembered at a time: about 10 MB in all, when full. */
const KEYS_MAX = 50_000;

/**
 * How often one may try. Four limits, each for another kind of guessing:
 *
 * - name and address together: 5 tries, then a delay that doubles from 1 s to 15 min with each
 *   failure. The owner elsewhere does not notice it.
 * - address: 60 failures at once, then one a second. Good sign-ins are given back, since a whole
 *   stadium may share an address.
 * - name, from addresses that never signed in to it: 30 failures at once, then one in 5 s. This
 *   slows a guesser with many addresses to 17,000 tries a day and never closes for good; where the
 *   owner signed in before, it does not apply at all.
 * - registrations by address: 60 at once, then one in 5 s; each costs a password hash.
 *
 * Kept in memory by each process: N processes allow N times as much.
 */
export function limitAttempts(now: () => number): Attempts {
  const pairs = new Delays(now);
  const addresses = new Buckets(now, { capacity: 60, refillMs: 1_000 });
  const names = new Buckets(now, { capacity: 30, refillMs: 5_000 });
  const registrations = new Buckets(now, { capacity: 60, refillMs: 5_000 });
  const refreshes = new Buckets(now, { capacity: 30, refillMs: 2_000 });
  const homes = new RecentMap<true>(KEYS_MAX);
  return {
    signIn(nameKey, address) {
      const place = networkOf(address);
      const pair = `${place} ${nameKey ?? ''}`;
      const isHome = homes.get(pair) === true;
      const taken: (() => void)[] = [];
      const undo = () => {
        for (const giveBack of taken) giveBack();
      };
      const steps = [
        () => addresses.take(place, taken),
        () => (isHome || nameKey === null ? 0 : names.take(nameKey, taken)),
        () => pairs.take(pair, taken),
      ];
      for (const step of steps) {
        const waitMs = step();
        if (waitMs > 0) {
          undo();
          throw tooMany(waitMs);
        }
      }
      return {
        cancelled: undo,
        succeeded() {
          undo();
          pairs.forget(pair);
          homes.set(pair, true);
        },
      };
    },
    confirm: (personId) => takeOrThrow(pairs, personId),
    register: (address) => takeOrThrow(registrations, networkOf(address)),
    refresh: (sessionId) => void takeOrThrow(refreshes, sessionId),
  };
}

const free: Attempt = { succeeded() {}, cancelled() {} };

/** For load tests on loopback. */
export const unlimitedAttempts: Attempts = {
  signIn: () => free,
  confirm: () => free,
  register: () => free,
  refresh: () => {},
};

function takeOrThrow(limit: Buckets | Delays, key: string): Attempt {
  const taken: (() => void)[] = [];
  const waitMs = limit.take(key, taken);
  if (waitMs > 0) throw tooMany(waitMs);
  const undo = () => {
    for (const giveBack of taken) giveBack();
  };
  return { cancelled: undo, succeeded: () => limit.forget(key) };
}

function tooMany(waitMs: number): PeopleFault {
  const retryAfterMs = Math.ceil(waitMs);
  return new PeopleFault(
    'rate_limited',
    `Too many attempts; try again in ${Math.ceil(retryAfterMs / 1_000)} s`,
    retryAfterMs,
  );
}

/** Tokens that run out and come back one by one. */
export class Buckets {
  readonly #now: () => number;
  readonly #capacity: number;
  readonly #refillMs: number;
  readonly #buckets = new RecentMap<{ tokens: number; at: number }>(KEYS_MAX);

  constructor(now: () => number, { capacity, refillMs }: { capacity: number; refillMs: number }) {
    this.#now = now;
    this.#capacity = capacity;
    this.#refillMs = refillMs;
  }

  /** 0 when a token was taken (`taken` gets how to give it back), else the wait for one in ms. */
  take(key: string, taken: (() => void)[]): number {
    const now = this.#now();
    const bucket = this.#buckets.get(key) ?? { tokens: this.#capacity, at: now };
    const refilled = Math.max(0, now - bucket.at) / this.#refillMs;
    bucket.tokens = Math.min(this.#capacity, bucket.tokens + refilled);
    bucket.at = now;
    this.#buckets.set(key, bucket);
    if (bucket.tokens < 1) return (1 - bucket.tokens) * this.#refillMs;
    bucket.tokens -= 1;
    taken.push(() => {
      bucket.tokens = Math.min(this.#capacity, bucket.tokens + 1);
    });
    return 0;
  }

  /** Good registrations count as well: what they cost is the same. */
  forget(_key: string): void {}
}

const FREE_TRIES = 5;
const DELAY_FIRST_MS = 1_000;
const DELAY_MAX_MS = 15 * 60_000;
const FORGET_AFTER_MS = 60 * 60_000;

/** A delay that grows with each failure. A try counts as failed until it has succeeded. */
class Delays {
  readonly #now: () => number;
  readonly #tries = new RecentMap<{ failures: number; at: number; until: number }>(KEYS_MAX);

  constructor(now: () => number) {
    this.#now = now;
  }

  take(key: string, taken: (() => void)[]): number {
    const now = this.#now();
    const known = this.#tries.get(key);
    if (known !== undefined && now < known.until) return known.until - now;
    const failures = known !== undefined && now - known.at < FORGET_AFTER_MS ? known.failures : 0;
    const excess = failures + 1 - FREE_TRIES;
    const delayMs = excess < 0 ? 0 : Math.min(DELAY_FIRST_MS * 2 ** excess, DELAY_MAX_MS);
    this.#tries.set(key, { failures: failures + 1, at: now, until: now + delayMs });
    taken.push(() => {
      if (known === undefined) this.#tries.delete(key);
      else this.#tries.set(key, known);
    });
    return 0;
  }

  forget(key: string): void {
    this.#tries.delete(key);
  }
}

/** Whoever has an IPv6 address has 2^64 of them. */
function networkOf(address: string): string {
  if (address.startsWith('::ffff:')) return address.slice('::ffff:'.length);
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const missing = tail === undefined ? 0 : 8 - left.length - right.length;
  const groups = [...left, ...Array<string>(Math.max(0, missing)).fill('0'), ...right];
  return `${groups.slice(0, 4).join(':')}::/64`;
}
