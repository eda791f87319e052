import { contests } from '../contests/contests.ts';
import { isUuid } from '../kernel/ids.ts';
import type { ChainLink } from './chain.ts';
import type { LogEntry } from './fold.ts';

/**
 * The text of a downloaded public log, one JSON object per line. A stranger may have made it, so
 * every value is held against its bounds before anything is done with it.
 */

export const LOG_FORMAT = 'dibs-log/1';
/** Characters of one line: the largest batch a log takes has well under a quarter of that. */
export const LINE_LENGTH_MAX = 8 * 1024 * 1024;
/** Entries of one batch; the logs' own bound is below it. */
const BATCH_ENTRIES_MAX = 10_000;
/** Keys one note of refusals may name. */
const KEYS_PER_NOTE_MAX = 10_000;
/** The last instant that a date can name, in milliseconds since 1970. */
const INSTANT_MAX = 8_640_000_000_000_000;
/** Characters of a text inside a command or refusal: seeds, hashes, payment numbers are shorter. */
const TEXT_LENGTH_MAX = 500;

const HASH = /^[0-9a-f]{64}$/;
/** 16 characters naming person and key, 8 naming the command. */
const KEY = /^[A-Za-z0-9_-]{24}$/;
const PSEUDONYM = /^[A-Za-z0-9_-]{22}$/;
const DIGEST = /^[0-9a-f]{16}$/;

export interface LogHeader {
  readonly format: typeof LOG_FORMAT;
  readonly contest: string;
  readonly kind: string;
}

/** A value of the file is not what it must be; the message names both. */
export class BadLine extends Error {
  override readonly name = 'BadLine';
}

type Members = Readonly<Record<string, unknown>>;

/** Reads the first line. Throws `BadLine`. */
export function parseHeader(line: string): LogHeader {
  const header = parseObject(line, 'the line');
  onlyMembers(header, ['format', 'contest', 'kind'], 'the first line');
  const { format, contest, kind } = header;
  if (format !== LOG_FORMAT) throw bad('format', format, `"${LOG_FORMAT}"`);
  if (typeof contest !== 'string' || !isUuid(contest)) throw bad('contest', contest, 'a UUID');
  if (typeof kind !== 'string' || !Object.hasOwn(contests, kind)) {
    throw bad('kind', kind, `one of ${Object.keys(contests).join(', ')}`);
  }
  return { format, contest, kind };
}

/** Reads a line that holds a batch; its payload is left unread. Throws `BadLine`. */
export function parseBatch(line: string): ChainLink {
  const batch = parseObject(line, 'the line');
  onlyMembers(batch, ['epoch', 'seq', 'at', 'hash', 'payload'], 'a batch');
  const { hash, payload } = batch;
  if (typeof hash !== 'string' || !HASH.test(hash)) {
    throw bad('hash', hash, '64 lower-case hexadecimal digits');
  }
  // Half a surrogate pair has no UTF-8 bytes of its own: two texts would share one hash.
  if (typeof payload !== 'string' || !payload.isWellFormed()) {
    throw bad('payload', payload, 'a well-formed text');
  }
  return {
    epoch: integer(batch, 'epoch', 1, Number.MAX_SAFE_INTEGER),
    seq: integer(batch, 'seq', 1, Number.MAX_SAFE_INTEGER),
    at: integer(batch, 'at', 0, INSTANT_MAX),
    hash,
    payload,
  };
}

/** Reads the entries of a batch's payload, at least one. Throws `BadLine`. */
export function parsePayload(payload: string): LogEntry[] {
  const entries = parseJson(payload, 'payload');
  if (!Array.isArray(entries)) throw bad('payload', entries, 'a list of entries');
  if (entries.length < 1 || entries.length > BATCH_ENTRIES_MAX) {
    throw bad('number of entries', entries.length, `1 to ${BATCH_ENTRIES_MAX}`);
  }
  entries.forEach(checkEntry);
  return entries as LogEntry[];
}

function checkEntry(value: unknown, index: number): void {
  const where = `entry ${index + 1} of the batch`;
  const entry = object(value, where);
  if ('command' in entry) checkCommand(entry, where);
  else if ('refused' in entry) checkRefused(entry, where);
  else checkCheckpoint(entry, where);
}

function checkCheckpoint(entry: Members, where: string): void {
  onlyMembers(entry, ['checkpoint', 'digest'], where);
  integer(entry, 'checkpoint', 1, Number.MAX_SAFE_INTEGER, where);
  if (typeof entry.digest !== 'string' || !DIGEST.test(entry.digest)) {
    throw bad(`${where}: digest`, entry.digest, '16 hexadecimal digits');
  }
}

function checkCommand(entry: Members, where: string): void {
  const members = 'kind' in entry ? [...COMMAND_MEMBERS, 'kind'] : COMMAND_MEMBERS;
  onlyMembers(entry, members, where);
  const { person, key, kind } = entry;
  if (person !== null && !(typeof person === 'string' && PSEUDONYM.test(person))) {
    throw bad(`${where}: person`, person, 'null or a pseudonym of 22 characters');
  }
  checkKey(key, where);
  if (kind !== undefined && typeof kind !== 'string') throw bad(`${where}: kind`, kind, 'a text');
  const command = object(entry.command, `${where}: command`);
  if (typeof command.type !== 'string') throw bad(`${where}: type`, command.type, 'a text');
  checkPlain(command, `${where}: command`, 0);
}

const COMMAND_MEMBERS = ['person', 'key', 'command'];

function checkRefused(entry: Members, where: string): void {
  onlyMembers(entry, ['refused', 'keys'], where);
  const refused = object(entry.refused, `${where}: refused`);
  if (typeof refused.code !== 'string') throw bad(`${where}: code`, refused.code, 'a text');
  checkPlain(refused, `${where}: refused`, 0);
  const { keys } = entry;
  if (!Array.isArray(keys) || keys.length < 1 || keys.length > KEYS_PER_NOTE_MAX) {
    throw bad(`${where}: keys`, keys, `a list of 1 to ${KEYS_PER_NOTE_MAX} keys`);
  }
  for (const key of keys) checkKey(key, where);
}

function checkKey(key: unknown, where: string): void {
  if (typeof key !== 'string' || !KEY.test(key)) {
    throw bad(`${where}: key`, key, '24 characters of base64url');
  }
}

/** What a command or refusal holds: numbers, short texts, and few levels of objects of those. */
function checkPlain(members: Members, where: string, depth: number): void {
  for (const [name, value] of Object.entries(members)) {
    if (typeof value === 'string' && value.length > TEXT_LENGTH_MAX) {
      throw bad(`${where}: ${name}`, value, `at most ${TEXT_LENGTH_MAX} characters`);
    }
    if (typeof value !== 'object' || value === null) continue;
    if (depth > 2 || Array.isArray(value)) {
      throw bad(`${where}: ${name}`, value, 'a number, a text or a small object');
    }
    checkPlain(value as Members, `${where}: ${name}`, depth + 1);
  }
}

function integer(
  members: Members,
  name: string,
  minimum: number,
  maximum: number,
  where?: string,
): number {
  const value = members[name];
  if (!Number.isInteger(value) || (value as number) < minimum || (value as number) > maximum) {
    const what = where === undefined ? name : `${where}: ${name}`;
    throw bad(what, value, `a whole number from ${minimum} to ${maximum}`);
  }
  return value as number;
}

function parseObject(text: string, what: string): Members {
  if (text.length > LINE_LENGTH_MAX) {
    throw bad(`length of ${what}`, text.length, `at most ${LINE_LENGTH_MAX} characters`);
  }
  return object(parseJson(text, what), what);
}

function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const end = text.length > 40 ? `… ${text.slice(-40)}` : text;
    throw new BadLine(`${what} is not JSON (damaged, or cut off?); it ends with: ${end}`);
  }
}

function object(value: unknown, what: string): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw bad(what, value, 'an object');
  }
  return value as Members;
}

function onlyMembers(members: Members, names: readonly string[], what: string): void {
  for (const name of names) {
    if (!Object.hasOwn(members, name)) throw new BadLine(`${what} has no "${name}"`);
  }
  const stranger = Object.keys(members).find((name) => !names.includes(name));
  if (stranger !== undefined) {
    throw new BadLine(`${what} has "${stranger.slice(0, 40)}"; only ${names.join(', ')}`);
  }
}

function bad(what: string, value: unknown, accepted: string): BadLine {
  return new BadLine(`${what} is ${show(value)}; it must be ${accepted}`);
}

/** A value for a message, cut short. */
function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'missing';
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
