import type { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { dataFolder } from '../support/data-folder.js';
import { infoNumber } from '../support/info.js';
import { propagated, propagationLog } from '../support/propagation-log.js';
import { connect, connected, startRespite, startWithClient } from '../support/respite.js';
import { rewritten, until, untilBusy, untilInfo } from '../support/waiting.js';

/** Sets the limit to what is in use and so much more. */
async function leaveRoomFor(redis: Redis, bytes: number, policy: string): Promise<number> {
  const limit = (await infoNumber(redis, 'used_memory')) + bytes;
  await redis.config('SET', 'maxmemory-policy', policy);
  await redis.config('SET', 'maxmemory', limit);
  return limit;
}

const oom = "OOM command not allowed when used memory > 'maxmemory'.";
const value = 'v'.repeat(1000);

async function setMany(redis: Redis, from: number, to: number): Promise<void> {
  const pipeline = redis.pipeline();
  for (let i = from; i < to; i++) pipeline.set(`key:${i}`, value);
  for (const [error] of (await pipeline.exec()) ?? []) if (error !== null) throw error;
}

describe('maxmemory', () => {
  it.each(['allkeys-lru', 'allkeys-lfu', 'allkeys-random'])('is kept by evicting with %s', async (policy) => {
    const { redis } = await startWithClient();
    const limit = await leaveRoomFor(redis, 200_000, policy);
    await setMany(redis, 0, 2000);
    expect(await infoNumber(redis, 'used_memory')).toBeLessThan(limit + 40_000);
    const left = await redis.dbsize();
    expect(left).toBeGreaterThan(50);
    expect(await infoNumber(redis, 'evicted_keys')).toBe(2000 - left);
    expect(await redis.get('key:1999')).toBe(value);
  });

  it('without eviction refuses what takes memory, and lets the rest be', async () => {
    const { redis } = await startWithClient();
    await setMany(redis, 0, 100);
    await redis.rpush('list', 'a', 'b');
    await leaveRoomFor(redis, -50_000, 'noeviction');
    await expect(redis.set('new', 'x')).rejects.toThrow(oom);
    await expect(redis.lpush('list', 'x')).rejects.toThrow(oom);
    expect(await redis.get('key:95')).toBe(value);
    expect(await redis.lpop('list')).toBe('a');
    expect(await redis.expire('key:95', 100)).toBe(1);
    expect(await redis.del(...Array.from({ length: 90 }, (_, i) => `key:${i}`))).toBe(90);
    expect(await redis.set('new', 'x')).toBe('OK');
  });

  it('refuses to queue, and to run, a transaction that takes memory', async () => {
    const { redis } = await startWithClient();
    await setMany(redis, 0, 100);
    const other = redis.duplicate();
    await redis.multi({ pipeline: false });
    expect(await redis.set('a', 'x')).toBe('QUEUED');
    await leaveRoomFor(other, -50_000, 'noeviction');
    await expect(redis.call('GET', 'key:1')).rejects.toThrow(oom);
    await expect(redis.call('EXEC')).rejects.toThrow(/^(EXECABORT|OOM)/);
    await redis.multi({ pipeline: false }).catch(() => {});
    await expect(redis.call('SET', 'a', 'x')).rejects.toThrow(oom);
    await redis.call('DISCARD');
    expect(await redis.exists('a')).toBe(0);
    other.disconnect();
  });

  it('refuses when only keys without expiry are left under a volatile policy', async () => {
    const { redis } = await startWithClient();
    await leaveRoomFor(redis, 100_000, 'volatile-lru');
    await redis.set('volatile', value, 'EX', 1000);
    await expect(setMany(redis, 0, 200)).rejects.toThrow(oom);
    expect(await redis.exists('volatile')).toBe(0);
    expect(await infoNumber(redis, 'evicted_keys')).toBe(1);
  });

  it('evicts at once when it is set below what is in use', async () => {
    const { redis } = await startWithClient({ 'maxmemory-eviction-tenacity': 100 });
    await setMany(redis, 0, 1000);
    await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
    const limit = (await infoNumber(redis, 'used_memory')) - 500_000;
    await redis.config('SET', 'maxmemory', limit);
    expect(await infoNumber(redis, 'used_memory')).toBeLessThanOrEqual(limit + 20_000);
    expect(await redis.dbsize()).toBeLessThan(700);
  });

  it('goes on between events when a slice was not enough', async () => {
    const { redis } = await startWithClient({ 'maxmemory-eviction-tenacity': 0 });
    await setMany(redis, 0, 3000);
    await redis.config('SET', 'maxmemory-policy', 'allkeys-random');
    const limit = (await infoNumber(redis, 'used_memory')) - 2_000_000;
    await redis.config('SET', 'maxmemory', limit);
    await until('the limit is kept', async () => (await infoNumber(redis, 'used_memory')) <= limit + 20_000);
    expect(await redis.dbsize()).toBeLessThan(1500);
    await untilInfo(redis, 'current_eviction_exceeded_time', 0);
  });

  it('evicts big collections, whose memory counts until it is freed', async () => {
    const { redis } = await startWithClient();
    const limit = await leaveRoomFor(redis, 1_000_000, 'allkeys-lru');
    const members = Array.from({ length: 5000 }, (_, i) => `a member with some length:${i}`);
    for (let i = 0; i < 20; i++) await redis.sadd(`set:${i}`, ...members);
    expect(await infoNumber(redis, 'used_memory')).toBeLessThan(limit + 600_000);
    await setMany(redis, 0, 300);
    expect(await infoNumber(redis, 'used_memory')).toBeLessThan(limit + 20_000);
    expect(await redis.exists('key:299')).toBe(1);
  });

  it('announces what it evicts: notifications, WATCH, propagation, latency', async () => {
    const { server, redis } = await startWithClient({
      'notify-keyspace-events': 'Ee',
      'latency-monitor-threshold': 1,
      commands: [propagationLog()],
    });
    const subscriber = connect(server);
    const evicted: string[] = [];
    subscriber.on('message', (_channel, key) => evicted.push(key));
    await subscriber.subscribe('__keyevent@0__:evicted');
    for (let i = 0; i < 20; i++) await redis.set(`watched:${i}`, value);
    await redis.watch(...Array.from({ length: 20 }, (_, i) => `watched:${i}`));
    await propagated(redis);
    await leaveRoomFor(redis, 300_000, 'allkeys-lru');
    const other = connect(server);
    await setMany(other, 0, 2000);
    const keys = await infoNumber(other, 'evicted_keys');
    expect(keys).toBeGreaterThan(1000);
    const lines = await propagated(other);
    expect(lines.filter((line) => line.startsWith('0 DEL '))).toHaveLength(keys);
    await until('all events have come', () => evicted.length >= keys);
    expect(evicted.some((key) => key.startsWith('watched:'))).toBe(true);
    expect(await redis.multi().get('x').exec()).toBeNull();
  });

  it('says UNLINK where evicted keys are freed later', async () => {
    const { redis } = await startWithClient({
      'lazyfree-lazy-eviction': true,
      commands: [propagationLog()],
    });
    await propagated(redis);
    await leaveRoomFor(redis, 200_000, 'allkeys-lru');
    await setMany(redis, 0, 500);
    const lines = await propagated(redis);
    expect(lines.some((line) => line.startsWith('0 UNLINK key:'))).toBe(true);
  });

  it('evicts nothing while a pause holds back changes', async () => {
    const { redis } = await startWithClient({ 'maxmemory-eviction-tenacity': 100 });
    await setMany(redis, 0, 100);
    await redis.client('PAUSE', 100_000, 'WRITE');
    await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
    await redis.config('SET', 'maxmemory', 1);
    await redis.get('key:1');
    expect(await redis.dbsize()).toBe(100);
    await redis.client('UNPAUSE');
    expect(await redis.get('key:1')).toBeNull();
    await redis.config('SET', 'maxmemory', 0);
  });

  it('evicts nothing in the midst of a script that lets others have their turn', async () => {
    const { server, redis } = await startWithClient({
      'busy-reply-threshold': 5,
      'maxmemory-policy': 'allkeys-random',
      'maxmemory-eviction-tenacity': 0,
    });
    const other = await connected(server);
    await setMany(redis, 0, 3000);
    const code = `local before = redis.call('dbsize') for i = 1, 5e6 do end return {before, redis.call('dbsize')}`;
    const limit = (await infoNumber(redis, 'used_memory')) - 2_000_000;
    const results = redis.pipeline().config('SET', 'maxmemory', limit).eval(code, 0).exec();
    await untilBusy(other);
    const [before, after] = (await results)![1][1] as number[];
    expect(after).toBe(before);
    expect(before).toBeGreaterThan(2000);
    await until('the limit is kept', async () => (await infoNumber(redis, 'used_memory')) <= limit + 20_000);
  });

  it.each([
    ['rdb', true],
    ['aof', false],
  ])('evicts nothing from what is not loaded yet, then tells of all that goes: %s', async (_, preamble) => {
    const directives = {
      dir: dataFolder(),
      appendonly: true,
      'auto-aof-rewrite-percentage': 0,
      'aof-use-rdb-preamble': preamble,
      'maxmemory-policy': 'allkeys-random',
      'maxmemory-eviction-tenacity': 100,
    } as const;
    const first = await startWithClient(directives);
    const keys = Array.from({ length: 500 }, (_, i) => `list:${i}`);
    for (let round = 0; round < 6; round++) {
      const pipeline = first.redis.pipeline();
      for (const key of keys) pipeline.rpush(key, value);
      await pipeline.exec();
      if (round === 2) await rewritten(first.redis);
    }
    const limit = (await infoNumber(first.redis, 'used_memory')) - 1_500_000;
    await first.server.close();
    const second = await startWithClient({ ...directives, maxmemory: limit });
    await until('the limit is kept', async () => (await infoNumber(second.redis, 'used_memory')) <= limit);
    const lengths = await Promise.all(keys.map((key) => second.redis.llen(key)));
    expect(new Set(lengths)).toEqual(new Set([0, 6]));
    await second.server.close();
    const third = await startWithClient(directives);
    expect(await Promise.all(keys.map((key) => third.redis.llen(key)))).toEqual(lengths);
  });

  it('counts what replies and requests take', async () => {
    const { server, redis } = await startWithClient();
    await redis.set('big', 'x'.repeat(200_000));
    await setMany(redis, 0, 1000);
    await leaveRoomFor(redis, 100_000, 'allkeys-random');
    const reader = connect(server);
    const pending = Array.from({ length: 400 }, () => reader.get('big').catch(() => null));
    await until('keys are evicted', async () => (await infoNumber(redis, 'evicted_keys')) > 0);
    reader.disconnect();
    await Promise.all(pending);
  });
});

describe('memory after FLUSHALL', () => {
  it('is that of an empty server', async () => {
    const server = await startRespite();
    const redis = connect(server);
    const before = await infoNumber(redis, 'used_memory');
    await setMany(redis, 0, 20_000);
    await redis.rpush('list', ...Array.from({ length: 5000 }, (_, i) => `item ${i}`));
    await redis.flushall();
    expect(Math.abs((await infoNumber(redis, 'used_memory')) - before)).toBeLessThan(20_000);
  });
});
