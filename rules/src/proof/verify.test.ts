import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { CHECKPOINT_EVERY } from './fold.ts';
import { CONTEST, OPENS_AT, pseudonym, rechain, Scribe, SEED } from './log.fixture.ts';
import { createVerifier, type Verification, type VerifyOptions } from './verify.ts';

function verify(lines: readonly string[], options: VerifyOptions = {}): Verification {
  const verifier = createVerifier(options);
  for (const line of lines) verifier.push(line);
  return verifier.finish();
}

/** What the first error is, and where. */
function verdict({ errors }: Verification): string {
  const first = errors[0];
  return first === undefined ? 'ok' : `${first.what} in line ${first.line}`;
}

/** Claims beyond the stock, payments, an expiry with an offer, a note of refusals, an end. */
function story(): Scribe {
  const scribe = Scribe.withDrop({ stock: 4 });
  scribe.ask(null, { type: 'open' }, OPENS_AT);
  scribe.claim([1, 2, 3], OPENS_AT + 5);
  scribe.claim([4, 5, 6], OPENS_AT + 9);
  const keys = ['a refusal given from memo'.slice(0, 24).replaceAll(' ', '-')];
  scribe.write([{ refused: { code: 'sold_out' }, keys }], OPENS_AT + 10);
  scribe.ask(pseudonym(5), { type: 'wait', quantity: 1 }, OPENS_AT + 20);
  scribe.ask(null, { type: 'pay', order: 3, payment: 'p1' }, OPENS_AT + 30);
  scribe.ask(null, { type: 'pay', order: 4, payment: 'p2' }, OPENS_AT + 40);
  scribe.ask(pseudonym(4), { type: 'cancel', order: 6 }, OPENS_AT + 50);
  scribe.ask(null, { type: 'expire' }, OPENS_AT + 60_006);
  scribe.ask(pseudonym(0), { type: 'end' }, OPENS_AT + 70_000);
  return scribe;
}

test('an honest log: its figures, its winners and its head', () => {
  const scribe = story();
  const { lines, head, fold } = scribe;
  const verification = verify(lines);
  assert.deepEqual(verification.errors, []);
  assert.equal(verification.ok, true);
  assert.equal(verification.contest, CONTEST);
  assert.equal(verification.head, head);
  assert.equal(verification.entries, fold.seq);
  assert.equal(verification.playedThrough, fold.seq);
  assert.deepEqual(verification.outcome, {
    stock: 4,
    sold: 2,
    held: 1,
    left: 1,
    ended: true,
    winnersCount: 3,
    winners: [
      { order: 3, orderId: `${CONTEST}-3`, person: pseudonym(1), quantity: 1, status: 'paid' },
      { order: 4, orderId: `${CONTEST}-4`, person: pseudonym(2), quantity: 1, status: 'paid' },
      {
        order: 10,
        orderId: `${CONTEST}-10`,
        person: pseudonym(5),
        quantity: 1,
        status: 'reserved',
      },
    ],
  });
});

test('a log with nothing in it yet is right, and has no outcome', () => {
  const verification = verify(new Scribe().lines);
  assert.equal(verification.ok, true);
  assert.equal(verification.outcome, null);
});

test('winners are bounded in the result and complete in winners()', () => {
  const scribe = Scribe.withDrop({ stock: 50 });
  scribe.claim(
    Array.from({ length: 50 }, (_, index) => index + 1),
    OPENS_AT,
  );
  const verifier = createVerifier({ winnersMax: 3 });
  for (const line of scribe.lines) verifier.push(line);
  const { outcome } = verifier.finish();
  assert.equal(outcome?.winners.length, 3);
  assert.equal(outcome?.winnersCount, 50);
  assert.equal([...verifier.winners()].length, 50);
});

test('another SHA-256 gives the same', () => {
  const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
  assert.equal(verify(story().lines, { sha256 }).ok, true);
});

const CHANGES: readonly [name: string, change: (line: string) => string, expected: string][] = [
  ['the payload', (line) => line.replace('person-4', 'person-7'), 'chain in line 5'],
  ['the instant', (line) => line.replace(/"at":(\d+)\d/, '"at":$17'), 'chain in line 5'],
  ['the position', (line) => line.replace('"seq":6', '"seq":7'), 'chain in line 5'],
  ['the epoch', (line) => line.replace('"epoch":1', '"epoch":2'), 'chain in line 5'],
  ['the hash', (line) => line.replace(/"hash":"./, '"hash":"z'), 'format in line 5'],
  ['the case of the hash', (line) => line.replace(/[a-f]{2}/g, 'AB'), 'format in line 5'],
  ['a name', (line) => line.replace('"hash"', '"hasch"'), 'format in line 5'],
  ['one member more', (line) => line.replace('{', '{"note":1,'), 'format in line 5'],
  ['a fraction', (line) => line.replace(/"at":\d+/, '"at":1.5'), 'format in line 5'],
  ['a number as text', (line) => line.replace('"seq":6', '"seq":"6"'), 'format in line 5'],
  ['beyond 2^53', (line) => line.replace('"seq":6', '"seq":9007199254740993'), 'format in line 5'],
  ['half a line', (line) => line.slice(0, 100), 'format in line 5'],
  ['nothing', () => '', 'format in line 5'],
  ['a list', () => '[]', 'format in line 5'],
  ['half a surrogate', (line) => line.replace('person-4', '\\ud800'), 'format in line 5'],
];

for (const [name, change, expected] of CHANGES) {
  test(`a changed batch is named: ${name}`, () => {
    const { lines } = story();
    const changed = lines.map((line, index) => (index === 4 ? change(line) : line));
    assert.notDeepEqual(changed, lines);
    const verification = verify(changed);
    assert.equal(verification.ok, false);
    assert.equal(verdict(verification), expected);
  });
}

test('another hash of the right form is a broken chain', () => {
  const { lines } = story();
  const line = lines[4] as string;
  const digit = /"hash":"(.)/.exec(line)?.[1] === '0' ? '1' : '0';
  const changed = [...lines];
  changed[4] = line.replace(/"hash":"./, `"hash":"${digit}`);
  assert.equal(verdict(verify(changed)), 'chain in line 5');
});

test('a changed first line is named', () => {
  const { lines } = story();
  const [header = '', ...batches] = lines;
  const changes: [string, string][] = [
    [header.replace('dibs-log/1', 'dibs-log/2'), 'format in line 1'],
    [header.replace('"drop"', '"constructor"'), 'format in line 1'],
    [header.replace('0190aaaa', '0190aaab'), 'chain in line 2'],
    [header.replace('0190aaaa', 'x'), 'format in line 1'],
    ['', 'format in line 1'],
  ];
  for (const [changed, expected] of changes) {
    assert.equal(verdict(verify([changed, ...batches])), expected);
  }
  assert.equal(verdict(verify(batches)), 'format in line 1');
  assert.equal(verdict(verify([])), 'format in line 0');
});

test('batches removed, doubled or swapped are named', () => {
  const { lines } = story();
  const without = lines.toSpliced(4, 1);
  assert.deepEqual(
    verify(without).errors.map(({ what, line }) => `${what} ${line}`),
    ['chain 5', 'order 5'],
  );
  const doubled = lines.toSpliced(5, 0, lines[4] as string);
  assert.equal(verdict(verify(doubled)), 'chain in line 6');
  const swapped = lines.toSpliced(4, 2, lines[5] as string, lines[4] as string);
  assert.equal(verdict(verify(swapped)), 'chain in line 5');
});

test('a file cut off within a line is named; between lines by the head that is expected', () => {
  const { lines, head } = story();
  const text = lines.join('\n');
  const cut = text.slice(0, -30).split('\n');
  assert.equal(verdict(verify(cut)), `format in line ${lines.length}`);
  assert.match(verify(cut).errors[0]?.message ?? '', /cut off/);
  assert.equal(verdict(verify(lines.slice(0, -1), { expect: { head } })), 'expected in line 0');
  const contains = JSON.parse(lines[3] as string).hash as string;
  assert.equal(verify(lines, { expect: { head, contains } }).ok, true);
  assert.equal(verdict(verify(lines.slice(0, 3), { expect: { contains } })), 'expected in line 0');
});

test('every change of one byte is caught', () => {
  const { lines, head } = story();
  const bytes = Buffer.from(`${lines.join('\n')}\n`);
  const honest = verify(lines);
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (place, flip) => {
      const changed = Buffer.from(bytes);
      changed[place] = (changed[place] as number) ^ flip;
      const text = changed.toString('utf8');
      const split = text.endsWith('\n') ? text.slice(0, -1).split('\n') : text.split('\n');
      const verification = verify(split, { expect: { head } });
      // A space more, or a letter as its escape, changes no value: then nothing else may have changed.
      if (verification.ok) assert.deepEqual(verification, honest);
      else assert.ok(verification.errors[0]?.message);
    }),
    { numRuns: 1_500 },
  );
});

test('with the hashes made anew, what breaks the rules or the form is still named', () => {
  const { lines } = story();
  const forge = (change: (line: string) => string): Verification => {
    const changed = lines.map((line, index) => (index === 4 ? change(line) : line));
    assert.notDeepEqual(changed, lines);
    return verify(rechain(changed));
  };
  const cases: [(line: string) => string, string][] = [
    [(line) => line.replace(/"at":\d+/, '"at":5'), 'time in line 5'],
    [(line) => line.replace('"seq":6', '"seq":5'), 'order in line 5'],
    [(line) => line.replace('person-4', 'person-4__'), 'format in line 5'],
    [(line) => line.replace('key-6', 'key-66'), 'format in line 5'],
    [(line) => line.replace('\\"claim\\"', '\\"steal\\"'), 'rules in line 5'],
    [(line) => line.replace('\\"command\\"', '\\"comand\\"'), 'format in line 5'],
    [(line) => line.replace('"payload":"[', '"payload":"{'), 'format in line 5'],
    [(line) => line.replace(/"payload":".*"}/, '"payload":"[]"}'), 'format in line 5'],
    [
      (line) =>
        line.replace('{\\"type\\":\\"claim\\",\\"quantity\\":1}', '{\\"type\\":\\"open\\"}'),
      'rules in line 5',
    ],
  ];
  for (const [change, expected] of cases) assert.equal(verdict(forge(change)), expected);
});

test('only the system may give the system’s commands, and nobody claims for nobody', () => {
  const payer = Scribe.withDrop();
  payer.claim([1], OPENS_AT);
  payer.ask(pseudonym(1), { type: 'pay', order: 2, payment: 'mine' }, OPENS_AT + 1);
  assert.equal(verdict(verify(payer.lines)), 'rules in line 4');
  const ghost = Scribe.withDrop();
  ghost.ask(null, { type: 'claim', quantity: 1 }, OPENS_AT);
  assert.equal(verdict(verify(ghost.lines)), 'rules in line 3');
});

test('checkpoints of the log and of the rules are held against each other', () => {
  const scribe = Scribe.withDrop({ stock: 5_000 });
  for (let batch = 0; batch < 21; batch += 1) {
    const people = Array.from({ length: 200 }, (_, index) => batch * 200 + index + 1);
    scribe.claim(people, OPENS_AT + batch);
  }
  const { lines } = scribe;
  assert.equal(lines.filter((line) => line.includes('checkpoint')).length, 1);
  const honest = verify(lines);
  assert.deepEqual(honest.errors, []);
  const at = lines.findIndex((line) => line.includes('checkpoint'));
  const other = (change: (line: string) => string): string[] =>
    rechain(lines.map((line, index) => (index === at ? change(line) : line)));
  const digest = other((line) => line.replace(/digest\\":\\"..../, 'digest\\":\\"0000'));
  assert.equal(verdict(verify(digest)), `checkpoint in line ${at + 1}`);
  const place = other((line) => line.replace(String(CHECKPOINT_EVERY), '4095'));
  assert.equal(verdict(verify(place)), `checkpoint in line ${at + 1}`);
  const replayed = rechain(lines.map((line) => line.replace('person-77_', 'person-7777')));
  assert.match(verdict(verify(replayed)), /^(format|checkpoint)/);
  const forged = rechain(lines.map((line) => line.replace('person-77__', 'person-7777')));
  assert.equal(verdict(verify(forged)), `checkpoint in line ${at + 1}`);
});

test('a fair window: the seed that was committed, revealed in time', () => {
  const scribe = Scribe.withFairDrop({ stock: 2 });
  scribe.claim([1, 2, 3, 4], OPENS_AT + 10);
  const unsettled = [...scribe.lines];
  scribe.ask(null, { type: 'settle', seed: SEED }, OPENS_AT + 1_000);
  const honest = verify(scribe.lines);
  assert.deepEqual(honest.errors, []);
  assert.equal(honest.outcome?.winnersCount, 2);

  const wrong = Scribe.withFairDrop({ stock: 2 });
  wrong.claim([1, 2, 3, 4], OPENS_AT + 10);
  wrong.ask(null, { type: 'settle', seed: 'one that suits the host' }, OPENS_AT + 1_000);
  assert.equal(verdict(verify(wrong.lines)), 'seed in line 4');

  assert.equal(verify(unsettled).ok, true, 'the window may still be open');
  const never = Scribe.withFairDrop({ stock: 2 });
  never.claim([1, 2, 3, 4], OPENS_AT + 10);
  never.claim([5], OPENS_AT + 3_600_000);
  assert.equal(verdict(verify(never.lines)), 'seed in line 0');
});

test('a claimed list of winners is held against the log', () => {
  const { lines } = story();
  const winners = verify(lines).outcome?.winners ?? [];
  const compare = (claimed: typeof winners): string[] =>
    verify(lines, { expect: { winners: claimed } }).errors.map(({ message }) => message);
  assert.deepEqual(compare(winners), []);
  assert.deepEqual(compare(winners.toReversed()), []);
  const [first, second, third] = winners;
  assert.ok(first && second && third);
  assert.match(compare([first, second])[0] ?? '', /order 10 of .* not claimed/);
  assert.match(compare([...winners, first])[0] ?? '', /won twice/);
  assert.match(compare([{ ...first, quantity: 2 }, second, third])[0] ?? '', /order 3 .* with 2/);
  const stranger = { ...first, order: 6, person: pseudonym(4) };
  assert.match(compare([...winners, stranger])[0] ?? '', /order 6 of .* it has not/);
});

test('errors are counted all and shown up to 20', () => {
  const { lines } = story();
  const broken = [lines[0] as string, ...Array.from({ length: 50 }, () => '{}')];
  const { errors, errorCount } = verify(broken);
  assert.equal(errors.length, 20);
  assert.equal(errorCount, 50);
  assert.match(errors[0]?.message ?? '', /"epoch"/);
});

test('finishing twice is the same; a line after that is a mistake', () => {
  const verifier = createVerifier();
  verifier.push('x');
  assert.deepEqual(verifier.finish(), verifier.finish());
  assert.throws(() => verifier.push('y'), TypeError);
});
