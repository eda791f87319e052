import { tagOf } from './audit-answers.ts';
import type { Evidence } from './evidence.ts';
import type { Replay } from './replay.ts';

/** What was written so shortly before the end may still be on its way. */
const ON_THE_WAY_MS = 2_500;
/** A deadline may be kept so late: a retry, a poll and a wire. */
const DEADLINE_LATE_MS = 3_000;

/** After a calm time every replica and the rows are at the log's end, and the clock owes nothing. */
export function auditEnd(
  evidence: Evidence,
  played: Replay,
  contradict: (what: string) => void,
): void {
  const { processes, rows, endedAt } = evidence;
  const settledSeq =
    played.entries.findLast((e) => e.writtenAt < endedAt - ON_THE_WAY_MS)?.seq ?? 0;
  const texts = new Map<number, string>();
  for (const process of processes) {
    if (!process.isUp) {
      contradict(`${process.name} did not come up again`);
      continue;
    }
    const replica = process.replica(played.contest);
    if (replica === null) continue;
    if (replica.seq < settledSeq) {
      contradict(`${process.name} stands at ${replica.seq}, the log at ${settledSeq}`);
    }
    const other = texts.get(replica.seq);
    if (other !== undefined && other !== replica.text) {
      contradict(`at ${replica.seq} ${process.name} has another state`);
    }
    texts.set(replica.seq, replica.text);
  }
  // In the worst of weathers a drop may not come to be: then nothing is projected either.
  if (played.model.terms === null) return;
  const cursor = rows.memory.rows(played.contest)?.cursor ?? 0;
  if (cursor < settledSeq) contradict(`rows stand at ${cursor}, the log at ${settledSeq}`);
  auditClock(evidence, played, contradict);
  auditNotes(evidence, played, contradict);
}

function auditClock(
  { endedAt, log, clockToleranceMs }: Evidence,
  { model }: Replay,
  contradict: (what: string) => void,
): void {
  const { terms } = model;
  if (terms === null) return;
  const offsetMs = log.clockOffsets.at(-1)?.offsetMs ?? 0;
  const due = endedAt + offsetMs - DEADLINE_LATE_MS - clockToleranceMs;
  for (const { number, status, payBy } of model.orders.values()) {
    if (status === 'reserved' && payBy < due) contradict(`order ${number} should have expired`);
    if (status === 'queued') contradict(`claim ${number} was left in the queue`);
  }
  if (terms.fairWindowMs > 0 && model.seed === null) contradict('the window was never settled');
  if (!model.isOpened && !model.isEnded) contradict('the drop was never opened');
  if (terms.closesAt !== null && terms.closesAt < due && !model.isEnded) {
    contradict('the drop was never closed');
  }
  const isOffering = !model.isPaused && !model.isOver(due);
  if (isOffering && model.left > 0 && model.line.length > 0) {
    contradict(`${model.line.length} people wait for ${model.left} idle units`);
  }
}

/** A refusal from memory finds its way into the log, as long as its process lives. */
function auditNotes(
  { history, processes, endedAt }: Evidence,
  played: Replay,
  contradict: (what: string) => void,
): void {
  const living = new Set(processes.map(({ life }) => life?.name));
  const noted = new Set<string>();
  for (const { keys, key } of played.entries) {
    for (const name of keys) noted.add(name.slice(0, 16));
    if (key !== null) noted.add(key.slice(0, 16));
  }
  for (const asked of history.asked) {
    if (asked.contest !== played.contest || asked.answer?.type !== 'verdict') continue;
    if (!living.has(asked.process) || asked.answer.at > endedAt - ON_THE_WAY_MS) continue;
    if (!noted.has(tagOf(asked))) {
      contradict(`${asked.process} never noted its answer to ${asked.key}`);
    }
  }
}
