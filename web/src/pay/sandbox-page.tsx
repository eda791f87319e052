import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { client } from '../client.ts';
import { Button } from '../controls/button.tsx';
import { ErrorNote } from '../controls/error-note.tsx';
import { useLocale, useText } from '../messages/text.ts';
import { formatMoney } from '../money/money.ts';
import { LoadError, Loading } from '../shell/loading.tsx';
import { Page } from '../shell/page.tsx';
import { Said } from '../shell/said.tsx';
import { CountdownClock } from '../time/countdown-clock.tsx';

const route = getRouteApi('/pay/sandbox/$payment');

/**
 * The pay page of the sandbox, which stands for any provider's: one may approve, decline, or never
 * answer, and see what becomes of the order.
 */
export function SandboxPage() {
  const text = useText();
  const locale = useLocale();
  const { payment } = route.useParams();
  const queries = useQueryClient();
  const queryKey = ['sandbox', payment];
  const session = useQuery({
    queryKey,
    queryFn: ({ signal }) => client.sandbox.get(payment, { signal }),
  });
  const decide = useMutation({
    mutationFn: (decision: 'approve' | 'decline') => client.sandbox.decide(payment, decision),
    onSuccess(decided) {
      queries.setQueryData(queryKey, decided);
      void queries.invalidateQueries({ queryKey: ['orders'] });
      void queries.invalidateQueries({ queryKey: ['order', decided.orderId] });
    },
  });
  if (session.isPending) return <Loading />;
  if (session.isError) {
    return <LoadError error={session.error} onRetry={() => void session.refetch()} />;
  }
  const { title, total, status, payBy, orderId } = session.data;
  return (
    <Page title={text('sandbox.title')} kicker={text('sandbox.kicker')}>
      <div className="sheet grid gap-6 border-2! border-dashed! border-edge! p-6 sm:p-8">
        <div>
          <p className="text-lg">{title}</p>
          <p className="digits font-display text-5xl font-semibold">{formatMoney(total, locale)}</p>
        </div>
        {status === 'open' && (
          <>
            <p className="text-soft">{text('sandbox.lead')}</p>
            <div className="flex flex-wrap items-baseline gap-3">
              <span className="text-soft">{text('pay.within')}</span>
              <CountdownClock
                to={Date.parse(payBy)}
                label={text('pay.within')}
                spoken="announce.payLeft"
                className="text-xl font-semibold"
              />
            </div>
            <div className="flex flex-wrap gap-3">
              <Button
                kind="main"
                isLarge
                isPending={decide.isPending && decide.variables === 'approve'}
                onPress={() => decide.mutate('approve')}
              >
                {text('sandbox.approve')}
              </Button>
              <Button
                kind="danger"
                isLarge
                isPending={decide.isPending && decide.variables === 'decline'}
                onPress={() => decide.mutate('decline')}
              >
                {text('sandbox.decline')}
              </Button>
            </div>
            <p className="text-soft">{text('sandbox.never')}</p>
          </>
        )}
        {status !== 'open' && (
          <p
            className={`text-xl font-semibold ${status === 'approved' ? 'text-jade' : 'text-danger'}`}
          >
            <Said words={text(status === 'approved' ? 'sandbox.approved' : 'sandbox.declined')} />
          </p>
        )}
        {decide.isError && <ErrorNote error={decide.error} />}
        <Link to="/orders/$orderId" params={{ orderId }} className="button justify-self-start">
          {text('sandbox.back')}
        </Link>
      </div>
    </Page>
  );
}
