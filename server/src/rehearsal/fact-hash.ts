/**
 * A hash of a list of facts that can be put together from the hashes of its parts, so that ten
 * thousand readers of one stream need not each hash every fact: polynomial over 32 bits. It tells
 * lost, doubled and swapped facts apart; it is no protection against intent.
 */
export class FactHash {
  count = 0;
  value = 0;
  /** base to the power of `count` */
  #power = 1;

  add(hash: number): void {
    this.value = (Math.imul(this.value, base) + hash) | 0;
    this.#power = Math.imul(this.#power, base);
    this.count += 1;
  }

  append(other: FactHash): void {
    this.value = (Math.imul(this.value, other.#power) + other.value) | 0;
    this.#power = Math.imul(this.#power, other.#power);
    this.count += other.count;
  }

  clear(): void {
    this.count = 0;
    this.value = 0;
    this.#power = 1;
  }
}

const base = 0x01000193;

/** The hash of one fact as it stands in a stream: its JSON text. FNV-1a over UTF-16 units. */
export function hashFact(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), base);
  }
  return hash | 0;
}
