import { useEffect, useRef, useState } from 'react';
import { useAnnouncer } from '../announcer/live-regions.tsx';
import { type MessageId, useText } from '../messages/text.ts';
import {
  countdownDigits,
  countdownParts,
  crossedThreshold,
  nextTickMs,
  type Threshold,
} from './countdown.ts';
import { useServerClock } from './server-clock.tsx';

/** What is left until `to` on the server's clock, in ms, redrawn when the display changes. */
export function useTimeLeft(to: number, spoken: MessageId | null): number {
  const clock = useServerClock();
  const announcer = useAnnouncer();
  const text = useText();
  const [leftMs, setLeftMs] = useState(() => to - clock.now());
  const say = useRef<(threshold: Threshold) => void>(() => {});
  say.current = (seconds) => {
    if (spoken === null) return;
    announcer.announce({ priority: 'time', text: text(spoken, { seconds }) });
  };
  useEffect(() => {
    let frame = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let before = to - clock.now();
    const tick = () => {
      const now = to - clock.now();
      const crossed = crossedThreshold(before, now);
      if (crossed !== null) say.current(crossed);
      before = now;
      setLeftMs(now);
      if (now <= 0) return;
      const waitMs = nextTickMs(now);
      if (waitMs > 0) timer = setTimeout(tick, waitMs);
      else if (document.hidden) timer = setTimeout(tick, Math.min(250, now));
      else frame = requestAnimationFrame(tick);
    };
    tick();
    return () => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
    };
  }, [to, clock]);
  return leftMs;
}

/** The digits of a countdown. Readers are told at thresholds; the digits themselves are silent. */
export function CountdownClock(props: {
  to: number;
  label: string;
  spoken: MessageId | null;
  className?: string;
}) {
  const text = useText();
  const leftMs = useTimeLeft(props.to, props.spoken);
  const parts = countdownParts(leftMs);
  return (
    <div role="timer" aria-live="off" aria-label={props.label}>
      <span className={`digits ${props.className ?? ''}`}>
        {parts.days > 0 && `${text('time.days', { days: parts.days })} `}
        {countdownDigits(parts)}
      </span>
    </div>
  );
}
