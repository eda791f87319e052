import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Role } from '@dibs/sdk/wire';
import type { FastifyRequest } from 'fastify';
import type { Identity, People } from '../people/people.ts';
import type { App } from './app.ts';
import type { Limits } from './limits.ts';
import { HttpProblem } from './problem.ts';
import { ACCESS_COOKIE, readCookie } from './session-cookies.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks, by a verified token; null: nobody, or see `identityFault`. */
    identity: Identity | null;
    /** Why a token that came along says nothing. */
    identityFault: IdentityFault | null;
  }
}

export interface IdentifyBy {
  readonly people: Pick<People, 'identify'>;
  /** Where browsers reach this installation; null: wherever they say that they found it. */
  readonly publicUrl: string | null;
}

export type IdentityFault = 'unauthenticated' | 'token_expired' | 'wrong_origin';

const BEARER = /^bearer +/i;
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Who asks, without I/O: by `Authorization: Bearer`, else by the cookie. A cookie goes along with
 * whatever page made the browser ask, so where something could change, the page must be ours.
 */
export function readIdentity(
  request: IncomingMessage,
  { people, publicUrl }: IdentifyBy,
): Identity | IdentityFault | null {
  const { headers } = request;
  const { authorization } = headers;
  if (authorization !== undefined) {
    const scheme = BEARER.exec(authorization);
    if (scheme === null) return 'unauthenticated';
    return judge(people.identify(authorization.slice(scheme[0].length)));
  }
  if (headers.cookie === undefined) return null;
  const token = readCookie(headers.cookie, ACCESS_COOKIE);
  if (token === null) return null;
  const identity = judge(people.identify(token));
  if (typeof identity === 'string' || SAFE_METHODS.has(request.method ?? '')) return identity;
  return isSameOrigin(headers, publicUrl) ? identity : 'wrong_origin';
}

function judge(identity: ReturnType<People['identify']>): Identity | IdentityFault {
  if (identity === null) return 'unauthenticated';
  return identity === 'expired' ? 'token_expired' : identity;
}

/** Who asks; null when no token came along. Throws HttpProblem when one came that is not good. */
export function identifyRequest(request: IncomingMessage, by: IdentifyBy): Identity | null {
  const identity = readIdentity(request, by);
  if (typeof identity === 'string') throw new HttpProblem(identity);
  return identity;
}

/** Who asks; throws HttpProblem when nobody is signed in. */
export function requireIdentityOf(request: IncomingMessage, by: IdentifyBy): Identity {
  const identity = identifyRequest(request, by);
  if (identity === null) throw new HttpProblem('unauthenticated');
  return identity;
}

/**
 * Sets `request.identity` on every request. A token that is not good makes somebody a stranger; it
 * is refused where an identity is required, so that an old cookie keeps nobody from signing in.
 */
export function identifyHook(app: App, by: IdentifyBy, limits: RequestLimits): void {
  app.decorateRequest('identity', null);
  app.decorateRequest('identityFault', null);
  app.addHook('onRequest', async (request) => {
    const identity = readIdentity(request.raw, by);
    if (typeof identity === 'string') request.identityFault = identity;
    else request.identity = identity;
    if (request.identity === null) await limits.anonymous(request.ip);
    else await limits.request(request.identity);
  });
}

export type RequestLimits = Pick<Limits, 'request' | 'anonymous'>;

/** Authentication with its parts bound, for the composition root. */
export function createAuthentication(by: IdentifyBy) {
  return {
    /** See `identifyRequest`. */
    identify: (request: IncomingMessage) => identifyRequest(request, by),
    /** See `requireIdentityOf`. */
    requireIdentity: (request: IncomingMessage) => requireIdentityOf(request, by),
    /** See `identifyHook`. */
    hook: (app: App, limits: RequestLimits) => identifyHook(app, by, limits),
  };
}

/** Who asks; throws HttpProblem when nobody is signed in, saying what is wrong with the token. */
export function requireIdentity(request: FastifyRequest): Identity {
  if (request.identity !== null) return request.identity;
  throw new HttpProblem(request.identityFault ?? 'unauthenticated');
}

/** Who asks, with one of these roles; throws HttpProblem. */
export function requireRole(request: FastifyRequest, ...roles: readonly Role[]): Identity {
  const identity = requireIdentity(request);
  if (roles.some((role) => identity.roles.includes(role))) return identity;
  throw new HttpProblem('forbidden', `This needs the role ${roles.join(' or ')}`);
}

/**
 * Whether a page of this installation made the browser ask. `Sec-Fetch-Site` is the browser's own
 * word, which no page can forge; where it is missing (plain http, old browsers), `Origin` decides.
 * False when there is neither: whatever sends a cookie without them is no browser.
 */
export function isSameOrigin(headers: IncomingHttpHeaders, publicUrl: string | null): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin';
  const { origin, host } = headers;
  if (origin === undefined || !URL.canParse(origin)) return false;
  const from = new URL(origin);
  if (from.host === host) return true;
  return publicUrl !== null && from.origin === new URL(publicUrl).origin;
}

/** Whether a page of another site made the browser ask; false for what is no browser. */
export function isForeign(headers: IncomingHttpHeaders, publicUrl: string | null): boolean {
  const isBrowser = headers['sec-fetch-site'] !== undefined || headers.origin !== undefined;
  return isBrowser && !isSameOrigin(headers, publicUrl);
}
