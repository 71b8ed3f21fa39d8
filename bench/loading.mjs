// Starting with a data set: how long an RDB file takes to load. See bench/README.md.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fill } from './lib/client.mjs';
import { parseCount, readOptions } from './lib/options.mjs';
import { conclude, formatNumber, MIB, markdownTable } from './lib/report.mjs';
import { requirePrograms, splitCommandLine, startServer } from './lib/servers.mjs';
import { median } from './lib/stats.mjs';

const MAX_RATIO = 1.3;

const options = readOptions('Loads an RDB file of redis-server on both sides.', {
  keys: { type: 'string', default: '2M', help: 'how many keys' },
  rounds: { type: 'string', default: '3', help: 'loads by each side; the median is reported' },
});
requirePrograms(splitCommandLine(options.redis)[0]);
const total = parseCount(options.keys);

const random = () => Math.random().toString(36).slice(2, 12).padEnd(10, 'x');
const ten = Array.from({ length: 10 }, (_, i) => i);

/** @type {Record<string, (key: string, i: number) => import('./lib/client.mjs').Command>} */
const SHAPES = {
  string: (key) => ['SET', key, random() + random()],
  expiring: (key) => ['SET', key, random(), 'EX', 100_000],
  hash: (key) => ['HSET', key, ...ten.slice(5).flatMap((i) => [`field:${i}`, random()])],
  set: (key, i) => ['SADD', key, ...ten.map((n) => i + n * n * 1000)],
  list: (key) => ['RPUSH', key, ...ten.map(random)],
  zset: (key) => ['ZADD', key, ...ten.flatMap((i) => [i * 100 + 0.5, random()])],
};

/** What the keys of a file are, one after the other. */
const FILES = {
  strings: ['string'],
  mixed: ['string', 'string', 'expiring', 'string', 'string', 'string', 'hash', 'set', 'list', 'zset'],
};

const folder = mkdtempSync(join(tmpdir(), 'respite-bench-loading-'));
/** @type {Record<string, { respite: number, redis: number, ratio: number }>} */
const results = {};
try {
  for (const [name, shapes] of Object.entries(FILES)) results[name] = await measure(name, shapes);
} finally {
  rmSync(folder, { recursive: true });
}
const rows = Object.entries(results).map(([name, { respite, redis, ratio }]) => [
  name,
  formatNumber(respite),
  formatNumber(redis),
  formatNumber(ratio),
]);
console.log(`\n${total} keys, seconds to load them\n`);
console.log(markdownTable(['file', 'Respite', 'redis', 'ratio'], rows));
const verdicts = Object.entries(results).map(([name, { ratio }]) => ({
  what: `loading ${name}`,
  value: ratio,
  max: MAX_RATIO,
  unit: 'x',
}));
conclude({ title: 'bench:loading', results, verdicts, options });

/**
 * @param {string} name
 * @param {string[]} shapes
 */
async function measure(name, shapes) {
  await makeFile(name, shapes);
  console.log(`${name}.rdb: ${formatNumber(statSync(join(folder, `${name}.rdb`)).size / MIB)} MiB`);
  /** @type {{ respite: number[], redis: number[] }} */
  const seconds = { respite: [], redis: [] };
  for (let round = 0; round < Number(options.rounds); round++) {
    seconds.respite.push(await load('respite', name));
    seconds.redis.push(await load('redis', name));
  }
  const [respite, redis] = [median(seconds.respite), median(seconds.redis)];
  return { respite, redis, ratio: respite / redis };
}

/** @param {string} name */
function placeOf(name) {
  return ['--dir', folder, '--dbfilename', `${name}.rdb`];
}

/**
 * The file is redis-server's, so that both load the same bytes.
 *
 * @param {string} name
 * @param {string[]} shapes
 */
async function makeFile(name, shapes) {
  const server = await startServer({ name: 'redis', command: options.redis, args: placeOf(name) });
  const client = await server.connect();
  await fill(client, total, (i) => SHAPES[shapes[i % shapes.length]](`key:${i}`, i));
  await client.command('SAVE');
  client.close();
  await server.stop();
}

/**
 * Seconds, as the server's log has them.
 *
 * @param {'respite' | 'redis'} side
 * @param {string} name
 */
async function load(side, name) {
  const server = await startServer({
    name: side,
    command: options[side],
    args: placeOf(name),
    ready: /DB loaded from disk: [\d.]+ seconds/,
  });
  const seconds = Number(/DB loaded from disk: ([\d.]+)/.exec(server.output())?.[1]);
  await server.stop();
  return seconds;
}
