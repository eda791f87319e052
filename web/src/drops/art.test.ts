import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ART_COLUMNS, ART_ROWS, drawArt } from './art.ts';

test('the same id has the same art, another id another', () => {
  const one = drawArt('01890a5d-ac96-774b-bcce-b302099a8057');
  assert.equal(one.length, ART_COLUMNS * ART_ROWS);
  assert.deepEqual(one, drawArt('01890a5d-ac96-774b-bcce-b302099a8057'));
  assert.notDeepEqual(one, drawArt('01890a5d-ac96-774b-bcce-b302099a8058'));
  for (const { ground, figure } of one) assert.notEqual(ground, figure);
});
