import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, test } from 'node:test';
import {
  type Answer,
  type Arrival,
  json,
  PatientClock,
  problem,
  ScriptedServer,
} from '../test/scripted-server.ts';
import {
  type ClientOptions,
  createClient,
  type StateDetail,
  type Stream,
  type StreamFact,
  type StreamOptions,
} from './sdk.ts';

const A = 'drop:0190aaaa-bbbb-7ccc-8ddd-eeeeffff000a';
const B = 'drop:0190aaaa-bbbb-7ccc-8ddd-eeeeffff000b';
const STREAM = 'GET /v1/stream';
const VIEW = { status: 'open', stock: 5, sold: 0, held: 0, left: 5 };

let server: ScriptedServer;
let clock: PatientClock;
let stream: Stream | null = null;

beforeEach(async () => {
  server = await ScriptedServer.start();
  clock = new PatientClock();
});

afterEach(async () => {
  stream?.close();
  await server.close();
});

function event(type: string, data: unknown, id?: string): string {
  return `event: ${type}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;
}

function view(topic: string, position: string, id = position): string {
  return event('view', { topic, view: VIEW, position }, id);
}

function facts(topic: string, seqs: readonly number[], more: { id?: string; after?: number } = {}) {
  const { id = `1:${seqs.at(-1)}`, ...members } = more;
  const list = seqs.map((seq) => ({ seq, at: 1, type: 'claimed', order: seq }));
  return event('facts', { topic, ...members, facts: list }, id);
}

/** Sends these events, then leaves the stream open, or ends it. */
function send(text: string, then: 'stay' | 'end' = 'end'): Answer {
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(text);
    if (then === 'end') response.end();
  };
}

/** All that a stream tells, as short words, and a wait for a word. */
class Notes {
  readonly words: string[] = [];
  readonly details: StateDetail[] = [];
  #waiting: { word: string; resolve: () => void }[] = [];

  readonly listeners: Omit<StreamOptions, 'topics'> = {
    onView: (topic, _, position) => this.#add(`view ${letter(topic)} ${position}`),
    onFacts: (topic, list) => {
      this.#add(`facts ${letter(topic)} ${list.map(({ seq }: StreamFact) => seq).join(' ')}`);
    },
    onReset: (topic) => this.#add(`reset ${letter(topic)}`),
    onState: (state, detail) => {
      this.details.push(detail);
      this.#add(state);
    },
  };

  #add(word: string): void {
    this.words.push(word);
    this.#waiting = this.#waiting.filter(({ word: awaited, resolve }) => {
      if (awaited === word) resolve();
      return awaited !== word;
    });
  }

  async until(word: string): Promise<void> {
    if (this.words.includes(word)) return;
    await new Promise<void>((resolve) => {
      this.#waiting.push({ word, resolve });
    });
  }

  /** What was told but for the states. */
  get told(): string[] {
    return this.words.filter((word) => word.includes(' '));
  }
}

function letter(topic: string): string {
  return topic === 'me' ? 'me' : topic.slice(-1);
}

function open(
  topics: readonly string[],
  more: Partial<StreamOptions> = {},
  options: ClientOptions = {},
): Notes {
  const notes = new Notes();
  const client = createClient({ baseUrl: server.baseUrl, clock, random: () => 0.5, ...options });
  stream = client.stream({ topics, ...notes.listeners, ...more });
  return notes;
}

function lastEventIds(): (string | undefined)[] {
  return server.of(STREAM).map(({ headers }) => headers['last-event-id'] as string | undefined);
}

test('a stream begins with a view, goes on with facts, and resumes where it was', async () => {
  server.inTurn(STREAM, [
    send(view(A, '1:3') + facts(A, [4, 4]) + facts(A, [7])),
    send(facts(A, [8]) + facts(A, [9]), 'stay'),
  ]);
  const notes = open([A]);
  await notes.until('facts a 9');
  assert.deepEqual(notes.told, [
    'view a 1:3',
    'facts a 4 4',
    'facts a 7',
    'facts a 8',
    'facts a 9',
  ]);
  assert.deepEqual(
    notes.words.filter((word) => !word.includes(' ')),
    ['connecting', 'open', 'lost', 'connecting', 'open'],
  );
  assert.deepEqual(lastEventIds(), [undefined, '1:7']);
  assert.deepEqual(server.arrivals[0]?.url.searchParams.getAll('topic'), [A]);
});

test('each fact is told once, also when it is sent again', async () => {
  server.inTurn(STREAM, [
    send(view(A, '1:3') + facts(A, [4, 5, 5])),
    send(facts(A, [4, 5, 5]) + facts(A, [5, 6, 6, 7]) + facts(A, [6]) + facts(A, [8]), 'stay'),
  ]);
  const notes = open([A]);
  await notes.until('facts a 8');
  assert.deepEqual(notes.told, ['view a 1:3', 'facts a 4 5 5', 'facts a 6 6 7', 'facts a 8']);
});

test('a stream goes on from what was fetched', async () => {
  server.on(STREAM, send(facts(A, [12], { id: '1:12,-' }), 'stay'));
  const notes = open([A, B], { positions: { [A]: '1:11' } });
  await notes.until('facts a 12');
  assert.deepEqual(lastEventIds(), ['1:11,-']);
});

test('ids place every topic, in the order asked for', async () => {
  server.inTurn(STREAM, [
    send(
      view(A, '1:1', '1:1,-,-') +
        view(B, '1:50', '1:1,-,1:50') +
        facts(A, [2], { id: '1:2,-,1:60' }),
    ),
    send('', 'stay'),
  ]);
  const notes = open([A, 'me', B]);
  await notes.until('lost');
  while (server.of(STREAM).length < 2) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(lastEventIds(), [undefined, '1:2,-,1:60']);
});

test('own facts are held apart by contest, and begin anew with each connection', async () => {
  const own = (list: [string, number][]) =>
    event('facts', { topic: 'me', facts: list.map(([contest, seq]) => ({ contest, seq, at: 1 })) });
  const reset = event('reset', { topic: 'me' });
  server.inTurn(STREAM, [
    send(
      reset +
        own([['x', 5]]) +
        own([['x', 5]]) +
        own([
          ['y', 2],
          ['x', 6],
          ['x', 6],
        ]),
    ),
    send(reset + own([['x', 6]]), 'stay'),
  ]);
  const notes = open(['me']);
  await notes.until('facts me 6');
  assert.deepEqual(notes.told, [
    'reset me',
    'facts me 5',
    'facts me 2 6 6',
    'reset me',
    'facts me 6',
  ]);
});

test('a reset makes the topic begin with a view, and its position is forgotten', async () => {
  server.inTurn(STREAM, [
    send(view(A, '1:3') + facts(A, [4]) + event('reset', { topic: A })),
    send(view(A, '2:1') + facts(A, [2], { id: '2:2' })),
    send('', 'stay'),
  ]);
  const notes = open([A]);
  while (server.of(STREAM).length < 3) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(notes.told, ['view a 1:3', 'facts a 4', 'reset a', 'view a 2:1', 'facts a 2']);
  assert.deepEqual(lastEventIds(), [undefined, undefined, '2:2']);
});

test('facts that are missing, or of another life of the log, are a reset and a new beginning', async () => {
  server.inTurn(STREAM, [
    send(view(A, '1:3') + facts(A, [4], { after: 3 }) + facts(A, [9], { after: 8 }), 'stay'),
    send(view(A, '1:9') + facts(A, [10], { id: '2:10' }), 'stay'),
    send(view(A, '2:10'), 'stay'),
  ]);
  const notes = open([A]);
  await notes.until('view a 2:10');
  assert.deepEqual(notes.told, [
    'view a 1:3',
    'facts a 4',
    'reset a',
    'view a 1:9',
    'reset a',
    'view a 2:10',
  ]);
  assert.deepEqual(lastEventIds(), [undefined, undefined, undefined]);
});

test('a draining server is left for as long as it asks, and retry sets the first pause', async () => {
  server.inTurn(STREAM, [
    send(`retry: 400\n\n${view(A, '1:3')}${event('reconnect', { afterMs: 700 })}`, 'stay'),
    send(facts(A, [4])),
    send('', 'stay'),
  ]);
  open([A]);
  while (server.of(STREAM).length < 3) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(clock.pauses, [750, 200]);
});

test('pauses grow while nothing comes, and are short again after something did', async () => {
  server.inTurn(STREAM, [
    problem(503, { code: 'draining' }),
    problem(500, { code: 'internal' }),
    problem(429, { code: 'rate_limited', retryAfterMs: 3_000 }),
    json(200, {}),
    send(view(A, '1:1')),
    send('', 'stay'),
  ]);
  const notes = open([A]);
  while (server.of(STREAM).length < 6) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(clock.pauses, [500, 1_000, 3_000 + 2_000, 4_000, 500]);
  assert.equal(notes.details.filter(({ retryAfterMs }) => retryAfterMs === 500).length, 2);
});

test('what waiting cannot mend closes the stream', async () => {
  server.on(STREAM, problem(404, { code: 'not_found' }));
  const notes = open([A]);
  await notes.until('closed');
  const { error } = notes.details.at(-1) ?? {};
  assert.equal(error?.name, 'DibsProblem');
  assert.equal(stream?.state, 'closed');
  assert.equal(server.of(STREAM).length, 1);
});

test('an expired token is made fresh before the stream is', async () => {
  server.on(STREAM, (response: ServerResponse, arrival: Arrival) => {
    const isFresh = arrival.headers['authorization'] === 'Bearer new';
    const answer = isFresh
      ? send(event('reset', { topic: 'me' }), 'stay')
      : problem(401, { code: 'token_expired' });
    return answer(response, arrival);
  });
  server.on('POST /v1/sessions/refresh', json(200, { accessToken: 'new', refreshToken: 'r2' }));
  const notes = open(['me'], {}, { accessToken: 'old', refreshToken: 'r1' });
  await notes.until('reset me');
  assert.equal(notes.words.includes('lost'), false);
});

test('topics come and go over one stream, which goes on where it was', async () => {
  server.inTurn(STREAM, [
    send(view(A, '1:3') + facts(A, [4]), 'stay'),
    send(view(B, '1:8', '1:4,1:8'), 'stay'),
    send(facts(B, [9], { id: '1:9' }), 'stay'),
  ]);
  const notes = open([A]);
  await notes.until('facts a 4');
  stream?.addTopic(B);
  stream?.addTopic(B);
  await notes.until('view b 1:8');
  stream?.removeTopic(A);
  await notes.until('facts b 9');
  assert.deepEqual(lastEventIds(), [undefined, '1:4,-', '1:8']);
  assert.equal(notes.words.includes('lost'), false);
});

test('a closed stream tells nothing more, and lets go of its connection', async () => {
  const gone = Promise.withResolvers<void>();
  let later: ServerResponse | undefined;
  server.on(STREAM, (response) => {
    later = response;
    response.on('close', () => gone.resolve());
    return send(view(A, '1:3'), 'stay')(response, server.arrivals[0] as Arrival);
  });
  const notes = open([A]);
  await notes.until('view a 1:3');
  stream?.close();
  later?.write(facts(A, [4]));
  await gone.promise;
  assert.deepEqual(notes.words, ['connecting', 'open', 'view a 1:3', 'closed']);
});

test('events that make no sense break the connection, not the page', async () => {
  server.inTurn(STREAM, [
    send('event: facts\ndata: {nonsense\n\n', 'stay'),
    send('event: facts\ndata: 5\n\n', 'stay'),
    send(event('facts', { topic: 'drop:other', facts: [] }) + view(A, '1:3'), 'stay'),
  ]);
  const notes = open([A]);
  await notes.until('view a 1:3');
  assert.deepEqual(notes.told, ['view a 1:3']);
});

/** A clock that goes only when told to. */
class ManualClock {
  #nowMs = 0;
  #sleepers: { at: number; resolve: () => void }[] = [];

  now(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#sleepers.push({ at: this.#nowMs + ms, resolve });
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  }

  async advance(ms: number): Promise<void> {
    this.#nowMs += ms;
    const due = this.#sleepers.filter(({ at }) => at <= this.#nowMs);
    this.#sleepers = this.#sleepers.filter(({ at }) => at > this.#nowMs);
    for (const { resolve } of due) resolve();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('a stream that is silent for 45 s is made anew; heartbeats keep it', async () => {
  const manual = new ManualClock();
  let response: ServerResponse | undefined;
  server.inTurn(STREAM, [
    (answer, arrival) => {
      response = answer;
      return send(view(A, '1:3'), 'stay')(answer, arrival);
    },
    send(facts(A, [4]), 'stay'),
  ]);
  const notes = open([A], {}, { clock: manual });
  await notes.until('view a 1:3');
  await manual.advance(40_000);
  // A comment is seen by nothing but the watch, so a fact of no topic here shows that it arrived.
  response?.write(`:\n\n${event('reset', { topic: A })}`);
  await notes.until('reset a');
  await manual.advance(44_000);
  assert.equal(stream?.state, 'open');
  await manual.advance(1_000);
  await notes.until('lost');
  assert.equal(notes.details.at(-1)?.error?.name, 'ConnectionLost');
  await manual.advance(1_000);
  await notes.until('facts a 4');
});
