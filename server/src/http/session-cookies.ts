import type { SignedIn } from '@dibs/sdk/wire';
import type { FastifyReply } from 'fastify';

export const ACCESS_COOKIE = 'dibs_access';
export const REFRESH_COOKIE = 'dibs_refresh';
/** Says only that there is a session, so that a page without one need not ask; scripts read it. */
export const PRESENCE_COOKIE = 'dibs_present';

/** The refresh cookie goes along only where it is used. */
const REFRESH_PATH = '/v1/sessions';
/**
 * As long as a refresh token lives. The access cookie stays longer than its token, so that the
 * answer is `token_expired`, which a refresh mends, and not that nobody is signed in.
 */
const LIFE_S = 30 * 86_400;

/** Hands the tokens to the browser, out of reach of scripts, and says that they are there. */
export function setSessionCookies(
  reply: FastifyReply,
  { accessToken, refreshToken }: SignedIn,
  isSecure: boolean,
): void {
  setCookie(reply, ACCESS_COOKIE, accessToken, { path: '/', site: 'Lax', lifeS: LIFE_S, isSecure });
  setCookie(reply, REFRESH_COOKIE, refreshToken, {
    path: REFRESH_PATH,
    site: 'Strict',
    lifeS: LIFE_S,
    isSecure,
  });
  setCookie(reply, PRESENCE_COOKIE, 'yes', { ...PRESENCE, lifeS: LIFE_S, isSecure });
}

export function clearSessionCookies(reply: FastifyReply, isSecure: boolean): void {
  setCookie(reply, ACCESS_COOKIE, '', { path: '/', site: 'Lax', lifeS: 0, isSecure });
  setCookie(reply, REFRESH_COOKIE, '', { path: REFRESH_PATH, site: 'Strict', lifeS: 0, isSecure });
  setCookie(reply, PRESENCE_COOKIE, '', { ...PRESENCE, lifeS: 0, isSecure });
}

const PRESENCE = { path: '/', site: 'Lax', isReadable: true } as const;

/** The value of a cookie in a Cookie header, or null. Tokens need no decoding. */
export function readCookie(header: string, name: string): string | null {
  const wanted = `${name}=`;
  let from = 0;
  while (from < header.length) {
    const semicolon = header.indexOf(';', from);
    const end = semicolon === -1 ? header.length : semicolon;
    while (header[from] === ' ') from += 1;
    if (header.startsWith(wanted, from)) {
      return header.slice(from + wanted.length, end).trim() || null;
    }
    from = end + 1;
  }
  return null;
}

interface CookieTerms {
  readonly path: string;
  readonly site: 'Lax' | 'Strict';
  readonly lifeS: number;
  readonly isSecure: boolean;
  /** By scripts. */
  readonly isReadable?: boolean;
}

function setCookie(reply: FastifyReply, name: string, value: string, terms: CookieTerms): void {
  const { path, site, lifeS, isSecure } = terms;
  const secure = isSecure ? '; Secure' : '';
  const hidden = terms.isReadable === true ? '' : '; HttpOnly';
  reply.header(
    'set-cookie',
    `${name}=${value}; Path=${path}; Max-Age=${lifeS}${hidden}; SameSite=${site}${secure}`,
  );
}
