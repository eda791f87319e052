/**
 * A map of bounded size that keeps what was used recently. Two generations: when the young one has
 * half of the size, it becomes the old one and what was old is forgotten; whatever is read or
 * written moves into the young one. Costs one lookup for what is young, and no order to keep.
 */
export class RecentMap<Value> {
  readonly #halfSize: number;
  #young = new Map<string, Value>();
  #old = new Map<string, Value>();

  /** Keeps at least the `sizeMax / 2` keys used last, never more than `sizeMax`. */
  constructor(sizeMax: number) {
    this.#halfSize = Math.max(1, Math.floor(sizeMax / 2));
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(key: string): Value | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: string, value: Value): void {
    if (this.#young.size >= this.#halfSize && !this.#young.has(key)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
    this.#old.delete(key);
  }

  delete(key: string): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }
}
