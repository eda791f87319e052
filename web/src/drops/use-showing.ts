import type { Drop } from '@dibs/sdk/wire';
import { useIsPast, useServerClock } from '../time/server-clock.tsx';
import { type Showing, showingOf } from './status-chip.tsx';

/** How the drop stands now; it changes by itself when it opens, when it closes. */
export function useShowing(drop: Drop): Showing {
  const clock = useServerClock();
  useIsPast(drop.status === 'scheduled' ? Date.parse(drop.opensAt) : null);
  useIsPast(drop.closesAt === null ? null : Date.parse(drop.closesAt));
  return showingOf(drop, clock.now());
}
