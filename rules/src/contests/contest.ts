import type { Pseudonym } from '../kernel/ids.ts';

/**
 * What every kind of contest is, to the arena, the journal and the verifier: pure rules over a state
 * that belongs to one replica. No clock, no randomness, no I/O: the instant and all ids come from the
 * log entry, so that every process reaches the same verdict.
 */

/** What the log says about the entry that carries a command. */
export interface Context {
  /** The log's own clock, milliseconds since 1970, never going back. */
  readonly at: number;
  /** The entry's position, from 1 without gaps; the id of what it brings forth. */
  readonly seq: number;
  /** Who asks, or null for the system itself (clock, payments). */
  readonly person: Pseudonym | null;
}

export interface CommandShape {
  readonly type: string;
  /**
   * Position of the earlier entry that brought forth what the command is about, if any. A replica
   * that has not come so far must not refuse the command by itself: it cannot know.
   */
  readonly order?: number;
}

/** An expected "no" with what the person can do next (`opensAt`, `left` ...). */
export interface RefusalShape {
  readonly code: string;
}

export interface FactShape {
  readonly type: string;
  /** Whom the fact concerns; it is told on their own topic too. */
  readonly person?: Pseudonym;
  /** True: the command's answer is not known yet; a later fact `answers` it. */
  readonly defers?: true;
  /** The seq of the earlier entry whose deferred answer this fact is. */
  readonly answers?: number;
  /** With `answers`: the answer is a refusal. */
  readonly refusal?: RefusalShape;
}

/** Something to be submitted by the clock once `at` has come. */
export interface Due<Command> {
  readonly at: number;
  readonly command: Command;
  /** The command needs the contest's secret seed, which the shell adds as its `seed`. */
  readonly needsSeed?: true;
}

export interface Rules<
  State,
  Command extends CommandShape,
  Fact extends FactShape,
  Refusal extends RefusalShape,
> {
  readonly kind: string;
  /** Raised by every change of verdicts; a log's first entry names the version it was played by. */
  readonly version: number;
  /** The state before the first entry of the contest with this id. */
  start(id: string): State;
  /** The verdict on a command: what happened, in order, or why not. Leaves `state` as it is. */
  decide(state: State, command: Command, context: Context): readonly Fact[] | Refusal;
  /** Moves `state` on by one fact, in place: a replica owns its state and nobody else holds it. */
  evolve(state: State, fact: Fact): void;
  /** The next thing the clock must submit, or null when nothing will ever be due again by itself. */
  due(state: State): Due<Command> | null;
  /** What anyone may see at log time `at`: plain data, safe to serialise. */
  view(state: State, at: number): Readonly<Record<string, unknown>>;
}

export function isRefusal<Fact extends FactShape, Refusal extends RefusalShape>(
  decision: readonly Fact[] | Refusal,
): decision is Refusal {
  return !Array.isArray(decision);
}
