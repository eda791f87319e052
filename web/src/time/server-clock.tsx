import type { Client } from '@dibs/sdk';
import { createContext, type ReactNode, useContext, useEffect, useState } from 'react';

/** The server's clock as this tab knows it: `now()`, and how far it may be off. */
export type ServerClock = ReturnType<Client['serverClock']>;

const ClockContext = createContext<ServerClock | null>(null);

export function ClockProvider({ clock, children }: { clock: ServerClock; children: ReactNode }) {
  return <ClockContext value={clock}>{children}</ClockContext>;
}

export function useServerClock(): ServerClock {
  const clock = useContext(ClockContext);
  if (clock === null) throw new Error('useServerClock needs a ClockProvider around it');
  return clock;
}

/** True once the server's clock has come to `at`; it changes by itself at that instant. */
export function useIsPast(at: number | null): boolean {
  const clock = useServerClock();
  const [, redraw] = useState(0);
  const isPast = at !== null && clock.now() >= at;
  useEffect(() => {
    if (at === null || isPast) return;
    let timer: ReturnType<typeof setTimeout>;
    const wait = () => {
      const leftMs = at - clock.now();
      if (leftMs <= 0) return redraw((count) => count + 1);
      // The clock may be corrected meanwhile, and timers hold no more than 2^31 ms.
      timer = setTimeout(wait, Math.min(leftMs, 1_000));
    };
    wait();
    return () => clearTimeout(timer);
  }, [at, isPast, clock]);
  return isPast;
}
