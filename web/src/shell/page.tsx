import { useRouterState } from '@tanstack/react-router';
import { type ReactNode, useEffect, useRef } from 'react';

/**
 * One screen: its only `h1`, the tab's title, and the focus on the heading after a navigation, so
 * that readers hear where they are and the keyboard starts at the top.
 */
export function Page(props: {
  title: string;
  /** What stands in the heading where it is more than the title. */
  heading?: ReactNode;
  kicker?: ReactNode;
  lead?: ReactNode;
  actions?: ReactNode;
  isWide?: boolean;
  children: ReactNode;
}) {
  const { title } = props;
  usePageTitle(title);
  const heading = useHeadingFocus();
  return (
    <div className={`mx-auto w-full ${props.isWide ? 'max-w-6xl' : 'max-w-3xl'}`}>
      <header className="mb-8 flex flex-wrap items-end justify-between gap-x-8 gap-y-4">
        <div className="min-w-0 flex-1 basis-72">
          {props.kicker !== undefined && <div className="kicker mb-2">{props.kicker}</div>}
          <h1 ref={heading} tabIndex={-1} className="text-[clamp(1.9rem,5vw,2.75rem)]">
            {props.heading ?? title}
          </h1>
          {props.lead !== undefined && (
            <p className="mt-3 max-w-prose text-lg text-soft">{props.lead}</p>
          )}
        </div>
        {props.actions}
      </header>
      {props.children}
    </div>
  );
}

export function usePageTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Dibs`;
  }, [title]);
}

/** For the `h1`: it takes the focus when the screen came by a navigation, not at the first load. */
export function useHeadingFocus() {
  const ref = useRef<HTMLHeadingElement>(null);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const isFirst = useRouterState({ select: (state) => state.resolvedLocation === undefined });
  const wasFirst = useRef(isFirst);
  useEffect(() => {
    if (wasFirst.current || firstPath === path) {
      wasFirst.current = false;
      firstPath = null;
      return;
    }
    ref.current?.focus({ preventScroll: true });
  }, [path]);
  return ref;
}

/** The address the tab was opened at: its heading is not focused, the browser starts at the top. */
let firstPath: string | null = globalThis.location?.pathname ?? null;
