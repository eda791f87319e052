import { PeopleFault } from './faults.ts';

const LENGTH_MIN = 2;
const LENGTH_MAX = 40;
/** Controls, formats (invisible, or turning the direction of text), and what is no character. */
const FORBIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\u1680]/u;
/** Joiners: Persian, Indic scripts and emoji need them, so they may be seen but not tell apart. */
const JOINERS = /[\u200c\u200d]/gu;

export interface PersonName {
  /** As it is shown: NFKC, trimmed, single spaces. */
  readonly name: string;
  /** As names are told apart: two names with the same key are the same name. */
  readonly key: string;
}

/** Reads a name of 2 to 40 code points; throws PeopleFault `invalid` saying what is wrong. */
export function readName(text: string): PersonName {
  const name = text.normalize('NFKC').replace(/ +/g, ' ').replace(/^ | $/g, '');
  const bare = name.replace(JOINERS, '');
  if (FORBIDDEN.test(bare) || bare === '') {
    throw new PeopleFault('invalid', 'A name has no control or invisible characters');
  }
  const length = [...name].length;
  if (length > LENGTH_MAX || [...bare].length < LENGTH_MIN) {
    throw new PeopleFault(
      'invalid',
      `A name has ${LENGTH_MIN} to ${LENGTH_MAX} characters, received ${length}`,
    );
  }
  return { name, key: keyOf(bare) };
}

/** The same for a sign-in, where a name that cannot exist is only a name that nobody has. */
export function readNameKey(text: string): string | null {
  try {
    return readName(text).key;
  } catch (error) {
    if (error instanceof PeopleFault) return null;
    throw error;
  }
}

/** Upper case first: it also unites letters with several lower cases, such as ß and ss, σ and ς. */
function keyOf(bare: string): string {
  return bare.toUpperCase().toLowerCase().normalize('NFKC').toUpperCase().toLowerCase();
}
