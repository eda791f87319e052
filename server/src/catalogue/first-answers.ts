import { hash } from 'node:crypto';
import type { Queryable } from '../db/pool.ts';

/** Whose command it was, and the client's idempotency key of it. */
export interface AnswerName {
  readonly contest: string;
  readonly person: string;
  readonly key: string;
}

/**
 * Nothing is kept for a person who was deleted meanwhile.
 *
 * Rules forget a key after a day; a day longer, the answers beside it are kept. Each statement takes
 * two old ones away, so that they go as fast as they came, and nobody has to sweep.
 */
const KEEP = `
  with forgotten as (
    delete from first_answers where tag in (
      select tag from first_answers
      where created_at < now() - interval '2 days' and tag <> $1
      order by created_at limit 2 for update skip locked)
  )
  insert into first_answers (tag, person, answer)
  select $1, id, $3 from people where id = $2
  on conflict (tag) do update set tag = excluded.tag returning answer`;

/**
 * Keeps `answer` unless the key has one already; resolves to the one that is kept. The log gives a
 * repeated command its first verdict; this does the same for figures beside it that go on changing.
 * Whoever waits for the answer gets it after it is kept, so a crash in between is seen by nobody.
 */
export async function keepFirstAnswer<Answer extends object>(
  database: Queryable,
  { contest, person, key }: AnswerName,
  answer: Answer,
): Promise<Answer> {
  const tag = hash('sha256', `${contest}\n${person}\n${key}`, 'buffer');
  const { rows } = await database.query<{ answer: Answer }>(
    { name: 'first-answer-keep', text: KEEP },
    [tag, person, JSON.stringify(answer)],
  );
  return rows[0]?.answer ?? answer;
}
