import { createHash } from 'node:crypto';
import { stableText } from './history.ts';
import { DropModel, type ModelCommand, type ModelFact, type Moment } from './model.ts';
import type { WrittenBatch } from './simulated-log.ts';

/** One entry of a raw log, as the auditor read it. */
export interface RawEntry {
  readonly seq: number;
  readonly at: number;
  readonly writtenAt: number;
  readonly person: string | null;
  readonly key: string | null;
  readonly command: ModelCommand | null;
  readonly refused: unknown;
  readonly keys: readonly string[];
}

/** The verdict a key has by the log. */
export interface KnownVerdict {
  readonly commandHash: string;
  /** Stable JSON; null while it is deferred. */
  text: string | null;
  /** Position and world time from which the verdict stood. */
  seq: number;
  writtenAt: number;
  readonly isNote: boolean;
}

/** The log of one contest, read and played by the auditor's own model. */
export interface Replay {
  readonly contest: string;
  readonly entries: readonly RawEntry[];
  /** By position: what happened there. */
  readonly facts: readonly (readonly ModelFact[])[];
  readonly verdicts: ReadonlyMap<string, KnownVerdict>;
  readonly model: DropModel;
}

/** Reads raw batches; what is not a chain of whole batches in order is told to `contradict`. */
export function readRaw(
  contest: string,
  batches: readonly WrittenBatch[],
  contradict: (what: string) => void,
): RawEntry[] {
  const entries: RawEntry[] = [];
  let hash = createHash('sha256').update(`dibs-log/1:${contest}`).digest();
  let at = 0;
  for (const batch of batches) {
    const numbers = Buffer.alloc(24);
    numbers.writeBigUInt64BE(BigInt(batch.epoch), 0);
    numbers.writeBigUInt64BE(BigInt(batch.seq), 8);
    numbers.writeBigUInt64BE(BigInt(batch.at), 16);
    hash = createHash('sha256').update(hash).update(numbers).update(batch.payload).digest();
    if (hash.toString('hex') !== batch.hash) contradict(`the chain breaks at ${batch.seq}`);
    if (batch.seq !== entries.length + 1) contradict(`${batch.seq} after ${entries.length}`);
    if (batch.at < at) contradict(`time goes back at ${batch.seq}`);
    at = batch.at;
    const list = JSON.parse(batch.payload) as Partial<RawEntry>[];
    if (list.length !== batch.count) contradict(`${batch.seq} holds ${list.length} entries`);
    for (const raw of list) {
      entries.push({
        seq: entries.length + 1,
        at,
        writtenAt: batch.writtenAt,
        person: raw.person ?? null,
        key: raw.key ?? null,
        command: raw.command ?? null,
        refused: raw.refused ?? null,
        keys: raw.keys ?? [],
      });
    }
  }
  return entries;
}

/**
 * Plays entries by the model. `look` is called before the first entry and after each, with the
 * position and the model as it stands there.
 */
export function replay(
  contest: string,
  entries: readonly RawEntry[],
  look: (seq: number, model: DropModel) => void = () => {},
): Replay {
  const model = new DropModel();
  const verdicts = new Map<string, KnownVerdict>();
  const waiting = new Map<number, KnownVerdict>();
  const facts: ModelFact[][] = [[]];
  look(0, model);
  for (const entry of entries) {
    const { seq, writtenAt } = entry;
    facts.push([]);
    for (const key of entry.keys) {
      if (verdicts.has(key.slice(0, 16))) continue;
      const text = stableText({ type: 'refused', refusal: entry.refused });
      const commandHash = key.slice(16);
      verdicts.set(key.slice(0, 16), { commandHash, text, seq, writtenAt, isNote: true });
    }
    if (entry.command !== null && !verdicts.has(entry.key?.slice(0, 16) ?? '')) {
      facts[seq] = play(model, entry, { verdicts, waiting });
    }
    look(seq, model);
  }
  return { contest, entries, facts, verdicts, model };
}

function play(
  model: DropModel,
  entry: RawEntry,
  known: { verdicts: Map<string, KnownVerdict>; waiting: Map<number, KnownVerdict> },
): ModelFact[] {
  const { seq, at, writtenAt, person } = entry;
  const key = entry.key ?? '';
  const verdict: KnownVerdict = {
    commandHash: key.slice(16),
    text: null,
    seq,
    writtenAt,
    isNote: false,
  };
  known.verdicts.set(key.slice(0, 16), verdict);
  const outcome = model.decide(entry.command as ModelCommand, { seq, at, person } as Moment);
  if ('refusal' in outcome) {
    verdict.text = stableText({ type: 'refused', refusal: outcome.refusal });
    return [];
  }
  const { facts } = outcome;
  for (const fact of facts) model.happen(fact);
  for (const [claim, asker] of known.waiting) {
    const answers = facts.filter((fact) => fact['answers'] === claim);
    if (answers.length === 0) continue;
    const refusal = answers[0]?.['refusal'];
    asker.text =
      refusal === undefined
        ? stableText({ type: 'accepted', seq: asker.seq, at, facts: answers })
        : stableText({ type: 'refused', refusal });
    asker.seq = seq;
    asker.writtenAt = writtenAt;
    known.waiting.delete(claim);
  }
  if (facts.some((fact) => fact['defers'] === true)) {
    known.waiting.set(seq, verdict);
    return facts;
  }
  const own =
    person === null
      ? facts.slice(0, 1)
      : facts.filter((fact) => fact['person'] === undefined || fact['person'] === person);
  verdict.text = stableText({ type: 'accepted', seq, at, facts: own });
  return facts;
}
