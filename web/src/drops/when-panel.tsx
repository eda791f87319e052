import type { Drop } from '@dibs/sdk/wire';
import { type ReactNode, useEffect, useRef } from 'react';
import { useAnnouncer } from '../announcer/live-regions.tsx';
import { type MessageId, useLocale, useText } from '../messages/text.ts';
import { CountdownClock } from '../time/countdown-clock.tsx';
import { formatClock, formatInstant } from '../time/instants.ts';
import { useServerClock } from '../time/server-clock.tsx';
import type { Showing } from './status-chip.tsx';

/** Where the drop stands in time, in one glance. */
export function WhenPanel({ drop, showing }: { drop: Drop; showing: Showing }) {
  const text = useText();
  const locale = useLocale();
  const opensAt = Date.parse(drop.opensAt);
  useOpeningNews(showing);
  switch (showing) {
    case 'scheduled':
      return (
        <div>
          <BigCountdown to={opensAt} label="drop.opensIn" spoken="announce.opensIn" />
          <p className="kicker mt-1">
            {text('drop.opensAt', { at: `${formatInstant(opensAt, locale)}` })} <ClockAccuracy />
          </p>
          {drop.fairWindowMs > 0 && <FairWindowNote drop={drop} />}
        </div>
      );
    case 'window':
      return (
        <div>
          <BigCountdown to={opensAt + drop.fairWindowMs} label="claim.windowLeft" spoken={null} />
          <FairWindowNote drop={drop} />
          {drop.queued > 0 && (
            <p className="digits mt-2 font-semibold">
              {text('drop.queued', { count: drop.queued })}
            </p>
          )}
        </div>
      );
    case 'paused':
      return <Notice>{text('drop.pausedNote')}</Notice>;
    case 'ended':
      return <Notice>{text('drop.endedNote', { sold: drop.sold, stock: drop.stock })}</Notice>;
    case 'sold_out':
      return (
        <Notice>
          {text(drop.held > 0 ? 'drop.soldOutHeld' : 'drop.soldOutNote', { held: drop.held })}
        </Notice>
      );
    case 'open':
      return drop.closesAt === null ? null : (
        <div>
          <BigCountdown
            to={Date.parse(drop.closesAt)}
            label="drop.closesIn"
            spoken="announce.closesIn"
          />
          <p className="kicker mt-1">
            {text('drop.closesAt', { at: formatClock(drop.closesAt, locale) })}
          </p>
        </div>
      );
  }
}

/** Says that it is open, whether this device's clock or the server was the first to know. */
function useOpeningNews(showing: Showing): void {
  const text = useText();
  const announcer = useAnnouncer();
  const before = useRef(showing);
  useEffect(() => {
    const wasScheduled = before.current === 'scheduled';
    before.current = showing;
    if (!wasScheduled || (showing !== 'open' && showing !== 'window')) return;
    announcer.announce({ priority: 'time', text: text('announce.openNow') });
  }, [announcer, text, showing]);
}

function Notice({ children }: { children: ReactNode }) {
  return <p className="font-display text-xl">{children}</p>;
}

function BigCountdown(props: { to: number; label: MessageId; spoken: MessageId | null }) {
  const text = useText();
  return (
    <>
      <p className="kicker">{text(props.label)}</p>
      <CountdownClock
        to={props.to}
        label={text(props.label)}
        spoken={props.spoken}
        className="font-display text-[clamp(2.75rem,9vw,4.25rem)] leading-none font-semibold"
      />
    </>
  );
}

function FairWindowNote({ drop }: { drop: Drop }) {
  const text = useText();
  return (
    <p className="mt-3 rounded-xl bg-jade-wash px-4 py-3">
      {text('drop.fairWindow', { seconds: drop.fairWindowMs / 1000 })}
    </p>
  );
}

/** How well this device knows the server's time: people race by it. */
function ClockAccuracy() {
  const text = useText();
  const clock = useServerClock();
  if (!Number.isFinite(clock.errorMs)) return null;
  return <> · {text('time.accuracy', { ms: Math.max(1, Math.ceil(clock.errorMs)) })}</>;
}
