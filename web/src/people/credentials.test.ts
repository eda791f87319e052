import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkCredentials, safeNext } from './credentials.ts';

test('a new name and password keep within the bounds of the wire', () => {
  assert.deepEqual(checkCredentials({ name: 'Mo', password: '12345678' }, true), {});
  assert.deepEqual(checkCredentials({ name: 'M', password: '1234567' }, true), {
    name: 'signIn.nameWrong',
    password: 'signIn.passwordShort',
  });
  assert.deepEqual(checkCredentials({ name: 'M', password: '1' }, false), {});
  assert.deepEqual(checkCredentials({ name: '', password: '' }, false), {
    name: 'signIn.nameMissing',
    password: 'signIn.passwordMissing',
  });
});

test('after signing in nobody is led to another site', () => {
  assert.equal(safeNext('/drops/1'), '/drops/1');
  for (const next of ['//evil.example', '/\\evil.example', 'https://evil.example', 7, undefined]) {
    assert.equal(safeNext(next), undefined, String(next));
  }
});
