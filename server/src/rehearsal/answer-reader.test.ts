import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AnswerReader, BrokenAnswer, readHeader } from './answer-reader.ts';

/** One answer in both framings; the body holds characters of several bytes. */
function write(status: number, body: string, isChunked: boolean): Buffer {
  const bytes = Buffer.from(body);
  const head = `HTTP/1.1 ${status} Whatever\r\nRetry-After: 3\r\n`;
  if (!isChunked) {
    const lines = `${head}Content-Length: ${bytes.length}\r\n\r\n`;
    return Buffer.concat([Buffer.from(lines), bytes]);
  }
  const middle = bytes.length >> 1;
  const chunks = [bytes.subarray(0, middle), bytes.subarray(middle)].filter((c) => c.length > 0);
  const parts = chunks.flatMap((chunk) => [
    Buffer.from(`${chunk.length.toString(16)}\r\n`),
    chunk,
    Buffer.from('\r\n'),
  ]);
  const lines = Buffer.from(`${head}transfer-encoding: chunked\r\n\r\n`);
  return Buffer.concat([lines, ...parts, Buffer.from('0\r\n\r\n')]);
}

test('an answer is read the same however its bytes arrive', () => {
  const cuts = fc.array(fc.nat(400), { maxLength: 6 });
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', maxLength: 80 }),
      fc.boolean(),
      cuts,
      (body, isChunked, at) => {
        const reader = new AnswerReader();
        // Twice over the same connection: nothing of the first may stay behind.
        for (const status of [201, 409]) {
          const bytes = write(status, body, isChunked);
          const bounds = [...new Set([0, ...at.map((cut) => cut % bytes.length), bytes.length])];
          bounds.sort((a, b) => a - b);
          let answer = null;
          for (let index = 1; index < bounds.length; index += 1) {
            assert.equal(answer, null);
            answer = reader.push(bytes.subarray(bounds[index - 1], bounds[index]));
          }
          assert.equal(answer?.status, status);
          assert.equal(answer?.body, body);
          assert.equal(answer === null ? '' : readHeader(answer, 'retry-after'), '3');
        }
      },
    ),
  );
});

test('what is no single answer of known length is refused', () => {
  for (const text of [
    'SSH-2.0-OpenSSH\r\n\r\n',
    'HTTP/1.1 200 OK\r\n\r\nno length',
    'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nabc',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
    `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(20_000)}`,
  ]) {
    assert.throws(
      () => new AnswerReader().push(Buffer.from(text)),
      BrokenAnswer,
      text.slice(0, 60),
    );
  }
});

test('an answer without content has no body', () => {
  const answer = new AnswerReader().push(Buffer.from('HTTP/1.1 204 No Content\r\n\r\n'));
  assert.deepEqual({ status: answer?.status, body: answer?.body }, { status: 204, body: '' });
});
