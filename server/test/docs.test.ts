import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { pino } from 'pino';
import { CALLS } from '../../sdk/src/wire/calls.ts';
import { FAULTS, REFUSAL_CODES } from '../../sdk/src/wire/problems.ts';
import { readConfig } from '../src/config.ts';
import { refusalProblem } from '../src/http/problem.ts';
import { type Running, startServer } from '../src/main.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';

/** The words around the product are held against it. */

const root = join(import.meta.dirname, '..', '..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.md'], {
  cwd: root,
  encoding: 'utf8',
});
const documents = listed.split('\n').filter((path) => path !== '' && existsSync(join(root, path)));

test('docs/errors.md explains every code, with its status, and no other', () => {
  const explained = read('docs/errors.md')
    .split(/^### /m)
    .slice(1)
    .map((section) => {
      const [, code, status] = /^(\S+)\n\n(\d{3}) · /.exec(section) ?? [];
      assert(code !== undefined, `a section without status: ${section.slice(0, 60)}`);
      assert.match(section, /\*\*Do:\*\* \S/, `${code} does not say what to do`);
      return `${code} ${status}`;
    });
  const known = [
    ...REFUSAL_CODES.map((code) => `${code} 409`),
    ...Object.entries(FAULTS).map(([code, { status }]) => `${code} ${status}`),
  ];
  assert.deepEqual(explained.toSorted(), known.toSorted());
});

test('every refusal has words of its own', () => {
  for (const code of REFUSAL_CODES) assert.notEqual(refusalProblem({ code }).title, code);
});

test('README and docs/operating.md list the variables of the configuration', () => {
  const source = read('server/src/config.ts');
  const known = [...source.matchAll(/\bread(?:<[^>]+>)?\(\s*'([A-Z_]+)'/g)].map(([, name]) => name);
  assert(known.length > 8, `only ${known.length} variables found in config.ts`);
  for (const path of ['README.md', 'docs/operating.md']) {
    const named = [...read(path).matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, name]) => name);
    assert.deepEqual(named.toSorted(), known.toSorted(), path);
  }
});

test('links between documents lead somewhere', () => {
  assert(documents.length > 10, `only ${documents.length} documents found`);
  const broken: string[] = [];
  for (const path of documents) {
    for (const [, link = ''] of read(path).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue;
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? path : join(dirname(path), file);
      if (!existsSync(join(root, target))) broken.push(`${path}: ${link}`);
      else if (anchor !== undefined && !anchorsOf(target).has(anchor)) {
        broken.push(`${path}: ${link} (no such heading)`);
      }
    }
  }
  assert.deepEqual(broken, []);
});

function anchorsOf(path: string): Set<string> {
  const headings = [...read(path).matchAll(/^#+ (.+)$/gm)].map(([, words = '']) => words);
  return new Set(
    headings.map((words) =>
      words
        .toLowerCase()
        .replace(/[^\w\s-]/g, '')
        .replace(/ /g, '-'),
    ),
  );
}

interface Operation {
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly { readonly name: string }[];
  readonly responses: Readonly<Record<string, { readonly content?: Record<string, unknown> }>>;
}

let database: TestDatabase;
let running: Running;
let described: Readonly<Record<string, Readonly<Record<string, Operation>>>>;

before(async () => {
  database = await createTestDatabase();
  const config = readConfig({ PORT: '0', DATABASE_URL: database.url, LOG_LEVEL: 'silent' });
  const options = { isDemo: true, isFresh: false, crowd: 0 };
  running = await startServer(config, options, pino({ level: 'silent' }));
  const answer = await fetch(`${running.url}/openapi.json`);
  described = ((await answer.json()) as { paths: typeof described }).paths;
});

after(async () => {
  await running?.close();
  await database?.drop();
});

test('the OpenAPI description has every call of the wire, and no /v1 call beside them', () => {
  const calls = Object.entries(described)
    .filter(([path]) => path.startsWith('/v1/'))
    .flatMap(([path, methods]) =>
      Object.keys(methods).map(
        (method) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`,
      ),
    );
  assert.deepEqual(calls.toSorted(), Object.values(CALLS).toSorted());
});

test('each call is described: summary, tags, what it answers, and its problems', () => {
  for (const call of Object.values(CALLS)) {
    const [method = '', path = ''] = call.split(' ');
    const operation = described[path.replace(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()];
    assert(operation !== undefined, call);
    assert(operation.summary, `${call} has no summary`);
    assert((operation.tags ?? []).length > 0, `${call} has no tags`);
    const good = Object.entries(operation.responses).filter(([status]) => /^2\d\d$/.test(status));
    assert.equal(good.length, 1, `${call} has ${good.length} answers of success`);
    for (const [status, { content }] of good) {
      const isDescribed = status === '204' || Object.keys(content ?? {}).length > 0;
      assert(isDescribed, `${call}: ${status} has no schema`);
    }
    const problem = operation.responses['default']?.content ?? {};
    assert.deepEqual(Object.keys(problem), ['application/problem+json'], call);
  }
});

test('calls that change a drop or an order say that they know a repeat by its key', () => {
  for (const [path, methods] of Object.entries(described)) {
    for (const [method, { tags, parameters }] of Object.entries(methods)) {
      const isCommand = method !== 'get' && tags?.some((tag) => /^(drops|orders)$/.test(tag));
      const isKeyed = parameters?.some(({ name }) => name === 'idempotency-key') === true;
      assert.equal(isKeyed, isCommand === true, `${method} ${path}`);
    }
  }
});

test('the type of a problem leads to its explanation', async () => {
  const missing = await fetch(`${running.url}/v1/drops/none`);
  assert.equal(missing.headers.get('content-type'), 'application/problem+json');
  const { type, code } = (await missing.json()) as { type: string; code: string };
  const answer = await fetch(new URL(type, running.url));
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('content-type'), 'text/markdown; charset=utf-8');
  assert.match(await answer.text(), new RegExp(`^### ${code}$`, 'm'));
});

test('the reader of the API and the guides share /docs', async () => {
  const reader = await fetch(`${running.url}/docs`);
  assert.equal(reader.status, 200);
  assert.match(await reader.text(), /swagger/i);
  const shown = await fetch(`${running.url}/docs/api`, { headers: { accept: 'text/html,*/*' } });
  assert.equal(shown.headers.get('content-type'), 'text/plain; charset=utf-8');
});
