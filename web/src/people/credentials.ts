import type { MessageId } from '../messages/text.ts';

export interface CredentialErrors {
  readonly name?: MessageId;
  readonly password?: MessageId;
}

/** What is wrong with a name and a password before they are sent; both bounds are the wire's. */
export function checkCredentials(
  credentials: { readonly name: string; readonly password: string },
  isNew: boolean,
): CredentialErrors {
  const { name, password } = credentials;
  if (!isNew) {
    return {
      ...(name === '' ? { name: 'signIn.nameMissing' as const } : {}),
      ...(password === '' ? { password: 'signIn.passwordMissing' as const } : {}),
    };
  }
  return {
    ...(isName(name) ? {} : { name: 'signIn.nameWrong' as const }),
    ...(isPassword(password) ? {} : { password: 'signIn.passwordShort' as const }),
  };
}

export function isName(name: string): boolean {
  return name.length >= 2 && name.length <= 40;
}

export function isPassword(password: string): boolean {
  return password.length >= 8 && password.length <= 200;
}

/** Where to go after signing in: a path of this site, nothing else. */
export function safeNext(next: unknown): string | undefined {
  if (typeof next !== 'string' || !/^\/(?![/\\])/.test(next) || next.length > 500) return undefined;
  return next;
}
