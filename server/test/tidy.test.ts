import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { compositionRoot, importedByNobody, importRules } from './import-rules.ts';
import { readSourceFiles, root, type SourceFile } from './source-files.ts';

/** The style of the house as tests; CONTRIBUTING.md says it in words. */

const files = readSourceFiles();
const byPath = new Map(files.map((file) => [file.path, file]));
const isTest = (path: string) =>
  /\.(test|fixture)\.tsx?$/.test(path) || /^[a-z]+\/test\//.test(path);
const product = files.filter(({ path }) => !isTest(path));

const linesMax = 500;
/**
 * Biome breaks code at 100; what it cannot break are comments and texts. Texts may be as long as
 * they are, comments end soon after the edge.
 */
const columnsMax = 112;

/** Fails with one line per finding, so that all of them can be mended at once. */
function assertNone(findings: string[], what: string): void {
  assert.equal(findings.length, 0, `${what}:\n${findings.map((line) => `  ${line}`).join('\n')}`);
}

test('the sources are found', () => {
  for (const path of ['server/src/main.ts', 'rules/src/kernel/ids.ts', 'sdk/src/sdk.ts']) {
    assert(byPath.has(path), path);
  }
});

test('imports point one way', () => {
  const findings = product.flatMap(({ path, imports }) => {
    const rule = importRules
      .filter(({ from }) => path.startsWith(from))
      .reduce<(typeof importRules)[number] | undefined>(
        (best, one) => (best && best.from.length > one.from.length ? best : one),
        undefined,
      );
    if (!rule) return [`${path}: its folder is not in import-rules.ts`];
    return imports
      .filter(({ specifier, target }) => !isAllowed(rule, specifier, target))
      .map(({ specifier }) => `${path} must not import ${specifier}`);
  });
  assertNone(findings, 'imports that the house does not allow');
});

function isAllowed(rule: (typeof importRules)[number], specifier: string, target?: string) {
  if (target !== undefined) {
    if (!byPath.has(target)) return true; // A style sheet, a catalogue, a folder.
    const own = rule.from.endsWith('/') && target.startsWith(rule.from);
    return own || rule.may.some((beginning) => target.startsWith(beginning));
  }
  if (specifier.startsWith('node:')) return rule.hasNode === true;
  return rule.packages.some(
    (name) => name === '*' || specifier === name || specifier.startsWith(`${name}/`),
  );
}

test('nobody imports http, main or config', () => {
  const findings = product
    .filter(({ path }) => path.startsWith('server/src/') && !compositionRoot.includes(path))
    .flatMap(({ path, imports }) =>
      imports
        .filter(({ target = '' }) => importedByNobody.some((one) => target.startsWith(one)))
        .filter(({ target = '' }) => !(isHttp(path) && isHttp(target)))
        .map(({ specifier }) => `${path} imports ${specifier}`),
    );
  assertNone(findings, 'only the composition root may import these');
});

function isHttp(path: string): boolean {
  return path.startsWith('server/src/http/');
}

test('no import cycles, types included', () => {
  const done = new Set<string>();
  const findings: string[] = [];
  const visit = (path: string, trail: string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) findings.push([...trail.slice(at), path].join(' -> '));
    if (at >= 0 || done.has(path)) return;
    for (const { target } of byPath.get(path)?.imports ?? []) {
      if (target !== undefined) visit(target, [...trail, path]);
    }
    done.add(path);
  };
  for (const { path } of files) visit(path, []);
  assertNone(findings, 'import cycles');
});

test('the rules are pure', () => {
  const impure = /\b(async|await|Promise|Date\.now|new Date|Math\.random|performance)\b|['"]node:/;
  const findings = product
    .filter(({ path }) => path.startsWith('rules/src/'))
    .flatMap((file) => matchingLines(file, impure));
  assertNone(findings, 'time, randomness and I/O come into the rules as data');
});

test('files are short enough to read', () => {
  const long = files
    .map(({ path, text }) => ({ path, lines: text.trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > linesMax)
    .map(({ path, lines }) => `${path} has ${lines} lines, ${linesMax} are allowed`);
  const wide = files.flatMap(({ path, text }) =>
    text
      .split('\n')
      .map((line, index) => ({ line, number: index + 1 }))
      .filter(({ line }) => [...line].length > columnsMax && !/['"`].{40,}/.test(line))
      .map(({ number, line }) => `${path}:${number} has ${[...line].length} columns`),
  );
  assertNone([...long, ...wide], 'too long');
});

test('names are nouns of the domain', () => {
  const banned = /(^|[/.-])(utils?|helpers?|common|misc|managers?|services?|shared)([/.-]|$)/;
  const paths = files.map(({ path }) => path);
  assertNone(
    paths.filter((path) => banned.test(path)),
    'names that say nothing',
  );
  const named = /^(\.?[a-z0-9-]+\/)*[a-z0-9-]+(\.(test|fixture|config))?\.(ts|tsx|mjs)$/;
  assertNone(
    paths.filter((path) => !named.test(path)),
    'file names are kebab-case',
  );
});

test('no barrels but the faces of the SDK', () => {
  const faces = ['sdk/src/sdk.ts', 'sdk/src/wire/wire.ts', 'sdk/src/verify.ts'];
  const findings = product
    .filter(({ path, code }) => !faces.includes(path) && /^export \* from/m.test(code))
    .map(({ path }) => path);
  assertNone(findings, 'files that pass on everything of others');
});

test('every rule has a test and every test of a rule names one that exists', () => {
  const rules = new Set(readRuleIds());
  const tested = new Set<string>();
  const strangers: string[] = [];
  for (const { path, text } of files.filter(({ path: one }) => one.includes('.test.'))) {
    for (const [, id = ''] of text.matchAll(/\b(?:test|it)\(\s*['"`]([A-Z]{2}\d+):/g)) {
      tested.add(id);
      if (!rules.has(id)) strangers.push(`${id} in ${path}`);
    }
  }
  assertNone(strangers, 'tests of rules that do not exist');
  assertNone(
    [...rules].filter((id) => !tested.has(id)),
    'rules without a test whose name begins with them',
  );
});

/** Rules are headings of RULES.md; those of one part may stand as bold items in its guide. */
function readRuleIds(): string[] {
  const headings = readDocument('RULES.md').matchAll(/^### ([A-Z]{2}\d+)\b/gm);
  const items = globSync('docs/*.md', { cwd: root }).flatMap((path) => [
    ...readDocument(path).matchAll(/^- \*\*([A-Z]{2}\d+)\b/gm),
  ]);
  return [...headings, ...items].map(([, id = '']) => id);
}

function readDocument(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

test('no dead files', () => {
  const reached = reach(files.filter(({ path }) => isEntry(path)));
  const findings = product.map(({ path }) => path).filter((path) => !reached.has(path));
  assertNone(findings, 'files that no entry point reaches');
});

/** Adapters that exist for tests: one contract suite runs on them and on the real ones. */
const adaptersOfTests = ['server/src/log/memory.ts', 'server/src/journal/store-memory.ts'];

function isEntry(path: string): boolean {
  const names = ['server/src/cli.ts', 'web/src/main.tsx', 'web/vite.config.ts', 'sdk/src/sdk.ts'];
  const tools = /^(bin\/[a-z]+\.mjs|tools\/(check|dev|planted)\.ts)$/;
  const benches = /^bench\/(bench|cold-start|drill-with-kills)\.ts$/;
  if (tools.test(path) || benches.test(path)) return true;
  return names.includes(path) || adaptersOfTests.includes(path);
}

/** What is reached by imports, or started as a process or worker by its quoted name. */
function reach(entries: SourceFile[]): Set<string> {
  const reached = new Set<string>();
  const visit = (file: SourceFile): void => {
    if (reached.has(file.path)) return;
    reached.add(file.path);
    const quoted = [...file.code.matchAll(/['"`]([\w./-]+\.(?:tsx?|mjs))['"`]/g)];
    const started = quoted.flatMap(([, name = '']) =>
      files.filter(({ path }) => basename(path) === basename(name)),
    );
    const imported = file.imports.flatMap(({ target }) => byPath.get(target ?? '') ?? []);
    for (const next of [...imported, ...started]) visit(next);
  };
  for (const entry of entries) visit(entry);
  return reached;
}

function matchingLines({ path, code }: SourceFile, pattern: RegExp): string[] {
  return code
    .split('\n')
    .map((line, index) => ({ line, number: index + 1 }))
    .filter(({ line }) => pattern.test(line))
    .map(({ line, number }) => `${path}:${number} ${line.trim()}`);
}
