import type { Claim, Drop, Order } from '@dibs/sdk/wire';
import type { Answer } from './answer-reader.ts';
import type { Target } from './connection.ts';
import { codeOf, Generator, type GeneratorReport } from './generator.ts';
import type { Actor } from './organiser.ts';
import { targetOf, writeRequest } from './request.ts';

export interface CrowdOptions {
  /** Base URL of the server, `http://host:port`. */
  readonly url: string;
  readonly contest: string;
  /** Throw-away people with their tokens, minted by the caller. */
  readonly people: readonly Actor[];
  readonly signal?: AbortSignal;
  /** Told about once a second how many claims were answered, won and refused. */
  readonly onProgress?: (progress: CrowdProgress) => void;
}

export interface CrowdProgress {
  readonly people: number;
  readonly answered: number;
  readonly won: number;
  readonly missed: number;
}

/** How people behave; shares are of those whom it concerns. */
const manners = {
  /** Too eager to wait for the opening. */
  early: 0.04,
  /** Winners who pay, who think better of it, and the rest, who let it expire. */
  pay: 0.65,
  cancel: 0.15,
  /** Losers who join the waiting list. */
  wait: 0.3,
  /** Who presses twice. */
  doubleClick: 0.1,
} as const;

/** The crowd comes within so long; half of it in the first quarter. */
const comeMs = 20_000;
/** Who waits looks after so long whether units were offered, so often. */
const lookAfterMs = 6_000;
const looksMax = 10;
const patienceMs = 15_000;
const connectionsMax = 64;
const progressEveryMs = 1_000;

/**
 * Sends a pleasant crowd to a drop: people come around its opening (or now, where it is open), claim,
 * pay, change their mind, wait for what comes back. Resolves once everybody is done, at the most
 * about a minute and a half after the opening; rejects when `signal` aborts.
 */
export async function runCrowd(options: CrowdOptions): Promise<GeneratorReport> {
  const { url, contest, people, signal } = options;
  const target = targetOf(url);
  const drop = await readJson<Drop>(`${url}/v1/drops/${contest}`, signal);
  const { epochMs } = await readJson<{ epochMs: number }>(`${url}/v1/time`, signal);
  const opensInMs = Math.max(0, Date.parse(drop.opensAt) - epochMs);
  const generator = new Generator({ target, connectionsMax, patienceMs });
  const counts = { answered: 0, won: 0, missed: 0 };
  const tell = () => options.onProgress?.({ people: people.length, ...counts });
  for (const actor of people) {
    new Visitor({ generator, target, drop, actor, counts }).plan(opensInMs);
  }
  const timer = setInterval(tell, progressEveryMs);
  try {
    const report = await generator.run(signal);
    tell();
    return report;
  } finally {
    clearInterval(timer);
  }
}

async function readJson<Shape>(url: string, signal: AbortSignal | undefined): Promise<Shape> {
  const response = await fetch(url, signal === undefined ? {} : { signal });
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return (await response.json()) as Shape;
}

interface VisitorParts {
  readonly generator: Generator;
  readonly target: Target;
  readonly drop: Drop;
  readonly actor: Actor;
  readonly counts: { answered: number; won: number; missed: number };
}

/** One person of the crowd. */
class Visitor {
  readonly #parts: VisitorParts;
  #looks = 0;

  constructor(parts: VisitorParts) {
    this.#parts = parts;
  }

  plan(opensInMs: number): void {
    // Squared: most are there when it opens, some drop in later.
    const atMs = opensInMs + 150 + comeMs * Math.random() ** 2;
    if (opensInMs > 1_000 && chance(manners.early)) {
      this.#post('early', `/v1/drops/${this.#parts.drop.id}/claims`, {
        atMs: opensInMs - 1_000 * Math.random(),
      });
    }
    this.#claim(atMs);
  }

  #claim(atMs: number): void {
    const { drop, counts } = this.#parts;
    const quantity = drop.quantityMax > 1 && chance(0.2) ? 2 : 1;
    const shot = { atMs, body: { quantity }, key: crypto.randomUUID() };
    const path = `/v1/drops/${drop.id}/claims`;
    if (chance(manners.doubleClick)) this.#post('claim', path, { ...shot, atMs: atMs + 120 });
    this.#post('claim', path, {
      ...shot,
      onAnswer: (answer, nowMs) => {
        counts.answered += 1;
        if (answer.status === 201) {
          counts.won += 1;
          this.#decide((JSON.parse(answer.body) as Claim).orderId, nowMs);
          return;
        }
        counts.missed += 1;
        if (codeOf(answer) !== 'sold_out' || !chance(manners.wait)) return;
        this.#post('wait', `/v1/drops/${drop.id}/waiting`, {
          atMs: nowMs + 800 + 3_000 * Math.random(),
          onAnswer: (waits, waitsMs) => {
            if (waits.status === 201) this.#look(waitsMs + lookAfterMs * (0.5 + Math.random()));
          },
        });
      },
    });
  }

  /** What to do with an order: most pay, some cancel, some forget about it. */
  #decide(order: string, nowMs: number): void {
    const roll = Math.random();
    if (roll < manners.pay) {
      this.#post('pay', `/v1/orders/${order}/pay`, {
        atMs: nowMs + 2_000 + 12_000 * Math.random(),
        body: { provider: 'sandbox' },
      });
    } else if (roll < manners.pay + manners.cancel) {
      this.#post('cancel', `/v1/orders/${order}/cancel`, {
        atMs: nowMs + 3_000 + 9_000 * Math.random(),
      });
    }
  }

  /** Looks whether units were offered to this waiting person, and pays where they were. */
  #look(atMs: number): void {
    const { generator, target, actor } = this.#parts;
    this.#looks += 1;
    generator.add({
      kind: 'look',
      atMs,
      request: writeRequest(target, {
        method: 'GET',
        path: '/v1/orders?limit=5&status=reserved',
        token: actor.accessToken,
      }),
      onOutcome: (outcome) => {
        if (outcome.type !== 'answered' || outcome.answer.status !== 200) return;
        const { items } = JSON.parse(outcome.answer.body) as { items: Order[] };
        const offered = items.find(({ dropId }) => dropId === this.#parts.drop.id);
        if (offered !== undefined) this.#decide(offered.id, outcome.nowMs);
        else if (this.#looks < looksMax) this.#look(outcome.nowMs + lookAfterMs);
      },
    });
  }

  #post(
    kind: string,
    path: string,
    wish: {
      atMs: number;
      body?: object;
      key?: string;
      onAnswer?: (answer: Answer, nowMs: number) => void;
    },
  ): void {
    const { generator, target, actor } = this.#parts;
    const request = writeRequest(target, {
      method: 'POST',
      path,
      token: actor.accessToken,
      key: wish.key ?? crypto.randomUUID(),
      body: JSON.stringify(wish.body ?? {}),
    });
    generator.add({
      kind,
      atMs: wish.atMs,
      request,
      onOutcome: (outcome) => {
        if (outcome.type === 'answered') wish.onAnswer?.(outcome.answer, outcome.nowMs);
      },
    });
  }
}

function chance(share: number): boolean {
  return Math.random() < share;
}
