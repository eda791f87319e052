import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type CrowdOptions, type CrowdProgress, runCrowd } from './crowd.ts';

/** What the parent tells the child to do. */
type Task = Pick<CrowdOptions, 'url' | 'contest' | 'people'>;

/** A crowd should not outlive this, whatever happens to it: its opening may be 10 minutes away. */
const lifeMaxMs = 15 * 60_000;

/** A crowd on its way. */
export interface CrowdOnItsWay {
  /** Resolves once everybody is done; rejects with why the crowd could not go on. */
  readonly done: Promise<void>;
  /** Sends everybody home. Harmless when called twice. */
  stop(): void;
}

/**
 * Runs a crowd in a process of its own, so that sending requests does not take the turns of the
 * process that answers them. The child ends with this process.
 */
export function sendCrowd(options: Omit<CrowdOptions, 'signal'>): CrowdOnItsWay {
  const { url, contest, people, onProgress } = options;
  const child = fork(fileURLToPath(import.meta.url), [childFlag], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced',
  });
  const stop = () => void child.kill('SIGTERM');
  const timer = setTimeout(stop, lifeMaxMs);
  timer.unref();
  child.on('message', (progress) => onProgress?.(progress as CrowdProgress));
  const done = awaitEnd(child).finally(() => clearTimeout(timer));
  // Whoever does not care for the end must not die of it.
  done.catch(() => undefined);
  child.send({ url, contest, people } satisfies Task);
  return { done, stop };
}

function awaitEnd(child: ChildProcess): Promise<void> {
  let words = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-2_000);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0 || signal === 'SIGTERM') resolve();
      else reject(new Error(`the crowd ended with ${code ?? signal}: ${words.trim()}`));
    });
  });
}

const childFlag = 'send-crowd';

function runChild(): void {
  // The parent is gone: nobody wants a crowd any more.
  process.on('disconnect', () => process.exit(0));
  process.on('message', (task) => {
    const onProgress = (progress: CrowdProgress) => void process.send?.(progress);
    runCrowd({ ...(task as Task), onProgress }).then(
      () => process.exit(0),
      (error) => {
        console.error((error as Error).message);
        process.exit(1);
      },
    );
  });
}

if (process.argv[2] === childFlag && process.send !== undefined) runChild();
