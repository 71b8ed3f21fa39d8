import { describe, expect, it } from 'vitest';
import { propagated, startPropagating } from '../support/propagation-log.js';
import { connect } from '../support/respite.js';
import { untilInfo } from '../support/waiting.js';

describe('propagation', () => {
  it('repeats commands that changed something, as they came', async () => {
    const { redis } = await startPropagating();
    await redis.set('a', '1');
    await redis.get('a');
    await redis.del('absent');
    await redis.select(3);
    await redis.lpush('list', 'x', 'y');
    expect(await propagated(redis)).toEqual(['0 set a 1', '3 lpush list x y']);
  });

  it('puts a transaction that changed several things between MULTI and EXEC, without what only read', async () => {
    const { redis } = await startPropagating();
    await redis.multi().set('a', '1').get('a').incr('a').exec();
    expect(await propagated(redis)).toEqual(['- MULTI', '0 set a 1', '0 incr a', '- EXEC']);
  });

  it('repeats a single change of a transaction alone', async () => {
    const { redis } = await startPropagating();
    await redis.multi().set('a', '1').get('a').exec();
    await redis.multi().get('a').exec();
    expect(await propagated(redis)).toEqual(['0 set a 1']);
  });

  it('says that keys expired, before the command that found out', async () => {
    const { server, redis } = await startPropagating();
    await redis.set('a', '1', 'PX', 10);
    await redis.call('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
    await propagated(redis);
    server.advanceTime(11);
    await redis.get('a');
    expect(await propagated(redis)).toEqual(['0 DEL a']);
    await redis.set('b', '1', 'PX', 10);
    await propagated(redis);
    server.advanceTime(11);
    await redis.incr('b');
    expect(await propagated(redis)).toEqual(['- MULTI', '0 DEL b', '0 incr b', '- EXEC']);
  });

  it('says that keys and fields expired by themselves, each alone', async () => {
    const { server, redis } = await startPropagating();
    await redis.set('a', '1', 'PX', 10);
    await redis.hset('h', 'f', '1', 'g', '2');
    await redis.call('HPEXPIRE', 'h', '10', 'FIELDS', '1', 'f');
    await propagated(redis);
    server.advanceTime(11);
    expect((await propagated(redis)).sort()).toEqual(['0 DEL a', '0 HDEL h f']);
  });

  it.each([
    ['a listpack', 512],
    ['a table', 0],
  ])('says when fields go that had expired before their hash was restored: %s', async (_, entries) => {
    const { server, redis } = await startPropagating();
    await redis.config('SET', 'hash-max-listpack-entries', entries);
    await redis.call('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
    await redis.hset('some', 'f', '5', 'g', '6');
    await redis.hset('all', 'f', '5');
    const dumps = new Map<string, Buffer>();
    for (const key of ['some', 'all']) {
      await redis.call('HPEXPIRE', key, '10', 'FIELDS', '1', 'f');
      dumps.set(key, (await redis.callBuffer('DUMP', key)) as Buffer);
    }
    server.advanceTime(11);
    for (const [key, dump] of dumps) await redis.restore(key, 0, dump, 'REPLACE');
    expect((await propagated(redis)).slice(-2)).toEqual([
      expect.stringContaining('0 restore some'),
      expect.stringContaining('0 restore all'),
    ]);
    expect(await redis.hgetall('some')).toEqual({ g: '6' });
    expect(await redis.hincrby('some', 'f', 1)).toBe(1);
    expect(await propagated(redis)).toEqual(['- MULTI', '0 HDEL some f', '0 hincrby some f 1', '- EXEC']);
    await redis.call('DEBUG', 'SET-ACTIVE-EXPIRE', '1');
    server.advanceTime(1);
    expect(await propagated(redis)).toEqual(['0 HDEL all f']);
    expect(await redis.exists('all')).toBe(0);
  });

  it('repeats a flush even of nothing', async () => {
    const { redis } = await startPropagating();
    await redis.flushall();
    expect(await propagated(redis)).toEqual(['0 flushall']);
  });

  it('repeats what a woken client does after the command that woke it', async () => {
    const { server, redis } = await startPropagating();
    const waiting = await connect(server);
    const popped = waiting.call('BLMOVE', 'from', 'to', 'LEFT', 'RIGHT', '0');
    await untilInfo(redis, 'blocked_clients', 1);
    await redis.rpush('from', 'x');
    expect(await popped).toBe('x');
    const [first, ...rest] = await propagated(redis);
    expect(first).toBe('0 rpush from x');
    expect(rest).toHaveLength(1);
  });
});
