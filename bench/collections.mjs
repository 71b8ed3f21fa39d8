// A leaderboard under a mixed load, and operations on whole collections. See bench/README.md.
import { connect } from 'node:net';
import { encode, fill } from './lib/client.mjs';
import { parseCount, readOptions } from './lib/options.mjs';
import { cpuMicroseconds } from './lib/process-usage.mjs';
import { runBenchmark } from './lib/redis-benchmark.mjs';
import { conclude, formatNumber, markdownTable } from './lib/report.mjs';
import { requirePrograms, splitCommandLine, startServer } from './lib/servers.mjs';
import { median } from './lib/stats.mjs';
import { scattered } from './lib/traces.mjs';

/** Ratios Respite / redis-server at most. */
const MAX_LEADERBOARD_CPU = 1.2;
const MAX_ALGEBRA_TIME = 2;

/** The load of the leaderboard: a third of the requests each, from 50 clients together. */
const MIX = [
  { clients: 17, command: ['ZADD', 'board', '__rand_int__', 'player:__rand_int__'] },
  { clients: 17, command: ['ZREVRANK', 'board', 'player:__rand_int__'] },
  { clients: 16, command: ['ZRANGE', 'board', '0', '99'] },
];
const PIPELINE = 16;
/** What follows a reply that is measured. */
const END = 'end-of-what-is-measured';

const options = readOptions('Compares a leaderboard and set algebra with redis-server.', {
  rounds: { type: 'string', default: '3', help: 'rounds; the median over them is reported' },
  members: { type: 'string', default: '1M', help: 'members of the leaderboard and of each set' },
  requests: { type: 'string', default: '600k', help: 'requests of one round on the leaderboard' },
});
requirePrograms('redis-benchmark', splitCommandLine(options.redis)[0]);
if (options.smoke) Object.assign(options, { rounds: '1', members: '2k', requests: '3k' });
const members = parseCount(options.members);
const requests = parseCount(options.requests);
const rounds = parseCount(options.rounds);

/**
 * Operations that read whole collections: the command, and what fills the keys that it reads. Half of the elements are
 * in both.
 *
 * @type {{ name: string, command: string[], prepare: (side: Side) => Promise<void> }[]}
 */
const ALGEBRA = [
  {
    name: `SINTER of two sets of ${members}`,
    command: ['SINTER', 'set:a', 'set:b'],
    async prepare({ client }) {
      await addAll(client, 'SADD', 'set:a', members, (i) => [name(i)]);
      await addAll(client, 'SADD', 'set:b', members, (i) => [name(i + members / 2)]);
    },
  },
  {
    name: `SORT of a list of ${members / 10}`,
    command: ['SORT', 'list'],
    prepare: ({ client }) => addAll(client, 'RPUSH', 'list', members / 10, (i) => [scattered(i)]),
  },
  {
    name: `ZUNIONSTORE of two sorted sets of ${members / 2}`,
    command: ['ZUNIONSTORE', 'union', '2', 'zset:a', 'zset:b'],
    async prepare({ client }) {
      await addAll(client, 'ZADD', 'zset:a', members / 2, (i) => [scattered(i), name(i)]);
      await addAll(client, 'ZADD', 'zset:b', members / 2, (i) => [scattered(i), name(i + members / 4)]);
    },
  },
];

/**
 * @typedef {object} Side
 * @property {import('./lib/servers.mjs').RunningServer} server
 * @property {import('./lib/client.mjs').RawClient} client
 *
 * @typedef {{ what: string, unit: string, respite: number, redis: number, ratio: number, max: number }} Row
 */

const respite = await openSide('respite');
const redis = await openSide('redis');
/** @type {Row[]} */
const results = [];
try {
  await leaderboard();
  for (const operation of ALGEBRA) await algebra(operation);
} finally {
  await Promise.all([respite.server.stop(), redis.server.stop()]);
}
const cells = results.map((row) => [
  row.what,
  row.unit,
  ...[row.respite, row.redis, row.ratio].map(formatNumber),
]);
console.log(markdownTable(['', 'unit', 'Respite', 'redis', 'ratio'], cells));
const verdicts = results.map((row) => ({ what: `${row.what}, ${row.unit}`, value: row.ratio, max: row.max }));
conclude({ title: 'bench:collections', results, verdicts, options });

/** @param {'respite' | 'redis'} which @returns {Promise<Side>} */
async function openSide(which) {
  const server = await startServer({ name: which, command: options[which] });
  return { server, client: await server.connect() };
}

/**
 * @param {string} what
 * @param {string} unit
 * @param {number} max
 * @param {(side: Side) => Promise<number>} measure
 */
async function compare(what, unit, max, measure) {
  /** @type {{ respite: number[], redis: number[] }} */
  const samples = { respite: [], redis: [] };
  for (let round = 0; round < rounds; round++) {
    samples.respite.push(await measure(respite));
    samples.redis.push(await measure(redis));
  }
  const [ours, theirs] = [median(samples.respite), median(samples.redis)];
  results.push({ what, unit, respite: ours, redis: theirs, ratio: ours / theirs, max });
}

async function leaderboard() {
  for (const { client } of [respite, redis]) {
    await addAll(client, 'ZADD', 'board', members, (i) => [scattered(i), name(i)]);
  }
  await compare('leaderboard', 'CPU us per request', MAX_LEADERBOARD_CPU, async ({ server }) => {
    const before = cpuMicroseconds(server.pid);
    await Promise.all(MIX.map(({ clients, command }) => load(server.port, clients, command)));
    return (cpuMicroseconds(server.pid) - before) / requests;
  });
}

/** @param {number} port @param {number} clients @param {string[]} command */
function load(port, clients, command) {
  const count = Math.floor(requests / MIX.length);
  return runBenchmark(port, ['-c', clients, '-n', count, '-r', members, '-P', PIPELINE, '-q', ...command]);
}

/** @param {typeof ALGEBRA[number]} operation */
async function algebra({ name, command, prepare }) {
  for (const side of [respite, redis]) await prepare(side);
  await compare(name, 'ms', MAX_ALGEBRA_TIME, (side) => roundTripMs(side.server.port, command));
}

/**
 * From sending a command to the last byte of its reply, which is not parsed: that would take longer than the command.
 *
 * @param {number} port
 * @param {string[]} command
 * @returns {Promise<number>}
 */
function roundTripMs(port, command) {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let end = '';
    let began = 0;
    socket.once('error', reject);
    socket.once('connect', () => {
      began = performance.now();
      socket.write(encode(command) + encode(['ECHO', END]), 'latin1');
    });
    socket.on('data', (chunk) => {
      end = (end + chunk.subarray(-END.length - 2).toString('latin1')).slice(-END.length - 2);
      if (end !== `${END}\r\n`) return;
      resolve(performance.now() - began);
      socket.destroy();
    });
  });
}

/** @param {number} i */
function name(i) {
  return `player:${String(i).padStart(12, '0')}`;
}

/**
 * @param {import('./lib/client.mjs').RawClient} client
 * @param {string} command
 * @param {string} key
 * @param {number} count
 * @param {(i: number) => (string | number)[]} make
 */
async function addAll(client, command, key, count, make) {
  const atOnce = 50;
  await fill(
    client,
    Math.ceil(count / atOnce),
    (block) => [command, key, ...Array.from({ length: atOnce }, (_, i) => make(block * atOnce + i)).flat()],
    { batch: 20 },
  );
}
