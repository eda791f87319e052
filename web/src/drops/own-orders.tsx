import type { Order } from '@dibs/sdk/wire';
import { Link } from '@tanstack/react-router';
import { useText } from '../messages/text.ts';
import { OrderStatusChip } from '../orders/order-status.tsx';
import { PayPanel } from '../orders/pay-panel.tsx';

/** The person's orders of this drop, the ones that are to be paid with the means to do so. */
export function OwnOrders({ orders }: { orders: readonly Order[] }) {
  const text = useText();
  if (orders.length === 0) return null;
  return (
    <section aria-label={text('drop.yours')} className="grid gap-3">
      <h2 className="text-lg">{text('drop.yours')}</h2>
      {orders.slice(0, 5).map((order) => (
        <div key={order.id} className="rounded-2xl border border-line p-4">
          <div className="flex flex-wrap items-center justify-between gap-2">
            <Link
              to="/orders/$orderId"
              params={{ orderId: order.id }}
              className="link inline-block py-1 font-semibold"
            >
              {text('order.units', { quantity: order.quantity })}
            </Link>
            <OrderStatusChip status={order.status} />
          </div>
          {order.status === 'reserved' && (
            <div className="mt-4">
              <PayPanel order={order} />
            </div>
          )}
        </div>
      ))}
    </section>
  );
}
