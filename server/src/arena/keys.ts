import { hash } from 'node:crypto';
import type { CommandShape } from '@dibs/rules/contests/contest.ts';

/** Longest idempotency key that a client may send, in characters. */
export const KEY_LENGTH_MAX = 200;

const COMMANDS_REMEMBERED = 1_000;
const commandHashes = new Map<string, string>();

/**
 * The key of a log entry: 16 characters naming who asked with which key, 8 naming what was asked.
 * Hashes, so that no text of a client's choice stands in the public log; 96 bits make two alike
 * in one contest as good as impossible.
 */
export function entryKey(person: string | null, key: string, command: CommandShape): string {
  const tag = hash('sha256', `${person ?? ''}\n${key}`, 'base64url').slice(0, 16);
  return tag + hashCommand(JSON.stringify(command));
}

/** Most commands of a storm are the same few texts, so their hashes are kept. */
function hashCommand(text: string): string {
  const known = commandHashes.get(text);
  if (known !== undefined) return known;
  const computed = hash('sha256', text, 'base64url').slice(0, 8);
  if (commandHashes.size >= COMMANDS_REMEMBERED) commandHashes.clear();
  commandHashes.set(text, computed);
  return computed;
}
