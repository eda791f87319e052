import { Type } from 'typebox';
import type { App } from '../app.ts';
import { HttpProblem } from '../problem.ts';

const Query = Type.Object({
  topic: Type.Array(Type.String({ pattern: '^(drop:[0-9a-f-]{36}|me)$' }), {
    minItems: 1,
    maxItems: 20,
    description: 'Repeat it for more: drop:<id> for anyone, me for who is signed in',
  }),
  lastEventId: Type.Optional(Type.String({ description: 'Where no header can be sent' })),
});
const Headers = Type.Object({
  'last-event-id': Type.Optional(Type.String({ description: 'The last id seen: goes on there' })),
});

/** Describes `GET /v1/stream` for readers of the API; http/stream.ts serves it. */
export function streamRoutes(app: App): void {
  app.get(
    '/v1/stream',
    {
      exposeHeadRoute: false,
      schema: {
        tags: ['stream'],
        summary: 'What happens, as it happens',
        description:
          'Server-sent events: `view` is a topic as it stands, `facts` what has happened since, ' +
          '`reset` says to fetch anew, `reconnect` to come back. See docs/api.md.',
        querystring: Query,
        headers: Headers,
        response: { 200: { content: { 'text/event-stream': { schema: Type.String() } } } },
      },
    },
    async () => {
      throw new HttpProblem('internal');
    },
  );
}
