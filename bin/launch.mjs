// What both launchers share. Plain JavaScript for Node 20, the oldest that a machine may have;
// everything behind it runs on the Node that the project pins as an npm package.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { constants as os } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const modules = join(root, 'node_modules');
const lockFile = join(root, 'package-lock.json');
/** Beside npm's own record: the hash of the lock file that the folder was installed from. */
const installStamp = join(modules, '.dibs-installed');
/** Oldest Node that can run Dibs where the pinned one does not exist for the platform. */
const oldestMajor = 24;

/** Ends the launcher with one plain sentence; a stack would help nobody here. */
export function fail(message) {
  process.stderr.write(`dibs: ${message}\n`);
  process.exit(1);
}

function say(message) {
  process.stderr.write(`dibs: ${message}\n`);
}

/** Installs the packages when they are missing or of another lock file. Progress on stderr. */
export function ensureInstalled() {
  if (isInstalled()) return;
  say('installing the packages that Dibs needs (once, a few hundred MB)');
  const npm = process.env.npm_execpath;
  const [command, first] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  // Not `npm ci`: that refuses a lock file without every platform's variant of a tool, also of
  // platforms that the registry in use does not carry. --no-save installs what the lock file says
  // and leaves it alone. Development packages come as well, whatever NODE_ENV says: the web app is
  // built from them. Quiet, because Node 20 runs only the launcher and npm warns about the rest.
  const flags = ['install', '--no-save', '--include=dev', '--include=optional'];
  flags.push('--no-audit', '--no-fund', '--loglevel=error');
  const done = spawnSync(command, [...first, ...flags], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (done.error) fail(`npm could not be started: ${done.error.message}`);
  if (done.status !== 0) {
    fail('the installation failed (see above); it needs npm and the way to its registry');
  }
  tryWrite(installStamp, hashFiles([lockFile]));
}

function isInstalled() {
  const npmRecord = join(modules, '.package-lock.json');
  if (!existsSync(npmRecord)) return false;
  if (existsSync(installStamp)) {
    // `npm ci` by hand removes the stamp together with the folder.
    return readFileSync(installStamp, 'utf8') === hashFiles([lockFile]);
  }
  return statSync(npmRecord).mtimeMs >= statSync(lockFile).mtimeMs;
}

/** The pinned Node's binary for this platform, else this process's own where it is new enough. */
export function findNode() {
  const platform = `${process.platform}-${process.arch}`;
  for (const name of [`node-${platform}`, `node-bin-${platform}`]) {
    const binary = join(modules, name, 'bin', 'node');
    // On musl or an old kernel the binary is there but does not run.
    if (existsSync(binary) && spawnSync(binary, ['--version']).status === 0) return binary;
  }
  if (Number(process.versions.node.split('.')[0]) >= oldestMajor) return process.execPath;
  return fail(
    `there is no pinned Node for ${platform}, and Node ${process.versions.node} is too old; ` +
      `install Node ${oldestMajor} or newer`,
  );
}

/** Builds the web app when its sources changed since the last build. */
export function ensureWebBuilt(node) {
  const web = join(root, 'web');
  if (!existsSync(join(web, 'index.html'))) {
    say('there is no web app yet; serving the API alone');
    return;
  }
  const dist = join(web, 'dist');
  const stamp = join(dist, '.sources');
  const sources = hashFiles([
    lockFile,
    ...listFiles(web),
    ...listFiles(join(root, 'sdk', 'src')),
    ...listFiles(join(root, 'rules', 'src')),
  ]);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === sources) return;
  if (!isWritable(web)) {
    say('the web app is not built, and this user may not write into web/; serving the API alone');
    return;
  }
  say('building the web app');
  // Built beside and renamed: a running server never sees a half of it.
  const draft = join(root, '.cache', `web-${process.pid}`);
  mkdirSync(draft, { recursive: true });
  const vite = join(modules, 'vite', 'bin', 'vite.js');
  const flags = ['build', '--outDir', draft, '--emptyOutDir', '--logLevel', 'warn'];
  const done = spawnSync(node, [vite, ...flags], { cwd: web, stdio: ['ignore', 2, 2] });
  if (done.status !== 0) {
    rmSync(draft, { recursive: true, force: true });
    fail('the web app could not be built (see above)');
  }
  writeFileSync(join(draft, '.sources'), sources);
  rmSync(dist, { recursive: true, force: true });
  renameSync(draft, dist);
}

/**
 * Runs a script on the pinned Node and ends as it ends.
 *
 * The script gets a session of its own, so that Ctrl-C reaches it once, through here, and not a
 * second time from the terminal and a third from npm. It holds the other end of a pipe (follow.mjs)
 * and ends when this process is killed in a way that it cannot pass on.
 */
export function run(node, script, args) {
  const follow = pathToFileURL(join(root, 'bin', 'follow.mjs')).href;
  const child = spawn(node, ['--import', follow, join(root, script), ...args], {
    detached: true,
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    env: { ...process.env, DIBS_FOLLOW: '3' },
  });
  const lastSentAt = new Map();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']) {
    process.on(signal, () => {
      // npm passes on what the terminal has sent to everybody already; a person is slower.
      const now = performance.now();
      if (now - (lastSentAt.get(signal) ?? -Infinity) < 300) return;
      lastSentAt.set(signal, now);
      child.kill(signal);
    });
  }
  child.on('error', (error) => fail(`${node} could not be started: ${error.message}`));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + os.signals[signal]));
}

function isWritable(path) {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function tryWrite(path, text) {
  try {
    writeFileSync(path, text);
  } catch {
    // Only a stamp: npm's own record decides then.
  }
}

function listFiles(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !['node_modules', 'dist', 'test'].includes(name))
    .filter(({ name }) => !name.includes('.test.'))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? listFiles(path) : [path];
    })
    .sort();
}

function hashFiles(paths) {
  const hash = createHash('sha256');
  for (const path of paths) hash.update(path.slice(root.length)).update(readFileSync(path));
  return hash.digest('hex');
}
