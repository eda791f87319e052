import type { NewDrop } from '@dibs/sdk/wire';
import type { MessageId } from '../messages/text.ts';
import { parseAmount } from '../money/money.ts';
import { fromLocalInput } from '../time/instants.ts';

/** The create form as it is typed, and what is wrong with it. Pure; the bounds are the wire's. */
export interface DropDraft {
  readonly title: string;
  readonly description: string;
  readonly pictureUrl: string;
  readonly pictureText: string;
  readonly stock: string;
  readonly price: string;
  readonly currency: string;
  /** As a `datetime-local` input holds them, in the device's zone. */
  readonly opensAt: string;
  readonly closesAt: string;
  readonly limitPerPerson: string;
  readonly quantityMax: string;
  readonly payWithinSeconds: string;
  readonly fairWindowMs: string;
}

export type DraftErrors = { readonly [Name in keyof DropDraft]?: MessageId };

/** The order of the form, in which the first wrong field is found. */
export const DRAFT_FIELDS: readonly (keyof DropDraft)[] = [
  'title',
  'description',
  'pictureUrl',
  'pictureText',
  'price',
  'currency',
  'stock',
  'opensAt',
  'closesAt',
  'limitPerPerson',
  'quantityMax',
  'payWithinSeconds',
  'fairWindowMs',
];

/** Currencies to choose from; the wire takes any of ISO 4217. */
export const CURRENCIES = ['EUR', 'USD', 'GBP', 'CHF', 'JPY', 'CNY', 'HKD', 'TWD', 'SGD'] as const;

export function emptyDraft(opensAt: string): DropDraft {
  return {
    title: '',
    description: '',
    pictureUrl: '',
    pictureText: '',
    stock: '100',
    price: '',
    currency: 'EUR',
    opensAt,
    closesAt: '',
    limitPerPerson: '1',
    quantityMax: '1',
    payWithinSeconds: '600',
    fairWindowMs: '0',
  };
}

/** A whole number as typed, or null unless it is within the bounds. */
export function parseWhole(typed: string, minimum: number, maximum: number): number | null {
  if (!/^\d{1,9}$/.test(typed.trim())) return null;
  const value = Number(typed);
  return value >= minimum && value <= maximum ? value : null;
}

/** The draft as it goes over the wire, or what is wrong by field. */
export function checkDraft(draft: DropDraft): { drop: NewDrop } | { errors: DraftErrors } {
  const errors: { -readonly [Name in keyof DraftErrors]: MessageId } = {};
  const title = draft.title.trim();
  if (title === '' || title.length > 120) errors.title = 'studio.wrong.title';
  if (draft.description.length > 5_000) errors.description = 'studio.wrong.description';
  const pictureUrl = draft.pictureUrl.trim();
  if (pictureUrl !== '' && !isPicture(pictureUrl)) errors.pictureUrl = 'studio.wrong.pictureUrl';
  if (pictureUrl !== '' && draft.pictureText.trim() === '') {
    errors.pictureText = 'studio.wrong.pictureText';
  }
  const amount = parseAmount(draft.price, draft.currency);
  if (amount === null) errors.price = 'studio.wrong.price';
  const numbers = checkNumbers(draft, errors);
  const opensAt = fromLocalInput(draft.opensAt);
  if (opensAt === null) errors.opensAt = 'studio.wrong.opensAt';
  const closesAt = fromLocalInput(draft.closesAt);
  if (draft.closesAt !== '' && (closesAt === null || closesAt <= (opensAt ?? 0))) {
    errors.closesAt = 'studio.wrong.closesAt';
  }
  if (Object.keys(errors).length > 0) return { errors };
  return {
    drop: {
      title,
      description: draft.description.trim(),
      ...(pictureUrl === '' ? {} : { pictureUrl, pictureText: draft.pictureText.trim() }),
      price: { amount: amount ?? 0, currency: draft.currency },
      opensAt: new Date(opensAt ?? 0).toISOString(),
      closesAt: closesAt === null ? null : new Date(closesAt).toISOString(),
      ...numbers,
    },
  };
}

function checkNumbers(draft: DropDraft, errors: Partial<Record<keyof DropDraft, MessageId>>) {
  const stock = parseWhole(draft.stock, 1, 10_000_000);
  if (stock === null) errors.stock = 'studio.wrong.stock';
  const limitPerPerson = parseWhole(draft.limitPerPerson, 1, 1_000);
  if (limitPerPerson === null) errors.limitPerPerson = 'studio.wrong.limit';
  const quantityMax = parseWhole(draft.quantityMax, 1, 100);
  if (quantityMax === null) errors.quantityMax = 'studio.wrong.quantity';
  else if (limitPerPerson !== null && quantityMax > limitPerPerson) {
    errors.quantityMax = 'studio.wrong.quantityOverLimit';
  }
  const payWithinSeconds = parseWhole(draft.payWithinSeconds, 5, 604_800);
  if (payWithinSeconds === null) errors.payWithinSeconds = 'studio.wrong.payWithin';
  const fairWindowMs = parseWhole(draft.fairWindowMs, 0, 10_000);
  if (fairWindowMs === null || (fairWindowMs > 0 && fairWindowMs < 100)) {
    errors.fairWindowMs = 'studio.wrong.fairWindow';
  }
  return {
    stock: stock ?? 1,
    limitPerPerson: limitPerPerson ?? 1,
    quantityMax: quantityMax ?? 1,
    payWithinSeconds: payWithinSeconds ?? 600,
    fairWindowMs: fairWindowMs ?? 0,
  };
}

/** https, or a path of this site. */
function isPicture(url: string): boolean {
  return url.length <= 500 && (/^\/(?![/\\])/.test(url) || /^https:\/\/[^\s/]+/.test(url));
}
