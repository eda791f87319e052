import type { QueryClient } from '@tanstack/react-query';
import type { WireFact } from '../drops/live-drop.ts';
import type { MessageId } from '../messages/text.ts';
import type { NoticeBoard } from '../shell/notices.tsx';
import type { OwnFactListener } from '../stream/feed.ts';

/** Facts that a person should hear of on any screen; all others only refresh what is shown. */
const NEWS: Readonly<Record<string, MessageId>> = {
  offered: 'notice.offered',
  expired: 'notice.expired',
  refunded: 'notice.refunded',
};

/** The lists follow the log by less than this; a fact may be here before they know it. */
const LISTS_LAG_MS = 1_000;

/** Keeps what is shown of the person's own orders true. */
export function followOwnFacts(queries: QueryClient, board: NoticeBoard): OwnFactListener {
  const fetchAnew = () => {
    for (const name of ['orders', 'order', 'own']) {
      void queries.invalidateQueries({ queryKey: [name] });
    }
  };
  let again: ReturnType<typeof setTimeout> | undefined;
  const refresh = () => {
    fetchAnew();
    clearTimeout(again);
    again = setTimeout(fetchAnew, LISTS_LAG_MS);
  };
  return {
    onOwnFacts(facts: readonly WireFact[]) {
      refresh();
      for (const { type, contest, order } of facts) {
        const message = NEWS[type];
        if (message !== undefined && contest !== undefined && order !== undefined) {
          board.post(message, `${contest}-${order}`);
        }
      }
    },
    onOwnReset: refresh,
  };
}
