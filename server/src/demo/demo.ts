import { randomBytes } from 'node:crypto';
import type { Role } from '@dibs/sdk/wire';
import type { Drops } from '../catalogue/drops.ts';
import type { Database } from '../db/pool.ts';
import type { People, SignedInTokens } from '../people/people.ts';

/** The people a visitor of the demo can be with one click. */
export const DEMO_IDENTITIES = [
  { name: 'Hana', role: 'host', roles: ['member', 'host'] },
  { name: 'Milo', role: 'member', roles: ['member'] },
  { name: 'Ada', role: 'admin', roles: ['member', 'host', 'moderator', 'admin'] },
] as const satisfies readonly { name: string; role: Role; roles: readonly Role[] }[];

export interface DemoOptions {
  readonly database: Database;
  readonly people: People;
  readonly drops: Drops;
  readonly now: () => number;
  /** Sends a crowd of throw-away people to a drop; resolves once it has set off. */
  readonly sendCrowd: (drop: string, people: number) => Promise<void>;
}

const OPENS_IN_MS = 30_000;
const STOCK = 100;

/** A first five minutes with something to see: three identities and a drop that is about to open. */
export class Demo {
  readonly #options: DemoOptions;
  readonly #ids = new Map<string, string>();
  #drop: string | null = null;

  constructor(options: DemoOptions) {
    this.#options = options;
  }

  /** The demo's drop: the one that is open or opens next. */
  get drop(): string | null {
    return this.#drop;
  }

  /** Makes the identities, and a drop unless one of theirs is still running. */
  async start(): Promise<void> {
    for (const { name, roles } of DEMO_IDENTITIES) {
      this.#ids.set(name, await this.#ensurePerson(name, roles));
    }
    const host = this.#ids.get('Hana') as string;
    const { items } = await this.#options.drops.list({ limit: 1, status: 'live', host });
    const running = items[0];
    if (running !== undefined && running.left > 0) this.#drop = running.id;
    else this.#drop = await this.#makeDrop(host);
  }

  async #ensurePerson(name: string, roles: readonly Role[]): Promise<string> {
    const { rows } = await this.#options.database.query(
      'select value from installation where name = $1',
      [`demo ${name}`],
    );
    if (rows[0] !== undefined) return rows[0].value;
    // Nobody knows this password: one enters by the button, as long as the demo is on.
    const password = randomBytes(24).toString('base64url');
    const id = await this.#options.people.ensureDemoPerson({ name, password, roles });
    await this.#options.database.query(
      'insert into installation (name, value) values ($1, $2) on conflict do nothing',
      [`demo ${name}`, id],
    );
    return id;
  }

  async #makeDrop(host: string): Promise<string> {
    const opensAt = new Date(this.#options.now() + OPENS_IN_MS).toISOString();
    const { id } = await this.#options.drops.create(
      host,
      {
        title: 'Night market lantern, first edition',
        description:
          'One hundred hand-folded paper lanterns, numbered. A demo drop: nothing is charged and ' +
          'nothing is sent. Claim one, pay in the sandbox, or let it expire and watch it go to ' +
          'the next in line.',
        pictureUrl: '/demo/lantern.svg',
        pictureText: 'A round paper lantern glowing orange above a dark street',
        stock: STOCK,
        price: { amount: 2_400, currency: 'EUR' },
        opensAt,
        limitPerPerson: 2,
        quantityMax: 2,
        payWithinSeconds: 120,
      },
      null,
    );
    return id;
  }

  /** Signs a visitor in as one of the identities; null where there is no such. */
  async enter(name: string, userAgent: string): Promise<SignedInTokens | null> {
    const id = this.#ids.get(name) ?? this.#ids.get(nameOfRole(name));
    if (id === undefined) return null;
    return this.#options.people.openSession(id, userAgent);
  }

  async sendCrowd(drop: string, people: number): Promise<void> {
    await this.#options.sendCrowd(drop, people);
  }
}

/** Identities go by their role too: `admin` enters as Ada. */
function nameOfRole(role: string): string {
  return DEMO_IDENTITIES.find((identity) => identity.role === role)?.name ?? '';
}
