import assert from 'node:assert/strict';
import { createHmac, hkdfSync, randomBytes, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { ACCESS_LIFE_MS, AccessTokens } from './access-tokens.ts';
import { RefreshTokens } from './refresh-tokens.ts';
import type { Revocations } from './revocations.ts';

const secret = randomBytes(32);
const key = Buffer.from(hkdfSync('sha256', secret, '', 'dibs access token', 32));
const anna = {
  personId: randomUUID(),
  sessionId: randomUUID(),
  name: 'Anna Ärmel 李',
  roles: ['member', 'host'],
  isSynthetic: false,
  version: 3,
} as const;

function makeTokens() {
  const clock = { at: 1_790_000_000_000 };
  const revoked = { changes: 0, sessions: new Set<string>(), version: 0 };
  const revocations = {
    get changes() {
      return revoked.changes;
    },
    isRevoked: (session: string) => revoked.sessions.has(session),
    versionOf: () => revoked.version,
  } as unknown as Revocations;
  return { clock, revoked, tokens: new AccessTokens({ secret, now: () => clock.at, revocations }) };
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function payloadOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
}

/** A token signed with the real key: what an attacker with our key's other uses could present. */
function forge(header: unknown, payload: unknown): string {
  const signed = `${encode(header)}.${encode(payload)}`;
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
}

const header = { alg: 'HS256', typ: 'JWT' };

test('PE8: a token names its holder until its time is up', () => {
  const { clock, tokens } = makeTokens();
  const { token, expiresAtMs } = tokens.issue(anna);
  const { version: _, ...identity } = anna;
  assert.deepEqual(tokens.identify(token), identity);
  assert.equal(tokens.identify(token), tokens.identify(token), 'and is read once');
  clock.at += ACCESS_LIFE_MS - 1;
  assert.deepEqual(tokens.identify(token), identity);
  assert.equal(expiresAtMs, clock.at + 1);
  clock.at += 1;
  assert.equal(tokens.identify(token), 'expired');
  assert.equal(makeTokens().tokens.identify(token.slice(0, -1)), null);
});

test('PE8: the person is a text claim of the token, exact at any size', () => {
  const { tokens } = makeTokens();
  const payload = payloadOf(tokens.issue(anna).token);
  assert.equal(payload['sub'], anna.personId);
  assert.deepEqual(Object.keys(payload), [
    ...['iss', 'aud', 'sub', 'sid', 'name', 'roles', 'syn', 'ver', 'iat', 'exp'],
  ]);
});

test('PE9: every change of a single character makes a token worthless', () => {
  const { tokens } = makeTokens();
  const { token } = tokens.issue(anna);
  for (let at = 0; at < token.length; at += 1) {
    for (const character of ['A', 'Q', 'g', '_', '.']) {
      if (token[at] === character) continue;
      const changed = token.slice(0, at) + character + token.slice(at + 1);
      assert.equal(tokens.identify(changed), null, changed);
    }
  }
});

test('PE9: other algorithms and headers are refused, even under the right key', () => {
  const { tokens } = makeTokens();
  const payload = payloadOf(tokens.issue(anna).token);
  assert.notEqual(tokens.identify(forge(header, payload)), null, 'the forgery itself is sound');
  for (const other of [
    { alg: 'none', typ: 'JWT' },
    { alg: 'None' },
    { alg: 'HS512', typ: 'JWT' },
    { alg: 'RS256', typ: 'JWT' },
    { typ: 'JWT', alg: 'HS256' },
    { alg: 'HS256', typ: 'JWT', kid: '../../etc/passwd' },
  ]) {
    assert.equal(tokens.identify(forge(other, payload)), null, JSON.stringify(other));
  }
  assert.equal(tokens.identify(`${encode({ alg: 'none', typ: 'JWT' })}.${encode(payload)}.`), null);
  assert.equal(tokens.identify(`${encode(header)}.${encode(payload)}.`), null);
  assert.equal(tokens.identify(`${encode(header)}.${encode(payload)}`), null);
});

test('PE9: issuer and audience are checked', () => {
  const { tokens } = makeTokens();
  const payload = payloadOf(tokens.issue(anna).token);
  const { iss: _, ...nameless } = payload;
  for (const other of [
    { ...payload, iss: 'somebody' },
    { ...payload, aud: 'dibs-refresh' },
    { ...payload, aud: ['dibs-access'] },
    nameless,
    { ...payload, sub: 7 },
    { ...payload, roles: 'admin' },
    { ...payload, exp: '9999999999' },
    { ...payload, exp: undefined },
  ]) {
    assert.equal(tokens.identify(forge(header, other)), null, JSON.stringify(other));
  }
});

test('PE9: a token from more than a minute ahead is refused', () => {
  const { clock, tokens } = makeTokens();
  const payload = payloadOf(tokens.issue(anna).token);
  const iat = Math.floor(clock.at / 1_000);
  assert.notEqual(tokens.identify(forge(header, { ...payload, iat: iat + 60 })), null);
  assert.equal(tokens.identify(forge(header, { ...payload, iat: iat + 61 })), null);
});

test('PE9: a refresh token is no access token', () => {
  const { tokens } = makeTokens();
  const refresh = new RefreshTokens(secret);
  const first = refresh.first(randomUUID());
  assert.equal(tokens.identify(first.text), null);
  assert.equal(refresh.read(tokens.issue(anna).token), null);
});

test("PE9: another installation's tokens are worthless", () => {
  const { tokens } = makeTokens();
  const { token } = tokens.issue(anna);
  const revocations = { changes: 0, isRevoked: () => false, versionOf: () => 0 };
  const others = new AccessTokens({
    secret: randomBytes(32),
    now: Date.now,
    revocations: revocations as unknown as Revocations,
  });
  assert.equal(others.identify(token), null);
});

test('PE9: rubbish of any size is refused without a throw', () => {
  const { tokens } = makeTokens();
  const head = encode(header);
  for (const text of [
    '',
    '.',
    '..',
    head,
    `${head}.`,
    `${head}..`,
    'a'.repeat(1_000_000),
    '\0'.repeat(50),
  ]) {
    assert.equal(tokens.identify(text), null);
  }
});

test('PE14: a revoked session or an older version is seen on a token that was good', () => {
  const { revoked, tokens } = makeTokens();
  const { token } = tokens.issue(anna);
  assert.equal(typeof tokens.identify(token), 'object');
  revoked.version = anna.version;
  revoked.changes += 1;
  assert.equal(typeof tokens.identify(token), 'object', 'its own version is not older');
  revoked.version = anna.version + 1;
  revoked.changes += 1;
  assert.equal(tokens.identify(token), 'expired');
  revoked.sessions.add(anna.sessionId);
  revoked.changes += 1;
  assert.equal(tokens.identify(token), null);
});

test('PE10: what a refresh token says holds only under our own key, and spelled one way', () => {
  const refresh = new RefreshTokens(secret);
  const session = randomUUID();
  const first = refresh.first(session);
  assert.deepEqual(refresh.read(first.text), first);
  assert.equal(first.sessionId, session);
  assert.equal(refresh.successor(first).text, refresh.successor(first).text);
  assert.notEqual(refresh.successor(first).text, first.text);
  assert.equal(new RefreshTokens(randomBytes(32)).read(first.text), null);
  for (let at = 0; at < first.text.length; at += 1) {
    const other = first.text[at] === 'A' ? 'B' : 'A';
    assert.equal(refresh.read(first.text.slice(0, at) + other + first.text.slice(at + 1)), null);
  }
  for (const text of ['', 'a'.repeat(86), '='.repeat(86), `${first.text}A`, '\u0100'.repeat(86)]) {
    assert.equal(refresh.read(text), null);
  }
});
