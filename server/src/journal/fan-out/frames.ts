import type { FactShape } from '@dibs/rules/contests/contest.ts';
import { formatPosition } from './positions.ts';

/** The bytes of a stream: text/event-stream as `GET /v1/stream` sends it. */

/** What keeps a silent connection open; a comment to every reader. */
export const HEARTBEAT = Buffer.from(':\n\n');

/**
 * The answer's head, written by hand because the stream leaves HTTP's machinery; see
 * http/stream.ts. `retryMs`: what a plain EventSource waits before it comes back.
 */
export function streamHead(retryMs: number): string {
  return (
    'HTTP/1.1 200 OK\r\n' +
    'content-type: text/event-stream; charset=utf-8\r\n' +
    'cache-control: no-store, no-transform\r\n' +
    'x-accel-buffering: no\r\n' +
    'x-content-type-options: nosniff\r\n' +
    'connection: close\r\n\r\n' +
    `retry: ${retryMs}\n\n`
  );
}

/** A fact as JSON, with its place in the log. */
export function serialiseFact(fact: FactShape, seq: number, at: number): string {
  return `{"seq":${seq},"at":${at},${JSON.stringify(fact).slice(1)}`;
}

/** The same on a person's own topic, which many contests share. */
export function serialiseOwnFact(
  contest: string,
  fact: FactShape,
  place: { readonly seq: number; readonly at: number },
): string {
  return `{"contest":"${contest}",${serialiseFact(fact, place.seq, place.at).slice(1)}`;
}

/** A `facts` event but for its id and its end; `facts`: serialised, comma-joined. */
export function factsBody(topic: string, facts: string): string {
  return `event: facts\ndata: {"topic":"${topic}","facts":[${facts}]}\n`;
}

/** The id and the end of an event. */
export function eventEnd(id: string): string {
  return `id: ${id}\n\n`;
}

/** A topic as it stands at `position`; facts after it follow. */
export function viewEvent(
  topic: string,
  shown: { readonly view: unknown; readonly position: string },
  id: string,
): string {
  const { view, position } = shown;
  return `event: view\ndata: ${JSON.stringify({ topic, view, position })}\n${eventEnd(id)}`;
}

/** Facts were missed: whoever shows the topic must fetch it anew. */
export function resetEvent(topic: string): string {
  return `event: reset\ndata: {"topic":"${topic}"}\n\n`;
}

/** This process goes away; `retry` says the same to a plain EventSource. */
export function reconnectEvent(afterMs: number): string {
  return `event: reconnect\nretry: ${afterMs}\ndata: {"afterMs":${afterMs}}\n\n`;
}

/**
 * Some facts of one topic as an event, whose bytes are built once for all who need the same. They
 * differ only by the id: streams that follow a single drop, with or without `me` beside it, share
 * one Buffer per form; streams of several drops share the body and add their own id.
 */
export class Chunk {
  /** Position after these facts. */
  readonly to: number;
  readonly #position: string;
  readonly #body: string;
  readonly #whole = new Map<string, Buffer>();
  #bodyBytes: Buffer | null = null;

  constructor(options: { topic: string; facts: string; epoch: number; to: number }) {
    this.to = options.to;
    this.#position = formatPosition(options.epoch, options.to);
    this.#body = factsBody(options.topic, options.facts);
  }

  /** About how many bytes a reader is sent. */
  get sizeBytes(): number {
    return this.#body.length;
  }

  /** The event with the id `<before>epoch:seq<after>`. */
  whole(before: string, after: string): Buffer {
    const form = `${before}|${after}`;
    const known = this.#whole.get(form);
    if (known !== undefined) return known;
    const made = Buffer.from(this.#body + eventEnd(before + this.#position + after));
    this.#whole.set(form, made);
    return made;
  }

  /** The event without its id and end. */
  body(): Buffer {
    this.#bodyBytes ??= Buffer.from(this.#body);
    return this.#bodyBytes;
  }
}
