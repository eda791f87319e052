/**
 * Whether somebody is signed in on this device, as far as a script may know: the session itself is in
 * cookies that it cannot read; the server sets another beside them that says only this. It spares a
 * crowd of visitors two useless requests each.
 */
const COOKIE = 'dibs_present=yes';
/** Tells the other tabs that somebody has signed in or out. */
const STORED_AS = 'dibs.signedIn';

/** True where there is no session to ask the server about. */
export function isKnownSignedOut(): boolean {
  return !document.cookie.split('; ').includes(COOKIE);
}

export function rememberPresence(isSignedIn: boolean): void {
  try {
    localStorage.setItem(STORED_AS, isSignedIn ? 'yes' : 'no');
  } catch {
    // The other tabs then learn it when they ask the server.
  }
}

/** Calls `onChange` when another tab signs in or out. */
export function watchPresence(onChange: () => void): () => void {
  const listen = (event: StorageEvent) => {
    if (event.key === STORED_AS) onChange();
  };
  addEventListener('storage', listen);
  return () => removeEventListener('storage', listen);
}
