import type {
  Audit,
  Drop,
  NewDrop,
  Order,
  SignedIn,
  SyntheticPeople,
  SyntheticRemoved,
} from '@dibs/sdk/wire';

/** A throw-away person of a rehearsal, and the token that speaks for them. */
export type Actor = SyntheticPeople['people'][number];

/** How the organiser proves to be an admin; without any of these the demo's admin is asked for. */
export interface AdminAccess {
  readonly token?: string;
  readonly name?: string;
  readonly password?: string;
}

/** People minted by one call. */
const peoplePerCall = 10_000;
/** One call may take so long, and is repeated so often while the server is away. */
const callLimitMs = 30_000;
const callTries = 20;
const tryAgainAfterMs = 500;

/** The calls around a rehearsal: people, drop, log, audit. Not measured, so plain `fetch`. */
export class Organiser {
  readonly #url: string;
  #token = '';

  constructor(url: string) {
    this.#url = url.replace(/\/+$/, '');
  }

  /** Becomes admin, by the first way that was given. Rejects with what to do where none works. */
  async signIn(access: AdminAccess): Promise<void> {
    if (access.token !== undefined) {
      this.#token = access.token;
      return;
    }
    if (access.name !== undefined && access.password !== undefined) {
      const { name, password } = access;
      const signedIn = await this.#call<SignedIn>('POST', '/v1/sessions', { name, password });
      this.#token = signedIn.accessToken;
      return;
    }
    try {
      const signedIn = await this.#call<SignedIn>('POST', '/v1/demo/identities/admin', {});
      this.#token = signedIn.accessToken;
    } catch (cause) {
      throw new Error(
        'an admin is needed: give --token or DIBS_ADMIN_TOKEN, or --name and --password, ' +
          `or storm a demo (${(cause as Error).message})`,
        { cause },
      );
    }
  }

  async mintPeople(count: number): Promise<Actor[]> {
    const people: Actor[] = [];
    while (people.length < count) {
      const wanted = Math.min(peoplePerCall, count - people.length);
      const minted = await this.#call<SyntheticPeople>('POST', '/v1/admin/synthetic-people', {
        count: wanted,
      });
      people.push(...minted.people);
    }
    return people;
  }

  /** Removes every throw-away person of the installation; returns how many there were. */
  async removePeople(): Promise<number> {
    const path = '/v1/admin/synthetic-people';
    return (await this.#call<SyntheticRemoved>('DELETE', path)).removed;
  }

  async createDrop(wanted: NewDrop): Promise<Drop> {
    return this.#call('POST', '/v1/drops', wanted);
  }

  async readDrop(id: string): Promise<Drop> {
    return this.#call('GET', `/v1/drops/${id}`);
  }

  async steerDrop(id: string, verb: 'end' | 'restock', body: object): Promise<Drop> {
    return this.#call('POST', `/v1/drops/${id}/${verb}`, body);
  }

  async readClock(): Promise<{ epochMs: number }> {
    return this.#call('GET', '/v1/time');
  }

  async audit(contest: string): Promise<Audit> {
    return this.#call('GET', `/v1/contests/${contest}/audit`);
  }

  /** The public log as it is downloaded: NDJSON. */
  async downloadLog(contest: string): Promise<string> {
    const answer = await this.#send('GET', `/v1/contests/${contest}/log`, { token: this.#token });
    return answer.text();
  }

  /** All orders of a person, newest first. */
  async listOrders(token: string): Promise<Order[]> {
    const orders: Order[] = [];
    let cursor: string | null = null;
    do {
      const from: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const answer = await this.#send('GET', `/v1/orders?limit=100${from}`, { token });
      const page = (await answer.json()) as { items: Order[]; next: string | null };
      orders.push(...page.items);
      cursor = page.next;
    } while (cursor !== null);
    return orders;
  }

  async #call<Result>(method: string, path: string, body?: object): Promise<Result> {
    const asked = { token: this.#token, ...(body === undefined ? {} : { body }) };
    return (await (await this.#send(method, path, asked)).json()) as Result;
  }

  /** Sends until the server is there and well; rejects with its words where it refuses. */
  async #send(
    method: string,
    path: string,
    asked: { token: string; body?: object },
  ): Promise<Response> {
    const headers = new Headers();
    if (asked.token !== '') headers.set('authorization', `Bearer ${asked.token}`);
    if (asked.body !== undefined) headers.set('content-type', 'application/json');
    // The same key for every try: a drop is not made twice because an answer was lost.
    if (method === 'POST') headers.set('idempotency-key', crypto.randomUUID());
    const body = asked.body === undefined ? null : JSON.stringify(asked.body);
    let words = '';
    for (let attempt = 0; attempt < callTries; attempt += 1) {
      if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, tryAgainAfterMs));
      try {
        const signal = AbortSignal.timeout(callLimitMs);
        const answer = await fetch(this.#url + path, { method, headers, body, signal });
        if (answer.ok) return answer;
        words = `${answer.status} ${(await answer.text()).slice(0, 300)}`;
        if (answer.status !== 503 && answer.status !== 429) break;
      } catch (error) {
        words = `${(error as Error).message} ${((error as Error).cause as Error)?.message ?? ''}`;
      }
    }
    throw new Error(`${method} ${path}: ${words.trim()}`);
  }
}
