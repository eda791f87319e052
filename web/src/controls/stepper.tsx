import { lazy, Suspense } from 'react';
import type { StepperProps } from './stepper-field.tsx';

/** Most drops give one unit per claim and never need it. */
const StepperField = lazy(() => import('./stepper-field.tsx'));

/** A small whole number, by buttons, arrow keys or typing. */
export function Stepper(props: StepperProps) {
  return (
    <Suspense fallback={<div className="h-22 w-40" />}>
      <StepperField {...props} />
    </Suspense>
  );
}
