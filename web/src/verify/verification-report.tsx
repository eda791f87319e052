import type { Verification } from '@dibs/sdk/verify';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ownDropQuery } from '../drops/queries.ts';
import { StockBar } from '../drops/stock-bar.tsx';
import { type MessageId, useText } from '../messages/text.ts';
import { useMe } from '../people/me.ts';
import { CheckIcon, CrossIcon } from '../shell/icons.tsx';
import { Said } from '../shell/said.tsx';

type Outcome = NonNullable<Verification['outcome']>;
type FaultKind = Verification['errors'][number]['what'];

const WINNERS_SHOWN = 50;

/** What was checked, in the order it rests on each other. */
const CHECKS: readonly { words: MessageId; faults: readonly FaultKind[] }[] = [
  { words: 'verify.check.chain', faults: ['format', 'chain', 'order', 'time'] },
  { words: 'verify.check.rules', faults: ['rules', 'checkpoint', 'recount'] },
  { words: 'verify.check.seed', faults: ['seed'] },
  { words: 'verify.check.expected', faults: ['expected'] },
];

export function VerificationReport({ verification }: { verification: Verification }) {
  const text = useText();
  const { ok, errors, outcome } = verification;
  return (
    <section
      aria-label={text('verify.result')}
      className="sheet grid grid-cols-[minmax(0,1fr)] gap-6 p-6 sm:p-8"
    >
      <div
        className={`flex items-center gap-3 rounded-2xl px-5 py-4 font-display text-2xl font-semibold ${ok ? 'bg-jade-wash text-jade' : 'bg-danger-wash text-danger'}`}
      >
        {ok ? <CheckIcon className="size-8" /> : <CrossIcon className="size-8" />}
        <h2>
          <Said words={text(ok ? 'verify.ok' : 'verify.broken')} />
        </h2>
      </div>
      <ul className="grid gap-2">
        {CHECKS.map(({ words, faults }) => (
          <Check
            key={words}
            words={words}
            hasFailed={errors.some((error) => faults.includes(error.what))}
          />
        ))}
      </ul>
      <Numbers verification={verification} />
      {verification.errorCount > 0 && <Errors verification={verification} />}
      {outcome !== null && <OutcomePart outcome={outcome} contest={verification.contest} />}
    </section>
  );
}

function Check({ words, hasFailed }: { words: MessageId; hasFailed: boolean }) {
  const text = useText();
  return (
    <li className="flex items-start gap-3">
      {hasFailed ? (
        <CrossIcon className="mt-1 size-5 text-danger" />
      ) : (
        <CheckIcon className="mt-1 size-5 text-jade" />
      )}
      <span>
        {text(words)} ·{' '}
        <strong className={hasFailed ? 'text-danger' : 'text-jade'}>
          {text(hasFailed ? 'verify.failed' : 'verify.passed')}
        </strong>
      </span>
    </li>
  );
}

function Numbers({ verification }: { verification: Verification }) {
  const text = useText();
  const { contest, entries, batches, head } = verification;
  return (
    <dl className="border-t border-line">
      <Row name={text('verify.contest')}>{contest ?? '—'}</Row>
      <Row name={text('verify.entries')}>{text('number', { value: entries })}</Row>
      <Row name={text('verify.batches')}>{text('number', { value: batches })}</Row>
      <Row name={text('verify.head')}>{head ?? '—'}</Row>
    </dl>
  );
}

function Row({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="grid gap-x-6 border-b border-line py-2.5 sm:grid-cols-[11rem_1fr]">
      <dt className="text-soft">{name}</dt>
      <dd className="digits font-mono text-sm leading-6 break-all">{children}</dd>
    </div>
  );
}

function Errors({ verification }: { verification: Verification }) {
  const text = useText();
  const { errors, errorCount } = verification;
  return (
    <div>
      <h3 className="text-lg">{text('verify.errors', { count: errorCount })}</h3>
      <ul className="mt-2 grid gap-1" lang="en">
        {errors.map((error) => (
          <li key={`${error.line} ${error.what} ${error.message}`} className="font-mono text-sm">
            {error.line > 0 && `${error.line}: `}
            {error.message}
          </li>
        ))}
      </ul>
    </div>
  );
}

function OutcomePart({ outcome, contest }: { outcome: Outcome; contest: string | null }) {
  const text = useText();
  const me = useMe();
  const own = useQuery({ ...ownDropQuery(contest ?? ''), enabled: me != null && contest !== null });
  const pseudonym = own.data?.pseudonym ?? null;
  const mine = outcome.winners.filter(({ person }) => person === pseudonym);
  const shown = outcome.winners.slice(0, WINNERS_SHOWN);
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-5">
      <h3 className="text-xl">{text('verify.outcome')}</h3>
      <StockBar units={outcome} isLarge />
      {pseudonym !== null && (
        <p className="rounded-xl bg-wash px-4 py-3">
          {text('verify.you', { pseudonym })}{' '}
          <strong>
            {mine.length === 0
              ? text('verify.youNot')
              : text('verify.youWon', { orders: mine.map(({ order }) => `#${order}`).join(', ') })}
          </strong>
        </p>
      )}
      {me == null && <p className="text-soft">{text('verify.signInToFind')}</p>}
      {shown.length > 0 && (
        <table className="table">
          <caption className="kicker pb-2 text-start">
            {text('verify.winners', { count: outcome.winnersCount, shown: shown.length })}
          </caption>
          <thead>
            <tr>
              <th scope="col">{text('verify.entry')}</th>
              <th scope="col">{text('verify.person')}</th>
              <th scope="col" className="number">
                {text('order.quantity')}
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((winner) => (
              <tr key={winner.order}>
                <td className="digits">#{winner.order}</td>
                <td className="font-mono text-sm break-all">
                  {winner.person}
                  {winner.person === pseudonym && <strong> · {text('fact.you')}</strong>}
                </td>
                <td className="number">{winner.quantity}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}
