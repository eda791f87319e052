import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface ProgramResult {
  /** 0 means success; -1 means that it was ended because of its time limit. */
  code: number;
  /** Both streams, interleaved, the last 2 MB of them. */
  output: string;
}

const outputMax = 2_000_000;
const graceMs = 3_000;
const running = new Set<number>();

/** Runs a program in a process group of its own and keeps what it prints. */
export async function runProgram(options: {
  command: string;
  args: string[];
  cwd: string;
  environment: NodeJS.ProcessEnv;
  limitMs: number;
}): Promise<ProgramResult> {
  const { command, args, cwd, environment, limitMs } = options;
  const child = spawn(command, args, {
    cwd,
    env: environment,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-outputMax);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const { pid } = child;
  if (pid !== undefined) running.add(pid);
  let isLate = false;
  let lastTimer: NodeJS.Timeout | undefined;
  const timer = setTimeout(() => {
    isLate = true;
    // Asked first: Node's test runner then tells what it was waiting for.
    child.kill('SIGINT');
    lastTimer = setTimeout(() => pid !== undefined && endGroup(pid), graceMs);
  }, limitMs);
  try {
    const [code] = await once(child, 'close');
    if (isLate) output += `\nended after its limit of ${limitMs / 1000} s`;
    return { code: isLate ? -1 : (code ?? 1), output };
  } catch (error) {
    return { code: 1, output: `${command} could not be started: ${(error as Error).message}` };
  } finally {
    clearTimeout(timer);
    clearTimeout(lastTimer);
    if (isLate && pid !== undefined) endGroup(pid);
    if (pid !== undefined) running.delete(pid);
  }
}

/** Ends all programs that are still running, with what they started. */
export function endAllPrograms(): void {
  for (const pid of running) endGroup(pid);
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended by itself in the meantime.
  }
}
