import { inspect } from 'node:util';
import { Command, InvalidArgumentError } from 'commander';

/**
 * `dibs`: the program's commands. Each loads only what it needs, so that `dibs verify` on a log
 * file starts no database.
 */
const program = new Command('dibs').description(
  'Live events in which a crowd competes for something scarce',
);

program
  .command('serve')
  .description('serve the API and the web app')
  .option('--demo', 'begin with a demo: identities, a drop that opens in 30 s, a crowd')
  .option('--no-demo', 'begin empty')
  .option('--fresh', 'forget the data of the embedded database first')
  .option('--crowd <people>', 'send a synthetic crowd to the demo drop', wholeNumber)
  .action(async (options: { demo?: boolean; fresh?: boolean; crowd?: number }) => {
    const { runServer } = await import('./main.ts');
    await runServer({
      isDemo: options.demo === true,
      isFresh: options.fresh === true,
      crowd: options.crowd ?? 0,
    });
  });

program
  .command('verify')
  .description('check a downloaded log offline: chain intact, rules replayed, winners equal')
  .argument('<file>', 'the log, as downloaded from /v1/contests/ID/log; - for standard input')
  .option('--expect-head <hash>', 'the hash that the last batch must have')
  .option('--json', 'print the whole result as JSON')
  .action(async (file: string, options: { expectHead?: string; json?: boolean }) => {
    const { runVerify } = await import('./ops/verify-command.ts');
    process.exitCode = await runVerify(file, options);
  });

program
  .command('audit')
  .description('hold logs against rows: stock = sold + held + left, unit by unit')
  .argument('[contest]', 'one contest; without it, all')
  .option('--repair', 'write the rows anew from the log where they differ')
  .action(async (contest: string | undefined, options: { repair?: boolean }) => {
    const { auditInstallation } = await import('./main.ts');
    process.exitCode = await auditInstallation(contest ?? null, options.repair === true);
  });

program
  .command('drill')
  .description('storm a server with a synthetic crowd and hold every answer against the log')
  .allowUnknownOption()
  .helpOption(false)
  .argument('[options...]')
  .action(async () => {
    const { runDrillCommand } = await import('./rehearsal/drill-command.ts');
    process.exitCode = await runDrillCommand(process.argv.slice(3));
  });

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 5_000) {
    throw new InvalidArgumentError('a whole number from 1 to 5000');
  }
  return value;
}

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`dibs: ${explain(error)}\n`);
  process.exitCode = 1;
}

/** What an operator can mend is told in a sentence; a stack helps only with mistakes of ours. */
function explain(error: unknown): string {
  const isOurs = error instanceof TypeError || error instanceof RangeError;
  const isMystery = isOurs || error instanceof ReferenceError || !(error instanceof Error);
  if (isMystery || /debug|trace/.test(process.env['LOG_LEVEL'] ?? '')) return inspect(error);
  return error.message;
}
