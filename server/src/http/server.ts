import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { Socket } from 'node:net';
import fastifyCookie from '@fastify/cookie';
import fastifyHelmet from '@fastify/helmet';
import fastifySwagger from '@fastify/swagger';
import fastifySwaggerUi from '@fastify/swagger-ui';
import Fastify, {
  type ConnectionError,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  LogController,
} from 'fastify';
import type { TSchema } from 'typebox';
import type { App } from './app.ts';
import { describeRoute } from './description.ts';
import { discardRest } from './discard.ts';
import { HttpProblem } from './problem.ts';
import { makeCheck } from './validate.ts';
import { encodeProblem, toProblem } from './verdict.ts';

/** Takes a request and answers it, or returns false to leave it to the next. */
export type ThinHandler = (request: IncomingMessage, response: ServerResponse) => boolean;

export interface HttpServerOptions {
  readonly logger: FastifyBaseLogger;
  readonly publicUrl: string;
  /** While true, answers ask their connections to be closed. */
  readonly isDraining?: () => boolean;
  /** The few routes a whole crowd uses at once, tried in order before the web framework. */
  readonly thin: readonly ThinHandler[];
  /** Adds the routes. */
  readonly routes: (app: App) => void | Promise<void>;
}

const BODY_BYTES_MAX = 64 * 1024;
/** A client that takes longer for headers or body holds a socket for nothing. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 15_000;
/** How late such a client may be found out; Node looks at every connection each time. */
const TIMEOUT_CHECK_MS = 2_500;
const KEEP_ALIVE_MS = 75_000;

/** What pages of ours may load: their own files, and pictures from wherever a host keeps them. */
const CONTENT_POLICY = {
  defaultSrc: ["'self'"],
  imgSrc: ["'self'", 'https:', 'data:'],
  styleSrc: ["'self'", "'unsafe-inline'"],
  workerSrc: ["'self'", 'blob:'],
  objectSrc: ["'none'"],
  baseUri: ["'none'"],
  formAction: ["'self'"],
  frameAncestors: ["'none'"],
};

/** The API's reader loads its own files only, over http as well where that is how it is reached. */
const READER_POLICY =
  "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; " +
  "object-src 'none'; base-uri 'none'; frame-ancestors 'self'";

/** What is no HTTP, or did not arrive whole, gets its problem as well; then the connection ends. */
function answerBroken(error: ConnectionError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? new HttpProblem('too_large', 'The headers are too large')
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? new HttpProblem('malformed', 'The request did not arrive in time')
        : new HttpProblem('malformed', 'This is not HTTP/1.1');
  const { status, headers, body } = encodeProblem(problem);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}

/** One HTTP server: thin handlers first, everything else by Fastify. */
export async function createHttpServer(options: HttpServerOptions): Promise<{
  server: Server;
  app: FastifyInstance;
}> {
  const app = Fastify({
    loggerInstance: options.logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_BYTES_MAX,
    routerOptions: { maxParamLength: 300 },
    clientErrorHandler: answerBroken,
    // An address that cannot be decoded, before there is a route to know what to do about it.
    frameworkErrors: (error, _request, reply) => {
      const { status, headers, body } = encodeProblem(toProblem(error));
      const bare = reply as FastifyReply;
      void bare.code(status).headers(headers).send(body);
    },
    serverFactory: (handler) => {
      const checking = { connectionsCheckingInterval: TIMEOUT_CHECK_MS };
      const server = createServer(checking, (request, response) => {
        if (options.isDraining?.()) response.setHeader('connection', 'close');
        for (const thin of options.thin) if (thin(request, response)) return;
        handler(request, response);
      });
      server.headersTimeout = HEADERS_TIMEOUT_MS;
      server.requestTimeout = REQUEST_TIMEOUT_MS;
      server.keepAliveTimeout = KEEP_ALIVE_MS;
      return server;
    },
  }) as unknown as App;

  app.setValidatorCompiler(({ schema, httpPart }) => {
    const check = makeCheck(schema as TSchema, httpPart !== 'body');
    return (value) => {
      try {
        return { value: check(value) };
      } catch (error) {
        return { error: error as Error };
      }
    };
  });
  // A body is JSON or nothing: everything else is told so, rather than checked as a text.
  app.removeContentTypeParser('text/plain');
  app.setErrorHandler((error, request, reply) => {
    const problem = toProblem(error);
    if (problem.code === 'internal') request.log.error({ err: error }, 'a route broke');
    const { status, headers, body } = encodeProblem(problem);
    return reply.code(status).headers(headers).send(body);
  });
  app.setNotFoundHandler((_request, reply) => {
    const { status, headers, body } = encodeProblem(new HttpProblem('not_found'));
    return reply.code(status).headers(headers).send(body);
  });
  // A refusal is sent as an object under a 2xx schema's route: its type says what it is.
  app.addHook('onSend', async (request, reply, payload) => {
    if (!request.raw.complete && options.isDraining?.() !== true) {
      // The framework would end the connection, maybe before its answer is read.
      reply.removeHeader('connection');
      discardRest(request.raw);
    }
    if (reply.statusCode < 400 || reply.getHeader('content-type') === 'application/problem+json') {
      return payload;
    }
    reply.header('content-type', 'application/problem+json');
    return payload;
  });

  await app.register(fastifyCookie);
  await app.register(fastifyHelmet, {
    contentSecurityPolicy: { useDefaults: false, directives: CONTENT_POLICY },
    strictTransportSecurity: options.publicUrl.startsWith('https:'),
  });
  await app.register(fastifySwagger, {
    transform: describeRoute,
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Dibs',
        version: '1',
        description: 'Live events in which a crowd competes for something scarce.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: options.publicUrl }],
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{}, { token: [] }],
    },
  });
  await app.register(fastifySwaggerUi, {
    routePrefix: '/docs',
    staticCSP: READER_POLICY,
    uiConfig: { validatorUrl: null },
  });
  await options.routes(app);
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  await app.ready();
  return { server: app.server, app: app as unknown as FastifyInstance };
}
