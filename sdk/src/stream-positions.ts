/** Where a stream is in each topic's log, and so what is new, what came before and what is missing. */

interface Position {
  readonly epoch: number;
  readonly seq: number;
}

interface Placed {
  readonly seq: number;
  readonly contest?: string;
}

/** Contests whose last fact is remembered on the topic `me`, which has no position of its own. */
const CONTESTS_MAX = 10_000;
const POSITION = /^([1-9][0-9]{0,15}):([0-9]{1,16})$/;

export class StreamPositions {
  /** By topic; null: not known, the server begins with a view. */
  readonly #positions = new Map<string, Position | null>();
  /** The topics of the connection, in the order of the parts of its events' ids. */
  #requested: readonly string[] = [];
  readonly #lastOfContest = new Map<string, number>();

  constructor(topics: readonly string[], positions: Readonly<Record<string, string>>) {
    for (const topic of topics) this.#positions.set(topic, parsePosition(positions[topic] ?? ''));
  }

  get topics(): readonly string[] {
    return [...this.#positions.keys()];
  }

  has(topic: string): boolean {
    return this.#positions.has(topic);
  }

  /** False where the topic is there already. */
  add(topic: string, position: string | undefined): boolean {
    if (this.#positions.has(topic)) return false;
    this.#positions.set(topic, parsePosition(position ?? ''));
    return true;
  }

  remove(topic: string): boolean {
    return this.#positions.delete(topic);
  }

  /** A connection begins: its `Last-Event-ID`, or null where nothing is known of any topic. */
  begin(): string | null {
    this.#requested = this.topics;
    this.#lastOfContest.clear();
    const parts = this.#requested.map((topic) => {
      const position = this.#positions.get(topic);
      return position ? `${position.epoch}:${position.seq}` : '-';
    });
    return parts.some((part) => part !== '-') ? parts.join(',') : null;
  }

  set(topic: string, position: string): void {
    if (this.#positions.has(topic)) this.#positions.set(topic, parsePosition(position));
  }

  forget(topic: string): void {
    if (this.#positions.has(topic)) this.#positions.set(topic, null);
  }

  /** Notes the positions in an event's id; they never go back within an epoch. */
  note(id: string): void {
    this.#readId(id, (topic, position) => {
      const known = this.#positions.get(topic);
      // A topic that was reset waits for its view: facts before that say nothing of where it is.
      if (known === null || known === undefined) return;
      if (known.epoch === position.epoch && known.seq < position.seq) {
        this.#positions.set(topic, position);
      }
    });
  }

  /**
   * Whether facts are missing before an event: it goes on after position `after`, which is not reached
   * here, or it is of another life of the log.
   */
  isBroken(topic: string, after: unknown, id: string): boolean {
    const known = this.#positions.get(topic);
    if (known === null || known === undefined) return false;
    let isOtherEpoch = false;
    this.#readId(id, (one, position) => {
      if (one === topic && position.epoch !== known.epoch) isOtherEpoch = true;
    });
    return isOtherEpoch || (typeof after === 'number' && after > known.seq);
  }

  /** Those of `facts` that have not been seen, in order; they count as seen from now on. */
  takeNew<Fact extends Placed>(topic: string, facts: readonly Fact[]): readonly Fact[] {
    if (topic === 'me') return this.#takeOwn(facts);
    const known = this.#positions.get(topic);
    const fresh = known ? facts.filter(({ seq }) => seq > known.seq) : facts;
    const last = fresh.at(-1);
    if (known && last !== undefined) {
      this.#positions.set(topic, { epoch: known.epoch, seq: last.seq });
    }
    return fresh;
  }

  #takeOwn<Fact extends Placed>(facts: readonly Fact[]): readonly Fact[] {
    const before = new Map<string, number>();
    const fresh = facts.filter(({ contest = '', seq }) => {
      const last = before.get(contest) ?? this.#lastOfContest.get(contest) ?? 0;
      before.set(contest, last);
      return seq > last;
    });
    for (const { contest = '', seq } of fresh) {
      this.#lastOfContest.delete(contest);
      this.#lastOfContest.set(contest, seq);
    }
    for (const oldest of this.#lastOfContest.keys()) {
      if (this.#lastOfContest.size <= CONTESTS_MAX) break;
      this.#lastOfContest.delete(oldest);
    }
    return fresh;
  }

  #readId(id: string, onPosition: (topic: string, position: Position) => void): void {
    if (id === '') return;
    const parts = id.split(',');
    if (parts.length !== this.#requested.length) return;
    parts.forEach((part, index) => {
      const position = parsePosition(part);
      const topic = this.#requested[index];
      if (position !== null && topic !== undefined) onPosition(topic, position);
    });
  }
}

function parsePosition(text: string): Position | null {
  const match = POSITION.exec(text);
  return match === null ? null : { epoch: Number(match[1]), seq: Number(match[2]) };
}
