import {
  type Cipheriv,
  createCipheriv,
  createDecipheriv,
  type Decipheriv,
  hkdfSync,
} from 'node:crypto';

/**
 * A person's pseudonym in a contest: their 16-byte id, enciphered as one AES-256 block under a key
 * of this contest alone. One block of a block cipher is a permutation: no two people share a
 * pseudonym, none can be told from another contest's, and whoever holds the installation's secret
 * can turn it back, so no table of links must be kept or kept up. A deleted person's id names
 * nobody any more, which deletes the link.
 */
export class Pseudonyms {
  readonly #secret: Buffer;
  readonly #ciphers = new Map<string, { encipher: Cipheriv; decipher: Decipheriv }>();

  /** `secret`: 32 bytes, the same in every process of an installation. */
  constructor(secret: Buffer) {
    this.#secret = secret;
  }

  /** The pseudonym of a person (UUID) in a contest (UUID): 22 characters. */
  of(contest: string, person: string): string {
    const block = Buffer.from(person.replaceAll('-', ''), 'hex');
    return this.#cipherOf(contest).encipher.update(block).toString('base64url');
  }

  /** The person (UUID) behind a pseudonym. */
  personOf(contest: string, pseudonym: string): string {
    const block = Buffer.from(pseudonym, 'base64url');
    const hex = this.#cipherOf(contest).decipher.update(block).toString('hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }

  /** Without padding ECB carries nothing from block to block, so one cipher serves for good. */
  #cipherOf(contest: string): { encipher: Cipheriv; decipher: Decipheriv } {
    const known = this.#ciphers.get(contest);
    if (known !== undefined) return known;
    const key = Buffer.from(hkdfSync('sha256', this.#secret, '', `dibs pseudonym ${contest}`, 32));
    const encipher = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false);
    const decipher = createDecipheriv('aes-256-ecb', key, null).setAutoPadding(false);
    if (this.#ciphers.size >= CIPHERS_MAX) this.#ciphers.clear();
    const made = { encipher, decipher };
    this.#ciphers.set(contest, made);
    return made;
  }
}

/** Contests whose ciphers are kept ready; making one takes about 20 µs. */
const CIPHERS_MAX = 2_000;
