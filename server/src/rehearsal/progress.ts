import type { Generator } from './generator.ts';

const everyMs = 1_000;

/**
 * Tells on stderr once a second how the run goes: one line that renews itself in a terminal, a JSON
 * line each where a program listens. Returns what ends it.
 */
export function showProgress(generator: Generator, phase: () => string): () => void {
  const isTerminal = process.stderr.isTTY === true;
  let before = 0;
  const show = (): void => {
    const { sent, answered, repeated, connectionErrors, serverErrors } = generator.tally;
    const { open } = generator;
    const perSecond = sent - before;
    before = sent;
    if (isTerminal) {
      const line =
        `${phase()}: ${sent} sent (${perSecond}/s), ${answered} answered, ${open} open, ` +
        `${repeated} repeated, ${connectionErrors} lost connections, ${serverErrors} faults`;
      process.stderr.write(`\r\x1b[2K${line}`);
      return;
    }
    const figures = { sent, perSecond, answered, open, repeated, connectionErrors, serverErrors };
    process.stderr.write(`${JSON.stringify({ phase: phase(), ...figures })}\n`);
  };
  const timer = setInterval(show, everyMs);
  return () => {
    clearInterval(timer);
    if (isTerminal) process.stderr.write('\r\x1b[2K');
  };
}
