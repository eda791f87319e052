import { Link, Outlet } from '@tanstack/react-router';
import type { ComponentType } from 'react';
import type { MessageId } from '../messages/text.ts';
import { useText } from '../messages/text.ts';
import { useMe } from '../people/me.ts';
import { ConnectionBanner } from '../stream/connection-banner.tsx';
import { DropIcon, OrdersIcon, PersonIcon, SealIcon, StudioIcon, VerifyIcon } from './icons.tsx';
import { Notices } from './notices.tsx';
import { Preferences } from './preferences.tsx';

interface Place {
  readonly to: '/' | '/orders' | '/studio' | '/verify';
  readonly name: MessageId;
  readonly Icon: ComponentType<{ className?: string }>;
}

const PLACES: readonly Place[] = [
  { to: '/', name: 'nav.drops', Icon: DropIcon },
  { to: '/orders', name: 'nav.orders', Icon: OrdersIcon },
  { to: '/studio', name: 'nav.studio', Icon: StudioIcon },
  { to: '/verify', name: 'nav.verify', Icon: VerifyIcon },
];

/** Around every screen: skip link, places (above on wide screens, below on narrow ones), foot. */
export function Frame() {
  const text = useText();
  return (
    <div className="flex min-h-dvh flex-col">
      <a
        href="#main"
        className="button button-main sr-only focus:not-sr-only focus:fixed! focus:start-4 focus:top-4 focus:z-50"
      >
        {text('shell.skip')}
      </a>
      <header className="border-b border-line px-4 sm:px-6">
        <div className="mx-auto flex max-w-6xl items-center gap-6 py-3">
          <Link to="/" className="flex items-center gap-2.5 font-display text-2xl font-semibold">
            <SealIcon />
            <span>Dibs</span>
          </Link>
          <Places />
          <PersonLink />
        </div>
      </header>
      <ConnectionBanner />
      <main id="main" tabIndex={-1} className="flex-1 px-4 py-8 outline-none sm:px-6 sm:py-12">
        <Outlet />
      </main>
      <footer className="border-t border-line px-4 pt-8 pb-[calc(var(--bar-height)+2rem)] sm:px-6 md:pb-8">
        <div className="mx-auto flex max-w-6xl flex-wrap items-center justify-between gap-6">
          <p className="max-w-md text-sm text-soft">{text('shell.promise')}</p>
          <Preferences />
        </div>
      </footer>
      <Notices />
    </div>
  );
}

function Places() {
  const text = useText();
  return (
    <nav
      aria-label={text('shell.places')}
      className="fixed inset-x-0 bottom-0 z-30 border-t border-line bg-sheet pb-[env(safe-area-inset-bottom)] md:static md:flex-1 md:border-0 md:bg-transparent md:pb-0"
    >
      <ul className="grid grid-cols-4 md:flex md:gap-1">
        {PLACES.map(({ to, name, Icon }) => (
          <li key={to}>
            <Link
              to={to}
              activeOptions={{ exact: to === '/' }}
              className="flex h-16 flex-col items-center justify-center gap-0.5 border-t-2 border-transparent px-1 text-xs text-soft hover:text-ink aria-[current=page]:border-accent aria-[current=page]:text-ink md:h-11 md:flex-row md:rounded-lg md:border-t-0 md:px-3 md:text-base md:hover:bg-wash md:aria-[current=page]:bg-wash md:aria-[current=page]:font-semibold"
            >
              <Icon className="size-6 md:hidden" />
              <span className="text-center leading-tight">{text(name)}</span>
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function PersonLink() {
  const text = useText();
  const me = useMe();
  if (me === undefined) return <span className="ms-auto h-11" />;
  if (me === null) {
    return (
      <Link to="/sign-in" className="button ms-auto">
        {text('nav.signIn')}
      </Link>
    );
  }
  return (
    <Link
      to="/profile"
      className="ms-auto flex min-h-11 min-w-0 items-center gap-2 rounded-lg px-2 hover:bg-wash"
      aria-label={text('nav.profile', { name: me.name })}
    >
      <PersonIcon />
      <span className="max-w-32 truncate">{me.name}</span>
    </Link>
  );
}
