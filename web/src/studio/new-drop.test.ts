import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkDraft, type DropDraft, emptyDraft } from './new-drop.ts';

const GOOD: DropDraft = { ...emptyDraft('2030-05-01T12:00:00'), title: 'Lantern', price: '49.00' };

test('a good draft becomes what the wire takes', () => {
  const checked = checkDraft(GOOD);
  assert.ok('drop' in checked);
  assert.deepEqual(checked.drop.price, { amount: 4900, currency: 'EUR' });
  assert.equal(checked.drop.closesAt, null);
  assert.equal(checked.drop.opensAt, new Date('2030-05-01T12:00:00').toISOString());
  assert.equal(checked.drop.pictureUrl, undefined);
});

const WRONG: readonly [keyof DropDraft, string][] = [
  ['title', '  '],
  ['title', 'x'.repeat(121)],
  ['description', 'x'.repeat(5_001)],
  ['pictureUrl', 'http://plain.example/a.png'],
  ['pictureUrl', '//other.example/a.png'],
  ['price', '-1'],
  ['price', '1.234'],
  ['stock', '0'],
  ['stock', '10000001'],
  ['stock', '1e3'],
  ['opensAt', ''],
  ['closesAt', '2030-05-01T12:00:00'],
  ['limitPerPerson', '1001'],
  ['quantityMax', '101'],
  ['payWithinSeconds', '4'],
  ['fairWindowMs', '99'],
  ['fairWindowMs', '10001'],
];

for (const [field, value] of WRONG) {
  test(`a draft whose ${field} is ${value.slice(0, 30)} is wrong there and only there`, () => {
    const checked = checkDraft({
      ...GOOD,
      limitPerPerson: '1000',
      pictureText: 'A',
      [field]: value,
    });
    assert.ok('errors' in checked);
    assert.deepEqual(Object.keys(checked.errors), [field]);
  });
}

test('a picture needs words, and one claim no more than a person may hold', () => {
  const bare = checkDraft({ ...GOOD, pictureUrl: 'https://pictures.example/lantern.jpg' });
  assert.deepEqual('errors' in bare && Object.keys(bare.errors), ['pictureText']);
  const many = checkDraft({ ...GOOD, quantityMax: '3', limitPerPerson: '2' });
  assert.deepEqual('errors' in many && Object.keys(many.errors), ['quantityMax']);
});
