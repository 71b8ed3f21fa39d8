// Throughput, latency and server CPU per operation, beside redis-server. See bench/README.md.
import { TESTS } from './lib/benchmark-tests.mjs';
import { fill } from './lib/client.mjs';
import { parseCounts, readOptions } from './lib/options.mjs';
import { cpuMicroseconds } from './lib/process-usage.mjs';
import { parseText, runBenchmark } from './lib/redis-benchmark.mjs';
import { conclude, formatNumber, markdownTable } from './lib/report.mjs';
import { requirePrograms, splitCommandLine, startServer } from './lib/servers.mjs';
import { geometricMean, median } from './lib/stats.mjs';

/**
 * What the ratios Respite / redis-server may be at most. No `tests` or `pipelines` means all of them; `mean` means the
 * geometric mean over the tests.
 *
 * @type {{ metric: keyof Sample, tests?: string[], pipelines?: number[], max: number, mean?: boolean }[]}
 */
const BARS = [
  { metric: 'cpu', tests: ['GET', 'SET', 'INCR'], pipelines: [1], max: 1.15 },
  { metric: 'cpu', tests: ['GET', 'SET', 'INCR'], pipelines: [16, 64], max: 0.9 },
  { metric: 'cpu', pipelines: [16], max: 1.4 },
  { metric: 'cpu', pipelines: [16], max: 1, mean: true },
  { metric: 'p999', tests: ['PING_INLINE', 'PING_MBULK', 'GET', 'SET', 'INCR', 'MSET'], max: 1.5 },
];

/**
 * Requests of one run by pipeline depth when --requests does not say: one to several seconds each. More than a thousand
 * times what all clients send first, which waits until all are connected and would be all that p99.9 tells of else.
 */
const DEFAULT_REQUESTS = { 1: 200_000, 16: 1_000_000, 64: 4_000_000 };

const CLIENTS = 50;
const CPU_UNIT = 'us';

const options = readOptions('Compares Respite with redis-server by redis-benchmark, alternately.', {
  rounds: { type: 'string', default: '3', help: 'rounds; the median over them is reported' },
  warmup: { type: 'string', default: '1', help: 'rounds before these, which do not count' },
  requests: { type: 'string', help: 'requests per run (default: by pipeline depth)' },
  pipelines: { type: 'string', default: '1,16,64', help: 'pipeline depths' },
  keys: { type: 'string', default: '100k,3M', help: 'numbers of random keys' },
  tests: { type: 'string', default: TESTS.map((test) => test.name).join(','), help: 'tests' },
  quick: { type: 'boolean', default: false, help: '100k keys and a fifth of the requests' },
});
requirePrograms('redis-benchmark', splitCommandLine(options.redis)[0]);

if (options.smoke) {
  Object.assign(options, { rounds: '1', warmup: '0', keys: '10k', pipelines: '1,16', requests: '20000' });
} else if (options.quick) options.keys = '100k';

/**
 * @typedef {object} Sample one run of redis-benchmark
 * @property {number} rps
 * @property {number} p50 milliseconds, like the next two
 * @property {number} p99
 * @property {number} p999
 * @property {number} cpu microseconds of server CPU per operation
 *
 * @typedef {object} Row
 * @property {number} keys
 * @property {number} pipeline
 * @property {string} test
 * @property {Sample} respite the median of its runs, like the next one
 * @property {Sample} redis
 * @property {Sample} ratio the median over the rounds of Respite / redis-server, whose runs of a round follow each
 *   other
 * @property {{ respite: Sample[], redis: Sample[] }} samples
 *
 * @typedef {{ keys: number, pipeline: number, tests: number, cpu: number, rps: number }} Mean
 * @typedef {{ server: import('./lib/servers.mjs').RunningServer, client: import('./lib/client.mjs').RawClient }} Side
 * @typedef {import('./lib/benchmark-tests.mjs').BenchmarkTest} BenchmarkTest
 */

const chosen = options.tests.split(',').map((/** @type {string} */ name) => {
  const test = TESTS.find((each) => each.name === name.toUpperCase());
  if (test === undefined) throw new Error(`no such test: ${name}`);
  return test;
});

/** @type {Row[]} */
const rows = [];
for (const [index, keys] of parseCounts(options.keys).entries()) {
  const tests = chosen.filter((/** @type {BenchmarkTest} */ test) => index === 0 || test.keys);
  rows.push(...(await benchmarkKeyspace(tests, keys)));
}
const means = geometricMeans(rows);
printTables(rows, means);
conclude({ title: 'bench', results: { rows, means }, verdicts: verdicts(rows), options });

/**
 * All tests against two fresh servers that hold `keys` keys.
 *
 * @param {BenchmarkTest[]} tests
 * @param {number} keys
 * @returns {Promise<Row[]>}
 */
async function benchmarkKeyspace(tests, keys) {
  const respite = await startServer({ name: 'respite', command: options.respite });
  const redis = await startServer({ name: 'redis', command: options.redis });
  try {
    const sides = [];
    for (const server of [respite, redis]) {
      const client = await server.connect();
      await createKeys(client, tests, keys);
      sides.push({ server, client });
    }
    const found = [];
    for (const pipeline of parseCounts(options.pipelines)) {
      for (const test of tests) found.push(await compare(sides[0], sides[1], test, keys, pipeline));
    }
    return found;
  } finally {
    await Promise.all([respite.stop(), redis.stop()]);
  }
}

/**
 * @param {import('./lib/client.mjs').RawClient} client
 * @param {BenchmarkTest[]} tests
 * @param {number} keys
 */
async function createKeys(client, tests, keys) {
  /** @type {Map<string, string>} */
  const sets = new Map(tests.flatMap((test) => (test.keys ? [[test.keys.prefix, test.keys.value]] : [])));
  for (const [prefix, value] of sets) {
    await fill(client, keys, (i) => ['SET', prefix + String(i).padStart(12, '0'), value]);
  }
}

/**
 * @param {Side} respite
 * @param {Side} redis
 * @param {BenchmarkTest} test
 * @param {number} keys
 * @param {number} pipeline
 * @returns {Promise<Row>}
 */
async function compare(respite, redis, test, keys, pipeline) {
  /** @type {{ respite: Sample[], redis: Sample[] }} */
  const samples = { respite: [], redis: [] };
  for (let round = -Number(options.warmup); round < Number(options.rounds); round++) {
    const ours = await runOnce(respite, test, keys, pipeline);
    const theirs = await runOnce(redis, test, keys, pipeline);
    if (round < 0) continue;
    samples.respite.push(ours);
    samples.redis.push(theirs);
  }
  const ours = medianSample(samples.respite);
  const theirs = medianSample(samples.redis);
  const ratio = medianSample(samples.respite.map((sample, i) => ratioOf(sample, samples.redis[i])));
  console.error(
    `keys ${keys} -P ${pipeline} ${test.name}: CPU ${formatNumber(ours.cpu)} / ${formatNumber(theirs.cpu)} ` +
      `${CPU_UNIT} per op, ${formatNumber(ratio.cpu)}x`,
  );
  return { keys, pipeline, test: test.name, respite: ours, redis: theirs, ratio, samples };
}

/**
 * @param {Side} side
 * @param {BenchmarkTest} test
 * @param {number} keys
 * @param {number} pipeline
 * @returns {Promise<Sample>}
 */
async function runOnce({ server, client }, test, keys, pipeline) {
  const requests = requestsOf(test, pipeline);
  await test.before?.(client, requests);
  const what = test.command ?? ['-t', test.name.toLowerCase()];
  const args = ['-c', CLIENTS, '-n', requests, '-r', keys, '-P', pipeline, '--precision', 3, ...what];
  const before = cpuMicroseconds(server.pid);
  const output = await runBenchmark(server.port, args);
  const cpu = (cpuMicroseconds(server.pid) - before) / requests;
  return { ...parseText(output), cpu };
}

/**
 * @param {BenchmarkTest} test
 * @param {number} pipeline
 */
function requestsOf(test, pipeline) {
  const depths = /** @type {Record<number, number>} */ (DEFAULT_REQUESTS);
  const base = Number(options.requests ?? depths[pipeline] ?? DEFAULT_REQUESTS[16]);
  const weight = pipeline === 1 ? 1 : (test.weight ?? 1);
  return Math.ceil(base / weight / (options.quick ? 5 : 1));
}

/**
 * @param {Sample} ours
 * @param {Sample} theirs
 */
function ratioOf(ours, theirs) {
  return combine((metric) => ours[metric] / theirs[metric]);
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

/**
 * The geometric means of the ratios over the tests, for each pipeline depth.
 *
 * @param {Row[]} found
 * @returns {Mean[]}
 */
function geometricMeans(found) {
  const groups = new Set(found.map((row) => `${row.keys} ${row.pipeline}`));
  return [...groups].map((name) => {
    const group = found.filter((row) => name === `${row.keys} ${row.pipeline}`);
    return {
      keys: group[0].keys,
      pipeline: group[0].pipeline,
      tests: group.length,
      cpu: geometricMean(group.map((row) => row.ratio.cpu)),
      rps: geometricMean(group.map((row) => row.ratio.rps)),
    };
  });
}

/**
 * @param {Row[]} found
 * @param {Mean[]} means
 */
function printTables(found, means) {
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
  console.log(`\n${markdownTable(headings, cells)}\n\nGeometric means of the ratios:\n`);
  const rowsOfMeans = means.map((mean) => [
    mean.keys,
    mean.pipeline,
    mean.tests,
    formatNumber(mean.cpu),
    formatNumber(mean.rps),
  ]);
  console.log(markdownTable(['keys', '-P', 'tests', 'CPU', 'req/s'], rowsOfMeans));
}

/**
 * @param {Row[]} found
 * @returns {import('./lib/report.mjs').Verdict[]}
 */
function verdicts(found) {
  return BARS.flatMap(({ metric, tests, pipelines, max, mean }) => {
    if (mean) {
      const groups = means.filter(
        (each) => each.tests === TESTS.length && pipelines?.includes(each.pipeline),
      );
      return groups.map((each) => ({ what: `mean ${metric} -P ${each.pipeline}`, value: each.cpu, max }));
    }
    const rowsOfBar = found.filter(
      (row) => (tests?.includes(row.test) ?? true) && (pipelines?.includes(row.pipeline) ?? true),
    );
    return rowsOfBar.map((row) => ({
      what: `${metric} ${row.test} -P ${row.pipeline}, ${row.keys} keys`,
      value: row.ratio[metric],
      max,
    }));
  });
}
