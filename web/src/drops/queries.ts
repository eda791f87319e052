import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { client } from '../client.ts';

export const dropQuery = (id: string) =>
  queryOptions({
    queryKey: ['drop', id],
    staleTime: 5_000,
    queryFn: ({ signal }) => client.drops.get(id, { signal }),
  });

/** What one may follow now or soon, the latest to open first. */
export const liveDropsQuery = queryOptions({
  queryKey: ['drops', 'live'],
  staleTime: 5_000,
  refetchInterval: 30_000,
  queryFn: ({ signal }) => client.drops.list({ status: 'live', limit: 50 }, { signal }),
});

export const pastDropsQuery = infiniteQueryOptions({
  queryKey: ['drops', 'ended'],
  staleTime: 30_000,
  initialPageParam: null as string | null,
  queryFn: ({ pageParam, signal }) =>
    client.drops.list(
      { status: 'ended', limit: 6, ...(pageParam === null ? {} : { cursor: pageParam }) },
      { signal },
    ),
  getNextPageParam: (page) => page.next,
});

/** What the person who is signed in has to do with a drop. */
export const ownDropQuery = (id: string) =>
  queryOptions({
    queryKey: ['own', id],
    queryFn: ({ signal }) => client.drops.own(id, { signal }),
  });
