import type { Session } from '@dibs/sdk/wire';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { client } from '../client.ts';
import { Button } from '../controls/button.tsx';
import { ErrorNote } from '../controls/error-note.tsx';
import { useLocale, useText } from '../messages/text.ts';
import { LoadError, Loading } from '../shell/loading.tsx';
import { formatInstant } from '../time/instants.ts';

/** Where the person is signed in, and the means to end each. */
export function Sessions() {
  const text = useText();
  const sessions = useQuery({
    queryKey: ['sessions'],
    queryFn: ({ signal }) => client.me.sessions({ signal }),
  });
  return (
    <section aria-label={text('profile.sessions')} className="sheet grid gap-4 p-6">
      <h2 className="text-xl">{text('profile.sessions')}</h2>
      {sessions.isPending && <Loading />}
      {sessions.isError && (
        <LoadError error={sessions.error} onRetry={() => void sessions.refetch()} />
      )}
      <ul className="grid">
        {sessions.data?.map((session) => (
          <SessionRow key={session.id} session={session} />
        ))}
      </ul>
    </section>
  );
}

function SessionRow({ session }: { session: Session }) {
  const text = useText();
  const locale = useLocale();
  const queries = useQueryClient();
  const revoke = useMutation({
    mutationFn: () => client.me.revokeSession(session.id),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['sessions'] }),
  });
  const device = describeDevice(session.userAgent);
  return (
    <li className="flex flex-wrap items-center justify-between gap-3 border-t border-line py-3">
      <div className="min-w-0 flex-1 basis-52">
        <p className="font-semibold">
          {device ?? text('profile.unknownDevice')}
          {session.isCurrent && <span className="text-jade"> · {text('profile.thisDevice')}</span>}
        </p>
        <p className="kicker">
          {text('profile.lastUsed', { at: formatInstant(session.lastUsedAt, locale) })}
        </p>
      </div>
      {!session.isCurrent && (
        <Button
          isPending={revoke.isPending}
          onPress={() => revoke.mutate()}
          label={text('profile.revokeOf', { device: device ?? text('profile.unknownDevice') })}
        >
          {text('profile.revoke')}
        </Button>
      )}
      {revoke.isError && <ErrorNote error={revoke.error} />}
    </li>
  );
}

/** The browser and system that a User-Agent claims, such as `Firefox, Linux`; null: unknown. */
function describeDevice(userAgent: string): string | null {
  const browser = /(Firefox|Edg|OPR|Chrome|Safari)\//.exec(userAgent)?.[1];
  const system = /(Android|iPhone|iPad|Windows|Mac OS X|Linux)/.exec(userAgent)?.[1];
  if (browser === undefined && system === undefined) return userAgent.slice(0, 60) || null;
  const name = browser === 'Edg' ? 'Edge' : browser === 'OPR' ? 'Opera' : browser;
  return [name, system].filter((word) => word !== undefined).join(', ');
}
