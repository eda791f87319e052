import { type Clock, deviceClock } from './clock.ts';
import { Credentials, type Tokens } from './credentials.ts';
import { dropCalls } from './drops.ts';
import { adminCalls, demoCalls, installationCalls } from './installation.ts';
import { orderCalls, sandboxCalls } from './orders.ts';
import { meCalls, peopleCalls, sessionCalls } from './people.ts';
import { DibsProblem } from './problem.ts';
import { proofCalls, timeCalls } from './proof.ts';
import { createServerClock } from './server-clock.ts';
import { openStream, type StreamOptions } from './stream.ts';
import { Transport, type TransportOptions } from './transport.ts';
import type { SignedIn } from './wire/shapes.ts';

/** The client of Dibs, for browsers and Node; it needs nothing but `fetch`. */

export interface ClientOptions {
  /** Of the installation, as `https://dibs.example`; the page's own origin unless given. */
  readonly baseUrl?: string;
  /**
   * `cookies`: the browser keeps the session, out of reach of scripts; unless `baseUrl` is given.
   * `tokens`: the client sends `Authorization: Bearer` and keeps its tokens in memory.
   */
  readonly session?: 'cookies' | 'tokens';
  readonly accessToken?: string;
  readonly refreshToken?: string;
  /** Asked for the access token before every call, instead of keeping one. */
  readonly getToken?: () => string | null | Promise<string | null>;
  /** Told of new tokens, to keep them over restarts; null: nobody is signed in any more. */
  readonly onTokens?: (tokens: Tokens | null) => void;
  readonly fetch?: typeof fetch;
  readonly clock?: Clock;
  /** From 0 to below 1; spreads retries. */
  readonly random?: () => number;
  /** For one call with all its retries; 15 s unless given. */
  readonly deadlineMs?: number;
  /** For one attempt of a call; 10 s unless given. */
  readonly attemptTimeoutMs?: number;
}

export type Client = ReturnType<typeof createClient>;

/** A client of one installation, acting for one person. Throws `TypeError` for a bad option. */
export function createClient(options: ClientOptions = {}) {
  const session = options.session ?? (options.baseUrl === undefined ? 'cookies' : 'tokens');
  const credentials = new Credentials({ ...options, session }, async (refreshToken) => {
    const body = refreshToken === null ? {} : { refreshToken };
    try {
      return await transport.callOnce<SignedIn>({ name: 'refresh', body });
    } catch (error) {
      const isOver = error instanceof DibsProblem && [400, 401, 403].includes(error.status);
      if (isOver) return null;
      throw error;
    }
  });
  const transport = new Transport(transportOptions(options), credentials);
  const time = timeCalls(transport);
  return {
    people: peopleCalls(transport),
    sessions: sessionCalls(transport),
    me: meCalls(transport),
    drops: dropCalls(transport),
    orders: orderCalls(transport),
    time,
    proof: proofCalls(transport),
    installation: installationCalls(transport),
    demo: demoCalls(transport),
    sandbox: sandboxCalls(transport),
    admin: adminCalls(transport),
    /** What happens, as it happens; runs until closed. */
    stream: (streamOptions: StreamOptions) => openStream(transport, streamOptions),
    /** An estimate of the server's time, for countdowns. */
    serverClock: () => createServerClock({ time: time.get }),
  };
}

function transportOptions(options: ClientOptions): TransportOptions {
  const baseUrl = (options.baseUrl ?? '').replace(/\/+$/, '');
  if (baseUrl !== '' && !/^https?:\/\//.test(baseUrl)) {
    throw new TypeError(`baseUrl is ${baseUrl}; it must begin with https:// or http://`);
  }
  return {
    baseUrl,
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    clock: options.clock ?? deviceClock,
    random: options.random ?? Math.random,
    deadlineMs: positive('deadlineMs', options.deadlineMs ?? 15_000),
    attemptTimeoutMs: positive('attemptTimeoutMs', options.attemptTimeoutMs ?? 10_000),
  };
}

function positive(name: string, value: number): number {
  if (value > 0 && Number.isFinite(value)) return value;
  throw new TypeError(`${name} is ${value}; it must be a number above 0`);
}

export type { DropView } from '@dibs/rules/contests/drop/view.ts';
export type { Clock } from './clock.ts';
export type { Tokens } from './credentials.ts';
export type { DropListQuery, Page, PageQuery } from './drops.ts';
export type { OrderListQuery } from './orders.ts';
export { ConnectionLost, DibsProblem, type LossReason } from './problem.ts';
export type { ServerClock } from './server-clock.ts';
export type { StateDetail, Stream, StreamFact, StreamOptions, StreamState } from './stream.ts';
export { type CallOptions, type CommandOptions, makeKey } from './transport.ts';
