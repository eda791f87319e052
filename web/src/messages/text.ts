import { useLingui } from '@lingui/react';
import { useMemo } from 'react';
import type english from './en.json';

/** Every message there is; a missing one is a type error. */
export type MessageId = keyof typeof english;
export type TextValues = Readonly<Record<string, string | number>>;
export type Text = (id: MessageId, values?: TextValues) => string;

/** The words of the page in the person's language; a component that uses it follows the language. */
export function useText(): Text {
  const { i18n } = useLingui();
  return useMemo(() => (id, values) => i18n._(id, values), [i18n]);
}

/** The language as a BCP 47 tag, for `Intl`. */
export function useLocale(): string {
  return useLingui().i18n.locale;
}
