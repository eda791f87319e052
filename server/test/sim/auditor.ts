import { auditAnswers } from './audit-answers.ts';
import { auditEnd } from './audit-end.ts';
import { auditRows } from './audit-rows.ts';
import type { Evidence, Figures } from './evidence.ts';
import { stableText } from './history.ts';
import { type Replay, readRaw, replay } from './replay.ts';

/**
 * Holds everything that was seen against a model that shares no code with the engine. Returns what
 * contradicts the promises; empty where there is nothing.
 */
export function audit(evidence: Evidence): { contradictions: string[]; figures: Figures } {
  const { history, log, drops } = evidence;
  const contradictions = [...history.contradictions];
  const figures: Figures = {
    asked: 0,
    accepted: 0,
    refused: 0,
    faults: 0,
    died: 0,
    repeats: 0,
    entries: 0,
    offers: 0,
    settled: 0,
    latePaid: 0,
    refunds: 0,
  };
  for (const drop of drops) {
    const contradict = (what: string) => contradictions.push(`${drop.id.slice(0, 4)}: ${what}`);
    const batches = log.written.filter(({ contest }) => contest === drop.id);
    try {
      const entries = readRaw(drop.id, batches, contradict);
      const played = replay(drop.id, entries);
      countFacts(played, figures);
      auditTold(evidence, played, contradict);
      auditAnswers(evidence, { drop, played, figures, contradict });
      auditRows(evidence, played, contradict);
      auditEnd(evidence, played, contradict);
    } catch (error) {
      contradict(`the model: ${error}`);
    }
  }
  return { contradictions, figures };
}

function countFacts(played: Replay, figures: Figures): void {
  figures.entries += played.entries.length;
  for (const fact of played.facts.flat()) {
    if (fact.type === 'offered') figures.offers += 1;
    if (fact.type === 'settled') figures.settled += 1;
    if (fact.type === 'paid' && fact['late'] === true) figures.latePaid += 1;
    if (fact.type === 'refundDue') figures.refunds += 1;
  }
}

/** Each process told its subscribers each entry once, in order, and what the model says happened. */
function auditTold(
  { history }: Evidence,
  played: Replay,
  contradict: (what: string) => void,
): void {
  const last = new Map<string, number>();
  const expected = played.facts.map((facts) => stableText(facts));
  // Most processes tell the same bytes: each text is put in order once.
  const stable = new Map<string, string>([['[]', '[]']]);
  for (const { contest, seq, facts, by } of history.told) {
    if (contest !== played.contest) continue;
    const before = last.get(by);
    if (before !== undefined && seq !== before + 1) contradict(`${by} told ${seq} after ${before}`);
    last.set(by, seq);
    const text = stable.get(facts) ?? stableText(JSON.parse(facts));
    stable.set(facts, text);
    if (text !== expected[seq]) {
      contradict(`at ${seq} ${by} told ${text}, the model has ${expected[seq]}`);
    }
  }
}
