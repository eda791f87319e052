import { spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Organiser } from '../server/src/rehearsal/organiser.ts';
import { makeTokens } from './references/front.ts';
import { ServerProcess } from './server-process.ts';

export const CONTENDERS = ['Dibs', 'R1', 'R2', 'R3', 'R4'] as const;
export type ContenderName = (typeof CONTENDERS)[number];

/** A server that is measured: Dibs or a reference. */
export interface Contender {
  readonly name: ContenderName;
  readonly url: string;
  /** The process whose tree is measured. */
  readonly pid: number;
  /** Access tokens of as many people as were asked for. */
  readonly tokens: readonly string[];
  /** Makes a drop that is open; returns its id. */
  createDrop(stock: number): Promise<string>;
  /** Does now what the server put off until after the storm; nothing for servers that put nothing off. */
  catchUp(): Promise<void>;
  /** What is recorded of a drop; throws where its own books do not agree. */
  count(drop: string): Promise<{ units: number; claims: number }>;
  close(): Promise<void>;
}

export async function openContender(name: ContenderName, people: number): Promise<Contender> {
  return name === 'Dibs' ? openDibs(people) : openReference(name, people);
}

async function openDibs(people: number): Promise<Contender> {
  const server = await ServerProcess.start();
  try {
    const organiser = new Organiser(server.url);
    await organiser.signIn({ token: await server.makeAdmin() });
    const actors = await organiser.mintPeople(people);
    return {
      name: 'Dibs',
      url: server.url,
      pid: server.pid,
      tokens: actors.map(({ accessToken }) => accessToken),
      createDrop: (stock) => createOpenDrop(organiser, stock),
      catchUp: () => askForRows(server.url, actors[0]?.accessToken ?? ''),
      count: (drop) => countDibs(organiser, drop),
      close: () => server.remove(),
    };
  } catch (error) {
    await server.remove();
    throw error;
  }
}

/** Whoever lists their orders waits for the rows, which are written then. */
async function askForRows(url: string, token: string): Promise<void> {
  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch(`${url}/v1/orders?limit=1`, { headers });
  if (!answer.ok) throw new Error(`GET /v1/orders answered ${answer.status}`);
  await answer.arrayBuffer();
}

async function createOpenDrop(organiser: Organiser, stock: number): Promise<string> {
  const { epochMs } = await organiser.readClock();
  const { id } = await organiser.createDrop({
    title: 'Bench',
    stock,
    price: { amount: 1_000, currency: 'EUR' },
    opensAt: new Date(epochMs - 1_000).toISOString(),
    limitPerPerson: 1,
    payWithinSeconds: 86_400,
  });
  return id;
}

async function countDibs(
  organiser: Organiser,
  drop: string,
): Promise<{ units: number; claims: number }> {
  const audit = await organiser.audit(drop);
  if (!audit.ok) throw new Error(`the audit: ${JSON.stringify(audit).slice(0, 400)}`);
  const { sold, held } = await organiser.readDrop(drop);
  // One unit a claim: what the rows and the log hold are claims as well.
  return { units: sold + held, claims: audit.log.sold + audit.log.held };
}

async function openReference(
  name: Exclude<ContenderName, 'Dibs'>,
  people: number,
): Promise<Contender> {
  const secret = randomBytes(32);
  const file = fileURLToPath(new URL('references/serve.ts', import.meta.url));
  const child = spawn(process.execPath, [file, name], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    env: { ...process.env, BENCH_SECRET: secret.toString('hex') },
  });
  const [line] = await Promise.race([
    once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), 'line'),
    once(child, 'exit').then(() => Promise.reject(new Error(`${name} did not start`))),
  ]);
  const url = String(line).replace('listening on ', '');
  const tokens = makeTokens(secret);
  const call = async (method: string, path: string, body?: object): Promise<unknown> => {
    const text = body === undefined ? null : JSON.stringify(body);
    const answer = await fetch(url + path, { method, body: text });
    if (!answer.ok) throw new Error(`${name} ${path}: ${answer.status}`);
    return answer.json();
  };
  return {
    name,
    url,
    pid: child.pid ?? 0,
    tokens: Array.from({ length: people }, () => issueToken(tokens)),
    async createDrop(stock) {
      const drop = randomUUID();
      await call('POST', '/control/drops', { drop, stock });
      return drop;
    },
    catchUp: async () => {},
    count: (drop) =>
      call('GET', `/control/drops/${drop}`) as Promise<{ units: number; claims: number }>,
    async close() {
      if (child.exitCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** A token such as Dibs gives to throw-away people, of the same length. */
function issueToken(tokens: ReturnType<typeof makeTokens>): string {
  const claims = {
    personId: randomUUID(),
    sessionId: randomUUID(),
    name: 'Crowd abcd-10000',
    roles: ['member'] as const,
    isSynthetic: true,
    version: 1,
  };
  return tokens.issue(claims, 3_600_000).token;
}
