// Minutes of mixed work with eviction, expiry and defragmentation; then what is counted must be what is there.
import { parseArgs } from 'node:util';
import { startServer } from '../../bench/lib/servers.mjs';
import { sleep } from '../../bench/lib/stats.mjs';
import { Random } from '../differential/random.mjs';

const MIB = 1024 * 1024;
const LIMIT_MIB = 40;
/** What one batch of commands may add before the next command evicts. */
const TOLERANCE_BYTES = 4 * MIB;
const AUDIT_EVERY_MS = 10_000;

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '600' },
    seed: { type: 'string', default: String(Date.now() % 1e6) },
    connections: { type: 'string', default: '8' },
    respite: { type: 'string', default: 'node dist/main.cjs' },
  },
});
const random = new Random(Number(options.seed));
const server = await startServer({
  name: 'respite',
  command: options.respite,
  args: [
    ...[
      '--maxmemory',
      `${LIMIT_MIB}mb`,
      '--maxmemory-policy',
      'allkeys-lru',
      '--enable-debug-command',
      'yes',
    ],
    ...[
      '--activedefrag',
      'yes',
      '--active-defrag-ignore-bytes',
      '1mb',
      '--active-defrag-threshold-lower',
      '5',
    ],
    ...['--notify-keyspace-events', 'AKE', '--hz', '50'],
  ],
});
console.log(`soak for ${options.seconds} s, seed ${options.seed}, port ${server.port}`);
const end = Date.now() + Number(options.seconds) * 1000;
const totals = { commands: 0, errors: 0, peakBytes: 0, audits: 0 };
let problem = '';
try {
  const workers = Array.from({ length: Number(options.connections) }, () => work());
  const watcher = watch();
  await Promise.all([...workers, watcher]);
  if (problem === '') await finalAudit();
} finally {
  await server.stop();
}
if (/Internal error/.test(server.output())) problem ||= 'the server logged internal errors';
console.log(
  `${totals.commands} commands, ${totals.errors} errors, ${totals.audits} audits, ` +
    `used_memory at most ${(totals.peakBytes / MIB).toFixed(2)} MiB of ${LIMIT_MIB}`,
);
if (problem !== '') {
  console.error(`FAILED: ${problem}\n${server.output().slice(-4000)}`);
  process.exitCode = 1;
}

/** In [0, n). @param {number} n */
function below(n) {
  return random.integer(0, n - 1);
}

/** @template T @param {T[]} choices @returns {T} */
function oneOf(choices) {
  return choices[below(choices.length)];
}

/** @param {string} type */
function key(type) {
  // A few keys become big; most are met once or twice.
  return `${type}:${below(4) === 0 ? below(10) : below(30_000)}`;
}

function text() {
  const length = oneOf([5, 20, 60, 200, 1000, 1000, 30_000]);
  return String.fromCharCode(97 + below(26)).repeat(below(length) + 1) + below(1000);
}

/** @param {() => (string | number)[]} make @param {number} [most] */
function several(make, most = 40) {
  return Array.from({ length: 1 + below(most) }, make).flat();
}

function short() {
  return `element:${below(5000)}`;
}

/** @returns {(string | number)[]} */
function command() {
  const makers = [
    () => ['SET', key('string'), text()],
    () => ['SET', key('string'), text(), 'PX', 1 + below(5000)],
    () => ['APPEND', key('string'), text()],
    () => ['SETRANGE', key('string'), below(50_000), text()],
    () => ['INCR', `counter:${below(1000)}`],
    () => ['GETDEL', key('string')],
    () => ['HSET', key('hash'), ...several(() => [short(), text()])],
    () => ['HDEL', key('hash'), ...several(() => [short()])],
    () => ['HPEXPIRE', key('hash'), 1 + below(3000), 'FIELDS', 3, short(), short(), short()],
    () => ['SADD', key('set'), ...several(() => [oneOf([short(), below(1000), text()])])],
    () => ['SADD', key('intset'), ...several(() => [below(100_000)])],
    () => ['SREM', key('set'), ...several(() => [short()])],
    () => ['SPOP', key('set'), below(20)],
    () => ['ZADD', key('zset'), ...several(() => [below(100), short()])],
    () => ['ZREM', key('zset'), ...several(() => [short()])],
    () => ['ZREMRANGEBYRANK', key('zset'), 0, below(30)],
    () => ['ZUNIONSTORE', key('zset'), 2, key('zset'), key('set')],
    () => [oneOf(['LPUSH', 'RPUSH']), key('list'), ...several(() => [text()], 20)],
    () => [oneOf(['LPOP', 'RPOP']), key('list'), below(30)],
    () => ['LTRIM', key('list'), below(50), -1 - below(50)],
    () => ['LINSERT', key('list'), 'BEFORE', text(), text()],
    () => ['LSET', key('list'), below(5), text()],
    () => ['PFADD', key('hll'), ...several(() => [short()])],
    () => ['SETBIT', key('bits'), below(100_000), 1],
    () => [oneOf(['DEL', 'UNLINK']), key(oneOf(['string', 'hash', 'set', 'zset', 'list']))],
    () => ['PEXPIRE', key(oneOf(['string', 'hash', 'set', 'zset', 'list'])), below(5000)],
    () => ['PERSIST', key(oneOf(['string', 'hash']))],
    () => sameType('RENAME'),
    () => [...sameType('COPY'), 'REPLACE'],
    () => ['GET', key('string')],
    () => ['HGETALL', key('hash')],
    () => ['LRANGE', key('list'), 0, 50],
    () => ['OBJECT', 'ENCODING', key('string')],
  ];
  if (below(5000) === 0) return rareCommand();
  return oneOf(makers)();
}

/** @param {string} name */
function sameType(name) {
  const type = oneOf(['string', 'hash', 'set', 'zset', 'list']);
  return [name, key(type), key(type)];
}

/** @returns {(string | number)[]} */
function rareCommand() {
  return oneOf([
    ['FLUSHDB', 'ASYNC'],
    ['FLUSHALL'],
    ['SWAPDB', 0, 1],
    ['SELECT', below(3)],
    [
      'CONFIG',
      'SET',
      'maxmemory-policy',
      oneOf(['allkeys-lru', 'allkeys-lfu', 'allkeys-random', 'volatile-ttl']),
    ],
    ['CONFIG', 'SET', 'maxmemory', `${LIMIT_MIB - below(20)}mb`],
    ['MEMORY', 'PURGE'],
    ['CONFIG', 'SET', 'list-max-listpack-size', oneOf([-2, -1, 10, 128])],
    ['SORT', key('list'), 'ALPHA', 'STORE', key('list')],
  ]);
}

async function work() {
  const client = await server.connect();
  while (Date.now() < end && problem === '') {
    const commands = Array.from({ length: 1 + below(50) }, command);
    const transaction = below(10) === 0;
    const sent = transaction ? [['MULTI'], ...commands, ['EXEC']] : commands;
    const replies = await client.pipeline(sent);
    totals.commands += sent.length;
    for (const reply of replies) if (reply instanceof Error) countError(reply);
  }
  client.close();
}

/** @param {Error} error */
function countError(error) {
  totals.errors++;
  const expected =
    /^(WRONGTYPE|OOM|EXECABORT|ERR (no such key|source and destination|index out of range|value is not an integer|One or more scores))/;
  if (!expected.test(error.message)) problem ||= `unexpected error: ${error.message}`;
}

async function watch() {
  const client = await server.connect();
  let auditAt = Date.now() + AUDIT_EVERY_MS;
  while (Date.now() < end && problem === '') {
    const info = String(await client.command('INFO', 'memory'));
    const used = Number(/used_memory:(\d+)/.exec(info)?.[1]);
    totals.peakBytes = Math.max(totals.peakBytes, used);
    if (used > LIMIT_MIB * MIB + TOLERANCE_BYTES && /policy:allkeys/.test(info)) {
      problem ||= `${used} bytes are in use, above the limit`;
    }
    if (Date.now() >= auditAt) {
      await audit(client);
      auditAt = Date.now() + AUDIT_EVERY_MS;
    }
    await sleep(20);
  }
  client.close();
}

/** @param {import('../../bench/lib/client.mjs').RawClient} client */
async function audit(client) {
  const lines = await client.command('DEBUG', 'AUDIT-MEMORY');
  totals.audits++;
  for (let i = 0; i < lines.length; i += 2) {
    const [counted, live] = lines[i + 1];
    if (counted !== live) problem ||= `${lines[i]}: ${counted} bytes are counted, ${live} are there`;
  }
  return lines;
}

/** With nobody at work, and then with nothing there. */
async function finalAudit() {
  const client = await server.connect();
  console.log(JSON.stringify(await audit(client)));
  const stats = String(await client.command('INFO', 'stats'));
  for (const name of ['evicted_keys', 'expired_keys', 'active_defrag_hits', 'active_defrag_misses']) {
    console.log(`${name} ${new RegExp(`${name}:(\\d+)`).exec(stats)?.[1]}`);
  }
  await client.command('FLUSHALL');
  const empty = await audit(client);
  if (empty[1][0] !== 0 || empty[5][0] !== 0 || empty[7][0] !== 0) {
    problem ||= `an empty server counts ${JSON.stringify(empty)}`;
  }
  client.close();
}
