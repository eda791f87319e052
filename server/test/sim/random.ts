/** A small seeded source of chance (xorshift-multiply over a counter): the same seed, the same run. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0;
  }

  /** An integer from 0 to 2^32 - 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** An integer from `minimum` to `maximum`, both included. */
  between(minimum: number, maximum: number): number {
    return minimum + (this.next() % (maximum - minimum + 1));
  }

  /** True once in a while: `share` of 1. */
  chance(share: number): boolean {
    return this.next() < share * 4_294_967_296;
  }

  pick<Value>(values: readonly Value[]): Value {
    const value = values[this.next() % values.length];
    if (value === undefined) throw new Error('nothing to pick from');
    return value;
  }

  /** A UUID, of version 4 by its look. */
  uuid(): string {
    const hex = [0, 0, 0, 0].map(() => this.next().toString(16).padStart(8, '0')).join('');
    return [
      hex.slice(0, 8),
      hex.slice(8, 12),
      `4${hex.slice(13, 16)}`,
      `8${hex.slice(17, 20)}`,
      hex.slice(20, 32),
    ].join('-');
  }

  text(): string {
    return this.next().toString(36) + this.next().toString(36);
  }
}
