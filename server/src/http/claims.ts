import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FactShape, RefusalShape } from '@dibs/rules/contests/contest.ts';
import { isUuid, orderId } from '@dibs/rules/kernel/ids.ts';
import type { Verdict } from '@dibs/rules/proof/fold.ts';
import { type Claim, ClaimRequest } from '@dibs/sdk/wire';
import type { Arena } from '../arena/arena.ts';
import { KEY_LENGTH_MAX } from '../arena/keys.ts';
import type { Identity } from '../people/people.ts';
import { discardRest } from './discard.ts';
import { HttpProblem, refusalProblem } from './problem.ts';
import { makeCheck } from './validate.ts';
import { encodeProblem, toProblem } from './verdict.ts';

export interface ClaimsOptions {
  readonly arena: Arena;
  /** Who asks; throws `HttpProblem` for a bad token or a foreign origin. */
  readonly identify: (request: IncomingMessage) => Identity;
  /** Rejects with `HttpProblem` `rate_limited` where this person asks too often; null: no limit. */
  readonly limit: ((identity: Identity) => Promise<void>) | null;
  readonly onError: (error: unknown) => void;
}

/** A claim's body is a few bytes; more is not read. */
const BODY_BYTES_MAX = 4_096;
const PATH = /^\/v1\/drops\/([0-9a-f-]{36})\/claims(?:\?.*)?$/;
const check = makeCheck(ClaimRequest, false) as (body: unknown) => { quantity?: number };

/**
 * `POST /v1/drops/:id/claims`, the one call a whole crowd makes at once, served straight from
 * node:http, because the web framework costs about 1.3 times that. The same identity, schema and
 * problems as every other route.
 */
export function makeClaimsHandler(options: ClaimsOptions) {
  return (request: IncomingMessage, response: ServerResponse): boolean => {
    if (request.method !== 'POST' || request.url === undefined) return false;
    const contest = PATH.exec(request.url)?.[1];
    if (contest === undefined) return false;
    claim(options, request, contest).then(
      (answer) => send(response, answer),
      (error) => {
        const problem = toProblem(error);
        if (problem.code === 'internal') options.onError(error);
        send(response, encodeProblem(problem));
        if (!request.complete) discardRest(request);
      },
    );
    return true;
  };
}

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

async function claim(
  options: ClaimsOptions,
  request: IncomingMessage,
  contest: string,
): Promise<Answer> {
  const identity = options.identify(request);
  if (options.limit !== null) await options.limit(identity);
  if (!isUuid(contest)) throw new HttpProblem('not_found');
  const key = readKey(request);
  const { quantity = 1 } = check(await readJson(request));
  const command = { type: 'claim', quantity };
  const verdict = await options.arena.submit({ contest, person: identity.personId, key, command });
  return answerClaim(contest, verdict);
}

/** The answer to a claim; a pure function of the verdict, so a repeat gets the same bytes. */
export function answerClaim(contest: string, verdict: Verdict): Answer {
  if (verdict.type === 'refused') {
    const headers = { 'content-type': 'application/problem+json' };
    return { status: 409, headers, body: encodeRefusal(verdict.refusal) };
  }
  if (verdict.type !== 'accepted') throw new HttpProblem('internal');
  const claimed = verdict.facts.find((fact) => fact.type === 'claimed') as ClaimedFact;
  const id = orderId(contest, claimed.order);
  const answer: Claim = {
    id,
    orderId: id,
    quantity: claimed.quantity,
    status: verdict.facts.some((fact) => fact.type === 'paid') ? 'paid' : 'reserved',
    payBy: new Date(claimed.payBy).toISOString(),
    seq: claimed.order,
  };
  const headers = { 'content-type': 'application/json', location: `/v1/orders/${id}` };
  return { status: 201, headers, body: JSON.stringify(answer) };
}

const refusalBodies = new Map<string, string>();
const REFUSAL_BODIES_MAX = 1_000;

/** A whole crowd gets the same few refusals, so their texts are made once. */
function encodeRefusal(refusal: RefusalShape): string {
  const name = JSON.stringify(refusal);
  const known = refusalBodies.get(name);
  if (known !== undefined) return known;
  const body = JSON.stringify(refusalProblem(refusal));
  if (refusalBodies.size >= REFUSAL_BODIES_MAX) refusalBodies.clear();
  refusalBodies.set(name, body);
  return body;
}

type ClaimedFact = FactShape & { order: number; quantity: number; payBy: number };

/** The client's idempotency key, or null. */
export function readKey(request: IncomingMessage): string | null {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return null;
  if (typeof key !== 'string' || key.length < 1 || key.length > KEY_LENGTH_MAX) {
    throw new HttpProblem('invalid', `Idempotency-Key: 1 to ${KEY_LENGTH_MAX} characters`);
  }
  return key;
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const type = request.headers['content-type'];
  const length = request.headers['content-length'];
  if (length === '0' || (length === undefined && !request.headers['transfer-encoding'])) return {};
  if (type === undefined || !/^application\/json\b/i.test(type)) {
    throw new HttpProblem('unsupported_media_type');
  }
  if (Number(length ?? 0) > BODY_BYTES_MAX) throw tooLarge();
  const body = await readBody(request);
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (cause) {
    throw new HttpProblem('malformed', 'The body is not valid JSON', {}, { cause });
  }
}

/** The body's bytes; nearly always they came in one piece together with the headers. */
function readBody(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let body: Buffer | null = null;
    request.on('data', (chunk: Buffer) => {
      body = body === null ? chunk : Buffer.concat([body, chunk]);
      if (body.length > BODY_BYTES_MAX) reject(tooLarge());
    });
    request.on('end', () => resolve(body ?? Buffer.alloc(0)));
    const breakOff = () => {
      if (!request.complete) reject(new HttpProblem('malformed', 'The body broke off'));
    };
    request.on('error', breakOff);
    request.on('close', breakOff);
  });
}

function tooLarge(): HttpProblem {
  return new HttpProblem('too_large', `The body may have ${BODY_BYTES_MAX} bytes`);
}

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  if (response.destroyed || response.headersSent) return;
  headers['content-length'] = String(Buffer.byteLength(body));
  response.writeHead(status, headers);
  response.end(body);
}
