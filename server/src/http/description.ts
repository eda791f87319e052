import { FAULTS, REFUSAL_CODES } from '@dibs/sdk/wire';
import { Type } from 'typebox';

/** What the OpenAPI description says of every route, so that no route has to repeat it. */

const Problem = Type.Object(
  {
    type: Type.String({ description: 'Where the code is explained: /docs/errors#<code>' }),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.Enum([...REFUSAL_CODES, ...Object.keys(FAULTS)]),
    detail: Type.Optional(Type.String()),
    errors: Type.Optional(Type.Array(Type.Object({ path: Type.String(), message: Type.String() }))),
    retryAfterMs: Type.Optional(Type.Integer({ description: 'Where a repeat may succeed' })),
  },
  { additionalProperties: true },
);

const problem = {
  description: 'A refusal (409) or a fault, as RFC 9457 says',
  content: { 'application/problem+json': { schema: Problem } },
};

const Keyed = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 200,
      description: 'Yours, new for each wish: a repeat under the same key gets the first answer',
    }),
  ),
});
/** Routes under these tags, where they change something, know repeats by a key. */
const KEYED_TAGS = new Set(['drops', 'orders']);

interface Described {
  readonly schema?: unknown;
  readonly url: string;
  readonly route: { readonly method: string | string[] };
}

interface RouteSchema {
  readonly hide?: boolean;
  readonly tags?: readonly string[];
  readonly headers?: unknown;
  readonly response?: Readonly<Record<string, unknown>>;
}

/**
 * Adds the problems and the idempotency key to a route's description. Only there: what routes check
 * and send stays as they wrote it.
 */
export function describeRoute({ schema, url, route }: Described) {
  const own = (schema ?? {}) as RouteSchema;
  if (own.hide === true) return { schema: own, url };
  const isKeyed = route.method !== 'GET' && own.tags?.some((tag) => KEYED_TAGS.has(tag)) === true;
  const headers = isKeyed && own.headers === undefined ? { headers: Keyed } : {};
  return { schema: { ...own, ...headers, response: { ...own.response, default: problem } }, url };
}
