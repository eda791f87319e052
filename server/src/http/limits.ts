import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import type { Identity } from '../people/people.ts';
import { HttpProblem } from './problem.ts';

export interface Limits {
  /** Counts one command of a person; rejects with `HttpProblem` `rate_limited`. */
  command(identity: Identity): Promise<void>;
  /** Counts any request of a person. */
  request(identity: Identity): Promise<void>;
  /** Counts a request of somebody who is not signed in, by address. */
  anonymous(address: string): Promise<void>;
}

/** Requests within `WINDOW_S`, generous for a person's hand, far below what one may harm with. */
const WINDOW_S = 10;
const COMMANDS = 100;
const REQUESTS = 600;
const ANONYMOUS = 3_000;

/**
 * Who is signed in is limited as a person, who is not by address: a stadium shares one address.
 * Not limited: for load tests on loopback.
 */
export function makeLimits(isLimited: boolean): Limits {
  if (!isLimited) {
    const pass = async () => {};
    return { command: pass, request: pass, anonymous: pass };
  }
  const commands = new RateLimiterMemory({ points: COMMANDS, duration: WINDOW_S });
  const requests = new RateLimiterMemory({ points: REQUESTS, duration: WINDOW_S });
  const addresses = new RateLimiterMemory({ points: ANONYMOUS, duration: WINDOW_S });
  return {
    command: ({ personId }) => take(commands, personId),
    request: ({ personId }) => take(requests, personId),
    anonymous: (address) => take(addresses, address),
  };
}

async function take(limiter: RateLimiterMemory, name: string): Promise<void> {
  try {
    await limiter.consume(name);
  } catch (refused) {
    if (refused instanceof Error) throw refused;
    const retryAfterMs = Math.max(1, (refused as RateLimiterRes).msBeforeNext);
    throw new HttpProblem('rate_limited', undefined, { retryAfterMs });
  }
}
