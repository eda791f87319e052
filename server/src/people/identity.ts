import type { Role } from '@dibs/sdk/wire';

/** Who asks. Made only from a verified access token, never from what a request claims. */
export interface Identity {
  readonly personId: string;
  /** One session of this person; throw-away people of one minting share theirs. */
  readonly sessionId: string;
  readonly name: string;
  readonly roles: readonly Role[];
  readonly isSynthetic: boolean;
}

/** Who may host contests: any member, or only who has the host role. */
export type Hosting = 'anyone' | 'hosts';

export function mayHost(identity: Identity, { hosting }: { hosting: Hosting }): boolean {
  if (hosting === 'anyone') return true;
  return identity.roles.includes('host') || identity.roles.includes('admin');
}

const ORDER: readonly Role[] = ['member', 'host', 'moderator', 'admin'];

/** Roles in their one order, each once; everybody is a member. */
export function arrangeRoles(roles: readonly Role[]): Role[] {
  return ORDER.filter((role) => role === 'member' || roles.includes(role));
}
