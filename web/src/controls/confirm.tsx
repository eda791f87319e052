import { lazy, Suspense } from 'react';
import type { ConfirmProps } from './confirm-dialog.tsx';

/** A crowd that only looks needs no dialog: it comes when somebody asks for it. */
const ConfirmDialog = lazy(() => import('./confirm-dialog.tsx'));

/**
 * A question before something that cannot be undone. It stays open while the deed is under way and
 * when it fails, and says why.
 */
export function Confirm({ isOpen, ...rest }: ConfirmProps & { isOpen: boolean }) {
  if (!isOpen) return null;
  return (
    <Suspense fallback={null}>
      <ConfirmDialog {...rest} />
    </Suspense>
  );
}
