import type { Step } from '@dibs/rules/proof/fold.ts';
import { Chunk, serialiseFact } from './frames.ts';

/** The facts of one applied batch, serialised; kept so that streams can resume. */
interface Piece {
  /** Position after the batch. */
  readonly to: number;
  /** Facts, comma-joined. */
  readonly text: string;
  readonly facts: number;
  /** Entries that brought facts forth, and where in `text` the first of each begins. */
  readonly seqs: readonly number[];
  readonly starts: readonly number[];
}

export interface RingLimits {
  /** Facts and bytes of one contest kept for those who resume. */
  readonly ringFacts: number;
  readonly ringBytes: number;
}

/** Bytes of all rings of this process; over the limit, whichever ring grows gives up its oldest. */
export interface RingBudget {
  bytes: number;
  readonly bytesMax: number;
}

/**
 * A reader that is behind is sent so much at once. More makes fewer writes; the buffer lives until
 * its slowest reader has it, and is shared by all readers behind by the same.
 */
export const CHUNK_BYTES = 256 * 1_024;
/** Chunks for those behind that are kept during one pass: 16 are 4 MB. */
const CHUNKS_MAX = 16;

/**
 * One contest's facts on their way to its streams.
 *
 *   base ........ sealedTo ........ head
 *     | the ring    | pending        |
 *
 * `head` is the replica's position. Applied batches gather as they are (`pending`), which costs the
 * hot path a few array pushes; at the beginning of a pass they are `seal`ed: serialised and put
 * into the ring. Every stream has its own position and is sent what the ring holds after it, so it
 * never matters when a stream joined or how far another one is. A stream whose position is before
 * `base` has lost facts: it gets `reset` and a view.
 */
export class Topic<Follower = unknown> {
  readonly contest: string;
  readonly name: string;
  readonly subscriptions = new Set<Follower>();
  /** When its last stream left, milliseconds of the process's clock; 0 while there are some. */
  emptySince = 0;
  readonly #epoch: number;
  readonly #limits: RingLimits;
  readonly #budget: RingBudget;
  #base: number;
  #sealedTo: number;
  #head: number;
  #pending: (readonly Step[])[] = [];
  #pendingFacts = 0;
  #pieces: Piece[] = [];
  #ringFacts = 0;
  #ringBytes = 0;
  #frame: { readonly chunk: Chunk; readonly after: number; readonly first: number } | null = null;
  readonly #chunks = new Map<number, Chunk>();

  constructor(options: {
    contest: string;
    epoch: number;
    head: number;
    limits: RingLimits;
    budget: RingBudget;
  }) {
    this.contest = options.contest;
    this.name = `drop:${options.contest}`;
    this.#epoch = options.epoch;
    this.#limits = options.limits;
    this.#budget = options.budget;
    this.#base = options.head;
    this.#sealedTo = options.head;
    this.#head = options.head;
  }

  get head(): number {
    return this.#head;
  }

  /** Facts after this position are in the ring. */
  get base(): number {
    return this.#base;
  }

  /** Facts up to this position can be sent. */
  get sealedTo(): number {
    return this.#sealedTo;
  }

  /** Bytes sealed last. */
  get frameBytes(): number {
    return this.#frame?.chunk.sizeBytes ?? 0;
  }

  /**
   * Takes in what a replica applied. Repeats are left out; a gap (a replica that was built anew
   * folded entries without a word) loses the ring. True when there is something to tell the
   * streams.
   */
  take(steps: readonly Step[]): boolean {
    const first = steps[0];
    const last = steps.at(-1);
    if (first === undefined || last === undefined || last.seq <= this.#head) return false;
    if (first.seq > this.#head + 1) return this.restart(last.seq);
    const news = first.seq > this.#head ? steps : steps.filter((step) => step.seq > this.#head);
    this.#head = last.seq;
    let facts = 0;
    for (const step of news) facts += step.facts.length;
    if (facts === 0) return false;
    this.#pendingFacts += facts;
    if (this.#pendingFacts > this.#limits.ringFacts) return this.restart(last.seq);
    this.#pending.push(news);
    return true;
  }

  /** Forgets all facts: nobody can go on from before `head`. */
  restart(head: number): true {
    this.#budget.bytes -= this.#ringBytes;
    this.#pieces = [];
    this.#ringFacts = 0;
    this.#ringBytes = 0;
    this.#pending = [];
    this.#pendingFacts = 0;
    this.#base = head;
    this.#sealedTo = head;
    this.#head = head;
    this.releaseFrame();
    return true;
  }

  /** Serialises what is pending, once, and makes it the frame that most streams will be sent. */
  seal(): void {
    this.releaseFrame();
    const batches = this.#pending;
    this.#pending = [];
    this.#pendingFacts = 0;
    const after = this.#pieces.at(-1)?.seqs.at(-1) ?? this.#base;
    const from = this.#sealedTo;
    this.#sealedTo = this.#head;
    const made: Piece[] = [];
    for (const steps of batches) {
      const piece = makePiece(steps);
      made.push(piece);
      this.#pieces.push(piece);
      this.#ringFacts += piece.facts;
      this.#ringBytes += piece.text.length;
      this.#budget.bytes += piece.text.length;
    }
    this.#evict();
    const first = made[0]?.seqs[0];
    if (first === undefined || this.#base > from) return;
    const facts = made.map((piece) => piece.text).join(',');
    this.#frame = { chunk: this.#makeChunk(facts, this.#sealedTo), after, first };
  }

  /** Lets the bytes of a pass go. */
  releaseFrame(): void {
    this.#frame = null;
    this.#chunks.clear();
  }

  /** What a stream at position `at` must be sent next: null for nothing, `lost` when it is gone. */
  chunkAfter(at: number): Chunk | 'lost' | null {
    if (at < this.#base) return 'lost';
    if (at >= this.#sealedTo) return null;
    const frame = this.#frame;
    if (frame !== null && at >= frame.after && at < frame.first) return frame.chunk;
    const known = this.#chunks.get(at);
    if (known !== undefined) return known;
    const made = this.#collect(at);
    if (made === null) return null;
    if (this.#chunks.size >= CHUNKS_MAX) this.#chunks.clear();
    this.#chunks.set(at, made);
    return made;
  }

  /** The sealed facts after `at`, up to about `CHUNK_BYTES`; an entry's facts stay together. */
  #collect(at: number): Chunk | null {
    const texts: string[] = [];
    let bytes = 0;
    let to = this.#sealedTo;
    for (let index = this.#findPiece(at); index < this.#pieces.length; index += 1) {
      const piece = this.#pieces[index];
      if (piece === undefined || piece.to > this.#sealedTo) break;
      if (bytes >= CHUNK_BYTES) {
        to = this.#pieces[index - 1]?.to ?? to;
        break;
      }
      const text = factsAfter(piece, at);
      if (text === '') continue;
      texts.push(text);
      bytes += text.length;
    }
    return texts.length === 0 ? null : this.#makeChunk(texts.join(','), to);
  }

  /** The index of the first piece that ends after position `at`. */
  #findPiece(at: number): number {
    let low = 0;
    let high = this.#pieces.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#pieces[middle]?.to ?? 0) > at) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #makeChunk(facts: string, to: number): Chunk {
    return new Chunk({ topic: this.name, facts, epoch: this.#epoch, to });
  }

  #evict(): void {
    const { ringFacts, ringBytes } = this.#limits;
    let count = 0;
    for (const piece of this.#pieces) {
      const isOver = this.#ringFacts > ringFacts || this.#ringBytes > ringBytes;
      if (!isOver && this.#budget.bytes <= this.#budget.bytesMax) break;
      this.#ringFacts -= piece.facts;
      this.#ringBytes -= piece.text.length;
      this.#budget.bytes -= piece.text.length;
      this.#base = piece.to;
      count += 1;
    }
    if (count > 0) this.#pieces.splice(0, count);
  }
}

function makePiece(steps: readonly Step[]): Piece {
  const texts: string[] = [];
  const seqs: number[] = [];
  const starts: number[] = [];
  let length = 0;
  for (const step of steps) {
    if (step.facts.length === 0) continue;
    seqs.push(step.seq);
    starts.push(length);
    for (const fact of step.facts) {
      const text = serialiseFact(fact, step.seq, step.at);
      texts.push(text);
      length += text.length + 1;
    }
  }
  return { to: steps.at(-1)?.seq ?? 0, text: texts.join(','), facts: texts.length, seqs, starts };
}

/** The facts of a piece that entries after `at` brought forth. */
function factsAfter(piece: Piece, at: number): string {
  let index = piece.seqs.length;
  while (index > 0 && (piece.seqs[index - 1] ?? 0) > at) index -= 1;
  const start = piece.starts[index];
  if (start === undefined) return '';
  return start === 0 ? piece.text : piece.text.slice(start);
}
