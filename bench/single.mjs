// The longest time that a single command takes on a collection of a million elements. See bench/README.md.
import { fill } from './lib/client.mjs';
import { parseCount, readOptions } from './lib/options.mjs';
import { conclude, formatNumber, markdownTable } from './lib/report.mjs';
import { onEachSide, requirePrograms, splitCommandLine } from './lib/servers.mjs';
import { scattered } from './lib/traces.mjs';

/** No command that is O(1) or O(log n) may take longer. */
const MAX_MS = 1;
/** Shorter than this, in µs, is of no interest. Below 1000, each command of a pipeline is measured by itself. */
const NOTED_MICROSECONDS = 200;
const MOST_NOTED = 100_000;
const PIPELINE = 100;

/** @typedef {(i: number) => (string | number)[]} Make makes command number i */

/**
 * For each kind of collection: what fills it, one element at a time; what is done to it then; what empties it.
 *
 * @type {{ name: string, grow: Make, use: Make[], shrink: Make }[]}
 */
const COLLECTIONS = [
  {
    name: 'keyspace',
    grow: (i) => ['SET', name(i), i],
    use: [
      (i) => ['GET', name(i)],
      (i) => ['INCR', name(i)],
      (i) => ['EXPIRE', name(i), 1000 + i],
      () => ['RANDOMKEY'],
    ],
    shrink: (i) => ['DEL', name(i)],
  },
  {
    name: 'hash',
    grow: (i) => ['HSET', 'hash', name(i), i],
    use: [
      (i) => ['HGET', 'hash', name(i)],
      (i) => ['HINCRBY', 'hash', name(i), 1],
      () => ['HRANDFIELD', 'hash'],
      () => ['HLEN', 'hash'],
    ],
    shrink: (i) => ['HDEL', 'hash', name(i)],
  },
  {
    name: 'set',
    grow: (i) => ['SADD', 'set', name(i)],
    use: [(i) => ['SISMEMBER', 'set', name(i)], () => ['SRANDMEMBER', 'set'], () => ['SCARD', 'set']],
    shrink: () => ['SPOP', 'set'],
  },
  {
    name: 'sorted set',
    grow: (i) => ['ZADD', 'zset', scattered(i), name(i)],
    use: [
      (i) => ['ZADD', 'zset', scattered(i + 1), name(i)],
      (i) => ['ZREVRANK', 'zset', name(i)],
      (i) => ['ZINCRBY', 'zset', 5, name(i)],
      (i) => ['ZCOUNT', 'zset', i, i + 1000],
      (i) => ['ZRANGE', 'zset', i, i + 9],
    ],
    shrink: () => ['ZPOPMIN', 'zset'],
  },
  {
    name: 'list',
    grow: (i) => [i % 2 === 0 ? 'LPUSH' : 'RPUSH', 'list', name(i)],
    use: [
      () => ['LINDEX', 'list', -1],
      () => ['LMOVE', 'list', 'list', 'LEFT', 'RIGHT'],
      () => ['LLEN', 'list'],
    ],
    shrink: (i) => [i % 2 === 0 ? 'LPOP' : 'RPOP', 'list'],
  },
];

const options = readOptions('Finds the longest run of single commands on big collections.', {
  elements: { type: 'string', default: '1M', help: 'elements of each collection' },
  rounds: { type: 'string', default: '3', help: 'rounds: what is due to the command shows in each of them' },
});
requirePrograms(splitCommandLine(options.redis)[0]);
if (options.smoke) Object.assign(options, { elements: '2k', rounds: '1' });
const elements = parseCount(options.elements);
const rounds = parseCount(options.rounds);

/** @typedef {Map<string, number[]>} Worst by command and phase, the longest time of each round in ms */

const sides = await onEachSide({ respite: options.respite, redis: options.redis }, [], measure);
const rows = [...sides.respite.keys()].map((what) => ({
  what,
  respite: inRounds(sides.respite, what),
  redis: inRounds(sides.redis, what),
}));
const shown = rows.map(({ what, respite, redis }) => [
  what,
  ...[respite.least, respite.most, redis.least, redis.most].map(formatNumber),
]);
console.log(
  `The longest time in ms, in the best round and in the worst (0: below ${NOTED_MICROSECONDS} us)\n`,
);
console.log(markdownTable(['', 'Respite', 'worst', 'redis', 'worst'], shown));
const verdicts = rows.map((row) => ({ what: row.what, value: row.respite.least, max: MAX_MS, unit: 'ms' }));
conclude({ title: 'bench:single', results: rows, verdicts, options });

/** @param {Worst} worst @param {string} what */
function inRounds(worst, what) {
  const times = worst.get(what) ?? [];
  return { least: Math.min(...times), most: Math.max(...times) };
}

/**
 * @param {import('./lib/servers.mjs').RunningServer} server
 * @returns {Promise<Worst>}
 */
async function measure(server) {
  const client = await server.connect();
  await client.command('CONFIG', 'SET', 'slowlog-log-slower-than', NOTED_MICROSECONDS);
  await client.command('CONFIG', 'SET', 'slowlog-max-len', MOST_NOTED);
  /** @type {Worst} */
  const worst = new Map();
  for (let round = 0; round < rounds; round++) {
    for (const { name, grow, use, shrink } of COLLECTIONS) {
      await run(client, worst, `${name}, growing`, elements, grow);
      for (const make of use) await run(client, worst, name, Math.ceil(elements / 10), make);
      await run(client, worst, `${name}, shrinking`, elements, shrink);
    }
  }
  client.close();
  return worst;
}

/**
 * @param {import('./lib/client.mjs').RawClient} client
 * @param {Worst} worst
 * @param {string} phase
 * @param {number} count
 * @param {Make} make
 */
async function run(client, worst, phase, count, make) {
  await client.command('SLOWLOG', 'RESET');
  await fill(client, count, make, { batch: PIPELINE });
  const entries = await client.command('SLOWLOG', 'GET', -1);
  const commands = new Set([String(make(0)[0]), String(make(1)[0])]);
  const times = entries
    .filter((/** @type {any[]} */ entry) => commands.has(entry[3][0]))
    .map((/** @type {any[]} */ entry) => entry[2] / 1000);
  const what = `${[...commands].join('/')} (${phase})`;
  worst.set(what, [...(worst.get(what) ?? []), Math.max(0, ...times)]);
}

/** @param {number} i */
function name(i) {
  return `element:${String(i).padStart(12, '0')}`;
}
