import { describe, expect, it } from 'vitest';
import { infoNumber } from '../support/info.js';
import { startWithClient } from '../support/respite.js';

describe('used_memory', () => {
  it('returns to where it was after big values of every type are removed or flushed', async () => {
    const { redis } = await startWithClient();
    const used = () => infoNumber(redis, 'used_memory');
    const fill = async () => {
      const words = Array.from({ length: 3000 }, (_, i) => `member:${i}`);
      await redis.mset(words.flatMap((word) => [word, word]));
      await redis.hset('hash', ...words.flatMap((word) => [word, word]));
      await redis.sadd('set', ...words);
      await redis.zadd('zset', ...words.flatMap((word, i) => [i, word]));
      await redis.rpush('list', ...words);
      await redis.set('large', 'x'.repeat(100_000));
    };
    const start = await used();
    for (const remove of [['FLUSHALL'], ['FLUSHDB'], ['DEL', 'hash', 'set', 'zset', 'list', 'large']]) {
      await fill();
      const full = await used();
      expect(full - start).toBeGreaterThan(500_000);
      await redis.call(remove[0], ...remove.slice(1));
      if (remove[0] === 'DEL') {
        await redis.del(...Array.from({ length: 3000 }, (_, i) => `member:${i}`));
        // What is big is freed between events: each look gives it a turn.
        for (let looks = 0; looks < 2000 && (await used()) - start > 20_000; looks++)
          await new Promise(setImmediate);
      }
      expect(Math.abs((await used()) - start)).toBeLessThan(20_000);
    }
  });
});
