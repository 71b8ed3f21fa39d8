// Streams beside redis-server: CPU of the usual operations, memory, and trimming of a long one. See bench/README.md.
import { encode, fill } from './lib/client.mjs';
import { usedMemory } from './lib/info.mjs';
import { parseCount, readOptions } from './lib/options.mjs';
import { cpuMicroseconds } from './lib/process-usage.mjs';
import { runBenchmark } from './lib/redis-benchmark.mjs';
import { conclude, formatNumber, markdownTable } from './lib/report.mjs';
import { requirePrograms, splitCommandLine, startServer } from './lib/servers.mjs';
import { median } from './lib/stats.mjs';

const MAX_CPU_RATIO = 1.2;
const MAX_MEMORY_RATIO = 1;
/** XADD with MAXLEN ~ on a long stream may take so much of what it takes on a short one. */
const MAX_LENGTH_RATIO = 1.3;

/** Entries that XRANGE returns, and that one XREADGROUP does. */
const RANGE = 100;
const READ = 10;

const options = readOptions('Compares streams with redis-server.', {
  entries: { type: 'string', default: '1M', help: 'entries of the stream whose memory is measured' },
  long: { type: 'string', default: '10M', help: 'entries of the stream that is trimmed; 0 leaves that out' },
  operations: { type: 'string', default: '500k', help: 'operations of a round' },
  rounds: { type: 'string', default: '3', help: 'rounds, alternately on both sides' },
});
requirePrograms('redis-benchmark', splitCommandLine(options.redis)[0]);
const entries = parseCount(options.entries);
const long = parseCount(options.long);
const operations = parseCount(options.operations);
const rounds = Number(options.rounds);

/** @typedef {import('./lib/servers.mjs').RunningServer} RunningServer */

/** @param {RunningServer} respite @param {RunningServer} redis */
async function compare(respite, redis) {
  const memory = { respite: await loadBytes(respite), redis: await loadBytes(redis) };
  /** @type {{ name: string, respite: number, redis: number }[]} */
  const rows = [];
  for (const [name, measure] of Object.entries(OPERATIONS)) {
    /** @type {[number[], number[]]} */
    const samples = [[], []];
    for (let round = 0; round < rounds; round++) {
      for (const [i, server] of [respite, redis].entries()) samples[i].push(await measure(server));
    }
    rows.push({ name, respite: median(samples[0]), redis: median(samples[1]) });
  }
  const trimming = long === 0 ? undefined : await compareLengths(respite);
  console.log(`bytes per entry of ${entries} with three fields, and server CPU in µs\n`);
  const all = [{ name: 'bytes per entry', ...memory }, ...rows];
  const cells = all.map(({ name, respite: ours, redis: theirs }) => [
    name,
    ...[ours, theirs, ours / theirs].map(formatNumber),
  ]);
  console.log(markdownTable(['', 'Respite', 'redis', 'ratio'], cells));
  const verdicts = [
    { what: 'memory', value: memory.respite / memory.redis, max: MAX_MEMORY_RATIO },
    ...rows.map((row) => ({ what: row.name, value: row.respite / row.redis, max: MAX_CPU_RATIO })),
  ];
  if (trimming !== undefined) {
    const { short, whole } = trimming;
    console.log(
      `\nXADD MAXLEN ~: ${formatNumber(short)} µs at 1000 entries, ${formatNumber(whole)} µs at ${long}`,
    );
    verdicts.push({
      what: `XADD MAXLEN ~ at ${long} entries, of 1000`,
      value: whole / short,
      max: MAX_LENGTH_RATIO,
    });
  }
  conclude({ title: 'bench:streams', results: { memory, rows, trimming }, verdicts, options });
}

/** An entry with three fields. @param {number} i */
const entry = (i) => ['name', `user:${i}`, 'message', `text number ${i} of many`, 'age', String(i % 90)];

/** Bytes that each entry of a long stream takes. @param {RunningServer} server */
async function loadBytes(server) {
  const client = await server.connect();
  const before = await usedMemory(client);
  await fill(client, entries, (i) => ['XADD', 'events', '*', ...entry(i)], { batch: 200 });
  const bytes = ((await usedMemory(client)) - before) / entries;
  client.close();
  return bytes;
}

/** @type {Record<string, (server: RunningServer) => Promise<number>>} CPU in µs per operation */
const OPERATIONS = {
  'XADD, P=16': (server) =>
    benchmark(server, operations, 16, ['XADD', 'log:__rand_int__', '*', ...entry(1)], '-r', '100'),
  'XADD MAXLEN ~ 1000, P=16': (server) =>
    benchmark(server, operations, 16, ['XADD', 'short', 'MAXLEN', '~', '1000', '*', ...entry(1)]),
  [`XRANGE of ${RANGE} from the start`]: (server) =>
    benchmark(server, operations / 20, 4, ['XRANGE', 'events', '-', '+', 'COUNT', String(RANGE)]),
  [`XREVRANGE of ${RANGE} from the end`]: (server) =>
    benchmark(server, operations / 20, 4, ['XREVRANGE', 'events', '+', '-', 'COUNT', String(RANGE)]),
  [`XREADGROUP of ${READ} and XACK, per entry`]: consume,
};

/**
 * @param {RunningServer} server
 * @param {number} requests
 * @param {number} pipeline
 * @param {string[]} command
 * @param {string[]} more
 * @returns {Promise<number>} µs
 */
async function benchmark(server, requests, pipeline, command, ...more) {
  const args = ['-n', requests, '-P', pipeline, '-c', 20, '-q', ...more, ...command];
  const before = cpuMicroseconds(server.pid);
  await runBenchmark(server.port, args);
  return (cpuMicroseconds(server.pid) - before) / requests;
}

/** Reads and acknowledges as a consumer does, with a few batches under way. @param {RunningServer} server */
async function consume(server) {
  const client = await server.connect();
  await client.command('XGROUP', 'DESTROY', 'events', 'workers');
  await client.command('XGROUP', 'CREATE', 'events', 'workers', '0');
  const total = Math.min(operations, entries);
  const before = cpuMicroseconds(server.pid);
  const read = encode(['XREADGROUP', 'GROUP', 'workers', 'one', 'COUNT', READ, 'STREAMS', 'events', '>']);
  let [reply] = await client.write(read, 1);
  for (let done = 0; done < total; done += READ) {
    const ids = reply[0][1].map((/** @type {[string]} */ [id]) => id);
    const acknowledge = encode(['XACK', 'events', 'workers', ...ids]);
    [, reply] = await client.write(acknowledge + read, 2);
  }
  const used = cpuMicroseconds(server.pid) - before;
  client.close();
  return used / total;
}

/** XADD with MAXLEN ~ on a short stream and on a long one. @param {RunningServer} server */
async function compareLengths(server) {
  const client = await server.connect();
  await fill(client, long, () => ['XADD', 'long', '*', 'f', 'v'], { batch: 500 });
  client.close();
  /** @param {string} key @param {number} length */
  const measure = (key, length) =>
    benchmark(server, operations, 16, ['XADD', key, 'MAXLEN', '~', String(length), '*', 'f', 'v']);
  await measure('little', 1000);
  return { short: await measure('little', 1000), whole: await measure('long', long) };
}

const sides = await Promise.all(
  /** @type {const} */ (['respite', 'redis']).map((name) =>
    startServer({ name, command: options[name], args: [] }),
  ),
);
try {
  await compare(sides[0], sides[1]);
} finally {
  for (const server of sides) await server.stop();
}
