import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';

/** One batch of a contest's log as it is downloaded and archived. */
export interface ChainLink {
  readonly epoch: number;
  /** Position of the first entry. */
  readonly seq: number;
  readonly at: number;
  /** JSON text of the list of entries, byte for byte as it was written. */
  readonly payload: string;
  /** Hexadecimal SHA-256, see `hashLink`. */
  readonly hash: string;
}

/** SHA-256: bytes to 32 bytes. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array;

/** The hash that stands before the first batch of a contest: SHA-256 of `dibs-log/1:<contest id>`. */
export function genesisHash(contest: string): string {
  return bytesToHex(sha256(utf8ToBytes(`dibs-log/1:${contest}`)));
}

/**
 * The hash of a batch: SHA-256 over the hash of the batch before (32 bytes), epoch, seq and at
 * (8 bytes each, big endian) and the payload's UTF-8 bytes. `digest` may be a faster SHA-256.
 */
export function hashLink(
  previous: string,
  link: Omit<ChainLink, 'hash'>,
  digest: Sha256 = sha256,
): string {
  const numbers = new DataView(new ArrayBuffer(24));
  numbers.setBigUint64(0, BigInt(link.epoch));
  numbers.setBigUint64(8, BigInt(link.seq));
  numbers.setBigUint64(16, BigInt(link.at));
  const head = concatBytes(hexToBytes(previous), new Uint8Array(numbers.buffer));
  return bytesToHex(digest(concatBytes(head, utf8ToBytes(link.payload))));
}
