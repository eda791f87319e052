import type { Verification } from '@dibs/sdk/verify';
import { useMutation } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { type SubmitEvent, useEffect, useRef, useState } from 'react';
import { client } from '../client.ts';
import { Button } from '../controls/button.tsx';
import { ErrorNote } from '../controls/error-note.tsx';
import { Field } from '../controls/field.tsx';
import { useText } from '../messages/text.ts';
import { Page } from '../shell/page.tsx';
import { VerificationReport } from './verification-report.tsx';

const route = getRouteApi('/verify');

/** Where a log comes from: this installation, a file, or the clipboard. */
type Source =
  | { readonly type: 'contest'; readonly contest: string }
  | { readonly type: 'file'; readonly file: File }
  | { readonly type: 'text'; readonly text: string };

/** So many winners are searched for the person's own name; the page shows fewer. */
const WINNERS_MAX = 200_000;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Checks a contest's log here, on this device: nobody has to be believed. */
export function VerifyPage() {
  const text = useText();
  const { contest } = route.useSearch();
  const [entries, setEntries] = useState(0);
  const verify = useVerify(setEntries);
  const { mutate } = verify;
  useEffect(() => {
    if (contest !== undefined) mutate({ type: 'contest', contest });
  }, [contest, mutate]);
  return (
    <Page title={text('verify.title')} lead={text('verify.lead')}>
      <div className="grid grid-cols-[minmax(0,1fr)] gap-8">
        {verify.isPending && (
          <p className="digits sheet p-6 text-lg">{text('verify.progress', { entries })}</p>
        )}
        {verify.isError && <ErrorNote error={verify.error} />}
        {verify.isSuccess && <VerificationReport verification={verify.data} />}
        <SourceForms contest={contest ?? ''} isPending={verify.isPending} onVerify={mutate} />
        <p className="text-soft">{text('verify.offline')}</p>
      </div>
    </Page>
  );
}

function useVerify(onEntries: (entries: number) => void) {
  const stop = useRef<AbortController | null>(null);
  useEffect(() => () => stop.current?.abort(), []);
  return useMutation<Verification, unknown, Source>({
    async mutationFn(source) {
      stop.current?.abort();
      const controller = new AbortController();
      stop.current = controller;
      onEntries(0);
      const options = {
        signal: controller.signal,
        winnersMax: WINNERS_MAX,
        onProgress: (progress: { entries: number }) => onEntries(progress.entries),
      };
      // The rules and SHA-256 are only needed here.
      const { verifyContest, verifyStream, verifyText } = await import('@dibs/sdk/verify');
      switch (source.type) {
        case 'contest':
          return verifyContest(client, source.contest, options);
        case 'file':
          return verifyStream(source.file.stream(), options);
        case 'text':
          return verifyText(source.text, options);
      }
    },
  });
}

function SourceForms(props: {
  contest: string;
  isPending: boolean;
  onVerify: (source: Source) => void;
}) {
  const text = useText();
  const [contest, setContest] = useState(props.contest);
  const [pasted, setPasted] = useState('');
  const [isWrong, setWrong] = useState(false);
  const file = useRef<HTMLInputElement>(null);
  const submitContest = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const id = UUID.exec(contest.trim())?.[0];
    setWrong(id === undefined);
    if (id !== undefined) props.onVerify({ type: 'contest', contest: id.toLowerCase() });
  };
  return (
    <div className="sheet grid gap-8 p-6 sm:p-8">
      <form noValidate onSubmit={submitContest} className="grid gap-4">
        <Field
          name="contest"
          label={text('verify.contest')}
          value={contest}
          onChange={setContest}
          error={isWrong ? text('verify.contestWrong') : undefined}
          maxLength={60}
        />
        <Button
          type="submit"
          kind="main"
          className="justify-self-start"
          isDisabled={props.isPending}
        >
          {text('verify.fetch')}
        </Button>
      </form>
      <div className="grid gap-3 border-t border-line pt-6">
        <p className="font-semibold">{text('verify.file')}</p>
        <input
          ref={file}
          type="file"
          className="sr-only"
          tabIndex={-1}
          aria-hidden="true"
          accept=".ndjson,.jsonl,.json,.log,.txt"
          onChange={(event) => {
            const chosen = event.target.files?.[0];
            if (chosen !== undefined) props.onVerify({ type: 'file', file: chosen });
            event.target.value = '';
          }}
        />
        <Button
          className="justify-self-start"
          isDisabled={props.isPending}
          onPress={() => file.current?.click()}
        >
          {text('verify.chooseFile')}
        </Button>
      </div>
      <div className="grid gap-4 border-t border-line pt-6">
        <Field name="log" label={text('verify.paste')} value={pasted} onChange={setPasted} isLong />
        <Button
          className="justify-self-start"
          isDisabled={props.isPending || pasted.trim() === ''}
          onPress={() => props.onVerify({ type: 'text', text: pasted })}
        >
          {text('verify.check')}
        </Button>
      </div>
    </div>
  );
}
