import { useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { useAnnouncer } from '../announcer/live-regions.tsx';
import { useText } from '../messages/text.ts';
import { WarnIcon } from '../shell/icons.tsx';
import { useConnection } from './live.tsx';

/** A blink of the network is nobody's business: only a loss that lasts is shown and said. */
const PATIENCE_MS = 1_500;

/** Says that figures may be old, until the stream has come back by itself. */
export function ConnectionBanner() {
  const text = useText();
  const announcer = useAnnouncer();
  const connection = useConnection();
  const isOffline = useSyncExternalStore(subscribeOnline, () => !navigator.onLine);
  const [isLost, setLost] = useState(false);
  const wasTold = useRef(false);
  useEffect(() => {
    if (connection === 'lost' || isOffline) {
      const timer = setTimeout(() => setLost(true), PATIENCE_MS);
      return () => clearTimeout(timer);
    }
    setLost(false);
    return;
  }, [connection, isOffline]);
  useEffect(() => {
    if (isLost === wasTold.current) return;
    wasTold.current = isLost;
    announcer.announce({
      priority: 'now',
      text: text(isLost ? 'connection.lost' : 'connection.back'),
    });
  }, [isLost, announcer, text]);
  if (!isLost) return null;
  return (
    <div className="sticky top-0 z-40 border-b border-danger bg-danger-wash">
      <p className="mx-auto flex max-w-6xl items-center gap-3 px-4 py-2.5 font-semibold sm:px-6">
        <WarnIcon className="size-5 text-danger" />
        {text('connection.lost')}
      </p>
    </div>
  );
}

/** The device says at once that it is offline; a silent stream is noticed only later. */
function subscribeOnline(listener: () => void): () => void {
  addEventListener('online', listener);
  addEventListener('offline', listener);
  return () => {
    removeEventListener('online', listener);
    removeEventListener('offline', listener);
  };
}
