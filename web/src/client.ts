import { type Client, createClient } from '@dibs/sdk';

/** The one client of this tab: same origin, cookies, no token in reach of a script. */
export const client: Client = createClient();
