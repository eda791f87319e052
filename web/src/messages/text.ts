import { useLingui } from '@lingui/react';
import { useMemo } from 'react';
import type english from './en.json';
import { chooseFormat } from './language.ts';

/** Every message there is; a missing one is a type error. */
export type MessageId = keyof typeof english;
export type TextValues = Readonly<Record<string, string | number>>;
export type Text = (id: MessageId, values?: TextValues) => string;

/** The words of the page in the person's language; a component that uses it follows the language. */
export function useText(): Text {
  const { i18n } = useLingui();
  return useMemo(() => (id, values) => i18n._(id, values), [i18n]);
}

/** The language with the person's region as a BCP 47 tag, for `Intl`. */
export function useLocale(): string {
  const { locale } = useLingui().i18n;
  return useMemo(() => chooseFormat(locale, navigator.languages), [locale]);
}
