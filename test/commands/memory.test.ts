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
    }
  });

  it('answers null for no key, and refuses what it does not know', async () => {
    const { redis } = await startWithClient();
    expect(await redis.call('MEMORY', 'USAGE', 'absent')).toBeNull();
    await redis.set('k', 'v');
    await expect(redis.call('MEMORY', 'USAGE', 'k', 'SAMPLES', '-1')).rejects.toThrow('ERR syntax error');
    await expect(redis.call('MEMORY', 'USAGE', 'k', 'junk')).rejects.toThrow('ERR syntax error');
  });
});
