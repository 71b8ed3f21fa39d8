import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ByteStrings } from '../../src/commands/byte-strings.js';
import { propagated, startPropagating } from '../support/propagation-log.js';
import { startWithClient } from '../support/respite.js';

describe('SORT', () => {
  it('orders by number, or by bytes with ALPHA', async () => {
    const { redis } = await startWithClient();
    await redis.rpush('l', '10', '9', '1.5', '-3');
    expect(await redis.sort('l')).toEqual(['-3', '1.5', '9', '10']);
    expect(await redis.sort('l', 'DESC')).toEqual(['10', '9', '1.5', '-3']);
    expect(await redis.sort('l', 'ALPHA')).toEqual(['-3', '1.5', '10', '9']);
    await redis.rpush('l', 'x');
    await expect(redis.sort('l')).rejects.toThrow("ERR One or more scores can't be converted into double");
  });

  it('reads numbers as C does', async () => {
    const { redis } = await startWithClient();
    await redis.rpush('l', '0x10', ' 3', '', '1e2', 'inf', '-inf');
    expect(await redis.sort('l')).toEqual(['-inf', '', ' 3', '0x10', '1e2', 'inf']);
    for (const bad of ['3 ', 'nan', ' ', '1e400']) {
      await redis.del('bad');
      await redis.rpush('bad', bad);
      await expect(redis.sort('bad')).rejects.toThrow("can't be converted into double");
    }
  });

  it('orders by other keys and gets others', async () => {
    const { redis } = await startWithClient();
    await redis.rpush('l', 'a', 'b', 'c');
    await redis.mset('w_a', '3', 'w_b', '1', 'w_c', '2', 'n_a', 'Anna', 'n_c', 'Carl');
    await redis.hset('h_b', 'age', '42');
    expect(await redis.sort('l', 'BY', 'w_*')).toEqual(['b', 'c', 'a']);
    expect(await redis.sort('l', 'BY', 'w_*', 'GET', '#', 'GET', 'n_*', 'GET', 'h_*->age')).toEqual([
      ...['b', null, '42'],
      ...['c', 'Carl', null],
      ...['a', 'Anna', null],
    ]);
    expect(await redis.sort('l', 'BY', 'n_*', 'ALPHA', 'DESC')).toEqual(['c', 'a', 'b']);
    expect(await redis.sort('l', 'BY', 'h_*->age')).toEqual(['a', 'c', 'b']);
    expect(await redis.sort('l', 'BY', 'nosort', 'GET', 'l', 'LIMIT', 0, 1)).toEqual([null]);
  });

  it('keeps the order where BY names no key', async () => {
    const { redis } = await startWithClient();
    await redis.rpush('l', '3', '1', '2');
    await redis.zadd('z', '1', 'one', '3', 'three', '2', 'two');
    expect(await redis.sort('l', 'BY', 'nosort')).toEqual(['3', '1', '2']);
    expect(await redis.sort('l', 'BY', 'nosort', 'DESC', 'LIMIT', 0, 2)).toEqual(['2', '1']);
    expect(await redis.sort('z', 'BY', 'nosort', 'LIMIT', 1, 5)).toEqual(['two', 'three']);
    expect(await redis.sort('z', 'BY', 'nosort', 'DESC')).toEqual(['three', 'two', 'one']);
  });

  it('reads only what it gives where the order is kept', async () => {
    const { redis } = await startWithClient();
    const words = Array.from({ length: 3000 }, (_, i) => String(i));
    await redis.rpush('l', ...words);
    await redis.zadd('z', ...words.flatMap((word) => [word, word]));
    const read = vi.spyOn(ByteStrings.prototype, 'add');
    onTestFinished(() => read.mockRestore());
    for (const key of ['l', 'z']) {
      const sort = async (...options: (string | number)[]) => {
        read.mockClear();
        const found = (await redis.call('SORT', key, 'BY', 'nosort', ...options)) as string[];
        expect(read).toHaveBeenCalledTimes(found.length);
        return found;
      };
      expect(await sort('LIMIT', 1000, 3)).toEqual(['1000', '1001', '1002']);
      expect(await sort('LIMIT', 1000, 3, 'DESC')).toEqual(['1999', '1998', '1997']);
      expect(await sort('LIMIT', -5, 2)).toEqual(['0', '1']);
      expect(await sort('LIMIT', 2998, 5)).toEqual(['2998', '2999']);
      expect(await sort('LIMIT', 2998, 5, 'DESC')).toEqual(['1', '0']);
      expect(await sort('LIMIT', 2999, -1)).toEqual(['2999']);
      expect(await sort('LIMIT', 3000, 5)).toEqual([]);
      expect(await sort('LIMIT', 5, 0)).toEqual([]);
    }
  });

  it('sorts sets and sorted sets', async () => {
    const { redis } = await startWithClient();
    await redis.sadd('ints', '3', '1', '2');
    await redis.sadd('words', 'c', 'a', 'b');
    await redis.zadd('z', '1', 'c', '2', 'a');
    expect(await redis.sort('ints', 'DESC')).toEqual(['3', '2', '1']);
    expect(await redis.sort('words', 'ALPHA')).toEqual(['a', 'b', 'c']);
    expect(await redis.sort('z', 'ALPHA')).toEqual(['a', 'c']);
    expect(await redis.sort('words', 'BY', 'nosort', 'STORE', 'stored')).toBe(3);
    expect(await redis.lrange('stored', 0, -1)).toEqual(['a', 'b', 'c']);
  });

  it('takes a part', async () => {
    const { redis } = await startWithClient();
    await redis.rpush('l', '1', '2', '3', '4');
    expect(await redis.sort('l', 'LIMIT', 1, 2)).toEqual(['2', '3']);
    expect(await redis.sort('l', 'LIMIT', -5, 1)).toEqual(['1']);
    expect(await redis.sort('l', 'LIMIT', 2, -1)).toEqual(['3', '4']);
    expect(await redis.sort('l', 'LIMIT', 9, 1)).toEqual([]);
    expect(await redis.call('SORT_RO', 'l', 'LIMIT', '2', '9223372036854775807')).toEqual(['3', '4']);
  });

  it('stores a list in the place of whatever there was', async () => {
    const { redis } = await startWithClient();
    await redis.rpush('l', '2', '1');
    await redis.set('to', 'text', 'EX', 100);
    expect(await redis.sort('l', 'GET', '#', 'GET', 'none_*', 'STORE', 'to')).toBe(4);
    expect(await redis.lrange('to', 0, -1)).toEqual(['1', '', '2', '']);
    expect(await redis.ttl('to')).toBe(-1);
    expect(await redis.object('ENCODING', 'to')).toBe('listpack');
    expect(await redis.sort('l', 'STORE', 'l')).toBe(2);
    expect(await redis.lrange('l', 0, -1)).toEqual(['1', '2']);
    expect(await redis.sort('none', 'STORE', 'to')).toBe(0);
    expect(await redis.exists('to')).toBe(0);
  });

  it('says what is wrong', async () => {
    const { redis } = await startWithClient();
    await redis.set('s', 'text');
    await expect(redis.sort('s')).rejects.toThrow('WRONGTYPE');
    await expect(redis.call('SORT', 'none', 'LIMIT', '1')).rejects.toThrow('ERR syntax error');
    await expect(redis.call('SORT', 'none', 'LIMIT', 'a', '1')).rejects.toThrow('not an integer');
    await expect(redis.call('SORT_RO', 'none', 'STORE', 'to')).rejects.toThrow('ERR syntax error');
  });

  it('tells its keys, that of the last STORE included', async () => {
    const { redis } = await startWithClient();
    const keys = (...command: string[]) => redis.call('COMMAND', 'GETKEYS', ...command);
    expect(await keys('SORT', 'a', 'BY', 'STORE', 'STORE', 'b', 'STORE', 'c')).toEqual(['a', 'c']);
    expect(await keys('SORT_RO', 'a', 'GET', 'x_*')).toEqual(['a']);
  });

  it('sorts many elements, ties by their bytes', async () => {
    const { redis } = await startWithClient();
    const words = Array.from({ length: 3000 }, (_, i) => `element:${(i * 7919) % 3000}`);
    await redis.rpush('l', ...words);
    expect(await redis.sort('l', 'ALPHA')).toEqual([...words].sort());
    expect(await redis.sort('l', 'ALPHA', 'DESC', 'LIMIT', 7, 20)).toEqual(
      [...words].sort().reverse().slice(7, 27),
    );
    expect(await redis.sort('l', 'ALPHA', 'LIMIT', 100, 0)).toEqual([]);
    expect(await redis.sort('l', 'BY', 'none_*', 'LIMIT', 0, 100)).toEqual([...words].sort().slice(0, 100));
  });

  it('takes what a pattern does not name for empty, whatever was read before', async () => {
    const { redis } = await startWithClient();
    await redis.rpush('list', 'a', 'b');
    await redis.set('w_a', 'x'.repeat(100_000));
    expect(await redis.sort('list', 'BY', 'w_*', 'ALPHA')).toEqual(['b', 'a']);
    await redis.del('w_a'); // its memory goes back before the next command
    expect(await redis.sort('list', 'BY', 'w_*', 'ALPHA')).toEqual(['a', 'b']);
    await redis.call('SORT', 'list', 'BY', 'nosort', 'GET', 'w_*', 'STORE', 'stored');
    expect(await redis.lrange('stored', 0, -1)).toEqual(['', '']);
  });

  it.each([
    ['a listpack', 512],
    ['a table', 0],
  ])('tells of fields that it finds expired, and leaves no empty hash: %s', async (_, entries) => {
    const { server, redis } = await startPropagating();
    await redis.config('SET', 'hash-max-listpack-entries', entries);
    await redis.call('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
    await redis.rpush('list', '1', '2');
    await redis.hset('h_1', 'f', '5');
    await redis.hset('h_2', 'f', '6', 'g', '7');
    for (const key of ['h_1', 'h_2']) await redis.call('HPEXPIRE', key, '10', 'FIELDS', '1', 'f');
    await propagated(redis);
    server.advanceTime(11);
    expect(await redis.sort('list', 'BY', 'h_*->f', 'GET', '#', 'GET', 'h_*->g')).toEqual([
      '1',
      null,
      '2',
      '7',
    ]);
    expect(await propagated(redis)).toEqual(['- MULTI', '0 HDEL h_1 f', '0 HDEL h_2 f', '- EXEC']);
    expect(await redis.exists('h_1', 'h_2')).toBe(1);
    expect(await redis.info('stats')).toContain('expired_subkeys:2');
  });

  it('sorts integers of any size, however they are kept', async () => {
    const { redis } = await startWithClient();
    const largest = String(2n ** 63n - 1n);
    const safe = ['-5', '70000', '0', String(Number.MAX_SAFE_INTEGER), '-9007199254740991', '17', '128'];
    const inOrder = (a: string, b: string) => (BigInt(a) < BigInt(b) ? -1 : 1);
    const many = Array.from({ length: 2000 }, (_, i) => String(((i * 7919) % 2000) - 1000));
    await redis.rpush('list', ...safe, '17', '17');
    await redis.sadd('intset', ...safe);
    await redis.rpush('quicklist', ...many);
    await redis.sadd('table', ...many);
    await redis.rpush('beyond', ...safe, largest);
    await redis.rpush('mixed', ...safe, '17.0', '016');
    const sorted = [...safe].sort(inOrder);
    expect(await redis.sort('list')).toEqual([...safe, '17', '17'].sort(inOrder));
    expect(await redis.sort('intset', 'DESC')).toEqual([...sorted].reverse());
    expect(await redis.sort('beyond')).toEqual([...sorted, largest]);
    expect(await redis.sort('mixed', 'LIMIT', 3, 4)).toEqual(['016', '17', '17.0', '128']);
    const manySorted = [...many].sort(inOrder);
    expect(await redis.object('ENCODING', 'table')).toBe('hashtable');
    expect(await redis.sort('table', 'LIMIT', 5, 7)).toEqual(manySorted.slice(5, 12));
    expect(await redis.sort('quicklist', 'DESC', 'STORE', 'stored')).toBe(2000);
    expect(await redis.lrange('stored', 0, -1)).toEqual(manySorted.reverse());
  });
});
