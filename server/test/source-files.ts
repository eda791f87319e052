import { globSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';

/** One source file as the tests of the style see it; all paths are relative to the repository. */
export interface SourceFile {
  path: string;
  text: string;
  /** The text without comments, for searching words that are only about code. */
  code: string;
  imports: Import[];
}

export interface Import {
  /** As written. */
  specifier: string;
  /** The repository's file that it names, or undefined for packages and Node. */
  target: string | undefined;
}

export const root = join(import.meta.dirname, '..', '..');

const packages = ['rules', 'sdk', 'server', 'web'];

/** Reads all source files of the repository. */
export function readSourceFiles(): SourceFile[] {
  const patterns = [
    ...packages.map((name) => `${name}/{src,test}/**/*.{ts,tsx}`),
    'web/*.ts',
    '{tools,bench}/**/*.ts',
    'bin/*.mjs',
  ];
  const paths = globSync(patterns, { cwd: root, exclude: ['**/node_modules/**'] }).sort();
  return paths.map((path) => {
    const text = readFileSync(join(root, path), 'utf8');
    const code = withoutComments(text);
    return { path, text, code, imports: readImports(path, code) };
  });
}

/** What a package offers under which name, from its package.json. */
const packageExports = packages.flatMap((name) => {
  const read = JSON.parse(readFileSync(join(root, name, 'package.json'), 'utf8'));
  const entries = Object.entries<string>(read.exports ?? {});
  return entries.map(([exported, file]) => ({
    specifier: posix.join(read.name, exported),
    file: posix.join(name, file),
  }));
});

/** Imports, exports from elsewhere and `import()`. */
function readImports(path: string, code: string): Import[] {
  const patterns = [
    /^\s*(?:import|export)\s[^;'"]*?\bfrom\s+['"]([^'"]+)['"]/gm,
    /^\s*import\s+['"]([^'"]+)['"]/gm,
    /\bimport\(\s*['"]([^'"]+)['"]/g,
  ];
  const specifiers = patterns.flatMap((pattern) =>
    [...code.matchAll(pattern)].map(([, specifier]) => specifier ?? ''),
  );
  return specifiers.map((specifier) => ({ specifier, target: resolveImport(path, specifier) }));
}

function resolveImport(from: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return posix.join(dirname(from), specifier.replace(/\?.*$/, ''));
  for (const { specifier: exported, file } of packageExports) {
    if (exported === specifier) return file;
    const [before = '', after = ''] = exported.split('*');
    if (!exported.includes('*') || !specifier.startsWith(before)) continue;
    const rest = specifier.slice(before.length, specifier.length - after.length);
    return file.replace('*', rest);
  }
  return undefined;
}

/** Good enough for this code: comments begin a line or follow a space. Line numbers stay. */
function withoutComments(text: string): string {
  return text
    .replace(/^\s*\/\*[\s\S]*?\*\//gm, (comment) => comment.replace(/[^\n]/g, ' '))
    .replace(/(^|\s)\/\/.*$/gm, '$1');
}
