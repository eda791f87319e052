import { createReadStream } from 'node:fs';
import { stdin } from 'node:process';
import { verifyStream } from '@dibs/sdk/verify';

const PROGRESS_EVERY_MS = 500;

/**
 * Checks a downloaded log, offline. Prints what was found; resolves to the exit code: 0 when all
 * holds, 1 when something does not, 2 when the file cannot be read.
 */
export async function runVerify(
  file: string,
  options: { expectHead?: string; json?: boolean },
): Promise<number> {
  const source = file === '-' ? stdin : createReadStream(file);
  let shownAt = 0;
  try {
    const result = await verifyStream(source, {
      ...(options.expectHead === undefined ? {} : { expect: { head: options.expectHead } }),
      onProgress: ({ entries }) => {
        const now = Date.now();
        if (now - shownAt < PROGRESS_EVERY_MS) return;
        shownAt = now;
        process.stderr.write(`${entries} entries replayed\n`);
      },
    });
    process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : describe(result));
    return result.ok ? 0 : 1;
  } catch (error) {
    process.stderr.write(`cannot verify ${file}: ${(error as Error).message}\n`);
    return 2;
  }
}

type Verification = Awaited<ReturnType<typeof verifyStream>>;

function describe(result: Verification): string {
  const lines = [
    `${result.ok ? 'OK' : 'NOT OK'}: contest ${result.contest}, ${result.entries} entries`,
    `head ${result.head}`,
  ];
  const { outcome } = result;
  if (outcome !== null) {
    lines.push(
      `stock ${outcome.stock} = sold ${outcome.sold} + held ${outcome.held} + left ${outcome.left}`,
      `${outcome.winnersCount} orders hold units`,
    );
  }
  for (const { line, what, message } of result.errors) {
    lines.push(`line ${line}: ${what}: ${message}`);
  }
  if (result.errorCount > result.errors.length) {
    lines.push(`and ${result.errorCount - result.errors.length} more`);
  }
  return `${lines.join('\n')}\n`;
}
