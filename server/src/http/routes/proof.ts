import { Readable } from 'node:stream';
import { Audit, Id, Time } from '@dibs/sdk/wire';
import { Type } from 'typebox';
import type { Arena } from '../../arena/arena.ts';
import { publicLog } from '../../journal/public-log.ts';
import type { ContestLog } from '../../log/log.ts';
import type { AuditParts } from '../../ops/audit.ts';
import { auditContest } from '../../ops/audit.ts';
import type { App } from '../app.ts';
import { HttpProblem } from '../problem.ts';

export interface ProofRoutesParts extends AuditParts {
  readonly arena: Arena;
  readonly log: ContestLog;
}

const Params = Type.Object({ id: Id });
const tags = ['proof'];

/** An audit replays a whole log: whoever asks meanwhile shares it, and no more run at once. */
const AUDITS_MAX = 2;

/** Time, and what lets anyone check a contest: its public log and its audit. */
export function proofRoutes(app: App, parts: ProofRoutesParts): void {
  const running = new Map<string, Promise<Audit>>();
  app.get(
    '/v1/time',
    { schema: { tags: ['time'], summary: "The log's clock", response: { 200: Time } } },
    async (_request, reply) => {
      const epochMs = parts.arena.now();
      reply.header('cache-control', 'no-store');
      return { now: new Date(epochMs).toISOString(), epochMs };
    },
  );

  app.get(
    '/v1/contests/:id/log',
    {
      schema: {
        tags,
        summary: 'The public log, hash-chained, one batch a line',
        params: Params,
        response: { 200: { content: { 'application/x-ndjson': { schema: Type.String() } } } },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const { rules, seq } = await parts.arena.read(id);
      const lines = publicLog(parts.log, { contest: id, kind: rules?.kind ?? '', through: seq });
      return reply
        .type('application/x-ndjson')
        .header('content-disposition', `attachment; filename="dibs-${id}.ndjson"`)
        .send(Readable.from(lines) as never);
    },
  );

  app.get(
    '/v1/contests/:id/audit',
    {
      schema: {
        tags,
        summary: 'The log held against the rows',
        params: Params,
        response: { 200: Audit },
      },
    },
    async (request) => {
      const { id } = request.params;
      await parts.arena.read(id);
      const known = running.get(id);
      if (known !== undefined) return known;
      if (running.size >= AUDITS_MAX) throw new HttpProblem('busy', 'Other audits are under way');
      const audit = auditContest(parts, id).finally(() => running.delete(id));
      running.set(id, audit);
      return audit;
    },
  );
}
