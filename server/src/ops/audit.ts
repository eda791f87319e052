import { hash as sha256 } from 'node:crypto';
import type { DropState } from '@dibs/rules/contests/drop/types.ts';
import { genesisHash } from '@dibs/rules/proof/chain.ts';
import { type Fold, foldEntry, type LogEntry, startFold } from '@dibs/rules/proof/fold.ts';
import type { Audit } from '@dibs/sdk/wire';
import type { Pseudonyms } from '../arena/pseudonyms.ts';
import type { Database } from '../db/pool.ts';
import { PROJECTIONS } from '../journal/projections.ts';
import { collectChanges } from '../journal/projector.ts';
import type { OrderRow, ProjectionStore } from '../journal/store.ts';
import type { ContestLog, LogBatch } from '../log/log.ts';

export interface AuditParts {
  readonly log: ContestLog;
  readonly database: Database;
  readonly store: ProjectionStore;
  readonly pseudonyms: Pseudonyms;
  /** Tells the projector of this process that somebody waits for rows. */
  readonly hurry?: () => void;
}

/** Entries read from the log at once, and differences told. */
const PAGE_ENTRIES = 1_000;
const DIFFERENCES_MAX = 100;
/** The rows run after the log: so often, and this far apart, the audit looks for them to be level. */
const LEVEL_TRIES = 150;
const LEVEL_MS = 100;

/**
 * Holds a contest's log against its rows. The log is read from the beginning, its hash chain
 * checked, its rules replayed, and every unit and order compared with what the projection says at
 * the same position. Independent of the replicas that serve.
 */
export async function auditContest(parts: AuditParts, contest: string): Promise<Audit> {
  const { fold, chainOk, head, rows } = await replayLevel(parts, contest);
  const differences: Audit['differences'] = [];
  const note = (what: string, log: unknown, row: unknown): void => {
    if (log !== row && differences.length < DIFFERENCES_MAX) {
      differences.push({ what, log, rows: row });
    }
  };
  const state = fold.state as DropState;
  const { stock, sold, held } = state;
  if (!chainOk) note('hash chain', 'intact', 'broken');
  note('position', fold.seq, rows.summary?.cursor_seq);
  note('stock', stock, rows.summary?.stock);
  note('sold', sold, rows.summary?.sold);
  note('held', held, rows.summary?.held);
  countUnits(state, note);
  const expected = ordersOf(fold, parts.pseudonyms);
  note('orders', expected.size, rows.orders.length);
  const nameless = new Map<number, string>();
  for (const row of rows.orders) {
    const person = expected.get(row.seq)?.person;
    if (row.person === null && person !== undefined) nameless.set(row.seq, person);
    compareOrder(expected, row, note);
  }
  await noteNameless(parts.database, nameless, note);
  for (const seq of expected.keys()) note(`order ${seq}`, 'in the log', 'missing');
  return {
    ok: differences.length === 0,
    contest,
    entries: fold.seq,
    head,
    chainOk,
    log: { stock, sold, held, left: stock - sold - held },
    differences,
  };
}

type Note = (what: string, log: unknown, rows: unknown) => void;

/** Counts the units once more, order by order, and holds them against the running figures. */
function countUnits(state: DropState, note: Note): void {
  let sold = 0;
  let held = 0;
  for (const { status, quantity } of state.orders.values()) {
    if (status === 'paid') sold += quantity;
    if (status === 'reserved') held += quantity;
  }
  note('units in paid orders', sold, state.sold);
  note('units in reserved orders', held, state.held);
}

function ordersOf(fold: Fold, pseudonyms: Pseudonyms): Map<number, OrderRow> {
  const projection = PROJECTIONS[fold.rules?.kind ?? ''];
  const orders = new Map<number, OrderRow>();
  if (projection === undefined) return orders;
  const personOf = (name: string) => pseudonyms.personOf(fold.contest, name);
  for (const seq of projection.allOrders(fold.state)) {
    const row = projection.orderRow(fold.state, seq, personOf);
    if (row !== null) orders.set(seq, row);
  }
  return orders;
}

function compareOrder(expected: Map<number, OrderRow>, row: OrderOfRow, note: Note): void {
  const order = expected.get(row.seq);
  expected.delete(row.seq);
  if (order === undefined) {
    note(`order ${row.seq}`, 'missing', row.status);
    return;
  }
  note(`status of order ${row.seq}`, order.status, row.status);
  note(`quantity of order ${row.seq}`, order.quantity, row.quantity);
  note(`amount of order ${row.seq}`, order.amount, row.amount);
  if (row.person !== null) note(`person of order ${row.seq}`, order.person, row.person);
}

/** A deleted person's orders name nobody; those of a person who exists must name them. */
async function noteNameless(
  database: Database,
  nameless: ReadonlyMap<number, string>,
  note: Note,
): Promise<void> {
  if (nameless.size === 0) return;
  const { rows } = await database.query('select id from people where id = any($1::uuid[])', [
    [...new Set(nameless.values())],
  ]);
  const living = new Set(rows.map((row) => row.id));
  for (const [seq, person] of nameless) {
    if (living.has(person)) note(`person of order ${seq}`, person, null);
  }
}

interface OrderOfRow {
  seq: number;
  person: string | null;
  quantity: number;
  amount: number;
  status: string;
}

interface Rows {
  summary: { cursor_seq: number; stock: number; sold: number; held: number } | undefined;
  orders: OrderOfRow[];
}

/** Replays the log and reads the rows at one and the same position, waiting for the rows if need be. */
async function replayLevel(parts: AuditParts, contest: string) {
  const reader = new ChainReader(parts.log, contest);
  for (let tries = 0; ; tries += 1) {
    const head = (await parts.log.heads([contest])).get(contest) ?? 0;
    await reader.readThrough(head);
    const rows = await readRows(parts, contest);
    const isLevel = rows.summary?.cursor_seq === reader.fold.seq;
    if (isLevel || tries >= LEVEL_TRIES) {
      return { fold: reader.fold, chainOk: reader.isIntact, head: reader.hash, rows };
    }
    parts.hurry?.();
    await new Promise((resolve) => setTimeout(resolve, LEVEL_MS));
  }
}

/** Reads a log from its beginning: folds its entries and checks each batch's hash. */
export class ChainReader {
  readonly fold: Fold;
  isIntact = true;
  hash: string;
  readonly #log: Pick<ContestLog, 'read'>;

  constructor(log: Pick<ContestLog, 'read'>, contest: string) {
    this.#log = log;
    this.fold = startFold(contest);
    this.hash = genesisHash(contest);
  }

  async readThrough(seq: number): Promise<void> {
    while (this.fold.seq < seq) {
      const batches = await this.#log.read(this.fold.contest, this.fold.seq, PAGE_ENTRIES);
      if (batches.length === 0) return;
      for (const batch of batches) this.#take(batch);
    }
  }

  #take(batch: LogBatch): void {
    const head = Buffer.alloc(56);
    head.write(this.hash, 'hex');
    head.writeBigUInt64BE(BigInt(batch.epoch), 32);
    head.writeBigUInt64BE(BigInt(batch.seq), 40);
    head.writeBigUInt64BE(BigInt(batch.at), 48);
    this.hash = sha256('sha256', Buffer.concat([head, Buffer.from(batch.payload)]), 'hex');
    if (this.hash !== batch.hash || batch.seq !== this.fold.seq + 1) this.isIntact = false;
    for (const entry of JSON.parse(batch.payload) as LogEntry[])
      foldEntry(this.fold, entry, batch.at);
  }
}

async function readRows({ database }: AuditParts, contest: string): Promise<Rows> {
  return database.transaction(async (connection) => {
    await connection.query('set transaction isolation level repeatable read, read only');
    const summary = await connection.query(
      'select cursor_seq, stock, sold, held from contests where id = $1',
      [contest],
    );
    const orders = await connection.query<OrderOfRow>(
      `select o.seq, o.person, o.quantity, o.amount, o.status
       from orders o where o.contest = $1`,
      [contest],
    );
    return { summary: summary.rows[0] as Rows['summary'], orders: orders.rows };
  });
}

/** Writes a contest's rows anew from its log. */
export async function repairContest(parts: AuditParts, contest: string): Promise<void> {
  const reader = new ChainReader(parts.log, contest);
  const head = (await parts.log.heads([contest])).get(contest) ?? 0;
  await reader.readThrough(head);
  const { fold } = reader;
  const projection = PROJECTIONS[fold.rules?.kind ?? ''];
  if (projection === undefined) throw new Error(`contest ${contest} has no entries to mend from`);
  const personOf = (name: string) => parts.pseudonyms.personOf(contest, name);
  const orders = [...ordersOf(fold, parts.pseudonyms).values()];
  await parts.database.query(
    'delete from orders where contest = $1 and seq <= $3 and not seq = any($2::bigint[])',
    [contest, orders.map((order) => order.seq), fold.seq],
  );
  const { history } = await collectChanges(contest, 0, fold.seq, parts.log);
  for (let tries = 0; tries < LEVEL_TRIES; tries += 1) {
    const from = await parts.store.cursor(contest);
    if (from === null) throw new Error(`contest ${contest} has a log and no row`);
    if (from > fold.seq) throw new Error('the contest goes on: stop the servers or try again');
    const summary = projection.summarise(fold.state, fold.at, personOf);
    const to = fold.seq;
    if (await parts.store.project({ contest, from, to, summary, orders, history })) return;
  }
}
