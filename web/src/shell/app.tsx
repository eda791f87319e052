import { I18nProvider } from '@lingui/react';
import { type QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode, useEffect } from 'react';
import type { Announcer } from '../announcer/announcer.ts';
import { LiveRegions } from '../announcer/live-regions.tsx';
import { i18n } from '../messages/language.ts';
import { meQuery, useMe } from '../people/me.ts';
import { watchPresence } from '../people/presence.ts';
import type { Feed } from '../stream/feed.ts';
import { FeedProvider } from '../stream/live.tsx';
import { ClockProvider, type ServerClock } from '../time/server-clock.tsx';
import { type NoticeBoard, NoticeProvider } from './notices.tsx';
import type { createAppRouter } from './routes.tsx';

/** What there is one of per tab. */
export interface AppParts {
  readonly queries: QueryClient;
  readonly board: NoticeBoard;
  readonly feed: Feed;
  readonly clock: ServerClock;
  readonly announcer: Announcer;
  readonly router: ReturnType<typeof createAppRouter>;
}

export function App({ queries, board, feed, clock, announcer, router }: AppParts) {
  return (
    <StrictMode>
      <I18nProvider i18n={i18n}>
        <QueryClientProvider client={queries}>
          <ClockProvider clock={clock}>
            <FeedProvider feed={feed}>
              <NoticeProvider board={board}>
                <LiveRegions announcer={announcer}>
                  <OwnFacts queries={queries} feed={feed} />
                  <RouterProvider router={router} />
                </LiveRegions>
              </NoticeProvider>
            </FeedProvider>
          </ClockProvider>
        </QueryClientProvider>
      </I18nProvider>
    </StrictMode>
  );
}

/** Whoever is signed in hears of their own orders wherever they are; all tabs are one person. */
function OwnFacts({ queries, feed }: { queries: QueryClient; feed: Feed }) {
  const me = useMe();
  const personId = me?.id ?? null;
  useEffect(() => watchPresence(() => void queries.resetQueries(meQuery)), [queries]);
  useEffect(() => {
    if (personId === null) return;
    feed.watchMe(true);
    return () => feed.watchMe(false);
  }, [feed, personId]);
  return null;
}
