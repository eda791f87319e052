import { Readable } from 'node:stream';
import { Audit, Id, Time } from '@dibs/sdk/wire';
import { Type } from 'typebox';
import type { Arena } from '../../arena/arena.ts';
import { publicLog } from '../../journal/public-log.ts';
import type { ContestLog } from '../../log/log.ts';
import type { AuditParts } from '../../ops/audit.ts';
import { auditContest } from '../../ops/audit.ts';
import type { App } from '../app.ts';

export interface ProofRoutesParts extends AuditParts {
  readonly arena: Arena;
  readonly log: ContestLog;
}

const Params = Type.Object({ id: Id });
const tags = ['proof'];

/** Time, and what lets anyone check a contest: its public log and its audit. */
export function proofRoutes(app: App, parts: ProofRoutesParts): void {
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
      await parts.arena.read(request.params.id);
      return auditContest(parts, request.params.id);
    },
  );
}
