import { type Argon2Parameters, argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { PeopleFault } from './faults.ts';

/**
 * OWASP's minimum for argon2id: 19 MiB, 2 passes, 1 lane; 25 to 50 ms of one core here. Less would
 * make a stolen table cheap to guess, more would make a crowd that signs in wait.
 */
const MEMORY_KIB = 19_456;
const PASSES = 2;
const LANES = 1;
const SALT_BYTES = 16;
const HASH_BYTES = 32;

/** Hashes at once: libuv has 4 threads, and files and names need some of them too. */
const RUNNING_MAX = 2;
/** Those who wait longer than about this many hashes take had better come back. */
const WAITING_MAX = 100;
const HASH_TIME_MS = 50;

const derive = promisify(argon2);
const PHC = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

/** Hashes and checks passwords, a bounded number at a time; beyond that PeopleFault `busy`. */
export class Passwords {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  /** The PHC string of a password under a fresh salt. */
  async hash(password: string): Promise<string> {
    const salt = randomBytes(SALT_BYTES);
    const hash = await this.#derive(password, {
      salt,
      memory: MEMORY_KIB,
      passes: PASSES,
      lanes: LANES,
      sizeBytes: HASH_BYTES,
    });
    const parameters = `m=${MEMORY_KIB},t=${PASSES},p=${LANES}`;
    return `$argon2id$v=19$${parameters}$${encode(salt)}$${encode(hash)}`;
  }

  /**
   * Whether the password is the one that was hashed. With null (nobody has this name, or it has
   * no password) the answer is no and takes as long.
   */
  async verify(password: string, hashed: string | null): Promise<boolean> {
    if (hashed === null) {
      await this.hash(password);
      return false;
    }
    const parts = PHC.exec(hashed);
    if (parts === null) throw new Error('a stored password hash is not a PHC string of argon2id');
    const [, memory, passes, lanes, salt = '', hash = ''] = parts;
    const expected = Buffer.from(hash, 'base64');
    const derived = await this.#derive(password, {
      salt: Buffer.from(salt, 'base64'),
      memory: Number(memory),
      passes: Number(passes),
      lanes: Number(lanes),
      sizeBytes: expected.length,
    });
    return timingSafeEqual(derived, expected);
  }

  async #derive(password: string, how: Cost): Promise<Buffer> {
    await this.#enter();
    try {
      const parameters: Argon2Parameters = {
        message: Buffer.from(password.normalize('NFKC'), 'utf8'),
        nonce: how.salt,
        memory: how.memory,
        passes: how.passes,
        parallelism: how.lanes,
        tagLength: how.sizeBytes,
      };
      return await derive('argon2id', parameters);
    } finally {
      this.#leave();
    }
  }

  async #enter(): Promise<void> {
    if (this.#running < RUNNING_MAX) {
      this.#running += 1;
      return;
    }
    if (this.#waiting.length >= WAITING_MAX) {
      const waitMs = (WAITING_MAX * HASH_TIME_MS) / RUNNING_MAX;
      throw new PeopleFault('busy', 'Too many people sign in right now', waitMs);
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** The place goes over to who waits longest, if anybody does. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running -= 1;
    else next();
  }
}

interface Cost {
  readonly salt: Buffer;
  readonly memory: number;
  readonly passes: number;
  readonly lanes: number;
  readonly sizeBytes: number;
}

function encode(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
