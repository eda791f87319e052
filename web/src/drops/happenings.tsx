import { useQuery } from '@tanstack/react-query';
import { useCallback, useEffect, useRef, useState } from 'react';
import { type MessageId, useLocale, useText } from '../messages/text.ts';
import { useMe } from '../people/me.ts';
import { useFacts } from '../stream/live.tsx';
import { formatClock } from '../time/instants.ts';
import type { WireFact } from './live-drop.ts';
import { ownDropQuery } from './queries.ts';

const WORDS: Readonly<Record<string, MessageId>> = {
  opened: 'fact.opened',
  paused: 'fact.paused',
  resumed: 'fact.resumed',
  restocked: 'fact.restocked',
  ended: 'fact.ended',
  queued: 'fact.queued',
  settled: 'fact.settled',
  claimed: 'fact.claimed',
  missed: 'fact.missed',
  paid: 'fact.paid',
  expired: 'fact.expired',
  cancelled: 'fact.cancelled',
  waiting: 'fact.waiting',
  leftWaiting: 'fact.leftWaiting',
  offered: 'fact.offered',
};

const SHOWN_MAX = 8;
/** A storm is unreadable fact by fact: the list moves on so often at most. */
const REDRAW_MS = 400;

/** The newest lines of the public log as they are written. Silent: the announcer speaks for it. */
export function Happenings({ dropId }: { dropId: string }) {
  const text = useText();
  const locale = useLocale();
  const me = useMe();
  const own = useQuery({ ...ownDropQuery(dropId), enabled: me != null }).data;
  const { facts, total } = useNewestFacts(dropId);
  if (facts.length === 0) return null;
  return (
    <section aria-label={text('fact.title')}>
      <div className="flex flex-wrap items-baseline justify-between gap-3">
        <h2 className="text-2xl">{text('fact.title')}</h2>
        <p className="kicker digits">{text('fact.total', { count: total })}</p>
      </div>
      <ol className="digits mt-4 border-t border-line">
        {facts.map((fact) => {
          const words = WORDS[fact.type];
          const isOwn = fact.person !== undefined && fact.person === own?.pseudonym;
          return (
            <li
              key={`${fact.seq} ${fact.type} ${fact.order ?? ''}`}
              className="flex flex-wrap gap-x-4 border-b border-line py-2"
            >
              <span className="w-14 text-soft">#{fact.seq}</span>
              <span className={`flex-1 basis-40 ${isOwn ? 'font-semibold' : ''}`}>
                {words !== undefined && text(words, { quantity: fact.quantity ?? 1 })}
                {isOwn && ` · ${text('fact.you')}`}
              </span>
              <time className="text-soft" dateTime={new Date(fact.at).toISOString()}>
                {formatClock(fact.at, locale)}
              </time>
            </li>
          );
        })}
      </ol>
    </section>
  );
}

function useNewestFacts(dropId: string) {
  const newest = useRef<WireFact[]>([]);
  const count = useRef(0);
  const [shown, setShown] = useState({ facts: [] as readonly WireFact[], total: 0 });
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  const onFacts = useCallback((facts: readonly WireFact[]) => {
    const known = facts.filter(({ type }) => WORDS[type] !== undefined);
    count.current += known.length;
    newest.current = [...known].reverse().concat(newest.current).slice(0, SHOWN_MAX);
    timer.current ??= setTimeout(() => {
      timer.current = null;
      setShown({ facts: newest.current, total: count.current });
    }, REDRAW_MS);
  }, []);
  useEffect(() => {
    return () => {
      if (timer.current !== null) clearTimeout(timer.current);
      timer.current = null;
    };
  }, []);
  useFacts(dropId, onFacts);
  return shown;
}
