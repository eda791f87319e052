import { DibsProblem } from '@dibs/sdk';
import type { NewDrop } from '@dibs/sdk/wire';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type SubmitEvent, useState } from 'react';
import { useAnnouncer } from '../announcer/live-regions.tsx';
import { client } from '../client.ts';
import { Button } from '../controls/button.tsx';
import { ErrorNote } from '../controls/error-note.tsx';
import { useText } from '../messages/text.ts';
import { SignedInOnly } from '../people/signed-in-only.tsx';
import { Page } from '../shell/page.tsx';
import { toLocalInput } from '../time/instants.ts';
import { useServerClock } from '../time/server-clock.tsx';
import { DraftFields } from './draft-fields.tsx';
import { DraftPreview } from './draft-preview.tsx';
import {
  checkDraft,
  DRAFT_FIELDS,
  type DraftErrors,
  type DropDraft,
  emptyDraft,
} from './new-drop.ts';

export function NewDropPage() {
  const text = useText();
  return (
    <SignedInOnly title={text('studio.newTitle')}>
      {() => (
        <Page title={text('studio.newTitle')} lead={text('studio.newLead')} isWide>
          <NewDropForm />
        </Page>
      )}
    </SignedInOnly>
  );
}

/** A first proposal: ten minutes from now, to the full minute. */
function proposeOpening(now: number): string {
  return toLocalInput(Math.ceil((now + 10 * 60_000) / 60_000) * 60_000);
}

function useCreate() {
  const queries = useQueryClient();
  const navigate = useNavigate();
  return useMutation({
    mutationFn: ({ drop, key }: { drop: NewDrop; key: string | null }) =>
      client.drops.create(drop, key === null ? {} : { key }),
    onSuccess(drop) {
      queries.setQueryData(['drop', drop.id], drop);
      void queries.invalidateQueries({ queryKey: ['hosted'] });
      void queries.invalidateQueries({ queryKey: ['drops'] });
      void navigate({ to: '/studio/$dropId', params: { dropId: drop.id } });
    },
  });
}

function NewDropForm() {
  const text = useText();
  const clock = useServerClock();
  const announcer = useAnnouncer();
  const [draft, setDraft] = useState<DropDraft>(() => emptyDraft(proposeOpening(clock.now())));
  const [errors, setErrors] = useState<DraftErrors>({});
  const create = useCreate();
  const change = (changed: Partial<DropDraft>) => {
    const next = { ...draft, ...changed };
    setDraft(next);
    // What was wrong is looked at again as it is typed; what was not yet tried is left in peace.
    if (Object.keys(errors).length > 0) {
      const checked = checkDraft(next);
      setErrors('errors' in checked ? checked.errors : {});
    }
  };
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const checked = checkDraft(draft);
    if ('drop' in checked) {
      setErrors({});
      create.mutate({ drop: checked.drop, key: null });
      return;
    }
    setErrors(checked.errors);
    const wrong = DRAFT_FIELDS.filter((name) => checked.errors[name] !== undefined);
    announcer.announce({
      priority: 'now',
      text: text('studio.wrong.count', { count: wrong.length }),
    });
    const first = event.currentTarget.elements.namedItem(wrong[0] ?? '');
    if (first instanceof HTMLElement) first.focus();
  };
  return (
    <div className="grid items-start gap-8 lg:grid-cols-[1.4fr_1fr]">
      <form noValidate onSubmit={submit} className="sheet grid gap-8 p-6 sm:p-8">
        <DraftFields draft={draft} errors={errors} onChange={change} />
        <div>
          <Button type="submit" kind="main" isLarge isPending={create.isPending}>
            {text('studio.create')}
          </Button>
          {create.isError && <ErrorNote error={create.error} />}
          {create.error instanceof DibsProblem && <ServerErrors problem={create.error} />}
        </div>
      </form>
      <DraftPreview draft={draft} />
    </div>
  );
}

/** What the server found wrong, by field, in its own words. */
function ServerErrors({ problem }: { problem: DibsProblem }) {
  const { errors = [] } = problem.problem;
  if (errors.length === 0) return null;
  return (
    <ul className="mt-3 list-disc ps-6 text-danger" lang="en">
      {errors.map(({ path, message }) => (
        <li key={`${path} ${message}`}>
          {path} {message}
        </li>
      ))}
    </ul>
  );
}
