import { createHash } from 'node:crypto';
import type { Drop } from './crowd.ts';
import type { Evidence, Figures } from './evidence.ts';
import { type Asked, stableText } from './history.ts';
import type { DropModel, ModelCommand } from './model.ts';
import { type KnownVerdict, type Replay, replay } from './replay.ts';
import { STALE_MAX_MS } from './simulated-log.ts';

/** A process may refuse from what the log said so long ago, by its documentation ... */
const STALE_AFTER_MS = 5_000 + STALE_MAX_MS + 10;
/** ... and leaves to the log what lies so close to an instant of the drop, or its view of the clock. */
const CLOCK_MARGIN_MS = 250 + 1_300;

interface Parts {
  readonly drop: Drop;
  readonly played: Replay;
  readonly figures: Figures;
  readonly contradict: (what: string) => void;
}

/**
 * A refusal that is in the log as a note: a process gave it from its own replica, so it must have
 * been right at some moment shortly before one of the requests that it may have answered.
 */
interface Suspect {
  readonly command: ModelCommand;
  readonly name: string;
  /** The person's pseudonym. */
  readonly person: string | null;
  /** Stable JSON of the verdict. */
  readonly text: string;
  readonly from: number;
  readonly to: number;
  readonly times: readonly number[];
  isJustified: boolean;
}

const base64 = (text: string) => createHash('sha256').update(text, 'utf8').digest('base64url');

/** What a person and key are called in the log. */
export function tagOf({ person, key }: Asked): string {
  return base64(`${person ?? ''}\n${key}`).slice(0, 16);
}

/** What a person and key are called in the log, and what their command is. */
function nameOf(asked: Asked): { tag: string; commandHash: string } {
  const { command } = asked;
  return { tag: tagOf(asked), commandHash: base64(JSON.stringify(command)).slice(0, 8) };
}

/** Holds every answer that was given against the log. */
export function auditAnswers(evidence: Evidence, parts: Parts): void {
  const { history, endedAt } = evidence;
  const { drop, figures, contradict } = parts;
  const attempts = new Map<string, Asked[]>();
  for (const asked of history.asked) {
    if (asked.contest !== drop.id) continue;
    figures.asked += 1;
    const name = nameOf(asked);
    byKey(attempts, `${name.tag}${name.commandHash}`).push(asked);
    const what = `${asked.process} ${asked.key} ${JSON.stringify(asked.command)}`;
    const { answer } = asked;
    if (answer === null) {
      if (asked.diedAt === null) contradict(`${what} was never answered by ${endedAt}`);
      else figures.died += 1;
    } else if (answer.type === 'fault') {
      figures.faults += 1;
      if (answer.code === 'key_reused') auditReuse(asked, history.asked, contradict);
    } else if (answer.verdict.type === 'accepted') figures.accepted += 1;
    else if (answer.verdict.type === 'refused') figures.refused += 1;
    else contradict(`${what} was answered ${answer.text}`);
  }
  for (const alike of attempts.values()) auditRepeats(alike, parts);
  auditNotes(evidence, parts, attempts);
}

function byKey(lists: Map<string, Asked[]>, key: string): Asked[] {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  return list;
}

/** A key is reused only where another command went by it. */
function auditReuse(asked: Asked, all: readonly Asked[], contradict: (what: string) => void): void {
  const text = JSON.stringify(asked.command);
  const isReused = all.some(
    (other) =>
      other.contest === asked.contest &&
      other.person === asked.person &&
      other.key === asked.key &&
      other.receivedAt <= (asked.answer?.at ?? 0) &&
      JSON.stringify(other.command) !== text,
  );
  if (!isReused) contradict(`${asked.process} calls key ${asked.key} reused, which it was not`);
}

/** Every refusal noted in the log must have been right when it was given. */
function auditNotes(
  evidence: Evidence,
  parts: Parts,
  attempts: ReadonlyMap<string, readonly Asked[]>,
): void {
  const { played, contradict } = parts;
  const suspects: Suspect[] = [];
  for (const [tag, known] of played.verdicts) {
    if (!known.isNote || known.text === null) continue;
    const name = `${tag}${known.commandHash}`;
    const before = (attempts.get(name) ?? []).filter((one) => one.receivedAt <= known.writtenAt);
    const [first] = before;
    if (first === undefined) contradict(`${name} was noted, but nobody had asked`);
    else suspects.push(suspect(evidence, parts, { known, first, before }));
  }
  justify(parts, suspects);
}

function suspect(
  { log, clockToleranceMs, pseudonymOf }: Evidence,
  { drop, played }: Parts,
  note: { known: KnownVerdict; first: Asked; before: readonly Asked[] },
): Suspect {
  const { known, first, before } = note;
  const { person, contest, command } = first;
  const margin = CLOCK_MARGIN_MS + clockToleranceMs;
  const clock = (at: number) =>
    at + (log.clockOffsets.findLast(({ from }) => from <= at)?.offsetMs ?? 0);
  const given = [...before.map(({ receivedAt }) => clock(receivedAt)), clock(known.writtenAt)];
  const { opensAt, closesAt } = drop.terms;
  const turns = [opensAt - 1, opensAt, ...(closesAt === null ? [] : [closesAt - 1, closesAt])];
  return {
    command,
    name: `${first.process} ${first.key} ${JSON.stringify(command)}`,
    person: person === null ? null : pseudonymOf(contest, person),
    text: known.text ?? '',
    from: headAt(played, first.receivedAt - STALE_AFTER_MS),
    to: known.seq - 1,
    times: given.flatMap((at) => [
      at - margin,
      at,
      at + margin,
      ...turns.filter((turn) => Math.abs(turn - at) <= margin),
    ]),
    isJustified: false,
  };
}

/** The last position that was written by world time `at`. */
function headAt({ entries }: Replay, at: number): number {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((entries[middle]?.writtenAt ?? 0) <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Looks for a moment at which each suspect was right. */
function justify({ drop, played, contradict }: Parts, all: Suspect[]): void {
  if (all.length === 0) return;
  replay(drop.id, played.entries, (seq, model) => {
    for (const one of all) {
      if (one.isJustified || seq < one.from || seq > one.to) continue;
      one.isJustified = isRight(model, seq, one);
    }
  });
  for (const { isJustified, name, text, from, to } of all) {
    if (!isJustified) contradict(`${name} was refused with ${text}, not so from ${from} to ${to}`);
  }
}

function isRight(
  model: DropModel,
  seq: number,
  { command, person, text, times }: Suspect,
): boolean {
  return times.some((at) => {
    const outcome = model.decide(command, { seq: seq + 1, at, person });
    return 'refusal' in outcome && stableText({ type: 'refused', ...outcome }) === text;
  });
}

/** All answers to one key are the same bytes, and are what the log says, which said so before. */
function auditRepeats(alike: readonly Asked[], { played, figures, contradict }: Parts): void {
  const [first] = alike;
  if (first === undefined) return;
  const { tag, commandHash } = nameOf(first);
  const known = played.verdicts.get(tag);
  const texts = new Set<string>();
  let answers = 0;
  for (const { answer, process } of alike) {
    if (answer?.type !== 'verdict') continue;
    texts.add(answer.text);
    answers += 1;
    const isTheLogs = known?.commandHash === commandHash && known.writtenAt <= answer.at;
    if (isTheLogs && stableText(answer.verdict) === known.text) continue;
    contradict(`${process} answered key ${first.key} ${answer.text}, the log has ${known?.text}`);
  }
  figures.repeats += Math.max(0, answers - 1);
  if (texts.size > 1) contradict(`key ${first.key} was answered ${[...texts].join(' and ')}`);
}
