import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { App } from '../app.ts';

/**
 * The guides in `directory` at `/docs/<name>`: above all `/docs/errors`, where the `type` of every
 * problem points. Browsers show Markdown as plain text and would save it under its own type.
 */
export function documentRoutes(app: App, directory: string): void {
  for (const file of readdirSync(directory).filter((name) => name.endsWith('.md'))) {
    const text = readFileSync(join(directory, file), 'utf8');
    const path = `/docs/${basename(file, '.md')}`;
    app.get(path, { schema: { hide: true } }, async (request, reply) => {
      const isBrowser = (request.headers.accept ?? '').includes('text/html');
      const type = isBrowser ? 'text/plain' : 'text/markdown';
      reply.header('vary', 'accept').header('cache-control', 'no-cache');
      return reply.type(`${type}; charset=utf-8`).send(text);
    });
  }
}
