import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { genesisHash, hashLink } from './chain.ts';

const CONTEST = '0196f2d0-0000-7000-8000-000000000001';

test('LG12: the chain is SHA-256 over hash before, epoch, seq, at and payload', () => {
  const genesis = createHash('sha256').update(`dibs-log/1:${CONTEST}`).digest();
  assert.equal(genesisHash(CONTEST), genesis.toString('hex'));
  const link = { epoch: 1, seq: 7, at: 1_790_000_000_123, payload: '[{"ü":1}]' };
  const numbers = Buffer.alloc(24);
  for (const [index, value] of [link.epoch, link.seq, link.at].entries()) {
    numbers.writeBigUInt64BE(BigInt(value), index * 8);
  }
  const expected = createHash('sha256')
    .update(Buffer.concat([genesis, numbers, Buffer.from(link.payload, 'utf8')]))
    .digest('hex');
  assert.equal(hashLink(genesisHash(CONTEST), link), expected);
});

test('LG12: any change of the past shows', () => {
  const link = { epoch: 1, seq: 7, at: 1_790_000_000_123, payload: '[]' };
  const hash = hashLink(genesisHash(CONTEST), link);
  const changed = [
    { ...link, epoch: 2 },
    { ...link, seq: 8 },
    { ...link, at: link.at + 1 },
    { ...link, payload: '[ ]' },
  ];
  for (const other of changed) assert.notEqual(hashLink(genesisHash(CONTEST), other), hash);
  assert.notEqual(hashLink(genesisHash(`${CONTEST}0`), link), hash);
});
