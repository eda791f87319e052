import type { DropState } from '../contests/drop/types.ts';
import { type ChainLink, genesisHash, hashLink, type Sha256 } from './chain.ts';
import {
  accuseEnd,
  accuseEntry,
  type DropOutcome,
  outcomeOf,
  type Winner,
  winnersOf,
} from './drop-proof.ts';
import { CHECKPOINT_EVERY, type Fold, foldEntry, type LogEntry, startFold } from './fold.ts';
import { type LogHeader, parseBatch, parseHeader, parsePayload } from './log-line.ts';

/**
 * Verifies a downloaded public log without asking anybody: every value within its bounds, the chain
 * of hashes intact, no entry missing, time never back, the rules played again from the first entry to
 * the same checkpoints, the seed of a fair window the one that was committed.
 *
 * What a chain cannot show by itself: that a whole log was not written anew, or its end cut off
 * between two batches. Against that hold a hash noted earlier (`expect.head`, `expect.contains`).
 *
 * After the first fault the rules are played no further, since what follows would rest on it; format,
 * chain, order and time are checked to the end.
 */

export interface VerifyOptions {
  /** What somebody claims about the log; a difference is an error. */
  readonly expect?: Expectation;
  /** Winners in the outcome; 1,000 unless given. */
  readonly winnersMax?: number;
  /** A faster SHA-256 than the one in here, where the runtime has one. */
  readonly sha256?: Sha256;
}

export interface Expectation {
  /** The hash of the last batch. */
  readonly head?: string;
  /** The hash of any batch: an earlier head, or a receipt. */
  readonly contains?: string;
  /** All winners, in any order. */
  readonly winners?: readonly Pick<Winner, 'order' | 'person' | 'quantity'>[];
}

export type FaultKind =
  | 'format'
  | 'chain'
  | 'order'
  | 'time'
  | 'rules'
  | 'checkpoint'
  | 'seed'
  | 'recount'
  | 'expected';

export interface VerifyError {
  /** Line of the file, from 1; 0: the file as a whole. */
  readonly line: number;
  readonly what: FaultKind;
  readonly message: string;
}

export interface Verification {
  readonly ok: boolean;
  /** Null where the first line is not a header. */
  readonly contest: string | null;
  readonly kind: string | null;
  readonly entries: number;
  readonly batches: number;
  /** Entries up to here were played by the rules; less than `entries` after a fault. */
  readonly playedThrough: number;
  /** Hash of the last batch; of nothing, the hash that stands before the first. */
  readonly head: string | null;
  /** The first 20. */
  readonly errors: readonly VerifyError[];
  readonly errorCount: number;
  /** How it stood after `playedThrough`; null where no contest was created. */
  readonly outcome: DropOutcome | null;
}

export interface Verifier {
  /** Takes the next line of the file, without its line end. Never throws for what the line says. */
  push(line: string): void;
  /** How far it is. */
  readonly progress: { readonly lines: number; readonly entries: number };
  /** The result, once all lines are there. */
  finish(): Verification;
  /** All winners as the rules have it, in the order of their claims. */
  winners(): Iterable<Winner>;
}

const ERRORS_MAX = 20;
const WINNERS_MAX = 1_000;

export function createVerifier(options: VerifyOptions = {}): Verifier {
  return new LogVerifier(options);
}

class LogVerifier implements Verifier {
  readonly #options: VerifyOptions;
  readonly #errors: VerifyError[] = [];
  #errorCount = 0;
  #lines = 0;
  #entries = 0;
  #batches = 0;
  #header: LogHeader | null = null;
  #fold: Fold | null = null;
  #isPlaying = true;
  /** The batch before; its declared values, so that one fault is told once. */
  #last: { epoch: number; at: number; hash: string } | null = null;
  #nextSeq = 1;
  #digests = new Map<number, string>();
  #hasContained = false;
  #isFinished = false;

  constructor(options: VerifyOptions) {
    this.#options = options;
  }

  get progress(): { lines: number; entries: number } {
    return { lines: this.#lines, entries: this.#entries };
  }

  push(line: string): void {
    if (this.#isFinished) throw new TypeError('the verification is finished');
    this.#lines += 1;
    try {
      if (this.#lines === 1) this.#begin(parseHeader(line));
      else if (this.#header !== null) this.#check(parseBatch(line));
    } catch (error) {
      this.#isPlaying = false;
      this.#accuse('format', (error as Error).message);
    }
  }

  #begin(header: LogHeader): void {
    this.#header = header;
    this.#fold = startFold(header.contest);
    this.#last = { epoch: 1, at: 0, hash: genesisHash(header.contest) };
    this.#hasContained = this.#last.hash === this.#options.expect?.contains;
  }

  #check(batch: ChainLink): void {
    const last = this.#last as { epoch: number; at: number; hash: string };
    const expected = hashLink(last.hash, batch, this.#options.sha256);
    if (batch.hash !== expected) {
      this.#accuse('chain', `the hash is ${batch.hash}, but what it is made of gives ${expected}`);
      this.#isPlaying = false;
    }
    if (batch.seq !== this.#nextSeq) {
      const message = `the batch begins at entry ${batch.seq}; it must be ${this.#nextSeq}`;
      this.#accuse('order', `${message} (a batch was removed, doubled or moved)`);
      this.#isPlaying = false;
    }
    if (batch.epoch < last.epoch) {
      this.#accuse('order', `epoch ${batch.epoch} comes after epoch ${last.epoch}`);
      this.#isPlaying = false;
    }
    if (batch.at < last.at) {
      this.#accuse('time', `time goes back from ${last.at} to ${batch.at}`);
      this.#isPlaying = false;
    }
    this.#last = { epoch: batch.epoch, at: Math.max(batch.at, last.at), hash: batch.hash };
    this.#hasContained ||= batch.hash === this.#options.expect?.contains;
    this.#batches += 1;
    const entries = parsePayload(batch.payload);
    this.#nextSeq = batch.seq + entries.length;
    this.#entries += entries.length;
    for (const entry of entries) {
      if (this.#isPlaying) this.#play(entry, batch.at);
    }
  }

  #play(entry: LogEntry, at: number): void {
    const fold = this.#fold as Fold;
    const seq = fold.seq + 1;
    const fault = this.#accuseEntry(fold, entry);
    if (fault !== null) {
      this.#stop(fault.what, `entry ${seq}: ${fault.message}`);
      return;
    }
    try {
      foldEntry(fold, entry, at);
    } catch (error) {
      const what = (error as Error).name === 'Divergence' ? 'checkpoint' : 'rules';
      this.#stop(what, `entry ${seq}: ${(error as Error).message}`);
      return;
    }
    if (seq % CHECKPOINT_EVERY === 0) this.#digests.set(seq, fold.checkpoint?.digest ?? '');
  }

  #accuseEntry(fold: Fold, entry: LogEntry): { what: FaultKind; message: string } | null {
    if ('checkpoint' in entry) {
      const own = this.#digests.get(entry.checkpoint);
      if (own === entry.digest) return null;
      const message =
        own === undefined
          ? `there is no checkpoint at ${entry.checkpoint}: each ${CHECKPOINT_EVERY}th before it is`
          : `the log says digest ${entry.digest} at ${entry.checkpoint}, the rules say ${own}`;
      return { what: 'checkpoint', message };
    }
    if (!('command' in entry)) return null;
    const { kind } = this.#header as LogHeader;
    if (fold.rules === null) {
      // Without a kind it stands before the creation, and the fold refuses it.
      if (entry.kind === undefined || entry.kind === kind) return null;
      return { what: 'rules', message: `the kind is ${entry.kind}, the first line says ${kind}` };
    }
    return accuseEntry(fold.state as DropState, entry);
  }

  #stop(what: FaultKind, message: string): void {
    this.#isPlaying = false;
    this.#accuse(what, message);
  }

  #accuse(what: FaultKind, message: string, line = this.#lines): void {
    this.#errorCount += 1;
    if (this.#errors.length < ERRORS_MAX) this.#errors.push({ line, what, message });
  }

  finish(): Verification {
    const fold = this.#fold;
    if (!this.#isFinished) {
      this.#isFinished = true;
      if (this.#lines === 0) this.#accuse('format', 'the file is empty');
      if (fold !== null) this.#accuseEnd(fold);
    }
    const state = fold?.state as DropState | null | undefined;
    const isCreated = state?.terms !== null && state !== null && state !== undefined;
    return {
      ok: this.#errorCount === 0,
      contest: this.#header?.contest ?? null,
      kind: this.#header?.kind ?? null,
      entries: this.#entries,
      batches: this.#batches,
      playedThrough: fold?.seq ?? 0,
      head: this.#last?.hash ?? null,
      errors: this.#errors,
      errorCount: this.#errorCount,
      outcome: isCreated ? outcomeOf(state, this.#options.winnersMax ?? WINNERS_MAX) : null,
    };
  }

  *winners(): Generator<Winner> {
    const state = this.#fold?.state as DropState | null | undefined;
    if (state !== null && state !== undefined) yield* winnersOf(state);
  }

  #accuseEnd(fold: Fold): void {
    const state = fold.state as DropState | null;
    if (state !== null) {
      for (const { what, message } of accuseEnd(state, fold.at)) {
        this.#accuse(what, message, 0);
      }
    }
    const { expect } = this.#options;
    if (expect === undefined) return;
    const head = this.#last?.hash;
    if (expect.head !== undefined && expect.head !== head) {
      const message = `the last hash is ${head}, expected was ${expect.head}: cut off or another log`;
      this.#accuse('expected', message, 0);
    }
    if (expect.contains !== undefined && !this.#hasContained) {
      this.#accuse('expected', `no batch has the hash ${expect.contains}`, 0);
    }
    // With part of the log played, every later winner would seem to be missing.
    if (expect.winners !== undefined && this.#isPlaying) this.#compareWinners(expect.winners);
  }

  #compareWinners(claimed: NonNullable<Expectation['winners']>): void {
    const actual = new Map<number, Winner>();
    for (const winner of this.winners()) actual.set(winner.order, winner);
    const seen = new Set<number>();
    for (const { order, person, quantity } of claimed) {
      const winner = actual.get(order);
      if (winner === undefined) {
        this.#accuse(
          'expected',
          `order ${order} of ${person} is claimed to have won; it has not`,
          0,
        );
      } else if (seen.has(order)) {
        this.#accuse('expected', `order ${order} is claimed to have won twice`, 0);
      } else if (winner.person !== person || winner.quantity !== quantity) {
        const message =
          `order ${order} is claimed for ${person} with ${quantity}; ` +
          `it is of ${winner.person} with ${winner.quantity}`;
        this.#accuse('expected', message, 0);
      }
      seen.add(order);
    }
    for (const { order, person } of actual.values()) {
      if (seen.has(order)) continue;
      this.#accuse('expected', `order ${order} of ${person} has won, but is not claimed to`, 0);
    }
  }
}
