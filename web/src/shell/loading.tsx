import { Button } from '../controls/button.tsx';
import { errorText } from '../controls/error-note.tsx';
import { useText } from '../messages/text.ts';
import { Said } from './said.tsx';

/** Calm: it shows only when the wait lasts, see the delay of its animation. */
export function Loading() {
  const text = useText();
  return <p className="appear-late py-10 text-soft">{text('shell.loading')}</p>;
}

export function LoadError({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  const text = useText();
  return (
    <div className="sheet grid justify-items-start gap-4 p-6">
      <p>
        <Said words={errorText(error, text)} />
      </p>
      <Button onPress={onRetry}>{text('shell.retry')}</Button>
    </div>
  );
}
