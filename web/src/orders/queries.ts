import type { Claim, Drop, Order } from '@dibs/sdk/wire';
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { client } from '../client.ts';
import { times } from '../money/money.ts';

export const ordersQuery = infiniteQueryOptions({
  queryKey: ['orders', 'all'],
  initialPageParam: null as string | null,
  queryFn: ({ pageParam, signal }) =>
    client.orders.list(
      { limit: 20, ...(pageParam === null ? {} : { cursor: pageParam }) },
      { signal },
    ),
  getNextPageParam: (page) => page.next,
});

export const orderQuery = (id: string) =>
  queryOptions({
    queryKey: ['order', id],
    queryFn: ({ signal }) => client.orders.get(id, { signal }),
  });

/** The person's newest orders, among which those of a drop they look at are. */
export const recentOrdersQuery = queryOptions({
  queryKey: ['orders', 'recent'],
  queryFn: ({ signal }) => client.orders.list({ limit: 100 }, { signal }),
});

/** The order a claim brought forth, before the lists know it. */
export function orderOfClaim(claim: Claim, drop: Drop): Order {
  return {
    id: claim.orderId,
    dropId: drop.id,
    title: drop.title,
    quantity: claim.quantity,
    total: times(drop.price, claim.quantity),
    // What costs nothing is paid as soon as it is claimed.
    status: drop.price.amount === 0 ? 'paid' : claim.status,
    createdAt: new Date().toISOString(),
    payBy: claim.payBy,
  };
}

/** Orders of a drop, newest first, with the one just claimed if the lists lag behind it. */
export function ordersOfDrop(
  listed: readonly Order[],
  dropId: string,
  claimed: Order | null,
): readonly Order[] {
  const ofDrop = listed.filter((order) => order.dropId === dropId);
  const isListed = claimed === null || ofDrop.some(({ id }) => id === claimed.id);
  return isListed ? ofDrop : [claimed, ...ofDrop];
}
