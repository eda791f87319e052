import './app.css';
import { I18nProvider } from '@lingui/react';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode, useEffect } from 'react';
import { createRoot } from 'react-dom/client';
import { createAnnouncer, LiveRegions } from './announcer/live-regions.tsx';
import { client } from './client.ts';
import { activateLanguage, i18n, startLanguage } from './messages/language.ts';
import { followOwnFacts } from './orders/own-facts.ts';
import { useMe } from './people/me.ts';
import { NoticeBoard, NoticeProvider } from './shell/notices.tsx';
import { createAppRouter } from './shell/routes.tsx';
import { Feed } from './stream/feed.ts';
import { FeedProvider } from './stream/live.tsx';
import { ClockProvider } from './time/server-clock.tsx';

/** The composition of the app: what there is one of per tab is made here and handed down. */
const queries = new QueryClient({
  // The client retries by itself, and knows what is worth it.
  defaultOptions: { queries: { retry: false }, mutations: { retry: false } },
});
const board = new NoticeBoard();
const feed = new Feed(client, followOwnFacts(queries, board));
const announcer = createAnnouncer();
const clock = client.serverClock();
const router = createAppRouter();

/** Whoever is signed in hears of their own orders wherever they are. */
function OwnFacts() {
  const me = useMe();
  const personId = me?.id ?? null;
  useEffect(() => {
    if (personId === null) return;
    feed.watchMe(true);
    return () => feed.watchMe(false);
  }, [personId]);
  return null;
}

function App() {
  return (
    <StrictMode>
      <I18nProvider i18n={i18n}>
        <QueryClientProvider client={queries}>
          <ClockProvider clock={clock}>
            <FeedProvider feed={feed}>
              <NoticeProvider board={board}>
                <LiveRegions announcer={announcer}>
                  <OwnFacts />
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

async function start(): Promise<void> {
  clock.start();
  await activateLanguage(startLanguage(), false);
  const place = document.getElementById('root');
  if (place === null) throw new Error('index.html has no #root');
  createRoot(place).render(<App />);
  if (import.meta.env.PROD && 'serviceWorker' in navigator) {
    // Without it the app works as well, only not offline.
    navigator.serviceWorker.register('/service-worker.js').catch(() => {});
  }
}

void start();
