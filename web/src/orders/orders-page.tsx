import type { Order } from '@dibs/sdk/wire';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Button } from '../controls/button.tsx';
import { useLocale, useText } from '../messages/text.ts';
import { formatMoney } from '../money/money.ts';
import { SignedInOnly } from '../people/signed-in-only.tsx';
import { LoadError, Loading } from '../shell/loading.tsx';
import { Page } from '../shell/page.tsx';
import { CountdownClock } from '../time/countdown-clock.tsx';
import { formatInstant } from '../time/instants.ts';
import { OrderStatusChip } from './order-status.tsx';
import { ordersQuery } from './queries.ts';

export function OrdersPage() {
  const text = useText();
  return (
    <SignedInOnly title={text('orders.title')}>
      {() => (
        <Page title={text('orders.title')}>
          <OrderList />
        </Page>
      )}
    </SignedInOnly>
  );
}

function OrderList() {
  const text = useText();
  const orders = useInfiniteQuery(ordersQuery);
  if (orders.isPending) return <Loading />;
  if (orders.isError)
    return <LoadError error={orders.error} onRetry={() => void orders.refetch()} />;
  const items = orders.data.pages.flatMap((page) => page.items);
  if (items.length === 0) {
    return (
      <div className="sheet grid justify-items-start gap-4 p-8">
        <p className="text-lg">{text('orders.none')}</p>
        <Link to="/" className="button button-main">
          {text('orders.toDrops')}
        </Link>
      </div>
    );
  }
  return (
    <>
      <ul className="grid gap-3">
        {items.map((order) => (
          <OrderRow key={order.id} order={order} />
        ))}
      </ul>
      {orders.hasNextPage && (
        <Button
          className="mt-6"
          isPending={orders.isFetchingNextPage}
          onPress={() => void orders.fetchNextPage()}
        >
          {text('shell.more')}
        </Button>
      )}
    </>
  );
}

function OrderRow({ order }: { order: Order }) {
  const text = useText();
  const locale = useLocale();
  return (
    <li className="sheet relative flex flex-wrap items-center justify-between gap-x-6 gap-y-3 p-5 hover:bg-wash">
      <div className="min-w-0 flex-1 basis-56">
        <Link
          to="/orders/$orderId"
          params={{ orderId: order.id }}
          className="font-display text-lg font-semibold after:absolute after:inset-0"
        >
          {order.title}
        </Link>
        <p className="kicker digits">
          {text('order.units', { quantity: order.quantity })} · {formatMoney(order.total, locale)} ·{' '}
          {formatInstant(order.createdAt, locale)}
        </p>
      </div>
      <div className="flex items-center gap-4">
        {order.status === 'reserved' && (
          <CountdownClock
            to={Date.parse(order.payBy)}
            label={text('pay.within')}
            spoken={null}
            className="font-semibold"
          />
        )}
        <OrderStatusChip status={order.status} />
      </div>
    </li>
  );
}
