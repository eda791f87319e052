import { isIP } from 'node:net';
import { resolve } from 'node:path';

/** Everything an operator can choose, checked and frozen. Only the composition root reads it. */
export interface Config {
  /** 0 means any free port. */
  readonly port: number;
  readonly host: string;
  /** Absolute path of the folder for the embedded database and files. */
  readonly dataDirectory: string;
  /** Null: the PostgreSQL in the box. */
  readonly databaseUrl: string | null;
  /** Null: no Redis. */
  readonly redisUrl: string | null;
  /** Where people reach Dibs, without a slash at the end; null: see publicUrlOf(). */
  readonly publicUrl: string | null;
  /** False lifts the rate limits, for load tests on this machine. */
  readonly isLimited: boolean;
  /** Who may host contests: every member, or only those with the host role. */
  readonly hosting: 'anyone' | 'hosts';
  readonly payments: {
    readonly sandbox: boolean;
    readonly stripe: { readonly secretKey: string; readonly webhookSecret: string } | null;
  };
  readonly logLevel: LogLevel;
}

export type LogLevel = (typeof logLevels)[number];

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
const providers = ['sandbox', 'stripe'] as const;

/** Names and values as they stand in the environment. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The configuration does not make sense; the message lists every problem, one per line. */
export class ConfigRefused extends Error {
  readonly code = 'config_refused';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the configuration is wrong:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

/**
 * Reads the configuration. An empty value counts as absent.
 *
 * @param environment usually process.env
 * @param flags values given on the command line under the same names; they win
 * @throws ConfigRefused naming each bad variable, its value and what is accepted
 */
export function readConfig(environment: Environment, flags: Environment = {}): Config {
  const problems: string[] = [];
  const read = <Value>(name: string, fallback: Value, parse: (text: string) => Value): Value => {
    const text = (flags[name] ?? environment[name] ?? '').trim();
    if (text === '') return fallback;
    try {
      return parse(text);
    } catch (refusal) {
      if (!(refusal instanceof Unacceptable)) throw refusal;
      const shown = refusal.isSecret ? '(not shown)' : JSON.stringify(text);
      problems.push(`${name} is ${shown}, but must be ${refusal.accepted}`);
      return fallback;
    }
  };
  const config: Config = {
    port: read('PORT', 7070, parsePort),
    host: read('HOST', '127.0.0.1', parseHost),
    dataDirectory: read('DATA_DIR', resolve('data'), resolve),
    databaseUrl: read('DATABASE_URL', null, parseUrl('postgres', 'postgresql')),
    redisUrl: read('REDIS_URL', null, parseUrl('redis', 'rediss')),
    publicUrl: read('PUBLIC_URL', null, parsePublicUrl),
    isLimited: read('LIMITS', 'on', parseChoice('on', 'off')) === 'on',
    hosting: read('HOSTING', 'anyone', parseChoice('anyone', 'hosts')),
    payments: readPayments(read, problems),
    logLevel: read('LOG_LEVEL', 'info', parseChoice(...logLevels)),
  };
  if (!config.isLimited && !isLoopback(config.host)) {
    problems.push(
      `LIMITS is "off", but must be on while HOST is ${JSON.stringify(config.host)}: rate limits ` +
        'may be lifted only on loopback (127.0.0.1, ::1 or localhost)',
    );
  }
  if (problems.length > 0) throw new ConfigRefused(problems);
  return freezeDeep(config);
}

/** The public URL, or where the server listens when none is configured. No slash at the end. */
export function publicUrlOf(config: Config, port: number): string {
  if (config.publicUrl !== null) return config.publicUrl;
  const everywhere = config.host === '0.0.0.0' || config.host === '::';
  const host = everywhere ? 'localhost' : config.host;
  return `http://${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}

type Read = <Value>(name: string, fallback: Value, parse: (text: string) => Value) => Value;

function readPayments(read: Read, problems: string[]): Config['payments'] {
  const chosen = read<readonly string[]>('PAYMENT_PROVIDERS', ['sandbox'], parseProviders);
  const secretKey = read('STRIPE_SECRET_KEY', '', parseSecret(/^(sk|rk)_\w{8,}$/, 'sk_ or rk_'));
  const webhookSecret = read('STRIPE_WEBHOOK_SECRET', '', parseSecret(/^whsec_\S{8,}$/, 'whsec_'));
  const hasStripe = chosen.includes('stripe');
  if (hasStripe && secretKey === '') {
    problems.push('STRIPE_SECRET_KEY is missing, but PAYMENT_PROVIDERS names stripe');
  }
  if (hasStripe && webhookSecret === '') {
    problems.push('STRIPE_WEBHOOK_SECRET is missing, but PAYMENT_PROVIDERS names stripe');
  }
  return {
    sandbox: chosen.includes('sandbox'),
    stripe: hasStripe ? { secretKey, webhookSecret } : null,
  };
}

/** Thrown by the parsers below; says what would have been right. */
class Unacceptable extends Error {
  readonly accepted: string;
  readonly isSecret: boolean;

  constructor(accepted: string, isSecret = false) {
    super(accepted);
    this.accepted = accepted;
    this.isSecret = isSecret;
  }
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) {
    throw new Unacceptable('a port from 1 to 65535, or 0 for any free one');
  }
  return port;
}

function parseHost(text: string): string {
  const isName = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9-]+)*$/i.test(text);
  const looksNumeric = /^[\d.]+$/.test(text);
  if (isIP(text) === 0 && (!isName || looksNumeric)) {
    throw new Unacceptable('an IP address or host name to listen on, such as 127.0.0.1 or ::');
  }
  return text;
}

/** URLs of services carry passwords, so that a bad one is not shown. */
function parseUrl(...schemes: string[]): (text: string) => string {
  return (text) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (!url || !schemes.includes(url.protocol.slice(0, -1)) || url.hostname === '') {
      throw new Unacceptable(`a URL like ${schemes[0]}://user:password@host:port/name`, true);
    }
    return text;
  };
}

function parsePublicUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url && url.search === '' && url.hash === '' && url.pathname === '/';
  if (!isPlain || !['http:', 'https:'].includes(url.protocol) || url.username !== '') {
    throw new Unacceptable('an http or https URL without a path, such as https://dibs.example');
  }
  return url.origin;
}

function parseChoice<const Choice extends string>(...choices: Choice[]): (text: string) => Choice {
  return (text) => {
    const found = choices.find((choice) => choice === text);
    if (found === undefined) throw new Unacceptable(`one of ${choices.join(', ')}`);
    return found;
  };
}

function parseProviders(text: string): readonly string[] {
  const names = text.split(',').map((name) => name.trim());
  if (!names.every((name) => (providers as readonly string[]).includes(name))) {
    throw new Unacceptable(`a comma-separated list of ${providers.join(', ')}`);
  }
  return names;
}

function parseSecret(shape: RegExp, prefix: string): (text: string) => string {
  return (text) => {
    if (!shape.test(text)) throw new Unacceptable(`a secret that begins with ${prefix}`, true);
    return text;
  };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function freezeDeep<Value extends object>(value: Value): Value {
  for (const part of Object.values(value)) {
    if (typeof part === 'object' && part !== null) freezeDeep(part);
  }
  return Object.freeze(value);
}
