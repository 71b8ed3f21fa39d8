// Bytes per key and per element beside redis-server, and 20M keys. See bench/README.md.
import { fill } from './lib/client.mjs';
import { usedMemory } from './lib/info.mjs';
import { parseCount, readOptions } from './lib/options.mjs';
import { pingRows, startProbe } from './lib/probe.mjs';
import { cpuMicroseconds, rssBytes } from './lib/process-usage.mjs';
import { conclude, formatNumber, markdownTable } from './lib/report.mjs';
import { onEachSide, requirePrograms, splitCommandLine } from './lib/servers.mjs';
import { median } from './lib/stats.mjs';

/** Ratio Respite / redis-server that every shape may reach at most, and the exception. */
const MAX_RATIO = 0.7;
const MAX_RATIO_BIG_LIST = 1.1;

/** What the load of many small keys may show at most. */
const MAX_STALL_MS = 15;
const MAX_SLICE_RATIO = 2;

const BIG_SLICES = 20;
const COLLECTIONS = 50_000;
const MEMBERS = 500_000;

/** @param {number} i @returns {string} 16 bytes, unlike each other */
const sixteen = (i) => `key:${String(i).padStart(12, '0')}`;
/** @param {number} count @param {(i: number) => (string | number)[]} make */
const repeat = (count, make) => Array.from({ length: count }, (_, i) => make(i)).flat();

/**
 * One way to fill a server: `make(i)` is the command with number i of `commands`, and the memory taken is
 * divided by `units`.
 *
 * @type {{ name: string, commands: number, units: number, make: (i: number) => (string | number)[], max?: number }[]}
 */
const SHAPES = [
  keys('string, 16 B key and 16 B value', 500_000, (i) => ['SET', sixteen(i), sixteen(i)]),
  keys('string with TTL', 500_000, (i) => ['SET', sixteen(i), sixteen(i), 'EX', 100_000 + (i % 1000)]),
  keys('hash of 5 short fields', COLLECTIONS, (i) => [
    ...['HSET', sixteen(i)],
    ...repeat(5, (n) => [`field${n}`, `value${n}`]),
  ]),
  keys('set of 10 ints', COLLECTIONS, (i) => ['SADD', sixteen(i), ...repeat(10, (n) => [i + n])]),
  keys('list of ten 16 B items', COLLECTIONS, (i) => [
    'RPUSH',
    sixteen(i),
    ...repeat(10, (n) => [sixteen(n)]),
  ]),
  keys('zset of 10', COLLECTIONS, (i) => ['ZADD', sixteen(i), ...repeat(10, (n) => [n, `member${n}`])]),
  elements('element of one big hash', (i) => ['HSET', 'big', sixteen(i), sixteen(i)]),
  elements('element of one big set', (i) => ['SADD', 'big', sixteen(i)]),
  elements('element of one big zset', (i) => ['ZADD', 'big', i, sixteen(i)]),
  { ...elements('element of one big list', (i) => ['RPUSH', 'big', sixteen(i)]), max: MAX_RATIO_BIG_LIST },
];

/** @param {string} name @param {number} count @param {(i: number) => (string | number)[]} make */
function keys(name, count, make) {
  return { name, commands: count, units: count, make };
}

/** @param {string} name @param {(i: number) => (string | number)[]} make */
function elements(name, make) {
  return keys(name, MEMBERS, make);
}

const options = readOptions('Compares memory per key and per element with redis-server.', {
  scale: { type: 'string', default: '1', help: 'multiplies the number of keys of each shape' },
  big: { type: 'boolean', default: false, help: 'load many small keys and watch time and stalls' },
  'big-keys': { type: 'string', default: '20M', help: 'how many keys --big loads' },
});
requirePrograms(splitCommandLine(options.redis)[0]);
const commands = { respite: options.respite, redis: options.redis };
if (options.big) await loadManyKeys();
else await compareShapes();

async function compareShapes() {
  const rows = [];
  for (const shape of SHAPES) {
    const sides = await onEachSide(commands, [], (server) => measureShape(server, shape));
    rows.push({ shape: shape.name, max: shape.max ?? MAX_RATIO, ...sides });
  }
  const done = rows.flatMap(({ respite, redis, ...row }) =>
    respite && redis ? [{ ...row, respite, redis, ratio: respite.bytes / redis.bytes }] : [],
  );
  const headings = ['bytes per', 'Respite', 'redis', 'ratio', 'RSS', 'redis RSS', 'RSS ratio'];
  const cells = rows.map(({ shape, respite, redis }) =>
    respite && redis
      ? [shape, ...triple(respite.bytes, redis.bytes), ...triple(respite.rss, redis.rss)]
      : [shape, respite ? formatNumber(respite.bytes) : 'not yet', ...Array(5).fill('')],
  );
  console.log(markdownTable(headings, cells));
  const verdicts = done.map((row) => ({ what: row.shape, value: row.ratio, max: row.max }));
  conclude({ title: 'bench:memory', results: done, verdicts, options });
}

/** @param {number} ours @param {number} theirs */
function triple(ours, theirs) {
  return [ours, theirs, ours / theirs].map(formatNumber);
}

/**
 * @param {import('./lib/servers.mjs').RunningServer} server
 * @param {typeof SHAPES[number]} shape
 * @returns {Promise<{ bytes: number, rss: number } | undefined>} undefined when the server lacks the command
 */
async function measureShape(server, shape) {
  const client = await server.connect();
  const [commandName] = shape.make(0);
  const answer = await client.command(commandName);
  if (/unknown command/.test(String(answer))) return undefined;
  const scale = Number(options.scale);
  const before = { bytes: await usedMemory(client), rss: rssBytes(server.pid) };
  await fill(client, Math.ceil(shape.commands * scale), shape.make, { batch: 100 });
  const after = { bytes: await usedMemory(client), rss: rssBytes(server.pid) };
  client.close();
  const units = shape.units * scale;
  return { bytes: (after.bytes - before.bytes) / units, rss: (after.rss - before.rss) / units };
}

async function loadManyKeys() {
  const total = parseCount(options['big-keys']);
  const sides = await onEachSide(commands, [], (server) => loadKeys(server, total));
  const rows = [
    ['seconds', sides.respite.seconds, sides.redis.seconds],
    ['CPU ns per insert, median slice', sides.respite.medianNs, sides.redis.medianNs],
    ['CPU ns per insert, slowest slice', sides.respite.worstNs, sides.redis.worstNs],
    ...pingRows(sides),
    ['used_memory per key', sides.respite.bytes, sides.redis.bytes],
    ['RSS per key', sides.respite.rss, sides.redis.rss],
  ];
  console.log(`${total} small keys\n`);
  const cells = rows.map(([name, ours, theirs]) => [String(name), ...triple(Number(ours), Number(theirs))]);
  console.log(markdownTable(['', 'Respite', 'redis', 'ratio'], cells));
  /** @param {number[]} slices */
  const line = (slices) => slices.map((ns) => ns.toFixed(0)).join(' ');
  console.log(`\nCPU ns per insert by slice\n  Respite ${line(sides.respite.slices)}`);
  console.log(`  redis   ${line(sides.redis.slices)}`);
  const { worstMs, worstNs, medianNs } = sides.respite;
  const verdicts = [
    { what: 'worst stall while loading', value: worstMs, max: MAX_STALL_MS, unit: 'ms' },
    { what: 'slowest slice / median slice', value: worstNs / medianNs, max: MAX_SLICE_RATIO },
  ];
  conclude({
    title: 'bench:memory --big',
    results: sides,
    verdicts,
    options,
  });
}

/**
 * @param {import('./lib/servers.mjs').RunningServer} server
 * @param {number} total
 */
async function loadKeys(server, total) {
  const client = await server.connect();
  const before = { bytes: await usedMemory(client), rss: rssBytes(server.pid) };
  const probe = await startProbe(server.port);
  const sliceSize = total / BIG_SLICES;
  /** @type {number[]} */
  const slices = [];
  const startedAt = performance.now();
  let [cpu, from] = [cpuMicroseconds(server.pid), 0];
  // Short batches: a PING waits for the batch that the server is at, and that is not a stall. One at a time: this
  // process and the server take turns, and leave a processor to the probe and to the engine's threads even where there
  // are two.
  await fill(client, total, (i) => ['SET', sixteen(i), `value:${i % 100}`], {
    batch: 100,
    inFlight: 1,
    onProgress(sent) {
      if (sent < sliceSize * (slices.length + 1)) return;
      const now = cpuMicroseconds(server.pid);
      slices.push(((now - cpu) * 1000) / (sent - from));
      [cpu, from] = [now, sent];
    },
  });
  const seconds = (performance.now() - startedAt) / 1000;
  const probed = await probe.stop();
  const size = Number(await client.command('DBSIZE'));
  if (size !== total) throw new Error(`${server.name} holds ${size} keys, not ${total}`);
  const bytes = ((await usedMemory(client)) - before.bytes) / total;
  const rss = (rssBytes(server.pid) - before.rss) / total;
  client.close();
  const [medianNs, worstNs] = [median(slices), Math.max(...slices)];
  return { seconds, slices, medianNs, worstNs, ...probed, bytes, rss };
}
