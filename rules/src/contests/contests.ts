import type { CommandShape, FactShape, RefusalShape, Rules } from './contest.ts';
import { drop } from './drop/drop.ts';

/** Rules of any kind, as the arena and the verifier see them. */
export type AnyRules = Rules<unknown, CommandShape, FactShape, RefusalShape>;

/** Every kind of contest. A new kind is one line here. */
export const contests: Readonly<Record<string, AnyRules>> = {
  drop: drop as unknown as AnyRules,
};
