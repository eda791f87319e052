import { genesisHash, hashLink } from '@dibs/rules/proof/chain.ts';
import { type BatchHead, type ContestLog, type LogBatch, LogMissing } from './log.ts';

interface MemoryContest {
  batches: LogBatch[];
  seq: number;
  at: number;
  hash: string;
}

/** The log in memory: for the simulator, which crashes processes but never this. */
export class MemoryLog implements ContestLog {
  readonly #contests = new Map<string, MemoryContest>();
  readonly #followers = new Set<(contest: string | null) => void>();
  readonly #now: () => number;

  /** `now`: the clock of the log, milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  async create(contest: string): Promise<void> {
    if (this.#contests.has(contest)) return;
    this.#contests.set(contest, { batches: [], seq: 0, at: 0, hash: genesisHash(contest) });
  }

  async append(contest: string, payload: string, count: number): Promise<BatchHead> {
    const held = this.#contests.get(contest);
    if (held === undefined) throw new LogMissing(`contest ${contest} has no log`);
    const at = Math.max(held.at, this.#now());
    const link = { epoch: 1, seq: held.seq + 1, at, payload };
    const hash = hashLink(held.hash, link);
    held.batches.push({ ...link, hash, count });
    held.seq += count;
    held.at = at;
    held.hash = hash;
    for (const onGrowth of this.#followers) onGrowth(contest);
    return { epoch: 1, seq: link.seq, at, hash };
  }

  async read(contest: string, after: number, entriesMax: number): Promise<LogBatch[]> {
    const read: LogBatch[] = [];
    let entries = 0;
    for (const batch of this.#contests.get(contest)?.batches ?? []) {
      if (batch.seq <= after) continue;
      if (entries >= entriesMax) break;
      read.push(batch);
      entries += batch.count;
    }
    return read;
  }

  async heads(contests: readonly string[]): Promise<Map<string, number>> {
    const heads = new Map<string, number>();
    for (const contest of contests) {
      const held = this.#contests.get(contest);
      if (held !== undefined) heads.set(contest, held.seq);
    }
    return heads;
  }

  async follow(onGrowth: (contest: string | null) => void): Promise<{ close(): Promise<void> }> {
    this.#followers.add(onGrowth);
    return { close: async () => void this.#followers.delete(onGrowth) };
  }

  async now(): Promise<number> {
    return this.#now();
  }

  async trim(contest: string, through: number): Promise<void> {
    const held = this.#contests.get(contest);
    if (held === undefined) return;
    held.batches = held.batches.filter((batch) => batch.seq + batch.count - 1 > through);
  }
}
