import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * `npm run dev`: the server starts again when one of its files changes, the web app is replaced in
 * the open page. Open the address that Vite prints; it passes /v1 on to the server.
 */
const root = join(import.meta.dirname, '..');
const flags = process.argv.slice(2);
const port = process.env['PORT'] || '7070';

const children: ChildProcess[] = [];
const start = (args: string[], cwd: string) => {
  const child = spawn(process.execPath, args, {
    cwd,
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, DIBS_SERVER: `http://127.0.0.1:${port}` },
  });
  child.on('exit', (code) => end(code ?? 1));
  children.push(child);
};

start(
  ['--watch', '--watch-preserve-output', 'server/src/cli.ts', 'serve', '--demo', ...flags],
  root,
);
if (existsSync(join(root, 'web', 'index.html'))) {
  start([join(root, 'node_modules/vite/bin/vite.js')], join(root, 'web'));
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end(0));

/** Ends everything once; each child drains by itself. */
function end(code: number): void {
  process.exitCode = code;
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.pid === undefined) continue;
    try {
      process.kill(-child.pid, 'SIGTERM');
    } catch {
      // It ended by itself in the meantime.
    }
  }
}
