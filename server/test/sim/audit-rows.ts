import type { Projection } from '../../src/journal/store.ts';
import type { Evidence } from './evidence.ts';
import { stableText } from './history.ts';
import type { DropModel } from './model.ts';
import { type Replay, replay } from './replay.ts';

/** The rows follow the log: each transaction begins where the last ended, and says what the model says. */
export function auditRows(
  evidence: Evidence,
  played: Replay,
  contradict: (what: string) => void,
): void {
  const { rows } = evidence;
  const commits = rows.committed.filter(({ contest }) => contest === played.contest);
  let cursor = 0;
  for (const { from, to } of commits) {
    if (from !== cursor || to <= from) contradict(`rows went ${from}..${to} at cursor ${cursor}`);
    cursor = to;
  }
  const stored = rows.memory.rows(played.contest);
  if (stored?.cursor !== cursor) contradict(`cursor ${stored?.cursor}, committed ${cursor}`);
  const byEnd = new Map(commits.map((commit) => [commit.to, commit]));
  replay(played.contest, played.entries, (seq, model) => {
    const commit = byEnd.get(seq);
    if (commit !== undefined) auditFigures(evidence, model, { commit, contradict });
    if (seq === cursor && stored !== undefined) {
      const isThere = auditOrders(evidence, model, { stored: stored.orders, played });
      if (isThere !== null) contradict(`at ${seq}: ${isThere}`);
    }
  });
  auditHistory(commits, played, contradict);
}

function auditFigures(
  { personOf }: Evidence,
  model: DropModel,
  { commit, contradict }: { commit: Projection; contradict: (what: string) => void },
): void {
  const { contest, to, summary } = commit;
  const { host, stock, sold, held, waiting } = summary;
  const rows = stableText({ host, stock, sold, held, waiting });
  const own = stableText({
    host: model.host === null ? null : personOf(contest, model.host),
    stock: model.stock,
    sold: model.count(['paid']),
    held: model.count(['reserved']),
    waiting: model.line.length,
  });
  if (rows !== own) contradict(`rows at ${to} say ${rows}, the model ${own}`);
}

/** Null where rows and model have the same orders, else the difference. */
function auditOrders(
  { personOf }: Evidence,
  model: DropModel,
  { stored, played }: { stored: ReadonlyMap<number, object>; played: Replay },
): string | null {
  const expected = new Map<number, string>();
  for (const order of model.orders.values()) {
    const { number, person, quantity, status, payBy, payment } = order;
    if (status === 'queued' || status === 'missed') continue;
    const { amount, currency } = model.terms?.price ?? { amount: 0, currency: '' };
    expected.set(
      number,
      stableText({
        seq: number,
        person: personOf(played.contest, person),
        quantity,
        amount: amount * quantity,
        currency,
        status,
        createdAt: payBy - (model.terms?.payWithinMs ?? 0),
        payBy,
        payment,
      }),
    );
  }
  for (const [number, text] of expected) {
    const row = stored.get(number);
    if (row === undefined) return `order ${number} has no row`;
    if (stableText(row) !== text) return `row ${stableText(row)}, the model ${text}`;
  }
  for (const number of stored.keys()) {
    if (!expected.has(number)) return `row of order ${number}, which is none`;
  }
  return null;
}

/** The history of orders tells each fact once, in order. */
function auditHistory(
  commits: readonly Projection[],
  played: Replay,
  contradict: (what: string) => void,
): void {
  const told = commits.flatMap(({ history }) =>
    history.map(({ order, entry, fact }) => `${entry} ${order} ${fact}`),
  );
  const expected: string[] = [];
  const cursor = commits.at(-1)?.to ?? 0;
  const notOfOrders = ['queued', 'missed', 'waiting', 'leftWaiting'];
  for (const [seq, facts] of played.facts.entries()) {
    if (seq > cursor) break;
    for (const fact of facts) {
      if (fact['order'] === undefined || notOfOrders.includes(fact.type)) continue;
      expected.push(`${seq} ${fact['order']} ${fact.type}`);
    }
  }
  const at = expected.findIndex((line, index) => told[index] !== line);
  if (at >= 0) contradict(`history has "${told[at]}" where "${expected[at]}" happened`);
  else if (told.length > expected.length) contradict(`history has "${told[expected.length]}" too`);
}
