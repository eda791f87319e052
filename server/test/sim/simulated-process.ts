import type { CommandShape } from '@dibs/rules/contests/contest.ts';
import { readDigest } from '@dibs/rules/kernel/digest.ts';
import type { Verdict } from '@dibs/rules/proof/fold.ts';
import { type Applied, Arena } from '../../src/arena/arena.ts';
import { ArenaFault } from '../../src/arena/faults.ts';
import { Pseudonyms } from '../../src/arena/pseudonyms.ts';
import { Projector } from '../../src/journal/projector.ts';
import type { Asked, History } from './history.ts';
import type { ModelCommand } from './model.ts';
import type { SimulatedLog } from './simulated-log.ts';
import type { SimulatedRows } from './simulated-rows.ts';
import type { Wires } from './weather.ts';
import type { Life, World } from './world.ts';

/** What all processes of a world share. */
export interface Surroundings {
  readonly world: World;
  readonly wires: Wires;
  readonly log: SimulatedLog;
  readonly rows: SimulatedRows;
  readonly history: History;
  /** The secret seeds of contests with a fair window. */
  readonly seeds: ReadonlyMap<string, string>;
}

export interface Request {
  readonly contest: string;
  readonly person: string | null;
  readonly key: string;
  readonly command: ModelCommand;
  readonly kind?: string;
}

export type Reply =
  | { readonly type: 'verdict'; readonly verdict: Verdict }
  | { readonly type: 'fault'; readonly code: string }
  /** The connection broke, before or after the process did what was asked. */
  | { readonly type: 'lost' };

export const INSTALLATION_SECRET = Buffer.alloc(32, 7);

/** One server process: the real arena and projector over simulated wires; it can die at any event. */
export class SimulatedProcess {
  readonly name: string;
  readonly #parts: Surroundings;
  #lives = 0;
  #life: Life | null = null;
  #arena: Arena | null = null;
  #projector: Projector | null = null;
  #isUp = false;
  /** Requests in this life that have no answer yet. */
  #open = new Map<Asked, (reply: Reply) => void>();

  constructor(name: string, parts: Surroundings) {
    this.name = name;
    this.#parts = parts;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  get life(): Life | null {
    return this.#life;
  }

  get arena(): Arena | null {
    return this.#isUp ? this.#arena : null;
  }

  async start(clockOffsetMs: number): Promise<void> {
    const { world, wires, log, rows, seeds } = this.#parts;
    this.#lives += 1;
    const life: Life = { name: `${this.name}.${this.#lives}`, isAlive: true, clockOffsetMs };
    this.#life = life;
    this.#open = new Map();
    const clock = world.clockOf(life);
    const pseudonyms = new Pseudonyms(INSTALLATION_SECRET);
    const onAlarm = (contest: string, error: unknown) => this.#alarm(contest, error);
    const port = log.portOf(life);
    let keys = 0;
    const arena = new Arena({
      log: port,
      clock,
      snapshots: rows.snapshotsOf(life),
      pseudonyms,
      seedOf: (contest) =>
        wires.call(
          life,
          async () => seeds.get(contest) ?? null,
          () => new Error('away'),
        ),
      onAlarm,
      newKey: () => {
        keys += 1;
        return `${life.name}/${keys}`;
      },
    });
    arena.onApplied((applied) => this.#note(life, applied));
    const projector = new Projector({
      arena,
      log: port,
      store: rows.portOf(life),
      clock,
      pseudonyms,
      onAlarm,
    });
    await this.#insist(() => arena.start());
    this.#arena = arena;
    this.#projector = projector;
    this.#isUp = true;
    world.tell(life.name, 'is up');
    await this.#insist(() => projector.start());
  }

  /** As a process manager would: what fails at the start is started again. */
  async #insist(run: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        return await run();
      } catch {
        await this.#parts.world.sleep(200);
        if (this.#life?.isAlive !== true) return await new Promise(() => {});
      }
    }
  }

  /** Dies on the spot: nothing in flight is ever heard of again. */
  crash(): void {
    if (this.#life === null || !this.#life.isAlive) return;
    this.#parts.world.tell(this.#life.name, 'crashes');
    this.#end();
  }

  /** Goes away in good order: whoever waits is answered. */
  async close(): Promise<void> {
    const life = this.#life;
    if (life === null || !this.#isUp) return;
    this.#parts.world.tell(life.name, 'closes');
    this.#isUp = false;
    await this.#arena?.close();
    await this.#projector?.close();
    for (const { command } of this.#open.keys()) {
      this.#parts.history.contradict(`${life.name} closed and left a ${command.type} unanswered`);
    }
    if (this.#life === life && life.isAlive) this.#end();
  }

  #end(): void {
    const { world, wires } = this.#parts;
    if (this.#life !== null) this.#life.isAlive = false;
    this.#isUp = false;
    for (const [asked, reply] of this.#open) {
      asked.diedAt = world.now;
      world.schedule(wires.delay(), () => reply({ type: 'lost' }));
    }
    this.#open = new Map();
  }

  /** Makes a contest's log. */
  async create(contest: string): Promise<boolean> {
    try {
      await this.arena?.create(contest);
      return this.#isUp;
    } catch {
      return false;
    }
  }

  /** A request over the network. */
  ask(request: Request): Promise<Reply> {
    const { world, wires } = this.#parts;
    return new Promise((resolve) => {
      world.schedule(wires.delay(), () => {
        if (!this.#isUp) world.schedule(wires.delay(), () => resolve({ type: 'lost' }));
        else this.#take(request, resolve);
      });
    });
  }

  #take(request: Request, resolve: (reply: Reply) => void): void {
    const { world, wires, history } = this.#parts;
    const { contest, person, key, command, kind } = request;
    const life = this.#life as Life;
    const asked: Asked = {
      contest,
      process: life.name,
      person,
      key,
      command,
      receivedAt: world.now,
      answer: null,
      diedAt: null,
    };
    history.asked.push(asked);
    this.#open.set(asked, resolve);
    const open = this.#open;
    const answer = (reply: Reply & { type: 'verdict' | 'fault' }, text: string) => {
      if (!life.isAlive || !open.delete(asked)) return;
      world.tell(life.name, `answers ${key} ${command.type}: ${text}`);
      asked.answer =
        reply.type === 'verdict' ? { ...reply, at: world.now, text } : { ...reply, at: world.now };
      // The answer was given; whether it arrives is another matter.
      const isLost = world.random.chance(wires.weather.failAfter);
      world.schedule(wires.delay(), () => resolve(isLost ? { type: 'lost' } : reply));
    };
    const submission = { contest, person, key, command: command as CommandShape };
    (this.#arena as Arena).submit(kind === undefined ? submission : { ...submission, kind }).then(
      (verdict) => answer({ type: 'verdict', verdict }, JSON.stringify(verdict)),
      (error) => {
        if (!(error instanceof ArenaFault)) history.contradict(`${command.type}: ${error}`);
        const code = error instanceof ArenaFault ? error.code : 'bug';
        answer({ type: 'fault', code }, code);
      },
    );
  }

  /** The state of this process's replicas, once nothing moves any more. */
  replica(contest: string): { seq: number; text: string } | null {
    const fold = this.#isUp ? this.#arena?.peek(contest) : undefined;
    if (fold === undefined) return null;
    return { seq: fold.seq, text: describe(fold) };
  }

  get backlog(): number {
    return this.#open.size;
  }

  #note(life: Life, { contest, fold, steps }: Applied): void {
    const { history } = this.#parts;
    for (const { seq, facts } of steps) {
      history.told.push({ contest, seq, facts: JSON.stringify(facts), by: life.name });
    }
    const place = `${contest} ${fold.seq}`;
    const digest = readDigest(fold.digest);
    const known = history.digests.get(place);
    if (known === undefined) history.digests.set(place, { digest, by: life.name });
    else if (known.digest !== digest) {
      history.contradict(`at ${place} ${known.by} has ${known.digest}, ${life.name} ${digest}`);
    }
  }

  /** The world may be away; everything else that is alarming is a mistake of the engine. */
  #alarm(contest: string, error: unknown): void {
    for (let cause = error; cause instanceof Error; cause = cause.cause) {
      if (cause.message.startsWith('the simulated') || cause.name === 'LogUnavailable') return;
    }
    this.#parts.world.tell(this.name, `ALARM ${String(error)}`);
    this.#parts.history.contradict(`${this.name} raised the alarm over ${contest}: ${error}`);
  }
}

/** A fold as text: everything that must be alike in all replicas. */
function describe(fold: { rules: unknown } & object): string {
  return JSON.stringify({ ...fold, rules: null }, (_, value) =>
    value instanceof Map ? ['Map', ...value] : value,
  );
}
