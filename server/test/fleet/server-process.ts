import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));
const startLimitMs = 40_000;
const stopLimitMs = 20_000;

export interface ProgramEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ProgramOptions {
  readonly environment?: NodeJS.ProcessEnv;
  readonly input?: string;
}

/** One `dibs` command in a process of its own, with everything it printed. */
export class DibsProgram {
  readonly child: ChildProcess;
  readonly ended: Promise<ProgramEnd>;
  stdout = '';
  stderr = '';
  readonly #waiting = new Set<() => void>();

  constructor(args: readonly string[], { environment = {}, input }: ProgramOptions = {}) {
    this.child = spawn(process.execPath, [program, ...args], {
      // Nothing of the surroundings' settings may lead a test into a real installation.
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], TZ: 'UTC', ...environment },
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    this.child.stdin?.end(input);
    this.child.stdout?.setEncoding('utf8').on('data', (text) => {
      this.stdout += text;
      this.#tell();
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text) => {
      this.stderr += text;
      this.#tell();
    });
    this.ended = once(this.child, 'close').then(([code, signal]) => {
      this.#tell();
      return { code, signal } as ProgramEnd;
    });
  }

  get pid(): number {
    return this.child.pid as number;
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Everything it printed, for the message of a test that fails. */
  get said(): string {
    return `${this.stdout}${this.stderr}`.slice(-4_000);
  }

  /** Resolves with the match once it has printed such a text; rejects when it ends before. */
  async printed(pattern: RegExp, limitMs = startLimitMs): Promise<RegExpExecArray> {
    const isLate = AbortSignal.timeout(limitMs);
    for (;;) {
      const found = pattern.exec(this.stdout) ?? pattern.exec(this.stderr);
      if (found !== null) return found;
      if (isLate.aborted) throw new Error(`${pattern} not printed in ${limitMs} ms: ${this.said}`);
      if (!this.isRunning) throw new Error(`ended before ${pattern}: ${this.said}`);
      await new Promise<void>((resolve) => {
        const done = () => {
          this.#waiting.delete(done);
          isLate.removeEventListener('abort', done);
          resolve();
        };
        this.#waiting.add(done);
        isLate.addEventListener('abort', done);
      });
    }
  }

  /** How it ended; after `limitMs` it is killed, and the promise rejects. */
  async end(limitMs = stopLimitMs): Promise<ProgramEnd> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.child.kill('SIGKILL');
        reject(new Error(`still running after ${limitMs} ms: ${this.said}`));
      }, limitMs);
    });
    return Promise.race([this.ended, late]).finally(() => clearTimeout(timer));
  }

  #tell(): void {
    for (const done of [...this.#waiting]) done();
  }
}

/** Runs a `dibs` command to its end. */
export async function runDibs(args: readonly string[], options: ProgramOptions = {}) {
  const running = new DibsProgram(args, options);
  const { code } = await running.end(startLimitMs);
  return { code, stdout: running.stdout, stderr: running.stderr };
}

export interface ServerOptions {
  /** A PostgreSQL; without it, the one in the box, in `dataDirectory`. */
  readonly databaseUrl?: string;
  readonly dataDirectory?: string;
  /** The port of an earlier run; without it, a free one. */
  readonly port?: number;
  readonly args?: readonly string[];
  readonly environment?: NodeJS.ProcessEnv;
}

/** A `dibs serve` that has printed where it is. */
export class ServerProcess extends DibsProgram {
  url = '';

  private constructor(options: ServerOptions) {
    super(['serve', ...(options.args ?? [])], {
      environment: {
        PORT: String(options.port ?? 0),
        LIMITS: 'off',
        LOG_LEVEL: 'warn',
        ...(options.databaseUrl === undefined ? {} : { DATABASE_URL: options.databaseUrl }),
        ...(options.dataDirectory === undefined ? {} : { DATA_DIR: options.dataDirectory }),
        ...options.environment,
      },
    });
  }

  static async start(options: ServerOptions): Promise<ServerProcess> {
    const server = new ServerProcess(options);
    try {
      const [, url] = await server.printed(/Dibs is here: +(http:\S+)/);
      server.url = url as string;
      return server;
    } catch (error) {
      server.child.kill('SIGKILL');
      throw error;
    }
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** Ends it as a crash of the machine would. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }

  /** Ends it as Ctrl-C does. */
  async stop(): Promise<ProgramEnd> {
    if (this.isRunning) this.child.kill('SIGINT');
    return this.end();
  }
}

/** A data folder of the test's own, and what forgets it. */
export function makeDataDirectory(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'dibs-fleet-'));
  chmodSync(path, 0o755); // As root, PostgreSQL's account has to pass through.
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
