import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { ConfigRefused, type Environment, publicUrlOf, readConfig } from './config.ts';

function problemsOf(environment: Environment): readonly string[] {
  try {
    readConfig(environment);
  } catch (error) {
    assert(error instanceof ConfigRefused);
    return error.problems;
  }
  return [];
}

test('an empty environment gives the documented defaults', () => {
  assert.deepEqual(readConfig({}), {
    port: 7070,
    host: '127.0.0.1',
    dataDirectory: resolve('data'),
    databaseUrl: null,
    redisUrl: null,
    publicUrl: null,
    isLimited: true,
    hosting: 'anyone',
    payments: { sandbox: true, stripe: null },
    logLevel: 'info',
  });
});

test('flags win over the environment, empty values count as absent', () => {
  const config = readConfig({ PORT: '1', HOST: '', DATA_DIR: '/one' }, { PORT: '2' });
  assert.equal(config.port, 2);
  assert.equal(config.host, '127.0.0.1');
  assert.equal(config.dataDirectory, '/one');
});

test('the configuration is frozen all the way down', () => {
  const config = readConfig({});
  assert.throws(() => Object.assign(config, { port: 1 }), TypeError);
  assert.throws(() => Object.assign(config.payments, { sandbox: false }), TypeError);
});

test('each bad value names the variable, the value and what is accepted', () => {
  const cases: [string, string, RegExp][] = [
    ['PORT', '70000', /^PORT is "70000", but must be a port from 1 to 65535/],
    ['PORT', '-1', /^PORT is "-1"/],
    ['PORT', '1e3', /^PORT is "1e3"/],
    ['HOST', 'a b', /^HOST is "a b", but must be an IP address or host name/],
    ['HOST', '127.0.0.256', /^HOST is "127.0.0.256"/],
    ['DATABASE_URL', 'mysql://u:secret@h/d', /^DATABASE_URL is \(not shown\), but must be a URL/],
    ['REDIS_URL', 'localhost:6379', /^REDIS_URL is \(not shown\), .* redis:\/\//],
    ['PUBLIC_URL', 'dibs.example', /^PUBLIC_URL is "dibs.example", but must be an http or https/],
    ['PUBLIC_URL', 'https://dibs.example/sub', /without a path/],
    ['LIMITS', 'no', /^LIMITS is "no", but must be one of on, off$/],
    ['HOSTING', 'all', /^HOSTING is "all", but must be one of anyone, hosts$/],
    ['PAYMENT_PROVIDERS', 'sandbox,cash', /must be a comma-separated list of sandbox, stripe$/],
    ['LOG_LEVEL', 'loud', /^LOG_LEVEL is "loud", but must be one of trace, debug/],
    ['STRIPE_SECRET_KEY', 'pk_public_one', /^STRIPE_SECRET_KEY is \(not shown\)/],
  ];
  for (const [name, value, expected] of cases) {
    const problems = problemsOf({ [name]: value });
    assert.equal(problems.length, 1, `${name}=${value}: ${problems.join('; ')}`);
    assert.match(problems[0] ?? '', expected);
  }
});

test('all problems are told at once', () => {
  const problems = problemsOf({ PORT: 'x', LOG_LEVEL: 'y', PAYMENT_PROVIDERS: 'stripe' });
  assert.equal(problems.length, 4);
  assert.match(problems.join('\n'), /STRIPE_SECRET_KEY is missing[\s\S]*STRIPE_WEBHOOK_SECRET/);
});

test('limits may be lifted on loopback only', () => {
  for (const HOST of ['127.0.0.1', '127.8.8.8', '::1', 'localhost']) {
    assert.equal(readConfig({ LIMITS: 'off', HOST }).isLimited, false);
  }
  for (const HOST of ['0.0.0.0', '::', '192.168.1.2', 'dibs.example', '127.evil.example']) {
    assert.match(problemsOf({ LIMITS: 'off', HOST })[0] ?? '', /only on loopback/, HOST);
  }
});

test('stripe comes with its secrets', () => {
  const config = readConfig({
    PAYMENT_PROVIDERS: 'sandbox, stripe',
    STRIPE_SECRET_KEY: 'sk_test_12345678',
    STRIPE_WEBHOOK_SECRET: 'whsec_12345678',
  });
  assert.equal(config.payments.stripe?.secretKey, 'sk_test_12345678');
  assert.equal(config.payments.sandbox, true);
});

test('without PUBLIC_URL the address listened on is used', () => {
  assert.equal(publicUrlOf(readConfig({ HOST: '::' }), 8080), 'http://localhost:8080');
  assert.equal(publicUrlOf(readConfig({ HOST: '::1' }), 8080), 'http://[::1]:8080');
  const config = readConfig({ PUBLIC_URL: 'https://dibs.example/' });
  assert.equal(publicUrlOf(config, 8080), 'https://dibs.example');
});
