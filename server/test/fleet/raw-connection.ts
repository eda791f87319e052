import { connect, type Socket } from 'node:net';

export interface RawAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** A connection that sends whatever bytes a test wants, and reads HTTP/1.1 answers. */
export class RawConnection {
  readonly answers: RawAnswer[] = [];
  readonly #socket: Socket;
  #bytes = Buffer.alloc(0);
  #isOver = false;
  readonly #waiting = new Set<() => void>();

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1');
    this.#socket.setNoDelay(true);
    this.#socket.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      while (this.#readAnswer());
      this.#tell();
    });
    // A reset shows as an answer that does not come.
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => {
      this.#isOver = true;
      this.#tell();
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  send(bytes: string | Buffer): this {
    this.#socket.write(bytes);
    return this;
  }

  leave(): void {
    this.#socket.destroy();
  }

  /** Resolves once so many answers came; rejects when the connection ends or time is up before. */
  async untilAnswers(count: number, limitMs = 10_000): Promise<readonly RawAnswer[]> {
    await this.#until(() => this.answers.length >= count || this.#isOver, limitMs);
    if (this.answers.length < count) {
      throw new Error(`the connection ended after ${this.answers.length} of ${count} answers`);
    }
    return this.answers;
  }

  /** Resolves once the other side has closed. */
  untilOver(limitMs = 10_000): Promise<void> {
    return this.#until(() => this.#isOver, limitMs);
  }

  async #until(isMet: () => boolean, limitMs: number): Promise<void> {
    const isLate = AbortSignal.timeout(limitMs);
    while (!isMet()) {
      if (isLate.aborted) throw new Error(`nothing within ${limitMs} ms`);
      await new Promise<void>((resolve) => {
        const done = () => {
          this.#waiting.delete(done);
          isLate.removeEventListener('abort', done);
          resolve();
        };
        this.#waiting.add(done);
        isLate.addEventListener('abort', done);
      });
    }
  }

  #tell(): void {
    for (const done of [...this.#waiting]) done();
  }

  /** Takes one answer off the bytes; false where there is not a whole one yet. */
  #readAnswer(): boolean {
    const end = this.#bytes.indexOf('\r\n\r\n');
    if (end < 0) return false;
    const [first = '', ...lines] = this.#bytes.subarray(0, end).toString('latin1').split('\r\n');
    const headers = new Map<string, string>();
    for (const line of lines) {
      const colon = line.indexOf(':');
      headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
    }
    const status = Number(first.split(' ')[1]);
    const bodyAt = end + 4;
    const sizeBytes = Number(headers.get('content-length') ?? 0);
    if (this.#bytes.length < bodyAt + sizeBytes) return false;
    const body = this.#bytes.subarray(bodyAt, bodyAt + sizeBytes).toString();
    this.#bytes = this.#bytes.subarray(bodyAt + sizeBytes);
    if (status !== 100) this.answers.push({ status, headers, body });
    return true;
  }
}

/** The text of a request; `body` comes with its length unless a header says otherwise. */
export function requestText(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  body = '',
): string {
  const all: Record<string, string> = { host: 'test', ...headers };
  const isSized = 'content-length' in all || 'transfer-encoding' in all;
  if (body !== '' && !isSized) all['content-length'] = String(Buffer.byteLength(body));
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`;
}
