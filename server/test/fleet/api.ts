import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Audit, Drop, NewDrop, SignedIn, SyntheticPeople } from '@dibs/sdk/wire';

/** An answer with its bytes, so that two can be held against each other. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body's members; empty where it is not JSON. */
  readonly body: Record<string, unknown>;
}

export interface Asked {
  readonly token?: string | undefined;
  readonly key?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly limitMs?: number;
}

const callLimitMs = 15_000;

/** Sends a request and reads its answer; rejects where none comes. */
export async function call(
  url: string,
  method: string,
  path: string,
  asked: Asked = {},
): Promise<Answer> {
  const headers = new Headers(asked.headers);
  if (asked.token !== undefined) headers.set('authorization', `Bearer ${asked.token}`);
  if (asked.key !== undefined) headers.set('idempotency-key', asked.key);
  if (asked.body !== undefined) headers.set('content-type', 'application/json');
  const answer = await fetch(url + path, {
    method,
    headers,
    body: asked.body === undefined ? null : JSON.stringify(asked.body),
    signal: AbortSignal.timeout(asked.limitMs ?? callLimitMs),
  });
  const text = await answer.text();
  let body = {};
  try {
    body = JSON.parse(text);
  } catch {
    // A log, a page, or nothing at all.
  }
  return { status: answer.status, headers: answer.headers, text, body };
}

/** The same, and it must go well. */
export async function callWell<Body>(
  url: string,
  method: string,
  path: string,
  asked: Asked = {},
): Promise<Body> {
  const answer = await call(url, method, path, asked);
  assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text}`);
  return answer.body as Body;
}

/** Asks until the answer is as wished, as a client would that waits for a server to be well again. */
export async function callUntil(
  ask: () => Promise<Answer>,
  isWished: (answer: Answer) => boolean,
  limitMs = 20_000,
): Promise<Answer> {
  const until = performance.now() + limitMs;
  let last: unknown;
  while (performance.now() < until) {
    try {
      const answer = await ask();
      if (isWished(answer)) return answer;
      last = `${answer.status} ${answer.text}`;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`not as wished within ${limitMs} ms, last: ${last}`);
}

export const password = 'correct horse battery';

/** The first to register at an installation without demo is its admin; the others are members. */
export function register(url: string, name: string): Promise<SignedIn> {
  return callWell(url, 'POST', '/v1/people', { body: { name, password } });
}

/** Throw-away people, as many as are wanted: hashing passwords is not what is tested. */
export async function mint(url: string, admin: string, count: number) {
  const body = { count };
  const path = '/v1/admin/synthetic-people';
  return (await callWell<SyntheticPeople>(url, 'POST', path, { token: admin, body })).people;
}

/** A drop that is open. */
export async function openDrop(
  url: string,
  token: string,
  wanted: Partial<NewDrop> = {},
): Promise<string> {
  const body = {
    title: 'Lantern',
    stock: 10,
    price: { amount: 2_400, currency: 'EUR' },
    opensAt: new Date(Date.now() - 1_000).toISOString(),
    ...wanted,
  };
  const { id } = await callWell<Drop>(url, 'POST', '/v1/drops', { token, body, key: randomUUID() });
  if (Date.parse(body.opensAt) <= Date.now())
    await untilDrop(url, id, ({ status }) => status === 'open');
  return id;
}

export function readDrop(url: string, id: string): Promise<Drop> {
  return callWell(url, 'GET', `/v1/drops/${id}`);
}

export async function untilDrop(
  url: string,
  id: string,
  isWished: (drop: Drop) => boolean,
  limitMs?: number,
): Promise<Drop> {
  const ask = () => call(url, 'GET', `/v1/drops/${id}`);
  const isDone = ({ status, body }: Answer) => status === 200 && isWished(body as Drop);
  return (await callUntil(ask, isDone, limitMs)).body as Drop;
}

export function claim(url: string, drop: string, asked: Asked & { quantity?: number }) {
  const { quantity = 1, ...rest } = asked;
  return call(url, 'POST', `/v1/drops/${drop}/claims`, { body: { quantity }, ...rest });
}

export async function audit(url: string, contest: string): Promise<Audit> {
  const found = await callWell<Audit>(url, 'GET', `/v1/contests/${contest}/audit`);
  assert.deepEqual(found.differences, []);
  assert.equal(found.ok, true);
  assert.equal(found.chainOk, true);
  return found;
}
