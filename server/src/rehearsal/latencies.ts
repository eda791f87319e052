/** Quantiles of a set of durations, in milliseconds; all zero where nothing was measured. */
export interface Quantiles {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** Every duration is kept, so that the quantiles are exact: 8 bytes each. */
export class Latencies {
  #values = new Float64Array(1_024);
  #count = 0;

  add(durationMs: number): void {
    if (this.#count === this.#values.length) {
      const grown = new Float64Array(this.#values.length * 2);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[this.#count] = durationMs;
    this.#count += 1;
  }

  /** The smallest value that at least the given share of all values does not exceed. */
  quantiles(): Quantiles {
    const sorted = this.#values.slice(0, this.#count).sort();
    const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
    return {
      count: this.#count,
      p50: at(0.5),
      p99: at(0.99),
      p999: at(0.999),
      max: at(1),
    };
  }
}
