import type { Fold } from '@dibs/rules/proof/fold.ts';

/**
 * Where folds are kept so that a cold start need not read a log from its beginning. A snapshot is a
 * cache: lost or of another version, the log is folded from the start.
 */
export interface SnapshotStore {
  /** The newest usable fold of the contest, owned by the caller, or null. */
  load(contest: string): Promise<Fold | null>;
}
