import type { DropFact, DropOrder, DropState } from '@dibs/rules/contests/drop/types.ts';
import { orderId } from '@dibs/rules/kernel/ids.ts';
import { type ChainLink, genesisHash, hashLink } from '@dibs/rules/proof/chain.ts';
import { type Fold, foldEntry, type LogEntry, recall, startFold } from '@dibs/rules/proof/fold.ts';
import type { Claim } from '@dibs/sdk/wire';
import { hashFact } from './fact-hash.ts';
import { type Asked, type Ledger, logKeyOf } from './ledger.ts';
import type { LoggedFact } from './stream-watch.ts';

/** A contest's public log, read and replayed by ourselves. */
export interface Replayed {
  readonly fold: Fold;
  readonly state: DropState;
  /** Who, by pseudonym, asked with which key: every claim and place in line of the log. */
  readonly commands: readonly { readonly key: string; readonly person: string }[];
  /** Every fact in order, as the streams show it. */
  readonly facts: readonly LoggedFact[];
}

/** Refusals that a claim or a place in line may meet in a drill. */
const expectedRefusals = new Set(['not_open', 'limit_reached', 'sold_out', 'not_sold_out']);
const expectedWaitRefusals = new Set([...expectedRefusals, 'already_waiting', 'waiting_full']);

/**
 * Checks the hash chain of a downloaded log and replays it. Throws where it is not whole: then
 * nothing else about it can be believed.
 */
export function replayLog(ndjson: string, contest: string): Replayed {
  const lines = ndjson.split('\n').filter((line) => line !== '');
  const header = JSON.parse(lines[0] ?? '{}') as { format?: string; contest?: string };
  if (header.format !== 'dibs-log/1' || header.contest !== contest) {
    throw new Error(`not the log of ${contest}: ${(lines[0] ?? '').slice(0, 200)}`);
  }
  const fold = startFold(contest);
  const commands: { key: string; person: string }[] = [];
  const facts: LoggedFact[] = [];
  let hash = genesisHash(contest);
  for (const line of lines.slice(1)) {
    const link = JSON.parse(line) as ChainLink;
    hash = hashLink(hash, link);
    if (hash !== link.hash) throw new Error(`the chain is broken at entry ${link.seq}`);
    if (link.seq !== fold.seq + 1) throw new Error(`entry ${link.seq} follows ${fold.seq}`);
    for (const entry of JSON.parse(link.payload) as LogEntry[]) {
      const { seq, at, facts: brought } = foldEntry(fold, entry, link.at);
      for (const fact of brought) {
        facts.push({ seq, hash: hashFact(JSON.stringify({ seq, at, ...fact })) });
      }
      if (!('command' in entry) || entry.person === null) continue;
      if (!['claim', 'wait'].includes(entry.command.type)) continue;
      commands.push({ key: entry.key, person: entry.person });
    }
  }
  return { fold, state: fold.state as DropState, commands, facts };
}

/** Holds every answer against the log; what does not agree goes into the ledger's contradictions. */
export function judgeAnswers(ledger: Ledger, replayed: Replayed): { unrecorded: number } {
  let unrecorded = 0;
  const won = new Map<string, number>();
  const byKey = new Map<string, Asked>();
  for (const asked of ledger.asked) {
    if (asked.reuses) {
      judgeReuse(ledger, asked, replayed);
      continue;
    }
    byKey.set(logKeyOf(asked), asked);
    const isRecorded = judgeAsked(ledger, asked, replayed);
    if (!isRecorded) unrecorded += 1;
    if (asked.first?.status === 201 && asked.command.type === 'claim') {
      won.set(asked.actor.id, (won.get(asked.actor.id) ?? 0) + 1);
    }
  }
  judgePeople(ledger, replayed, byKey);
  judgeByAnswersAlone(ledger, replayed, won);
  judgeActs(ledger, replayed);
  return { unrecorded };
}

/** False where the log knows nothing of a refusal that was given. */
function judgeAsked(ledger: Ledger, asked: Asked, { fold }: Replayed): boolean {
  const { first, key, actor, command } = asked;
  const verdict = recall(fold, logKeyOf(asked));
  if (first === null) {
    ledger.contradict(`the ${command.type} ${key} of ${actor.id} has no answer`);
    return true;
  }
  if (first.status === 201) {
    if (verdict?.type !== 'accepted') {
      const says = JSON.stringify(verdict ?? 'nothing');
      ledger.contradict(`acknowledged ${first.body}, but the log says ${says} of ${key}`);
      return true;
    }
    if (command.type === 'claim') judgeClaim(ledger, asked, verdict.facts as DropFact[]);
    return true;
  }
  const expected = command.type === 'claim' ? expectedRefusals : expectedWaitRefusals;
  if (first.status !== 409 || !expected.has(first.code)) {
    ledger.contradict(`an answer nobody expects to ${command.type}: ${first.status} ${first.body}`);
    return true;
  }
  if (verdict === undefined) return false;
  if (verdict.type !== 'refused' || verdict.refusal.code !== first.code) {
    const says = JSON.stringify(verdict);
    ledger.contradict(`${key} was refused ${first.code}, but the log says ${says}`);
  }
  return true;
}

function judgeClaim(ledger: Ledger, asked: Asked, facts: readonly DropFact[]): void {
  const told = JSON.parse(asked.first?.body ?? '{}') as Claim;
  const claimed = facts.find((fact) => fact.type === 'claimed');
  const contest = told.orderId.slice(0, 36);
  const agrees =
    claimed !== undefined &&
    told.seq === claimed.order &&
    told.orderId === orderId(contest, claimed.order) &&
    told.id === told.orderId &&
    told.quantity === claimed.quantity &&
    Date.parse(told.payBy) === claimed.payBy;
  if (agrees) return;
  ledger.contradict(`told ${asked.first?.body}, the log says ${JSON.stringify(claimed)}`);
}

function judgeReuse(ledger: Ledger, asked: Asked, { fold }: Replayed): void {
  const { first, key } = asked;
  if (first?.status === 422 && first.code === 'key_reused') return;
  const says = JSON.stringify(recall(fold, logKeyOf(asked)) ?? 'nothing');
  ledger.contradict(
    `the key ${key} came with another body and was answered ${first?.status} ${first?.body}; ` +
      `the log says ${says}`,
  );
}

/** Each command of the log was sent by somebody of the crowd, and nobody goes by two names. */
function judgePeople(ledger: Ledger, replayed: Replayed, byKey: Map<string, Asked>): void {
  const names = new Map<string, string>();
  const owners = new Map<string, string>();
  for (const { key, person } of replayed.commands) {
    const asked = byKey.get(key);
    if (asked === undefined) {
      // The reused keys are commands too where the log itself refused them.
      if (ledger.asked.some((other) => other.reuses && logKeyOf(other) === key)) continue;
      ledger.contradict(`the log has a command of ${person} that nobody of the crowd sent`);
      continue;
    }
    const id = asked.actor.id;
    if ((names.get(id) ?? person) !== person || (owners.get(person) ?? id) !== id) {
      ledger.contradict(`${id} and the pseudonym ${person} do not stand for one another`);
    }
    names.set(id, person);
    owners.set(person, id);
  }
}

/** What must hold whatever the log and the rules say: nobody got twice, nothing was oversold. */
function judgeByAnswersAlone(ledger: Ledger, replayed: Replayed, won: Map<string, number>): void {
  const cancelled = new Map<string, number>();
  let given = 0;
  for (const count of won.values()) given += count;
  for (const { act, answer, actor } of ledger.acts) {
    if (act !== 'cancel' || answer === null || answer.status !== 200) continue;
    cancelled.set(actor.id, (cancelled.get(actor.id) ?? 0) + 1);
    given -= 1;
  }
  for (const [id, count] of won) {
    const kept = count - (cancelled.get(id) ?? 0);
    if (kept > 1) ledger.contradict(`${id} holds ${kept} units; the limit is 1`);
  }
  const { stock } = replayed.state;
  if (given > stock) ledger.contradict(`${given} units were given out of a stock of ${stock}`);
}

const expectedStatus = { pay: 'paid', cancel: 'cancelled' } as const;

function judgeActs(ledger: Ledger, { state }: Replayed): void {
  for (const { orderId: id, act, answer } of ledger.acts) {
    if (answer === null) {
      ledger.contradict(`the ${act} of ${id} has no answer`);
      continue;
    }
    const order = state.orders.get(Number(id.slice(37)));
    if (answer.status === 200 && order?.status === expectedStatus[act]) continue;
    ledger.contradict(
      `${act} of ${id} was answered ${answer.status} ${answer.code}; the log has it ${order?.status}`,
    );
  }
}

/** The figures at the end: every unit is sold or held where there was demand, none appeared. */
export function judgeUnits(ledger: Ledger, { state }: Replayed, stock: number): void {
  const { sold, held } = state;
  let units = 0;
  for (const order of state.orders.values()) {
    if (order.status === 'reserved' || order.status === 'paid') units += order.quantity;
  }
  if (state.stock !== stock) ledger.contradict(`stock is ${state.stock}; ${stock} were made`);
  if (units !== sold + held) {
    ledger.contradict(`${units} units in orders, but ${sold} sold and ${held} held`);
  }
  if (sold + held !== stock) {
    ledger.contradict(`${sold} sold and ${held} held of ${stock}, though more people came`);
  }
}

/** The orders of the log by the person (UUID) who has them, each in its one state. */
export function ordersByPerson(
  ledger: Ledger,
  replayed: Replayed,
): Map<string, { token: string; orders: Map<number, DropOrder> }> {
  const actors = new Map(ledger.asked.map((asked) => [logKeyOf(asked), asked.actor]));
  const people = new Map<string, { token: string; orders: Map<number, DropOrder> }>();
  const byPseudonym = new Map<string, Map<number, DropOrder>>();
  for (const { key, person } of replayed.commands) {
    const actor = actors.get(key);
    if (actor === undefined || byPseudonym.has(person)) continue;
    const orders = new Map<number, DropOrder>();
    byPseudonym.set(person, orders);
    people.set(actor.id, { token: actor.accessToken, orders });
  }
  for (const [number, order] of replayed.state.orders) {
    if (order.status === 'queued' || order.status === 'missed') continue;
    byPseudonym.get(order.person)?.set(number, order);
  }
  return people;
}
