import { Installation } from '@dibs/sdk/wire';
import { Type } from 'typebox';
import type { Health } from '../../ops/health.ts';
import type { App } from '../app.ts';

export interface SystemRoutesParts {
  readonly health: Health;
  /** Metrics in the Prometheus text format. */
  readonly metrics: () => Promise<string>;
  readonly installation: () => Promise<Installation>;
}

/** What operators and the web app ask about the installation itself. */
export function systemRoutes(app: App, parts: SystemRoutesParts): void {
  const tags = ['system'];
  app.get(
    '/v1/installation',
    { schema: { tags, summary: 'What this installation offers', response: { 200: Installation } } },
    async () => parts.installation(),
  );
  const alive = Type.Object({ ok: Type.Boolean() });
  app.get(
    '/livez',
    { schema: { tags, summary: 'The process runs', response: { 200: alive } } },
    async () => ({ ok: true }),
  );
  const ready = Type.Object({
    ok: Type.Boolean(),
    checks: Type.Record(Type.String(), Type.String()),
    durability: Type.String(),
  });
  app.get(
    '/readyz',
    { schema: { tags, summary: 'It can serve', response: { 200: ready, 503: ready } } },
    async (_request, reply) => {
      const state = await parts.health.check();
      return reply.code(state.ok ? 200 : 503).send(state);
    },
  );
  const text = { content: { 'text/plain': { schema: Type.String() } } };
  app.get(
    '/metrics',
    { schema: { tags, summary: 'Metrics for Prometheus', response: { 200: text } } },
    async (_request, reply) =>
      reply.type('text/plain; version=0.0.4').send((await parts.metrics()) as never),
  );
}
