import type { OrderStatus } from '@dibs/sdk/wire';
import type { ReactNode } from 'react';
import { type MessageId, useText } from '../messages/text.ts';
import { CheckIcon, ClockIcon, CrossIcon } from '../shell/icons.tsx';

const check = <CheckIcon className="size-4" />;
const clock = <ClockIcon className="size-4" />;
const cross = <CrossIcon className="size-4" />;

const LOOKS: Readonly<Record<OrderStatus, { words: MessageId; look: string; icon: ReactNode }>> = {
  reserved: { words: 'order.reserved', look: 'bg-ochre-wash text-ochre-ink', icon: clock },
  paid: { words: 'order.paid', look: 'bg-jade-wash text-jade', icon: check },
  expired: { words: 'order.expired', look: 'bg-wash text-soft', icon: cross },
  cancelled: { words: 'order.cancelled', look: 'bg-wash text-soft', icon: cross },
  refunding: { words: 'order.refunding', look: 'bg-ochre-wash text-ochre-ink', icon: clock },
  refunded: { words: 'order.refunded', look: 'bg-wash text-soft', icon: check },
};

export function OrderStatusChip({ status }: { status: OrderStatus }) {
  const text = useText();
  const { words, look, icon } = LOOKS[status];
  return (
    <span
      className={`inline-flex items-center gap-1.5 rounded-full px-3 py-1 text-sm font-semibold ${look}`}
    >
      {icon}
      {text(words)}
    </span>
  );
}
