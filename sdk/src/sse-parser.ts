/**
 * Reads server-sent events (WHATWG HTML, 9.2.6) from bytes that come in any pieces: line ends and
 * characters may be cut anywhere.
 */

export interface SseEvent {
  /** `message` unless the event names itself. */
  readonly type: string;
  readonly data: string;
  /** The last id so far, or empty. */
  readonly id: string;
}

export interface SseOptions {
  onEvent(event: SseEvent): void;
  /** The server asks to wait so long before reconnecting. */
  onRetry?(afterMs: number): void;
  /** Characters of one line, and of the data of one event. */
  readonly sizeMax: number;
}

/** The stream sent a line or an event beyond the bounds: it must be given up. */
export class SseTooLarge extends Error {
  override readonly name = 'SseTooLarge';
}

const LINE_END = /[\r\n]/g;

export class SseParser {
  readonly #options: SseOptions;
  /** Strips a byte order mark at the beginning, as the format asks. */
  readonly #decoder = new TextDecoder();
  /** The pieces of a line whose end has not come. */
  #pieces: string[] = [];
  #lineLength = 0;
  #endedByReturn = false;
  #type = '';
  #data: string[] = [];
  #dataLength = 0;
  #id = '';

  constructor(options: SseOptions) {
    this.#options = options;
  }

  /** Takes the next bytes. Throws `SseTooLarge`. An event whose blank line never comes is not told. */
  push(bytes: Uint8Array): void {
    const text = this.#decoder.decode(bytes, { stream: true });
    if (text === '') return;
    let from = 0;
    if (this.#endedByReturn) {
      this.#endedByReturn = false;
      if (text.startsWith('\n')) from = 1;
    }
    for (;;) {
      LINE_END.lastIndex = from;
      const end = LINE_END.exec(text)?.index ?? -1;
      if (end === -1) break;
      this.#keep(text.slice(from, end));
      const line = this.#pieces.join('');
      this.#pieces = [];
      this.#lineLength = 0;
      from = end + 1;
      if (text[end] === '\r') {
        if (from === text.length) this.#endedByReturn = true;
        else if (text[from] === '\n') from += 1;
      }
      this.#takeLine(line);
    }
    if (from < text.length) this.#keep(text.slice(from));
  }

  #keep(piece: string): void {
    this.#lineLength += piece.length;
    if (this.#lineLength > this.#options.sizeMax) throw this.#tooLarge('line', this.#lineLength);
    this.#pieces.push(piece);
  }

  #takeLine(line: string): void {
    if (line === '') {
      this.#dispatch();
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const field = colon === -1 ? line : line.slice(0, colon);
    let value = colon === -1 ? '' : line.slice(colon + 1);
    if (value.startsWith(' ')) value = value.slice(1);
    if (field === 'data') {
      this.#dataLength += value.length + 1;
      if (this.#dataLength > this.#options.sizeMax) throw this.#tooLarge('event', this.#dataLength);
      this.#data.push(value);
    } else if (field === 'event') {
      this.#type = value;
    } else if (field === 'id') {
      if (!value.includes('\0')) this.#id = value;
    } else if (field === 'retry' && /^[0-9]{1,9}$/.test(value)) {
      this.#options.onRetry?.(Number(value));
    }
  }

  #dispatch(): void {
    const hasData = this.#data.length > 0;
    const event = { type: this.#type || 'message', data: this.#data.join('\n'), id: this.#id };
    this.#type = '';
    this.#data = [];
    this.#dataLength = 0;
    if (hasData) this.#options.onEvent(event);
  }

  #tooLarge(what: string, length: number): SseTooLarge {
    const { sizeMax } = this.#options;
    return new SseTooLarge(`a ${what} has ${length} characters or more; at most ${sizeMax}`);
  }
}
