/** A list's cursor names the last item of a page; opaque to clients. */
export class BadCursor extends Error {
  override readonly name = 'BadCursor';
}

/** The sort keys of the last item, as text for the client. */
export function encodeCursor(keys: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(keys)).toString('base64url');
}

/** The sort keys in a cursor, `count` of them. Throws `BadCursor`. */
export function decodeCursor(cursor: string, count: number): (string | number)[] {
  try {
    const keys: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    const isList = Array.isArray(keys) && keys.length === count;
    if (isList && keys.every((key) => typeof key === 'string' || Number.isFinite(key))) return keys;
  } catch {
    // Falls through to the same answer.
  }
  throw new BadCursor('the cursor is not one of ours: begin the list anew');
}
