import { type Messages, setupI18n } from '@lingui/core';

/** The languages of the app, each named in itself. */
export const LANGUAGES = [
  { code: 'en', name: 'English' },
  { code: 'zh-Hans', name: '简体中文' },
  { code: 'zh-Hant', name: '繁體中文' },
] as const;

export type Language = (typeof LANGUAGES)[number]['code'];

const STORED_AS = 'dibs.language';

export const i18n = setupI18n();

/** The best of our languages for a browser's list of preferred ones, such as `['zh-HK', 'en']`. */
export function chooseLanguage(preferred: readonly string[]): Language {
  for (const tag of preferred) {
    const parts = tag.toLowerCase().split('-');
    if (parts[0] === 'en') return 'en';
    if (parts[0] !== 'zh' && parts[0] !== 'yue') continue;
    if (parts.includes('hans')) return 'zh-Hans';
    const isTraditional = ['hant', 'tw', 'hk', 'mo'].some((part) => parts.includes(part));
    return isTraditional || parts[0] === 'yue' ? 'zh-Hant' : 'zh-Hans';
  }
  return 'en';
}

/**
 * The tag for dates and numbers: the language as the person's own region writes it (`en-GB` for
 * `en`) where the browser says so, else the language alone.
 */
export function chooseFormat(language: string, preferred: readonly string[]): string {
  const own = preferred.find((tag) => chooseLanguage([tag]) === language && isOf(language, tag));
  return own ?? language;
}

function isOf(language: string, tag: string): boolean {
  return tag.toLowerCase().split('-')[0] === language.split('-')[0];
}

/** The language chosen earlier on this device, else the browser's. */
export function startLanguage(): Language {
  let stored: string | null = null;
  try {
    stored = localStorage.getItem(STORED_AS);
  } catch {
    // Storage may be forbidden; the browser's preference then decides.
  }
  const known = LANGUAGES.find(({ code }) => code === stored);
  return known?.code ?? chooseLanguage(navigator.languages);
}

/** Loads a language, makes it the page's, and remembers it when the person chose it. */
export async function activateLanguage(language: Language, isChoice: boolean): Promise<void> {
  i18n.loadAndActivate({ locale: language, messages: await loadCatalogue(language) });
  document.documentElement.lang = language;
  if (!isChoice) return;
  try {
    localStorage.setItem(STORED_AS, language);
  } catch {
    // It then holds for this visit only.
  }
}

/** The build turns each catalogue's ICU text into the compiled form that lingui reads. */
async function loadCatalogue(language: Language): Promise<Messages> {
  const module =
    language === 'en'
      ? await import('./en.json')
      : language === 'zh-Hans'
        ? await import('./zh-Hans.json')
        : await import('./zh-Hant.json');
  return module.default as unknown as Messages;
}
