import { Crowd, CrowdRequest, SignedIn } from '@dibs/sdk/wire';
import { Type } from 'typebox';
import type { Demo } from '../../demo/demo.ts';
import type { App } from '../app.ts';
import { requireIdentity } from '../authenticate.ts';
import { HttpProblem } from '../problem.ts';
import { sendSignedIn } from './people.ts';

/** The demo: enter as one of its people, send a crowd. Only there where a demo runs. */
export function demoRoutes(app: App, demo: Demo): void {
  const tags = ['demo'];
  app.post(
    '/v1/demo/identities/:name',
    {
      schema: {
        tags,
        summary: 'Enter as one of the demo people',
        params: Type.Object({ name: Type.String({ maxLength: 40 }) }),
        response: { 200: SignedIn },
      },
    },
    async (request, reply) => {
      const signedIn = await demo.enter(request.params.name, request.headers['user-agent'] ?? '');
      if (signedIn === null) throw new HttpProblem('not_found');
      return sendSignedIn(reply, signedIn);
    },
  );
  app.post(
    '/v1/demo/crowd',
    {
      schema: {
        tags,
        summary: 'Send a synthetic crowd',
        body: CrowdRequest,
        response: { 202: Crowd },
      },
    },
    async (request, reply) => {
      requireIdentity(request);
      const { drop, people } = request.body;
      const sent = await demo.sendCrowd(drop, people);
      if (!sent)
        throw new HttpProblem('busy', 'A crowd is on its way already', { retryAfterMs: 5_000 });
      return reply.code(202).send({ people });
    },
  );
}
