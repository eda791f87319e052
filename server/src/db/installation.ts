import { randomBytes } from 'node:crypto';
import type { Queryable } from './pool.ts';

const secretSizeBytes = 32;

/**
 * The installation's secret of this name: 32 random bytes, made by whichever process asks first and
 * the same for all of them from then on.
 */
export async function readOrCreateSecret(database: Queryable, name: string): Promise<Buffer> {
  const fresh = randomBytes(secretSizeBytes).toString('base64url');
  await database.query(
    'insert into installation (name, value) values ($1, $2) on conflict (name) do nothing',
    [name, fresh],
  );
  const found = await database.query<{ value: string }>(
    'select value from installation where name = $1',
    [name],
  );
  const secret = Buffer.from(found.rows[0]?.value ?? '', 'base64url');
  if (secret.length !== secretSizeBytes) {
    throw new Error(
      `the installation's ${name} has ${secret.length} bytes, not ${secretSizeBytes}`,
    );
  }
  return secret;
}
