import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** What a process and all its descendants have used so far; Linux only. */
export interface TreeUse {
  /** User and system time of all, including children that have ended, in seconds. */
  readonly cpuSeconds: number;
  readonly processes: number;
}

interface ProcessStat {
  readonly parent: number;
  readonly ticks: number;
  readonly rssPages: number;
}

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
const pageBytes = Number(execFileSync('getconf', ['PAGESIZE'], { encoding: 'utf8' }));

/** Sums up the tree below and including `root`. */
export function measureTree(root: number): TreeUse {
  const processes = readProcesses();
  let ticks = 0;
  let count = 0;
  for (const pid of processes.keys()) {
    if (!descends(processes, pid, root)) continue;
    ticks += processes.get(pid)?.ticks ?? 0;
    count += 1;
  }
  return { cpuSeconds: ticks / ticksPerSecond, processes: count };
}

/** Resident memory of one process in bytes. */
export function measureRss(pid: number): number {
  return (readStat(pid)?.rssPages ?? 0) * pageBytes;
}

/**
 * Waits until the tree does next to nothing any more (below 3 % of a core for a second), so that
 * what a run leaves to be done behind it is counted too. Returns its use then.
 */
export async function awaitQuiet(root: number, limitMs: number): Promise<TreeUse> {
  const deadline = performance.now() + limitMs;
  let before = measureTree(root);
  let quietLooks = 0;
  while (performance.now() < deadline && quietLooks < 2) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    const now = measureTree(root);
    quietLooks = now.cpuSeconds - before.cpuSeconds <= 0.02 ? quietLooks + 1 : 0;
    before = now;
  }
  return before;
}

function readProcesses(): Map<number, ProcessStat> {
  const processes = new Map<number, ProcessStat>();
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? readStat(Number(name)) : null;
    if (stat !== null) processes.set(Number(name), stat);
  }
  return processes;
}

function readStat(pid: number): ProcessStat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name stands in parentheses and may hold anything; the fields follow it from the third on.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const field = (number: number) => Number(fields[number - 3]);
    return {
      parent: field(4),
      ticks: field(14) + field(15) + field(16) + field(17),
      rssPages: field(24),
    };
  } catch {
    // It has ended since the folder was listed.
    return null;
  }
}

function descends(processes: Map<number, ProcessStat>, pid: number, root: number): boolean {
  for (let at = pid, depth = 0; depth < 64; depth += 1) {
    if (at === root) return true;
    const stat = processes.get(at);
    if (stat === undefined || stat.parent <= 1) return false;
    at = stat.parent;
  }
  return false;
}
