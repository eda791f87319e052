import {
  Credentials,
  Id,
  Person,
  ProfileChange,
  RefreshRequest,
  Role,
  Session,
  SignedIn,
  SyntheticPeople,
  SyntheticRemoved,
  SyntheticRequest,
} from '@dibs/sdk/wire';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { type Client, type People, PeopleFault } from '../../people/people.ts';
import type { App } from '../app.ts';
import { isForeign, isSameOrigin, requireIdentity, requireRole } from '../authenticate.ts';
import { HttpProblem } from '../problem.ts';
import {
  clearSessionCookies,
  REFRESH_COOKIE,
  readCookie,
  setSessionCookies,
} from '../session-cookies.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** Where browsers reach this installation, if that is configured; cookies depend on it. */
    publicUrl: string | null;
  }
}

export interface PeopleRoutesParts {
  readonly people: People;
  readonly config: { readonly publicUrl: string | null };
}

const tags = ['people'];
const Params = Type.Object({ id: Id });
const Nothing = Type.Null({ description: 'Done' });
const RolesRequest = Type.Object(
  { roles: Type.Array(Role, { maxItems: 4, uniqueItems: true }) },
  { additionalProperties: false },
);
const Sessions = Type.Object({ items: Type.Array(Session), next: Type.Null() });
const PersonExport = Type.Object(
  { profile: Type.Unknown(), sessions: Type.Unknown() },
  { additionalProperties: true, description: 'Everything that is kept about the caller' },
);

/** Accounts, sessions, one's own data, roles, and throw-away people for load tests. */
export function peopleRoutes(app: App, { people, config }: PeopleRoutesParts): void {
  app.decorate('publicUrl', config.publicUrl);
  sessionRoutes(app, people);
  ownRoutes(app, people);
  ownSessionRoutes(app, people);
  adminRoutes(app, people);
}

/**
 * Sends tokens in the body, and to browsers as cookies too. A page of another site gets no cookies
 * set: it could sign its visitor in as somebody else.
 */
export function sendSignedIn(reply: FastifyReply, signedIn: SignedIn, status = 200): FastifyReply {
  const { publicUrl } = reply.server;
  if (!isForeign(reply.request.headers, publicUrl)) {
    setSessionCookies(reply, signedIn, isSecure(reply));
  }
  reply.header('cache-control', 'no-store');
  return reply.code(status).send(signedIn);
}

function sessionRoutes(app: App, people: People): void {
  app.post(
    '/v1/people',
    {
      schema: {
        tags,
        summary: 'Register',
        description: 'Registers a person and signs them in, by tokens and cookies.',
        body: Credentials,
        response: { 201: SignedIn },
      },
    },
    async (request, reply) => {
      const signedIn = await people.register(request.body, clientOf(request)).catch(explain);
      return sendSignedIn(reply, signedIn, 201);
    },
  );

  app.post(
    '/v1/sessions',
    {
      schema: {
        tags,
        summary: 'Sign in',
        description: 'A wrong password and an unknown name get the same answer.',
        body: Credentials,
        response: { 200: SignedIn },
      },
    },
    async (request, reply) => {
      const signedIn = await people.signIn(request.body, clientOf(request)).catch(explain);
      return sendSignedIn(reply, signedIn);
    },
  );

  app.post(
    '/v1/sessions/refresh',
    {
      // Whoever has the cookie needs no body.
      preValidation: async (request) => {
        request.body ??= {};
      },
      schema: {
        tags,
        summary: 'Get new tokens',
        description: 'The refresh token is used up. A copy that is used again ends the session.',
        body: RefreshRequest,
        response: { 200: SignedIn },
      },
    },
    async (request, reply) => {
      const given = request.body.refreshToken;
      const token = given ?? refreshCookieOf(request);
      if (token === null) throw new HttpProblem('unauthenticated');
      const signedIn = await people.refresh(token, clientOf(request)).catch(explain);
      if (signedIn !== null) return sendSignedIn(reply, signedIn);
      if (given === undefined) clearSessionCookies(reply, isSecure(reply));
      throw new HttpProblem('unauthenticated', 'This session has ended; sign in again');
    },
  );

  app.delete(
    '/v1/sessions/current',
    { schema: { tags, summary: 'Sign out', response: { 204: Nothing } } },
    async (request, reply) => {
      const token = request.identity === null ? refreshCookieOf(request) : null;
      clearSessionCookies(reply, isSecure(reply));
      const of = token === null ? { identity: requireIdentity(request) } : { refreshToken: token };
      await people.signOut(of).catch(explain);
      return reply.code(204).send(null);
    },
  );
}

function ownRoutes(app: App, people: People): void {
  app.get(
    '/v1/me',
    { schema: { tags, summary: 'Who you are', response: { 200: Person } } },
    async (request) => {
      const { personId, name, roles } = requireIdentity(request);
      return { id: personId, name, roles: [...roles] };
    },
  );

  app.patch(
    '/v1/me',
    {
      schema: {
        tags,
        summary: 'Change your name or password',
        description:
          'A new password needs the current one and ends your other sessions. After a new name ' +
          'access tokens have to be refreshed.',
        body: ProfileChange,
        response: { 200: Person },
      },
    },
    async (request) => {
      const identity = requirePerson(request);
      return people.changeProfile(identity, request.body).catch(explain);
    },
  );

  app.get(
    '/v1/me/export',
    { schema: { tags, summary: 'Everything kept about you', response: { 200: PersonExport } } },
    async (request, reply) => {
      const exported = await people.exportPerson(requireIdentity(request)).catch(explain);
      if (exported === null) throw new HttpProblem('unauthenticated');
      reply.header('content-disposition', 'attachment; filename="dibs-export.json"');
      reply.header('cache-control', 'no-store');
      return reply.send(exported as never);
    },
  );

  app.delete(
    '/v1/me',
    {
      schema: {
        tags,
        summary: 'Delete your account',
        description: 'Orders and contests stay, naming nobody. This cannot be undone.',
        response: { 204: Nothing },
      },
    },
    async (request, reply) => {
      await people.deletePerson(requirePerson(request)).catch(explain);
      clearSessionCookies(reply, isSecure(reply));
      return reply.code(204).send(null);
    },
  );
}

function ownSessionRoutes(app: App, people: People): void {
  app.get(
    '/v1/me/sessions',
    { schema: { tags, summary: 'Where you are signed in', response: { 200: Sessions } } },
    async (request) => {
      const items = await people.listSessions(requireIdentity(request)).catch(explain);
      return { items, next: null };
    },
  );

  app.delete(
    '/v1/me/sessions/:id',
    {
      schema: {
        tags,
        summary: 'End one of your sessions',
        params: Params,
        response: { 204: Nothing },
      },
    },
    async (request, reply) => {
      const identity = requirePerson(request);
      const { id } = request.params;
      const isEnded = await people.revokeSession(identity, id).catch(explain);
      if (!isEnded) throw new HttpProblem('not_found');
      if (id === identity.sessionId) clearSessionCookies(reply, isSecure(reply));
      return reply.code(204).send(null);
    },
  );
}

function adminRoutes(app: App, people: People): void {
  app.put(
    '/v1/people/:id/roles',
    {
      schema: {
        tags: ['admin'],
        summary: 'Set the roles of a person',
        description: 'Everybody is a member. The last admin keeps the role.',
        params: Params,
        body: RolesRequest,
        response: { 200: Person },
      },
    },
    async (request) => {
      const admin = requireRole(request, 'admin');
      return people.setRoles(admin, request.params.id, request.body.roles).catch(explain);
    },
  );

  app.post(
    '/v1/admin/synthetic-people',
    {
      schema: {
        tags: ['admin'],
        summary: 'Make throw-away people for a load test',
        description: 'Each with an access token good for an hour, and with no password.',
        body: SyntheticRequest,
        response: { 201: SyntheticPeople },
      },
      // 50,000 tokens through a schema's serialiser take no longer, but hold everybody up at once.
      serializerCompiler: () => (data) => JSON.stringify(data),
    },
    async (request, reply) => {
      requireRole(request, 'admin');
      const minted = await people.mintSynthetic(request.body.count).catch(explain);
      reply.header('cache-control', 'no-store');
      return reply.code(201).send(minted);
    },
  );

  app.delete(
    '/v1/admin/synthetic-people',
    {
      schema: {
        tags: ['admin'],
        summary: 'Remove all throw-away people',
        response: { 200: SyntheticRemoved },
      },
    },
    async (request) => {
      requireRole(request, 'admin');
      return { removed: await people.removeSynthetic().catch(explain) };
    },
  );
}

/** Throw-away people have no account to change. */
function requirePerson(request: FastifyRequest) {
  const identity = requireIdentity(request);
  if (identity.isSynthetic) throw new HttpProblem('forbidden', 'Throw-away people cannot do this');
  return identity;
}

/** The refresh token of the cookie, or null; throws HttpProblem where another site asks. */
function refreshCookieOf(request: FastifyRequest): string | null {
  const { cookie } = request.headers;
  const token = cookie === undefined ? null : readCookie(cookie, REFRESH_COOKIE);
  if (token === null) return null;
  if (isSameOrigin(request.headers, request.server.publicUrl)) return token;
  throw new HttpProblem('wrong_origin');
}

function clientOf(request: FastifyRequest): Client {
  return { address: request.ip, userAgent: request.headers['user-agent'] };
}

function isSecure(reply: FastifyReply): boolean {
  return reply.server.publicUrl?.startsWith('https:') === true;
}

/** People's faults have the codes of the wire. */
function explain(error: unknown): never {
  if (!(error instanceof PeopleFault)) throw error;
  const { code, message, retryAfterMs } = error;
  const members = retryAfterMs === undefined ? {} : { retryAfterMs };
  throw new HttpProblem(code, message === '' ? undefined : message, members, { cause: error });
}
