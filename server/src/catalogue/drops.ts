import { hash, randomBytes } from 'node:crypto';
import { DROP_BOUNDS, type DropState, type DropTerms } from '@dibs/rules/contests/drop/types.ts';
import { type DropView, waitingAhead } from '@dibs/rules/contests/drop/view.ts';
import { isUuid } from '@dibs/rules/kernel/ids.ts';
import { AMOUNT_MAX } from '@dibs/rules/kernel/money.ts';
import type { Fold, Verdict } from '@dibs/rules/proof/fold.ts';
import type { Drop, NewDrop, OwnDrop } from '@dibs/sdk/wire';
import type { Arena } from '../arena/arena.ts';
import { ArenaFault } from '../arena/faults.ts';
import type { Pseudonyms } from '../arena/pseudonyms.ts';
import type { Database } from '../db/pool.ts';
import { BadCursor, decodeCursor, encodeCursor } from './cursor.ts';
import { type AnswerName, keepFirstAnswer } from './first-answers.ts';

export interface DropsOptions {
  readonly database: Database;
  readonly arena: Arena;
  readonly pseudonyms: Pseudonyms;
  /** Tells the projector of this process that somebody waits for rows. */
  readonly hurry?: () => void;
}

/** A value of a new drop that its schema cannot refuse by itself. */
export class DropRefused extends Error {
  override readonly name = 'DropRefused';
  readonly path: string;

  constructor(path: string, message: string) {
    super(message);
    this.path = path;
  }
}

/** What never changes about a drop, as its row tells. */
interface Card {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly pictureUrl: string | null;
  readonly pictureText: string;
  readonly host: { readonly id: string | null; readonly name: string };
  readonly readAt: number;
}

const CARDS_MAX = 5_000;
/** A host who renames or deletes themselves is shown by the old name for so long. */
const CARD_LIFE_MS = 3_000;
const OPENS_AHEAD_MAX_MS = 2 * 366 * 24 * 3_600_000;

/** The drops of the catalogue: their words and pictures in rows, their figures from the replicas. */
export class Drops {
  readonly #options: DropsOptions;
  readonly #cards = new Map<string, Card>();

  constructor(options: DropsOptions) {
    this.#options = options;
  }

  /**
   * Makes a drop and its log. With an idempotency key its id follows from person and key, so a
   * repeat finds the drop it made; with another body it throws `ArenaFault` `key_reused`.
   * Throws `DropRefused`.
   */
  async create(person: string, wanted: NewDrop, key: string | null): Promise<Drop> {
    const { arena, pseudonyms, database } = this.#options;
    const id = key === null ? newId() : idOf(person, key);
    const { requestHash, seed } = await this.#insert(id, person, wanted);
    if (requestHash !== hash('sha256', JSON.stringify(wanted))) {
      throw new ArenaFault('key_reused', 'this key was used before, for another drop');
    }
    await arena.create(id);
    const known = await arena.read(id);
    if (known.seq === 0) {
      const terms = makeTerms(wanted, seed);
      const host = pseudonyms.of(id, person);
      const command = { type: 'create', host, terms };
      const verdict = await arena.submit({
        contest: id,
        person,
        key: 'create',
        kind: 'drop',
        command,
      });
      if (verdict.type === 'refused') {
        await database.query('delete from contests where id = $1 and cursor_seq = 0', [id]);
        throw new DropRefused('/', JSON.stringify(verdict.refusal));
      }
      // Or the list would lack it for as long as a storm elsewhere lasts.
      this.#options.hurry?.();
    }
    const made = await this.read(id);
    return key === null ? made : this.firstAnswer({ contest: id, person, key }, made);
  }

  /** The answer that a command with this key got first, which is this one if it got none yet. */
  firstAnswer<Answer extends object>(name: AnswerName, answer: Answer): Promise<Answer> {
    return keepFirstAnswer(this.#options.database, name, answer);
  }

  async #insert(
    id: string,
    person: string,
    wanted: NewDrop,
  ): Promise<{ requestHash: string; seed: string | null }> {
    try {
      checkWanted(wanted, this.#options.arena.now());
    } catch (refused) {
      // A repeat may come after the window it asked for: then the drop is there already.
      const known = await this.#options.database.query(
        'select request_hash, seed from contests where id = $1',
        [id],
      );
      if (known.rows[0] === undefined) throw refused;
      return { requestHash: known.rows[0].request_hash, seed: known.rows[0].seed };
    }
    const seed = (wanted.fairWindowMs ?? 0) > 0 ? randomBytes(32).toString('hex') : null;
    const { rows } = await this.#options.database.query(
      `insert into contests (id, kind, host, title, description, picture_url, picture_text, seed,
         request_hash, is_synthetic)
       select $1, 'drop', $2, $3, $4, $5, $6, $7, $8,
         coalesce((select is_synthetic from people where id = $2), false)
       on conflict (id) do update set id = excluded.id
       returning request_hash, seed`,
      [
        id,
        person,
        wanted.title,
        wanted.description ?? '',
        wanted.pictureUrl ?? null,
        wanted.pictureText ?? '',
        seed,
        hash('sha256', JSON.stringify(wanted)),
      ],
    );
    return { requestHash: rows[0]?.request_hash, seed: rows[0]?.seed };
  }

  /** A drop as anyone sees it now. Throws `ArenaFault` `contest_unknown`. */
  async read(id: string): Promise<Drop> {
    const fold = await this.#options.arena.read(id);
    const card = await this.#card(id);
    const state = fold.state as DropState | null;
    if (card === null || fold.rules?.kind !== 'drop' || state?.terms == null) {
      throw new ArenaFault('contest_unknown', `there is no drop ${id}`);
    }
    return this.#show(card, fold, state.terms);
  }

  #show(card: Card, fold: Fold, terms: DropTerms): Drop {
    const view = fold.rules?.view(fold.state, this.#options.arena.now()) as DropView;
    const { readAt: _, ...words } = card;
    return { ...words, ...showTerms(terms), ...view, position: `1:${fold.seq}` } as Drop;
  }

  async #card(id: string): Promise<Card | null> {
    const known = this.#cards.get(id);
    if (known !== undefined && Date.now() - known.readAt < CARD_LIFE_MS) return known;
    try {
      const { rows } = await this.#options.database.query<CardRow>(
        { name: 'drop-card', text: `select ${CARD_COLUMNS} ${CARD_FROM} where c.id = $1` },
        [id],
      );
      return rows[0] === undefined ? null : this.#keep(rows[0]);
    } catch (error) {
      // While the database is away, words that may be old are better than none.
      if (known === undefined) throw error;
      return known;
    }
  }

  #keep(row: CardRow): Card {
    const card: Card = {
      id: row.id,
      title: row.title,
      description: row.description,
      pictureUrl: row.picture_url,
      pictureText: row.picture_text,
      host: { id: row.host, name: row.host_name ?? '' },
      readAt: Date.now(),
    };
    if (this.#cards.size >= CARDS_MAX) this.#cards.clear();
    this.#cards.set(card.id, card);
    return card;
  }

  /** Drops by opening, latest first, one page; figures as fresh as this process has them. */
  async list(query: {
    limit: number;
    cursor?: string | undefined;
    status?: string | undefined;
    host?: string | undefined;
  }): Promise<{ items: Drop[]; next: string | null }> {
    const after = query.cursor === undefined ? null : readCursor(query.cursor);
    const { rows } = await this.#options.database.query<CardRow & ListRow>(
      {
        name: 'drops-list',
        text: `select ${CARD_COLUMNS}, c.terms, c.status, c.stock, c.sold, c.held, c.waiting,
            c.cursor_seq, extract(epoch from c.opens_at) * 1000 as opens_ms
          ${CARD_FROM}
          where c.kind = 'drop' and c.cursor_seq > 0
            and ($1::text is null or ${STATUS_NOW} = $1
              or ($1 = 'live' and ${STATUS_NOW} in ('open', 'paused', 'scheduled')))
            and ($2::uuid is null or c.host = $2)
            and ($3::float8 is null
              or (c.opens_at, c.id) < (to_timestamp($3 / 1000.0), $4::uuid))
          order by c.opens_at desc, c.id desc limit $5`,
      },
      [
        query.status ?? null,
        query.host ?? null,
        after?.[0] ?? null,
        after?.[1] ?? null,
        query.limit + 1,
      ],
    );
    const page = rows.slice(0, query.limit);
    const last = page.at(-1);
    const isMore = rows.length > query.limit && last !== undefined;
    return {
      items: page.map((row) => this.#showRow(row)),
      next: isMore ? encodeCursor([Number(last.opens_ms), last.id]) : null,
    };
  }

  #showRow(row: CardRow & ListRow): Drop {
    const card = this.#keep(row);
    const fold = this.#options.arena.peek(row.id);
    const terms = (fold?.state as DropState | undefined)?.terms;
    if (fold !== undefined && terms != null) return this.#show(card, fold, terms);
    const { readAt: _, ...words } = card;
    return {
      ...words,
      ...showTerms(row.terms),
      status: row.status,
      stock: row.stock,
      sold: row.sold,
      held: row.held,
      left: row.stock - row.sold - row.held,
      waiting: row.waiting,
      queued: 0,
      seed: null,
      position: `1:${row.cursor_seq}`,
    } as Drop;
  }

  /** What a person has to do with a drop. */
  async own(id: string, person: string): Promise<OwnDrop> {
    const fold = await this.#options.arena.read(id);
    const state = fold.state as DropState | null;
    if (state?.terms == null) throw new ArenaFault('contest_unknown', `there is no drop ${id}`);
    const pseudonym = this.#options.pseudonyms.of(id, person);
    const ahead = waitingAhead(state, pseudonym);
    return {
      pseudonym,
      waiting: ahead === null ? null : { ahead },
      isHost: state.host === pseudonym,
    };
  }

  /** One of the host's (or, with `person` null, an admin's) commands. */
  steer(
    id: string,
    person: string | null,
    key: string | null,
    command: { type: string; quantity?: number },
  ): Promise<Verdict> {
    return this.#options.arena.submit({ contest: id, person, key, command });
  }

  /** The secret seed of a drop, for the clock's `settle`. */
  async seedOf(id: string): Promise<string | null> {
    const { rows } = await this.#options.database.query(
      { name: 'drop-seed', text: 'select seed from contests where id = $1' },
      [id],
    );
    return rows[0]?.seed ?? null;
  }
}

interface CardRow {
  id: string;
  title: string;
  description: string;
  picture_url: string | null;
  picture_text: string;
  host: string | null;
  host_name: string | null;
}

interface ListRow {
  terms: DropTerms;
  status: string;
  stock: number;
  sold: number;
  held: number;
  waiting: number;
  cursor_seq: number;
  opens_ms: string;
}

const CARD_COLUMNS =
  'c.id, c.title, c.description, c.picture_url, c.picture_text, c.host, p.name as host_name';
const CARD_FROM = 'from contests c left join people p on p.id = c.host';
/** The status by the clock, where the clock's own entry is not projected yet. */
const STATUS_NOW = `(case
  when c.status <> 'ended' and c.closes_at <= now() then 'ended'
  when c.status = 'scheduled' and c.opens_at <= now() then 'open'
  else c.status end)`;

function showTerms(terms: DropTerms) {
  return {
    price: terms.price,
    opensAt: new Date(terms.opensAt).toISOString(),
    closesAt: terms.closesAt === null ? null : new Date(terms.closesAt).toISOString(),
    limitPerPerson: terms.limitPerPerson,
    quantityMax: terms.quantityMax,
    payWithinSeconds: terms.payWithinMs / 1_000,
    fairWindowMs: terms.fairWindowMs,
    seedHash: terms.seedHash,
  };
}

/** What holds between the values, which a schema cannot say. Throws `DropRefused`. */
function checkWanted(wanted: NewDrop, now: number): void {
  const opensAt = Date.parse(wanted.opensAt);
  const closesAt = wanted.closesAt == null ? null : Date.parse(wanted.closesAt);
  const fairWindowMs = wanted.fairWindowMs ?? 0;
  const limit = wanted.limitPerPerson ?? 1;
  const quantityMax = wanted.quantityMax ?? Math.min(limit, DROP_BOUNDS.quantityMax.max);
  if (!(Math.abs(opensAt - now) <= OPENS_AHEAD_MAX_MS)) {
    throw new DropRefused('/opensAt', `must be within two years from now, is ${wanted.opensAt}`);
  }
  if (closesAt !== null && !(closesAt > opensAt)) {
    throw new DropRefused('/closesAt', `must be after opensAt, is ${wanted.closesAt}`);
  }
  if (closesAt !== null && closesAt <= now) {
    throw new DropRefused('/closesAt', `must be in the future, is ${wanted.closesAt}`);
  }
  if (closesAt !== null && closesAt < opensAt + fairWindowMs) {
    throw new DropRefused('/closesAt', 'must not be before the fair window ends');
  }
  if (fairWindowMs !== 0 && fairWindowMs < DROP_BOUNDS.fairWindowMs.min) {
    throw new DropRefused('/fairWindowMs', `must be 0 or 100 to 10000, is ${fairWindowMs}`);
  }
  if (fairWindowMs !== 0 && opensAt < now) {
    throw new DropRefused('/opensAt', 'must be in the future for a fair window');
  }
  for (const name of ['title', 'description', 'pictureUrl', 'pictureText'] as const) {
    // PostgreSQL has no text with such a character in it, and no person means one.
    if (wanted[name]?.includes('\0')) throw new DropRefused(`/${name}`, 'must not hold a NUL');
  }
  if (wanted.price.amount * quantityMax > AMOUNT_MAX) {
    throw new DropRefused('/price/amount', `times quantityMax must be at most ${AMOUNT_MAX}`);
  }
  const picture = wanted.pictureUrl ?? '/';
  if (!/^(https:\/\/|\/)[^\s"'<>\\]*$/.test(picture) || picture.startsWith('//')) {
    throw new DropRefused('/pictureUrl', 'must begin with https:// or be a path of this site');
  }
}

function makeTerms(wanted: NewDrop, seed: string | null): DropTerms {
  const limitPerPerson = wanted.limitPerPerson ?? 1;
  return {
    rules: 1,
    stock: wanted.stock,
    price: { amount: wanted.price.amount, currency: wanted.price.currency },
    opensAt: Date.parse(wanted.opensAt),
    closesAt: wanted.closesAt == null ? null : Date.parse(wanted.closesAt),
    limitPerPerson,
    quantityMax: wanted.quantityMax ?? Math.min(limitPerPerson, DROP_BOUNDS.quantityMax.max),
    payWithinMs: (wanted.payWithinSeconds ?? 600) * 1_000,
    fairWindowMs: wanted.fairWindowMs ?? 0,
    seedHash: seed === null ? null : hash('sha256', seed),
  };
}

/** Opening and id of the last drop of a page. Throws `BadCursor`. */
function readCursor(cursor: string): readonly [opensMs: number, id: string] {
  const [opensMs, id] = decodeCursor(cursor, 2);
  const isOurs =
    typeof opensMs === 'number' &&
    Math.abs(opensMs) <= DROP_BOUNDS.instant.max &&
    typeof id === 'string' &&
    isUuid(id);
  if (!isOurs) throw new BadCursor('the cursor is not one of ours: begin the list anew');
  return [opensMs, id];
}

function newId(): string {
  return uuidOf(randomBytes(16));
}

/** The id of what a person makes with a key: always the same. */
function idOf(person: string, key: string): string {
  return uuidOf(hash('sha256', `drop\n${person}\n${key}`, 'buffer').subarray(0, 16));
}

/** 16 bytes as a UUID of version 8 (RFC 9562: the bits are ours to choose). */
function uuidOf(bytes: Buffer): string {
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
