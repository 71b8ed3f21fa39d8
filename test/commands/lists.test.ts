import { describe, expect, it } from 'vitest';
import { infoNumber } from '../support/info.js';
import { connect, startWithClient } from '../support/respite.js';
import { until } from '../support/waiting.js';

const wrongType = 'WRONGTYPE Operation against a key holding the wrong kind of value';
const notInteger = 'ERR value is not an integer or out of range';

describe('pushing and popping', () => {
  it('adds at both ends, one element after the other', async () => {
    const { redis } = await startWithClient();
    expect(await redis.lpush('l', 'a', 'b')).toBe(2);
    expect(await redis.rpush('l', 'c', 'd')).toBe(4);
    expect(await redis.lrange('l', 0, -1)).toEqual(['b', 'a', 'c', 'd']);
  });

  it('adds with LPUSHX and RPUSHX only to what exists', async () => {
    const { redis } = await startWithClient();
    expect(await redis.lpushx('l', 'a')).toBe(0);
    expect(await redis.exists('l')).toBe(0);
    await redis.rpush('l', 'b');
    expect(await redis.lpushx('l', 'a')).toBe(2);
    expect(await redis.rpushx('l', 'c', 'd')).toBe(4);
  });

  it('removes the key with the last element', async () => {
    const { redis } = await startWithClient();
    await redis.rpush('l', 'a', 'b', 'c');
    expect(await redis.lpop('l')).toBe('a');
    expect(await redis.rpop('l', 5)).toEqual(['c', 'b']);
    expect(await redis.exists('l')).toBe(0);
    expect(await redis.lpop('l')).toBeNull();
    expect(await redis.lpop('l', 1)).toBeNull();
  });

  it('takes nothing with a count of 0 and refuses a negative one', async () => {
    const { redis } = await startWithClient();
    await redis.rpush('l', 'a');
    expect(await redis.lpop('l', 0)).toEqual([]);
    await expect(redis.lpop('l', -1)).rejects.toThrow('ERR value is out of range, must be positive');
    await expect(redis.call('LPOP', 'l', '1', '2')).rejects.toThrow(
      "ERR wrong number of arguments for 'lpop' command",
    );
  });

  it.each([
    ['LPUSH', 'x'],
    ['RPUSHX', 'x'],
    ['LPOP'],
    ['LLEN'],
    ['LRANGE', '0', '1'],
    ['LSET', '0', 'x'],
    ['LREM', '0', 'x'],
    ['LTRIM', '0', '1'],
    ['LINSERT', 'BEFORE', 'a', 'b'],
    ['LPOS', 'x'],
    ['LINDEX', '0'],
    ['LMOVE', 'to', 'LEFT', 'LEFT'],
    ['BLPOP', '0'],
  ])('%s refuses a key of another type', async (command, ...args) => {
    const { redis } = await startWithClient();
    await redis.set('s', 'text');
    await expect(redis.call(command, 's', ...args)).rejects.toThrow(wrongType);
    expect(await redis.get('s')).toBe('text');
  });
});

describe('LINDEX, LSET, LRANGE and LTRIM', () => {
  it('count indexes from either end', async () => {
    const { redis } = await startWithClient();
    await redis.rpush('l', 'a', 'b', 'c', 'd');
    expect(await redis.lindex('l', 1)).toBe('b');
    expect(await redis.lindex('l', -1)).toBe('d');
    expect(await redis.lindex('l', 4)).toBeNull();
    expect(await redis.lset('l', -2, 'new')).toBe('OK');
    expect(await redis.lrange('l', -3, 2)).toEqual(['b', 'new']);
    expect(await redis.lrange('l', 2, 1)).toEqual([]);
    expect(await redis.ltrim('l', 1, -2)).toBe('OK');
    expect(await redis.lrange('l', 0, 100)).toEqual(['b', 'new']);
    expect(await redis.ltrim('l', 5, 9)).toBe('OK');
    expect(await redis.exists('l')).toBe(0);
  });

  it('say what is wrong', async () => {
    const { redis } = await startWithClient();
    await expect(redis.lset('none', 0, 'x')).rejects.toThrow('ERR no such key');
    await redis.rpush('l', 'a');
    await expect(redis.lset('l', 1, 'x')).rejects.toThrow('ERR index out of range');
    await expect(redis.call('LINDEX', 'l', 'x')).rejects.toThrow(notInteger);
    expect(await redis.call('LINDEX', 'none', 'x')).toBeNull();
    await expect(redis.call('LTRIM', 'none', 'x', '1')).rejects.toThrow(notInteger);
  });
});

describe('LREM, LINSERT and LPOS', () => {
  it('remove from the beginning, the end, or everywhere', async () => {
    const { redis } = await startWithClient();
    await redis.rpush('l', 'x', 'a', 'x', 'b', 'x');
    expect(await redis.lrem('l', -1, 'x')).toBe(1);
    expect(await redis.lrange('l', 0, -1)).toEqual(['x', 'a', 'x', 'b']);
    expect(await redis.lrem('l', 1, 'x')).toBe(1);
    expect(await redis.lrange('l', 0, -1)).toEqual(['a', 'x', 'b']);
    expect(await redis.lrem('l', 0, 'none')).toBe(0);
    await redis.del('l');
    await redis.rpush('l', 'x', 'x');
    expect(await redis.lrem('l', 0, 'x')).toBe(2);
    expect(await redis.exists('l')).toBe(0);
  });

  it('insert on either side of the first pivot', async () => {
    const { redis } = await startWithClient();
    await redis.rpush('l', 'a', 'p', 'p');
    expect(await redis.linsert('l', 'BEFORE', 'p', 'b')).toBe(4);
    expect(await redis.linsert('l', 'AFTER', 'p', 'c')).toBe(5);
    expect(await redis.lrange('l', 0, -1)).toEqual(['a', 'b', 'p', 'c', 'p']);
    expect(await redis.linsert('l', 'AFTER', 'none', 'c')).toBe(-1);
    expect(await redis.linsert('none', 'AFTER', 'p', 'c')).toBe(0);
    await expect(redis.call('LINSERT', 'l', 'NEXT', 'p', 'c')).rejects.toThrow('ERR syntax error');
  });

  it('find by rank, count and length', async () => {
    const { redis } = await startWithClient();
    await redis.rpush('l', 'a', 'b', 'c', '1', '2', '3', 'c', 'c');
    expect(await redis.call('LPOS', 'l', 'c')).toBe(2);
    expect(await redis.call('LPOS', 'l', 'c', 'RANK', '-1')).toBe(7);
    expect(await redis.call('LPOS', 'l', 'c', 'COUNT', '0')).toEqual([2, 6, 7]);
    expect(await redis.call('LPOS', 'l', 'c', 'COUNT', '2', 'RANK', '-1')).toEqual([7, 6]);
    expect(await redis.call('LPOS', 'l', 'c', 'COUNT', '0', 'MAXLEN', '3')).toEqual([2]);
    expect(await redis.call('LPOS', 'l', 'c', 'RANK', '4')).toBeNull();
    expect(await redis.call('LPOS', 'none', 'c', 'COUNT', '1')).toEqual([]);
    await expect(redis.call('LPOS', 'l', 'c', 'RANK', '0')).rejects.toThrow("ERR RANK can't be zero");
    await expect(redis.call('LPOS', 'l', 'c', 'COUNT', '-1')).rejects.toThrow("ERR COUNT can't be negative");
    await expect(redis.call('LPOS', 'l', 'c', 'RANK', '-9223372036854775808')).rejects.toThrow(
      'ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807',
    );
  });
});

describe('LMOVE, RPOPLPUSH and LMPOP', () => {
  it.each([
    ['a listpack', 7],
    ['a listpack of one', 1],
    ['a quicklist', 300],
  ])('turn %s around in place', async (_, count) => {
    const { redis } = await startWithClient();
    const list = Array.from({ length: count }, (_, i) =>
      i % 3 ? `element ${i} ${'x'.repeat(i)}` : String(i),
    );
    await redis.rpush('l', ...list);
    const encoding = await redis.object('ENCODING', 'l');
    for (let round = 0; round < 20; round++) {
      for (const from of ['LEFT', 'RIGHT'] as const) {
        for (const to of ['LEFT', 'RIGHT'] as const) {
          const element = (from === 'LEFT' ? list.shift() : list.pop()) as string;
          if (to === 'LEFT') list.unshift(element);
          else list.push(element);
          expect(await redis.call('LMOVE', 'l', 'l', from, to)).toBe(element);
          if (round % 3 === 0) {
            expect(await redis.rpoplpush('l', 'l')).toBe(list.at(-1));
            list.unshift(list.pop() as string);
          }
        }
      }
    }
    expect(await redis.lrange('l', 0, -1)).toEqual(list);
    expect(await redis.object('ENCODING', 'l')).toBe(encoding);
  });

  it('move between lists and within one', async () => {
    const { redis } = await startWithClient();
    await redis.rpush('from', 'a', 'b', 'c');
    expect(await redis.lmove('from', 'to', 'LEFT', 'RIGHT')).toBe('a');
    expect(await redis.rpoplpush('from', 'to')).toBe('c');
    expect(await redis.lrange('to', 0, -1)).toEqual(['c', 'a']);
    expect(await redis.lmove('to', 'to', 'LEFT', 'RIGHT')).toBe('c');
    expect(await redis.lrange('to', 0, -1)).toEqual(['a', 'c']);
    expect(await redis.lmove('from', 'from', 'LEFT', 'LEFT')).toBe('b');
    expect(await redis.lmove('from', 'to', 'LEFT', 'LEFT')).toBe('b');
    expect(await redis.exists('from')).toBe(0);
    expect(await redis.rpoplpush('from', 'to')).toBeNull();
  });

  it('change nothing if the destination is no list', async () => {
    const { redis } = await startWithClient();
    await redis.set('s', 'text');
    await redis.rpush('from', 'a');
    await expect(redis.rpoplpush('from', 's')).rejects.toThrow(wrongType);
    expect(await redis.lrange('from', 0, -1)).toEqual(['a']);
  });

  it('pop several from the first list that there is', async () => {
    const { redis } = await startWithClient();
    await redis.rpush('b', '1', '2', '3');
    expect(await redis.call('LMPOP', '2', 'a', 'b', 'RIGHT', 'COUNT', '2')).toEqual(['b', ['3', '2']]);
    expect(await redis.call('LMPOP', '2', 'a', 'b', 'LEFT')).toEqual(['b', ['1']]);
    expect(await redis.call('LMPOP', '2', 'a', 'b', 'LEFT')).toBeNull();
  });

  it.each([
    [['0', 'a', 'LEFT'], 'ERR numkeys should be greater than 0'],
    [['x', 'a', 'LEFT'], 'ERR numkeys should be greater than 0'],
    [['1', 'a', 'LEFT', 'COUNT', '0'], 'ERR count should be greater than 0'],
    [['1', 'a', 'UP'], 'ERR syntax error'],
    [['3', 'a', 'LEFT'], 'ERR syntax error'],
    [['1', 'a', 'LEFT', 'COUNT', '1', 'COUNT', '1'], 'ERR syntax error'],
    [['1', 'a', 'LEFT', 'COUNT'], 'ERR syntax error'],
  ])('LMPOP %j: %s', async (args, message) => {
    const { redis } = await startWithClient();
    await expect(redis.call('LMPOP', ...args)).rejects.toThrow(message);
  });
});

describe('the encoding of a list', () => {
  const encoding = (redis: Awaited<ReturnType<typeof startWithClient>>['redis']) =>
    redis.object('ENCODING', 'l');

  it('changes at the configured number of elements, and back at half of it', async () => {
    const { redis } = await startWithClient();
    await redis.config('SET', 'list-max-listpack-size', '4');
    await redis.rpush('l', '1', '2', '3', '4');
    expect(await encoding(redis)).toBe('listpack');
    await redis.rpush('l', '5');
    expect(await encoding(redis)).toBe('quicklist');
    await redis.rpop('l', 2);
    expect(await encoding(redis)).toBe('quicklist');
    await redis.lpop('l');
    expect(await encoding(redis)).toBe('listpack');
    expect(await redis.lrange('l', 0, -1)).toEqual(['2', '3']);
  });

  it('changes at the configured number of bytes, and back at half of it', async () => {
    const { redis } = await startWithClient();
    await redis.rpush('l', 'x'.repeat(4000), 'y'.repeat(4000));
    expect(await encoding(redis)).toBe('listpack');
    await redis.linsert('l', 'AFTER', 'x'.repeat(4000), 'z'.repeat(300));
    expect(await encoding(redis)).toBe('quicklist');
    await redis.rpop('l');
    expect(await encoding(redis)).toBe('quicklist');
    await redis.lset('l', 0, 'small');
    expect(await encoding(redis)).toBe('listpack');
    expect(await redis.lrange('l', 0, -1)).toEqual(['small', 'z'.repeat(300)]);
  });

  it('survives RENAME, COPY and a change of the limits', async () => {
    const { redis } = await startWithClient();
    const elements = Array.from({ length: 2000 }, (_, i) => `element ${i}`);
    await redis.rpush('l', ...elements);
    await redis.copy('l', 'copy');
    await redis.rename('l', 'renamed');
    await redis.config('SET', 'list-max-listpack-size', '10');
    await redis.lpush('renamed', 'first');
    await redis.linsert('renamed', 'BEFORE', 'element 1000', 'inserted');
    expect(await redis.lrange('copy', 0, -1)).toEqual(elements);
    expect(await redis.lrange('renamed', 0, -1)).toEqual([
      'first',
      ...elements.slice(0, 1000),
      'inserted',
      ...elements.slice(1000),
    ]);
  });
});

describe('events of lists', () => {
  it('are published in the order of the changes', async () => {
    const { server, redis } = await startWithClient();
    const listener = connect(server);
    await redis.config('SET', 'notify-keyspace-events', 'EA');
    const events: string[] = [];
    listener.on('pmessage', (_pattern, channel: string, key: string) =>
      events.push(`${channel.slice('__keyevent@0__:'.length)} ${key}`),
    );
    await listener.psubscribe('__keyevent@0__:*');
    await redis.rpush('l', 'a', 'b', 'c');
    await redis.lmove('l', 'm', 'LEFT', 'RIGHT');
    await redis.lset('l', 0, 'x');
    await redis.linsert('l', 'BEFORE', 'c', 'y');
    await redis.lrem('l', 0, 'x');
    await redis.ltrim('l', 0, 0);
    await redis.lpop('l');
    await redis.sort('m', 'ALPHA', 'STORE', 'n');
    await redis.set('end', '');
    await until('the last event has come', () => events.at(-1) === 'set end');
    expect(events).toEqual([
      'rpush l',
      'rpush m',
      'lpop l',
      'lset l',
      'linsert l',
      'lrem l',
      'ltrim l',
      'lpop l',
      'del l',
      'sortstore n',
      'set end',
    ]);
  });

  it('count each element as a change', async () => {
    const { redis } = await startWithClient();
    const changes = () => infoNumber(redis, 'rdb_changes_since_last_save');
    await redis.rpush('l', 'a', 'b', 'c', 'd');
    expect(await changes()).toBe(4);
    await redis.lpop('l', 2);
    expect(await changes()).toBe(6);
    await redis.ltrim('l', 0, -1);
    expect(await changes()).toBe(6);
    await redis.lmove('l', 'm', 'LEFT', 'LEFT');
    expect(await changes()).toBe(7);
  });
});
