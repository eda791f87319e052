import { type AuditParts, auditContest, repairContest } from './audit.ts';

/**
 * Audits one contest, or all; mends rows from the log where asked. Prints a line per contest and
 * every difference; resolves to the exit code: 0 all agree, 1 something differed.
 */
export async function runAudit(
  parts: AuditParts,
  contest: string | null,
  isRepair: boolean,
): Promise<number> {
  const { rows } = await parts.database.query(
    'select contest from log_head where seq > 0 and ($1::uuid is null or contest = $1) order by 1',
    [contest],
  );
  if (rows.length === 0) {
    process.stderr.write(contest === null ? 'no contest yet\n' : `no contest ${contest}\n`);
    return contest === null ? 0 : 1;
  }
  let isOk = true;
  for (const [index, row] of rows.entries()) {
    process.stderr.write(`${index + 1}/${rows.length} ${row.contest}\n`);
    let audit = await auditContest(parts, row.contest);
    if (!audit.ok && isRepair && audit.chainOk) {
      show(audit);
      await repairContest(parts, row.contest);
      process.stdout.write(`${row.contest}: rows written anew from the log\n`);
      audit = await auditContest(parts, row.contest);
    }
    show(audit);
    isOk &&= audit.ok;
  }
  return isOk ? 0 : 1;
}

function show({
  ok,
  contest,
  entries,
  log,
  differences,
}: Awaited<ReturnType<typeof auditContest>>) {
  const { stock, sold, held, left } = log;
  const sum = `stock ${stock} = sold ${sold} + held ${held} + left ${left}`;
  process.stdout.write(`${contest}: ${ok ? 'ok' : 'DIFFERS'}, ${entries} entries, ${sum}\n`);
  for (const { what, log: inLog, rows } of differences) {
    process.stdout.write(`  ${what}: log ${JSON.stringify(inLog)}, rows ${JSON.stringify(rows)}\n`);
  }
}
