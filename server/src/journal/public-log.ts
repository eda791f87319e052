import type { ContestLog } from '../log/log.ts';

/** Entries fetched at once while a log is downloaded. */
const PAGE_ENTRIES = 5_000;

/**
 * The public log of a contest as NDJSON lines: a header that names the contest, then one batch a
 * line up to the one that holds entry `through`. Nothing in a log is private, see pseudonyms.ts.
 */
export async function* publicLog(
  log: Pick<ContestLog, 'read'>,
  contest: { contest: string; kind: string; through: number },
): AsyncGenerator<string> {
  const { contest: id, kind, through } = contest;
  yield `${JSON.stringify({ format: 'dibs-log/1', contest: id, kind })}\n`;
  let after = 0;
  while (after < through) {
    const batches = await log.read(id, after, PAGE_ENTRIES);
    if (batches.length === 0) return;
    let lines = '';
    for (const { epoch, seq, at, hash, payload, count } of batches) {
      if (seq > through) break;
      lines += `${JSON.stringify({ epoch, seq, at, hash, payload })}\n`;
      after = seq + count - 1;
    }
    yield lines;
  }
}
