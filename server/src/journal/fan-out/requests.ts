import { isUuid } from '@dibs/rules/kernel/ids.ts';
import { ArenaFault } from '../../arena/faults.ts';
import { StreamRefusal } from './admission.ts';
import type { Reader } from './connections.ts';
import { type Position, parsePositions } from './positions.ts';

/** A stream as it is asked for. */
export interface StreamRequest {
  /** `drop:<uuid>` and `me`, as given. */
  readonly topics: readonly string[];
  /** `Last-Event-ID`, or null for a fresh stream. */
  readonly lastEventId: string | null;
  readonly reader: Reader;
}

export interface CheckedRequest {
  /** By topic; null stands for `me`. */
  readonly contests: readonly (string | null)[];
  /** By topic, or null for a fresh stream. */
  readonly positions: readonly (Position | null)[] | null;
}

const DROP = 'drop:';

/** Throws `StreamRefusal` `invalid`, `malformed` or `unauthenticated`. */
export function checkRequest(request: StreamRequest, topicsMax: number): CheckedRequest {
  const { topics, lastEventId, reader } = request;
  if (topics.length === 0 || topics.length > topicsMax) {
    throw new StreamRefusal('invalid', `${topics.length} topics; ask for 1 to ${topicsMax}`);
  }
  if (new Set(topics).size !== topics.length) {
    throw new StreamRefusal('invalid', 'a topic is asked for twice');
  }
  const contests = topics.map((topic) => {
    if (topic === 'me') {
      if (reader.person !== null) return null;
      throw new StreamRefusal('unauthenticated', 'the topic me needs a signed-in person');
    }
    const contest = topic.slice(DROP.length);
    if (topic.startsWith(DROP) && isUuid(contest)) return contest;
    throw new StreamRefusal('invalid', 'a topic is drop:<id of a drop>, or me');
  });
  if (lastEventId === null || lastEventId === '') return { contests, positions: null };
  const positions = parsePositions(lastEventId, topics.length);
  if (positions === null) {
    throw new StreamRefusal('malformed', 'Last-Event-ID does not fit the topics');
  }
  return { contests, positions };
}

/** Why contests could not be loaded, as a refusal of the stream. */
export function loadRefusal(error: unknown): StreamRefusal {
  if (error instanceof StreamRefusal) return error;
  if (!(error instanceof ArenaFault)) throw error;
  switch (error.code) {
    case 'contest_unknown':
      return new StreamRefusal('not_found', error.message);
    case 'draining':
      return new StreamRefusal('draining', error.message, 1_000);
    case 'busy':
      return new StreamRefusal('busy', error.message, 2_000);
    case 'log_unavailable':
    case 'rebuilding':
    case 'key_reused':
      return new StreamRefusal('unavailable', error.message, 2_000);
  }
}
