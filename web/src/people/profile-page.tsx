import type { Person } from '@dibs/sdk/wire';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useRouter } from '@tanstack/react-router';
import { type SubmitEvent, useState } from 'react';
import { client } from '../client.ts';
import { Button } from '../controls/button.tsx';
import { Confirm } from '../controls/confirm.tsx';
import { ErrorNote } from '../controls/error-note.tsx';
import { Field } from '../controls/field.tsx';
import { type MessageId, useText } from '../messages/text.ts';
import { Page } from '../shell/page.tsx';
import { Said } from '../shell/said.tsx';
import { isName, isPassword } from './credentials.ts';
import { meQuery, useBecome } from './me.ts';
import { Sessions } from './sessions.tsx';
import { SignedInOnly } from './signed-in-only.tsx';

const ROLE_WORDS: Readonly<Record<Person['roles'][number], MessageId>> = {
  member: 'role.member',
  host: 'role.host',
  moderator: 'role.moderator',
  admin: 'role.admin',
};

export function ProfilePage() {
  const text = useText();
  return (
    <SignedInOnly title={text('profile.title')}>
      {(me) => (
        <Page
          title={text('profile.title')}
          heading={me.name}
          kicker={me.roles.map((role) => text(ROLE_WORDS[role])).join(' · ')}
          actions={<SignOut />}
        >
          <div className="grid gap-6">
            <NameForm me={me} />
            <PasswordForm />
            <Sessions />
            <OwnData />
          </div>
        </Page>
      )}
    </SignedInOnly>
  );
}

function SignOut() {
  const text = useText();
  const router = useRouter();
  const become = useBecome();
  const signOut = useMutation({
    mutationFn: () => client.sessions.signOut(),
    onSuccess() {
      become(null);
      router.history.push('/');
    },
  });
  return (
    <div>
      <Button isPending={signOut.isPending} onPress={() => signOut.mutate()}>
        {text('profile.signOut')}
      </Button>
      {signOut.isError && <ErrorNote error={signOut.error} />}
    </div>
  );
}

function NameForm({ me }: { me: Person }) {
  const text = useText();
  const queries = useQueryClient();
  const [isWrong, setWrong] = useState(false);
  const change = useMutation({
    mutationFn: (name: string) => client.me.change({ name }),
    onSuccess: (person) => queries.setQueryData(meQuery.queryKey, person),
  });
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const name = String(new FormData(event.currentTarget).get('name') ?? '').trim();
    setWrong(!isName(name));
    if (isName(name)) change.mutate(name);
  };
  return (
    <form noValidate onSubmit={submit} className="sheet grid gap-4 p-6">
      <h2 className="text-xl">{text('profile.name')}</h2>
      <NameField key={me.name} name={me.name} isWrong={isWrong} />
      <div>
        <Button type="submit" isPending={change.isPending}>
          {text('shell.save')}
        </Button>
      </div>
      {change.isSuccess && <Said words={text('profile.saved')} />}
      {change.isError && <ErrorNote error={change.error} />}
    </form>
  );
}

function NameField({ name, isWrong }: { name: string; isWrong: boolean }) {
  const text = useText();
  const [value, setValue] = useState(name);
  return (
    <Field
      name="name"
      label={text('signIn.name')}
      hint={text('signIn.nameHint')}
      error={isWrong ? text('signIn.nameWrong') : undefined}
      value={value}
      onChange={setValue}
      autoComplete="username"
      maxLength={40}
      isRequired
    />
  );
}

function PasswordForm() {
  const text = useText();
  const [isShort, setShort] = useState(false);
  const change = useMutation({
    mutationFn: (passwords: { currentPassword: string; password: string }) =>
      client.me.change(passwords),
  });
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const data = new FormData(form);
    const password = String(data.get('password') ?? '');
    setShort(!isPassword(password));
    if (!isPassword(password)) return;
    const currentPassword = String(data.get('currentPassword') ?? '');
    change.mutate({ currentPassword, password }, { onSuccess: () => form.reset() });
  };
  return (
    <form noValidate onSubmit={submit} className="sheet grid gap-4 p-6">
      <h2 className="text-xl">{text('profile.password')}</h2>
      <div className="grid gap-4 sm:grid-cols-2">
        <Field
          name="currentPassword"
          type="password"
          label={text('profile.currentPassword')}
          autoComplete="current-password"
          maxLength={200}
          isRequired
        />
        <Field
          name="password"
          type="password"
          label={text('profile.newPassword')}
          hint={text('signIn.passwordHint')}
          error={isShort ? text('signIn.passwordShort') : undefined}
          autoComplete="new-password"
          maxLength={200}
          isRequired
        />
      </div>
      <div>
        <Button type="submit" isPending={change.isPending}>
          {text('shell.save')}
        </Button>
      </div>
      {change.isSuccess && <Said words={text('profile.passwordSaved')} />}
      {change.isError && <ErrorNote error={change.error} />}
    </form>
  );
}

function OwnData() {
  const text = useText();
  const router = useRouter();
  const become = useBecome();
  const [isAsking, setAsking] = useState(false);
  const exported = useMutation({ mutationFn: async () => saveAsFile(await client.me.export()) });
  return (
    <section aria-label={text('profile.data')} className="sheet grid gap-4 p-6">
      <h2 className="text-xl">{text('profile.data')}</h2>
      <p className="text-soft">{text('profile.dataLead')}</p>
      <div className="flex flex-wrap gap-3">
        <Button isPending={exported.isPending} onPress={() => exported.mutate()}>
          {text('profile.export')}
        </Button>
        <Button kind="danger" onPress={() => setAsking(true)}>
          {text('profile.delete')}
        </Button>
      </div>
      {exported.isError && <ErrorNote error={exported.error} />}
      <Confirm
        isOpen={isAsking}
        onClose={() => setAsking(false)}
        title={text('profile.deleteTitle')}
        action={text('profile.delete')}
        isDanger
        onConfirm={async () => {
          await client.me.delete();
          become(null);
          router.history.push('/');
        }}
      >
        <p>{text('profile.deleteLead')}</p>
      </Confirm>
    </section>
  );
}

function saveAsFile(content: unknown): void {
  const file = new Blob([JSON.stringify(content, null, 2)], { type: 'application/json' });
  const address = URL.createObjectURL(file);
  const link = document.createElement('a');
  link.href = address;
  link.download = 'dibs-my-data.json';
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
