import { ConnectionLost, DibsProblem } from '@dibs/sdk';
import type { Claim, Drop, Order } from '@dibs/sdk/wire';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useAnnouncer } from '../announcer/live-regions.tsx';
import { client } from '../client.ts';
import { Button } from '../controls/button.tsx';
import { ErrorNote } from '../controls/error-note.tsx';
import { Stepper } from '../controls/stepper.tsx';
import { useText } from '../messages/text.ts';
import { orderOfClaim, ordersOfDrop, recentOrdersQuery } from '../orders/queries.ts';
import { useMe } from '../people/me.ts';
import { KeptFocus } from '../shell/kept-focus.tsx';
import { Said } from '../shell/said.tsx';
import { OwnOrders } from './own-orders.tsx';
import { ownDropQuery } from './queries.ts';
import type { Showing } from './status-chip.tsx';
import { WaitingPanel } from './waiting-panel.tsx';

/** What one may do with a drop as it stands, and what became of it. */
export function ClaimPanel({ drop, showing }: { drop: Drop; showing: Showing }) {
  const me = useMe();
  if (me === undefined) return <div className="min-h-15" />;
  if (me === null) return <SignInFirst drop={drop} showing={showing} />;
  return <SignedInPanel drop={drop} showing={showing} />;
}

function SignInFirst({ drop, showing }: { drop: Drop; showing: Showing }) {
  const text = useText();
  if (showing === 'ended') return null;
  return (
    <Link
      to="/sign-in"
      search={{ next: `/drops/${drop.id}` }}
      className="button button-main button-large w-full"
    >
      {text('claim.signIn')}
    </Link>
  );
}

interface Press {
  readonly quantity: number;
  /** Of an earlier press whose outcome is unknown: the same key cannot claim twice. */
  readonly key: string | null;
}

function useClaim(drop: Drop, onWon: (order: Order) => void) {
  const queries = useQueryClient();
  return useMutation<Claim, unknown, Press>({
    mutationFn: ({ quantity, key }) =>
      client.drops.claim(
        drop.id,
        { quantity },
        // The answer of a claim in the fair window comes when the window settles.
        { timeoutMs: drop.fairWindowMs + 20_000, ...(key === null ? {} : { key }) },
      ),
    onSuccess(claim) {
      onWon(orderOfClaim(claim, drop));
      void queries.invalidateQueries({ queryKey: ['orders'] });
      void queries.invalidateQueries({ queryKey: ['own', drop.id] });
    },
  });
}

function SignedInPanel({ drop, showing }: { drop: Drop; showing: Showing }) {
  const [won, setWon] = useState<Order | null>(null);
  const [quantity, setQuantity] = useState(1);
  const own = useQuery(ownDropQuery(drop.id)).data;
  const listed = useQuery(recentOrdersQuery).data?.items ?? [];
  const orders = ordersOfDrop(listed, drop.id, won);
  const claim = useClaim(drop, setWon);
  const units = orders
    .filter(({ status }) => status === 'reserved' || status === 'paid')
    .reduce((sum, order) => sum + order.quantity, 0);
  const mayClaimMore = units < drop.limitPerPerson;
  const isLive = showing === 'open' || showing === 'window' || showing === 'scheduled';
  const maximum = Math.max(1, Math.min(drop.quantityMax, drop.limitPerPerson - units));
  const press = (key: string | null) => claim.mutate({ quantity, key });
  return (
    <KeptFocus className="grid gap-6">
      <Outcome
        claim={claim}
        order={orders.find(({ id }) => id === won?.id) ?? null}
        isWaiting={own?.waiting != null}
        onRetry={press}
      />
      <OwnOrders orders={orders} />
      {isLive && mayClaimMore && (
        <ClaimButton
          showing={showing}
          quantity={Math.min(quantity, maximum)}
          maximum={maximum}
          isPending={claim.isPending}
          onQuantity={setQuantity}
          onPress={() => press(null)}
        />
      )}
      <WaitingPanel
        drop={drop}
        isOffered={showing === 'sold_out' && mayClaimMore}
        place={own?.waiting ?? null}
        maximum={maximum}
      />
    </KeptFocus>
  );
}

function ClaimButton(props: {
  showing: Showing;
  quantity: number;
  maximum: number;
  isPending: boolean;
  onQuantity: (quantity: number) => void;
  onPress: () => void;
}) {
  const text = useText();
  const announcer = useAnnouncer();
  const { showing, isPending } = props;
  const isEarly = showing === 'scheduled';
  // Before the opening the button can be focused already, so that a keyboard is as fast as a mouse.
  const press = () => {
    if (isEarly) announcer.announce({ priority: 'now', text: text('problem.notOpen') });
    else if (!isPending) props.onPress();
  };
  return (
    <div className="grid gap-3">
      <div className="flex flex-wrap items-end gap-3">
        {props.maximum > 1 && (
          <Stepper
            label={text('claim.quantity')}
            value={props.quantity}
            minimum={1}
            maximum={props.maximum}
            onChange={props.onQuantity}
          />
        )}
        <button
          type="button"
          aria-disabled={isEarly || isPending}
          data-disabled={isEarly ? '' : undefined}
          className="button button-main button-large min-w-44 flex-1"
          onClick={press}
        >
          {isPending
            ? text('claim.sending')
            : isEarly
              ? text('claim.notYet')
              : text('claim.press', { quantity: props.quantity })}
        </button>
      </div>
      {isPending && showing === 'window' && (
        <p className="rounded-xl bg-jade-wash px-4 py-3 font-semibold">
          <Said words={text('claim.inWindow')} />
        </p>
      )}
    </div>
  );
}

/**
 * What came of the last press: won, refused and why, or unknown and how to find out. It steps aside
 * once something later has become true: the order expired, or a place on the waiting list is held.
 */
function Outcome(props: {
  claim: ReturnType<typeof useClaim>;
  /** The order that the claim brought forth, as it stands now. */
  order: Order | null;
  isWaiting: boolean;
  onRetry: (key: string | null) => void;
}) {
  const text = useText();
  const { claim, order } = props;
  if (claim.isSuccess) {
    const { quantity } = claim.data;
    if (order?.status !== 'paid' && order?.status !== 'reserved') return null;
    const isPaid = order.status === 'paid';
    const look = 'rounded-xl bg-jade-wash px-4 py-3 font-display text-xl font-semibold text-jade';
    // The payment has been told already, by the panel it was made with.
    if (isPaid && order.total.amount > 0) return <p className={look}>{text('pay.done')}</p>;
    return (
      <p className={look}>
        <Said words={text(isPaid ? 'claim.wonFree' : 'claim.won', { quantity })} />
      </p>
    );
  }
  if (!claim.isError || props.isWaiting) return null;
  const { error } = claim;
  const isUnknown =
    error instanceof ConnectionLost || (error instanceof DibsProblem && error.isTemporary);
  return (
    <div className="grid justify-items-start gap-3">
      <ErrorNote error={error} />
      {isUnknown && <Button onPress={() => props.onRetry(error.key)}>{text('claim.retry')}</Button>}
    </div>
  );
}
