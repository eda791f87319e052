/**
 * Whether somebody is signed in on this device, as far as a script may know: the session itself is in
 * cookies that it cannot read. It spares a crowd of visitors two useless requests each.
 */
const STORED_AS = 'dibs.signedIn';

/** True only where nobody is known to be signed in. */
export function isKnownSignedOut(): boolean {
  try {
    return localStorage.getItem(STORED_AS) === 'no';
  } catch {
    return false;
  }
}

export function rememberPresence(isSignedIn: boolean): void {
  try {
    localStorage.setItem(STORED_AS, isSignedIn ? 'yes' : 'no');
  } catch {
    // The server is asked each time, then.
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
