import assert from 'node:assert/strict';
import { test } from 'node:test';
import { genesisHash, hashLink } from '@dibs/rules/proof/chain.ts';
import type { LogEntry } from '@dibs/rules/proof/fold.ts';
import { entryKey } from '../arena/keys.ts';
import { judgeAnswers, judgeUnits, replayLog } from './judge.ts';
import { type Asked, Ledger } from './ledger.ts';
import type { Actor } from './organiser.ts';

const contest = '0190b6a4-7c1e-8f3a-9d52-2f6f7a1c4e10';
const at = 1_790_000_000_000;
const payWithinMs = 600_000;
const stock = 2;
const people = ['ann', 'ben', 'cat', 'dan'] as const;
type Name = (typeof people)[number];

const actorOf = (name: Name): Actor => ({ id: `id of ${name}`, accessToken: `token of ${name}` });
const claimOne = { type: 'claim', quantity: 1 } as const;

function commandEntry(name: Name, key: string, command: { type: string }): LogEntry {
  return { person: `${name}'s pseudonym`, key: entryKey(actorOf(name).id, key, command), command };
}

/** Ann and Ben win, Cat is refused by the log, Ann cancels, Dan wins her unit. */
function makeEntries(): LogEntry[] {
  const terms = {
    rules: 1,
    stock,
    price: { amount: 100, currency: 'EUR' },
    opensAt: at - 1,
    closesAt: null,
    limitPerPerson: 1,
    quantityMax: 1,
    payWithinMs,
    fairWindowMs: 0,
    seedHash: null,
  };
  const create = { type: 'create', host: 'the host', terms };
  return [
    { person: 'the host', key: entryKey('host', 'made', create), command: create, kind: 'drop' },
    commandEntry('ann', 'a', claimOne),
    commandEntry('ben', 'b', claimOne),
    commandEntry('cat', 'c', claimOne),
    commandEntry('ann', 'x', { type: 'cancel', order: 2 } as { type: string }),
    commandEntry('dan', 'd', claimOne),
  ];
}

function writeLog(entries: readonly LogEntry[]): string {
  const lines = [JSON.stringify({ format: 'dibs-log/1', contest, kind: 'drop' })];
  let hash = genesisHash(contest);
  for (const [index, entry] of entries.entries()) {
    const link = { epoch: 1, seq: index + 1, at, payload: JSON.stringify([entry]) };
    hash = hashLink(hash, link);
    lines.push(JSON.stringify({ ...link, hash }));
  }
  return `${lines.join('\n')}\n`;
}

function won(seq: number): NonNullable<Asked['first']> {
  const id = `${contest}-${seq}`;
  const payBy = new Date(at + payWithinMs).toISOString();
  const body = { id, orderId: id, quantity: 1, status: 'reserved', payBy, seq };
  return { status: 201, body: JSON.stringify(body), code: '' };
}

const soldOut = { status: 409, body: '{"code":"sold_out"}', code: 'sold_out' };
const keyReused = { status: 422, body: '{"code":"key_reused"}', code: 'key_reused' };

/** What the four were told, all true. */
function makeLedger(): Ledger {
  const ledger = new Ledger();
  const ask = (name: Name, key: string, first: Asked['first']) => {
    const asked = { actor: actorOf(name), key, command: claimOne, reuses: false };
    ledger.ask(asked).first = first;
  };
  ask('ann', 'a', won(2));
  ask('ben', 'b', won(3));
  ask('cat', 'c', soldOut);
  ask('dan', 'd', won(6));
  const twice = { type: 'claim', quantity: 2 } as const;
  const reused = { actor: actorOf('ann'), key: 'a', command: twice, reuses: true };
  ledger.ask(reused).first = keyReused;
  const cancels = { actor: actorOf('ann'), orderId: `${contest}-2`, act: 'cancel' } as const;
  ledger.act(cancels).answer = { status: 200, code: '' };
  return ledger;
}

function judge(ledger: Ledger, entries = makeEntries()): readonly string[] {
  const replayed = replayLog(writeLog(entries), contest);
  judgeAnswers(ledger, replayed);
  judgeUnits(ledger, replayed, stock);
  return ledger.contradictions;
}

test('answers that agree with the log are no contradiction', () => {
  assert.deepEqual(judge(makeLedger()), []);
});

const lies: readonly (readonly [string, (ledger: Ledger) => void, RegExp])[] = [
  [
    'an acknowledged claim is not in the log',
    (l) => add(l, 'cat', won(9)),
    /the log says "nothing"/,
  ],
  [
    'a claim was acknowledged that the log refused',
    (l) => tell(l, 2, won(4)),
    /acknowledged .*refused/,
  ],
  ['a winner was refused', (l) => tell(l, 0, soldOut), /refused sold_out, but the log says/],
  ['a winner was told another seq', (l) => tell(l, 0, won(3)), /told .* the log says/],
  ['a claim was never answered', (l) => tell(l, 0, null), /has no answer/],
  ['a reused key was taken', (l) => tell(l, 4, soldOut), /came with another body/],
  ['an answer nobody expects', (l) => tell(l, 2, { ...soldOut, status: 400 }), /nobody expects/],
  ['a cancel that the log does not have', (l) => act(l, 3), /cancel of .* has it reserved/],
  ['two units for one person', (l) => add(l, 'ben', won(3)), /holds 2 units/],
];

function tell(ledger: Ledger, index: number, first: Asked['first']): void {
  (ledger.asked[index] as Asked).first = first;
}

function act(ledger: Ledger, seq: number): void {
  const cancels = { actor: actorOf('ben'), orderId: `${contest}-${seq}`, act: 'cancel' } as const;
  ledger.act(cancels).answer = { status: 200, code: '' };
}

/** One more claim by somebody, under a key that the log does not know. */
function add(ledger: Ledger, name: Name, first: Asked['first']): void {
  const asked = { actor: actorOf(name), key: 'another', command: claimOne, reuses: false };
  ledger.ask(asked).first = first;
}

for (const [name, lie, words] of lies) {
  test(`found: ${name}`, () => {
    const ledger = makeLedger();
    lie(ledger);
    assert.ok(
      judge(ledger).some((found) => words.test(found)),
      ledger.contradictions.join('\n'),
    );
  });
}

test('found: a claim in the log that nobody sent', () => {
  const entries = makeEntries();
  entries.splice(3, 1, commandEntry('cat', 'somebody else did', claimOne));
  const ledger = makeLedger();
  assert.match(judge(ledger, entries).join('\n'), /nobody of the crowd sent/);
});

test('found: a person with two pseudonyms', () => {
  const entries = makeEntries();
  entries.push({ ...commandEntry('ben', 'bb', claimOne), person: 'another' } as LogEntry);
  const ledger = makeLedger();
  ledger.ask({ actor: actorOf('ben'), key: 'bb', command: claimOne, reuses: false }).first =
    soldOut;
  assert.match(judge(ledger, entries).join('\n'), /do not stand for one another/);
});

test('found: units left over though more people came', () => {
  const entries = makeEntries().slice(0, 5);
  const ledger = makeLedger();
  ledger.asked.splice(3, 1);
  assert.match(judge(ledger, entries).join('\n'), /though more people came/);
});

test('the same key must be answered the same, byte for byte', () => {
  const ledger = makeLedger();
  const [asked] = ledger.asked as [Asked];
  const { status, body } = won(2);
  ledger.take(asked, { status, body, head: '' });
  assert.equal(ledger.contradictionCount, 0);
  ledger.take(asked, { status, body: `${body} `, head: '' });
  assert.equal(ledger.contradictionCount, 1);
});

test('a log whose chain is broken is not replayed', () => {
  const text = writeLog(makeEntries());
  assert.throws(
    () => replayLog(text.replace('"quantity\\":1', '"quantity\\":2'), contest),
    /chain/,
  );
  const lines = text.split('\n');
  lines.splice(3, 1);
  assert.throws(() => replayLog(lines.join('\n'), contest), /chain|follows/);
  assert.throws(() => replayLog(text, 'another'), /not the log of/);
});
