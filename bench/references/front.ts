import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { refusalProblem } from '../../server/src/http/problem.ts';
import { AccessTokens } from '../../server/src/people/access-tokens.ts';
import type { Revocations } from '../../server/src/people/revocations.ts';

/**
 * The HTTP side that all references share: bare node:http, the same token check with the same cache
 * as Dibs (its own code), the same answers byte for byte but for ids. What differs between them is
 * only how a claim is decided and kept.
 */
export interface Reference {
  /** Decides a claim. Rejects where it cannot. */
  claim(drop: string, asked: AskedClaim): Promise<ClaimOutcome> | ClaimOutcome;
  /** Makes a drop that is open. */
  createDrop(drop: string, stock: number): Promise<void>;
  /** What is recorded, for the check after each run. */
  count(drop: string): Promise<{ units: number; claims: number }>;
  close(): Promise<void>;
}

export interface AskedClaim {
  readonly person: string;
  readonly key: string;
  readonly quantity: number;
}

export type ClaimOutcome =
  | {
      readonly type: 'reserved';
      readonly seq: number;
      readonly quantity: number;
      readonly payBy: number;
    }
  | { readonly type: 'refused'; readonly code: 'sold_out' | 'limit_reached' }
  | { readonly type: 'key_reused' };

/** Units one person may have: as in the drop that Dibs is measured with. */
export const LIMIT_PER_PERSON = 1;
export const PAY_WITHIN_MS = 86_400_000;

/** Nothing is ever revoked here; the check itself is Dibs' own. */
const noRevocations = {
  changes: 0,
  isRevoked: () => false,
  versionOf: () => 0,
} as unknown as Revocations;

/** Access tokens under a secret that only this run knows. */
export function makeTokens(secret: Buffer): AccessTokens {
  return new AccessTokens({ secret, now: Date.now, revocations: noRevocations });
}

const claimPath = /^\/v1\/drops\/([0-9a-f-]{36})\/claims$/;
const bodySizeMax = 4_096;

/** Serves a reference; control calls (`/control/...`) make drops and count. */
export function serveReference(reference: Reference, tokens: AccessTokens): Server {
  return createServer((request, response) => {
    const handled = handle(reference, tokens, { request, response });
    handled.catch((error) => {
      process.stderr.write(`${(error as Error).stack}\n`);
      send(response, 500, { code: 'internal' });
    });
  });
}

async function handle(
  reference: Reference,
  tokens: AccessTokens,
  { request, response }: { request: IncomingMessage; response: ServerResponse },
): Promise<void> {
  const url = request.url ?? '';
  const text = await readText(request);
  const drop = claimPath.exec(url)?.[1];
  if (drop === undefined || request.method !== 'POST') {
    return control(reference, response, { url, text });
  }
  const identity = tokens.identify((request.headers.authorization ?? '').slice(7));
  if (identity === null || identity === 'expired') {
    return send(response, 401, { code: 'unauthenticated' });
  }
  const { quantity } = JSON.parse(text) as { quantity: unknown };
  const key = request.headers['idempotency-key'];
  if (!isQuantity(quantity) || typeof key !== 'string' || key.length > 200) {
    return send(response, 400, { code: 'invalid' });
  }
  const outcome = await reference.claim(drop, { person: identity.personId, key, quantity });
  answer(response, drop, outcome);
}

function isQuantity(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 100;
}

function answer(response: ServerResponse, drop: string, outcome: ClaimOutcome): void {
  if (outcome.type === 'key_reused') {
    send(response, 422, { code: 'key_reused' });
    return;
  }
  if (outcome.type === 'refused') {
    const refusal =
      outcome.code === 'sold_out'
        ? { code: outcome.code, left: 0 }
        : { code: outcome.code, limit: LIMIT_PER_PERSON };
    send(response, 409, refusalProblem(refusal));
    return;
  }
  const { seq, quantity, payBy } = outcome;
  const id = `${drop}-${seq}`;
  response.setHeader('location', `/v1/orders/${id}`);
  const status = 'reserved';
  const claim = { id, orderId: id, quantity, status, payBy: new Date(payBy).toISOString(), seq };
  send(response, 201, claim);
}

function send(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': status < 400 ? 'application/json' : 'application/problem+json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

async function control(
  reference: Reference,
  response: ServerResponse,
  { url, text }: { url: string; text: string },
): Promise<void> {
  if (url === '/control/drops') {
    const { drop, stock } = JSON.parse(text) as { drop: string; stock: number };
    await reference.createDrop(drop, stock);
    return send(response, 201, {});
  }
  const counted = /^\/control\/drops\/([0-9a-f-]{36})$/.exec(url)?.[1];
  if (counted === undefined) return send(response, 404, { code: 'not_found' });
  return send(response, 200, await reference.count(counted));
}

function readText(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => {
      text += chunk;
      if (text.length > bodySizeMax) reject(new Error('the body is too large'));
    });
    request.on('end', () => resolve(text));
    request.on('error', reject);
  });
}
