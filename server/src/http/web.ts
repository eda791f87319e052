import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { App } from './app.ts';
import { HttpProblem } from './problem.ts';

const ONE_YEAR_S = 31_536_000;

/**
 * The web app, as it was built into `directory`: files with a hash in their name are kept for good by
 * browsers; any other path that asks for a page gets the app, which finds its way itself.
 */
export async function webRoutes(app: App, directory: string): Promise<void> {
  if (!existsSync(join(directory, 'index.html'))) {
    app.get('/', { schema: { hide: true } }, async () => ({
      name: 'Dibs',
      message: 'The web app is not built here; the API is at /docs',
    }));
    return;
  }
  await app.register(fastifyStatic, {
    root: directory,
    wildcard: false,
    dotfiles: 'ignore',
    globIgnore: ['**/.*'],
    cacheControl: false,
    setHeaders: (reply, path) => {
      const isHashed = path.includes('/assets/');
      const value = isHashed ? `public, max-age=${ONE_YEAR_S}, immutable` : 'no-cache';
      reply.setHeader('cache-control', value);
    },
  });
  app.get('/*', { schema: { hide: true } }, (request, reply) => {
    const wantsPage = (request.headers.accept ?? '').includes('text/html');
    const isApi = /^\/(v1|docs|metrics|livez|readyz|openapi\.json)(\/|$|\?)/.test(request.url);
    if (isApi) throw new HttpProblem('not_found');
    // A file that was not there at start: the app was built anew under a running server.
    return reply.sendFile(wantsPage ? 'index.html' : request.url.slice(1).replace(/[?#].*/, ''));
  });
}
