// Throughput, latency and server CPU per operation, beside redis-server. See bench/README.md.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { fill } from './lib/client.mjs';
import { parseCounts, readOptions } from './lib/options.mjs';
import { cpuMicroseconds } from './lib/process-usage.mjs';
import { parseText } from './lib/redis-benchmark.mjs';
import { conclude, formatNumber, markdownTable } from './lib/report.mjs';
import { requirePrograms, splitCommandLine, startServer } from './lib/servers.mjs';
import { median } from './lib/stats.mjs';

/**
 * The tests of redis-benchmark that run, and the keys each of them reads or changes: those are created on
 * both sides beforehand, all of them, so that every round measures the same data set.
 *
 * `weight` divides the number of requests for tests whose operations are larger.
 *
 * @type {{ name: string, keys?: string, value?: string, weight?: number }[]}
 */
const TESTS = [
  { name: 'PING_INLINE' },
  { name: 'PING_MBULK' },
  { name: 'SET', keys: 'key:', value: 'xyz' },
  { name: 'GET', keys: 'key:', value: 'xyz' },
  { name: 'INCR', keys: 'counter:', value: '0' },
  { name: 'MSET', keys: 'key:', value: 'xyz', weight: 5 },
];

/** What the ratios Respite / redis-server may be at most. No `tests` or `pipelines` means all of them. */
const BARS = [
  { metric: 'cpu', tests: ['GET', 'SET', 'INCR'], pipelines: [1], max: 1.15 },
  { metric: 'cpu', tests: ['GET', 'SET', 'INCR'], pipelines: [16, 64], max: 0.9 },
  { metric: 'p999', max: 1.5 },
];

/** Requests of one run by pipeline depth when --requests does not say: one to several seconds each. */
const DEFAULT_REQUESTS = { 1: 200_000, 16: 1_000_000, 64: 2_000_000 };

const CLIENTS = 50;
const CPU_UNIT = 'us';

const options = readOptions('Compares Respite with redis-server by redis-benchmark, alternately.', {
  rounds: { type: 'string', default: '3', help: 'rounds; the median over them is reported' },
  requests: { type: 'string', help: 'requests per run (default: by pipeline depth)' },
  pipelines: { type: 'string', default: '1,16,64', help: 'pipeline depths' },
  keys: { type: 'string', default: '100k,3M', help: 'numbers of random keys' },
  tests: { type: 'string', default: TESTS.map((test) => test.name).join(','), help: 'tests' },
  quick: { type: 'boolean', default: false, help: '100k keys and a fifth of the requests' },
});
requirePrograms('redis-benchmark', splitCommandLine(options.redis)[0]);

if (options.smoke) {
  Object.assign(options, { rounds: '1', keys: '10k', pipelines: '1,16', requests: '20000' });
} else if (options.quick) options.keys = '100k';

/**
 * @typedef {object} Sample one run of redis-benchmark
 * @property {number} rps
 * @property {number} p50 milliseconds, like the next two
 * @property {number} p99
 * @property {number} p999
 * @property {number} cpu microseconds of server CPU per operation
 *
 * @typedef {{ keys: number, pipeline: number, test: string, respite: Sample, redis: Sample, ratio: Sample }} Row
 */

/** @type {Row[]} */
const rows = [];
for (const keys of parseCounts(options.keys)) rows.push(...(await benchmarkKeyspace(keys)));
printTable(rows);
conclude({ title: 'bench', results: rows, verdicts: verdicts(rows), options });

/**
 * All chosen tests against two fresh servers that hold `keys` keys.
 *
 * @param {number} keys
 * @returns {Promise<Row[]>}
 */
async function benchmarkKeyspace(keys) {
  const respite = await startServer({ name: 'respite', command: options.respite });
  const redis = await startServer({ name: 'redis', command: options.redis });
  try {
    const wanted = options.tests.split(',');
    const tests = TESTS.filter((test) => wanted.includes(test.name));
    for (const server of [respite, redis]) await createKeys(server, tests, keys);
    const found = [];
    for (const pipeline of parseCounts(options.pipelines)) {
      for (const test of tests) found.push(await compare(respite, redis, test, keys, pipeline));
    }
    return found;
  } finally {
    await Promise.all([respite.stop(), redis.stop()]);
  }
}

/**
 * @param {import('./lib/servers.mjs').RunningServer} server
 * @param {typeof TESTS} tests
 * @param {number} keys
 */
async function createKeys(server, tests, keys) {
  const client = await server.connect();
  const sets = new Map(tests.filter((test) => test.keys).map((test) => [test.keys, test.value]));
  for (const [prefix, value] of sets) {
    await fill(client, keys, (i) => ['SET', prefix + String(i).padStart(12, '0'), value ?? '']);
  }
  client.close();
}

/**
 * @param {import('./lib/servers.mjs').RunningServer} respite
 * @param {import('./lib/servers.mjs').RunningServer} redis
 * @param {typeof TESTS[number]} test
 * @param {number} keys
 * @param {number} pipeline
 * @returns {Promise<Row>}
 */
async function compare(respite, redis, test, keys, pipeline) {
  /** @type {{ respite: Sample[], redis: Sample[] }} */
  const samples = { respite: [], redis: [] };
  for (let round = 0; round < Number(options.rounds); round++) {
    samples.respite.push(await runOnce(respite, test, keys, pipeline));
    samples.redis.push(await runOnce(redis, test, keys, pipeline));
  }
  const ours = medianSample(samples.respite);
  const theirs = medianSample(samples.redis);
  const ratio = combine((metric) => ours[metric] / theirs[metric]);
  console.error(
    `keys ${keys} -P ${pipeline} ${test.name}: CPU ${formatNumber(ours.cpu)} / ${formatNumber(theirs.cpu)} ` +
      `${CPU_UNIT} per op, ${formatNumber(ratio.cpu)}x`,
  );
  return { keys, pipeline, test: test.name, respite: ours, redis: theirs, ratio };
}

/**
 * @param {import('./lib/servers.mjs').RunningServer} server
 * @param {typeof TESTS[number]} test
 * @param {number} keys
 * @param {number} pipeline
 * @returns {Promise<Sample>}
 */
async function runOnce(server, test, keys, pipeline) {
  const requests = requestsOf(test, pipeline);
  const args = ['-h', '127.0.0.1', '-p', server.port, '-c', CLIENTS, '-n', requests, '-r', keys];
  const before = cpuMicroseconds(server.pid);
  const { stdout } = await promisify(execFile)(
    'redis-benchmark',
    [...args, '-P', pipeline, '-t', test.name.toLowerCase(), '--precision', 3].map(String),
    { maxBuffer: 64 * 2 ** 20 },
  );
  const cpu = (cpuMicroseconds(server.pid) - before) / requests;
  return { ...parseText(stdout), cpu };
}

/**
 * @param {typeof TESTS[number]} test
 * @param {number} pipeline
 */
function requestsOf(test, pipeline) {
  const depths = /** @type {Record<number, number>} */ (DEFAULT_REQUESTS);
  const base = Number(options.requests ?? depths[pipeline] ?? DEFAULT_REQUESTS[16]);
  return Math.ceil(base / (test.weight ?? 1) / (options.quick ? 5 : 1));
}

/** @param {Sample[]} samples */
function medianSample(samples) {
  return combine((metric) => median(samples.map((sample) => sample[metric])));
}

/**
 * @param {(metric: keyof Sample) => number} value
 * @returns {Sample}
 */
function combine(value) {
  return { rps: value('rps'), p50: value('p50'), p99: value('p99'), p999: value('p999'), cpu: value('cpu') };
}

/** @param {Row[]} found */
function printTable(found) {
  const headings = ['keys', '-P', 'test', 'CPU us/op', 'redis', 'ratio', 'req/s', 'redis', 'ratio'];
  for (const name of ['p50', 'p99', 'p99.9']) headings.push(`${name} ms`, 'redis', 'ratio');
  /** @type {(keyof Sample)[]} */
  const metrics = ['cpu', 'rps', 'p50', 'p99', 'p999'];
  const cells = found.map((row) => [
    row.keys,
    row.pipeline,
    row.test,
    ...metrics.flatMap((m) => [row.respite[m], row.redis[m], row.ratio[m]].map(formatNumber)),
  ]);
  console.log(`\n${markdownTable(headings, cells)}`);
}

/**
 * @param {Row[]} found
 * @returns {import('./lib/report.mjs').Verdict[]}
 */
function verdicts(found) {
  return BARS.flatMap((bar) =>
    found
      .filter(
        (row) => (bar.tests?.includes(row.test) ?? true) && (bar.pipelines?.includes(row.pipeline) ?? true),
      )
      .map((row) => ({
        what: `${bar.metric} ${row.test} -P ${row.pipeline}, ${row.keys} keys`,
        value: row.ratio[/** @type {keyof Sample} */ (bar.metric)],
        max: bar.max,
      })),
  );
}
