import type { Order } from '@dibs/sdk/wire';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { type MessageId, useLocale, useText } from '../messages/text.ts';
import { formatMoney } from '../money/money.ts';
import { SignedInOnly } from '../people/signed-in-only.tsx';
import { KeptFocus } from '../shell/kept-focus.tsx';
import { LoadError, Loading } from '../shell/loading.tsx';
import { Page } from '../shell/page.tsx';
import { formatInstant } from '../time/instants.ts';
import { OrderStatusChip } from './order-status.tsx';
import { PayPanel } from './pay-panel.tsx';
import { orderQuery } from './queries.ts';

const route = getRouteApi('/orders/$orderId');

const MEANING: Readonly<Record<Order['status'], MessageId>> = {
  reserved: 'order.reservedNote',
  paid: 'order.paidNote',
  expired: 'order.expiredNote',
  cancelled: 'order.cancelledNote',
  refunding: 'order.refundingNote',
  refunded: 'order.refundedNote',
};

export function OrderPage() {
  const text = useText();
  const { orderId } = route.useParams();
  return (
    <SignedInOnly title={text('order.title')}>{() => <OwnOrder orderId={orderId} />}</SignedInOnly>
  );
}

function OwnOrder({ orderId }: { orderId: string }) {
  const text = useText();
  const locale = useLocale();
  const loaded = useQuery(orderQuery(orderId));
  if (loaded.isPending) return <Loading />;
  if (loaded.isError)
    return <LoadError error={loaded.error} onRetry={() => void loaded.refetch()} />;
  const order = loaded.data;
  return (
    <Page
      title={text('order.titleOf', { title: order.title })}
      heading={order.title}
      kicker={text('order.title')}
      actions={<OrderStatusChip status={order.status} />}
    >
      <KeptFocus className="sheet grid gap-6 p-6 sm:p-8">
        <p className="text-lg">{text(MEANING[order.status])}</p>
        {order.status === 'reserved' && (
          <PayPanel order={order} onChanged={() => void loaded.refetch()} />
        )}
        <dl className="border-t border-line">
          <Row name={text('order.quantity')}>
            {text('order.units', { quantity: order.quantity })}
          </Row>
          <Row name={text('order.total')}>{formatMoney(order.total, locale)}</Row>
          <Row name={text('order.createdAt')}>{formatInstant(order.createdAt, locale)}</Row>
          <Row name={text('order.payBy')}>{formatInstant(order.payBy, locale)}</Row>
          <Row name={text('order.number')}>
            <code className="font-mono text-sm break-all">{order.id}</code>
          </Row>
        </dl>
        <div className="flex flex-wrap gap-3">
          <Link to="/drops/$dropId" params={{ dropId: order.dropId }} className="button">
            {text('order.toDrop')}
          </Link>
          <Link to="/verify" search={{ contest: order.dropId }} className="button">
            {text('terms.verify')}
          </Link>
        </div>
      </KeptFocus>
    </Page>
  );
}

function Row({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="grid gap-x-6 border-b border-line py-2.5 sm:grid-cols-[11rem_1fr]">
      <dt className="text-soft">{name}</dt>
      <dd className="digits">{children}</dd>
    </div>
  );
}
