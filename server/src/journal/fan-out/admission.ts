/** Why a stream does not begin; the codes are those of the wire's faults. */
export type StreamRefusalCode =
  | 'malformed'
  | 'invalid'
  | 'unauthenticated'
  | 'not_found'
  | 'rate_limited'
  | 'busy'
  | 'unavailable'
  | 'draining';

export class StreamRefusal extends Error {
  override readonly name = 'StreamRefusal';
  readonly code: StreamRefusalCode;
  readonly retryAfterMs: number | null;

  constructor(code: StreamRefusalCode, message: string, retryAfterMs?: number) {
    super(message);
    this.code = code;
    this.retryAfterMs = retryAfterMs ?? null;
  }
}

export interface AdmissionLimits {
  /** Streams of this process. At 16 kB each, 20,000 are 320 MB. */
  readonly streamsMax: number;
  /** Streams from one network address of people who are not signed in: a stadium shares one. */
  readonly streamsPerAddressMax: number;
  /** Streams of one person: their open tabs and devices. */
  readonly streamsPerPersonMax: number;
}

const RETRY_FULL_MS = 5_000;
const RETRY_OWN_MS = 30_000;

/** Counts streams against the limits, from before they load anything until they are gone. */
export class Admissions {
  readonly #limits: AdmissionLimits;
  readonly #byAddress = new Map<string, number>();
  readonly #byPerson = new Map<string, number>();
  #count = 0;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#count;
  }

  /** Throws `StreamRefusal`, or counts one and returns what takes it back, once. */
  enter(address: string, person: string | null): () => void {
    const { streamsMax, streamsPerAddressMax, streamsPerPersonMax } = this.#limits;
    if (this.#count >= streamsMax) {
      throw new StreamRefusal('busy', `${streamsMax} streams are open here`, RETRY_FULL_MS);
    }
    const isNobody = person === null;
    if (isNobody && (this.#byAddress.get(address) ?? 0) >= streamsPerAddressMax) {
      const message = `${streamsPerAddressMax} streams are open from this address: sign in`;
      throw new StreamRefusal('rate_limited', message, RETRY_OWN_MS);
    }
    if (person !== null && (this.#byPerson.get(person) ?? 0) >= streamsPerPersonMax) {
      const message = `you have ${streamsPerPersonMax} streams open: close a tab`;
      throw new StreamRefusal('rate_limited', message, RETRY_OWN_MS);
    }
    this.#count += 1;
    if (person === null) raise(this.#byAddress, address);
    else raise(this.#byPerson, person);
    let hasLeft = false;
    return () => {
      if (hasLeft) return;
      hasLeft = true;
      this.#count -= 1;
      if (person === null) lower(this.#byAddress, address);
      else lower(this.#byPerson, person);
    };
  }
}

function raise(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function lower(counts: Map<string, number>, name: string): void {
  const count = (counts.get(name) ?? 0) - 1;
  if (count > 0) counts.set(name, count);
  else counts.delete(name);
}
