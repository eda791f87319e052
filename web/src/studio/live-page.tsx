import type { Drop } from '@dibs/sdk/wire';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { dropQuery } from '../drops/queries.ts';
import { StatusChip } from '../drops/status-chip.tsx';
import { StockBar } from '../drops/stock-bar.tsx';
import { useShowing } from '../drops/use-showing.ts';
import { WhenPanel } from '../drops/when-panel.tsx';
import { type MessageId, useLocale, useText } from '../messages/text.ts';
import { formatMoney } from '../money/money.ts';
import { SignedInOnly } from '../people/signed-in-only.tsx';
import { LoadError, Loading } from '../shell/loading.tsx';
import { Page } from '../shell/page.tsx';
import { useLiveDrop } from '../stream/live.tsx';
import { useServerClock } from '../time/server-clock.tsx';
import { addSample, type Sample } from './history.ts';
import { Steering } from './steering.tsx';
import { UnitsPlot } from './units-plot.tsx';

const route = getRouteApi('/studio/$dropId');

export function StudioLivePage() {
  const text = useText();
  const { dropId } = route.useParams();
  return (
    <SignedInOnly title={text('studio.title')}>
      {() => <HostedDrop key={dropId} dropId={dropId} />}
    </SignedInOnly>
  );
}

function HostedDrop({ dropId }: { dropId: string }) {
  const drop = useQuery(dropQuery(dropId));
  if (drop.isPending) return <Loading />;
  if (drop.isError) return <LoadError error={drop.error} onRetry={() => void drop.refetch()} />;
  return <Watched fetched={drop.data} />;
}

/** The figures as they change, and every second so that time goes on in the plot. */
function useHistory(drop: Drop): readonly Sample[] {
  const clock = useServerClock();
  const [samples, setSamples] = useState<readonly Sample[]>([]);
  const { left, held, sold } = drop;
  useEffect(() => {
    const add = () => setSamples((known) => addSample(known, { left, held, sold }, clock.now()));
    add();
    const timer = setInterval(add, 1_000);
    return () => clearInterval(timer);
  }, [clock, left, held, sold]);
  return samples;
}

function Watched({ fetched }: { fetched: Drop }) {
  const text = useText();
  const drop = useLiveDrop(fetched);
  const showing = useShowing(drop);
  const samples = useHistory(drop);
  return (
    <Page
      title={text('studio.liveTitle', { title: drop.title })}
      heading={drop.title}
      kicker={<StatusChip showing={showing} />}
      actions={
        <Link to="/drops/$dropId" params={{ dropId: drop.id }} className="button">
          {text('studio.toDrop')}
        </Link>
      }
      isWide
    >
      <div className="grid gap-8">
        <Figures drop={drop} />
        <StockBar units={drop} isLarge />
        <section aria-label={text('studio.steer')} className="sheet grid gap-6 p-6">
          <h2 className="text-xl">{text('studio.steer')}</h2>
          <WhenPanel drop={drop} showing={showing} />
          <Steering drop={drop} />
        </section>
        <section aria-label={text('studio.plot')} className="sheet grid gap-4 p-6">
          <div>
            <h2 className="text-xl">{text('studio.plot')}</h2>
            <p className="kicker">{text('studio.plotLead')}</p>
          </div>
          <UnitsPlot samples={samples} />
        </section>
      </div>
    </Page>
  );
}

function Figures({ drop }: { drop: Drop }) {
  const text = useText();
  const locale = useLocale();
  const revenue = { amount: drop.price.amount * drop.sold, currency: drop.price.currency };
  const figures: readonly (readonly [MessageId, string])[] = [
    ['stock.left', text('number', { value: drop.left })],
    ['stock.held', text('number', { value: drop.held })],
    ['stock.sold', text('number', { value: drop.sold })],
    ['studio.waiting', text('number', { value: drop.waiting })],
    ['studio.revenue', formatMoney(revenue, locale)],
  ];
  return (
    <dl className="grid grid-cols-2 gap-px overflow-hidden rounded-2xl border border-line bg-line sm:grid-cols-3 lg:grid-cols-5">
      {figures.map(([name, value]) => (
        <div
          key={name}
          className="flex flex-col-reverse justify-end bg-sheet p-5 last:col-span-2 lg:last:col-span-1"
        >
          <dt className="kicker">{text(name)}</dt>
          <dd className="digits font-display text-3xl font-semibold break-all">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
