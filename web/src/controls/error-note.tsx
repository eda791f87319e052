import { ConnectionLost, DibsProblem } from '@dibs/sdk';
import type { FaultCode, RefusalCode } from '@dibs/sdk/wire';
import { useEffect } from 'react';
import { useAnnouncer } from '../announcer/live-regions.tsx';
import { type MessageId, type Text, useText } from '../messages/text.ts';
import { WarnIcon } from '../shell/icons.tsx';

/** What each code means to the person who meets it. */
const WORDS: Readonly<Record<RefusalCode | FaultCode, MessageId>> = {
  unknown: 'problem.unknown',
  not_open: 'problem.notOpen',
  paused: 'problem.paused',
  ended: 'problem.ended',
  bad_quantity: 'problem.badQuantity',
  limit_reached: 'problem.limitReached',
  sold_out: 'problem.soldOut',
  not_sold_out: 'problem.notSoldOut',
  already_waiting: 'problem.alreadyWaiting',
  not_waiting: 'problem.notWaiting',
  waiting_full: 'problem.waitingFull',
  unknown_order: 'problem.unknownOrder',
  not_reserved: 'problem.notReserved',
  not_host: 'problem.notHost',
  system_only: 'problem.systemOnly',
  not_paused: 'problem.notPaused',
  stock_out_of_range: 'problem.stockOutOfRange',
  nothing_due: 'problem.nothingDue',
  already_created: 'problem.alreadyCreated',
  bad_terms: 'problem.badTerms',
  malformed: 'problem.malformed',
  invalid: 'problem.invalid',
  unauthenticated: 'problem.unauthenticated',
  wrong_credentials: 'problem.wrongCredentials',
  token_expired: 'problem.unauthenticated',
  forbidden: 'problem.forbidden',
  wrong_origin: 'problem.wrongOrigin',
  not_found: 'problem.notFound',
  method_not_allowed: 'problem.malformed',
  name_taken: 'problem.nameTaken',
  payment_declined: 'problem.paymentDeclined',
  too_large: 'problem.tooLarge',
  unsupported_media_type: 'problem.malformed',
  key_reused: 'problem.keyReused',
  rate_limited: 'problem.rateLimited',
  internal: 'problem.internal',
  busy: 'problem.busy',
  unavailable: 'problem.unavailable',
  draining: 'problem.draining',
  storage_full: 'problem.storageFull',
};

/** One or two sentences for a person: what happened, and what to do next. */
export function errorText(error: unknown, text: Text): string {
  if (error instanceof ConnectionLost) return text('problem.connectionLost');
  if (!(error instanceof DibsProblem)) return text('problem.internal');
  const { code, retryAfterMs, problem } = error;
  const words = WORDS[code as RefusalCode | FaultCode] ?? 'problem.internal';
  const sentence = text(words, {
    limit: Number(problem['limit'] ?? 0),
    left: Number(problem['left'] ?? 0),
    maximum: Number(problem['maximum'] ?? 0),
  });
  if (retryAfterMs === null || !error.isTemporary) return sentence;
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1000));
  return `${sentence} ${text('problem.retryAfter', { seconds })}`;
}

/** An error beside what caused it, said at once. */
export function ErrorNote({ error }: { error: unknown }) {
  const text = useText();
  const announcer = useAnnouncer();
  const words = errorText(error, text);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the same words again are news too
  useEffect(() => announcer.announce({ priority: 'now', text: words }), [announcer, words, error]);
  return (
    <p className="mt-4 flex items-start gap-2 rounded-xl bg-danger-wash px-4 py-3 text-ink">
      <WarnIcon className="mt-0.5 size-5 text-danger" />
      <span>{words}</span>
    </p>
  );
}
