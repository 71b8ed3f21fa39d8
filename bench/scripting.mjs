// Server CPU per run of typical scripts. See bench/README.md.

import { pipelineAll } from './lib/client.mjs';
import { parseCount, readOptions } from './lib/options.mjs';
import { cpuMicroseconds } from './lib/process-usage.mjs';
import { conclude, formatNumber, markdownTable } from './lib/report.mjs';
import { requirePrograms, splitCommandLine, startServer } from './lib/servers.mjs';
import { median } from './lib/stats.mjs';

const options = readOptions('Measures EVALSHA.', {
  runs: {
    type: 'string',
    default: '300k',
    help: 'runs of the quickest script in one round; slower ones run less. The kernel counts in steps of 10 ms',
  },
  pipeline: { type: 'string', default: '16', help: 'calls that a client sends in one go' },
  clients: { type: 'string', default: '20', help: 'clients at the same time' },
  rounds: { type: 'string', default: '3', help: 'rounds of each script; the median counts' },
});
requirePrograms(splitCommandLine(options.redis)[0]);
const runs = parseCount(options.runs);
const pipeline = parseCount(options.pipeline);
const clientCount = parseCount(options.clients);
const rounds = parseCount(options.rounds);

const job = JSON.stringify({
  id: 12345,
  name: 'user name here',
  tags: ['a', 'b', 'c', 'd'],
  scores: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  nested: { x: 1, y: 2, z: { deep: true } },
  text: 'lorem ipsum dolor sit amet '.repeat(4),
});
/** `{t = 1, token = 'abc', lock = 30000}` in MessagePack. */
const packed = '\x83\xa1t\x01\xa5token\xa3abc\xa4lock\xcd\x75\x30';

/**
 * `share`: of the runs of the quickest; `max`: at most this many times redis-server's CPU time.
 *
 * @type {{ name: string, share: number, max: number, script: string, keys: string[], args: string[] }[]}
 */
const cases = [
  { name: 'one GET', share: 1, max: 1, script: "return redis.call('GET', KEYS[1])", keys: ['k'], args: [] },
  {
    name: 'rate limiter, 10 commands',
    share: 0.3,
    max: 1.2,
    keys: ['limit'],
    args: ['0', '1000', 'm1', '60000'],
    script: `local k, meta = KEYS[1], KEYS[1] .. ':m'
      redis.call('ZREMRANGEBYSCORE', k, 0, ARGV[1])
      local count = redis.call('ZCARD', k)
      redis.call('HSET', meta, 'last', ARGV[2])
      redis.call('HINCRBY', meta, 'n', 1)
      if count < 5 then redis.call('ZADD', k, ARGV[2], ARGV[3]) end
      redis.call('PEXPIRE', k, ARGV[4])
      redis.call('PEXPIRE', meta, ARGV[4])
      redis.call('PTTL', k)
      redis.call('ZRANGE', k, 0, 0, 'WITHSCORES')
      redis.call('GET', 'k')
      return count >= 5 and 0 or 1`,
  },
  {
    name: 'taking a job, 20 commands, cjson, cmsgpack',
    share: 0.1,
    max: 1.3,
    keys: ['bull:{q}:'],
    args: [packed, '1000', job],
    script: `local p = KEYS[1]
      local opts = cmsgpack.unpack(ARGV[1])
      redis.call('HSET', p .. 'meta', 'a', 1)
      redis.call('HMGET', p .. 'meta', 'paused', 'concurrency')
      redis.call('LPUSH', p .. 'wait', '7')
      local id = redis.call('RPOPLPUSH', p .. 'wait', p .. 'active')
      redis.call('ZADD', p .. 'delayed', opts.t, '9')
      redis.call('ZRANGEBYSCORE', p .. 'delayed', 0, opts.t, 'LIMIT', 0, 10)
      redis.call('ZREM', p .. 'delayed', '9')
      redis.call('SET', p .. id .. ':lock', opts.token, 'PX', opts.lock)
      redis.call('HSET', p .. id, 'processedOn', ARGV[2], 'data', ARGV[3])
      redis.call('HINCRBY', p .. id, 'ats', 1)
      redis.call('HDEL', p .. id, 'pb')
      local fields = redis.call('HGETALL', p .. id)
      local data = cjson.decode(ARGV[3])
      redis.call('SADD', p .. 'stalled', id)
      redis.call('SREM', p .. 'stalled', id)
      redis.call('LREM', p .. 'active', 1, id)
      redis.call('ZCARD', p .. 'delayed')
      redis.call('LLEN', p .. 'wait')
      redis.call('EXISTS', p .. 'limiter')
      redis.call('PTTL', p .. 'limiter')
      redis.call('DEL', p .. id .. ':lock')
      local encoded = cjson.encode({ id = id, tags = data.tags })
      return #encoded > 0 and #cmsgpack.pack(fields) > 0 and 1`,
  },
  {
    name: 'fib(25)',
    share: 0.0005,
    max: 1.3,
    script:
      'local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end return fib(25)',
    keys: [],
    args: [],
  },
];

// Both servers run side by side and take turns, so that what else the machine does hits both.
const servers = {
  respite: await startServer({ name: 'Respite', command: options.respite }),
  redis: await startServer({ name: 'redis', command: options.redis }),
};
/** @type {{ name: string, max: number, respite: number, redis: number, ratio: number }[]} */
const results = [];
try {
  for (const each of cases) {
    /** @type {{ respite: number[], redis: number[] }} */
    const measured = { respite: [], redis: [] };
    for (let round = 0; round < rounds; round++) {
      measured.redis.push(await perRun(servers.redis, each));
      measured.respite.push(await perRun(servers.respite, each));
    }
    const [respite, redis] = [median(measured.respite), median(measured.redis)];
    results.push({ name: each.name, max: each.max, respite, redis, ratio: respite / redis });
  }
} finally {
  await servers.respite.stop();
  await servers.redis.stop();
}

console.log(`EVALSHA, ${clientCount} clients, pipeline ${pipeline}; server CPU in us per run\n`);
const rows = results.map(({ name, respite, redis, ratio, max }) => [
  name,
  ...[respite, redis, ratio, max].map(formatNumber),
]);
console.log(markdownTable(['script', 'Respite', 'redis', 'ratio', 'at most'], rows));
const verdicts = results.map(({ name, ratio, max }) => ({ what: name, value: ratio, max }));
conclude({ title: 'bench:scripting', results, verdicts, options });

/**
 * @param {import('./lib/servers.mjs').RunningServer} server
 * @param {(typeof cases)[number]} script
 * @returns {Promise<number>} µs
 */
async function perRun(server, { script, share, keys, args }) {
  const clients = await Promise.all(Array.from({ length: clientCount }, () => server.connect()));
  await clients[0].command('SET', 'k', 'hello-world-value');
  const digest = await clients[0].command('SCRIPT', 'LOAD', script);
  const call = ['EVALSHA', digest, keys.length, ...keys, ...args];
  const first = await clients[0].command(...call);
  if (first instanceof Error) throw first;
  const total = Math.max(runs * share, clientCount);
  await pipelineAll(clients, call, total / 4, atOnce(total / 4));
  const before = cpuMicroseconds(server.pid);
  const sent = await pipelineAll(clients, call, total, atOnce(total));
  const used = cpuMicroseconds(server.pid) - before;
  for (const client of clients) client.close();
  return used / sent;
}

/** Calls that a client sends in one go: fewer than the option says where there are too few. @param {number} total */
function atOnce(total) {
  return Math.max(1, Math.min(pipeline, Math.floor(total / clientCount)));
}
