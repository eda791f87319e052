import type { HistoryRow } from './store.ts';

/**
 * The changes of an order as its row keeps them: a line each, `entry place at fact`, oldest first.
 * Text in the row and not a table of their own: that would double what a claim costs PostgreSQL.
 */
export function encodeHistories(history: readonly HistoryRow[]): Map<number, string> {
  const lines = new Map<number, string>();
  for (const { order, entry, place, at, fact } of history) {
    lines.set(order, `${lines.get(order) ?? ''}${entry} ${place} ${at} ${fact}\n`);
  }
  return lines;
}

/** The changes in a row's text; `at` in milliseconds since 1970. */
export function decodeHistory(text: string): { entry: number; at: number; fact: string }[] {
  const changes: { entry: number; at: number; fact: string }[] = [];
  for (const line of text.split('\n')) {
    const [entry, , at, fact] = line.split(' ');
    if (fact !== undefined) changes.push({ entry: Number(entry), at: Number(at), fact });
  }
  return changes;
}
