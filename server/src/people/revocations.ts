import type { Queryable } from '../db/pool.ts';

/** Time as people need it, so that tests own it. */
export interface PeopleClock {
  /** Milliseconds since 1970. */
  now(): number;
  after(delayMs: number, run: () => void): { cancel(): void };
}

/** Somebody who is told by the database; `listen` of db/listen.ts with its URL bound. */
export type Listen = (options: {
  channels: Record<string, (payload: string) => void>;
  onListening: () => void | Promise<void>;
}) => { close(): Promise<void> };

export interface RevocationsOptions {
  readonly database: Queryable;
  readonly listen: Listen;
  readonly clock: PeopleClock;
  readonly log: (line: string) => void;
  readonly pollMs?: number;
}

export const REVOKED_CHANNEL = 'dibs_revoked';

/** The safety net under the notices; with a read of some ms well within the 5 s promised. */
const POLL_MS = 2_000;
/**
 * A revocation is stamped before it is committed, so each poll looks back further than the longest
 * transaction lasts; what it finds again changes nothing.
 */
const LOOK_BACK_S = 60;
const CLEAN_EVERY_MS = 60_000;

interface Row {
  subject: string;
  version: number | null;
  left_ms: number;
}

/**
 * The sessions and versions of people whose tokens must not pass although they have not expired,
 * in the memory of each process. A notice of the database brings new ones within milliseconds,
 * polling within 2 s where the notice was lost. While the database is away nothing can be revoked,
 * and what is known goes on to hold.
 */
export class Revocations {
  /** Counts changes, so that a verdict on a token can be kept until the next one. */
  changes = 0;
  readonly #options: RevocationsOptions;
  readonly #sessions = new Map<string, number>();
  readonly #versions = new Map<string, { version: number; untilMs: number }>();
  readonly #listeners = new Set<() => void>();
  #listener: { close(): Promise<void> } | null = null;
  #timer: { cancel(): void } | null = null;
  #reading: Promise<void> | null = null;
  #isStale = false;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #cleanedAtMs: number;
  #isAway = false;
  #isClosed = false;

  constructor(options: RevocationsOptions) {
    this.#options = options;
    this.#cleanedAtMs = options.clock.now();
  }

  /** Reads all that hold and goes on to follow new ones. */
  async start(): Promise<void> {
    await this.#read();
    this.#listener = this.#options.listen({
      channels: { [REVOKED_CHANNEL]: () => void this.refresh() },
      onListening: () => this.refresh(),
    });
    this.#schedule();
  }

  isRevoked(sessionId: string): boolean {
    return this.#sessions.has(sessionId);
  }

  /** Tokens of this person with a smaller version must be refreshed. */
  versionOf(personId: string): number {
    return this.#versions.get(personId)?.version ?? 0;
  }

  /** Calls `listener` after each change, for whoever holds connections of revoked sessions. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Reads what is new. Never throws: the next poll tries again. */
  async refresh(): Promise<void> {
    if (this.#isClosed) return;
    if (this.#reading !== null) {
      // What was committed after that read began would be missed.
      this.#isStale = true;
      return this.#reading;
    }
    this.#reading = this.#readUntilFresh();
    await this.#reading;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#listener?.close();
    await this.#reading;
  }

  async #readUntilFresh(): Promise<void> {
    try {
      do {
        this.#isStale = false;
        await this.#read();
      } while (this.#isStale && !this.#isClosed);
      if (this.#isAway) this.#options.log('revoked sessions are read again');
      this.#isAway = false;
    } catch (error) {
      if (!this.#isAway) {
        this.#options.log(`revoked sessions cannot be read: ${(error as Error).message}`);
      }
      this.#isAway = true;
    } finally {
      this.#reading = null;
    }
  }

  async #read(): Promise<void> {
    const { clock, database } = this.#options;
    const startedAtMs = clock.now();
    const isRecent = startedAtMs - this.#readAtMs < (LOOK_BACK_S * 1_000) / 2;
    const { rows } = await database.query<Row>(
      {
        name: 'people-revocations',
        text: `
          select subject, version,
            (extract(epoch from until - clock_timestamp()) * 1000)::float8 as left_ms
          from revocations where until > now() and at > now() - make_interval(secs => $1)`,
      },
      [isRecent ? LOOK_BACK_S : 7 * 86_400],
    );
    this.#readAtMs = startedAtMs;
    this.#apply(rows);
    if (startedAtMs - this.#cleanedAtMs < CLEAN_EVERY_MS) return;
    this.#cleanedAtMs = startedAtMs;
    this.#forgetOld();
    await database.query('delete from revocations where until < now()');
    await database.query('delete from sessions where expires_at < now()');
  }

  #apply(rows: readonly Row[]): void {
    const now = this.#options.clock.now();
    let isNew = false;
    for (const { subject, version, left_ms: leftMs } of rows) {
      const untilMs = now + leftMs;
      if (version === null) {
        if (this.#sessions.has(subject)) continue;
        this.#sessions.set(subject, untilMs);
      } else {
        if (this.versionOf(subject) >= version) continue;
        this.#versions.set(subject, { version, untilMs });
      }
      isNew = true;
    }
    if (!isNew) return;
    this.changes += 1;
    for (const listener of this.#listeners) listener();
  }

  #forgetOld(): void {
    const now = this.#options.clock.now();
    for (const [session, untilMs] of this.#sessions) {
      if (untilMs < now) this.#sessions.delete(session);
    }
    for (const [person, { untilMs }] of this.#versions) {
      if (untilMs < now) this.#versions.delete(person);
    }
  }

  #schedule(): void {
    if (this.#isClosed) return;
    this.#timer = this.#options.clock.after(this.#options.pollMs ?? POLL_MS, () => {
      void this.refresh().finally(() => this.#schedule());
    });
  }
}
