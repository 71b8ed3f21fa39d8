import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RawClient } from './client.mjs';

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
const START_TIMEOUT_MS = 20_000;

/** The two sides of every comparison: how each is started when no option says otherwise. */
export const DEFAULT_COMMANDS = { respite: 'node dist/main.cjs', redis: 'redis-server' };

/**
 * @typedef {object} RunningServer
 * @property {string} name
 * @property {number} port
 * @property {number} pid
 * @property {() => Promise<RawClient>} connect
 * @property {() => string} output what the server has printed so far (its last 64 KB)
 * @property {() => boolean} alive
 * @property {() => Promise<void>} stop
 */

/**
 * Starts a server on a port of its own and waits until it logs that it is ready.
 *
 * @param {{ name: string, command: string, args?: string[], ready?: RegExp, port?: number }} options
 * @returns {Promise<RunningServer>}
 */
export async function startServer({ name, command, args = [], ready = /Ready to accept/, port }) {
  const chosenPort = port ?? (await freePort());
  const [program, ...words] = splitCommandLine(command);
  if (program === 'node' && words[0] === 'dist/main.cjs' && !existsSync(resolve(REPOSITORY, words[0]))) {
    throw new Error('dist/main.cjs is missing: run `npm run build` first');
  }
  const standard = ['--port', String(chosenPort), '--save', '', '--bind', '127.0.0.1'];
  const child = spawn(program === 'node' ? process.execPath : program, [...words, ...standard, ...args], {
    cwd: REPOSITORY,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = new Promise((settle) => child.once('close', settle));
  let output = '';
  await new Promise((settle, reject) => {
    const timer = setTimeout(() => fail('did not get ready in time'), START_TIMEOUT_MS);
    /** @param {string} what */
    const fail = (what) => {
      child.kill('SIGKILL');
      reject(new Error(`${name} (${command}) ${what}\n${output}`));
    };
    /** @param {Buffer} chunk */
    const collect = (chunk) => {
      output = (output + chunk.toString('latin1')).slice(-65_536);
      if (!ready.test(output)) return;
      clearTimeout(timer);
      settle(undefined);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.once('error', (error) => fail(error.message));
    child.once('exit', (code, signal) => fail(`ended with ${signal ?? `status ${code}`}`));
  });
  const isAlive = () => child.exitCode === null && child.signalCode === null;
  const killWithParent = () => child.kill('SIGKILL');
  process.once('exit', killWithParent);
  return {
    name,
    port: chosenPort,
    pid: Number(child.pid),
    connect: () => RawClient.connect({ port: chosenPort }),
    output: () => output,
    alive: isAlive,
    async stop() {
      process.off('exit', killWithParent);
      if (isAlive()) child.kill('SIGTERM');
      const killer = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await exited;
      clearTimeout(killer);
    },
  };
}

/**
 * Runs `measure` against each side in turn, so that only one server has memory and CPU at a time.
 *
 * @template Result
 * @param {{ respite: string, redis: string }} commands
 * @param {string[]} args
 * @param {(server: RunningServer) => Promise<Result>} measure
 * @returns {Promise<{ respite: Result, redis: Result }>}
 */
export async function onEachSide(commands, args, measure) {
  /** @param {'respite' | 'redis'} name */
  const run = async (name) => {
    const server = await startServer({ name, command: commands[name], args });
    try {
      return await measure(server);
    } finally {
      await server.stop();
    }
  };
  return { respite: await run('respite'), redis: await run('redis') };
}

/** @returns {Promise<number>} a port that is free now */
export function freePort() {
  return new Promise((settle, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      probe.close(() => settle(port));
    });
  });
}

/**
 * Splits a command line at blanks; single and double quotes group, nothing else is special.
 *
 * @param {string} line
 * @returns {string[]}
 */
export function splitCommandLine(line) {
  const words = [];
  for (const [, single, double, bare] of line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)) {
    words.push(single ?? double ?? bare);
  }
  return words;
}

/** @param {string} program */
export function isInstalled(program) {
  return !spawnSync(program, ['--version'], { stdio: 'ignore' }).error;
}

/**
 * Ends this script with status 2 and a sentence when a program that the comparison needs is missing.
 *
 * @param {...string} programs
 */
export function requirePrograms(...programs) {
  const missing = programs.filter((program) => !isInstalled(program));
  if (missing.length === 0) return;
  console.error(`Not installed: ${missing.join(', ')} (Debian: apt-get install redis-server redis-tools)`);
  process.exit(2);
}
