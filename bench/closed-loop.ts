import { Connection } from '../server/src/rehearsal/connection.ts';
import { codeOf } from '../server/src/rehearsal/generator.ts';
import { Latencies, type Quantiles } from '../server/src/rehearsal/latencies.ts';
import { targetOf, writeRequest } from '../server/src/rehearsal/request.ts';

export interface ClosedLoopOptions {
  readonly url: string;
  readonly drop: string;
  /** One claim each, in this order; with `isEndless` from the beginning again. */
  readonly tokens: readonly string[];
  readonly connections: number;
  readonly seconds: number;
  readonly isEndless: boolean;
}

export interface ClosedLoopReport {
  readonly operations: number;
  readonly seconds: number;
  /** By `status code`. */
  readonly answers: Readonly<Record<string, number>>;
  readonly latency: Quantiles;
}

/**
 * As many requests under way as there are connections, each sent when the answer before has come:
 * keeps a server as busy as it can be, which is what cost per operation is measured at. It says
 * nothing of how long people wait when more come than can be served; the open model does.
 */
export async function runClosedLoop(options: ClosedLoopOptions): Promise<ClosedLoopReport> {
  const { url, drop, tokens, connections, seconds, isEndless } = options;
  const target = targetOf(url);
  const path = `/v1/drops/${drop}/claims`;
  const answers: Record<string, number> = {};
  const latencies = new Latencies();
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1_000;
  let next = 0;
  let operations = 0;
  const takeRequest = (): string | null => {
    if (!isEndless && next >= tokens.length) return null;
    const number = next;
    next += 1;
    return writeRequest(target, {
      method: 'POST',
      path,
      token: tokens[number % tokens.length] ?? '',
      key: `bench-${number}`,
      body: '{"quantity":1}',
    });
  };
  const loop = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const connection = new Connection(target);
      const goOn = (): void => {
        const request = performance.now() < endsAt ? takeRequest() : null;
        if (request === null) {
          connection.cut();
          resolve();
          return;
        }
        const sentAt = performance.now();
        connection.send(request, (outcome) => {
          if (outcome instanceof Error) {
            reject(outcome);
            return;
          }
          operations += 1;
          const { status } = outcome;
          const label = status < 400 ? String(status) : `${status} ${codeOf(outcome)}`;
          answers[label] = (answers[label] ?? 0) + 1;
          latencies.add(performance.now() - sentAt);
          goOn();
        });
      };
      goOn();
    });
  await Promise.all(Array.from({ length: connections }, loop));
  return {
    operations,
    seconds: (performance.now() - startedAt) / 1_000,
    answers,
    latency: latencies.quantiles(),
  };
}
