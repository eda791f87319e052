import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type SseEvent, SseParser, SseTooLarge } from './sse-parser.ts';

function parse(chunks: readonly Uint8Array[], sizeMax = 10_000): SseEvent[] {
  const events: SseEvent[] = [];
  const parser = new SseParser({ sizeMax, onEvent: (event) => events.push(event) });
  for (const chunk of chunks) parser.push(chunk);
  return events;
}

function parseText(text: string): SseEvent[] {
  return parse([new TextEncoder().encode(text)]);
}

test('fields, comments, ids and several lines of data', () => {
  const text =
    ': a comment\nevent: facts\nid: 1:2\ndata: {"a":\ndata:1}\nunknown: x\n\n' +
    'data\n\nid\ndata:  two\n\nevent: nothing\n\ndata: plain\n\ndata: cut off';
  assert.deepEqual(parseText(text), [
    { type: 'facts', data: '{"a":\n1}', id: '1:2' },
    { type: 'message', data: '', id: '1:2' },
    { type: 'message', data: ' two', id: '' },
    { type: 'message', data: 'plain', id: '' },
  ]);
});

test('all three line ends, a byte order mark, an id with a null', () => {
  const events = parseText('\ufeffdata: 1\r\rdata: 2\r\n\r\nid: a\0b\ndata: 3\n\n');
  assert.deepEqual(
    events.map(({ data, id }) => data + id),
    ['1', '2', '3'],
  );
});

test('retry is told when it is a number', () => {
  const told: number[] = [];
  const parser = new SseParser({
    sizeMax: 100,
    onEvent: () => {},
    onRetry: (afterMs) => told.push(afterMs),
  });
  parser.push(new TextEncoder().encode('retry: 300\nretry: 1.5\nretry: -1\nretry:\nretry:20\n'));
  assert.deepEqual(told, [300, 20]);
});

test('however the bytes are cut, the events are the same', () => {
  const value = fc.oneof(
    fc.string({ unit: 'binary' }).map((text) => text.replace(/[\r\n]/g, '')),
    fc.constantFrom('', ' ', ':', '😀 ä ぁ', '{"seq":1}'),
  );
  const field = fc.constantFrom('data', 'data', 'event', 'id', 'retry', '', 'other');
  const line = fc.tuple(field, fc.constantFrom(':', ': ', ''), value);
  const end = fc.constantFrom('\n', '\r', '\r\n');
  const text = fc
    .array(fc.tuple(fc.option(line), end), { maxLength: 40 })
    .map((lines) => lines.map(([parts, ending]) => (parts?.join('') ?? '') + ending).join(''));
  fc.assert(
    fc.property(text, fc.array(fc.nat(400), { maxLength: 30 }), (whole, cuts) => {
      const bytes = new TextEncoder().encode(whole);
      const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length];
      places.sort((a, b) => a - b);
      const chunks = places.slice(1).map((to, index) => bytes.subarray(places[index], to));
      assert.deepEqual(parse(chunks), parse([bytes]));
      const single = Array.from(bytes, (byte) => Uint8Array.of(byte));
      assert.deepEqual(parse(single), parse([bytes]));
    }),
    { numRuns: 500 },
  );
});

test('what is told is what was sent', () => {
  const event = fc.record({
    type: fc.stringMatching(/^[a-z]{1,8}$/),
    data: fc.array(
      fc.string({ unit: 'grapheme' }).map((text) => text.replace(/[\r\n]/g, ' ')),
      {
        minLength: 1,
        maxLength: 4,
      },
    ),
    id: fc.stringMatching(/^[0-9:,-]{0,12}$/),
  });
  fc.assert(
    fc.property(
      fc.array(event, { maxLength: 8 }),
      fc.constantFrom('\n', '\r\n', '\r'),
      (sent, end) => {
        const text = sent
          .map(({ type, data, id }) =>
            [`event: ${type}`, ...data.map((one) => `data: ${one}`), `id: ${id}`, '', ''].join(end),
          )
          .join('');
        const expected = sent.map(({ type, data, id }) => ({ type, data: data.join('\n'), id }));
        assert.deepEqual(parseText(text), expected);
      },
    ),
    { numRuns: 300 },
  );
});

test('a line or an event without end is given up', () => {
  const bytes = new TextEncoder().encode('x'.repeat(60));
  assert.throws(() => parse([bytes, bytes], 100), SseTooLarge);
  const line = new TextEncoder().encode(`data: ${'x'.repeat(40)}\n`);
  assert.throws(() => parse([line, line, line], 100), SseTooLarge);
  assert.equal(parse([line, line, Uint8Array.of(10), line, Uint8Array.of(10)], 100).length, 2);
});
