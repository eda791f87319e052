import type { TestEvent } from 'node:test/reporters';

/** What a run of tests came to, as the reporter's last line tells it. */
export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

const marker = '#counts ';

/**
 * A reporter for node --test that is quiet about what works: failures with their place and cause,
 * why something was skipped, what the tests printed, and a last line for countsIn().
 */
export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  for await (const event of events) {
    if (event.type === 'test:stdout' || event.type === 'test:stderr') yield event.data.message;
    if (event.type === 'test:pass') {
      if (event.data.details.type === 'suite') continue;
      if (event.data.skip === undefined && event.data.todo === undefined) counts.passed += 1;
      else {
        counts.skipped += 1;
        yield `skipped: ${event.data.name}: ${event.data.skip ?? event.data.todo}\n`;
      }
    }
    if (event.type === 'test:interrupted') {
      // The first ones were running, the rest had not begun; one failure tells enough.
      const names = event.data.tests.slice(0, 2).map(({ name }) => name);
      counts.failed += 1;
      yield `\n✖ still running when the time was up: ${names.join(', ')}\n`;
      // The runner ends now, without waiting for what follows here.
      yield `${marker}${JSON.stringify(counts)}\n`;
    }
    if (event.type === 'test:fail') {
      if (event.data.details.type === 'suite') continue;
      counts.failed += 1;
      const { name, file, line, details } = event.data;
      yield `\n✖ ${name}\n  ${file ?? ''}:${line ?? ''}\n${indent(describe(details.error))}\n`;
    }
  }
  yield `${marker}${JSON.stringify(counts)}\n`;
}

/** The counts that a run printed, or undefined when it ended before it could. */
export function countsIn(output: string): Counts | undefined {
  const line = output.split('\n').findLast((text) => text.startsWith(marker));
  return line === undefined ? undefined : JSON.parse(line.slice(marker.length));
}

/** The output without the line that is for countsIn() only. */
export function withoutCounts(output: string): string {
  return output
    .split('\n')
    .filter((text) => !text.startsWith(marker))
    .join('\n')
    .trim();
}

/** The runner wraps what a test threw; the stack of what it threw is what helps. */
function describe(error: Error & { cause?: unknown }): string {
  const cause = error.cause instanceof Error ? error.cause : error;
  return cause.stack ?? String(error.cause ?? error.message);
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');
}
