import type { Drop } from '@dibs/sdk/wire';
import { infiniteQueryOptions, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { client } from '../client.ts';
import { Button } from '../controls/button.tsx';
import { StatusChip } from '../drops/status-chip.tsx';
import { StockBar } from '../drops/stock-bar.tsx';
import { useShowing } from '../drops/use-showing.ts';
import { useLocale, useText } from '../messages/text.ts';
import { installationQuery, mayHost } from '../people/me.ts';
import { SignedInOnly } from '../people/signed-in-only.tsx';
import { LoadError, Loading } from '../shell/loading.tsx';
import { Page } from '../shell/page.tsx';
import { formatInstant } from '../time/instants.ts';

const hostedQuery = infiniteQueryOptions({
  queryKey: ['hosted'],
  initialPageParam: null as string | null,
  queryFn: ({ pageParam, signal }) =>
    client.drops.list(
      { host: 'me', limit: 20, ...(pageParam === null ? {} : { cursor: pageParam }) },
      { signal },
    ),
  getNextPageParam: (page) => page.next,
});

/** A host's own drops. */
export function StudioPage() {
  const text = useText();
  const hosting = useQuery(installationQuery).data?.hosting ?? 'anyone';
  return (
    <SignedInOnly title={text('studio.title')}>
      {(me) =>
        mayHost(me, hosting) ? (
          <Page
            title={text('studio.title')}
            lead={text('studio.lead')}
            actions={
              <Link to="/studio/new" className="button button-main">
                {text('studio.new')}
              </Link>
            }
          >
            <HostedDrops />
          </Page>
        ) : (
          <Page title={text('studio.title')} lead={text('studio.hostsOnly')}>
            {null}
          </Page>
        )
      }
    </SignedInOnly>
  );
}

function HostedDrops() {
  const text = useText();
  const hosted = useInfiniteQuery(hostedQuery);
  if (hosted.isPending) return <Loading />;
  if (hosted.isError)
    return <LoadError error={hosted.error} onRetry={() => void hosted.refetch()} />;
  const drops = hosted.data.pages.flatMap((page) => page.items);
  if (drops.length === 0) return <p className="sheet p-8 text-lg">{text('studio.none')}</p>;
  return (
    <>
      <ul className="grid gap-3">
        {drops.map((drop) => (
          <HostedRow key={drop.id} drop={drop} />
        ))}
      </ul>
      {hosted.hasNextPage && (
        <Button
          className="mt-6"
          isPending={hosted.isFetchingNextPage}
          onPress={() => void hosted.fetchNextPage()}
        >
          {text('shell.more')}
        </Button>
      )}
    </>
  );
}

function HostedRow({ drop }: { drop: Drop }) {
  const text = useText();
  const locale = useLocale();
  const showing = useShowing(drop);
  return (
    <li className="sheet relative grid gap-4 p-5 hover:bg-wash">
      <div className="flex flex-wrap items-start justify-between gap-3">
        <div>
          <Link
            to="/studio/$dropId"
            params={{ dropId: drop.id }}
            className="font-display text-xl font-semibold after:absolute after:inset-0"
          >
            {drop.title}
          </Link>
          <p className="kicker">
            {text(showing === 'scheduled' ? 'drop.opensAt' : 'drop.openedAt', {
              at: formatInstant(drop.opensAt, locale),
            })}
          </p>
        </div>
        <StatusChip showing={showing} />
      </div>
      <StockBar units={drop} />
    </li>
  );
}
