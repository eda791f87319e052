import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { PLANTED_FAULTS, plant } from './planted-faults.ts';

const root = join(import.meta.dirname, '..');

test('every planted fault still finds its place in the sources', () => {
  assert.ok(PLANTED_FAULTS.length >= 15);
  const problems: string[] = [];
  for (const fault of PLANTED_FAULTS) {
    const original = readFileSync(join(root, fault.file), 'utf8');
    try {
      assert.notEqual(plant(original, fault), original);
    } catch (error) {
      problems.push(String(error));
    }
  }
  assert.deepEqual(problems, []);
});
