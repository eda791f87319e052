import { createContext, type ReactNode, useContext, useSyncExternalStore } from 'react';
import { Announcer } from './announcer.ts';

const AnnouncerContext = createContext<Announcer | null>(null);

/** The page's announcer, on the browser's clock. */
export function createAnnouncer(): Announcer {
  return new Announcer({
    now: () => performance.now(),
    later(callback, delayMs) {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
  });
}

/** Gives the announcer to everything inside and holds the only two live regions of the app. */
export function LiveRegions({
  announcer,
  children,
}: {
  announcer: Announcer;
  children: ReactNode;
}) {
  return (
    <AnnouncerContext value={announcer}>
      {children}
      <Regions announcer={announcer} />
    </AnnouncerContext>
  );
}

/** The keys make a repeated sentence a new node, which readers speak again. */
function Regions({ announcer }: { announcer: Announcer }) {
  const voice = useSyncExternalStore(announcer.subscribe, announcer.voice);
  return (
    <div className="sr-only" data-live-announcer="true">
      <div role="alert" aria-atomic="true">
        <span key={voice.assertive.number}>{voice.assertive.text}</span>
      </div>
      <div role="status" aria-atomic="true">
        <span key={voice.polite.number}>{voice.polite.text}</span>
      </div>
    </div>
  );
}

export function useAnnouncer(): Announcer {
  const announcer = useContext(AnnouncerContext);
  if (announcer === null) throw new Error('useAnnouncer needs LiveRegions around it');
  return announcer;
}
