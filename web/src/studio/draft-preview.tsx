import { DropPicture } from '../drops/picture.tsx';
import { useLocale, useText } from '../messages/text.ts';
import { formatMoney, parseAmount } from '../money/money.ts';
import { formatInstant, fromLocalInput } from '../time/instants.ts';
import { type DropDraft, parseWhole } from './new-drop.ts';

/** The drop as its visitors will meet it. */
export function DraftPreview({ draft }: { draft: DropDraft }) {
  const text = useText();
  const locale = useLocale();
  const amount = parseAmount(draft.price, draft.currency);
  const stock = parseWhole(draft.stock, 1, 10_000_000);
  const opensAt = fromLocalInput(draft.opensAt);
  const url = draft.pictureUrl.trim();
  const isPicture = url.startsWith('https://') || /^\/(?![/\\])/.test(url);
  const picture = {
    id: draft.title,
    pictureUrl: isPicture ? url : null,
    pictureText: draft.pictureText,
  };
  return (
    <section aria-label={text('studio.preview')} className="lg:sticky lg:top-6">
      <h2 className="kicker mb-3">{text('studio.preview')}</h2>
      <div className="sheet overflow-hidden">
        <DropPicture key={url} drop={picture} className="aspect-[3/2] w-full" />
        <div className="grid gap-3 p-6">
          <p className="font-display text-2xl font-semibold">
            {draft.title.trim() || text('studio.untitled')}
          </p>
          <p className="digits font-display text-xl">
            {amount === null
              ? '—'
              : amount === 0
                ? text('drop.free')
                : formatMoney({ amount, currency: draft.currency }, locale)}
          </p>
          {draft.description.trim() !== '' && (
            <p className="line-clamp-4 whitespace-pre-line text-soft">{draft.description.trim()}</p>
          )}
          <p className="kicker digits">
            {opensAt !== null && text('drop.opensAt', { at: formatInstant(opensAt, locale) })}
            {stock !== null && ` · ${text('order.units', { quantity: stock })}`}
          </p>
        </div>
      </div>
    </section>
  );
}
