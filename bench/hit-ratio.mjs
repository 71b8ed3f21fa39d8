// How well eviction chooses: replays traces against a cache that is too small for them. See bench/README.md.
import { usedMemory } from './lib/info.mjs';
import { parseCount, readOptions } from './lib/options.mjs';
import { conclude, formatNumber, MIB, markdownTable } from './lib/report.mjs';
import { requirePrograms, splitCommandLine, startServer } from './lib/servers.mjs';
import { sleep } from './lib/stats.mjs';
import { scanPolluted, zipf } from './lib/traces.mjs';

const BATCH = 200;
/** Hit ratios of equal caches may differ by so much, in percentage points, by chance. */
const NOISE_POINTS = 0.5;

const options = readOptions('Replays a Zipf trace and a scan-polluted one as a read-through cache.', {
  requests: { type: 'string', default: '600k', help: 'requests of each trace' },
  keys: { type: 'string', default: '150k', help: 'different keys of the Zipf distribution' },
  size: { type: 'string', default: '100', help: 'bytes of a value' },
  limit: { type: 'string', default: '6', help: 'maxmemory in MiB, above what an empty server uses' },
  policies: {
    type: 'string',
    default: 'allkeys-lru,allkeys-lfu,allkeys-random',
    help: 'maxmemory-policy, several',
  },
  seconds: { type: 'string', default: '12', help: 'time that a trace is spread over: clocks count seconds' },
});
requirePrograms(splitCommandLine(options.redis)[0]);
const keyCount = parseCount(options.keys);
const requests = parseCount(options.requests);
const value = 'v'.repeat(Number(options.size));
const traces = { zipf: zipf(requests, keyCount), 'zipf with scans': scanPolluted(requests, keyCount) };
/** @type {Record<string, { respite: Outcome, sameKeys: Outcome, redis: Outcome }>} */
const results = {};
for (const policy of options.policies.split(',')) {
  for (const [name, trace] of Object.entries(traces)) {
    const redis = await replay('redis', options.redis, policy, trace, Number(options.limit) * MIB);
    const respite = await replay('respite', options.respite, policy, trace, Number(options.limit) * MIB);
    const sameKeys = await replayWithKeys(redis.keys, policy, trace, respite.keys);
    results[`${policy}, ${name}`] = { respite, sameKeys, redis };
  }
}
const rows = Object.entries(results).map(([name, { respite, sameKeys, redis }]) => [
  name,
  ...[respite, sameKeys, redis].map(({ hits }) => `${(hits * 100).toFixed(2)}%`),
  ...[respite, sameKeys, redis].map(({ keys }) => formatNumber(keys)),
]);
console.log(
  `${requests} requests, ${keyCount} keys, ${options.size} B values, ${options.limit} MiB for data\n`,
);
const headings = ['hit ratio', 'Respite', 'as many keys', 'redis', 'keys Respite', 'as many', 'keys redis'];
console.log(markdownTable(headings, rows));
const verdicts = Object.entries(results).flatMap(([name, { respite, sameKeys, redis }]) => [
  {
    what: `${name}: points below redis`,
    value: (redis.hits - respite.hits) * 100,
    max: NOISE_POINTS,
    unit: '',
  },
  {
    what: `${name}: points below redis with as many keys`,
    value: (redis.hits - sameKeys.hits) * 100,
    max: NOISE_POINTS,
    unit: '',
  },
]);
conclude({ title: 'bench:hit-ratio', results, verdicts, options });

/**
 * Respite with room for about as many keys as Redis has: shows what the choice alone is worth.
 *
 * @param {number} wanted
 * @param {string} policy
 * @param {Int32Array} trace
 * @param {number} keysOfAll how many keys the whole limit has room for
 * @returns {Promise<Outcome>}
 */
async function replayWithKeys(wanted, policy, trace, keysOfAll) {
  let bytes = (Number(options.limit) * MIB * wanted) / keysOfAll;
  for (let tries = 0; ; tries++) {
    const outcome = await replay('respite', options.respite, policy, trace, bytes);
    if (Math.abs(outcome.keys / wanted - 1) < 0.01 || tries === 2) return outcome;
    bytes *= wanted / outcome.keys;
  }
}

/** @typedef {{ hits: number, keys: number }} Outcome share of the requests that found their key; keys at the end */

/**
 * GET, and SET where nothing was found. What comes in the first quarter only fills the cache.
 *
 * @param {string} name
 * @param {string} command
 * @param {string} policy
 * @param {Int32Array} trace
 * @param {number} dataBytes
 * @returns {Promise<Outcome>}
 */
async function replay(name, command, policy, trace, dataBytes) {
  const server = await startServer({ name, command });
  try {
    const client = await server.connect();
    const limit = Math.round((await usedMemory(client)) + dataBytes);
    await client.command('CONFIG', 'SET', 'maxmemory-policy', policy, 'maxmemory', limit);
    const warm = trace.length / 4;
    const msPerBatch = (Number(options.seconds) * 1000) / (trace.length / BATCH);
    const begin = performance.now();
    let hits = 0;
    for (let from = 0; from < trace.length; from += BATCH) {
      const batch = [...trace.subarray(from, from + BATCH)];
      const found = await client.pipeline(batch.map((key) => ['GET', `key:${key}`]));
      const missed = batch.filter((_, i) => found[i] === null);
      if (from >= warm) hits += batch.length - missed.length;
      if (missed.length > 0) await client.pipeline(missed.map((key) => ['SET', `key:${key}`, value]));
      const ahead = begin + (from / BATCH) * msPerBatch - performance.now();
      if (ahead > 5) await sleep(ahead);
    }
    const keys = Number(await client.command('DBSIZE'));
    client.close();
    return { hits: hits / (trace.length - warm), keys };
  } finally {
    await server.stop();
  }
}
