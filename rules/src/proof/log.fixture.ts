import type { DropCommand, DropTerms } from '../contests/drop/types.ts';
import { sha256Hex } from '../kernel/sha256.ts';
import { type ChainLink, genesisHash, hashLink } from './chain.ts';
import { type Fold, foldEntry, type LogEntry, startFold } from './fold.ts';

export const CONTEST = '0190aaaa-bbbb-7ccc-8ddd-eeeeffff0001';
export const SEED = 'a seed nobody knew';
export const OPENS_AT = 1_790_000_000_000;

export const TERMS: DropTerms = {
  rules: 1,
  stock: 10,
  price: { amount: 500, currency: 'EUR' },
  opensAt: OPENS_AT,
  closesAt: null,
  limitPerPerson: 2,
  quantityMax: 2,
  payWithinMs: 60_000,
  fairWindowMs: 0,
  seedHash: null,
};

/** A pseudonym, 22 characters. */
export function pseudonym(number: number): string {
  return `person-${number}`.padEnd(22, '_');
}

/** A log as a process writes it: entries gather in batches, each folded and chained. */
export class Scribe {
  readonly fold: Fold = startFold(CONTEST);
  readonly lines: string[] = [
    JSON.stringify({ format: 'dibs-log/1', contest: CONTEST, kind: 'drop' }),
  ];
  head = genesisHash(CONTEST);
  #keys = 0;
  #noted = 0;

  /** A drop with these changes to `TERMS`, created a minute before it opens. */
  static withDrop(changes: Partial<DropTerms> = {}): Scribe {
    const scribe = new Scribe();
    const terms = { ...TERMS, ...changes };
    const command: DropCommand = { type: 'create', host: pseudonym(0), terms };
    const entry = { ...scribe.entry(pseudonym(0), command), kind: 'drop' };
    scribe.write([entry], OPENS_AT - 60_000);
    return scribe;
  }

  static withFairDrop(changes: Partial<DropTerms> = {}): Scribe {
    return Scribe.withDrop({ fairWindowMs: 1_000, seedHash: sha256Hex(SEED), ...changes });
  }

  entry(person: string | null, command: DropCommand): LogEntry {
    this.#keys += 1;
    return { person, key: `key-${this.#keys}`.padEnd(24, '_'), command };
  }

  /** Claims of one unit by these people, in one batch. */
  claim(people: readonly number[], at: number): void {
    const command: DropCommand = { type: 'claim', quantity: 1 };
    this.write(
      people.map((number) => this.entry(pseudonym(number), command)),
      at,
    );
  }

  ask(person: string | null, command: DropCommand, at: number): void {
    this.write([this.entry(person, command)], at);
  }

  write(entries: readonly LogEntry[], at: number): void {
    const seq = this.fold.seq + 1;
    this.writeUnplayed(entries, at, seq);
    for (const entry of entries) foldEntry(this.fold, entry, at);
    const { checkpoint } = this.fold;
    if (checkpoint === null || checkpoint.seq === this.#noted) return;
    this.#noted = checkpoint.seq;
    this.write([{ checkpoint: checkpoint.seq, digest: checkpoint.digest }], at);
  }

  /** Chains a batch that the rules have not seen, as a forger would. */
  writeUnplayed(entries: readonly LogEntry[], at: number, seq: number): void {
    const link = { epoch: 1, seq, at, payload: JSON.stringify(entries) };
    this.head = hashLink(this.head, link);
    const { epoch, payload } = link;
    this.lines.push(JSON.stringify({ epoch, seq, at, hash: this.head, payload }));
  }
}

/** The lines with every hash made anew, as a forger with the program would. */
export function rechain(lines: readonly string[]): string[] {
  let head = genesisHash(CONTEST);
  return lines.map((line, index) => {
    if (index === 0) return line;
    const batch = JSON.parse(line) as ChainLink;
    head = hashLink(head, batch);
    return JSON.stringify({ ...batch, hash: head });
  });
}
