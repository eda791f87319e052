import {
  type CommandShape,
  type FactShape,
  isRefusal,
  type RefusalShape,
} from '../contests/contest.ts';
import { type AnyRules, contests } from '../contests/contests.ts';
import { Bug } from '../kernel/assert.ts';
import { type Digest, readDigest, startDigest, stirNumber, stirText } from '../kernel/digest.ts';
import type { Pseudonym } from '../kernel/ids.ts';

/**
 * The fold of a contest's log: what every replica, the projector, the audit and the offline verifier
 * do with an entry, written once.
 */

/** One entry of a log's payload. */
export type LogEntry = CommandEntry | RefusedEntry | CheckpointEntry;

export interface CommandEntry {
  /** Who asked, or null for the system. */
  readonly person: Pseudonym | null;
  /** Idempotency: 16 characters naming person and key, then 8 naming the command; see `splitKey`. */
  readonly key: string;
  readonly command: CommandShape;
  /** Only in the entry that creates the contest. */
  readonly kind?: string;
}

/** Keys whose commands a process refused from its own replica; noted so that all others know. */
export interface RefusedEntry {
  readonly refused: RefusalShape;
  readonly keys: readonly string[];
}

/** What some replica's digest was right after entry `seq`; every other must have had the same. */
export interface CheckpointEntry {
  readonly checkpoint: number;
  readonly digest: string;
}

/** The answer to a command, or that it will come with a later entry. */
export type Verdict =
  | {
      readonly type: 'accepted';
      readonly seq: number;
      readonly at: number;
      readonly facts: readonly FactShape[];
    }
  | { readonly type: 'refused'; readonly refusal: RefusalShape }
  | { readonly type: 'deferred'; readonly seq: number }
  /** The key had been used for another command. */
  | { readonly type: 'key_reused' };

/** What one entry did. */
export interface Step {
  readonly seq: number;
  readonly at: number;
  readonly facts: readonly FactShape[];
  /** Answers that became known, by the full key of the command they answer. */
  readonly answers: readonly (readonly [key: string, verdict: Verdict])[];
}

interface Answer {
  readonly commandHash: string;
  readonly at: number;
  verdict: Verdict;
}

export interface Fold {
  readonly contest: string;
  rules: AnyRules | null;
  state: unknown;
  /** Position and instant of the last entry. */
  seq: number;
  at: number;
  digest: Digest;
  /** First verdicts by the first 16 characters of their key, oldest first. */
  answers: Map<string, Answer>;
  /** Full keys of commands whose answer is deferred, by their seq. */
  deferred: Map<number, string>;
  /** The digest at the last agreed position, and whether some process has logged it yet. */
  checkpoint: { readonly seq: number; readonly digest: string; logged: boolean } | null;
}

/** A key is remembered for so long after its use, in log time ... */
export const KEY_LIFE_MS = 24 * 3_600_000;
/** ... and never more keys than this in one contest: about 400 MB of memory at the worst. */
export const KEYS_MAX = 2_000_000;
/** Replicas hold their digests against each other at every so many entries. */
export const CHECKPOINT_EVERY = 4_096;

const TAG_LENGTH = 16;

/** The replica's history is not the one others had: it must be rebuilt from the log. */
export class Divergence extends Error {
  override readonly name = 'Divergence';
}

/** The log was written by rules this program does not know. */
export class UnknownRules extends Error {
  override readonly name = 'UnknownRules';
}

export function startFold(contest: string): Fold {
  return {
    contest,
    rules: null,
    state: null,
    seq: 0,
    at: 0,
    digest: startDigest(),
    answers: new Map(),
    deferred: new Map(),
    checkpoint: null,
  };
}

/** The part of a key that names person and key, and the part that names the command. */
export function splitKey(key: string): { tag: string; commandHash: string } {
  return { tag: key.slice(0, TAG_LENGTH), commandHash: key.slice(TAG_LENGTH) };
}

/** The verdict a key already has, or undefined for a new one. */
export function recall(fold: Fold, key: string): Verdict | undefined {
  const answer = fold.answers.get(key.slice(0, TAG_LENGTH));
  if (answer === undefined) return undefined;
  return answer.commandHash === key.slice(TAG_LENGTH) ? answer.verdict : { type: 'key_reused' };
}

/** Moves the fold on by one entry of instant `at`. Throws `Divergence`, `UnknownRules` or `Bug`. */
export function foldEntry(fold: Fold, entry: LogEntry, at: number): Step {
  if (at < fold.at) throw new Bug(`log time went back from ${fold.at} to ${at}`);
  fold.seq += 1;
  fold.at = at;
  const step =
    'command' in entry
      ? foldCommand(fold, entry)
      : 'refused' in entry
        ? foldRefused(fold, entry)
        : foldCheckpoint(fold, entry);
  if (fold.seq % CHECKPOINT_EVERY === 0) {
    fold.checkpoint = { seq: fold.seq, digest: readDigest(fold.digest), logged: false };
  }
  return step;
}

function foldCommand(fold: Fold, entry: CommandEntry): Step {
  const { seq, at } = fold;
  const known = recall(fold, entry.key);
  if (known !== undefined) return { seq, at, facts: [], answers: [[entry.key, known]] };
  const rules = rulesOf(fold, entry);
  // A command can overtake the contest's creation, or outlive one that failed half-way.
  if (rules === null) return refuse(fold, entry, NOT_CREATED);
  const decision = rules.decide(fold.state, entry.command, { at, seq, person: entry.person });
  if (isRefusal(decision)) return refuse(fold, entry, decision);
  const answers: [string, Verdict][] = [];
  let isDeferred = false;
  const answered = new Map<number, FactShape[]>();
  for (const fact of decision) {
    rules.evolve(fold.state, fact);
    stirFact(fold.digest, fact);
    if (fact.defers === true) isDeferred = true;
    if (fact.answers === undefined) continue;
    const facts = answered.get(fact.answers);
    if (facts === undefined) answered.set(fact.answers, [fact]);
    else facts.push(fact);
  }
  for (const [of, facts] of answered) answers.push(...answerDeferred(fold, of, facts));
  let verdict: Verdict;
  if (isDeferred && fold.deferred.get(seq) === undefined) {
    verdict = { type: 'deferred', seq };
    fold.deferred.set(seq, entry.key);
  } else {
    verdict = { type: 'accepted', seq, at, facts: ownFacts(decision, entry.person) };
  }
  remember(fold, entry.key, verdict);
  answers.push([entry.key, verdict]);
  return { seq, at, facts: decision, answers };
}

function refuse(fold: Fold, entry: CommandEntry, refusal: RefusalShape): Step {
  stirText(fold.digest, refusal.code);
  const verdict: Verdict = { type: 'refused', refusal };
  remember(fold, entry.key, verdict);
  return { seq: fold.seq, at: fold.at, facts: [], answers: [[entry.key, verdict]] };
}

/** The answer to whatever stands in a log before its contest was created. */
export const NOT_CREATED: RefusalShape = { code: 'unknown' };

/** The rules of the contest, which the entry that creates it names; null before that. */
function rulesOf(fold: Fold, entry: CommandEntry): AnyRules | null {
  if (fold.rules !== null) return fold.rules;
  if (entry.kind === undefined) return null;
  const rules = Object.hasOwn(contests, entry.kind) ? contests[entry.kind] : undefined;
  const terms = (entry.command as { terms?: { rules?: unknown } }).terms;
  if (rules === undefined || terms?.rules !== rules.version) {
    throw new UnknownRules(`rules ${entry.kind} version ${String(terms?.rules)} are not known`);
  }
  fold.rules = rules;
  fold.state = rules.start(fold.contest);
  return rules;
}

/** What concerns the caller: their own facts, and those that concern nobody in particular. */
function ownFacts(facts: readonly FactShape[], person: Pseudonym | null): readonly FactShape[] {
  if (person === null) return facts.length > 1 ? facts.slice(0, 1) : facts;
  const own = facts.filter((fact) => fact.person === undefined || fact.person === person);
  return own.length === facts.length ? facts : own;
}

/** Gives the deferred answer of entry `seq`: its facts, or the refusal that one of them carries. */
function answerDeferred(fold: Fold, seq: number, facts: readonly FactShape[]): [string, Verdict][] {
  const key = fold.deferred.get(seq);
  if (key === undefined) return [];
  fold.deferred.delete(seq);
  const refusal = facts.find((fact) => fact.refusal !== undefined)?.refusal;
  const verdict: Verdict =
    refusal === undefined
      ? { type: 'accepted', seq, at: fold.at, facts }
      : { type: 'refused', refusal };
  const answer = fold.answers.get(key.slice(0, TAG_LENGTH));
  if (answer !== undefined) answer.verdict = verdict;
  return [[key, verdict]];
}

function remember(fold: Fold, key: string, verdict: Verdict): void {
  const { tag, commandHash } = splitKey(key);
  fold.answers.set(tag, { commandHash, at: fold.at, verdict });
  if (fold.seq % FORGET_EVERY !== 0 && fold.answers.size <= KEYS_MAX) return;
  for (const [oldest, answer] of fold.answers) {
    const isOld = answer.at < fold.at - KEY_LIFE_MS && answer.verdict.type !== 'deferred';
    if (!isOld && fold.answers.size <= KEYS_MAX) break;
    fold.answers.delete(oldest);
  }
}

/** Old keys are looked for at every so many entries: a function of the log alone, like all else. */
const FORGET_EVERY = 64;

function foldRefused(fold: Fold, entry: RefusedEntry): Step {
  const verdict: Verdict = { type: 'refused', refusal: entry.refused };
  const answers: [string, Verdict][] = [];
  for (const key of entry.keys) {
    const known = recall(fold, key);
    if (known === undefined) remember(fold, key, verdict);
    answers.push([key, known ?? verdict]);
  }
  return { seq: fold.seq, at: fold.at, facts: [], answers };
}

function foldCheckpoint(fold: Fold, entry: CheckpointEntry): Step {
  const own = fold.checkpoint;
  if (own !== null && own.seq === entry.checkpoint) {
    if (own.digest !== entry.digest) {
      throw new Divergence(
        `after entry ${own.seq} the digest is ${own.digest}, another replica's ${entry.digest}`,
      );
    }
    own.logged = true;
  }
  return { seq: fold.seq, at: fold.at, facts: [], answers: [] };
}

function stirFact(digest: Digest, fact: FactShape): void {
  for (const value of Object.values(fact)) {
    if (typeof value === 'number') stirNumber(digest, value);
    else if (typeof value === 'string') stirText(digest, value);
    else if (typeof value === 'boolean') stirNumber(digest, value ? 1 : 0);
  }
}
