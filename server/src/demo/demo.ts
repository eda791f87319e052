import type { Installation, Role } from '@dibs/sdk/wire';
import type { Logger } from 'pino';
import type { Drops } from '../catalogue/drops.ts';
import type { People, SignedInTokens } from '../people/people.ts';
import { startCrowd } from './crowd-process.ts';

/** The people a visitor of the demo can be with one click. */
export const DEMO_IDENTITIES = [
  { name: 'Hana', role: 'host', roles: ['member', 'host'] },
  { name: 'Milo', role: 'member', roles: ['member'] },
  { name: 'Ada', role: 'admin', roles: ['member', 'host', 'moderator', 'admin'] },
] as const satisfies readonly { name: string; role: Role; roles: readonly Role[] }[];

export interface DemoOptions {
  readonly people: People;
  readonly drops: Drops;
  readonly now: () => number;
  readonly logger: Logger;
}

const OPENS_IN_MS = 30_000;
const STOCK = 100;

/** A first five minutes with something to see: three identities and a drop that is about to open. */
export class Demo {
  readonly #options: DemoOptions;
  readonly #ids = new Map<string, string>();
  #drop: string | null = null;
  #url = '';
  #crowd: { stop(): void } | null = null;

  constructor(options: DemoOptions) {
    this.#options = options;
  }

  /**
   * Makes the identities, and a drop unless one of theirs is still running. `url`: where this server
   * listens; `crowd`: people to send to the drop at once, 0 for none.
   */
  async start(url: string, crowd: number): Promise<void> {
    this.#url = url;
    for (const { name, roles } of DEMO_IDENTITIES) {
      this.#ids.set(name, await this.#options.people.ensureDemoPerson({ name, roles }));
    }
    const host = this.#ids.get('Hana') as string;
    const { items } = await this.#options.drops.list({ limit: 1, status: 'live', host });
    const running = items[0];
    if (running !== undefined && running.left > 0) this.#drop = running.id;
    else this.#drop = await this.#makeDrop(host);
    if (crowd > 0) await this.sendCrowd(this.#drop, crowd);
  }

  /** What the installation tells of its demo. */
  describe(): Installation['demo'] {
    const identities = DEMO_IDENTITIES.map(({ name, role }) => ({ name, role }));
    return { identities, drop: this.#drop };
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

  /** Sends a crowd of throw-away people to a drop, one at a time; false while one is on its way. */
  async sendCrowd(drop: string, people: number): Promise<boolean> {
    if (this.#crowd !== null) return false;
    const minted = await this.#options.people.mintSynthetic(people);
    this.#crowd = startCrowd({ url: this.#url, drop, people: minted.people }, (error) => {
      this.#crowd = null;
      if (error !== null) this.#options.logger.warn({ err: error }, 'the crowd broke up');
    });
    return true;
  }

  /** Calls the crowd back. */
  close(): void {
    this.#crowd?.stop();
  }
}

/** Identities go by their role too: `admin` enters as Ada. */
function nameOfRole(role: string): string {
  return DEMO_IDENTITIES.find((identity) => identity.role === role)?.name ?? '';
}
