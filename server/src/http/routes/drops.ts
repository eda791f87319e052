import { orderId } from '@dibs/rules/kernel/ids.ts';
import type { Verdict } from '@dibs/rules/proof/fold.ts';
import {
  Claim,
  ClaimRequest,
  Drop,
  DropQuery,
  Id,
  NewDrop,
  OwnDrop,
  RestockRequest,
  WaitingPlace,
} from '@dibs/sdk/wire';
import { type Static, Type } from 'typebox';
import type { Arena } from '../../arena/arena.ts';
import { BadCursor } from '../../catalogue/cursor.ts';
import { DropRefused, type Drops } from '../../catalogue/drops.ts';
import type { Identity } from '../../people/people.ts';
import type { App } from '../app.ts';
import { requireIdentity } from '../authenticate.ts';
import { readKey } from '../claims.ts';
import { HttpProblem, refusalProblem } from '../problem.ts';

export interface DropRoutesParts {
  readonly drops: Drops;
  readonly arena: Arena;
  /** Whether this person may host contests. */
  readonly mayHost: (identity: Identity) => boolean;
}

const Params = Type.Object({ id: Id });
const tags = ['drops'];

/** Drops: make, list, see, wait for, steer. Claims have a route of their own, see claims.ts. */
export function dropRoutes(app: App, { drops, arena, mayHost }: DropRoutesParts): void {
  app.post(
    '/v1/drops',
    { schema: { tags, summary: 'Make a drop', body: NewDrop, response: { 201: Drop } } },
    async (request, reply) => {
      const identity = requireIdentity(request);
      if (!mayHost(identity)) throw new HttpProblem('forbidden', 'Only hosts may make drops here');
      const key = readKey(request.raw);
      const drop = await drops.create(identity.personId, request.body, key).catch(explain);
      return reply
        .code(201)
        .header('location', `/v1/drops/${drop.id}`)
        .send(drop as never);
    },
  );

  const listed = Type.Object({
    items: Type.Array(Drop),
    next: Type.Union([Type.String(), Type.Null()]),
  });
  app.get(
    '/v1/drops',
    { schema: { tags, summary: 'List drops', querystring: DropQuery, response: { 200: listed } } },
    async (request) => {
      const { limit = 20, cursor, status } = request.query as Static<typeof DropQuery>;
      let { host } = request.query as Static<typeof DropQuery>;
      if (host === 'me') host = requireIdentity(request).personId;
      return (await drops.list({ limit, cursor, status, host }).catch(explain)) as never;
    },
  );

  app.get(
    '/v1/drops/:id',
    { schema: { tags, summary: 'See a drop', params: Params, response: { 200: Drop } } },
    async (request) => (await drops.read(request.params.id)) as never,
  );

  app.get(
    '/v1/drops/:id/me',
    {
      schema: {
        tags,
        summary: 'What you have to do with a drop',
        params: Params,
        response: { 200: OwnDrop },
      },
    },
    async (request) => drops.own(request.params.id, requireIdentity(request).personId),
  );

  // Served by claims.ts; stands here for the description of the API, and for ids that are none
  // although they pass for some, such as those in upper case.
  app.post(
    '/v1/drops/:id/claims',
    {
      schema: {
        tags,
        summary: 'Claim units',
        params: Params,
        body: ClaimRequest,
        response: { 201: Claim },
      },
    },
    async () => {
      throw new HttpProblem('not_found');
    },
  );

  waitingRoutes(app, { drops, arena });
  steeringRoutes(app, drops);
}

function waitingRoutes(app: App, parts: { drops: Drops; arena: Arena }): void {
  const { drops, arena } = parts;
  app.post(
    '/v1/drops/:id/waiting',
    {
      schema: {
        tags,
        summary: 'Join the waiting list',
        params: Params,
        body: ClaimRequest,
        response: { 201: WaitingPlace },
      },
    },
    async (request, reply) => {
      const { personId } = requireIdentity(request);
      const { id } = request.params;
      const { quantity = 1 } = request.body as Static<typeof ClaimRequest>;
      const command = { type: 'wait', quantity };
      const key = readKey(request.raw);
      const verdict = await arena.submit({ contest: id, person: personId, key, command });
      if (verdict.type === 'refused') return reply.code(409 as 201).send(refused(verdict) as never);
      if (verdict.type !== 'accepted') throw new HttpProblem('internal');
      const { waiting } = await drops.own(id, personId);
      const { seq } = verdict;
      const place = { id: orderId(id, seq), quantity, seq, ahead: waiting?.ahead ?? 0 };
      if (key === null) return reply.code(201).send(place);
      const first = await drops.firstAnswer({ contest: id, person: personId, key }, place);
      return reply.code(201).send(first);
    },
  );

  app.delete(
    '/v1/drops/:id/waiting',
    {
      schema: {
        tags,
        summary: 'Leave the waiting list',
        params: Params,
        response: { 204: Type.Null({ description: 'Done' }) },
      },
    },
    async (request, reply) => {
      const { personId } = requireIdentity(request);
      const command = { type: 'leave' };
      const key = readKey(request.raw);
      const contest = request.params.id;
      const verdict = await arena.submit({ contest, person: personId, key, command });
      if (verdict.type === 'refused') return reply.code(409 as 204).send(refused(verdict) as never);
      return reply.code(204).send(null);
    },
  );
}

function steeringRoutes(app: App, drops: Drops): void {
  const steer = async (
    identity: Identity,
    id: string,
    key: string | null,
    command: { type: string; quantity?: number },
  ): Promise<Verdict> => {
    // An admin acts for the installation: the log shows the system, not a person.
    const person = identity.roles.includes('admin') ? null : identity.personId;
    const verdict = await drops.steer(id, person, key, command);
    if (verdict.type === 'refused' && verdict.refusal.code === 'not_host') {
      throw new HttpProblem('forbidden', 'Only the host of this drop may do this');
    }
    return verdict;
  };
  const show = async (contest: string, { personId: person }: Identity, key: string | null) => {
    const drop = await drops.read(contest);
    return key === null ? drop : drops.firstAnswer({ contest, person, key }, drop);
  };
  for (const type of ['pause', 'resume', 'end'] as const) {
    app.post(
      `/v1/drops/:id/${type}`,
      { schema: { tags, summary: `Host: ${type}`, params: Params, response: { 200: Drop } } },
      async (request, reply) => {
        const { id } = request.params as { id: string };
        const identity = requireIdentity(request);
        const key = readKey(request.raw);
        const verdict = await steer(identity, id, key, { type });
        if (verdict.type === 'refused')
          return reply.code(409 as 200).send(refused(verdict) as never);
        return (await show(id, identity, key)) as never;
      },
    );
  }
  app.post(
    '/v1/drops/:id/restock',
    {
      schema: {
        tags,
        summary: 'Host: add units',
        params: Params,
        body: RestockRequest,
        response: { 200: Drop },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const { quantity } = request.body;
      const identity = requireIdentity(request);
      const command = { type: 'restock', quantity };
      const key = readKey(request.raw);
      const verdict = await steer(identity, id, key, command);
      if (verdict.type === 'refused') return reply.code(409 as 200).send(refused(verdict) as never);
      return (await show(id, identity, key)) as never;
    },
  );
}

function refused(verdict: Verdict & { type: 'refused' }) {
  return refusalProblem(verdict.refusal);
}

/** The catalogue's own errors, as what the caller is told. */
function explain(error: unknown): never {
  if (error instanceof DropRefused) {
    const errors = [{ path: error.path, message: error.message }];
    throw new HttpProblem('invalid', `${error.path} ${error.message}`, { errors });
  }
  if (error instanceof BadCursor) throw new HttpProblem('invalid', error.message);
  throw error;
}
