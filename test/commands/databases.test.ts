import { describe, expect, it } from 'vitest';
import { connect, startRespite, startWithClient } from '../support/respite.js';

describe('DBSIZE and RANDOMKEY', () => {
  it('look at the selected database only', async () => {
    const { redis } = await startWithClient();
    expect([await redis.dbsize(), await redis.randomkey()]).toEqual([0, null]);
    await redis.mset('a', 1, 'b', 2);
    expect(await redis.dbsize()).toBe(2);
    await redis.select(1);
    expect([await redis.dbsize(), await redis.randomkey()]).toEqual([0, null]);
  });

  it('pick each key now and then', async () => {
    const { redis } = await startWithClient({ seed: 1 });
    await redis.mset('a', 1, 'b', 2, 'c', 3);
    const picked = await Promise.all(Array.from({ length: 100 }, () => redis.randomkey()));
    expect(new Set(picked)).toEqual(new Set(['a', 'b', 'c']));
  });
});

describe('FLUSHDB and FLUSHALL', () => {
  it.each([[], ['SYNC'], ['ASYNC'], ['async']])(
    'FLUSHDB %s empties the selected database',
    async (...mode) => {
      const { redis } = await startWithClient();
      await redis.mset('a', 1, 'b', 2);
      await redis.select(1);
      await redis.mset('a', 1, 'c', 3);
      expect(await redis.call('FLUSHDB', mode)).toBe('OK');
      expect(await redis.dbsize()).toBe(0);
      await redis.select(0);
      expect(await redis.dbsize()).toBe(2);
      expect(await redis.get('b')).toBe('2');
    },
  );

  it.each([[], ['SYNC'], ['ASYNC']])('FLUSHALL %s empties all', async (...mode) => {
    const { redis } = await startWithClient();
    await redis.mset('a', 1, 'b', 2);
    await redis.select(1);
    await redis.set('a', 1, 'EX', 100);
    expect(await redis.call('FLUSHALL', mode)).toBe('OK');
    expect(await redis.dbsize()).toBe(0);
    expect(await redis.get('a')).toBeNull();
    await redis.select(0);
    expect(await redis.dbsize()).toBe(0);
    await redis.set('a', 'new');
    expect([await redis.get('a'), await redis.ttl('a')]).toEqual(['new', -1]);
  });

  it.each(['FLUSHDB', 'FLUSHALL'])('%s takes one known mode', async (name) => {
    const { redis } = await startWithClient();
    await redis.set('a', 1);
    await expect(redis.call(name, 'LATER')).rejects.toThrow('ERR syntax error');
    await expect(redis.call(name, 'SYNC', 'ASYNC')).rejects.toThrow('ERR syntax error');
    expect(await redis.exists('a')).toBe(1);
  });

  it('break transactions that watch a key that goes', async () => {
    const { server, redis } = await startWithClient();
    const other = connect(server);
    await redis.set('a', 1);
    await redis.watch('a', 'none');
    await other.flushdb();
    expect(await redis.multi().set('b', 1).exec()).toBeNull();
    await redis.watch('a', 'none');
    await other.flushall();
    expect(await redis.multi().set('b', 1).exec()).toEqual([[null, 'OK']]);
  });
});

describe('SWAPDB', () => {
  it('exchanges the keys that clients of both databases see', async () => {
    const { server, redis } = await startWithClient();
    const other = connect(server, { db: 1 });
    await redis.set('a', 'zero', 'EX', 100);
    await other.set('b', 'one');
    expect(await redis.swapdb(0, 1)).toBe('OK');
    expect([await redis.keys('*'), await other.keys('*')]).toEqual([['b'], ['a']]);
    expect(await other.ttl('a')).toBeGreaterThan(90);
    expect(await redis.ttl('b')).toBe(-1);
  });

  it.each([
    [['x', '0'], 'ERR invalid first DB index'],
    [['0', 'x'], 'ERR invalid second DB index'],
    [['99999999999', '0'], 'ERR invalid first DB index'],
    [['0', '16'], 'ERR DB index is out of range'],
    [['-1', '0'], 'ERR DB index is out of range'],
  ])('refuses %j', async (args, message) => {
    const { redis } = await startWithClient();
    await expect(redis.call('SWAPDB', args)).rejects.toThrow(message);
  });

  it('breaks transactions that watch a key that comes or goes', async () => {
    const server = await startRespite();
    const [redis, other] = [connect(server), connect(server, { db: 1 })];
    await other.set('a', 1);
    await redis.watch('a');
    await other.swapdb(0, 1);
    expect(await redis.multi().set('b', 1).exec()).toBeNull();
  });
});

describe('TIME', () => {
  it('tells seconds and microseconds', async () => {
    const { server, redis } = await startWithClient({ clock: 'manual' });
    expect(await redis.call('TIME')).toEqual(['1700000000', '0']);
    server.advanceTime(1234.5);
    expect(await redis.call('TIME')).toEqual(['1700000001', '234500']);
  });
});
