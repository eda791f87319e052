import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 20_000;

/** Of the environment, what Dibs may see: nothing that would lead it to another database. */
const PASSED_ON = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR'];

/**
 * A real server: its own process, data folder and port on 127.0.0.1, with the demo. It can be
 * ended and started again on the same port and data.
 */
export class DibsProcess {
  readonly port: number;
  readonly url: string;
  /** All it has printed to standard output since its last start. */
  printed = '';
  #folder: string;
  #child: ChildProcess | null = null;
  /** The end of what it has written to its standard error. */
  errors = '';

  private constructor(port: number, folder: string) {
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.#folder = folder;
  }

  static async start(): Promise<DibsProcess> {
    if (!existsSync(join(ROOT, 'web', 'dist', 'index.html'))) {
      throw new Error('the web app is not built: node bin/build.mjs');
    }
    const folder = await mkdtemp(join(tmpdir(), 'dibs-e2e-'));
    await chmod(folder, 0o755); // As root, PostgreSQL runs under an account that passes through.
    const dibs = new DibsProcess(await findFreePort(), folder);
    await dibs.start();
    return dibs;
  }

  /** Starts it again, on the same data; resolves once it has said where it is. */
  async start(): Promise<void> {
    const environment: NodeJS.ProcessEnv = {
      PORT: String(this.port),
      DATA_DIR: join(this.#folder, 'data'),
      LIMITS: 'off',
      LOG_LEVEL: 'warn',
    };
    for (const name of PASSED_ON) environment[name] = process.env[name];
    const child = spawn(process.execPath, ['server/src/cli.ts', 'serve', '--demo'], {
      cwd: ROOT,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    this.printed = '';
    process.once('exit', () => child.kill('SIGKILL'));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.errors = (this.errors + text).slice(-20_000);
    });
    child.stdout.setEncoding('utf8');
    await new Promise<void>((resolve, reject) => {
      const fail = (why: string) =>
        reject(new Error(`the server ${why}:\n${this.printed}${this.errors}`));
      const timer = setTimeout(fail, START_LIMIT_MS, 'was not there in time');
      child.once('exit', (code, signal) => {
        clearTimeout(timer);
        fail(`ended with ${code ?? signal}`);
      });
      child.stdout.on('data', (text: string) => {
        this.printed = (this.printed + text).slice(-20_000);
        if (!this.printed.includes('Dibs is here')) return;
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Ends it as Ctrl-C does, or at once. */
  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
    await ended;
    clearTimeout(timer);
  }

  /** Ends it and forgets its data. */
  async close(): Promise<void> {
    await this.end();
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
