import type { Drop } from '@dibs/sdk/wire';
import { createContext, type ReactNode, useContext, useEffect, useSyncExternalStore } from 'react';
import type { DropFigures, WireFact } from '../drops/live-drop.ts';
import type { Connection, Feed } from './feed.ts';

const FeedContext = createContext<Feed | null>(null);

export function FeedProvider({ feed, children }: { feed: Feed; children: ReactNode }) {
  return <FeedContext value={feed}>{children}</FeedContext>;
}

export function useFeed(): Feed {
  const feed = useContext(FeedContext);
  if (feed === null) throw new Error('useFeed needs a FeedProvider around it');
  return feed;
}

/** The drop with its figures as they are now; it follows the drop while the screen is there. */
export function useLiveDrop(drop: Drop): Drop {
  const feed = useFeed();
  const { id, quantityMax } = drop;
  const isOver = drop.status === 'ended' && drop.held === 0;
  useEffect(() => {
    if (isOver) return;
    return feed.watchDrop(id, quantityMax);
  }, [feed, id, quantityMax, isOver]);
  useEffect(() => feed.offerFetched(id, drop, drop.position), [feed, id, drop]);
  const figures: DropFigures | null = useSyncExternalStore(feed.subscribe, () => feed.figures(id));
  return figures === null ? drop : { ...drop, ...figures };
}

/** Calls `onFacts` with every fact of one drop while the screen is there. */
export function useFacts(dropId: string, onFacts: (facts: readonly WireFact[]) => void): void {
  const feed = useFeed();
  useEffect(() => {
    return feed.subscribeFacts((id, facts) => {
      if (id === dropId) onFacts(facts);
    });
  }, [feed, dropId, onFacts]);
}

export function useConnection(): Connection {
  const feed = useFeed();
  return useSyncExternalStore(feed.subscribe, feed.connection);
}
