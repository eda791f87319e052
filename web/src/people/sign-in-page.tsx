import { useMutation, useQuery } from '@tanstack/react-query';
import { getRouteApi, useRouter } from '@tanstack/react-router';
import { type SubmitEvent, useState } from 'react';
import { client } from '../client.ts';
import { Button } from '../controls/button.tsx';
import { ErrorNote } from '../controls/error-note.tsx';
import { Field } from '../controls/field.tsx';
import { useText } from '../messages/text.ts';
import { Page } from '../shell/page.tsx';
import { type CredentialErrors, checkCredentials } from './credentials.ts';
import { installationQuery, useBecome } from './me.ts';

const route = getRouteApi('/sign-in');

/** Two forms side by side: who has a name here already, and who has not. */
export function SignInPage() {
  const text = useText();
  const isFresh = useQuery(installationQuery).data?.fresh === true;
  return (
    <Page title={text('signIn.title')} lead={text('signIn.lead')} isWide>
      {isFresh && (
        <p className="mb-6 rounded-xl bg-ochre-wash px-4 py-3 font-semibold">
          {text('signIn.firstIsAdmin')}
        </p>
      )}
      <div className="grid gap-6 md:grid-cols-2">
        <CredentialsForm kind="signIn" />
        <CredentialsForm kind="register" />
      </div>
    </Page>
  );
}

function CredentialsForm({ kind }: { kind: 'signIn' | 'register' }) {
  const text = useText();
  const { next } = route.useSearch();
  const router = useRouter();
  const become = useBecome();
  const [errors, setErrors] = useState<CredentialErrors>({});
  const isNew = kind === 'register';
  const submission = useMutation({
    mutationFn: (credentials: { name: string; password: string }) =>
      isNew ? client.people.register(credentials) : client.sessions.signIn(credentials),
    onSuccess({ person }) {
      become(person);
      router.history.push(next ?? '/');
    },
  });
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const data = new FormData(form);
    const credentials = {
      name: String(data.get('name') ?? '').trim(),
      password: String(data.get('password') ?? ''),
    };
    const found = checkCredentials(credentials, isNew);
    setErrors(found);
    const first = (['name', 'password'] as const).find((name) => found[name] !== undefined);
    if (first !== undefined) {
      (form.elements.namedItem(first) as HTMLInputElement | null)?.focus();
      return;
    }
    submission.mutate(credentials);
  };
  const title = text(isNew ? 'signIn.registerTitle' : 'signIn.signInTitle');
  return (
    <form
      noValidate
      onSubmit={submit}
      aria-label={title}
      className="sheet grid content-start gap-5 p-6 sm:p-8"
    >
      <h2 className="text-2xl">{title}</h2>
      <Field
        name="name"
        label={text('signIn.name')}
        hint={isNew ? text('signIn.nameHint') : undefined}
        error={errors.name === undefined ? undefined : text(errors.name)}
        autoComplete="username"
        maxLength={40}
        isRequired
      />
      <Field
        name="password"
        type="password"
        label={text('signIn.password')}
        hint={isNew ? text('signIn.passwordHint') : undefined}
        error={errors.password === undefined ? undefined : text(errors.password)}
        autoComplete={isNew ? 'new-password' : 'current-password'}
        maxLength={200}
        isRequired
      />
      <Button type="submit" kind={isNew ? 'plain' : 'main'} isPending={submission.isPending}>
        {text(isNew ? 'signIn.register' : 'signIn.signIn')}
      </Button>
      {submission.isError && <ErrorNote error={submission.error} />}
    </form>
  );
}
