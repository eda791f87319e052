import type { Step } from '@dibs/rules/proof/fold.ts';
import type { Connection } from './connections.ts';
import { serialiseOwnFact } from './frames.ts';

/** Facts that wait for the next pass; beyond, everybody is told to look for themselves. */
const PENDING_MAX = 100_000;
/** Pseudonyms turned back (about 3 µs each) before others get a turn. */
const FACTS_PER_TURN = 64;

interface Told {
  readonly contest: string;
  readonly steps: readonly Step[];
}

/** Contests whose last position is remembered, to notice that facts went by unheard. */
const HEADS_MAX = 10_000;

/**
 * The topic `me`: whatever concerns one person, in any contest this process holds, goes to all
 * their streams. The log names people by pseudonyms; they are turned back only while somebody
 * listens.
 */
export class OwnTopics {
  readonly #personOf: (contest: string, pseudonym: string) => string;
  readonly #connections = new Map<string, Set<Connection>>();
  readonly #heads = new Map<string, number>();
  #pending: Told[] = [];
  #pendingFacts = 0;
  /** Facts went by unheard: everybody is to look for themselves. */
  #isLost = false;

  constructor(personOf: (contest: string, pseudonym: string) => string) {
    this.#personOf = personOf;
  }

  get hasListeners(): boolean {
    return this.#connections.size > 0;
  }

  get people(): number {
    return this.#connections.size;
  }

  add(person: string, connection: Connection): void {
    const held = this.#connections.get(person);
    if (held === undefined) this.#connections.set(person, new Set([connection]));
    else held.add(connection);
  }

  remove(person: string, connection: Connection): void {
    const held = this.#connections.get(person);
    held?.delete(connection);
    if (held?.size === 0) this.#connections.delete(person);
    if (this.#connections.size > 0) return;
    this.#forget();
    this.#heads.clear();
    this.#isLost = false;
  }

  /**
   * Takes in what was applied; true when there is something to tell. A replica that was built anew
   * in between has folded entries without a word: a gap, about which nobody knows whom it concerns.
   */
  take(told: Told): boolean {
    const first = told.steps[0];
    const head = this.#heads.get(told.contest);
    if (first !== undefined && head !== undefined && first.seq > head + 1) this.#isLost = true;
    if (this.#heads.size >= HEADS_MAX) this.#heads.clear();
    this.#heads.set(told.contest, told.steps.at(-1)?.seq ?? head ?? 0);
    let facts = 0;
    for (const step of told.steps) facts += step.facts.length;
    if (facts === 0) return this.#isLost;
    this.#pending.push(told);
    this.#pendingFacts += facts;
    if (this.#pendingFacts > PENDING_MAX) {
      this.#forget();
      this.#isLost = true;
    }
    return true;
  }

  /** Hands what was taken in to the connections it concerns, which it adds to `touched`. */
  *tell(touched: Set<Connection>): Generator<void> {
    const pending = this.#pending;
    this.#forget();
    if (this.#isLost) {
      this.#isLost = false;
      for (const held of this.#connections.values()) {
        for (const connection of held) {
          connection.loseOwn();
          touched.add(connection);
        }
      }
    }
    let count = 0;
    for (const told of pending) {
      for (const step of told.steps) {
        for (const fact of step.facts) {
          if (fact.person === undefined) continue;
          count += 1;
          if (count % FACTS_PER_TURN === 0) yield;
          const held = this.#connections.get(this.#personOf(told.contest, fact.person));
          if (held === undefined) continue;
          const text = serialiseOwnFact(told.contest, fact, step);
          for (const connection of held) {
            touched.add(connection);
            connection.addOwn(text);
          }
        }
      }
    }
  }

  #forget(): void {
    this.#pending = [];
    this.#pendingFacts = 0;
  }
}
