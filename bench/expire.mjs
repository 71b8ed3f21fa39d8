// Many keys that expire in the same second, never touched again. See bench/README.md.
import { fill } from './lib/client.mjs';
import { parseCount, readOptions } from './lib/options.mjs';
import { pingRows, startProbe } from './lib/probe.mjs';
import { cpuMicroseconds } from './lib/process-usage.mjs';
import { conclude, formatNumber, markdownTable } from './lib/report.mjs';
import { onEachSide, requirePrograms, splitCommandLine } from './lib/servers.mjs';
import { sleep } from './lib/stats.mjs';

const MAX_SECONDS = 2;
const MAX_STALL_MS = 10;

/** How often DBSIZE is asked for: it counts keys without looking at any. */
const POLL_MS = 10;
const GIVE_UP_MS = 60_000;

/** From the last SET to the moment of expiry, so that loading is over before. */
const QUIET_MS = 1000;

const options = readOptions('Lets many keys expire in the same second.', {
  keys: { type: 'string', default: '1M', help: 'how many keys' },
});
requirePrograms(splitCommandLine(options.redis)[0]);
const total = parseCount(options.keys);
const sides = await onEachSide({ respite: options.respite, redis: options.redis }, [], expireAll);
const rows = [
  ['seconds until DBSIZE is 0', sides.respite.seconds, sides.redis.seconds],
  ...pingRows(sides),
  ['server CPU seconds', sides.respite.cpuSeconds, sides.redis.cpuSeconds],
];
console.log(`${total} keys that expire in the same second\n`);
const cells = rows.map(([name, ...values]) => [
  String(name),
  ...values.map((value) => formatNumber(Number(value))),
]);
console.log(markdownTable(['', 'Respite', 'redis'], cells));
const verdicts = [
  { what: 'all gone', value: sides.respite.seconds, max: MAX_SECONDS, unit: 's' },
  { what: 'worst stall', value: sides.respite.worstMs, max: MAX_STALL_MS, unit: 'ms' },
];
conclude({ title: 'bench:expire', results: sides, verdicts, options });

/** @param {import('./lib/servers.mjs').RunningServer} server */
async function expireAll(server) {
  const client = await server.connect();
  const rate = await insertRate(client);
  const expireAt = Date.now() + 2 * (total / rate) * 1000 + QUIET_MS + 1000;
  // Spread over the second that ends at `expireAt`, as in practice; counted from its end.
  await fill(client, total, (i) => ['SET', `session:${i}`, 'x', 'PXAT', Math.floor(expireAt) - (i % 1000)]);
  if (Date.now() > expireAt - 1000) throw new Error('loading took longer than the keys live: use fewer keys');
  await sleep(expireAt - 1000 - Date.now() - QUIET_MS / 2);
  const size = Number(await client.command('DBSIZE'));
  if (size !== total) throw new Error(`${server.name} holds ${size} keys before they expire, not ${total}`);
  const probe = await startProbe(server.port);
  const cpu = cpuMicroseconds(server.pid);
  const seconds = await untilEmpty(client, expireAt);
  const cpuSeconds = (cpuMicroseconds(server.pid) - cpu) / 1e6;
  const probed = await probe.stop();
  client.close();
  return { seconds, ...probed, cpuSeconds };
}

/**
 * Keys per second that this client and server manage, from a small sample.
 *
 * @param {import('./lib/client.mjs').RawClient} client
 */
async function insertRate(client) {
  const sample = 50_000;
  const startedAt = performance.now();
  await fill(client, sample, (i) => ['SET', `session:${i}`, 'x', 'PX', 1_000_000 + i]);
  const seconds = (performance.now() - startedAt) / 1000;
  await client.command('FLUSHALL');
  return sample / seconds;
}

/**
 * @param {import('./lib/client.mjs').RawClient} client
 * @param {number} expireAt
 * @returns {Promise<number>} seconds after `expireAt`
 */
async function untilEmpty(client, expireAt) {
  for (;;) {
    if (Number(await client.command('DBSIZE')) === 0) return Math.max(0, Date.now() - expireAt) / 1000;
    if (Date.now() > expireAt + GIVE_UP_MS) return Number.POSITIVE_INFINITY;
    await sleep(POLL_MS);
  }
}
