import type { Drop } from '@dibs/sdk/wire';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { useAnnouncer } from '../announcer/live-regions.tsx';
import { useLocale, useText } from '../messages/text.ts';
import { formatMoney } from '../money/money.ts';
import { installationQuery, useMe } from '../people/me.ts';
import { LoadError, Loading } from '../shell/loading.tsx';
import { useHeadingFocus, usePageTitle } from '../shell/page.tsx';
import { useLiveDrop } from '../stream/live.tsx';
import { ClaimPanel } from './claim-panel.tsx';
import { CrowdLauncher } from './demo-panel.tsx';
import { DropTerms } from './drop-terms.tsx';
import { Happenings } from './happenings.tsx';
import { DropPicture } from './picture.tsx';
import { dropQuery, ownDropQuery } from './queries.ts';
import { type Showing, StatusChip } from './status-chip.tsx';
import { StockBar } from './stock-bar.tsx';
import { useShowing } from './use-showing.ts';
import { WhenPanel } from './when-panel.tsx';

const route = getRouteApi('/drops/$dropId');

export function DropPage() {
  const { dropId } = route.useParams();
  const drop = useQuery(dropQuery(dropId));
  if (drop.isPending) return <Loading />;
  if (drop.isError) return <LoadError error={drop.error} onRetry={() => void drop.refetch()} />;
  return <LoadedDrop key={dropId} fetched={drop.data} />;
}

function LoadedDrop({ fetched }: { fetched: Drop }) {
  const text = useText();
  const drop = useLiveDrop(fetched);
  const showing = useShowing(drop);
  const demo = useQuery(installationQuery).data?.demo ?? null;
  usePageTitle(drop.title);
  useFigureNews(drop, showing);
  return (
    <div className="mx-auto grid max-w-6xl gap-x-12 gap-y-8 lg:grid-cols-[1.05fr_1fr] lg:grid-rows-[auto_1fr]">
      <DropPicture
        drop={drop}
        isEager
        className="aspect-[4/3] w-full rounded-3xl border border-line lg:col-start-1"
      />
      <div className="grid content-start gap-6 lg:col-start-2 lg:row-span-2 lg:row-start-1">
        <DropHeading drop={drop} showing={showing} />
        <section aria-label={text('claim.title')} className="sheet grid gap-6 p-5 sm:p-7">
          <WhenPanel drop={drop} showing={showing} />
          <ClaimPanel drop={drop} showing={showing} />
          <StockBar units={drop} isLarge />
          {drop.waiting > 0 && (
            <p className="kicker">{text('waiting.count', { count: drop.waiting })}</p>
          )}
        </section>
        {demo !== null && demo.drop === drop.id && showing !== 'ended' && (
          <CrowdLauncher dropId={drop.id} hasLink={false} />
        )}
      </div>
      <div className="grid content-start gap-10 lg:col-start-1">
        {drop.description !== '' && (
          <p className="max-w-prose text-lg whitespace-pre-line">{drop.description}</p>
        )}
        <Happenings dropId={drop.id} />
        <DropTerms drop={drop} />
      </div>
    </div>
  );
}

function DropHeading({ drop, showing }: { drop: Drop; showing: Showing }) {
  const text = useText();
  const locale = useLocale();
  const heading = useHeadingFocus();
  const me = useMe();
  const own = useQuery({ ...ownDropQuery(drop.id), enabled: me != null }).data;
  return (
    <header className="grid gap-4">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <StatusChip showing={showing} />
        {own?.isHost === true && (
          <Link to="/studio/$dropId" params={{ dropId: drop.id }} className="link py-2">
            {text('drop.toStudio')}
          </Link>
        )}
      </div>
      <h1 ref={heading} tabIndex={-1} className="text-[clamp(1.9rem,5vw,2.9rem)]">
        {drop.title}
      </h1>
      <p className="flex flex-wrap items-baseline gap-x-4">
        <span className="digits font-display text-2xl font-semibold">
          {drop.price.amount === 0 ? text('drop.free') : formatMoney(drop.price, locale)}
        </span>
        <span className="text-soft">{text('drop.by', { host: drop.host.name })}</span>
      </p>
    </header>
  );
}

/** Tells readers what changed: stock coalesced by the announcer, the drop's state as it turns. */
function useFigureNews(drop: Drop, showing: Showing): void {
  const text = useText();
  const announcer = useAnnouncer();
  const before = useRef<Showing | null>(null);
  const { left, stock } = drop;
  useEffect(() => {
    if (before.current === null) announcer.startStock(left, stock);
    else
      announcer.announce({
        priority: 'stock',
        text: text('announce.stock', { left, stock }),
        left,
        stock,
      });
  }, [announcer, text, left, stock]);
  useEffect(() => {
    const was = before.current;
    before.current = showing;
    if (was === null || was === showing) return;
    if (showing === 'paused')
      announcer.announce({ priority: 'time', text: text('announce.paused') });
    else if (was === 'paused' && showing !== 'ended') {
      announcer.announce({ priority: 'time', text: text('announce.resumed') });
    } else if (showing === 'ended') {
      announcer.announce({ priority: 'time', text: text('announce.ended') });
    }
  }, [announcer, text, showing]);
}
