import type { Order } from '@dibs/sdk/wire';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useAnnouncer } from '../announcer/live-regions.tsx';
import { client } from '../client.ts';
import { Button } from '../controls/button.tsx';
import { Confirm } from '../controls/confirm.tsx';
import { ErrorNote } from '../controls/error-note.tsx';
import { useLocale, useText } from '../messages/text.ts';
import { formatMoney } from '../money/money.ts';
import { installationQuery } from '../people/me.ts';
import { CountdownClock } from '../time/countdown-clock.tsx';
import { formatClock } from '../time/instants.ts';
import { useIsPast } from '../time/server-clock.tsx';

/** Pay within the time that is left, or give the units back. Only for a reserved order. */
export function PayPanel({ order, onChanged }: { order: Order; onChanged?: () => void }) {
  const text = useText();
  const locale = useLocale();
  const isLate = useIsPast(Date.parse(order.payBy));
  const pay = usePay(order, onChanged);
  if (pay.isSuccess && pay.data.status === 'paid') {
    return <p className="font-semibold text-jade">{text('pay.done')}</p>;
  }
  if (isLate) return <p className="text-soft">{text('pay.late')}</p>;
  return (
    <div className="grid gap-4">
      <div className="flex flex-wrap items-baseline gap-x-3">
        <span className="text-soft">{text('pay.within')}</span>
        <CountdownClock
          to={Date.parse(order.payBy)}
          label={text('pay.within')}
          spoken="announce.payLeft"
          className="font-display text-2xl font-semibold"
        />
        <span className="kicker">
          {text('pay.until', { at: formatClock(order.payBy, locale) })}
        </span>
      </div>
      <div className="flex flex-wrap gap-3">
        <PayButtons
          amount={formatMoney(order.total, locale)}
          isPending={pay.isPending}
          onPay={pay.mutate}
        />
        <CancelButton order={order} onChanged={onChanged} />
      </div>
      {pay.isError && <ErrorNote error={pay.error} />}
    </div>
  );
}

interface Way {
  readonly provider: string;
  /** On the provider's page instead of at once. */
  readonly page: boolean;
}

function usePay(order: Order, onChanged: (() => void) | undefined) {
  const text = useText();
  const announcer = useAnnouncer();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (way: Way) => client.orders.pay(order.id, way),
    onSuccess(paid) {
      if (paid.status !== 'paid' && paid.payUrl !== undefined) {
        globalThis.location.assign(paid.payUrl);
        return;
      }
      // The panel is gone as soon as the order is paid, so it cannot say so itself.
      if (paid.status === 'paid') announcer.announce({ priority: 'now', text: text('pay.done') });
      void queries.invalidateQueries({ queryKey: ['orders'] });
      queries.setQueryData<Order>(['order', order.id], (known) =>
        known === undefined ? known : { ...known, status: paid.status },
      );
      onChanged?.();
    },
  });
}

function PayButtons(props: { amount: string; isPending: boolean; onPay: (way: Way) => void }) {
  const text = useText();
  const providers = useQuery(installationQuery).data?.payments ?? [];
  const { amount, isPending, onPay } = props;
  const isSandbox = providers.includes('sandbox');
  const others = providers.filter((provider) => provider !== 'sandbox');
  return (
    <>
      {others.map((provider) => (
        <Button
          key={provider}
          kind="main"
          isLarge
          isPending={isPending}
          onPress={() => onPay({ provider, page: true })}
        >
          {text('pay.now', { amount })}
        </Button>
      ))}
      {isSandbox && (
        <>
          <Button
            kind={others.length === 0 ? 'main' : 'plain'}
            isLarge={others.length === 0}
            {...(others.length === 0 ? { className: 'w-full' } : {})}
            isPending={isPending}
            onPress={() => onPay({ provider: 'sandbox', page: false })}
          >
            {text('pay.sandboxNow', { amount })}
          </Button>
          <Button isDisabled={isPending} onPress={() => onPay({ provider: 'sandbox', page: true })}>
            {text('pay.sandboxPage')}
          </Button>
        </>
      )}
    </>
  );
}

function CancelButton({ order, onChanged }: { order: Order; onChanged: (() => void) | undefined }) {
  const text = useText();
  const queries = useQueryClient();
  const [isAsking, setAsking] = useState(false);
  return (
    <>
      <Button onPress={() => setAsking(true)}>{text('order.cancel')}</Button>
      <Confirm
        isOpen={isAsking}
        onClose={() => setAsking(false)}
        title={text('order.cancelTitle')}
        action={text('order.cancel')}
        isDanger
        onConfirm={async () => {
          const cancelled = await client.orders.cancel(order.id);
          queries.setQueryData(['order', order.id], cancelled);
          void queries.invalidateQueries({ queryKey: ['orders'] });
          onChanged?.();
        }}
      >
        <p>{text('order.cancelLead')}</p>
      </Confirm>
    </>
  );
}
