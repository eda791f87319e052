import { chunksOf, linesOf } from './body.ts';
import type { CallOptions, Transport } from './transport.ts';
import type { Audit, Time } from './wire/shapes.ts';

/** Characters of one line of a log; what the verifier takes. */
const LINE_LENGTH_MAX = 8 * 1024 * 1024;

/** The server's clock; `serverClock()` of the client is made of it. */
export function timeCalls(transport: Transport) {
  return {
    get(options?: CallOptions): Promise<Time> {
      return transport.call({ name: 'time' }, options);
    },
  };
}

/** What anyone may check a contest by. */
export function proofCalls(transport: Transport) {
  return {
    /**
     * The lines of a contest's public log as they come: hold them against `@dibs/sdk/verify`. Throws
     * `ConnectionLost` where the download breaks off.
     */
    async *log(id: string, options?: CallOptions): AsyncGenerator<string> {
      const response = await transport.open({ name: 'log', path: { id } }, options);
      yield* linesOf(chunksOf(response), LINE_LENGTH_MAX);
    },
    /** The server's own comparison of the log with its tables. */
    audit(id: string, options?: CallOptions): Promise<Audit> {
      return transport.call({ name: 'audit', path: { id } }, options);
    },
  };
}
