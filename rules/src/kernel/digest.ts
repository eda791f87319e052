/**
 * A running 52-bit digest of what a replica did, cheap enough for every fact: two interleaved
 * multiply-xor lanes after cyrb53 (public domain, bryc). It finds replicas that went apart by a bug;
 * it is no defence against forgery, which the log's SHA-256 chain is for.
 */
export interface Digest {
  high: number;
  low: number;
}

export function startDigest(): Digest {
  return { high: 0xdeadbeef, low: 0x41c6ce57 };
}

/** Stirs one number (its low 32 bits and what lies above them) into the digest, in place. */
export function stirNumber(digest: Digest, value: number): void {
  const low = value | 0;
  const high = (value / 4294967296) | 0;
  digest.high = Math.imul(digest.high ^ low, 2654435761) ^ (digest.low >>> 16);
  digest.low = Math.imul(digest.low ^ low ^ high, 1597334677) ^ (digest.high >>> 16);
}

/** Stirs a text into the digest, in place. */
export function stirText(digest: Digest, text: string): void {
  for (let index = 0; index < text.length; index += 1) stirNumber(digest, text.charCodeAt(index));
}

/** The digest as 16 hexadecimal digits. */
export function readDigest(digest: Digest): string {
  const high = (digest.high >>> 0).toString(16).padStart(8, '0');
  return high + (digest.low >>> 0).toString(16).padStart(8, '0');
}
