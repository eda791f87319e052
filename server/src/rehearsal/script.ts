import type { Claim } from '@dibs/sdk/wire';
import type { Target } from './connection.ts';
import type { Generator, ShotOutcome } from './generator.ts';
import type { Asked, Ledger } from './ledger.ts';
import type { Actor } from './organiser.ts';
import { writeRequest } from './request.ts';

export interface ScriptOptions {
  readonly generator: Generator;
  readonly ledger: Ledger;
  readonly target: Target;
  readonly contest: string;
  readonly actors: readonly Actor[];
  /** Requests in all, at least one a person. */
  readonly requests: number;
  /** When the drop opens, and for how long the crowd comes, in milliseconds of the run. */
  readonly opensAtMs: number;
  readonly stormMs: number;
  /** From 0 to 1, evenly spread: the seeded dice of the run. */
  readonly random: () => number;
}

/** What a person does besides their claim, and how often among a hundred such requests. */
const habits = [
  /** The same request once more after its answer: the first verdict, byte for byte. */
  { name: 'retry', weight: 30 },
  /** The same request at the same instant over another connection, as an impatient page does. */
  { name: 'twin', weight: 10 },
  /** A claim before the opening. */
  { name: 'early', weight: 15 },
  /** A second claim, under a new key. */
  { name: 'duplicate', weight: 25 },
  /** The first claim's key for another command: 422. */
  { name: 'reuse', weight: 10 },
  /** The connection breaks off right after sending; the same key is sent again later. */
  { name: 'cut', weight: 10 },
] as const;

type Habit = (typeof habits)[number]['name'];

/** What winners do with their order, and how many of the losers join the waiting list. */
const shares = { pay: 0.6, cancel: 0.15, wait: 0.02 } as const;
/** A person acts on an answer after up to so long. */
const thinkMs = 3_000;
/** Early claims come in so long a stretch before the opening, and end so long before it. */
const early = { stretchMs: 1_500, marginMs: 600 } as const;

/** The hostile crowd of a drill, person by person. */
export class Script {
  readonly #options: ScriptOptions;
  /** One path each, however many people. */
  readonly #claims: string;
  #keys = 0;

  constructor(options: ScriptOptions) {
    this.#options = options;
    this.#claims = `/v1/drops/${options.contest}/claims`;
  }

  /** Puts the whole crowd on the generator's agenda. */
  write(): void {
    const { actors, requests } = this.#options;
    const extras = requests - actors.length;
    for (const [index, actor] of actors.entries()) {
      const own =
        Math.floor((extras * (index + 1)) / actors.length) -
        Math.floor((extras * index) / actors.length);
      this.#playPerson(actor, this.#pickHabits(own));
    }
  }

  /** One more claim by each of the given people, at once: takes what others have given back. */
  claimAgain(actors: readonly Actor[]): void {
    for (const actor of actors) this.#claimAnew(actor, 'last call', this.#options.generator.now());
  }

  #pickHabits(count: number): Habit[] {
    const picked: Habit[] = [];
    const total = habits.reduce((sum, { weight }) => sum + weight, 0);
    for (let index = 0; index < count; index += 1) {
      let roll = this.#options.random() * total;
      for (const { name, weight } of habits) {
        roll -= weight;
        if (roll >= 0) continue;
        // A person's connection is cut once; see `#send` for the request that makes up for it.
        picked.push(name === 'cut' && picked.includes('cut') ? 'retry' : name);
        break;
      }
    }
    return picked;
  }

  #playPerson(actor: Actor, own: readonly Habit[]): void {
    const { random, opensAtMs, stormMs, ledger } = this.#options;
    // Squared: most come right after the opening.
    const atMs = opensAtMs + stormMs * random() ** 2;
    const asked = ledger.ask(this.#claimOf(actor));
    const request = this.#requestOf(asked);
    for (const habit of own) {
      if (habit !== 'early') continue;
      const { stretchMs, marginMs } = early;
      this.#claimAnew(actor, 'early', opensAtMs - marginMs - random() * stretchMs);
    }
    for (const habit of own) if (habit === 'twin') this.#send('twin', asked, { atMs, request });
    let isFirst = true;
    const onAnswer = (nowMs: number) => {
      if (!isFirst) return;
      isFirst = false;
      this.#followUp(asked, own, { request, nowMs });
    };
    this.#send('claim', asked, {
      atMs,
      request,
      onAnswer,
      ...(own.includes('cut') ? { cutAfterMs: Math.floor(random() * 15) } : {}),
    });
  }

  /** Once the claim is answered: the other habits, and what the answer leads to. */
  #followUp(asked: Asked, own: readonly Habit[], answered: { request: string; nowMs: number }) {
    const { random, ledger } = this.#options;
    const { request, nowMs } = answered;
    const { actor } = asked;
    for (const habit of own) {
      const atMs = nowMs + random() * thinkMs;
      if (habit === 'retry') this.#send('retry', asked, { atMs, request });
      else if (habit === 'duplicate') this.#claimAnew(actor, 'duplicate', atMs);
      else if (habit === 'reuse') {
        const command = { type: 'claim', quantity: 2 } as const;
        const other = ledger.ask({ actor, key: asked.key, command, reuses: true });
        this.#send('reuse', other, { atMs, request: this.#requestOf(other) });
      }
    }
    const atMs = nowMs + random() * thinkMs;
    const roll = random();
    if (asked.first?.status === 201) {
      const { orderId } = JSON.parse(asked.first.body) as Claim;
      if (roll < shares.pay) this.#actOnOrder(actor, { orderId, act: 'pay', atMs });
      else if (roll < shares.pay + shares.cancel) {
        this.#actOnOrder(actor, { orderId, act: 'cancel', atMs });
      }
    } else if (asked.first?.code === 'sold_out' && roll < shares.wait) {
      const command = { type: 'wait', quantity: 1 } as const;
      const waits = ledger.ask({ actor, key: this.#newKey(), command, reuses: false });
      this.#send('wait', waits, { atMs, request: this.#requestOf(waits) });
    }
  }

  #claimAnew(actor: Actor, kind: string, atMs: number): void {
    const asked = this.#options.ledger.ask(this.#claimOf(actor));
    this.#send(kind, asked, { atMs, request: this.#requestOf(asked) });
  }

  #claimOf(actor: Actor): Omit<Asked, 'first'> {
    const command = { type: 'claim', quantity: 1 } as const;
    return { actor, key: this.#newKey(), command, reuses: false };
  }

  /** Sends what is asked; a cut one is sent again a little later, until it is answered. */
  #send(
    kind: string,
    asked: Asked,
    shot: {
      atMs: number;
      request: string;
      cutAfterMs?: number;
      onAnswer?: (nowMs: number) => void;
    },
  ): void {
    const { generator, ledger, random } = this.#options;
    const { atMs, request, cutAfterMs, onAnswer } = shot;
    const onOutcome = (outcome: ShotOutcome): void => {
      if (outcome.type === 'answered') {
        ledger.take(asked, outcome.answer);
        // The answer was quicker than the cut: that person asks once more all the same.
        if (cutAfterMs !== undefined) {
          this.#send('retry', asked, { request, atMs: outcome.nowMs + random() * thinkMs });
        }
        onAnswer?.(outcome.nowMs);
      } else if (outcome.type === 'cut') {
        this.#send('after a cut', asked, {
          request,
          atMs: outcome.nowMs + random() * thinkMs,
          ...(onAnswer === undefined ? {} : { onAnswer }),
        });
      } else {
        ledger.contradict(`nobody answered the ${kind} ${asked.key} of ${asked.actor.id}`);
      }
    };
    const cut = cutAfterMs === undefined ? {} : { cutAfterMs };
    generator.add({ kind, atMs, request, onOutcome, ...cut });
  }

  #actOnOrder(actor: Actor, wish: { orderId: string; act: 'pay' | 'cancel'; atMs: number }): void {
    const { generator, ledger, target } = this.#options;
    const { orderId, act, atMs } = wish;
    const noted = ledger.act({ actor, orderId, act });
    const request = writeRequest(target, {
      method: 'POST',
      path: `/v1/orders/${orderId}/${act}`,
      token: actor.accessToken,
      key: this.#newKey(),
      body: act === 'pay' ? '{"provider":"sandbox"}' : '{}',
    });
    const onOutcome = (outcome: ShotOutcome): void => {
      if (outcome.type !== 'answered') {
        ledger.contradict(`nobody answered the ${act} of order ${orderId}`);
        return;
      }
      const { status, body } = outcome.answer;
      noted.answer = { status, code: /"code":"(\w+)"/.exec(body)?.[1] ?? '' };
    };
    generator.add({ kind: act, atMs, request, onOutcome });
  }

  #requestOf({ actor, key, command }: Asked): string {
    const isClaim = command.type === 'claim';
    return writeRequest(this.#options.target, {
      method: 'POST',
      path: isClaim ? this.#claims : `/v1/drops/${this.#options.contest}/waiting`,
      token: actor.accessToken,
      key,
      body: `{"quantity":${command.quantity}}`,
    });
  }

  #newKey(): string {
    this.#keys += 1;
    return `drill-${this.#options.contest.slice(0, 8)}-${this.#keys}`;
  }
}
