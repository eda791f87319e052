import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import {
  type LoggedFact,
  StreamWatch,
  type StreamWatchOptions,
  type StreamWatchReport,
} from '../server/src/rehearsal/stream-watch.ts';

/**
 * A StreamWatch in a process of its own: reading ten thousand streams would take the turns of the
 * generator, whose latencies would then be its own.
 */
type Order =
  | { readonly type: 'open'; readonly options: StreamWatchOptions }
  | { readonly type: 'breakOff'; readonly count: number }
  | { readonly type: 'finish'; readonly facts: readonly LoggedFact[] };

type Reply =
  | { readonly type: 'done' }
  | { readonly type: 'report'; readonly report: StreamWatchReport }
  | { readonly type: 'failed'; readonly words: string };

export class StreamReaders {
  readonly #child: ChildProcess;

  constructor() {
    const file = fileURLToPath(import.meta.url);
    this.#child = fork(file, [childFlag], { serialization: 'advanced' });
  }

  async open(options: StreamWatchOptions): Promise<void> {
    await this.#ask({ type: 'open', options });
  }

  async breakOff(count: number): Promise<void> {
    await this.#ask({ type: 'breakOff', count });
  }

  async finish(facts: readonly LoggedFact[]): Promise<StreamWatchReport> {
    const reply = await this.#ask({ type: 'finish', facts });
    if (reply.type !== 'report') throw new Error('the readers gave no report');
    return reply.report;
  }

  close(): void {
    this.#child.kill('SIGTERM');
  }

  #ask(order: Order): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const onExit = () => reject(new Error('the stream readers ended'));
      this.#child.once('exit', onExit);
      this.#child.once('message', (message) => {
        this.#child.off('exit', onExit);
        const reply = message as Reply;
        if (reply.type === 'failed') reject(new Error(reply.words));
        else resolve(reply);
      });
      this.#child.send(order);
    });
  }
}

const childFlag = 'read-streams';

function runChild(): void {
  let watch: StreamWatch | null = null;
  const obey = async (order: Order): Promise<Reply> => {
    if (order.type === 'open') {
      watch = new StreamWatch(order.options);
      await watch.open();
    } else if (order.type === 'breakOff') watch?.breakOff(order.count);
    else if (watch !== null) return { type: 'report', report: await watch.finish(order.facts) };
    return { type: 'done' };
  };
  process.on('disconnect', () => process.exit(0));
  process.on('message', (order) => {
    obey(order as Order).then(
      (reply) => process.send?.(reply),
      (error) => process.send?.({ type: 'failed', words: (error as Error).message }),
    );
  });
}

if (process.argv[2] === childFlag && process.send !== undefined) runChild();
