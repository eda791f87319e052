/**
 * Where a stream stands, as its `id:` lines and `Last-Event-ID` say it: for each of its topics, in
 * the order they were asked for, `epoch:seq`, or `-` where there is nothing to resume from.
 */

/** A place in a contest's log: which life of the log, and how many of its entries were seen. */
export interface Position {
  readonly epoch: number;
  readonly seq: number;
}

const POSITION = /^([0-9]{1,9}):([0-9]{1,15})$/;
/** Of one topic, with its comma. */
const POSITION_LENGTH_MAX = 26;

/** `epoch:seq`. */
export function formatPosition(epoch: number, seq: number): string {
  return `${epoch}:${seq}`;
}

/** The positions of `count` topics, null for each that has none; or null when malformed. */
export function parsePositions(text: string, count: number): (Position | null)[] | null {
  if (text.length > count * POSITION_LENGTH_MAX) return null;
  const parts = text.split(',');
  if (parts.length !== count) return null;
  const positions: (Position | null)[] = [];
  for (const part of parts) {
    const match = POSITION.exec(part);
    if (match === null && part !== '-') return null;
    positions.push(match === null ? null : { epoch: Number(match[1]), seq: Number(match[2]) });
  }
  return positions;
}
