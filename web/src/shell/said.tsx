import { type ReactNode, useEffect } from 'react';
import { useAnnouncer } from '../announcer/live-regions.tsx';

/** A sentence that appears after something the person did, and is said at once. */
export function Said({ words, children }: { words: string; children?: ReactNode }) {
  const announcer = useAnnouncer();
  useEffect(() => announcer.announce({ priority: 'now', text: words }), [announcer, words]);
  return <>{children ?? words}</>;
}
