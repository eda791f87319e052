import { createHash } from 'node:crypto';
import type { ModelCommand, ModelTerms } from './model.ts';
import type { Reply, Request, SimulatedProcess } from './simulated-process.ts';
import type { World } from './world.ts';

export interface Drop {
  readonly id: string;
  readonly host: string;
  readonly hostPseudonym: string;
  readonly terms: ModelTerms & { readonly rules: number };
}

/** An order somebody was told of. */
interface KnownOrder {
  readonly drop: Drop;
  readonly number: number;
  readonly person: string;
  readonly payment: string;
}

export interface CrowdOptions {
  readonly world: World;
  readonly processes: readonly SimulatedProcess[];
  readonly drops: readonly Drop[];
  /** UUIDs. */
  readonly people: readonly string[];
  readonly endsAt: number;
}

const QUANTITIES = [1, 1, 1, 2, 2, 3];
/** Nonsense of any kind; what cannot stand in JSON never reaches the arena. */
const ODD_QUANTITIES = [0, -1, 1.5, 4, 1e9, 1e300, '1', null, [], {}];

/** The people, the hosts and the payment provider of a world: what they do is drawn from its lots. */
export class Crowd {
  readonly #options: CrowdOptions;
  readonly #orders: KnownOrder[] = [];
  readonly #refunds: KnownOrder[] = [];
  readonly #sent: Request[] = [];
  #keys = 0;

  constructor(options: CrowdOptions) {
    this.#options = options;
  }

  /** Sets everybody going; they stop by themselves. */
  begin(): void {
    const { people, drops } = this.#options;
    for (const person of people) void this.#live(person);
    for (const drop of drops) void this.#host(drop);
  }

  get #isOver(): boolean {
    return this.#options.world.now >= this.#options.endsAt;
  }

  #newKey(who: string): string {
    this.#keys += 1;
    return `${who.slice(0, 4)}-${this.#keys}`;
  }

  /** Asks until there is an answer, on this process or another, always with the same key. */
  async #ask(request: Request, attemptsMax = 8): Promise<Reply> {
    const { world, processes } = this.#options;
    const { random } = world;
    this.#sent.push(request);
    let process = random.pick(processes);
    let reply: Reply = { type: 'lost' };
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      // The impatient press twice.
      if (random.chance(0.06)) void random.pick(processes).ask(request);
      reply = await process.ask(request);
      if (reply.type === 'verdict') return reply;
      if (reply.type === 'fault' && reply.code === 'key_reused') return reply;
      await world.sleep(random.between(5, 600));
      if (random.chance(0.6)) process = random.pick(processes);
    }
    return reply;
  }

  async #live(person: string): Promise<void> {
    const { world, drops } = this.#options;
    const { random } = world;
    const drop = random.pick(drops);
    // Most come for the opening, some much too early, some late.
    const opensInMs = drop.terms.opensAt - world.now;
    const early = random.chance(0.3) ? random.between(0, opensInMs) : opensInMs;
    await world.sleep(early + random.between(-60, 300) + (random.chance(0.2) ? 3_000 : 0));
    const pauseMaxMs = random.pick([150, 600, 2_500]);
    const doings = this.#doingsOf(random.pick(['buyer', 'buyer', 'ditherer', 'abuser']));
    while (!this.#isOver) {
      await random.pick(doings)(drop, person);
      await world.sleep(random.between(1, pauseMaxMs));
    }
  }

  #doingsOf(temper: string): ((drop: Drop, person: string) => Promise<unknown>)[] {
    const claim = (drop: Drop, person: string) => this.#claim(drop, person);
    const wait = (drop: Drop, person: string) => this.#wait(drop, person);
    const leave = (drop: Drop, person: string) =>
      this.#ask(this.#request(drop, person, { type: 'leave' }));
    const cancel = (drop: Drop, person: string) => this.#cancel(drop, person);
    const pay = () => this.#payAny();
    if (temper === 'buyer') return [claim, claim, claim, wait, wait, pay, pay];
    if (temper === 'ditherer') return [claim, claim, cancel, cancel, wait, wait, leave, pay];
    return [
      claim,
      cancel,
      wait,
      (drop, person) => this.#claimOddly(drop, person),
      () => this.#repeat(),
      () => this.#repeat(),
      (drop, person) => this.#reuseKey(drop, person),
      (drop, person) => this.#cancelAnothers(drop, person),
      (drop, person) => this.#claimEverywhere(drop, person),
      (drop, person) => this.#playHost(drop, person),
    ];
  }

  #request(drop: Drop, person: string | null, command: ModelCommand): Request {
    return { contest: drop.id, person, key: this.#newKey(person ?? 'system'), command };
  }

  async #claim(drop: Drop, person: string): Promise<void> {
    const quantity = this.#options.world.random.pick(QUANTITIES);
    const reply = await this.#ask(this.#request(drop, person, { type: 'claim', quantity }));
    this.#remember(drop, person, reply);
  }

  async #wait(drop: Drop, person: string): Promise<void> {
    const quantity = this.#options.world.random.pick(QUANTITIES);
    const reply = await this.#ask(this.#request(drop, person, { type: 'wait', quantity }));
    // Whether an offer has come is tried out: paying for a place in line is refused.
    this.#remember(drop, person, reply);
  }

  #remember(drop: Drop, person: string, reply: Reply): void {
    if (reply.type !== 'verdict' || reply.verdict.type !== 'accepted') return;
    const number = reply.verdict.seq;
    const order = { drop, number, person, payment: `pay-${drop.id.slice(0, 4)}-${number}` };
    this.#orders.push(order);
    void this.#payInTime(order);
  }

  /** Most pay, at some time; some pay late, some never, some twice. */
  async #payInTime(order: KnownOrder): Promise<void> {
    const { world } = this.#options;
    const { random } = world;
    const { payWithinMs } = order.drop.terms;
    if (random.chance(0.35)) return;
    const isLate = random.chance(0.5);
    await world.sleep(
      isLate ? payWithinMs + random.between(-150, 1_500) : random.between(10, payWithinMs),
    );
    await this.#pay(order, order.payment);
    if (random.chance(0.3)) await this.#pay(order, order.payment);
    if (random.chance(0.2)) await this.#pay(order, `${order.payment}-again`);
  }

  async #pay(order: KnownOrder, payment: string): Promise<void> {
    if (this.#isOver) return;
    const command = { type: 'pay', order: order.number, payment };
    // The provider does not give up so soon.
    const reply = await this.#ask(this.#request(order.drop, null, command), 30);
    if (reply.type !== 'verdict' || reply.verdict.type !== 'accepted') return;
    if (reply.verdict.facts.some(({ type }) => type === 'refundDue')) {
      this.#refunds.push({ ...order, payment });
      void this.#refund({ ...order, payment });
    }
  }

  async #refund(order: KnownOrder): Promise<void> {
    const { world } = this.#options;
    const { random } = world;
    await world.sleep(random.between(1, 800));
    const command = { type: 'refunded', order: order.number, payment: order.payment };
    await this.#ask(this.#request(order.drop, null, command));
    if (random.chance(0.3)) await this.#ask(this.#request(order.drop, null, command));
  }

  async #payAny(): Promise<void> {
    const { random } = this.#options.world;
    if (this.#orders.length === 0) return;
    const order = random.pick(this.#orders);
    await this.#pay(order, random.chance(0.7) ? order.payment : `${order.payment}-other`);
  }

  async #cancel(drop: Drop, person: string): Promise<void> {
    const own = this.#orders.filter((order) => order.person === person && order.drop === drop);
    if (own.length === 0) return;
    const order = this.#options.world.random.chance(0.7) ? own.at(-1) : own[0];
    await this.#ask(this.#request(drop, person, { type: 'cancel', order: order?.number }));
  }

  async #cancelAnothers(drop: Drop, person: string): Promise<void> {
    const { random } = this.#options.world;
    if (this.#orders.length === 0) return;
    const { number } = random.pick(this.#orders);
    const order = random.chance(0.2) ? random.between(-5, 5_000) : number;
    await this.#ask(this.#request(drop, person, { type: 'cancel', order }));
  }

  async #claimOddly(drop: Drop, person: string): Promise<void> {
    const quantity = this.#options.world.random.pick(ODD_QUANTITIES);
    await this.#ask(this.#request(drop, person, { type: 'claim', quantity }));
  }

  /** The same request again, somewhere, whoever's it was: the network does that. */
  async #repeat(): Promise<void> {
    const { random } = this.#options.world;
    if (this.#sent.length === 0) return;
    const recent = this.#sent.slice(random.chance(0.5) ? -6 : 0);
    await this.#ask(random.pick(recent), 2);
  }

  async #reuseKey(drop: Drop, person: string): Promise<void> {
    const own = this.#sent.filter((sent) => sent.person === person && sent.contest === drop.id);
    const used = own.at(-1);
    if (used === undefined) return;
    const quantity = this.#options.world.random.between(1, 3);
    await this.#ask({ ...used, command: { type: 'claim', quantity, again: true } }, 2);
  }

  async #claimEverywhere(drop: Drop, person: string): Promise<void> {
    const { processes } = this.#options;
    const request = this.#request(drop, person, { type: 'claim', quantity: 1 });
    this.#sent.push(request);
    const replies = await Promise.all(processes.map((process) => process.ask(request)));
    for (const reply of replies.slice(0, 1)) this.#remember(drop, person, reply);
  }

  async #playHost(drop: Drop, person: string): Promise<void> {
    const type = this.#options.world.random.pick(['pause', 'resume', 'end', 'settle', 'restock']);
    const command: ModelCommand =
      type === 'restock'
        ? { type, quantity: 5 }
        : type === 'settle'
          ? { type, seed: 'x' }
          : { type };
    await this.#ask(this.#request(drop, person, command), 2);
  }

  /** Creates the drop, then steers it: pauses in mid-storm, restocks, perhaps ends it. */
  async #host(drop: Drop): Promise<void> {
    const { world, processes } = this.#options;
    const { random } = world;
    await this.#create(drop);
    const opensInMs = drop.terms.opensAt - world.now;
    await world.sleep(random.chance(0.7) ? opensInMs + random.between(0, 500) : 10);
    while (!this.#isOver) {
      const by = random.chance(0.9) ? drop.host : null;
      const doing = random.between(0, 9);
      if (doing < 4) {
        await this.#ask(this.#request(drop, by, { type: 'pause' }));
        await world.sleep(random.between(20, 900));
        await this.#ask(this.#request(drop, by, { type: 'resume' }), 30);
      } else if (doing < 9) {
        const quantity = random.pick([1, 1, 2, 3, 0, 10_000_000]);
        await this.#ask(this.#request(drop, by, { type: 'restock', quantity }));
      } else if (random.chance(0.25)) {
        await this.#ask(this.#request(drop, by, { type: 'end' }));
      }
      await world.sleep(random.between(200, 3_000) / processes.length);
    }
  }

  async #create(drop: Drop): Promise<void> {
    const { world, processes } = this.#options;
    const { random } = world;
    while (!(await random.pick(processes).create(drop.id))) await world.sleep(50);
    if (random.chance(0.2)) await world.sleep(random.between(10, 400));
    const command = { type: 'create', host: drop.hostPseudonym, terms: drop.terms };
    const request = { ...this.#request(drop, drop.host, command), kind: 'drop' };
    let reply: Reply = { type: 'lost' };
    while (reply.type !== 'verdict') reply = await this.#ask(request, 50);
  }
}

/** The commitment to a seed. */
export function commit(seed: string): string {
  return createHash('sha256').update(seed, 'utf8').digest('hex');
}
