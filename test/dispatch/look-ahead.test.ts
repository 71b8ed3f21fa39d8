import { expect, it } from 'vitest';
import { startWithClient } from '../support/respite.js';

/** More than are looked at ahead, and more than stay packed. */
const many = 300;

it('finds fields and members of big collections that several requests of a pipeline name', async () => {
  const { redis } = await startWithClient({});
  const fill = redis.pipeline();
  for (let i = 0; i < many; i++) {
    fill.hset('hash', `f${i}`, `v${i}`).sadd('set', `m${i}`).zadd('zset', i, `m${i}`);
  }
  await fill.exec();
  const ask = redis.pipeline();
  for (let i = 0; i < many; i++) {
    ask
      .hget('hash', `f${i}`)
      .sismember('set', `m${i}`)
      .zscore('zset', `m${i}`)
      .zadd('zset', i + 1, `m${i}`);
    ask.hget('hash', `x${i}`).sismember('set', `x${i}`).zscore('zset', `x${i}`);
  }
  const expected = Array.from({ length: many }, (_, i) => [`v${i}`, 1, `${i}`, 0, null, 0, null]).flat();
  expect((await ask.exec())?.map(([, reply]) => reply)).toEqual(expected);
  expect(await redis.zrank('zset', 'm7')).toBe(7);
});

it('does not mind a collection that an earlier request of the pipeline removes or replaces', async () => {
  const { redis } = await startWithClient({});
  const fill = redis.pipeline();
  for (let i = 0; i < many; i++) fill.sadd('set', `m${i}`);
  await fill.exec();
  const replies = await redis
    .pipeline()
    .sismember('set', 'm1')
    .del('set')
    .sismember('set', 'm1')
    .set('set', 'text')
    .sismember('set', 'm2')
    .exec();
  expect(replies?.slice(0, 4).map(([, reply]) => reply)).toEqual([1, 1, 0, 'OK']);
  expect(replies?.[4][0]?.message).toContain('WRONGTYPE');
});
