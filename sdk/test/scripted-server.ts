import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request as it arrived. */
export interface Arrival {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

export type Answer = (response: ServerResponse, arrival: Arrival) => void | Promise<void>;

/** A real HTTP server on loopback whose answers a test writes. */
export class ScriptedServer {
  readonly arrivals: Arrival[] = [];
  readonly #server: Server;
  readonly #answers = new Map<string, Answer>();

  private constructor() {
    this.#server = createServer((request, response) => {
      void this.#answer(request, response);
    });
  }

  static async start(): Promise<ScriptedServer> {
    const scripted = new ScriptedServer();
    scripted.#server.listen(0, '127.0.0.1');
    await once(scripted.#server, 'listening');
    return scripted;
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Answers a call, `GET /v1/drops`, by this from now on. */
  on(call: string, answer: Answer): void {
    this.#answers.set(call, answer);
  }

  /** Answers a call by these in turn, the last for ever. */
  inTurn(call: string, answers: readonly Answer[]): void {
    let count = 0;
    this.on(call, (response, arrival) => {
      const answer = answers[Math.min(count, answers.length - 1)] as Answer;
      count += 1;
      return answer(response, arrival);
    });
  }

  /** The requests of one call so far. */
  of(call: string): Arrival[] {
    return this.arrivals.filter(({ method, url }) => `${method} ${url.pathname}` === call);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const url = new URL(request.url ?? '/', this.baseUrl);
    const body = text === '' ? undefined : JSON.parse(text);
    const { method = '', headers } = request;
    const arrival: Arrival = { method, url, headers, body };
    this.arrivals.push(arrival);
    const answer = this.#answers.get(`${method} ${url.pathname}`);
    if (answer === undefined) problem(404, { code: 'not_found' })(response, arrival);
    else await answer(response, arrival);
  }
}

export function json(status: number, body: unknown): Answer {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  };
}

export function problem(
  status: number,
  members: Readonly<Record<string, unknown>>,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/problem+json', ...headers });
    response.end(JSON.stringify({ type: 'about:blank', title: 'A title', status, ...members }));
  };
}

/** Takes the request and breaks the connection without a word. */
export const hangUp: Answer = (response) => {
  response.socket?.destroy();
};

/** A clock on which pauses take no time, and are noted. */
export class PatientClock {
  readonly pauses: number[] = [];
  #nowMs = 1_790_000_000_000;

  now(): number {
    return this.#nowMs;
  }

  /** Long sleeps are timeouts: those never come here. */
  sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason);
    if (ms >= 9_000) {
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
    }
    this.pauses.push(ms);
    this.#nowMs += ms;
    return Promise.resolve();
  }
}
