import type { SignedIn } from './wire/shapes.ts';

export interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** RFC 3339. */
  readonly expiresAt: string;
}

export interface CredentialOptions {
  /** `cookies`: the browser keeps the tokens, out of reach of scripts. `tokens`: the client does. */
  readonly session: 'cookies' | 'tokens';
  readonly accessToken?: string;
  readonly refreshToken?: string;
  /** Asked for the access token before every call, instead of keeping one. */
  readonly getToken?: () => string | null | Promise<string | null>;
  /** Told of new tokens, to keep them over restarts; null: signed out. */
  readonly onTokens?: (tokens: Tokens | null) => void;
}

/** Calls `POST /v1/sessions/refresh`; null where the server says that the session is over. */
export type Refresh = (refreshToken: string | null) => Promise<SignedIn | null>;

/** Tabs of one browser share their cookies: only one of them may spend the refresh token. */
const TABS_LOCK = 'dibs-refresh';

/** Who the client is: its tokens, or that the browser has them. */
export class Credentials {
  readonly #options: CredentialOptions;
  readonly #refresh: Refresh;
  #accessToken: string | null;
  #refreshToken: string | null;
  /** Cookies: whether a session may be there that a refresh could wake. */
  #mayWake = true;
  /** Raised by every change of tokens, so that a late answer does not refresh twice. */
  #generation = 0;
  #refreshing: Promise<boolean> | null = null;

  constructor(options: CredentialOptions, refresh: Refresh) {
    this.#options = options;
    this.#refresh = refresh;
    this.#accessToken = options.accessToken ?? null;
    this.#refreshToken = options.refreshToken ?? null;
  }

  get areCookies(): boolean {
    return this.#options.session === 'cookies';
  }

  get generation(): number {
    return this.#generation;
  }

  /** The token to send, or null: none, or the browser sends a cookie. */
  async accessToken(): Promise<string | null> {
    if (this.#options.getToken !== undefined) return this.#options.getToken();
    return this.areCookies ? null : this.#accessToken;
  }

  /** Takes note of a sign-in or refresh. */
  accept(signedIn: SignedIn): void {
    const { accessToken, refreshToken, expiresAt } = signedIn;
    this.#generation += 1;
    this.#mayWake = true;
    if (!this.areCookies) {
      this.#accessToken = accessToken;
      this.#refreshToken = refreshToken;
    }
    this.#options.onTokens?.({ accessToken, refreshToken, expiresAt });
  }

  /** Takes note that nobody is signed in any more. */
  forget(): void {
    const wasSignedIn = this.#accessToken !== null || this.areCookies;
    this.#generation += 1;
    this.#mayWake = false;
    this.#accessToken = null;
    this.#refreshToken = null;
    if (wasSignedIn) this.#options.onTokens?.(null);
  }

  /** Whether an answer of this code may be mended by a refresh. */
  canMend(code: string): boolean {
    if (this.#options.getToken !== undefined) return code === 'token_expired';
    if (!this.areCookies) return code === 'token_expired' && this.#refreshToken !== null;
    // An access cookie that has ended is not sent at all, which looks like nobody being signed in.
    return code === 'token_expired' || (code === 'unauthenticated' && this.#mayWake);
  }

  /**
   * Makes the tokens fresh that were in use at `generation`: once, however many calls ask. False
   * where the session is over. Rejects where the server could not be asked.
   */
  refresh(generation: number): Promise<boolean> {
    if (generation !== this.#generation) return Promise.resolve(true);
    if (this.#options.getToken !== undefined) return Promise.resolve(true);
    this.#refreshing ??= this.#refreshOnce().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  async #refreshOnce(): Promise<boolean> {
    const locks = this.areCookies ? locksOf(globalThis) : undefined;
    if (locks === undefined) return this.#spend();
    const own = await locks.request(TABS_LOCK, { ifAvailable: true }, (lock) =>
      lock === null ? null : this.#spend(),
    );
    if (own !== null) return own;
    // Another tab is at it: its new cookies are ours too.
    await locks.request(TABS_LOCK, () => undefined);
    this.#generation += 1;
    return true;
  }

  async #spend(): Promise<boolean> {
    const signedIn = await this.#refresh(this.areCookies ? null : this.#refreshToken);
    if (signedIn === null) this.forget();
    else this.accept(signedIn);
    return signedIn !== null;
  }
}

interface Locks {
  request<Result>(
    name: string,
    options: { ifAvailable: true },
    work: (lock: unknown) => Result | Promise<Result>,
  ): Promise<Result>;
  request<Result>(name: string, work: () => Result | Promise<Result>): Promise<Result>;
}

/** The browser's locks between tabs, where there are any (secure pages only). */
function locksOf(world: object): Locks | undefined {
  const { navigator } = world as { navigator?: { locks?: Locks } };
  return navigator?.locks;
}
