import type { RefusalShape } from '@dibs/rules/contests/contest.ts';
import { FAULTS, type FaultCode, type Problem } from '@dibs/sdk/wire';

/** What a route throws when it cannot do what was asked; `server.ts` turns it into problem+json. */
export class HttpProblem extends Error {
  override readonly name = 'HttpProblem';
  readonly code: FaultCode;
  readonly members: Readonly<Record<string, unknown>>;

  /** `detail` tells the person what to do next; `members` are added to the problem. */
  constructor(
    code: FaultCode,
    detail?: string,
    members: Readonly<Record<string, unknown>> = {},
    options?: ErrorOptions,
  ) {
    super(detail ?? FAULTS[code].title, options);
    this.code = code;
    this.members = members;
  }
}

/** The problem+json body of a fault. */
export function faultProblem(
  code: FaultCode,
  detail?: string,
  members: Readonly<Record<string, unknown>> = {},
): Problem {
  const { status, title } = FAULTS[code];
  return {
    type: `/docs/errors#${code}`,
    title,
    status,
    code,
    ...(detail === undefined || detail === title ? {} : { detail }),
    ...members,
  };
}

const REFUSAL_TITLES: Readonly<Record<string, string>> = {
  unknown: 'There is no such contest yet',
  not_open: 'It has not opened yet',
  paused: 'The host has paused it',
  ended: 'It is over',
  bad_quantity: 'The quantity is out of range',
  limit_reached: 'You have reached the limit per person',
  sold_out: 'Sold out',
  not_sold_out: 'There are units left: claim instead of waiting',
  already_waiting: 'You are on the waiting list already',
  not_waiting: 'You are not on the waiting list',
  waiting_full: 'The waiting list is full',
  unknown_order: 'There is no such order of yours',
  not_reserved: 'The order is not waiting to be paid',
  not_host: 'Only the host may do this',
  system_only: 'Only the system itself does this',
  not_paused: 'It is not paused',
  stock_out_of_range: 'So much stock is not possible',
  nothing_due: 'Nothing is due',
  already_created: 'It exists already',
  bad_terms: 'A term is out of its range',
};

/** Members of a refusal that are instants in log time, and go out as RFC 3339. */
const INSTANTS = new Set(['opensAt', 'closesAt', 'payBy']);

/** The problem+json body of a refusal: always 409, the same bytes for the same refusal. */
export function refusalProblem(refusal: RefusalShape): Problem {
  const members: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(refusal)) {
    if (name === 'code') continue;
    members[name] = INSTANTS.has(name) ? new Date(value as number).toISOString() : value;
  }
  return {
    type: `/docs/errors#${refusal.code}`,
    title: REFUSAL_TITLES[refusal.code] ?? refusal.code,
    status: 409,
    code: refusal.code as Problem['code'],
    ...members,
  };
}
