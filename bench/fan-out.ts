import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';

/**
 * What telling a crowd costs: streams open in one process, facts, and claims arriving meanwhile.
 *
 *   node bench/fan-out.ts --streams 10000 --rate 5000 --seconds 30
 *
 * Three processes on this machine: the server (real arena and rules on a log in memory, real
 * routes), the readers, the claimers. Prints memory per stream, processor time per delivery, the
 * frame, and the claims' latency from the moment each was meant to be sent. Ends with exit code 1
 * where a stream missed a fact, saw one twice or out of order, or a claim was not answered.
 */

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '10000' },
    rate: { type: 'string', default: '5000' },
    seconds: { type: 'string', default: '30' },
    /** Units at the opening, and what is added every second. */
    stock: { type: 'string', default: '1000' },
    restock: { type: 'string', default: '50' },
    /** Streams that lose their connection and come back, per second. */
    reconnects: { type: 'string', default: '100' },
    /** Ask for `me` as well. */
    own: { type: 'boolean', default: false },
  },
});

export interface Plan {
  readonly streams: number;
  readonly rate: number;
  readonly seconds: number;
  readonly stock: number;
  readonly restock: number;
  readonly reconnects: number;
  readonly own: boolean;
}

const plan: Plan = {
  streams: Number(values.streams),
  rate: Number(values.rate),
  seconds: Number(values.seconds),
  stock: Number(values.stock),
  restock: Number(values.restock),
  reconnects: Number(values.reconnects),
  own: values.own,
};

interface Answer {
  readonly [figure: string]: unknown;
}

class Role {
  readonly #child: ChildProcess;

  constructor(name: string, isMeasured: boolean) {
    this.#child = fork(new URL('fan-out-roles.ts', import.meta.url), [name], {
      execArgv: isMeasured ? ['--expose-gc'] : [],
    });
  }

  async ask(question: string, more: object = {}): Promise<Answer> {
    this.#child.send({ question, ...more });
    const [answer] = (await once(this.#child, 'message')) as [Answer];
    if (answer['error'] !== undefined) throw new Error(String(answer['error']));
    return answer;
  }

  end(): void {
    this.#child.kill();
  }
}

function print(title: string, figures: Answer): void {
  const texts = Object.entries(figures).map(([name, value]) => {
    const shown = typeof value === 'number' ? Math.round(value * 100) / 100 : value;
    return `${name} ${shown}`;
  });
  console.log(`${title.padEnd(10)} ${texts.join(' · ')}`);
}

const server = new Role('server', true);
const readers = new Role('readers', false);
const claimers = new Role('claimers', false);
let isGood = true;
try {
  const begun = await server.ask('begin', { plan });
  const target = { port: begun['port'], contest: begun['contest'], plan };
  await readers.ask('open', target);
  print('memory', await server.ask('memory'));
  await server.ask('measure');
  const [latency] = await Promise.all([
    claimers.ask('storm', target),
    readers.ask('churn', { seconds: plan.seconds, perSecond: plan.reconnects }),
    server.ask('restock', { seconds: plan.seconds, perSecond: plan.restock }),
  ]);
  print('claims', latency);
  print('server', await server.ask('measured'));
  const log = await server.ask('facts');
  const seen = await readers.ask('check', { facts: log['facts'] });
  print('streams', seen);
  print('memory', await server.ask('memory'));
  isGood = seen['wrong'] === 0 && seen['behind'] === 0 && latency['unanswered'] === 0;
} finally {
  for (const role of [server, readers, claimers]) role.end();
}
process.exitCode = isGood ? 0 : 1;
