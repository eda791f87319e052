import type { Drop } from './crowd.ts';
import type { History } from './history.ts';
import type { SimulatedLog } from './simulated-log.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import type { SimulatedRows } from './simulated-rows.ts';

/** All that the auditor may look at: what was seen from outside, raw logs, rows, final replicas. */
export interface Evidence {
  readonly history: History;
  readonly log: SimulatedLog;
  readonly rows: SimulatedRows;
  readonly processes: readonly SimulatedProcess[];
  readonly drops: readonly Drop[];
  readonly endedAt: number;
  /** By how much the log's clock may have been set while a process knew it. */
  readonly clockToleranceMs: number;
  readonly pseudonymOf: (contest: string, person: string) => string;
  readonly personOf: (contest: string, pseudonym: string) => string;
}

/** How much happened: a world in which nothing does proves nothing. */
export interface Figures {
  asked: number;
  accepted: number;
  refused: number;
  faults: number;
  died: number;
  repeats: number;
  entries: number;
  offers: number;
  settled: number;
  latePaid: number;
  refunds: number;
}
