import { Command, InvalidArgumentError } from 'commander';
import { type DrillOutcome, runDrill } from './drill.ts';
import type { Quantiles } from './latencies.ts';
import type { AdminAccess } from './organiser.ts';

interface DrillFlags {
  readonly url: string;
  readonly people: number;
  readonly stock: number;
  readonly requests?: number;
  readonly rate: number;
  readonly streams: number;
  readonly connections: number;
  readonly patience: number;
  readonly seed: number;
  readonly token?: string;
  readonly name?: string;
  readonly password?: string;
  readonly expectOutages?: boolean;
  readonly keep?: boolean;
  readonly json?: boolean;
}

/**
 * `dibs drill`: storms a server and prints what came of it. Returns the exit code: 0 when every
 * answer agrees with the log, 1 on any contradiction, 2 when the drill could not be held.
 */
export async function runDrillCommand(argv: readonly string[]): Promise<number> {
  const flags = readFlags(argv);
  const token = flags.token ?? process.env['DIBS_ADMIN_TOKEN'];
  const access: AdminAccess = {
    ...(token === undefined ? {} : { token }),
    ...(flags.name === undefined ? {} : { name: flags.name }),
    ...(flags.password === undefined ? {} : { password: flags.password }),
  };
  const interrupted = new AbortController();
  const onInterrupt = () => interrupted.abort(new Error('interrupted'));
  process.once('SIGINT', onInterrupt);
  try {
    const outcome = await runDrill({
      url: flags.url,
      people: flags.people,
      stock: flags.stock,
      requests: Math.max(flags.people, flags.requests ?? flags.people * 3),
      rate: flags.rate,
      streams: flags.streams,
      connectionsMax: flags.connections,
      patienceMs: flags.patience * 1_000,
      access,
      expectOutages: flags.expectOutages === true,
      keep: flags.keep === true,
      seed: flags.seed,
      signal: interrupted.signal,
    });
    console.log(flags.json === true ? JSON.stringify(outcome) : tell(outcome, flags.seed));
    return outcome.ok ? 0 : 1;
  } catch (error) {
    console.error(`The drill could not be held: ${(error as Error).message}`);
    return 2;
  } finally {
    process.off('SIGINT', onInterrupt);
  }
}

function readFlags(argv: readonly string[]): DrillFlags {
  const command = new Command('dibs drill')
    .description('storm a server with a synthetic crowd and hold every answer against the log')
    .option('--url <url>', 'the server', 'http://127.0.0.1:7070')
    .option('--people <count>', 'throw-away people', within(1, 200_000), 20_000)
    .option('--stock <units>', 'units of the drop', within(1, 1_000_000), 1_000)
    .option('--requests <count>', 'requests in all; three a person', within(1, 5_000_000))
    .option('--rate <per second>', 'requests per second, on average', within(1, 100_000), 4_000)
    .option('--streams <count>', 'event streams that watch the drop', within(0, 20_000), 0)
    .option('--connections <count>', 'connections at the most', within(1, 10_000), 512)
    .option('--patience <seconds>', 'how long to repeat what got no answer', within(1, 600), 60)
    .option('--seed <number>', 'the same seed, the same crowd', within(0, 4_294_967_295), 1)
    .option('--token <token>', "an admin's access token; or DIBS_ADMIN_TOKEN")
    .option('--name <name>', "an admin's name, with --password")
    .option('--password <password>', 'their password')
    .option('--expect-outages', 'the server is killed meanwhile: only then may answers be 503')
    .option('--keep', 'leave the people and the drop in place')
    .option('--json', 'print the outcome as JSON');
  return command.parse([...argv], { from: 'user' }).opts<DrillFlags>();
}

function within(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= minimum && value <= maximum) return value;
    throw new InvalidArgumentError(`a whole number from ${minimum} to ${maximum}`);
  };
}

/** The outcome for a person to read. */
function tell(outcome: DrillOutcome, seed: number): string {
  const { report, units, streams } = outcome;
  const seconds = (report.durationMs / 1_000).toFixed(1);
  const lines = [
    `contest ${outcome.contest}, seed ${seed}`,
    `${report.sent} requests in ${seconds} s: ${report.answered} answered, ${report.cut} cut on ` +
      `purpose, ${report.repeated} repeated, ${report.unanswered} unanswered, ` +
      `${report.connectionErrors} connections lost`,
    '',
    'answers',
  ];
  for (const [kind, answers] of Object.entries(report.answers)) {
    const told = Object.entries(answers).map(([label, count]) => `${label}: ${count}`);
    lines.push(`  ${kind.padEnd(12)} ${told.join(', ')}`);
  }
  for (const [label, count] of Object.entries(report.faults)) {
    lines.push(`  repeated     ${label}: ${count}`);
  }
  lines.push('', 'milliseconds from the intended send time');
  for (const [kind, quantiles] of Object.entries({ ...report.latency, all: report.overall })) {
    lines.push(`  ${kind.padEnd(12)} ${tellQuantiles(quantiles)}`);
  }
  const { stock, sold, held, left } = units;
  lines.push(
    '',
    `log: ${outcome.entries} entries; ${stock} = ${sold} sold + ${held} held + ${left} left`,
  );
  if (outcome.unrecordedRefusals > 0) {
    lines.push(
      `${outcome.unrecordedRefusals} refusals were given from memory and are not in the log`,
    );
  }
  if (streams !== null) {
    lines.push(
      `${streams.streams} streams saw ${streams.facts} facts in ${streams.events} events; ` +
        `${streams.reconnects} reconnects, ${streams.resets} resets`,
    );
  }
  if (outcome.ok) lines.push('every answer agrees with the log, the audit and the orders');
  else {
    lines.push(`${outcome.contradictionCount} CONTRADICTIONS`);
    for (const words of outcome.contradictions) lines.push(`  - ${words}`);
  }
  return lines.join('\n');
}

function tellQuantiles({ count, p50, p99, p999, max }: Quantiles): string {
  const [a, b, c, d] = [p50, p99, p999, max].map((value) => value.toFixed(1));
  return `p50 ${a}, p99 ${b}, p99.9 ${c}, max ${d} (${count})`;
}
