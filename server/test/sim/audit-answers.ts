import { createHash } from 'node:crypto';
import type { Drop } from './crowd.ts';
import type { Evidence, Figures } from './evidence.ts';
import { type Answered, type Asked, stableText } from './history.ts';
import type { DropModel } from './model.ts';
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

/** A refusal that no entry of the log decided: it must have been right at some recent moment. */
interface Suspect {
  readonly asked: Asked;
  /** The person's pseudonym. */
  readonly person: string | null;
  readonly refusal: string;
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
  const { drop, played, figures, contradict } = parts;
  const suspects: Suspect[] = [];
  const firsts = new Map<string, Asked[]>();
  for (const asked of history.asked) {
    if (asked.contest !== drop.id) continue;
    figures.asked += 1;
    const what = `${asked.process} ${asked.key} ${JSON.stringify(asked.command)}`;
    const { answer } = asked;
    if (answer === null) {
      if (asked.diedAt === null) contradict(`${what} was never answered by ${endedAt}`);
      else figures.died += 1;
      continue;
    }
    if (answer.type === 'fault') {
      figures.faults += 1;
      if (answer.code === 'key_reused') auditReuse(asked, history.asked, contradict);
      continue;
    }
    const name = nameOf(asked);
    const known = played.verdicts.get(name.tag);
    const { verdict } = answer;
    const isKnown = known !== undefined && known.commandHash === name.commandHash;
    const alike = byKey(firsts, `${name.tag}${name.commandHash}`);
    alike.push(asked);
    if (verdict.type === 'accepted') {
      figures.accepted += 1;
      if (!isKnown) contradict(`${what} was accepted, the log has no such entry`);
      else auditAgainstLog(answer, known, { what, contradict });
    } else if (verdict.type === 'refused') {
      figures.refused += 1;
      const isDecided =
        isKnown && known.text === stableText(verdict) && known.writtenAt <= answer.at;
      const isFirst = alike.length === 1;
      if (isDecided && !(known.isNote && isFirst)) continue;
      suspects.push(suspect(evidence, parts, asked, stableText(verdict.refusal)));
    } else contradict(`${what} was answered ${answer.text}`);
  }
  justify(parts, suspects);
  for (const alike of firsts.values()) auditRepeats(alike, parts);
}

function byKey(lists: Map<string, Asked[]>, key: string): Asked[] {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  return list;
}

function auditAgainstLog(
  answer: Answered & { type: 'verdict' },
  known: KnownVerdict,
  { what, contradict }: { what: string; contradict: (what: string) => void },
): void {
  const text = stableText(answer.verdict);
  if (text !== known.text) contradict(`${what} was told ${text}, the log has ${known.text}`);
  if (known.writtenAt > answer.at) contradict(`${what} was accepted before it was durable`);
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

function suspect(
  { log, clockToleranceMs, pseudonymOf }: Evidence,
  { played }: Parts,
  asked: Asked,
  refusal: string,
): Suspect {
  const answeredAt = asked.answer?.at ?? 0;
  const margin = CLOCK_MARGIN_MS + clockToleranceMs;
  const clock = (at: number) =>
    at + (log.clockOffsets.findLast(({ from }) => from <= at)?.offsetMs ?? 0);
  const [early, late] = [clock(asked.receivedAt), clock(answeredAt)];
  return {
    asked,
    person: asked.person === null ? null : pseudonymOf(asked.contest, asked.person),
    refusal,
    from: headAt(played, asked.receivedAt - STALE_AFTER_MS),
    to: headAt(played, answeredAt),
    times: [early - margin, early, late, late + margin],
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

/** Looks for a moment at which each suspect's refusal was right. */
function justify({ drop, played, contradict }: Parts, all: Suspect[]): void {
  if (all.length === 0) return;
  replay(drop.id, played.entries, (seq, model) => {
    for (const one of all) {
      if (one.isJustified || seq < one.from || seq > one.to) continue;
      one.isJustified = isRight(model, seq, one);
    }
  });
  for (const { isJustified, asked, refusal, from, to } of all) {
    if (isJustified) continue;
    contradict(
      `${asked.process} refused ${asked.key} ${JSON.stringify(asked.command)} with ${refusal}, ` +
        `which was not so from ${from} to ${to}`,
    );
  }
}

function isRight(
  model: DropModel,
  seq: number,
  { asked, person, refusal, times }: Suspect,
): boolean {
  return times.some((at) => {
    const outcome = model.decide(asked.command, { seq: seq + 1, at, person });
    return 'refusal' in outcome && stableText(outcome.refusal) === refusal;
  });
}

/** All answers to one key are the same bytes, and are what the log says, which said so before. */
function auditRepeats(alike: readonly Asked[], { played, figures, contradict }: Parts): void {
  const [first] = alike;
  if (first === undefined) return;
  figures.repeats += alike.length - 1;
  const { tag, commandHash } = nameOf(first);
  const known = played.verdicts.get(tag);
  const texts = new Set<string>();
  for (const { answer, process } of alike) {
    if (answer?.type !== 'verdict') continue;
    texts.add(answer.text);
    const isTheLogs = known?.commandHash === commandHash && known.writtenAt <= answer.at;
    if (isTheLogs && stableText(answer.verdict) === known.text) continue;
    contradict(`${process} answered key ${first.key} ${answer.text}, the log has ${known?.text}`);
  }
  if (texts.size > 1) contradict(`key ${first.key} was answered ${[...texts].join(' and ')}`);
}
