// A cache at its limit: writes far more keys than fit, with eviction at every step. See bench/README.md.
import { readInfoNumber, usedMemory } from './lib/info.mjs';
import { parseCount, readOptions } from './lib/options.mjs';
import { cpuMicroseconds, rssBytes } from './lib/process-usage.mjs';
import { parseText, runBenchmark } from './lib/redis-benchmark.mjs';
import { conclude, formatNumber, MIB, markdownTable } from './lib/report.mjs';
import { onEachSide, requirePrograms, splitCommandLine } from './lib/servers.mjs';
import { sleep } from './lib/stats.mjs';

const MAX_OVER_LIMIT_MIB = 1;
const MAX_RSS_RATIO = 1.5;
const MIN_THROUGHPUT_RATIO = 0.7;
const MAX_P999_RATIO = 2;

/** How often used_memory is asked for. */
const SAMPLE_MS = 10;

const options = readOptions('Writes more keys than fit below maxmemory.', {
  keys: { type: 'string', default: '5M', help: 'how many keys are written' },
  limit: { type: 'string', default: '100', help: 'maxmemory in MiB' },
  policy: { type: 'string', default: 'allkeys-lru', help: 'maxmemory-policy' },
  clients: { type: 'string', default: '50', help: 'connections' },
  pipeline: { type: 'string', default: '16', help: 'commands under way on each' },
  size: { type: 'string', default: '16', help: 'bytes of a value' },
});
requirePrograms('redis-benchmark', splitCommandLine(options.redis)[0]);
const limitBytes = Number(options.limit) * MIB;
const args = ['--maxmemory', String(limitBytes), '--maxmemory-policy', options.policy];
const sides = await onEachSide({ respite: options.respite, redis: options.redis }, args, writeKeys);
const { respite, redis } = sides;
const rows = [
  ['writes per second', respite.rps, redis.rps],
  ['p50 ms', respite.p50, redis.p50],
  ['p99.9 ms', respite.p999, redis.p999],
  ['server CPU us per write', respite.cpuMicroseconds, redis.cpuMicroseconds],
  ['used_memory at most, MiB above the limit', respite.overMiB, redis.overMiB],
  ['RSS idle, MiB', respite.idleRssMiB, redis.idleRssMiB],
  ['RSS at most, MiB', respite.rssMiB, redis.rssMiB],
  ['keys that fit', respite.keys, redis.keys],
  ['evicted keys', respite.evicted, redis.evicted],
];
console.log(
  `${options.keys} keys of ${options.size} B values, maxmemory ${options.limit} MiB, ${options.policy}, ` +
    `${options.clients} clients, pipeline ${options.pipeline}\n`,
);
const cells = rows.map(([name, ...values]) => [
  String(name),
  ...values.map((value) => formatNumber(Number(value))),
]);
console.log(markdownTable(['', 'Respite', 'redis'], cells));
const rssBar = MAX_RSS_RATIO * Number(options.limit) + respite.idleRssMiB;
const verdicts = [
  { what: 'used_memory above the limit', value: respite.overMiB, max: MAX_OVER_LIMIT_MIB, unit: 'MiB' },
  { what: 'RSS', value: respite.rssMiB, max: rssBar, unit: 'MiB' },
  { what: 'time per write beside redis', value: redis.rps / respite.rps, max: 1 / MIN_THROUGHPUT_RATIO },
  { what: 'p99.9 beside redis', value: respite.p999 / redis.p999, max: MAX_P999_RATIO },
];
conclude({ title: 'bench:eviction', results: sides, verdicts, options });

/** @param {import('./lib/servers.mjs').RunningServer} server */
async function writeKeys(server) {
  const client = await server.connect();
  const idleRssMiB = rssBytes(server.pid) / MIB;
  const cpu = cpuMicroseconds(server.pid);
  const peaks = { used: 0, rss: 0, done: false };
  const [, output] = await Promise.all([
    sample(server, client, peaks),
    load(server.port).finally(() => (peaks.done = true)),
  ]);
  const count = parseCount(options.keys);
  const evicted = await readInfoNumber(client, 'stats', 'evicted_keys');
  const { rps, p50, p999 } = parseText(output);
  const result = {
    rps,
    p50,
    p999,
    cpuMicroseconds: (cpuMicroseconds(server.pid) - cpu) / count,
    overMiB: (peaks.used - limitBytes) / MIB,
    idleRssMiB,
    rssMiB: peaks.rss / MIB,
    keys: Number(await client.command('DBSIZE')),
    evicted,
  };
  client.close();
  return result;
}

/**
 * Keeps the highest used_memory and RSS seen.
 *
 * @param {import('./lib/servers.mjs').RunningServer} server
 * @param {import('./lib/client.mjs').RawClient} client
 * @param {{ used: number, rss: number, done: boolean }} peaks
 */
async function sample(server, client, peaks) {
  while (!peaks.done) {
    peaks.used = Math.max(peaks.used, await usedMemory(client));
    peaks.rss = Math.max(peaks.rss, rssBytes(server.pid));
    await sleep(SAMPLE_MS);
  }
}

/** SETs of keys drawn from so many that nearly all are distinct. @param {number} port */
function load(port) {
  const { keys, clients, pipeline, size } = options;
  const range = 2_000_000_000;
  const args = ['-n', parseCount(keys), '-c', clients, '-P', pipeline, '-d', size, '-r', range, '-t', 'set'];
  return runBenchmark(port, args);
}
