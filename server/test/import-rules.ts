/**
 * Who may import whom: DESIGN in one table. A folder that is not listed may import nothing of the
 * project, so that a new one has to say here what it builds on.
 *
 * `from` is the beginning of a path; the longest one that fits decides. `may` are beginnings of
 * paths; a folder may always import itself. `packages` are the npm packages it may use; Node's own
 * modules are free to the server, the tools and the tests, and to nobody else.
 */
export interface ImportRule {
  from: string;
  may: string[];
  packages: string[];
  hasNode?: boolean;
}

const contests = ['rules/src/contests/contest.ts', 'rules/src/contests/contests.ts'];
const kernel = 'rules/src/kernel/';
const proof = 'rules/src/proof/';
const wire = 'sdk/src/wire/wire.ts';
const database = 'server/src/db/pool.ts';
const log = 'server/src/log/log.ts';
const clock = 'server/src/arena/clock.ts';
const store = 'server/src/journal/store.ts';
const history = 'server/src/journal/order-history.ts';
/** What the arena shows to whoever builds on it. */
const arena = ['arena', 'clock', 'faults', 'keys', 'pseudonyms'].map(
  (name) => `server/src/arena/${name}.ts`,
);
/** What the domain folders show to each other and to http: the file bearing their name, or nouns. */
const people = 'server/src/people/people.ts';
const catalogue = ['cursor', 'drops', 'orders', 'orders-live'].map(
  (name) => `server/src/catalogue/${name}.ts`,
);
const payments = ['server/src/payments/payments.ts', 'server/src/payments/provider.ts'];
const drop = 'rules/src/contests/drop/';

const server = (folder: string, may: string[], packages: string[] = []): ImportRule => ({
  from: `server/src/${folder}`,
  may,
  packages,
  hasNode: true,
});

export const importRules: ImportRule[] = [
  // The rules: pure. A contest knows the kernel and never another contest.
  { from: 'rules/src/kernel/', may: [], packages: ['@noble/hashes'] },
  { from: 'rules/src/contests/', may: [kernel], packages: [] },
  { from: 'rules/src/contests/contest.ts', may: [kernel], packages: [] },
  { from: 'rules/src/contests/contests.ts', may: [kernel, 'rules/src/contests/'], packages: [] },
  { from: drop, may: [kernel, 'rules/src/contests/contest.ts'], packages: [] },
  { from: proof, may: [kernel, 'rules/src/contests/'], packages: ['@noble/hashes'] },

  // The SDK: the rules and nothing else; schemas need typebox.
  { from: 'sdk/src/', may: ['rules/src/'], packages: [] },
  { from: 'sdk/src/wire/', may: ['rules/src/'], packages: ['typebox'] },

  // The server, from the bottom up.
  server('db/', [], ['pg']),
  server('log/', [kernel, 'rules/src/proof/chain.ts', database], ['pg']),
  server('arena/', [...contests, kernel, proof, log]),
  server('journal/', [
    'rules/src/',
    'server/src/arena/',
    'server/src/log/',
    database,
    'server/src/db/listen.ts',
    'server/src/db/database-faults.ts',
  ]),
  server('people/', [wire, database, history]),
  server('catalogue/', [
    'rules/src/',
    wire,
    ...arena,
    database,
    store,
    history,
    'server/src/journal/projector.ts',
    'server/src/journal/projections.ts',
  ]),
  server(
    'payments/',
    [kernel, proof, wire, ...arena, database, store, people, ...catalogue],
    ['pg', 'stripe'],
  ),
  server('rehearsal/', ['rules/src/', 'sdk/src/', 'server/src/arena/keys.ts'], ['commander']),
  server('demo/', [wire, clock, people, ...catalogue, 'server/src/rehearsal/crowd.ts'], ['pino']),
  server(
    'ops/',
    [
      'rules/src/',
      wire,
      'sdk/src/verify.ts',
      ...arena,
      database,
      log,
      store,
      'server/src/journal/projector.ts',
      'server/src/journal/projections.ts',
    ],
    ['prom-client'],
  ),
  server(
    'http/',
    [
      ...contests,
      kernel,
      'rules/src/proof/fold.ts',
      wire,
      ...arena,
      log,
      people,
      ...catalogue,
      ...payments,
      'server/src/db/database-faults.ts',
      'server/src/demo/demo.ts',
      'server/src/journal/fan-out/fan-out.ts',
      'server/src/journal/public-log.ts',
      'server/src/ops/',
    ],
    ['fastify', '@fastify', 'typebox', 'rate-limiter-flexible', 'pino'],
  ),

  // What puts it together: nobody imports these.
  server('config.ts', []),
  server('storage.ts', ['server/src/']),
  server('parts.ts', ['server/src/'], ['pino']),
  server('main.ts', ['server/src/'], ['pino']),
  server('cli.ts', ['server/src/'], ['commander']),

  // The web app speaks to the server through the SDK alone.
  { from: 'web/src/', may: ['sdk/src/'], packages: ['*'] },
  { from: 'web/vite.config.ts', may: [], packages: ['*'], hasNode: true },

  // Around it.
  { from: 'server/test/', may: ['rules/', 'sdk/', 'server/'], packages: ['*'], hasNode: true },
  { from: 'tools/', may: ['rules/', 'sdk/', 'server/'], packages: ['*'], hasNode: true },
  { from: 'bench/', may: ['rules/', 'sdk/', 'server/'], packages: ['*'], hasNode: true },
  { from: 'bin/', may: [], packages: [], hasNode: true },
];

/** Files that only the composition root's own files may import. */
export const importedByNobody = [
  'server/src/http/',
  'server/src/main.ts',
  'server/src/config.ts',
  'server/src/parts.ts',
  'server/src/storage.ts',
  'server/src/cli.ts',
];
export const compositionRoot = importedByNobody.filter((path) => path.endsWith('.ts'));
