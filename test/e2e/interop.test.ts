import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { samples } from '../persistence/samples.js';
import { dataFolder } from '../support/data-folder.js';
import { describeWithRedisServer, startRedisServer } from '../support/redis-server.js';
import { connectTo, startRespite } from '../support/respite.js';
import { rewritten } from '../support/waiting.js';

/**
 * A server of either kind on files in a folder, and how it ends: without losing what it was told, and without writing
 * more.
 */
interface Server {
  redis: Redis;
  stop(): Promise<void>;
}

interface FileOptions {
  appendonly?: boolean;
  preamble?: boolean;
}

async function startOurs(dir: string, { appendonly = false, preamble = true }: FileOptions): Promise<Server> {
  const server = await startRespite({
    dir,
    appendonly,
    'aof-use-rdb-preamble': preamble,
    'rdb-version': '10',
    'enable-debug-command': 'yes',
  });
  return { redis: connectTo(server.port), stop: () => server.close() };
}

async function startTheirs(
  dir: string,
  { appendonly = false, preamble = true }: FileOptions,
): Promise<Server> {
  const server = await startRedisServer(
    ...['--dir', dir, '--appendonly', appendonly ? 'yes' : 'no', '--enable-debug-command', 'yes'],
    ...['--aof-use-rdb-preamble', preamble ? 'yes' : 'no', '--appendfsync', 'always'],
  );
  return { redis: connectTo(server.port), stop: () => server.stop() };
}

const starts = { respite: startOurs, 'redis-server': startTheirs };

const library = `#!lua name=shelf
redis.register_function('put', function(keys, args) return redis.call('SET', keys[1], args[1]) end)
redis.register_function{function_name='look', callback=function(keys) return redis.call('GET', keys[1]) end, flags={'no-writes'}}`;

/** Every type in every encoding, on both sides of the thresholds, in several databases, some with an expiry. */
async function fill(redis: Redis): Promise<void> {
  for (const [i, [command, ...args]] of samples.entries()) {
    await redis.select(i % 16);
    await redis.call(command, `sample:${i}`, ...args);
    if (i % 3 === 0) await redis.pexpireat(`sample:${i}`, 9_999_999_999_999 - i);
  }
  await redis.select(3);
  for (const count of [1, 127, 128, 129, 511, 512, 513]) {
    const texts = Array.from({ length: count }, (_, n) => `x${n}`);
    await redis.sadd(`intset:${count}`, ...texts.map((_, n) => n * 70_000));
    await redis.sadd(`set:${count}`, ...texts);
    await redis.hset(`hash:${count}`, ...texts.flatMap((text) => [text, text]));
    await redis.zadd(`zset:${count}`, ...texts.flatMap((text, n) => [n / 3, text]));
    await redis.rpush(`list:${count}`, ...texts);
  }
  for (const length of [64, 65]) {
    await redis.hset(`hash of ${length}`, 'f', 'v'.repeat(length));
    await redis.sadd(`set of ${length}`, 'v'.repeat(length));
    await redis.zadd(`zset of ${length}`, '-inf', 'v'.repeat(length), '+inf', 'w');
  }
  await redis.pfadd('hyperloglog', ...Array.from({ length: 5000 }, (_, n) => n));
  await redis.setbit('bits', 100_000, 1);
  await redis.geoadd('places', 13.361389, 38.115556, 'Palermo', 15.087269, 37.502669, 'Catania');
  await fillStreams(redis);
  await redis.function('LOAD', library);
  await redis.fcall('put', 1, 'by function', 'v');
  await redis.eval("return redis.call('SET', KEYS[1], ARGV[1])", 1, 'by script', 'v');
  await redis
    .multi()
    .incrbyfloat('float', 0.1)
    .spop('set:127')
    .lpop('list:129')
    .set('last', 1, 'EX', 10_000)
    .exec();
}

/**
 * Streams of one node and of several, with deleted entries, groups, consumers and pending entries; one that is empty.
 */
async function fillStreams(redis: Redis): Promise<void> {
  for (const entries of [3, 99, 100, 101, 350]) {
    const key = `stream:${entries}`;
    const pipeline = redis.pipeline();
    for (let n = 1; n <= entries; n++) {
      const fields = n % 5 === 0 ? ['other', `${n}`] : ['n', `${n}`, 'm', `-${n}`];
      pipeline.xadd(key, `${1_700_000_000_000 + (n >> 1)}-${n}`, ...fields);
    }
    await pipeline.exec();
    await redis.xdel(key, '1700000000001-2', '1700000000001-3');
    await redis.xgroup('CREATE', key, 'idle', '$');
    await redis.xgroup('CREATE', key, 'busy', '0');
    await redis.xreadgroup('GROUP', 'busy', 'alice', 'COUNT', 2, 'STREAMS', key, '>');
    await redis.xreadgroup('GROUP', 'busy', 'bob', 'COUNT', 7, 'STREAMS', key, '>');
    await redis.xack(key, 'busy', '1700000000000-1');
    await redis.xgroup('CREATECONSUMER', key, 'busy', 'carol');
  }
  await redis.xtrim('stream:350', 'MAXLEN', 200);
  await redis.xgroup('CREATE', 'stream:empty', 'g', '5-5', 'MKSTREAM');
  await redis.xadd('stream:gone', '7-7', 'a', 'b');
  await redis.xdel('stream:gone', '7-7');
}

/** All that a server has, in a form that both kinds give alike. */
async function contents(redis: Redis): Promise<unknown> {
  const databases: unknown[] = [];
  for (let database = 0; database < 16; database++) {
    await redis.select(database);
    for (const key of (await redis.keys('*')).sort()) {
      const type = await redis.type(key);
      const digest = await redis.call('DEBUG', 'DIGEST-VALUE', key);
      const more = type === 'stream' ? await streamDetails(redis, key) : undefined;
      databases.push([database, key, type, await redis.pexpiretime(key), digest, more]);
    }
  }
  await redis.select(0);
  const functions = (await redis.function('LIST', 'WITHCODE')) as unknown[][];
  return {
    digest: await redis.call('DEBUG', 'DIGEST'),
    databases,
    functions: functions.map(sortedFunctions),
  };
}

/** The functions of a library come in any order. */
function sortedFunctions(library: unknown[]): unknown[] {
  const at = library.indexOf('functions') + 1;
  const functions = [...(library[at] as unknown[])].sort((a, b) => (String(a) < String(b) ? -1 : 1));
  return library.with(at, functions);
}

/** What XINFO tells of a stream but for how it lies in memory, and when consumers were seen. */
async function streamDetails(redis: Redis, key: string): Promise<unknown> {
  const info = (await redis.xinfo('STREAM', key, 'FULL', 'COUNT', 0)) as unknown[];
  return without(info, new Set(['radix-tree-keys', 'radix-tree-nodes', 'seen-time', 'active-time']));
}

function without(value: unknown, names: Set<string>): unknown {
  if (!Array.isArray(value)) return value;
  const kept: unknown[] = [];
  for (let i = 0; i < value.length; i++) {
    if (names.has(value[i] as string)) i++;
    else kept.push(without(value[i], names));
  }
  return kept;
}

/** Runs a checker of Redis on a file; its output. */
function passes(tool: 'redis-check-rdb' | 'redis-check-aof', ...path: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(tool, [join(...path)], { encoding: 'latin1' });
  if (error !== undefined) throw error;
  expect(status, stdout + stderr).toBe(0);
  return stdout;
}

const directions = [
  ['respite', 'redis-server'],
  ['redis-server', 'respite'],
] as const;

describeWithRedisServer('all data', () => {
  describe.each(directions)('of %s', (from, to) => {
    it(`is there when ${to} starts on its snapshot`, async () => {
      const dir = dataFolder();
      const writer = await starts[from](dir, {});
      await fill(writer.redis);
      await writer.redis.save();
      const before = await contents(writer.redis);
      await writer.stop();
      expect(passes('redis-check-rdb', dir, 'dump.rdb')).toContain('RDB looks OK!');
      const reader = await starts[to](dir, {});
      expect(await contents(reader.redis)).toEqual(before);
      await reader.stop();
    });

    it.each([true, false])(
      `is there when ${to} starts on its append-only file (base in the form of a snapshot: %s)`,
      async (preamble) => {
        const dir = dataFolder();
        const options = { appendonly: true, preamble };
        const writer = await starts[from](dir, options);
        await fill(writer.redis);
        await rewritten(writer.redis);
        await writer.redis.function('FLUSH');
        await writer.redis.flushdb();
        await fill(writer.redis);
        const before = await contents(writer.redis);
        await writer.stop();
        const output = passes('redis-check-aof', dir, 'appendonlydir', 'appendonly.aof.manifest');
        expect(output).toContain('All AOF files and manifest are valid');
        const reader = await starts[to](dir, options);
        expect(await contents(reader.redis)).toEqual(before);
        await reader.redis.set('more', '1');
        await reader.stop();
        // And back again, on what the other one appended.
        const again = await starts[from](dir, options);
        expect(await again.redis.get('more')).toBe('1');
        await again.stop();
      },
    );
  });
});
