import type { Pseudonym } from '../../kernel/ids.ts';
import type { Due } from '../contest.ts';
import { unitsLeft, windowEnd } from './decide.ts';
import type { DropCommand, DropState } from './types.ts';

export type DropStatus = 'scheduled' | 'open' | 'paused' | 'ended';

/** What anyone may see of a drop; instants in milliseconds of log time. */
export interface DropView extends Readonly<Record<string, unknown>> {
  readonly status: DropStatus;
  readonly stock: number;
  readonly sold: number;
  readonly held: number;
  readonly left: number;
  /** How many people stand on the waiting list. */
  readonly waiting: number;
  /** Claims that await the settling of the fair window. */
  readonly queued: number;
  /** The fair window's seed, once revealed. */
  readonly seed: string | null;
}

export function view(state: DropState, at: number): DropView {
  return {
    status: statusAt(state, at),
    stock: state.stock,
    sold: state.sold,
    held: state.held,
    left: unitsLeft(state),
    waiting: state.waitingByPerson.size,
    queued: state.queue?.length ?? 0,
    seed: state.seed,
  };
}

/** The status at log time `at`, also before the clock's own entries have said so. */
export function statusAt(state: DropState, at: number): DropStatus {
  const closesAt = state.terms?.closesAt ?? null;
  if (state.phase === 'ended' || (closesAt !== null && at >= closesAt)) return 'ended';
  if (state.paused) return 'paused';
  return state.phase === 'open' || at >= (state.terms?.opensAt ?? 0) ? 'open' : 'scheduled';
}

/** How many people wait before `person`, or null when they are not on the waiting list. */
export function waitingAhead(state: DropState, person: Pseudonym): number | null {
  const place = state.waitingByPerson.get(person);
  if (place === undefined) return null;
  let ahead = 0;
  for (let index = state.waitingFrom; index < state.waiting.length; index += 1) {
    const other = state.waiting[index];
    if (other?.order === place) break;
    if (other !== null) ahead += 1;
  }
  return ahead;
}

/** The next thing the clock must submit: opening, settling, expiry or close, whichever is first. */
export function due(state: DropState): Due<DropCommand> | null {
  const { terms } = state;
  if (terms === null) return null;
  const candidates: Due<DropCommand>[] = [];
  if (state.phase === 'scheduled') {
    candidates.push({ at: terms.opensAt, command: { type: 'open' } });
  }
  const settlesAt = windowEnd(terms);
  if (settlesAt !== null && state.seed === null) {
    candidates.push({ at: settlesAt, command: { type: 'settle' }, needsSeed: true });
  }
  const first = state.deadlines[state.deadlinesFrom];
  if (first !== undefined) {
    const payBy = state.orders.get(first)?.payBy ?? 0;
    candidates.push({ at: payBy, command: { type: 'expire' } });
  }
  if (state.phase !== 'ended' && terms.closesAt !== null) {
    candidates.push({ at: terms.closesAt, command: { type: 'close' } });
  }
  return candidates.reduce<Due<DropCommand> | null>(
    (soonest, next) => (soonest === null || next.at < soonest.at ? next : soonest),
    null,
  );
}
