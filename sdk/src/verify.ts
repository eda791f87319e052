import {
  createVerifier,
  type Verification,
  type VerifyError,
  type VerifyOptions,
} from '@dibs/rules/proof/verify.ts';
import { BadText, chunksOf, linesOf } from './body.ts';

/**
 * Checks a contest's public log on this device, asking nobody: in a browser, in Node, offline.
 * Apart from the client, since it brings the rules and SHA-256 along.
 */

export interface Progress {
  readonly lines: number;
  readonly entries: number;
  /** As good as bytes: a log has no text of people's choice, so it is ASCII. */
  readonly characters: number;
}

export interface ReadOptions extends VerifyOptions {
  /** Called about every 50 ms, when the page gets a turn too. */
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
}

/** What `verifyContest` needs of a client. */
export interface LogSource {
  readonly proof: {
    log(id: string, options?: { signal?: AbortSignal }): AsyncIterable<string>;
    audit(id: string, options?: { signal?: AbortSignal }): Promise<{ readonly head: string }>;
  };
}

/** Characters of one line; what a batch of a log may have. */
const LINE_LENGTH_MAX = 8 * 1024 * 1024;
/** How long the verifier works before the page gets a turn: three frames. */
const TURN_MS = 50;

/** Verifies a log that is there as text. */
export function verifyText(text: string, options: ReadOptions = {}): Promise<Verification> {
  return verifyLines(linesOf(whole(text), text.length), options);
}

/** Verifies a log that comes in pieces: a file's stream, the body of an answer, chunks of text. */
export function verifyStream(
  source: AsyncIterable<Uint8Array | string> | ReadableStream<Uint8Array>,
  options: ReadOptions = {},
): Promise<Verification> {
  const chunks = Symbol.asyncIterator in source ? source : chunksOf(new Response(source));
  return verifyLines(linesOf(chunks, LINE_LENGTH_MAX), options);
}

/**
 * Downloads a contest's log and verifies it. The head that the server tells first must be in it, so
 * that a log that is cut off does not pass.
 */
export async function verifyContest(
  client: LogSource,
  contest: string,
  options: ReadOptions = {},
): Promise<Verification> {
  const { signal, expect } = options;
  const calls = signal === undefined ? {} : { signal };
  const contains = expect?.contains ?? (await client.proof.audit(contest, calls)).head;
  const lines = client.proof.log(contest, calls);
  return verifyLines(lines, { ...options, expect: { ...expect, contains } }, contest);
}

async function verifyLines(
  lines: AsyncIterable<string>,
  options: ReadOptions,
  contest?: string,
): Promise<Verification> {
  const { onProgress, signal } = options;
  const verifier = createVerifier(options);
  let characters = 0;
  let turnEndsAt = performance.now() + TURN_MS;
  let bad: string | null = null;
  try {
    for await (const line of lines) {
      verifier.push(line);
      characters += line.length + 1;
      if (performance.now() < turnEndsAt) continue;
      signal?.throwIfAborted();
      onProgress?.({ ...verifier.progress, characters });
      await new Promise((resolve) => setTimeout(resolve, 0));
      turnEndsAt = performance.now() + TURN_MS;
    }
  } catch (error) {
    if (!(error instanceof BadText)) throw error;
    bad = error.message;
  }
  signal?.throwIfAborted();
  onProgress?.({ ...verifier.progress, characters });
  const verification = verifier.finish();
  if (bad !== null) {
    return accuse(verification, verifier.progress.lines + 1, 'format', bad);
  }
  if (contest === undefined || verification.contest === contest) return verification;
  const message = `this is the log of ${verification.contest}, not of ${contest}`;
  return accuse(verification, 1, 'expected', message);
}

function accuse(
  verification: Verification,
  line: number,
  what: VerifyError['what'],
  message: string,
): Verification {
  const errors = [{ line, what, message }, ...verification.errors];
  return { ...verification, ok: false, errors, errorCount: verification.errorCount + 1 };
}

async function* whole(text: string): AsyncGenerator<string> {
  yield text;
}

export type {
  Expectation,
  FaultKind,
  Verification,
  Verifier,
  VerifyError,
  VerifyOptions,
} from '@dibs/rules/proof/verify.ts';
export { createVerifier };
