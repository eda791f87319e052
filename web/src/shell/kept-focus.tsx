import { type ReactNode, useEffect, useRef } from 'react';

/**
 * Keeps the keyboard's place: when what had the focus goes away (a button that is done with), the
 * focus stays here instead of falling back to the top of the page.
 */
export function KeptFocus({ className, children }: { className: string; children: ReactNode }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const { current: group } = place;
    if (group === null) return;
    let held: EventTarget | null = null;
    const hold = (event: FocusEvent) => {
      held = event.target;
    };
    const keep = new MutationObserver(() => {
      if (!(held instanceof Element) || held.isConnected) return;
      held = null;
      if (document.activeElement === document.body) group.focus({ preventScroll: true });
    });
    group.addEventListener('focusin', hold);
    keep.observe(group, { childList: true, subtree: true });
    return () => {
      group.removeEventListener('focusin', hold);
      keep.disconnect();
    };
  }, []);
  return (
    <div ref={place} tabIndex={-1} className={className}>
      {children}
    </div>
  );
}
