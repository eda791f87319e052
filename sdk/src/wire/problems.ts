/**
 * Every `code` that a problem+json answer of Dibs can carry. Refusals are expected answers of a
 * contest; faults are what went wrong. docs/errors.md explains each, and a test holds both equal.
 */

/** An expected "no", always 409. What the person can do next stands beside the code. */
export const REFUSAL_CODES = [
  'unknown',
  'not_open',
  'paused',
  'ended',
  'bad_quantity',
  'limit_reached',
  'sold_out',
  'not_sold_out',
  'already_waiting',
  'not_waiting',
  'waiting_full',
  'unknown_order',
  'not_reserved',
  'not_host',
  'system_only',
  'not_paused',
  'stock_out_of_range',
  'nothing_due',
  'already_created',
  'bad_terms',
] as const;

export type RefusalCode = (typeof REFUSAL_CODES)[number];

export interface Fault {
  readonly status: number;
  /** The same request may succeed later: retry with the same idempotency key. */
  readonly isTemporary: boolean;
  readonly title: string;
}

/** What went wrong, by code. */
export const FAULTS = {
  malformed: { status: 400, isTemporary: false, title: 'The request is not well-formed' },
  invalid: { status: 400, isTemporary: false, title: 'A value is out of its range' },
  unauthenticated: { status: 401, isTemporary: false, title: 'Sign in first' },
  wrong_credentials: { status: 401, isTemporary: false, title: 'Name or password is wrong' },
  token_expired: { status: 401, isTemporary: false, title: 'The access token has expired' },
  forbidden: { status: 403, isTemporary: false, title: 'Your role does not allow this' },
  wrong_origin: { status: 403, isTemporary: false, title: 'The request came from another site' },
  not_found: { status: 404, isTemporary: false, title: 'There is no such thing' },
  method_not_allowed: { status: 405, isTemporary: false, title: 'This address does not do that' },
  name_taken: { status: 409, isTemporary: false, title: 'Somebody has this name already' },
  payment_declined: { status: 402, isTemporary: false, title: 'The payment was declined' },
  too_large: { status: 413, isTemporary: false, title: 'The request is too large' },
  unsupported_media_type: { status: 415, isTemporary: false, title: 'Send application/json' },
  key_reused: { status: 422, isTemporary: false, title: 'The key was used for another request' },
  rate_limited: { status: 429, isTemporary: true, title: 'Too many requests' },
  internal: { status: 500, isTemporary: false, title: 'Something broke on our side' },
  busy: { status: 503, isTemporary: true, title: 'Too many people at once' },
  unavailable: { status: 503, isTemporary: true, title: 'A part of the system is away' },
  draining: { status: 503, isTemporary: true, title: 'This server is restarting' },
  storage_full: { status: 507, isTemporary: true, title: 'The server has no room left' },
} as const satisfies Record<string, Fault>;

export type FaultCode = keyof typeof FAULTS;

/** An RFC 9457 problem as Dibs sends it; refusals add members (`opensAt`, `left`, `limit` ...). */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: RefusalCode | FaultCode;
  readonly detail?: string;
  /** The place in the request and the value that was wrong. */
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
  readonly retryAfterMs?: number;
  readonly [member: string]: unknown;
}
