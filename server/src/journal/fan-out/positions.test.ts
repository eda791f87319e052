import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePositions } from './positions.ts';

test('positions are read as they were written, or not at all', () => {
  assert.deepEqual(parsePositions('1:12', 1), [{ epoch: 1, seq: 12 }]);
  assert.deepEqual(parsePositions('1:12,-,2:0', 3), [
    { epoch: 1, seq: 12 },
    null,
    { epoch: 2, seq: 0 },
  ]);
  for (const text of ['', ',', '1', '1:', ':1', '1:2 ', '1:2,', '-1:2', '1:1e3', '1:2\n', '1:²']) {
    assert.equal(parsePositions(text, 1), null, text);
  }
  assert.equal(parsePositions('1:2', 2), null);
  assert.equal(parsePositions('1:2,1:3', 1), null);
  assert.equal(parsePositions(`1:${'0'.repeat(30)}`, 1), null);
});
