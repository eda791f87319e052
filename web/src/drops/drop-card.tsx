import type { Drop } from '@dibs/sdk/wire';
import { Link } from '@tanstack/react-router';
import { useLocale, useText } from '../messages/text.ts';
import { formatMoney } from '../money/money.ts';
import { useLiveDrop } from '../stream/live.tsx';
import { CountdownClock } from '../time/countdown-clock.tsx';
import { formatInstant } from '../time/instants.ts';
import { DropPicture } from './picture.tsx';
import { StatusChip } from './status-chip.tsx';
import { StockBar } from './stock-bar.tsx';
import { useShowing } from './use-showing.ts';

/** A drop among others; it follows the stream. The whole card is its link's target. */
export function LiveDropCard({ drop, isOnStage = false }: { drop: Drop; isOnStage?: boolean }) {
  return <DropCard drop={useLiveDrop(drop)} isOnStage={isOnStage} />;
}

export function DropCard({ drop, isOnStage = false }: { drop: Drop; isOnStage?: boolean }) {
  const text = useText();
  const locale = useLocale();
  const showing = useShowing(drop);
  return (
    <article
      className={`sheet group relative grid overflow-hidden transition-transform duration-200 hover:-translate-y-0.5 focus-within:-translate-y-0.5 ${isOnStage ? 'flex-1 md:grid-cols-[1.1fr_1fr]' : ''}`}
    >
      <DropPicture
        drop={drop}
        isEager={isOnStage}
        className={`aspect-[3/2] w-full ${isOnStage ? 'md:aspect-auto md:h-full md:min-h-96' : ''}`}
      />
      <div className={`flex flex-col gap-4 p-5 ${isOnStage ? 'md:p-8' : ''}`}>
        <div className="flex flex-wrap items-center justify-between gap-2">
          <StatusChip showing={showing} />
          <span className="digits font-display text-xl font-semibold">
            {drop.price.amount === 0 ? text('drop.free') : formatMoney(drop.price, locale)}
          </span>
        </div>
        <div>
          <h3 className={isOnStage ? 'text-3xl' : 'text-xl'}>
            <Link
              to="/drops/$dropId"
              params={{ dropId: drop.id }}
              className="after:absolute after:inset-0 after:rounded-[1.25rem] focus-visible:outline-none focus-visible:after:outline-3 focus-visible:after:-outline-offset-3 focus-visible:after:outline-[var(--focus)]"
            >
              {drop.title}
            </Link>
          </h3>
          <p className="kicker mt-1">{text('drop.by', { host: drop.host.name })}</p>
        </div>
        {isOnStage && drop.description !== '' && (
          <p className="line-clamp-6 text-soft">{drop.description}</p>
        )}
        <div className="mt-auto grid gap-4">
          <When drop={drop} showing={showing} />
          <StockBar units={drop} />
        </div>
      </div>
    </article>
  );
}

function When({ drop, showing }: { drop: Drop; showing: string }) {
  const text = useText();
  const locale = useLocale();
  if (showing === 'scheduled') {
    return (
      <div className="flex items-baseline gap-2">
        <span className="kicker">{text('drop.opensIn')}</span>
        <CountdownClock
          to={Date.parse(drop.opensAt)}
          label={text('drop.opensIn')}
          spoken={null}
          className="text-lg font-semibold"
        />
      </div>
    );
  }
  if (showing !== 'ended' && drop.closesAt !== null) {
    return (
      <div className="flex items-baseline gap-2">
        <span className="kicker">{text('drop.closesIn')}</span>
        <CountdownClock
          to={Date.parse(drop.closesAt)}
          label={text('drop.closesIn')}
          spoken={null}
          className="text-lg font-semibold"
        />
      </div>
    );
  }
  return (
    <p className="kicker">{text('drop.openedAt', { at: formatInstant(drop.opensAt, locale) })}</p>
  );
}
