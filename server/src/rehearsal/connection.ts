import { connect, type Socket } from 'node:net';
import { type Answer, AnswerReader } from './answer-reader.ts';

export interface Target {
  readonly host: string;
  readonly port: number;
}

/** What a request came to: an answer, or that the connection ended before one came. */
export type Outcome = Answer | Error;

/** A connection that stays silent for so long with a request under way has lost it. */
const silenceMs = 30_000;

/** All sockets read into the same bytes: the reader takes what it needs before the next read. */
const arrivals = Buffer.allocUnsafe(65_536);

/**
 * One keep-alive connection: one request at a time, whose outcome is told exactly once. After an
 * error or `cut` it is dead, and its owner makes another one.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #reader = new AnswerReader();
  #settle: ((outcome: Outcome) => void) | null = null;
  #error: Error | null = null;

  constructor(target: Target) {
    this.#socket = connect({
      ...target,
      noDelay: true,
      onread: { buffer: arrivals, callback: (size) => this.#read(size) },
    });
    this.#socket.setTimeout(silenceMs, () => {
      if (this.#settle === null) return;
      this.#end(new Error(`no answer within ${silenceMs / 1_000} s`));
    });
    this.#socket.on('error', (error) => this.#end(error));
    this.#socket.on('close', () => this.#end(new Error('the connection was closed')));
  }

  get isAlive(): boolean {
    return this.#error === null;
  }

  /** Sends a whole request, all of whose characters are below U+0100. */
  send(request: string, onOutcome: (outcome: Outcome) => void): void {
    if (this.#error !== null) {
      onOutcome(this.#error);
      return;
    }
    if (this.#settle !== null) throw new Error('a request is under way on this connection');
    this.#settle = onOutcome;
    this.#socket.write(request, 'latin1');
  }

  /** Breaks the connection off, as a person's phone does in a tunnel. */
  cut(): void {
    this.#end(new Error('cut on purpose'));
  }

  #read(size: number): boolean {
    try {
      const answer = this.#reader.push(arrivals.subarray(0, size));
      if (answer === null) return true;
      const settle = this.#settle;
      if (settle === null) throw new Error('an answer that nobody asked for');
      this.#settle = null;
      if (/\r\nconnection: *close/i.test(answer.head)) this.#end(new Error('closed by the server'));
      settle(answer);
    } catch (error) {
      this.#end(error as Error);
    }
    return true;
  }

  #end(error: Error): void {
    if (this.#error !== null) return;
    this.#error = error;
    this.#socket.destroy();
    const settle = this.#settle;
    this.#settle = null;
    settle?.(error);
  }
}
