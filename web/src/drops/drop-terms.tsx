import type { Drop } from '@dibs/sdk/wire';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useLocale, useText } from '../messages/text.ts';
import { formatInstant } from '../time/instants.ts';

/** The terms, fixed before anybody claims, and how to check that they were kept. */
export function DropTerms({ drop }: { drop: Drop }) {
  const text = useText();
  const locale = useLocale();
  return (
    <section aria-label={text('terms.title')}>
      <h2 className="text-2xl">{text('terms.title')}</h2>
      <dl className="mt-4 border-t border-line">
        <Term name={text('terms.opens')}>{formatInstant(drop.opensAt, locale)}</Term>
        <Term name={text('terms.closes')}>
          {drop.closesAt === null ? text('terms.openEnd') : formatInstant(drop.closesAt, locale)}
        </Term>
        <Term name={text('terms.limit')}>
          {text('order.units', { quantity: drop.limitPerPerson })}
        </Term>
        <Term name={text('terms.payWithin')}>
          {drop.payWithinSeconds % 60 === 0
            ? text('time.minutes', { minutes: drop.payWithinSeconds / 60 })
            : text('time.seconds', { seconds: drop.payWithinSeconds })}
        </Term>
        <Term name={text('terms.order')}>
          {drop.fairWindowMs === 0
            ? text('terms.firstCome')
            : text('drop.fairWindow', { seconds: drop.fairWindowMs / 1000 })}
        </Term>
        {drop.seedHash !== null && (
          <Term name={text('terms.seedHash')}>
            <code className="font-mono text-sm break-all">{drop.seedHash}</code>
          </Term>
        )}
        {drop.seed !== null && (
          <Term name={text('terms.seed')}>
            <code className="font-mono text-sm break-all">{drop.seed}</code>
          </Term>
        )}
      </dl>
      <p className="mt-5 max-w-prose text-soft">{text('terms.proof')}</p>
      <Link to="/verify" search={{ contest: drop.id }} className="button mt-4">
        {text('terms.verify')}
      </Link>
    </section>
  );
}

function Term({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="grid gap-x-6 border-b border-line py-2.5 sm:grid-cols-[12rem_1fr]">
      <dt className="text-soft">{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
