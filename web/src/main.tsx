import './app.css';
import { QueryClient } from '@tanstack/react-query';
import { createRoot } from 'react-dom/client';
import { createAnnouncer } from './announcer/live-regions.tsx';
import { client } from './client.ts';
import { activateLanguage, startLanguage } from './messages/language.ts';
import { followOwnFacts } from './orders/own-facts.ts';
import { App } from './shell/app.tsx';
import { NoticeBoard } from './shell/notices.tsx';
import { createAppRouter } from './shell/routes.tsx';
import { Feed } from './stream/feed.ts';

/** The composition of the app: what there is one of per tab is made here and handed down. */
async function start(): Promise<void> {
  const queries = new QueryClient({
    // The client retries by itself, and knows what is worth it.
    defaultOptions: {
      queries: { retry: false },
      mutations: { retry: false, networkMode: 'always' },
    },
  });
  const board = new NoticeBoard();
  const feed = new Feed(client, followOwnFacts(queries, board));
  const clock = client.serverClock();
  clock.start();
  await activateLanguage(startLanguage(), false);
  const place = document.getElementById('root');
  if (place === null) throw new Error('index.html has no #root');
  const announcer = createAnnouncer();
  const router = createAppRouter();
  createRoot(place).render(<App {...{ queries, board, feed, clock, announcer, router }} />);
  if (import.meta.env.PROD && 'serviceWorker' in navigator) await keepShell();
}

/** Registers the offline shell, and names it the files that were loaded before it was there. */
async function keepShell(): Promise<void> {
  try {
    await navigator.serviceWorker.register('/service-worker.js');
    const { active } = await navigator.serviceWorker.ready;
    const files = performance
      .getEntriesByType('resource')
      .map(({ name }) => new URL(name))
      .filter(({ origin, pathname }) => origin === location.origin && /^\/assets\//.test(pathname))
      .map(({ pathname }) => pathname);
    active?.postMessage({ type: 'keep', files });
  } catch {
    // Without it the app works as well, only not offline.
  }
}

void start();
