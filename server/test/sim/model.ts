import { createHash } from 'node:crypto';

/**
 * The drop, written a second time from RULES.md, for the auditor alone: no line is shared with the
 * engine, nothing is cached, every figure is counted anew from the orders. Slow and plain on purpose.
 */

export interface ModelTerms {
  readonly stock: number;
  readonly price: { readonly amount: number; readonly currency: string };
  readonly opensAt: number;
  readonly closesAt: number | null;
  readonly limitPerPerson: number;
  readonly quantityMax: number;
  readonly payWithinMs: number;
  readonly fairWindowMs: number;
  readonly seedHash: string | null;
}

export interface ModelCommand {
  readonly type: string;
  readonly [member: string]: unknown;
}

export interface ModelFact {
  readonly type: string;
  readonly [member: string]: unknown;
}

export interface ModelRefusal {
  readonly code: string;
  readonly [member: string]: unknown;
}

export interface ModelOrder {
  readonly number: number;
  readonly person: string;
  quantity: number;
  status: string;
  payBy: number;
  readonly isInWindow: boolean;
  payment: string | null;
  readonly owed: Map<string, 'owed' | 'returned'>;
}

export interface Moment {
  readonly seq: number;
  readonly at: number;
  readonly person: string | null;
}

type Outcome = { readonly facts: ModelFact[] } | { readonly refusal: ModelRefusal };

const sha256 = (text: string) => createHash('sha256').update(text, 'utf8').digest('hex');
const no = (code: string, more: Record<string, unknown> = {}): Outcome => ({
  refusal: { code, ...more },
});

export class DropModel {
  terms: ModelTerms | null = null;
  host: string | null = null;
  stock = 0;
  isOpened = false;
  isEnded = false;
  isPaused = false;
  seed: string | null = null;
  readonly orders = new Map<number, ModelOrder>();
  line: { readonly order: number; readonly person: string; readonly quantity: number }[] = [];

  count(statuses: readonly string[], person?: string): number {
    let units = 0;
    for (const order of this.orders.values()) {
      if (!statuses.includes(order.status)) continue;
      if (person === undefined || order.person === person) units += order.quantity;
    }
    return units;
  }

  get left(): number {
    return this.stock - this.count(['reserved', 'paid']);
  }

  holds(person: string): number {
    return this.count(['queued', 'reserved', 'paid'], person);
  }

  status(at: number): string {
    if (this.isOver(at)) return 'ended';
    if (this.isPaused) return 'paused';
    return this.isOpened || at >= (this.terms?.opensAt ?? 0) ? 'open' : 'scheduled';
  }

  /** What comes of a command now; changes nothing. */
  decide(command: ModelCommand, moment: Moment): Outcome {
    if (command.type === 'create') {
      if (this.terms !== null) return no('already_created');
      return { facts: [{ type: 'created', host: command['host'], terms: command['terms'] }] };
    }
    if (this.terms === null) return no('unknown');
    const verdicts: Record<string, () => Outcome> = {
      claim: () => this.#claim(command, moment),
      wait: () => this.#wait(command, moment),
      leave: () => this.#leave(moment),
      cancel: () => this.#cancel(command, moment),
      pay: () => this.#pay(command),
      refunded: () => this.#refunded(command),
      pause: () => this.#host(command, moment),
      resume: () => this.#host(command, moment),
      restock: () => this.#host(command, moment),
      end: () => this.#host(command, moment),
      open: () => this.#clock(command, moment),
      settle: () => this.#settle(command, moment),
      expire: () => this.#expire(moment),
      close: () => this.#clock(command, moment),
    };
    const isSystems = ['pay', 'refunded', 'open', 'settle', 'expire', 'close'];
    if (moment.person !== null && isSystems.includes(command.type)) return no('system_only');
    const verdict = verdicts[command.type];
    if (verdict === undefined) throw new Error(`the model knows no command ${command.type}`);
    return verdict();
  }

  #known(): ModelTerms {
    if (this.terms === null) throw new Error('not created');
    return this.terms;
  }

  isOver(at: number): boolean {
    const closesAt = this.terms?.closesAt ?? null;
    return this.isEnded || (closesAt !== null && at >= closesAt);
  }

  /** DR4, down to the limit. */
  #common(quantity: unknown, { at, person }: Moment): Outcome | null {
    const terms = this.#known();
    if (person === null) return no('unknown');
    if (!this.isOpened && !this.isEnded && at < terms.opensAt) {
      return no('not_open', { opensAt: terms.opensAt });
    }
    if (this.isOver(at)) return no('ended');
    if (this.isPaused) return no('paused');
    const isGood = typeof quantity === 'number' && Number.isInteger(quantity);
    if (!isGood || quantity < 1 || quantity > terms.quantityMax) {
      return no('bad_quantity', { minimum: 1, maximum: terms.quantityMax });
    }
    if (this.holds(person) + quantity > terms.limitPerPerson) {
      return no('limit_reached', { limit: terms.limitPerPerson });
    }
    return null;
  }

  get #isWindowUnsettled(): boolean {
    return this.#known().fairWindowMs > 0 && this.seed === null && !this.isEnded;
  }

  #claim(command: ModelCommand, moment: Moment): Outcome {
    const terms = this.#known();
    const refused = this.#common(command['quantity'], moment);
    if (refused !== null) return refused;
    const { seq: order, at } = moment;
    const person = moment.person as string;
    const quantity = command['quantity'] as number;
    if (this.#isWindowUnsettled) {
      const inWindow = at < terms.opensAt + terms.fairWindowMs;
      return { facts: [{ type: 'queued', order, person, quantity, inWindow, defers: true }] };
    }
    if (quantity > this.left) return no('sold_out', { left: this.left });
    return { facts: this.#grant('claimed', { order, person, quantity }, at) };
  }

  /** DR5 and DR9. */
  #grant(
    type: 'claimed' | 'offered',
    order: { order: number; person: string; quantity: number; answers?: number },
    at: number,
  ): ModelFact[] {
    const terms = this.#known();
    const { order: number, person, quantity } = order;
    const granted: ModelFact = { type, ...order, payBy: at + terms.payWithinMs };
    if (terms.price.amount > 0) return [granted];
    const free = { payment: null, late: false };
    const paid: ModelFact = { type: 'paid', order: number, person, quantity, ...free };
    return [granted, order.answers === undefined ? paid : { ...paid, answers: order.answers }];
  }

  #wait(command: ModelCommand, moment: Moment): Outcome {
    const refused = this.#common(command['quantity'], moment);
    if (refused !== null) return refused;
    const { seq: order, at } = moment;
    const person = moment.person as string;
    const quantity = command['quantity'] as number;
    if (this.line.some((place) => place.person === person)) return no('already_waiting');
    const { left } = this;
    if (this.#isWindowUnsettled || quantity <= left) return no('not_sold_out', { left });
    const facts: ModelFact[] = [{ type: 'waiting', order, person, quantity }];
    if (left > 0 && this.line.length === 0) {
      facts.push(...this.#grant('offered', { order, person, quantity: left }, at));
    }
    return { facts };
  }

  #leave({ person }: Moment): Outcome {
    const place = this.line.find((waiting) => waiting.person === person);
    if (place === undefined) return no('not_waiting');
    return { facts: [{ type: 'leftWaiting', order: place.order, person }] };
  }

  #orderFor(command: ModelCommand): ModelOrder | undefined {
    const order = this.orders.get(command['order'] as number);
    return order?.status === 'queued' || order?.status === 'missed' ? undefined : order;
  }

  #cancel(command: ModelCommand, { person, at }: Moment): Outcome {
    const order = this.#orderFor(command);
    if (order === undefined || order.person !== person) return no('unknown_order');
    if (order.status !== 'reserved') return no('not_reserved', { status: order.status });
    const { quantity } = order;
    const facts: ModelFact[] = [{ type: 'cancelled', order: order.number, person, quantity }];
    return { facts: [...facts, ...this.#offers([order], order.quantity, at)] };
  }

  #pay(command: ModelCommand): Outcome {
    const order = this.#orderFor(command);
    if (order === undefined) return no('unknown_order');
    const payment = command['payment'] as string;
    const { number, person, quantity } = order;
    if (order.payment === payment || order.owed.has(payment)) return { facts: [] };
    const paid = (late: boolean) => ({
      facts: [{ type: 'paid', order: number, person, quantity, payment, late }],
    });
    if (order.status === 'reserved') return paid(false);
    const limit = this.#known().limitPerPerson;
    const isFree = this.left >= order.quantity && this.line.length === 0;
    const isWithin = this.holds(person) + order.quantity <= limit;
    if (order.status === 'expired' && isFree && isWithin) return paid(true);
    return { facts: [{ type: 'refundDue', order: number, person, payment }] };
  }

  #refunded(command: ModelCommand): Outcome {
    const order = this.#orderFor(command);
    if (order === undefined) return no('unknown_order');
    const payment = command['payment'] as string;
    const owed = order.owed.get(payment);
    if (owed === undefined) return no('nothing_due');
    if (owed === 'returned') return { facts: [] };
    return { facts: [{ type: 'refunded', order: order.number, person: order.person, payment }] };
  }

  #host(command: ModelCommand, { person, at }: Moment): Outcome {
    if (person !== null && person !== this.host) return no('not_host');
    if (this.isOver(at)) return no('ended');
    if (command.type === 'pause') {
      return this.isPaused ? no('paused') : { facts: [{ type: 'paused' }] };
    }
    if (command.type === 'resume') {
      if (!this.isPaused) return no('not_paused');
      return { facts: [{ type: 'resumed' }, ...this.#offers([], 0, at, false)] };
    }
    if (command.type === 'end') return { facts: this.#end('host') };
    const quantity = command['quantity'] as number;
    const maximum = 10_000_000 - this.stock;
    if (!Number.isInteger(quantity) || quantity < 1 || quantity > maximum) {
      return no('stock_out_of_range', { maximum });
    }
    return { facts: [{ type: 'restocked', quantity }, ...this.#offers([], quantity, at)] };
  }

  #queued(): ModelOrder[] {
    return [...this.orders.values()].filter(({ status }) => status === 'queued');
  }

  #end(by: string): ModelFact[] {
    const missed = this.#queued().map(({ number, person }) => ({
      type: 'missed',
      order: number,
      person,
      answers: number,
      refusal: { code: 'ended' },
    }));
    return [{ type: 'ended', by }, ...missed];
  }

  #clock(command: ModelCommand, { at }: Moment): Outcome {
    const { opensAt, closesAt } = this.#known();
    if (command.type === 'open') {
      const isDue = !this.isOpened && !this.isEnded && at >= opensAt;
      return isDue ? { facts: [{ type: 'opened' }] } : no('nothing_due');
    }
    const isDue = !this.isEnded && closesAt !== null && at >= closesAt;
    return isDue ? { facts: this.#end('clock') } : no('nothing_due');
  }

  #expire({ at }: Moment): Outcome {
    const due = [...this.orders.values()]
      .filter((order) => order.status === 'reserved' && order.payBy <= at)
      .sort((a, b) => a.payBy - b.payBy);
    if (due.length === 0) return no('nothing_due');
    const facts: ModelFact[] = due.map(({ number, person, quantity }) => {
      return { type: 'expired', order: number, person, quantity };
    });
    const units = due.reduce((sum, { quantity }) => sum + quantity, 0);
    return { facts: [...facts, ...this.#offers(due, units, at)] };
  }

  /** DR13: the line, first come first served, with what is left and what comes free now. */
  #offers(
    giving: readonly ModelOrder[],
    units: number,
    at: number,
    isPaused = this.isPaused,
  ): ModelFact[] {
    if (isPaused || this.isOver(at)) return [];
    const facts: ModelFact[] = [];
    let free = this.left + units;
    for (const { order, person, quantity: wanted } of this.line) {
      if (free === 0) break;
      const given = giving.filter((other) => other.person === person);
      const gives = given.reduce((sum, other) => sum + other.quantity, 0);
      const allowed = this.#known().limitPerPerson - (this.holds(person) - gives);
      const quantity = Math.min(wanted, free, allowed);
      if (quantity <= 0) facts.push({ type: 'leftWaiting', order, person });
      else facts.push(...this.#grant('offered', { order, person, quantity }, at));
      free -= Math.max(0, quantity);
    }
    return facts;
  }

  /** DR8, from its words. */
  #settle(command: ModelCommand, { at }: Moment): Outcome {
    const terms = this.#known();
    const seed = command['seed'];
    const isDue = terms.fairWindowMs > 0 && at >= terms.opensAt + terms.fairWindowMs;
    if (!isDue || this.seed !== null) return no('nothing_due');
    if (typeof seed !== 'string' || sha256(seed) !== terms.seedHash) return no('nothing_due');
    const queued = this.#queued();
    const entrants = queued.filter((order) => order.isInWindow);
    const text = entrants.map((o) => `${o.number}:${o.person}:${o.quantity}`).join('\n');
    const entrantsHash = sha256(text);
    const lot = (o: ModelOrder) => sha256(`${seed}:${entrantsHash}:${o.person}:${o.number}`);
    entrants.sort((a, b) => (BigInt(`0x${lot(a)}`) < BigInt(`0x${lot(b)}`) ? -1 : 1));
    const facts: ModelFact[] = [{ type: 'settled', seed, entrantsHash }];
    let { left } = this;
    for (const order of [...entrants, ...queued.filter((other) => !other.isInWindow)]) {
      const { number, person, quantity } = order;
      if (quantity <= left) {
        left -= quantity;
        facts.push(
          ...this.#grant('claimed', { order: number, person, quantity, answers: number }, at),
        );
      } else {
        const refusal = { code: 'sold_out', left };
        facts.push({ type: 'missed', order: number, person, answers: number, refusal });
      }
    }
    return { facts };
  }

  /** Takes a fact in, and checks what must hold whatever the rules say. */
  happen(fact: ModelFact): void {
    this.#take(fact);
    if (this.left < 0) throw new Error(`oversold by ${-this.left} after ${fact.type}`);
    const person = fact['person'];
    const limit = this.terms?.limitPerPerson ?? 0;
    if (typeof person === 'string' && this.holds(person) > limit) {
      throw new Error(`${person} holds ${this.holds(person)} of ${limit}`);
    }
  }

  #take(fact: ModelFact): void {
    switch (fact.type) {
      case 'created':
        this.terms = fact['terms'] as ModelTerms;
        this.host = fact['host'] as string;
        this.stock = this.terms.stock;
        return;
      case 'opened':
        this.isOpened = true;
        return;
      case 'paused':
        this.isPaused = true;
        return;
      case 'resumed':
        this.isPaused = false;
        return;
      case 'restocked':
        this.stock += fact['quantity'] as number;
        return;
      case 'ended':
        this.isEnded = true;
        this.isPaused = false;
        this.line = [];
        return;
      case 'settled':
        this.seed = fact['seed'] as string;
        return;
      case 'waiting':
        this.line.push({
          order: fact['order'] as number,
          person: fact['person'] as string,
          quantity: fact['quantity'] as number,
        });
        return;
      case 'leftWaiting':
        this.line = this.line.filter((place) => place.order !== fact['order']);
        return;
      default:
        this.#takeOrder(fact);
    }
  }

  #takeOrder(fact: ModelFact): void {
    const number = fact['order'] as number;
    if (fact.type === 'queued' || fact.type === 'claimed' || fact.type === 'offered') {
      this.line = this.line.filter((place) => place.order !== number);
      // Deleted first, so that the map stands in the order of granting.
      this.orders.delete(number);
      this.orders.set(number, {
        number,
        person: fact['person'] as string,
        quantity: fact['quantity'] as number,
        status: fact.type === 'queued' ? 'queued' : 'reserved',
        payBy: (fact['payBy'] as number | undefined) ?? 0,
        isInWindow: fact['inWindow'] === true,
        payment: null,
        owed: new Map(),
      });
      return;
    }
    const order = this.orders.get(number);
    if (order === undefined) throw new Error(`${fact.type} of order ${number}, which is none`);
    const payment = (fact['payment'] as string | null | undefined) ?? null;
    if (fact.type === 'refundDue') {
      if (order.owed.has(payment as string)) throw new Error(`${payment} is owed twice`);
      if (order.status === 'paid' && order.payment === payment) {
        throw new Error(`${payment} is kept and given back`);
      }
      order.owed.set(payment as string, 'owed');
      if (order.status !== 'expired' && order.status !== 'cancelled') return;
      order.status = 'refunding';
      order.payment = payment;
      return;
    }
    if (fact.type === 'refunded') {
      order.owed.set(payment as string, 'returned');
      if (order.status === 'refunding' && order.payment === payment) order.status = 'refunded';
      return;
    }
    const before: Record<string, readonly string[]> = {
      missed: ['queued'],
      paid: fact['late'] === true ? ['expired'] : ['reserved'],
      expired: ['reserved'],
      cancelled: ['reserved'],
    };
    if (before[fact.type]?.includes(order.status) !== true) {
      throw new Error(`order ${number} went from ${order.status} to ${fact.type}`);
    }
    if (payment !== null && order.owed.has(payment)) throw new Error(`${payment} is kept and owed`);
    order.status = fact.type;
    if (fact.type === 'paid') order.payment = payment;
  }
}
