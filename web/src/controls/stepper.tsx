import { lazy, Suspense } from 'react';

export interface StepperProps {
  readonly label: string;
  readonly value: number;
  readonly minimum: number;
  readonly maximum: number;
  readonly onChange: (value: number) => void;
}

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
