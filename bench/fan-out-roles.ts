import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { makeClaimsHandler } from '../server/src/http/claims.ts';
import { createDrop, createStreamWorld, type StreamWorld } from '../server/test/streams.ts';
import type { Plan } from './fan-out.ts';

/** The three processes of bench/fan-out.ts; each answers questions one by one. */

type Questions = Readonly<Record<string, (asked: never) => unknown>>;

interface Target {
  readonly port: number;
  readonly contest: string;
  readonly plan: Plan;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function serverRole(): Questions {
  let world: StreamWorld;
  let contest = '';
  let rssAtBegin = 0;
  let before = { cpu: process.cpuUsage(), at: 0, deliveries: 0, bytes: 0 };
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const facts: string[] = [];
  const collect = (): void => (globalThis as unknown as { gc(): void }).gc();
  return {
    async begin({ plan }: { plan: Plan }) {
      const limits = { streamsMax: 1e6, streamsPerAddressMax: 1e6, streamsPerPersonMax: 1e6 };
      world = await createStreamWorld({
        limits,
        also: (arena) =>
          makeClaimsHandler({
            arena,
            identify: (request) => ({
              personId: String(request.headers['as']),
              sessionId: '',
              name: '',
              roles: [],
              isSynthetic: true,
            }),
            limit: async () => undefined,
            onError: (error) => console.error(error),
          }),
      });
      contest = await createDrop(world, { stock: plan.stock });
      await world.arena.read(contest);
      world.arena.onApplied(({ steps }) => {
        for (const step of steps)
          for (const fact of step.facts) facts.push(`${step.seq} ${fact.type}`);
      });
      await pause(500);
      collect();
      rssAtBegin = process.memoryUsage.rss();
      return { port: world.port, contest };
    },
    async memory() {
      await pause(1_000);
      const { rss } = process.memoryUsage();
      collect();
      const { streams } = world.fanOut.stats;
      const kB = (bytes: number): number => bytes / Math.max(1, streams) / 1_024;
      return {
        streams,
        'kB per stream': kB(rss - rssAtBegin),
        'kB after collecting': kB(process.memoryUsage.rss() - rssAtBegin),
        'rss MB': process.memoryUsage.rss() / 1_048_576,
      };
    },
    measure() {
      const { deliveries, bytes } = world.fanOut.stats;
      before = { cpu: process.cpuUsage(), at: performance.now(), deliveries, bytes };
      delay.reset();
      delay.enable();
      return {};
    },
    async restock({ seconds, perSecond }: { seconds: number; perSecond: number }) {
      for (let second = 0; second < seconds; second += 1) {
        await pause(1_000);
        if (perSecond === 0) continue;
        const command = { type: 'restock', quantity: perSecond } as never;
        await world.arena.submit({ contest, person: null, key: null, command });
      }
      return {};
    },
    measured() {
      delay.disable();
      const cpu = process.cpuUsage(before.cpu);
      const stats = world.fanOut.stats;
      const seconds = (performance.now() - before.at) / 1_000;
      const deliveries = stats.deliveries - before.deliveries;
      return {
        'cpu %': ((cpu.user + cpu.system) / seconds / 1e6) * 100,
        deliveries,
        MB: (stats.bytes - before.bytes) / 1_048_576,
        'µs of cpu per delivery, all included': (cpu.user + cpu.system) / Math.max(1, deliveries),
        'frame ms': stats.frameMs,
        'of it work ms': stats.frameWorkMs,
        'loop delay p99 ms': delay.percentile(99) / 1e6,
        'max ms': delay.max / 1e6,
        'slow dropped': stats.droppedSlow,
        resets: stats.resets,
      };
    },
    facts: () => ({ facts }),
  };
}

/**
 * One stream: what came since its view, also across reconnects, is held against the log at the end.
 */
class Reader {
  lastEventId = '';
  isOpen = false;
  readonly seen: string[] = [];
  from = -1;
  #socket: Socket | null = null;
  #text = '';
  readonly #target: Target;
  readonly #isChecked: boolean;
  readonly #person = randomUUID();

  constructor(target: Target, isChecked: boolean) {
    this.#target = target;
    this.#isChecked = isChecked;
  }

  open(): Promise<void> {
    const { port, contest, plan } = this.#target;
    const own = plan.own ? '&topic=me' : '';
    const socket = connect(port, '127.0.0.1');
    this.#socket = socket;
    this.#text = '';
    const last = this.lastEventId === '' ? '' : `last-event-id: ${this.lastEventId}\r\n`;
    socket.write(
      `GET /v1/stream?topic=drop:${contest}${own} HTTP/1.1\r\nhost: x\r\n` +
        `as: ${this.#person}\r\naccept: text/event-stream\r\n${last}\r\n`,
    );
    return new Promise((resolve) => {
      socket.on('data', (bytes: Buffer) => {
        this.#read(bytes);
        this.isOpen = true;
        resolve();
      });
      socket.on('error', (error: NodeJS.ErrnoException) => {
        cuts[error.code ?? ''] = (cuts[error.code ?? ''] ?? 0) + 1;
      });
      socket.on('close', () => {
        resolve();
        if (this.#socket !== socket) return;
        this.isOpen = false;
        cuts['closed'] = (cuts['closed'] ?? 0) + 1;
        setTimeout(() => void this.open(), 200);
      });
    });
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = null;
  }

  /** Whole events only; most readers look no further than the ids, for the machine is shared. */
  #read(bytes: Buffer): void {
    if (!this.#isChecked) {
      this.#text = (this.#text + bytes.toString('latin1', Math.max(0, bytes.length - 80))).slice(
        -160,
      );
      this.lastEventId = /.*\nid: ([^\n]*)\n\n/s.exec(this.#text)?.[1] ?? this.lastEventId;
      return;
    }
    this.#text += bytes.toString('latin1');
    const end = this.#text.lastIndexOf('\n\n');
    if (end < 0) return;
    const whole = this.#text.slice(0, end + 1);
    this.#text = this.#text.slice(end + 2);
    const id = whole.lastIndexOf('\nid: ');
    if (id >= 0) this.lastEventId = whole.slice(id + 5, whole.indexOf('\n', id + 1));
    for (const line of whole.split('\n')) {
      if (!line.startsWith('data: ')) continue;
      const data = JSON.parse(line.slice(6));
      if (data.topic === 'me') continue;
      if (data.view !== undefined) {
        this.from = Number(data.position.split(':')[1]);
        this.seen.length = 0;
      }
      for (const fact of data.facts ?? []) this.seen.push(`${fact.seq} ${fact.type}`);
    }
  }
}

const CHECKED_EVERY = 20;
/** Streams that ended though no reader wanted it, by why; they come back like any good client. */
const cuts: Record<string, number> = {};

function readersRole(): Questions {
  const readers: Reader[] = [];
  return {
    async open(target: Target) {
      for (let index = 0; index < target.plan.streams; index += 1) {
        readers.push(new Reader(target, index % CHECKED_EVERY === 0));
      }
      let next = 0;
      const worker = async (): Promise<void> => {
        while (next < readers.length) await readers[next++]?.open();
      };
      await Promise.all(Array.from({ length: 100 }, worker));
      return {};
    },
    async churn({ seconds, perSecond }: { seconds: number; perSecond: number }) {
      for (let tick = 0; tick < seconds * 10; tick += 1) {
        await pause(100);
        for (let count = 0; count < perSecond / 10; count += 1) {
          const reader = readers[Math.floor(Math.random() * readers.length)];
          reader?.close();
          void reader?.open();
        }
      }
      return {};
    },
    async check({ facts }: { facts: string[] }) {
      const last = Number(facts.at(-1)?.split(' ')[0] ?? 0);
      const at = (reader: Reader): number => Number(/:([0-9]+)/.exec(reader.lastEventId)?.[1] ?? 0);
      const until = Date.now() + 30_000;
      while (Date.now() < until && readers.some((reader) => at(reader) < last)) await pause(100);
      const checked = readers.filter((_, index) => index % CHECKED_EVERY === 0);
      const wrong = checked.filter((reader) => {
        const expected = facts.filter((fact) => Number(fact.split(' ')[0]) > reader.from);
        return reader.seen.some((fact, index) => fact !== expected[index]);
      });
      return {
        open: readers.filter((reader) => reader.isOpen).length,
        behind: readers.filter((reader) => at(reader) < last).length,
        'checked fact by fact': checked.length,
        facts: facts.length,
        wrong: wrong.length,
        'cut off': JSON.stringify(cuts),
      };
    },
  };
}

const CLAIM_SOCKETS = 400;

function claimersRole(): Questions {
  return {
    async storm({ port, contest, plan }: Target) {
      const latencies: number[] = [];
      const worst: number[] = [];
      const startedAt = performance.now() + CLAIM_SOCKETS / 4;
      const statuses: Record<string, number> = {};
      const idle: Socket[] = [];
      const waiting: number[] = [];
      const body = '{"quantity":1}';
      const send = (socket: Socket, meantAt: number): void => {
        socket.once('data', (bytes: Buffer) => {
          const latency = performance.now() - meantAt;
          latencies.push(latency);
          const second = Math.floor((meantAt - startedAt) / 1_000);
          worst[second] = Math.max(worst[second] ?? 0, latency);
          const status = bytes.toString('latin1', 9, 12);
          statuses[status] = (statuses[status] ?? 0) + 1;
          const next = waiting.shift();
          if (next === undefined) idle.push(socket);
          else send(socket, next);
        });
        socket.write(
          `POST /v1/drops/${contest}/claims HTTP/1.1\r\nhost: x\r\nas: ${randomUUID()}\r\n` +
            `idempotency-key: ${randomUUID()}\r\ncontent-type: application/json\r\n` +
            `content-length: ${body.length}\r\n\r\n${body}`,
        );
      };
      for (let index = 0; index < CLAIM_SOCKETS; index += 1) {
        const socket = connect(port, '127.0.0.1');
        socket.setNoDelay(true);
        await new Promise((resolve) => socket.once('connect', resolve));
        idle.push(socket);
      }
      await pause(Math.max(0, startedAt - performance.now()));
      const total = plan.rate * plan.seconds;
      for (let sent = 0; sent < total; ) {
        await pause(1);
        const due = Math.min(total, ((performance.now() - startedAt) / 1_000) * plan.rate);
        for (; sent < due; sent += 1) {
          const meantAt = startedAt + (sent / plan.rate) * 1_000;
          const socket = idle.pop();
          if (socket === undefined) waiting.push(meantAt);
          else send(socket, meantAt);
        }
      }
      for (let tries = 0; tries < 100 && latencies.length < total; tries += 1) await pause(100);
      latencies.sort((left, right) => left - right);
      const at = (part: number): number => latencies[Math.floor(latencies.length * part)] ?? 0;
      return {
        sent: total,
        unanswered: total - latencies.length,
        ...statuses,
        'p50 ms': at(0.5),
        'p99 ms': at(0.99),
        'p99.9 ms': at(0.999),
        'worst ms by second': worst.map(Math.round).join(' '),
      };
    },
  };
}

const ROLES: Readonly<Record<string, () => Questions>> = {
  server: serverRole,
  readers: readersRole,
  claimers: claimersRole,
};

const questions = ROLES[process.argv[2] ?? '']?.() ?? {};
process.on('message', (asked: { question: string }) => {
  void (async () => {
    try {
      process.send?.((await questions[asked.question]?.(asked as never)) ?? {});
    } catch (error) {
      process.send?.({ error: error instanceof Error ? error.stack : String(error) });
    }
  })();
});
process.on('disconnect', () => process.exit());
