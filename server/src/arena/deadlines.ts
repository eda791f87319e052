import type { CommandShape, Due } from '@dibs/rules/contests/contest.ts';
import type { Fold, Verdict } from '@dibs/rules/proof/fold.ts';
import type { Clock } from './clock.ts';

export interface DeadlinesOptions {
  readonly clock: Clock;
  /** Log time. */
  readonly now: () => number;
  /** The fold of the contest's replica as it is now: another one after a rebuild. */
  readonly foldOf: (contest: string) => Fold | undefined;
  readonly seedOf: (contest: string) => Promise<string | null>;
  readonly submit: (contest: string, command: CommandShape) => Promise<Verdict>;
}

/** After a deadline's command failed (the log is away, say), it is tried again so much later. */
const RETRY_MS = 500;

/**
 * Submits what the clock owes each contest: one timer per replica, for the soonest. Every process
 * does this for the contests it serves; the rules refuse what is already done, so that doubles do no
 * harm and no process is needed for it.
 */
export class Deadlines {
  readonly #options: DeadlinesOptions;
  readonly #timers = new Map<string, { at: number; timer: { cancel(): void } }>();
  readonly #running = new Set<string>();
  #isClosed = false;

  constructor(options: DeadlinesOptions) {
    this.#options = options;
  }

  has(contest: string): boolean {
    return this.#timers.has(contest) || this.#running.has(contest);
  }

  /** Looks at what is due next in a contest and sets its timer to that. */
  plan(contest: string): void {
    if (this.#isClosed || this.#running.has(contest)) return;
    const due = this.#dueOf(contest);
    const planned = this.#timers.get(contest);
    if (planned?.at === due?.at) return;
    if (due === null) {
      this.forget(contest);
      return;
    }
    planned?.timer.cancel();
    const delayMs = due.at - this.#options.now();
    const timer = this.#options.clock.after(delayMs, () => {
      this.#timers.delete(contest);
      if (this.#options.now() < due.at) this.plan(contest);
      else void this.#run(contest);
    });
    this.#timers.set(contest, { at: due.at, timer });
  }

  forget(contest: string): void {
    this.#timers.get(contest)?.timer.cancel();
    this.#timers.delete(contest);
  }

  #dueOf(contest: string): Due<CommandShape> | null {
    const fold = this.#options.foldOf(contest);
    return fold?.rules?.due(fold.state) ?? null;
  }

  async #run(contest: string): Promise<void> {
    const due = this.#dueOf(contest);
    if (due === null || this.#isClosed) return;
    this.#running.add(contest);
    let retryMs = 0;
    try {
      const seed = due.needsSeed === true ? await this.#options.seedOf(contest) : null;
      const command = seed === null ? due.command : { ...due.command, seed };
      const verdict = await this.#options.submit(contest, command);
      if (verdict.type !== 'accepted') retryMs = RETRY_MS;
    } catch {
      retryMs = RETRY_MS;
    }
    this.#options.clock.after(retryMs, () => {
      this.#running.delete(contest);
      this.plan(contest);
    });
  }

  close(): void {
    this.#isClosed = true;
    for (const contest of [...this.#timers.keys()]) this.forget(contest);
  }
}
