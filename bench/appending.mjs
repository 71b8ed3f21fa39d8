// What an append-only file costs, by appendfsync, beside redis-server. See bench/README.md.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseCount, readOptions } from './lib/options.mjs';
import { cpuMicroseconds } from './lib/process-usage.mjs';
import { parseText, runBenchmark } from './lib/redis-benchmark.mjs';
import { conclude, formatNumber, markdownTable } from './lib/report.mjs';
import { requirePrograms, splitCommandLine, startServer } from './lib/servers.mjs';
import { median } from './lib/stats.mjs';

/** `everysec` may take a quarter of the throughput without a file. */
const MAX_EVERYSEC_SLOWDOWN = 1.33;
/** redis-server with `always` may be so many times as fast. */
const MAX_ALWAYS_RATIO = 1.3;

/** @type {Record<string, string[]>} */
const MODES = {
  off: ['--appendonly', 'no'],
  everysec: ['--appendonly', 'yes', '--appendfsync', 'everysec'],
  always: ['--appendonly', 'yes', '--appendfsync', 'always'],
};

const options = readOptions('Writes with an append-only file, and without one.', {
  requests: { type: 'string', default: '2M', help: 'SETs per run; a tenth of them with appendfsync always' },
  rounds: { type: 'string', default: '3', help: 'rounds; the median over them is reported' },
  directory: { type: 'string', default: tmpdir(), help: 'where the files are written' },
});
requirePrograms(splitCommandLine(options.redis)[0], 'redis-benchmark');
const requests = parseCount(options.requests);

/** @type {Record<string, { rps: number[], cpu: number[], p999: number[] }>} */
const measured = {};
for (let round = 0; round < Number(options.rounds); round++) {
  for (const mode of Object.keys(MODES)) {
    for (const side of ['respite', 'redis']) {
      const { rps, cpu, p999 } = await measure(side, mode);
      measured[`${side} ${mode}`] ??= { rps: [], cpu: [], p999: [] };
      const sample = measured[`${side} ${mode}`];
      sample.rps.push(rps);
      sample.cpu.push(cpu);
      sample.p999.push(p999);
    }
  }
}

/**
 * One run of redis-benchmark against a server of its own, in a directory of its own.
 *
 * @param {string} side
 * @param {string} mode
 */
async function measure(side, mode) {
  const directory = mkdtempSync(join(options.directory, 'bench-appending-'));
  // No rewrite in the middle: what it costs is another question.
  const args = ['--dir', directory, '--auto-aof-rewrite-percentage', '0', ...MODES[mode]];
  const server = await startServer({ name: side, command: options[side], args });
  try {
    const count = mode === 'always' ? requests / 10 : requests;
    await load(server.port, count / 4);
    const before = cpuMicroseconds(server.pid);
    const { rps, p999 } = parseText(await load(server.port, count));
    return { rps, p999, cpu: (cpuMicroseconds(server.pid) - before) / count };
  } finally {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * @param {number} port
 * @param {number} count
 */
function load(port, count) {
  const args = ['-P', 16, '-c', 50, '-t', 'set', '-r', 100_000, '-d', 16, '-n', Math.ceil(count)];
  return runBenchmark(port, args);
}

/** @param {string} name */
const rps = (name) => median(measured[name].rps);
const rows = Object.keys(MODES).map((mode) => [
  mode,
  ...[
    rps(`respite ${mode}`),
    rps(`redis ${mode}`),
    rps(`respite ${mode}`) / rps(`redis ${mode}`),
    median(measured[`respite ${mode}`].cpu),
    median(measured[`redis ${mode}`].cpu),
    median(measured[`respite ${mode}`].p999),
    median(measured[`redis ${mode}`].p999),
  ].map(formatNumber),
]);
console.log(`SET of 100k random keys with 16 bytes, 50 clients, 16 at a time\n`);
console.log(
  markdownTable(['appendfsync', 'SET/s', 'redis', 'ratio', 'CPU us/op', 'redis', 'p99.9 ms', 'redis'], rows),
);
const verdicts = [
  {
    what: 'slower with everysec than without a file',
    value: rps('respite off') / rps('respite everysec'),
    max: MAX_EVERYSEC_SLOWDOWN,
  },
  {
    what: 'redis with always is faster',
    value: rps('redis always') / rps('respite always'),
    max: MAX_ALWAYS_RATIO,
  },
];
conclude({ title: 'bench:appending', results: measured, verdicts, options });
