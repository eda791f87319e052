import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PeopleFault } from './faults.ts';
import { readName, readNameKey } from './names.ts';

function refuses(text: string) {
  assert.throws(
    () => readName(text),
    (error) => error instanceof PeopleFault && error.code === 'invalid',
    JSON.stringify(text),
  );
  assert.equal(readNameKey(text), null);
}

test('PE1: a name keeps its case and loses surplus space', () => {
  assert.equal(readName('  Anna   Lee ').name, 'Anna Lee');
});

test('PE1: names that look alike to their owner are one name', () => {
  const same: [string, string][] = [
    ['Anna', 'aNNA'],
    ['Straße', 'STRASSE'],
    ['ΟΔΟΣ', 'οδος'],
    ['Ａｎｎａ', 'anna'], // full-width letters
    ['Zoe\u0308', 'Zo\u00eb'], // composed and not
    ['ann\u200da', 'anna'], // a joiner cannot be seen
    ['ﬁne', 'FINE'],
  ];
  for (const [one, other] of same) {
    assert.equal(readName(one).key, readName(other).key, `${one} = ${other}`);
  }
  assert.notEqual(readName('Anna').key, readName('Anne').key);
});

test('PE1: names of any script pass', () => {
  for (const name of ['李雷', '한국', 'علی‌رضا', 'नमस्ते', '👩‍🚀 Ada', "O'Brien-Smith"]) {
    assert.equal(readName(name).name, name.normalize('NFKC'));
  }
});

test('PE2: control, invisible and direction-turning characters are refused', () => {
  for (const character of [
    '\0',
    '\n',
    '\u202e',
    '\u200b',
    '\ufeff',
    '\u2066',
    '\ud800',
    '\ue000',
  ]) {
    refuses(`An${character}na`);
  }
});

test('PE2: a name has 2 to 40 code points after normalising', () => {
  for (const text of ['', ' ', 'a', '\u200d\u200d', ' a ', 'x'.repeat(41), '😀'.repeat(41)]) {
    refuses(text);
  }
  // One character that NFKC turns into 18.
  refuses('\ufdfa'.repeat(3));
  assert.equal([...readName('😀'.repeat(40)).name].length, 40);
});

test('PE1: reading a name again changes nothing, and upper and lower case share the key', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 2, maxLength: 20 }), (text) => {
      const key = readNameKey(text);
      if (key === null) return;
      const { name } = readName(text);
      assert.equal(readName(name).name, name);
      assert.equal(readName(name).key, key);
      const upper = readNameKey(name.toUpperCase());
      const lower = readNameKey(name.toLowerCase());
      if (upper !== null) assert.equal(upper, key);
      if (lower !== null) assert.equal(lower, key);
    }),
  );
});
