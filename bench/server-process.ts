import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const follow = new URL('../bin/follow.mjs', import.meta.url).href;
const startLimitMs = 60_000;
const stopLimitMs = 20_000;

/** A Dibs of our own on a loopback port, with the PostgreSQL in its box and its own data folder. */
export class ServerProcess {
  readonly url: string;
  readonly dataDirectory: string;
  readonly #port: number;
  #child: ChildProcess | null = null;
  #isWanted = false;

  private constructor(port: number, dataDirectory: string) {
    this.#port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.dataDirectory = dataDirectory;
  }

  static async start(): Promise<ServerProcess> {
    const dataDirectory = mkdtempSync(join(tmpdir(), 'dibs-bench-'));
    const server = new ServerProcess(await findFreePort(), dataDirectory);
    try {
      await server.start();
    } catch (error) {
      await server.remove();
      throw error;
    }
    return server;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Starts it (again, with the same data and port); resolves once it is ready. */
  async start(): Promise<void> {
    const program = ['--import', follow, join(root, 'server/src/cli.ts'), 'serve', '--no-demo'];
    const child = spawn(process.execPath, program, {
      // The fourth is open for as long as this process lives; the server ends with it.
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        DIBS_FOLLOW: '3',
        PORT: String(this.#port),
        HOST: '127.0.0.1',
        DATA_DIR: this.dataDirectory,
        LIMITS: 'off',
        LOG_LEVEL: 'warn',
      },
    });
    this.#child = child;
    let words = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      words = (words + chunk.toString()).slice(-4_000);
    });
    // A server that breaks down in the middle of a run says why; one that we kill need not.
    child.on('exit', (code, signal) => {
      if (code !== 0 && this.#isWanted)
        process.stderr.write(`server: ${code ?? signal}\n${words}\n`);
    });
    this.#isWanted = true;
    const deadline = Date.now() + startLimitMs;
    while (!(await this.#isReady())) {
      if (child.exitCode !== null || Date.now() > deadline) {
        child.kill('SIGKILL');
        throw new Error(`the server did not start: ${words.trim()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async #isReady(): Promise<boolean> {
    try {
      const answer = await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(2_000) });
      await answer.arrayBuffer();
      return answer.status === 200;
    } catch {
      return false;
    }
  }

  /** Kills it as a power cut would: nothing is said to it, nothing is flushed. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Asks it to end, and waits. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    this.#isWanted = false;
    const exited = once(child, 'exit');
    const late = setTimeout(() => child.kill('SIGKILL'), stopLimitMs);
    child.kill(signal);
    await exited;
    clearTimeout(late);
  }

  /** Stops it and forgets its data. */
  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.dataDirectory, { recursive: true, force: true });
  }

  /** Registers the first person of the installation, who is its admin; returns their token. */
  async makeAdmin(): Promise<string> {
    const answer = await fetch(`${this.url}/v1/people`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'Bench', password: crypto.randomUUID() }),
    });
    if (answer.status !== 201) throw new Error(`no admin: ${answer.status} ${await answer.text()}`);
    return ((await answer.json()) as { accessToken: string }).accessToken;
  }
}

export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no free port found');
  return address.port;
}
