import type { RefusalShape } from '@dibs/rules/contests/contest.ts';
import { type RefusedEntry, splitKey, type Verdict } from '@dibs/rules/proof/fold.ts';
import type { Clock } from './clock.ts';

interface Note {
  /** The full key, see `splitKey`. */
  readonly key: string;
  readonly verdict: Verdict & { readonly type: 'refused' };
}

/** Refusals gather for so long before they are noted by themselves; a batch takes them along sooner. */
const GATHER_MS = 50;
/** Keys in one note, and notes in one batch: bounds an entry's size to about 25 kB. */
const KEYS_PER_NOTE = 1_000;
const NOTES_PER_BATCH = 32;
/** Beyond this, in a storm of refusals, the oldest keys are not noted: they are remembered nowhere. */
const KEYS_MAX = 50_000;

/**
 * Refusals are given from memory, at once; so that a repeat of the same key gets the same answer on
 * every process and after a restart, their keys follow into the log, many to an entry, with nobody
 * waiting for that.
 */
export class RefusalNotes {
  readonly #clock: Clock;
  readonly #onDue: () => void;
  /** By the part of the key that names person and key, so that another command is told apart. */
  #verdicts = new Map<string, Note>();
  /** Those on their way into the log. */
  #going = new Map<string, Note>();
  #isTimed = false;
  #isDue = false;

  constructor(clock: Clock, onDue: () => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  get size(): number {
    return this.#verdicts.size + this.#going.size;
  }

  add(key: string, refusal: RefusalShape): void {
    if (this.#verdicts.size >= KEYS_MAX) {
      for (const oldest of this.#verdicts.keys()) {
        this.#verdicts.delete(oldest);
        break;
      }
    }
    this.#verdicts.set(splitKey(key).tag, { key, verdict: { type: 'refused', refusal } });
    this.#plan();
  }

  recall(key: string): Verdict | undefined {
    const { tag } = splitKey(key);
    const note = this.#verdicts.get(tag) ?? this.#going.get(tag);
    if (note === undefined) return undefined;
    return note.key === key ? note.verdict : { type: 'key_reused' };
  }

  /** The notes to be logged now: all there are when a batch goes anyway, else when they are due. */
  take(isBatchGoing: boolean): RefusedEntry[] {
    if (this.#verdicts.size === 0 || !(isBatchGoing || this.#isDue)) return [];
    const notes = new Map<string, { refused: RefusalShape; keys: string[] }[]>();
    let count = 0;
    for (const [tag, gathered] of this.#verdicts) {
      const { refusal } = gathered.verdict;
      const name = JSON.stringify(refusal);
      const alike = notes.get(name) ?? [];
      let note = alike.at(-1);
      if (note === undefined || note.keys.length >= KEYS_PER_NOTE) {
        if (count >= NOTES_PER_BATCH) break;
        count += 1;
        note = { refused: refusal, keys: [] };
        alike.push(note);
        notes.set(name, alike);
      }
      note.keys.push(gathered.key);
      this.#going.set(tag, gathered);
      this.#verdicts.delete(tag);
    }
    if (this.#verdicts.size === 0) this.#isDue = false;
    return [...notes.values()].flat();
  }

  /** The next `take` takes what there is, as a drain needs it. */
  hurry(): void {
    this.#isDue = this.#verdicts.size > 0;
  }

  /** The notes taken last are in the log, or must be taken once more. */
  settle(isWritten: boolean): void {
    if (!isWritten && this.#going.size > 0) {
      this.#verdicts = new Map([...this.#going, ...this.#verdicts]);
      this.#plan();
    }
    this.#going.clear();
  }

  #plan(): void {
    if (this.#isTimed) return;
    this.#isTimed = true;
    this.#clock.after(GATHER_MS, () => {
      this.#isTimed = false;
      this.#isDue = true;
      this.#onDue();
    });
  }
}
