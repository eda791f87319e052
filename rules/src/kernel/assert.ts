/** A broken promise of our own code: never an answer to a person, always a reason to rebuild from the log. */
export class Bug extends Error {
  override readonly name = 'Bug';
}

/** States what must hold; `message` names the value received and the range accepted. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Bug(message);
}

/** Marks the end of an exhaustive switch. */
export function unreachable(value: never): never {
  throw new Bug(`unhandled case: ${JSON.stringify(value)}`);
}
