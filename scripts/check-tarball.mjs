// Installs what `npm pack` makes into an empty folder and uses it there, as a user would.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../bench/lib/servers.mjs';
import { sleep } from '../bench/lib/stats.mjs';

const START_TIMEOUT_MS = 20_000;
const IS_WINDOWS = process.platform === 'win32';
const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));

/** What the package must hold, and what must stay out of it. */
const REQUIRED = [
  'dist/main.cjs',
  'dist/index.js',
  'dist/index.d.ts',
  'LICENSE',
  'README.md',
  'CHANGELOG.md',
];
const FORBIDDEN = /^(src|test|bench|scripts|node_modules|\.)|\.(log|tgz|rdb|unfinished)$|\.cache/;

const folder = mkdtempSync(join(tmpdir(), 'respite-package-'));
try {
  const tarball = pack();
  install(tarball);
  await useCommand();
  useLibrary();
  console.log('the packed package installs and runs');
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** @returns {string} */
function pack() {
  const [{ filename, files, size }] = JSON.parse(
    npm(['pack', '--json', '--ignore-scripts', '--pack-destination', folder], REPOSITORY),
  );
  const paths = files.map((/** @type {{ path: string }} */ file) => file.path);
  const missing = REQUIRED.filter((path) => !paths.includes(path));
  if (missing.length > 0) throw new Error(`the package lacks ${missing.join(', ')}`);
  const stray = paths.filter((/** @type {string} */ path) => FORBIDDEN.test(path));
  if (stray.length > 0) throw new Error(`the package holds ${stray.join(', ')}`);
  console.log(`${filename}: ${paths.length} files, ${Math.round(size / 1024)} KB`);
  return join(folder, filename);
}

/** @param {string} tarball */
function install(tarball) {
  writeFileSync(join(folder, 'package.json'), '{ "name": "user", "private": true, "type": "module" }\n');
  npm(['install', '--prefer-offline', '--no-audit', '--no-fund', '--omit=dev', tarball], folder);
}

async function useCommand() {
  const port = await freePort();
  // A process group of its own, because npx starts the server as a grandchild.
  const server = spawn('npx', ['respite', '--port', String(port)], {
    cwd: folder,
    detached: !IS_WINDOWS,
    shell: IS_WINDOWS,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  try {
    await until('answer PING', server, async () => (await ask(port, 'PING')) === '+PONG');
    // Of files of their own: the interpreter and the thread that writes snapshots.
    await until('run a script', server, async () => (await ask(port, 'EVAL "return 7" 0')) === ':7');
    await ask(port, 'BGSAVE');
    await until('save in the background', server, async () => existsSync(join(folder, 'dump.rdb')));
    console.log(`npx respite --port ${port} answers, runs a script and saves`);
  } finally {
    if (IS_WINDOWS) execFileSync('taskkill', ['/pid', String(server.pid), '/t', '/f']);
    else process.kill(-Number(server.pid), 'SIGTERM');
  }
}

/**
 * @param {string} action what the server is to do, for the error message
 * @param {import('node:child_process').ChildProcess} server
 * @param {() => Promise<boolean>} isDone
 */
async function until(action, server, isDone) {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await isDone())) {
    if (Date.now() > deadline) throw new Error(`\`npx respite\` did not ${action} in time`);
    if (server.exitCode !== null) throw new Error(`\`npx respite\` ended with status ${server.exitCode}`);
    await sleep(50);
  }
}

function useLibrary() {
  const program = `
    import { Respite } from 'respite';
    const server = await Respite.start({});
    await server.close();
    console.log('import { Respite } starts and closes a server');
  `;
  execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: folder,
    stdio: 'inherit',
    timeout: START_TIMEOUT_MS,
  });
}

/**
 * @param {string[]} args
 * @param {string} cwd
 * @returns {string}
 */
function npm(args, cwd) {
  return execFileSync('npm', args, {
    cwd,
    encoding: 'utf8',
    shell: IS_WINDOWS,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/**
 * @param {number} port
 * @param {string} command inline
 * @returns {Promise<string | undefined>} first line of the reply, none where nothing listens
 */
function ask(port, command) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(`${command}\r\n`));
    socket.setTimeout(START_TIMEOUT_MS, () => socket.destroy());
    socket.once('error', () => resolve(undefined));
    socket.once('close', () => resolve(undefined));
    socket.once('data', (answer) => {
      resolve(answer.toString('latin1').split('\r\n')[0]);
      socket.destroy();
    });
  });
}
