import { createHash, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';

const ID_BYTES = 16;
const SECRET_BYTES = 32;
const TAG_BYTES = 16;
const SIZE_BYTES = ID_BYTES + SECRET_BYTES + TAG_BYTES;
const TEXT_LENGTH = Math.ceil((SIZE_BYTES * 8) / 6);

/** A refresh token that this installation has made at some time. */
export interface RefreshToken {
  readonly text: string;
  readonly sessionId: string;
  /** SHA-256; all that is stored. */
  readonly hash: Buffer;
}

/**
 * Refresh tokens: session id, 32 bytes that nobody can guess, and a tag. The tag tells an old token
 * of ours (stolen, or used twice: the session ends) from one that somebody made up (nothing
 * happens, and no database is asked).
 *
 * Each token has exactly one successor, derived under the installation's secret. So a client whose
 * answer was lost, and the second of two tabs that refresh at once, get the same token again, and
 * whichever answer the browser keeps is good.
 */
export class RefreshTokens {
  readonly #key: Buffer;

  constructor(secret: Buffer) {
    this.#key = Buffer.from(hkdfSync('sha256', secret, '', 'dibs refresh token', 32));
  }

  /** The first token of a session (UUID). */
  first(sessionId: string): RefreshToken {
    return this.#make(Buffer.from(sessionId.replaceAll('-', ''), 'hex'), randomBytes(SECRET_BYTES));
  }

  successor(token: RefreshToken): RefreshToken {
    const bytes = Buffer.from(token.text, 'base64url');
    return this.#make(bytes.subarray(0, ID_BYTES), this.#mac('next', bytes));
  }

  /** Reads a token of a client; null when it was not made here. */
  read(text: string): RefreshToken | null {
    if (text.length !== TEXT_LENGTH) return null;
    const bytes = Buffer.from(text, 'base64url');
    if (bytes.length !== SIZE_BYTES || bytes.toString('base64url') !== text) return null;
    const body = bytes.subarray(0, ID_BYTES + SECRET_BYTES);
    if (!timingSafeEqual(bytes.subarray(ID_BYTES + SECRET_BYTES), this.#tag(body))) return null;
    return describe(bytes);
  }

  #make(id: Buffer, secret: Buffer): RefreshToken {
    const body = Buffer.concat([id, secret]);
    return describe(Buffer.concat([body, this.#tag(body)]));
  }

  #tag(body: Buffer): Buffer {
    return this.#mac('tag', body).subarray(0, TAG_BYTES);
  }

  #mac(purpose: 'tag' | 'next', bytes: Buffer): Buffer {
    return createHmac('sha256', this.#key).update(`${purpose}\n`).update(bytes).digest();
  }
}

function describe(bytes: Buffer): RefreshToken {
  const hex = bytes.toString('hex', 0, ID_BYTES);
  const groups = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)];
  return {
    text: bytes.toString('base64url'),
    sessionId: [...groups, hex.slice(20)].join('-'),
    hash: createHash('sha256').update(bytes).digest(),
  };
}
