import type { Drop } from '@dibs/sdk/wire';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Button } from '../controls/button.tsx';
import { type MessageId, useText } from '../messages/text.ts';
import { installationQuery } from '../people/me.ts';
import { LoadError, Loading } from '../shell/loading.tsx';
import { Page } from '../shell/page.tsx';
import { useIsPast, useServerClock } from '../time/server-clock.tsx';
import { DemoPanel } from './demo-panel.tsx';
import { DropCard, LiveDropCard } from './drop-card.tsx';
import { liveDropsQuery, pastDropsQuery } from './queries.ts';

/** So many cards follow the stream; those further down show the list's figures. */
const LIVE_CARDS_MAX = 12;

export function HomePage() {
  const text = useText();
  return (
    <Page title={text('home.title')} heading={text('home.heading')} lead={text('home.lead')} isWide>
      <div className="grid gap-14">
        <LiveDrops />
        <PastDrops />
      </div>
    </Page>
  );
}

function LiveDrops() {
  const clock = useServerClock();
  const drops = useQuery(liveDropsQuery);
  const demo = useQuery(installationQuery).data?.demo ?? null;
  const items = drops.data?.items ?? [];
  const isOpen = (drop: Drop) =>
    drop.status !== 'scheduled' || Date.parse(drop.opensAt) <= clock.now();
  const open = items.filter(isOpen);
  const upcoming = items.filter((drop) => !isOpen(drop)).reverse();
  const next = upcoming[0];
  useIsPast(next === undefined ? null : Date.parse(next.opensAt));
  if (drops.isPending) return <Loading />;
  if (drops.isError) return <LoadError error={drops.error} onRetry={() => void drops.refetch()} />;
  // On stage stands what has units left, else what comes next, else what may get units back.
  const stage = open.find(({ left, status }) => left > 0 && status !== 'paused') ?? next ?? open[0];
  const others = (list: readonly Drop[]) => list.filter((drop) => drop !== stage);
  return (
    <>
      <div className={`grid gap-6 ${demo === null ? '' : 'lg:grid-cols-3'}`}>
        <div className={demo === null ? undefined : 'lg:col-span-2'}>
          {stage === undefined ? <NoDrops /> : <Stage drop={stage} isOpen={isOpen(stage)} />}
        </div>
        {demo !== null && <DemoPanel demo={demo} />}
      </div>
      <Shelf title="home.open" drops={others(open)} liveFrom={1} />
      <Shelf title="home.upcoming" drops={others(upcoming)} liveFrom={1 + others(open).length} />
    </>
  );
}

function Stage({ drop, isOpen }: { drop: Drop; isOpen: boolean }) {
  const text = useText();
  return (
    <section aria-label={text('home.stage')} className="flex h-full flex-col">
      <h2 className="mb-5 text-2xl">{text(isOpen ? 'home.now' : 'home.next')}</h2>
      <LiveDropCard key={drop.id} drop={drop} isOnStage />
    </section>
  );
}

function Shelf(props: { title: MessageId; drops: readonly Drop[]; liveFrom: number }) {
  const text = useText();
  const { title, drops, liveFrom } = props;
  if (drops.length === 0) return null;
  return (
    <section aria-label={text(title)}>
      <h2 className="mb-5 text-2xl">{text(title)}</h2>
      <div className="grid gap-6 sm:grid-cols-2 lg:grid-cols-3">
        {drops.map((drop, index) =>
          liveFrom + index < LIVE_CARDS_MAX ? (
            <LiveDropCard key={drop.id} drop={drop} />
          ) : (
            <DropCard key={drop.id} drop={drop} />
          ),
        )}
      </div>
    </section>
  );
}

function NoDrops() {
  const text = useText();
  return (
    <div className="sheet grid justify-items-start gap-4 p-8">
      <h2 className="text-2xl">{text('home.none')}</h2>
      <p className="text-soft">{text('home.noneHint')}</p>
      <Link to="/studio/new" className="button button-main">
        {text('studio.new')}
      </Link>
    </div>
  );
}

function PastDrops() {
  const text = useText();
  const past = useInfiniteQuery(pastDropsQuery);
  const drops = past.data?.pages.flatMap((page) => page.items) ?? [];
  if (drops.length === 0) return null;
  return (
    <section aria-label={text('home.past')}>
      <h2 className="mb-5 text-2xl">{text('home.past')}</h2>
      <div className="grid gap-6 sm:grid-cols-2 lg:grid-cols-3">
        {drops.map((drop) => (
          <DropCard key={drop.id} drop={drop} />
        ))}
      </div>
      {past.hasNextPage && (
        <Button
          className="mt-6"
          isPending={past.isFetchingNextPage}
          onPress={() => void past.fetchNextPage()}
        >
          {text('shell.more')}
        </Button>
      )}
    </section>
  );
}
