import { DibsProblem } from '@dibs/sdk';
import type { Person } from '@dibs/sdk/wire';
import { queryOptions, useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback } from 'react';
import { client } from '../client.ts';
import { isKnownSignedOut, rememberPresence } from './presence.ts';

/** Who is signed in on this device, or null. */
export const meQuery = queryOptions({
  queryKey: ['me'],
  staleTime: 5 * 60_000,
  queryFn: async ({ signal }): Promise<Person | null> => {
    if (isKnownSignedOut()) return null;
    try {
      const me = await client.me.get({ signal });
      rememberPresence(true);
      return me;
    } catch (error) {
      if (!(error instanceof DibsProblem) || error.status !== 401) throw error;
      rememberPresence(false);
      return null;
    }
  },
});

/** `undefined` while it is not known yet. */
export function useMe(): Person | null | undefined {
  return useQuery(meQuery).data;
}

/** What the installation is: its demo, payments, who may host. */
export const installationQuery = queryOptions({
  queryKey: ['installation'],
  staleTime: 60_000,
  queryFn: ({ signal }) => client.installation.get({ signal }),
});

/** Tells the page that somebody else is signed in now (or nobody): nothing of the last one stays. */
export function useBecome(): (person: Person | null) => void {
  const queries = useQueryClient();
  return useCallback(
    (person) => {
      rememberPresence(person !== null);
      queries.removeQueries({ predicate: ({ queryKey }) => PERSONAL.has(String(queryKey[0])) });
      // An answer to the question asked as the last person must not overwrite this one.
      void queries.cancelQueries({ queryKey: meQuery.queryKey });
      queries.setQueryData(meQuery.queryKey, person);
      void queries.invalidateQueries({ queryKey: installationQuery.queryKey });
    },
    [queries],
  );
}

const PERSONAL = new Set(['orders', 'order', 'own', 'sessions', 'hosted']);

/** May this person open a drop? */
export function mayHost(person: Person, hosting: 'anyone' | 'hosts'): boolean {
  return hosting === 'anyone' || person.roles.includes('host') || person.roles.includes('admin');
}
