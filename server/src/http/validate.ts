import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { Value } from 'typebox/value';
import { HttpProblem } from './problem.ts';

/** How much of a wrong value an answer repeats. */
const VALUE_SHOWN_MAX = 60;
const ERRORS_SHOWN_MAX = 5;

/**
 * Checks values against a schema and says what is wrong as problem+json: where, what was received,
 * what is accepted. `isText`: the values come as text (query, path), so "5" may mean 5.
 */
export function makeCheck(schema: TSchema, isText: boolean): (value: unknown) => unknown {
  const compiled = Compile(schema);
  return (value) => {
    const read = isText ? Value.Convert(schema, value) : value;
    if (compiled.Check(read)) return read;
    const errors: { path: string; message: string }[] = [];
    for (const error of compiled.Errors(read)) {
      if (error.keyword === 'boolean') continue;
      if (errors.length >= ERRORS_SHOWN_MAX) break;
      const received = describe(valueAt(read, error.instancePath));
      errors.push({
        path: error.instancePath === '' ? '/' : error.instancePath,
        message: `${error.message}${additional(error.params)}, received ${received}`,
      });
    }
    const first = errors[0];
    throw new HttpProblem('invalid', first && `${first.path} ${first.message}`, { errors });
  };
}

function additional(params: object): string {
  const names = (params as { additionalProperties?: string[] }).additionalProperties;
  return names === undefined ? '' : ` (${names.slice(0, ERRORS_SHOWN_MAX).join(', ')})`;
}

function valueAt(value: unknown, path: string): unknown {
  let at: unknown = value;
  for (const step of path.split('/').slice(1)) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Record<string, unknown>)[step.replaceAll('~1', '/').replaceAll('~0', '~')];
  }
  return at;
}

function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length <= VALUE_SHOWN_MAX ? text : `${text.slice(0, VALUE_SHOWN_MAX)}…`;
}
