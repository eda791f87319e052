import type { RefusalShape } from '@dibs/rules/contests/contest.ts';
import type { RefusedEntry } from '@dibs/rules/proof/fold.ts';

/** Keys in one note, and notes in one batch: bounds an entry's size to about 25 kB. */
const KEYS_PER_NOTE = 1_000;
const NOTES_PER_BATCH = 32;

/**
 * Refusals that a replica could give by itself, on their way into the log: only their keys are
 * written, many to an entry. Whoever sent a key is told once it is there, so that a repeat gets the
 * same answer on every process and after a crash.
 */
export class RefusalNotes {
  #notes: { readonly refused: RefusalShape; readonly keys: string[] }[] = [];
  /** The note that still has room, by the refusal's text. */
  readonly #open = new Map<string, { readonly keys: string[] }>();

  get size(): number {
    return this.#notes.length;
  }

  add(key: string, refused: RefusalShape): void {
    const name = JSON.stringify(refused);
    const open = this.#open.get(name);
    if (open !== undefined && open.keys.length < KEYS_PER_NOTE) {
      open.keys.push(key);
      return;
    }
    const note = { refused, keys: [key] };
    this.#notes.push(note);
    this.#open.set(name, note);
  }

  /** The notes to be logged next; they are not added to any more. */
  take(): RefusedEntry[] {
    this.#open.clear();
    return this.#notes.splice(0, NOTES_PER_BATCH);
  }
}
