import { ConnectionLost } from './problem.ts';

/**
 * Reads an answer's body as text. Throws `ConnectionLost` `too_large` beyond `sizeMaxBytes`, so that a
 * broken server cannot fill this device's memory.
 */
export async function readText(response: Response, sizeMaxBytes: number): Promise<string> {
  const declared = Number(response.headers.get('content-length') ?? 0);
  if (declared > sizeMaxBytes) {
    await response.body?.cancel();
    throw tooLarge(declared, sizeMaxBytes);
  }
  const decoder = new TextDecoder();
  const parts: string[] = [];
  let sizeBytes = 0;
  for await (const chunk of chunksOf(response)) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > sizeMaxBytes) throw tooLarge(sizeBytes, sizeMaxBytes);
    parts.push(decoder.decode(chunk, { stream: true }));
  }
  parts.push(decoder.decode());
  return parts.join('');
}

function tooLarge(sizeBytes: number, sizeMaxBytes: number): ConnectionLost {
  const message = `the answer has ${sizeBytes} bytes or more; at most ${sizeMaxBytes} are read`;
  return new ConnectionLost('too_large', message);
}

/** The body's chunks as they come. Leaving the loop early cancels the download. */
export async function* chunksOf(response: Response): AsyncGenerator<Uint8Array> {
  if (response.body === null) return;
  const reader = response.body.getReader();
  let isDone = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        isDone = true;
        return;
      }
      yield value;
    }
  } finally {
    if (!isDone) await reader.cancel().catch(() => {});
    reader.releaseLock();
  }
}

/** A text that comes in pieces is no text: damaged, or one line without end. */
export class BadText extends Error {
  override readonly name = 'BadText';
}

/**
 * The lines of a text that comes in pieces, without their ends; the last may lack one. Throws `BadText`
 * for bytes that are not UTF-8 and for a line of more than `lengthMax` characters.
 */
export async function* linesOf(
  chunks: AsyncIterable<Uint8Array | string>,
  lengthMax: number,
): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let parts: string[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    const text = typeof chunk === 'string' ? chunk : decode(decoder, chunk);
    let from = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', from)) {
      parts.push(text.slice(from, end));
      yield withoutReturn(parts.join(''));
      parts = [];
      length = 0;
      from = end + 1;
    }
    length += text.length - from;
    if (length > lengthMax) throw new BadText(`a line has more than ${lengthMax} characters`);
    if (from < text.length) parts.push(text.slice(from));
  }
  parts.push(decode(decoder));
  const last = parts.join('');
  if (last !== '') yield withoutReturn(last);
}

function decode(decoder: TextDecoder, chunk?: Uint8Array): string {
  try {
    return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
  } catch (cause) {
    throw new BadText('there are bytes that are not UTF-8 text', { cause });
  }
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}
