// Resident memory of idle connections. See bench/README.md.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { parseCount, readOptions } from './lib/options.mjs';
import { rssBytes } from './lib/process-usage.mjs';
import { conclude, formatNumber, markdownTable } from './lib/report.mjs';
import { requirePrograms, splitCommandLine, startServer } from './lib/servers.mjs';
import { sleep } from './lib/stats.mjs';

const MAX_BYTES_EACH = 8 * 1024;

/** Connections of one client process: within the usual limits of open files. */
const PER_PROCESS = 1000;

const options = readOptions('Measures the memory that idle connections take.', {
  connections: { type: 'string', default: '10k', help: 'how many connections' },
});
requirePrograms(splitCommandLine(options.redis)[0]);
const total = parseCount(options.connections);
// What the server frees or allocates late; a smoke run need not wait for it.
const settleMs = total < PER_PROCESS ? 200 : 1500;
// Protected mode off: redis-server 7.0 takes only 127.0.0.1 itself for a local client.
const limits = ['--maxclients', String(total + 100), '--protected-mode', 'no'];
const bare = 'node bench/lib/bare-server.mjs';

/** @type {[string, string, string[]][]} */
const sides = [
  ['Respite', options.respite, limits],
  ['bare net.Server', bare, []],
  ['redis-server', options.redis, limits],
];
const results = [];
for (const [name, command, args] of sides) results.push({ name, ...(await measure(name, command, args)) });
console.log(`${total} idle connections, bytes of RSS each\n`);
const cells = results.map((row) => [row.name, ...[row.connected, row.afterPing].map(formatNumber)]);
console.log(markdownTable(['', 'connected', 'after one PING each'], cells));
const verdicts = [
  { what: 'idle connection', value: results[0].connected, max: MAX_BYTES_EACH, unit: 'B' },
  { what: 'idle connection after a PING', value: results[0].afterPing, max: MAX_BYTES_EACH, unit: 'B' },
];
conclude({ title: 'bench:connections', results, verdicts, options });

/**
 * @param {string} name
 * @param {string} command
 * @param {string[]} args
 */
async function measure(name, command, args) {
  const server = await startServer({ name, command, args });
  const clients = [];
  try {
    await sleep(settleMs);
    const before = rssBytes(server.pid);
    for (let open = 0; open < total; open += PER_PROCESS) {
      const count = Math.min(PER_PROCESS, total - open);
      clients.push(await openConnections(server.port, count, 2 + open / PER_PROCESS));
    }
    await sleep(settleMs);
    const connected = (rssBytes(server.pid) - before) / total;
    for (const client of clients) await ask(client, 'ping');
    await sleep(settleMs);
    return { connected, afterPing: (rssBytes(server.pid) - before) / total };
  } finally {
    for (const client of clients) client.kill();
    await server.stop();
  }
}

/**
 * A process that holds `count` connections, from a loopback address of its own where that works, so that
 * the number of local ports is no limit.
 *
 * @param {number} port
 * @param {number} count
 * @param {number} lastOctet
 */
async function openConnections(port, count, lastOctet) {
  const localAddress = process.platform === 'linux' ? `127.0.0.${lastOctet}` : '';
  const client = fork(new URL('./lib/idle-clients.mjs', import.meta.url));
  await once(client, 'message');
  await ask(client, { port, count, localAddress });
  return client;
}

/**
 * @param {import('node:child_process').ChildProcess} client
 * @param {import('node:child_process').Serializable} message
 */
async function ask(client, message) {
  client.send(message);
  const [answer] = await once(client, 'message');
  if (answer !== 'done') throw new Error(`idle clients: ${answer}`);
}
