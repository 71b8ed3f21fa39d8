import { describe, expect, it } from 'vitest';
import { startWithClient } from '../support/respite.js';

describe('MEMORY USAGE', () => {
  it('grows with the value, for every type, and is exact with SAMPLES 0', async () => {
    const { redis } = await startWithClient();
    const words = Array.from({ length: 2000 }, (_, i) => `member:${i}`);
    await redis.set('string', 'x'.repeat(1000));
    await redis.rpush('list', ...words);
    await redis.sadd('set', ...words);
    await redis.hset('hash', ...words.flatMap((word) => [word, word]));
    await redis.zadd('zset', ...words.flatMap((word, i) => [i, word]));
    expect(await redis.call('MEMORY', 'USAGE', 'string')).toBeGreaterThan(1000);
    for (const key of ['list', 'set', 'hash', 'zset']) {
      const exact = Number(await redis.call('MEMORY', 'USAGE', key, 'SAMPLES', '0'));
      expect(exact).toBeGreaterThan(2000 * 10);
      expect(exact).toBeLessThan(2000 * 100);
      expect(await redis.call('MEMORY', 'USAGE', key, 'SAMPLES', '9223372036854775807')).toBe(exact);
    }
  });

  it('answers null for no key, and refuses what it does not know', async () => {
    const { redis } = await startWithClient();
    expect(await redis.call('MEMORY', 'USAGE', 'absent')).toBeNull();
    await redis.set('k', 'v');
    await expect(redis.call('MEMORY', 'USAGE', 'k', 'SAMPLES', '-1')).rejects.toThrow('ERR syntax error');
    const least = '-9223372036854775808';
    await expect(redis.call('MEMORY', 'USAGE', 'k', 'SAMPLES', least)).rejects.toThrow('ERR syntax error');
    await expect(redis.call('MEMORY', 'USAGE', 'k', 'junk')).rejects.toThrow('ERR syntax error');
  });
});

describe('MEMORY STATS', () => {
  it("has Redis's fields in their order, per database too", async () => {
    const { redis } = await startWithClient();
    await redis.set('k', 'v', 'EX', 100);
    const reply = (await redis.call('MEMORY', 'STATS')) as unknown[];
    expect(reply.filter((_, i) => i % 2 === 0)).toEqual([
      'peak.allocated',
      'total.allocated',
      'startup.allocated',
      'replication.backlog',
      'clients.slaves',
      'clients.normal',
      'cluster.links',
      'aof.buffer',
      'lua.caches',
      'functions.caches',
      'db.0',
      'overhead.total',
      'keys.count',
      'keys.bytes-per-key',
      'dataset.bytes',
      'dataset.percentage',
      'peak.percentage',
      'allocator.allocated',
      'allocator.active',
      'allocator.resident',
      'allocator-fragmentation.ratio',
      'allocator-fragmentation.bytes',
      'allocator-rss.ratio',
      'allocator-rss.bytes',
      'rss-overhead.ratio',
      'rss-overhead.bytes',
      'fragmentation',
      'fragmentation.bytes',
    ]);
    const field = (name: string) => reply[reply.indexOf(name) + 1];
    expect(field('keys.count')).toBe(1);
    expect(field('db.0')).toEqual([
      'overhead.hashtable.main',
      64,
      'overhead.hashtable.expires',
      64,
      'overhead.hashtable.slot-to-keys',
      0,
    ]);
    expect(Number(field('total.allocated'))).toBe(
      Number(field('overhead.total')) + Number(field('dataset.bytes')),
    );
  });
});

describe('MEMORY DOCTOR, MALLOC-STATS and PURGE', () => {
  it('say what is wrong, show the size classes, and give memory back', async () => {
    const { redis } = await startWithClient();
    expect(await redis.call('MEMORY', 'DOCTOR')).toMatch(/hardly any data/);
    const values = Array.from({ length: 1000 }, (_, i) => [`key:${i}`, 'x'.repeat(15_000)]).flat();
    await redis.mset(values);
    expect(await redis.call('MEMORY', 'DOCTOR')).toMatch(/in good order/);
    expect(await redis.call('MEMORY', 'MALLOC-STATS')).toMatch(/\n +16384 +250 +1000 +0 +100\.0%\n/);
    await redis.del(...Array.from({ length: 500 }, (_, i) => `key:${i}`));
    expect(await redis.call('MEMORY', 'DOCTOR')).toMatch(/ \* Peak: /);
    await redis.flushall();
    expect(await redis.call('MEMORY', 'PURGE')).toBe('OK');
    const info = await redis.info('memory');
    expect(info).toMatch(/^allocator_resident:0\r$/m);
  });
});
