import type { ErrorComponentProps } from '@tanstack/react-router';
import { Button } from '../controls/button.tsx';
import { useText } from '../messages/text.ts';
import { Page } from './page.tsx';

/** When a screen breaks, the frame stays: one may try again or go elsewhere. */
export function BrokenPage({ error, reset }: ErrorComponentProps) {
  const text = useText();
  return (
    <Page title={text('broken.title')} lead={text('broken.lead')}>
      <div className="grid justify-items-start gap-4">
        <Button kind="main" onPress={reset}>
          {text('shell.retry')}
        </Button>
        <Button onPress={() => globalThis.location.reload()}>{text('broken.reload')}</Button>
        <details className="max-w-full text-soft">
          <summary className="cursor-pointer py-1">{text('broken.details')}</summary>
          <pre lang="en" className="mt-2 overflow-x-auto font-mono text-sm whitespace-pre-wrap">
            {error instanceof Error ? error.message : String(error)}
          </pre>
        </details>
      </div>
    </Page>
  );
}
