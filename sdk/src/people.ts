import { DibsProblem } from './problem.ts';
import type { CallOptions, Transport } from './transport.ts';
import type { Credentials, Person, ProfileChange, Role, Session, SignedIn } from './wire/shapes.ts';

/** People: registering and roles. */
export function peopleCalls(transport: Transport) {
  return {
    /** Registers and signs in. Throws `DibsProblem` `name_taken`. */
    async register(credentials: Credentials, options?: CallOptions): Promise<SignedIn> {
      const request = { name: 'register', body: credentials } as const;
      const signedIn = await transport.call<SignedIn>(request, options);
      transport.credentials.accept(signedIn);
      return signedIn;
    },
    /** For admins: the roles a person has from now on. */
    setRoles(id: string, roles: readonly Role[], options?: CallOptions): Promise<Person> {
      return transport.call({ name: 'setRoles', path: { id }, body: { roles } }, options);
    },
  };
}

/** Signing in and out. */
export function sessionCalls(transport: Transport) {
  return {
    /** Throws `DibsProblem` `wrong_credentials`. */
    async signIn(credentials: Credentials, options?: CallOptions): Promise<SignedIn> {
      const request = { name: 'signIn', body: credentials } as const;
      const signedIn = await transport.call<SignedIn>(request, options);
      transport.credentials.accept(signedIn);
      return signedIn;
    },
    /** Wakes the session; false where it is over. The client does so by itself when need be. */
    refresh(): Promise<boolean> {
      return transport.credentials.refresh(transport.credentials.generation);
    },
    /** Ends the session; it is forgotten here even where the server did not know it any more. */
    async signOut(options?: CallOptions): Promise<void> {
      try {
        await transport.call({ name: 'signOut' }, options);
      } catch (error) {
        if (!(error instanceof DibsProblem && error.status === 401)) throw error;
      }
      transport.credentials.forget();
    },
  };
}

/** Whoever is signed in. */
export function meCalls(transport: Transport) {
  return {
    get(options?: CallOptions): Promise<Person> {
      return transport.call({ name: 'me' }, options);
    },
    change(change: ProfileChange, options?: CallOptions): Promise<Person> {
      return transport.call({ name: 'changeMe', body: change }, options);
    },
    /** Everything that is kept about the caller. */
    export(options?: CallOptions): Promise<unknown> {
      return transport.call({ name: 'exportMe' }, options);
    },
    /** Deletes the caller for good. */
    async delete(options?: CallOptions): Promise<void> {
      await transport.call({ name: 'deleteMe' }, options);
      transport.credentials.forget();
    },
    sessions(options?: CallOptions): Promise<Session[]> {
      return itemsOf(transport.call({ name: 'sessions' }, options));
    },
    async revokeSession(id: string, options?: CallOptions): Promise<void> {
      await transport.call({ name: 'revokeSession', path: { id } }, options);
    },
  };
}

/** A short list comes bare or as a page, whichever the server prefers. */
async function itemsOf<Item>(answer: Promise<Item[] | { items: Item[] }>): Promise<Item[]> {
  const list = await answer;
  return Array.isArray(list) ? list : list.items;
}
