import type { Installation } from '@dibs/sdk/wire';
import { useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useId, useState } from 'react';
import { client } from '../client.ts';
import { Button } from '../controls/button.tsx';
import { ErrorNote } from '../controls/error-note.tsx';
import { type MessageId, useText } from '../messages/text.ts';
import { useBecome, useMe } from '../people/me.ts';
import { CheckIcon } from '../shell/icons.tsx';
import { Said } from '../shell/said.tsx';

type Demo = NonNullable<Installation['demo']>;

const ROLE_WORDS: Readonly<Record<string, MessageId>> = {
  host: 'demo.host',
  member: 'demo.member',
  admin: 'demo.admin',
};

/** The first five minutes: be somebody with one press, then send a crowd. */
export function DemoPanel({ demo }: { demo: Demo }) {
  const text = useText();
  return (
    <section
      aria-label={text('demo.title')}
      className="grid gap-6 rounded-3xl border-2 border-dashed border-edge p-5 lg:mt-13"
    >
      <div>
        <h2 className="text-2xl">{text('demo.title')}</h2>
        <p className="mt-2 max-w-prose text-soft">{text('demo.lead')}</p>
        <Identities demo={demo} />
      </div>
      {demo.drop !== null && <CrowdLauncher dropId={demo.drop} hasLink />}
    </section>
  );
}

function Identities({ demo }: { demo: Demo }) {
  const text = useText();
  const me = useMe();
  const become = useBecome();
  const enter = useMutation({
    mutationFn: (name: string) => client.demo.enter(name),
    onSuccess: ({ person }) => become(person),
  });
  return (
    <>
      <ul className="mt-5 grid gap-3">
        {demo.identities.map(({ name, role }) => {
          const isMe = me?.name === name;
          return (
            <li key={name}>
              <Button
                className="w-full justify-start! text-start!"
                isPending={enter.isPending && enter.variables === name}
                onPress={() => enter.mutate(name)}
              >
                <span className="min-w-0 flex-1">
                  <span className="flex items-center gap-2">
                    {text('demo.enter', { name })}
                    {isMe && (
                      <span className="inline-flex items-center gap-1 text-sm text-jade">
                        <CheckIcon className="size-4" />
                        {text('demo.isYou')}
                      </span>
                    )}
                  </span>
                  <span className="block text-sm font-normal text-soft">
                    {text(ROLE_WORDS[role] ?? 'demo.member')}
                  </span>
                </span>
              </Button>
            </li>
          );
        })}
      </ul>
      {enter.isError && <ErrorNote error={enter.error} />}
    </>
  );
}

const CROWDS = [100, 500, 2_000] as const;

/** Sends throw-away people to a drop; what they do is seen on the drop's own page. */
export function CrowdLauncher({ dropId, hasLink }: { dropId: string; hasLink: boolean }) {
  const text = useText();
  const id = useId();
  const [people, setPeople] = useState<number>(500);
  const crowd = useMutation({
    mutationFn: () => client.demo.crowd({ drop: dropId, people }),
  });
  return (
    <div className="rounded-2xl bg-wash p-5">
      <h2 className="text-xl">{text('demo.crowd')}</h2>
      <p className="mt-2 text-soft">{text('demo.crowdLead')}</p>
      <div className="mt-4 flex flex-wrap items-end gap-3">
        <div className="grid gap-1.5">
          <label htmlFor={id} className="kicker">
            {text('demo.crowdSize')}
          </label>
          <select
            id={id}
            className="input w-auto!"
            value={people}
            onChange={(event) => setPeople(Number(event.target.value))}
          >
            {CROWDS.map((count) => (
              <option key={count} value={count}>
                {text('demo.people', { count })}
              </option>
            ))}
          </select>
        </div>
        <Button kind="main" isPending={crowd.isPending} onPress={() => crowd.mutate()}>
          {text('demo.unleash')}
        </Button>
        {hasLink && (
          <Link to="/drops/$dropId" params={{ dropId }} className="link py-2.5">
            {text('demo.watch')}
          </Link>
        )}
      </div>
      {crowd.isSuccess && (
        <p className="mt-3 font-semibold">
          <Said words={text('demo.crowdSent', { count: crowd.data.people })} />
        </p>
      )}
      {crowd.isError && <ErrorNote error={crowd.error} />}
    </div>
  );
}
