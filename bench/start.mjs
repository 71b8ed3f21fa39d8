// Time from starting the process to the first PONG, beyond what Node itself takes. See bench/README.md.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { readOptions } from './lib/options.mjs';
import { conclude, formatNumber, markdownTable } from './lib/report.mjs';
import { freePort, splitCommandLine } from './lib/servers.mjs';
import { median, sleep } from './lib/stats.mjs';

const MAX_EXTRA_MS = 150;

const options = readOptions('Measures how long Respite takes to answer its first PING.', {
  rounds: { type: 'string', default: '10', help: 'starts; the median is reported' },
});
/** @type {{ respite: number[], redis: number[], node: number[] }} */
const times = { respite: [], redis: [], node: [] };
for (let round = 0; round < Number(options.rounds); round++) {
  times.respite.push(await timeToFirstPong(options.respite));
  times.redis.push(await timeToFirstPong(options.redis));
  times.node.push(await timeOfNodeItself());
}
const [respite, redis, node] = [median(times.respite), median(times.redis), median(times.node)];
const rows = [
  ['Respite, first PONG', formatNumber(respite)],
  ['node -e 0', formatNumber(node)],
  ['difference', formatNumber(respite - node)],
  ['redis-server, first PONG', formatNumber(redis)],
];
console.log(markdownTable(['', 'ms'], rows));
const verdicts = [
  { what: 'first PONG after node -e 0', value: respite - node, max: MAX_EXTRA_MS, unit: 'ms' },
];
conclude({ title: 'bench:start', results: times, verdicts, options });

/** @param {string} command */
async function timeToFirstPong(command) {
  const port = await freePort();
  const [program, ...words] = splitCommandLine(command);
  const args = [...words, '--port', String(port), '--save', '', '--bind', '127.0.0.1'];
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  const startedAt = performance.now();
  const child = spawn(program === 'node' ? process.execPath : program, args, { cwd, stdio: 'ignore' });
  const exited = once(child, 'exit');
  while (!(await answersPing(port))) {
    if (child.exitCode !== null) throw new Error(`${command} ended with status ${child.exitCode}`);
    await sleep(1);
  }
  const elapsed = performance.now() - startedAt;
  child.kill('SIGKILL');
  await exited;
  return elapsed;
}

/**
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function answersPing(port) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write('PING\r\n'));
    socket.once('error', () => resolve(false));
    socket.once('data', () => {
      resolve(true);
      socket.destroy();
    });
  });
}

async function timeOfNodeItself() {
  const startedAt = performance.now();
  await once(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }), 'exit');
  return performance.now() - startedAt;
}
