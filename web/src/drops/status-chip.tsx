import type { Drop } from '@dibs/sdk/wire';
import type { ReactNode } from 'react';
import { type MessageId, useText } from '../messages/text.ts';
import { CheckIcon, ClockIcon, CrossIcon, PauseIcon } from '../shell/icons.tsx';

/** What a drop is to a visitor. `sold_out` is no status of the drop: units may come back. */
export type Showing = 'scheduled' | 'open' | 'window' | 'sold_out' | 'paused' | 'ended';

/** How a drop stands at an instant of the server's clock. Pure. */
export function showingOf(drop: Drop, nowMs: number): Showing {
  if (drop.status === 'ended') return 'ended';
  if (drop.closesAt !== null && nowMs >= Date.parse(drop.closesAt)) return 'ended';
  if (drop.status === 'paused') return 'paused';
  const opensAt = Date.parse(drop.opensAt);
  if (drop.status === 'scheduled' && nowMs < opensAt) return 'scheduled';
  if (drop.fairWindowMs > 0 && drop.seed === null) return 'window';
  return drop.left > 0 ? 'open' : 'sold_out';
}

const CHIPS: Readonly<Record<Showing, { words: MessageId; look: string; icon: ReactNode }>> = {
  scheduled: {
    words: 'status.scheduled',
    look: 'bg-wash',
    icon: <ClockIcon className="size-4" />,
  },
  open: {
    words: 'status.open',
    look: 'bg-jade-wash text-jade',
    icon: <CheckIcon className="size-4" />,
  },
  window: {
    words: 'status.window',
    look: 'bg-jade-wash text-jade',
    icon: <ClockIcon className="size-4" />,
  },
  sold_out: {
    words: 'status.soldOut',
    look: 'bg-ochre-wash text-ochre-ink',
    icon: <CrossIcon className="size-4" />,
  },
  paused: {
    words: 'status.paused',
    look: 'bg-ochre-wash text-ochre-ink',
    icon: <PauseIcon className="size-4" />,
  },
  ended: {
    words: 'status.ended',
    look: 'bg-wash text-soft',
    icon: <CheckIcon className="size-4" />,
  },
};

export function StatusChip({ showing }: { showing: Showing }) {
  const text = useText();
  const { words, look, icon } = CHIPS[showing];
  return (
    <span
      className={`inline-flex items-center gap-1.5 rounded-full px-3 py-1 text-sm font-semibold ${look}`}
    >
      {icon}
      {text(words)}
    </span>
  );
}
