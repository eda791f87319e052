import { FactHash, hashFact } from './fact-hash.ts';

/** What an event of a stream says, as far as a watcher minds. */
export type EventMeaning =
  | { readonly type: 'view'; readonly id: string; readonly seq: number }
  | {
      readonly type: 'facts';
      readonly id: string;
      /** Entries of its first and last fact. */
      readonly first: number;
      readonly last: number;
      readonly hash: FactHash;
    }
  | { readonly type: 'other'; readonly id: string };

/** Distinct events kept; streams that are at the same place are sent the same bytes. */
const knownMax = 2_000;
const headEnd = Buffer.from('\r\n\r\n');
const eventEnd = Buffer.from('\n\n');
const idLine = Buffer.from('\nid: ');
const eventSizeMax = 1_048_576;

/** Reads event streams. Bytes that were read before are compared, not parsed again. */
export class EventReader {
  readonly #known = new Map<string, { bytes: Buffer; meaning: EventMeaning }>();

  /** Tells each whole event in `all`; returns how many bytes are done. Throws on what is no stream. */
  read(all: Buffer, onEvent: (meaning: EventMeaning) => void): number {
    let done = this.#skipHead(all);
    if (done < 0) return 0;
    for (;;) {
      const end = all.indexOf(eventEnd, done);
      if (end === -1) {
        if (all.length - done > eventSizeMax) throw new Error('an event without end');
        return done;
      }
      const event = all.subarray(done, end);
      done = end + 2;
      // A comment: the heartbeat.
      if (event.length > 0 && event[0] !== colon) onEvent(this.#understand(event));
    }
  }

  /** Where the first event begins, or -1 while the head is not whole. */
  #skipHead(all: Buffer): number {
    if (all[0] !== capitalH) return 0;
    const end = all.indexOf(headEnd);
    if (end === -1) return -1;
    const status = all.toString('latin1', 9, 12);
    if (status !== '200')
      throw new Error(`a stream was refused: ${all.toString('latin1', 0, 400)}`);
    return end + headEnd.length;
  }

  #understand(event: Buffer): EventMeaning {
    const idAt = event.lastIndexOf(idLine);
    const id = idAt === -1 ? '' : event.toString('latin1', idAt + idLine.length);
    if (id === '') return parse(event.toString(), id);
    const name = `${event.length} ${id}`;
    const known = this.#known.get(name);
    if (known?.bytes.equals(event) === true) return known.meaning;
    const meaning = parse(event.toString(), id);
    if (this.#known.size >= knownMax) {
      for (const oldest of this.#known.keys()) {
        this.#known.delete(oldest);
        break;
      }
    }
    this.#known.set(name, { bytes: Buffer.from(event), meaning });
    return meaning;
  }
}

const colon = 0x3a;
const capitalH = 0x48;

function parse(event: string, id: string): EventMeaning {
  const type = /^event: (\w+)$/m.exec(event)?.[1] ?? '';
  const data = /^data: (.*)$/m.exec(event)?.[1] ?? '{}';
  if (type === 'view') {
    const { position } = JSON.parse(data) as { position: string };
    return { type: 'view', id, seq: Number(position.split(':')[1]) };
  }
  if (type !== 'facts') return { type: 'other', id };
  const { facts } = JSON.parse(data) as { facts: { seq: number }[] };
  const hash = new FactHash();
  let last = 0;
  for (const fact of facts) {
    if (fact.seq < last) throw new Error(`entry ${fact.seq} after ${last} in one event`);
    last = fact.seq;
    hash.add(hashFact(JSON.stringify(fact)));
  }
  return { type: 'facts', id, first: facts[0]?.seq ?? 0, last, hash };
}
