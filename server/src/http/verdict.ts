import { FAULTS, type FaultCode } from '@dibs/sdk/wire';
import { ArenaFault, type ArenaFaultCode } from '../arena/faults.ts';
import { DatabaseFault, DatabaseFull } from '../db/database-faults.ts';
import { LogUnavailable } from '../log/log.ts';
import { faultProblem, HttpProblem } from './problem.ts';

/** How long a client should wait before it repeats what temporarily failed. */
export const RETRY_AFTER_MS = 1_000;

const FAULT_OF_ARENA: Readonly<Record<ArenaFaultCode, FaultCode>> = {
  contest_unknown: 'not_found',
  busy: 'busy',
  log_unavailable: 'unavailable',
  key_reused: 'key_reused',
  rebuilding: 'unavailable',
  draining: 'draining',
};

/** Every error that may leave a route, as the problem its caller is told; unknown ones are ours. */
export function toProblem(error: unknown): HttpProblem {
  if (error instanceof HttpProblem) return error;
  const fault = databaseFaultOf(error);
  const members = fault === null ? {} : { retryAfterMs: fault.retryAfterMs };
  if (fault instanceof DatabaseFull) {
    return new HttpProblem('storage_full', undefined, members, { cause: error });
  }
  if (error instanceof ArenaFault) {
    return new HttpProblem(FAULT_OF_ARENA[error.code], error.message, members, { cause: error });
  }
  if (error instanceof LogUnavailable || fault !== null) {
    return new HttpProblem('unavailable', undefined, members, { cause: error });
  }
  return fromFastify(error) ?? new HttpProblem('internal', undefined, {}, { cause: error });
}

/** The fault of the database among an error's causes, or null. */
function databaseFaultOf(error: unknown): DatabaseFault | null {
  let at = error;
  for (let depth = 0; depth < CAUSES_MAX && at instanceof Error; depth += 1) {
    if (at instanceof DatabaseFault) return at;
    at = at.cause;
  }
  return null;
}

const CAUSES_MAX = 6;

/** What Fastify itself refuses: body too large, broken JSON, wrong content type, bad URL. */
function fromFastify(error: unknown): HttpProblem | null {
  const { statusCode, code, message } = error as {
    statusCode?: number;
    code?: string;
    message?: string;
  };
  if (code?.startsWith('FST_') !== true && statusCode === undefined) return null;
  if (statusCode === 413) return new HttpProblem('too_large');
  if (statusCode === 415) return new HttpProblem('unsupported_media_type');
  if (statusCode === 404 || statusCode === 403) return new HttpProblem('not_found');
  if (statusCode === 400) return new HttpProblem('malformed', message);
  return null;
}

/** Body and headers of a problem. */
export function encodeProblem(problem: HttpProblem): {
  status: number;
  headers: Record<string, string>;
  body: string;
} {
  const fault = FAULTS[problem.code];
  const retryAfterMs = problem.members.retryAfterMs ?? RETRY_AFTER_MS;
  const members = fault.isTemporary ? { ...problem.members, retryAfterMs } : problem.members;
  const headers: Record<string, string> = { 'content-type': 'application/problem+json' };
  if (fault.isTemporary) headers['retry-after'] = String(Math.ceil(Number(retryAfterMs) / 1_000));
  if (fault.status === 401) headers['www-authenticate'] = 'Bearer';
  const body = JSON.stringify(faultProblem(problem.code, problem.message, members));
  return { status: fault.status, headers, body };
}
