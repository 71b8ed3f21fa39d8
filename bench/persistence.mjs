// SAVE beside redis-server's, and BGSAVE while clients write. See bench/README.md.
import { parseCount, readOptions } from './lib/options.mjs';
import { conclude, formatNumber, markdownTable } from './lib/report.mjs';
import { measureSaving } from './lib/saving.mjs';
import { requirePrograms, splitCommandLine } from './lib/servers.mjs';

const MAX_SAVE_RATIO = 1.5;
/** Throughput during a save is at least 60 % of that before. */
const MAX_SLOWDOWN = 1.67;
const MAX_P999_MS = 25;
const MAX_STALL_MS = 50;

const options = readOptions('Saves many keys, quietly and under load.', {
  keys: { type: 'string', default: '2M', help: 'how many keys' },
});
requirePrograms(splitCommandLine(options.redis)[0], 'redis-benchmark');
const keys = parseCount(options.keys);
const { respite, redis } = await measureSaving({ respite: options.respite, redis: options.redis }, keys);

const rows = [
  ['SAVE, s', respite.saveSeconds, redis.saveSeconds],
  ['BGSAVE without load, s', respite.quietSeconds, redis.quietSeconds],
  ['BGSAVE under load, s', respite.loadedSeconds, redis.loadedSeconds],
  ['SET/s before', respite.before, redis.before],
  ['SET/s during BGSAVE', respite.during, redis.during],
  ['p99.9 PING before, ms', respite.beforeP999Ms, redis.beforeP999Ms],
  ['p99.9 PING during, ms', respite.p999Ms, redis.p999Ms],
  ['worst PING before, ms', respite.beforeWorstMs, redis.beforeWorstMs],
  ['worst PING during, ms', respite.worstMs, redis.worstMs],
  ['RSS rises by MB', respite.riseMegabytes, redis.riseMegabytes],
];
console.log(`${keys} keys; load: SET of random keys, 50 clients, 16 at a time\n`);
const cells = rows.map(([name, ...values]) => [
  String(name),
  ...values.map((value) => formatNumber(Number(value))),
]);
console.log(markdownTable(['', 'Respite', 'redis'], cells));
const verdicts = [
  { what: 'SAVE beside redis', value: respite.saveSeconds / redis.saveSeconds, max: MAX_SAVE_RATIO },
  { what: 'slower during BGSAVE', value: respite.before / respite.during, max: MAX_SLOWDOWN },
  { what: 'p99.9 PING during BGSAVE', value: respite.p999Ms, max: MAX_P999_MS, unit: 'ms' },
  { what: 'worst PING during BGSAVE', value: respite.worstMs, max: MAX_STALL_MS, unit: 'ms' },
];
conclude({ title: 'bench:persistence', results: { respite, redis }, verdicts, options });
