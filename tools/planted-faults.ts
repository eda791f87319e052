/** A mistake to be planted into a copy of the sources, which some test must then find. */
export interface PlantedFault {
  readonly name: string;
  readonly file: string;
  /** Each text stands exactly once in the file; where it does not, the fault must be written anew. */
  readonly changes: readonly (readonly [search: string, replacement: string])[];
}

const DECIDE = 'rules/src/contests/drop/decide.ts';
const EVOLVE = 'rules/src/contests/drop/evolve.ts';
const FOLD = 'rules/src/proof/fold.ts';
const REPLICA = 'server/src/arena/replica.ts';
const ARENA = 'server/src/arena/arena.ts';
const DEADLINES = 'server/src/arena/deadlines.ts';
const LOG = 'server/src/log/memory.ts';
const PROJECTOR = 'server/src/journal/projector.ts';
const ROWS = 'server/src/journal/store-memory.ts';

const RULES: readonly PlantedFault[] = [
  {
    name: 'a claim may take one unit more than there is',
    file: DECIDE,
    changes: [
      [
        "if (quantity > left) return { code: 'sold_out', left };",
        'if (quantity > left + 1) return { code: "sold_out", left };',
      ],
    ],
  },
  {
    name: 'a claim for exactly what is left is sold out',
    file: DECIDE,
    changes: [
      [
        "if (quantity > left) return { code: 'sold_out', left };",
        'if (quantity >= left) return { code: "sold_out", left };',
      ],
    ],
  },
  {
    name: 'the limit per person ignores what is held',
    file: DECIDE,
    changes: [
      [
        '(state.holdings.get(person) ?? 0) + quantity > terms.limitPerPerson',
        'quantity > terms.limitPerPerson',
      ],
    ],
  },
  {
    name: 'an expired order can be cancelled, and its units return twice',
    file: DECIDE,
    changes: [
      [
        "if (order.status !== 'reserved') return { code: 'not_reserved', status: order.status };",
        "if (order.status === 'paid') return { code: 'not_reserved', status: order.status };",
      ],
    ],
  },
  {
    name: 'the fair window is served in the order of arrival',
    file: 'rules/src/contests/drop/fair-window.ts',
    changes: [
      ['(a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : a.number - b.number)', 'a.number - b.number'],
    ],
  },
  {
    name: 'a late payment is granted and refunded',
    file: DECIDE,
    changes: [
      [
        "return [{ type: 'paid', order: number, person, quantity, payment, late: true }];",
        `return [
      { type: 'paid', order: number, person, quantity, payment, late: true },
      { type: 'refundDue', order: number, person, payment },
    ];`,
      ],
    ],
  },
  {
    name: 'a refund is promised again at every redelivery',
    file: DECIDE,
    changes: [
      [
        'order.payment === payment || refundOf(order, payment) !== undefined',
        'order.payment === payment && refundOf(order, payment) === undefined',
      ],
    ],
  },
  {
    name: 'restocked units are not offered to the waiting list',
    file: DECIDE,
    changes: [['...offerUnits(state, terms, { free: quantity, at: context.at }),', '']],
  },
  {
    name: 'the waiting list is served from its end',
    file: DECIDE,
    changes: [
      [
        'const place = state.waiting[index];',
        'const place = state.waiting[state.waiting.length - 1 - (index - state.waitingFrom)];',
      ],
    ],
  },
  {
    name: 'an early end leaves the claims of the fair window without an answer',
    file: DECIDE,
    changes: [
      [
        'for (const { order } of state.queue ?? []) {',
        'for (const { order } of [] as { order: number }[]) {',
      ],
    ],
  },
  {
    name: 'a pause does not stop claims',
    file: DECIDE,
    changes: [["if (state.paused && !over) return { code: 'paused' };", '']],
  },
  {
    name: 'orders expire half a second too soon',
    file: DECIDE,
    changes: [['if (order.payBy > context.at ||', 'if (order.payBy > context.at + 500 ||']],
  },
  {
    name: 'an expired order goes on counting towards the limit',
    file: EVOLVE,
    changes: [
      [
        '  state.held -= order.quantity;\n  changeHoldings(state, order.person, -order.quantity);\n',
        "  state.held -= order.quantity;\n  if (status !== 'expired') changeHoldings(state, order.person, -order.quantity);\n",
      ],
    ],
  },
  {
    name: 'an offer leaves its place in the waiting list',
    file: EVOLVE,
    changes: [["if (fact.type === 'offered') leaveWaiting(state, number, person);", '']],
  },
];

const FOLDING: readonly PlantedFault[] = [
  {
    name: 'a repeated key is decided anew',
    file: FOLD,
    changes: [
      [
        'if (known !== undefined) return { seq, at, facts: [], answers: [[entry.key, known]] };',
        '',
      ],
    ],
  },
  {
    name: 'another command by a used key gets the first verdict',
    file: FOLD,
    changes: [
      [
        "return answer.commandHash === key.slice(TAG_LENGTH) ? answer.verdict : { type: 'key_reused' };",
        'return answer.verdict;',
      ],
    ],
  },
  {
    name: 'a noted refusal replaces the first verdict',
    file: FOLD,
    changes: [
      ['if (known === undefined) remember(fold, key, verdict);', 'remember(fold, key, verdict);'],
    ],
  },
  {
    name: 'the answer of a fair window is not remembered',
    file: FOLD,
    changes: [['if (answer !== undefined) answer.verdict = verdict;', '']],
  },
];

const ARENAS: readonly PlantedFault[] = [
  {
    name: 'a command is acknowledged before its append resolves',
    file: REPLICA,
    changes: [
      [
        'const head = await log.append(this.contest, JSON.stringify(batch), batch.length);',
        `const early = { ...this.fold, seq: this.fold.seq };
      const waiting = this.#waiters;
      for (const entry of batch) {
        if (!('command' in entry)) continue;
        early.seq += 1;
        const facts = this.fold.rules?.decide(this.fold.state, entry.command, {
          at: this.now(),
          seq: early.seq,
          person: entry.person,
        });
        if (!Array.isArray(facts) || facts.some((fact) => fact.defers)) continue;
        for (const waiter of [waiting.get(entry.key.slice(0, 16)) ?? []].flat()) {
          waiter.resolve({ type: 'accepted', seq: early.seq, at: this.now(), facts });
        }
      }
      const head = await log.append(this.contest, JSON.stringify(batch), batch.length);`,
      ],
    ],
  },
  {
    name: 'an append that failed counts as written',
    file: REPLICA,
    changes: [
      [
        'const head = await log.append(this.contest, JSON.stringify(batch), batch.length);',
        `const head = await log
        .append(this.contest, JSON.stringify(batch), batch.length)
        .catch(() => ({ seq: this.fold.seq + 1, at: Math.max(this.fold.at, this.now()) }));`,
      ],
    ],
  },
  {
    name: 'the tail skips a batch when it reads several',
    file: REPLICA,
    changes: [
      [
        'for (const batch of batches) {',
        'for (const batch of batches.length > 1 ? batches.slice(1) : batches) {',
      ],
      ['if (batch.seq !== this.fold.seq + 1) {', 'if (batch.seq < this.fold.seq + 1) {'],
    ],
  },
  {
    name: 'a batch that was applied already is applied again',
    file: REPLICA,
    changes: [
      ['if (batch.seq + batch.count - 1 <= this.fold.seq) continue;', ''],
      ['if (batch.seq !== this.fold.seq + 1) {', 'if (batch.seq > this.fold.seq + 1) {'],
    ],
  },
  {
    name: 'another batch came between, and the own one is applied as if it had not',
    file: REPLICA,
    changes: [['if (head.seq === this.fold.seq + 1) {', 'if (head.seq > 0) {']],
  },
  {
    name: "who waits is given another command's verdict",
    file: REPLICA,
    changes: [
      [
        'this.#settle(key, ({ resolve }) => resolve(verdict));',
        'this.#settle(key, ({ resolve }) => resolve(steps[0]?.answers[0]?.[1] ?? verdict));',
      ],
    ],
  },
  {
    name: 'refusals are given from a replica that has not heard of the log for long',
    file: REPLICA,
    changes: [['return age >= 0 && age <= STALE_AFTER_MS;', 'return age >= 0;']],
  },
  {
    name: 'refusals by time ignore that clocks differ',
    file: REPLICA,
    changes: [
      ['const CLOCK_MARGIN_MS = 250;', 'const CLOCK_MARGIN_MS = 0;'],
      [
        'return this.#options.clock.now() + this.#options.skewMs();',
        'return this.#options.clock.now();',
      ],
    ],
  },
  {
    name: 'a refusal is told before its key is in the log',
    file: REPLICA,
    changes: [
      [
        'if (refusal !== null && !isRepeatable) return',
        'if (refusal !== null && isRepeatable) {\n' +
          '      this.#notes.add(entry.key, refusal);\n' +
          '      this.#planFlush();\n' +
          '    }\n' +
          '    if (refusal !== null) return',
      ],
    ],
  },
  {
    name: 'refusals are not noted in the log',
    file: REPLICA,
    changes: [['if (refusal !== null && !isRepeatable) return', 'if (refusal !== null) return']],
  },
  {
    name: 'who was refused from memory is never told when the note could not be written',
    file: REPLICA,
    changes: [["'refused' in entry ? entry.keys : []", '[]']],
  },
  {
    name: 'the keys of a snapshot are not restored',
    file: ARENA,
    changes: [
      [
        'const fold = stored ?? startFold(contest);',
        'stored?.answers.clear();\n      const fold = stored ?? startFold(contest);',
      ],
    ],
  },
  {
    name: 'the deadline of a contest is lost when its process starts again',
    file: ARENA,
    changes: [['      this.#deadlines.plan(contest);\n      // A hint', '      // A hint']],
  },
  {
    name: 'a deadline whose command failed is not tried again',
    file: DEADLINES,
    changes: [['} catch {\n      retryMs = RETRY_MS;\n    }', '} catch {\n      return;\n    }']],
  },
  {
    name: 'a hint of growth that was lost is never made up for',
    file: ARENA,
    changes: [
      [
        'if ((heads.get(contest) ?? 0) > replica.fold.seq) replica.noticeGrowth();\n        else replica',
        'replica',
      ],
    ],
  },
  {
    name: 'a process that goes away leaves people without an answer',
    file: ARENA,
    changes: [['for (const replica of replicas) replica.abandon(draining());', '']],
  },
];

const LOG_AND_JOURNAL: readonly PlantedFault[] = [
  {
    name: "the log's time follows a clock that was set back",
    file: LOG,
    changes: [['const at = Math.max(held.at, this.#now());', 'const at = this.#now();']],
  },
  {
    name: 'the log forgets the batch before when it is read in between',
    file: LOG,
    changes: [['if (batch.seq <= after) continue;', 'if (batch.seq <= after + 1) continue;']],
  },
  {
    name: 'rows are written wherever the cursor stands',
    file: ROWS,
    changes: [
      [
        'if (rows === undefined || rows.cursor !== from) return false;',
        'if (rows === undefined) return false;',
      ],
    ],
  },
  {
    name: 'the cursor moves though the rows do not',
    file: ROWS,
    changes: [
      [
        'for (const order of orders) rows.orders.set(order.seq, order);',
        'for (const order of orders.slice(1)) rows.orders.set(order.seq, order);',
      ],
    ],
  },
  {
    name: 'a projector that lost the race forgets what it had noted',
    file: PROJECTOR,
    changes: [
      [
        'const history = known.history.filter(({ entry }) => entry > cursor);',
        'const history: HistoryRow[] = [];',
      ],
    ],
  },
  {
    name: 'a projector writes the state of now at the position of before',
    file: PROJECTOR,
    changes: [
      ['if (to !== changes.through) return false;', ''],
      [
        'return this.#options.store.project({ contest, from, to, summary, orders, history });',
        'return this.#options.store.project({ contest, from, to: changes.through, summary, orders, history });',
      ],
      [
        '    const fold = this.#options.arena.peek(contest);\n',
        '    await this.#options.store.cursor(contest);\n    const fold = this.#options.arena.peek(contest);\n',
      ],
    ],
  },
];

/** Every fault; each must be caught. */
export const PLANTED_FAULTS: readonly PlantedFault[] = [
  ...RULES,
  ...FOLDING,
  ...ARENAS,
  ...LOG_AND_JOURNAL,
];

/** The file's text with the fault in it. Throws where a searched text does not stand there once. */
export function plant(original: string, { name, file, changes }: PlantedFault): string {
  let text = original;
  for (const [search, replacement] of changes) {
    const found = text.split(search).length - 1;
    if (found !== 1) {
      throw new Error(`"${name}": ${file} has ${found} times, not once:\n${search}`);
    }
    text = text.replace(search, () => replacement);
  }
  return text;
}
