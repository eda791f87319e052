import type { Person } from '@dibs/sdk/wire';
import { Link, useLocation } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useText } from '../messages/text.ts';
import { Loading } from '../shell/loading.tsx';
import { Page } from '../shell/page.tsx';
import { useMe } from './me.ts';

/** A screen that needs a person: others are asked to sign in, and come back to it. */
export function SignedInOnly(props: { title: string; children: (me: Person) => ReactNode }) {
  const text = useText();
  const me = useMe();
  const { pathname } = useLocation();
  if (me === undefined) return <Loading />;
  if (me !== null) return <>{props.children(me)}</>;
  return (
    <Page title={props.title} lead={text('signIn.needed')}>
      <Link to="/sign-in" search={{ next: pathname }} className="button button-main button-large">
        {text('nav.signIn')}
      </Link>
    </Page>
  );
}
