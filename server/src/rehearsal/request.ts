import type { Target } from './connection.ts';

/** What a simulated person asks of the server. */
export interface RequestParts {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Path and query, already encoded. */
  readonly path: string;
  readonly token: string;
  readonly key?: string;
  /** JSON text, ASCII only. */
  readonly body?: string;
}

/** The bytes of an HTTP/1.1 request, written once and sent as often as it is repeated. */
export function writeRequest(target: Target, parts: RequestParts): string {
  const { method, path, token, key, body } = parts;
  const keyLine = key === undefined ? '' : `idempotency-key: ${key}\r\n`;
  const bodyLines =
    body === undefined
      ? ''
      : `content-type: application/json\r\ncontent-length: ${body.length}\r\n`;
  return (
    `${method} ${path} HTTP/1.1\r\nhost: ${target.host}:${target.port}\r\n` +
    `authorization: Bearer ${token}\r\n${keyLine}${bodyLines}\r\n${body ?? ''}`
  );
}

/** The address that a base URL stands for; only plain `http:` can be stormed. */
export function targetOf(url: string): Target {
  const { protocol, hostname, port } = new URL(url);
  if (protocol !== 'http:') {
    throw new Error(`${url}: the generator speaks http: only; point it behind the TLS proxy`);
  }
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80) };
}
