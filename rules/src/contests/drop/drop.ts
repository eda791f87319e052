import type { Rules } from '../contest.ts';
import { decide } from './decide.ts';
import { evolve, start } from './evolve.ts';
import type { DropCommand, DropFact, DropRefusal, DropState } from './types.ts';
import { due, view } from './view.ts';

/** The drop: stock, first come first served or a fair window; RULES.md, DR1 and on. */
export const drop: Rules<DropState, DropCommand, DropFact, DropRefusal> = {
  kind: 'drop',
  version: 1,
  start,
  decide,
  evolve,
  due,
  view,
};
