import { useLingui } from '@lingui/react';
import { useState } from 'react';
import { activateLanguage, LANGUAGES, type Language } from '../messages/language.ts';
import { useText } from '../messages/text.ts';
import { GlobeIcon, MoonIcon, SunIcon, SystemIcon } from './icons.tsx';
import { applyTheme, currentTheme, type Theme } from './theme.ts';

/** Language and theme, at the foot of every page. Native selects: every keyboard knows them. */
export function Preferences() {
  const text = useText();
  const { locale } = useLingui().i18n;
  const [theme, setTheme] = useState<Theme>(currentTheme);
  const ThemeIcon = theme === 'light' ? SunIcon : theme === 'dark' ? MoonIcon : SystemIcon;
  return (
    <div className="flex flex-wrap gap-3">
      <label className="flex items-center gap-2">
        <GlobeIcon />
        <span className="sr-only">{text('shell.language')}</span>
        <select
          className="input w-auto!"
          value={locale}
          onChange={(event) => void activateLanguage(event.target.value as Language, true)}
        >
          {LANGUAGES.map(({ code, name }) => (
            <option key={code} value={code} lang={code}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label className="flex items-center gap-2">
        <ThemeIcon />
        <span className="sr-only">{text('shell.theme')}</span>
        <select
          className="input w-auto!"
          value={theme}
          onChange={(event) => {
            const chosen = event.target.value as Theme;
            applyTheme(chosen);
            setTheme(chosen);
          }}
        >
          <option value="system">{text('shell.theme.system')}</option>
          <option value="light">{text('shell.theme.light')}</option>
          <option value="dark">{text('shell.theme.dark')}</option>
        </select>
      </label>
    </div>
  );
}
