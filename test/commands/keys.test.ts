import { describe, expect, it } from 'vitest';
import { eventLog } from '../support/event-log.js';
import { connect, startRespite, startWithClient } from '../support/respite.js';

async function startListening() {
  const server = await startRespite({ clock: 'manual', commands: [eventLog()] });
  const redis = connect(server);
  await redis.call('EVENTLOG');
  /** What a command leads to: number of changes, then events. */
  const events = async (...command: [string, ...string[]]) => {
    await redis.call('EVENTLOG');
    await redis.call(...command).catch(() => {});
    return redis.call('EVENTLOG');
  };
  return { server, redis, events };
}

describe('DEL and UNLINK', () => {
  it.each(['DEL', 'UNLINK'])('%s removes keys and counts those that were there', async (name) => {
    const { redis } = await startWithClient();
    await redis.mset('a', 1, 'b', 2, 'c', 3);
    expect(await redis.call(name, 'a', 'b', 'none', 'a')).toBe(2);
    expect(await redis.mget('a', 'b', 'c')).toEqual([null, null, '3']);
  });

  it('do not count a key that has expired', async () => {
    const { server, redis } = await startWithClient({ clock: 'manual', 'active-expire-effort': 1 });
    await redis.set('k', 'v', 'PX', 10);
    server.advanceTime(11);
    expect(await redis.del('k')).toBe(0);
  });

  it('announce each key', async () => {
    const { redis, events } = await startListening();
    await redis.mset('a', 1, 'b', 2);
    expect(await events('DEL', 'a', 'none', 'b')).toEqual([2, '0 del a', '0 del b']);
  });
});

describe('EXISTS, TOUCH and TYPE', () => {
  it('count a key as often as it is given', async () => {
    const { redis } = await startWithClient();
    await redis.mset('a', 1, 'b', 2);
    expect(await redis.exists('a', 'a', 'none', 'b')).toBe(3);
    expect(await redis.touch('a', 'a', 'none', 'b')).toBe(3);
  });

  it('name the type, none without a key', async () => {
    const { redis } = await startWithClient();
    await redis.set('a', 1);
    expect([await redis.type('a'), await redis.type('none')]).toEqual(['string', 'none']);
  });

  it('announce keys that are missing', async () => {
    const { events } = await startListening();
    expect(await events('EXISTS', 'x', 'y')).toEqual([0, '0 keymiss x', '0 keymiss y']);
    expect(await events('TYPE', 'x')).toEqual([0, '0 keymiss x']);
  });

  it('TOUCH marks the access, EXISTS does not', async () => {
    const { server, redis } = await startWithClient({ clock: 'manual' });
    await redis.set('k', 'v');
    server.advanceTime(7000);
    await redis.exists('k');
    await redis.type('k');
    await redis.ttl('k');
    expect(await redis.object('IDLETIME', 'k')).toBe(7);
    await redis.touch('k');
    expect(await redis.object('IDLETIME', 'k')).toBe(0);
  });
});

describe('RENAME and RENAMENX', () => {
  it('take value and expiry to the new name', async () => {
    const { redis } = await startWithClient({ clock: 'manual' });
    await redis.set('a', 'v', 'EX', 100);
    await redis.set('b', 'old', 'EX', 7);
    expect(await redis.rename('a', 'b')).toBe('OK');
    expect([await redis.get('a'), await redis.get('b'), await redis.ttl('b')]).toEqual([null, 'v', 100]);
    await redis.set('c', 'permanent');
    await redis.rename('c', 'b');
    expect([await redis.get('b'), await redis.ttl('b')]).toEqual(['permanent', -1]);
  });

  it('want a key that exists', async () => {
    const { redis } = await startWithClient();
    await expect(redis.rename('none', 'a')).rejects.toThrow('ERR no such key');
    await expect(redis.rename('none', 'none')).rejects.toThrow('ERR no such key');
    await expect(redis.renamenx('none', 'a')).rejects.toThrow('ERR no such key');
  });

  it('leave a key alone that is renamed to itself', async () => {
    const { redis, events } = await startListening();
    await redis.set('a', 'v', 'EX', 100);
    expect(await redis.rename('a', 'a')).toBe('OK');
    expect(await redis.renamenx('a', 'a')).toBe(0);
    expect([await redis.get('a'), await redis.ttl('a')]).toEqual(['v', 100]);
    expect(await events('RENAME', 'a', 'a')).toEqual([0]);
  });

  it('RENAMENX leaves a key that has the name', async () => {
    const { redis } = await startWithClient();
    await redis.mset('a', 1, 'b', 2);
    expect(await redis.renamenx('a', 'b')).toBe(0);
    expect(await redis.mget('a', 'b')).toEqual(['1', '2']);
    expect(await redis.renamenx('a', 'c')).toBe(1);
    expect(await redis.mget('a', 'c')).toEqual([null, '1']);
  });

  it('announce both names as one change', async () => {
    const { redis, events } = await startListening();
    await redis.mset('a', 1, 'b', 2);
    const expected = [1, '0 new b', '0 rename_from a', '0 rename_to b'];
    expect(await events('RENAME', 'a', 'b')).toEqual(expected);
    await redis.set('a', 1);
    expect(await events('RENAMENX', 'a', 'c')).toEqual([1, '0 new c', '0 rename_from a', '0 rename_to c']);
  });

  it('work with keys and values of any length', async () => {
    const { redis } = await startWithClient();
    const [short, long, value] = ['k', 'k'.repeat(70_000), 'v'.repeat(200_000)];
    await redis.set(short, value);
    await redis.rename(short, long);
    expect(await redis.get(long)).toBe(value);
    await redis.rename(long, short);
    expect(await redis.get(short)).toBe(value);
  });
});

describe('COPY', () => {
  it('copies value and expiry, and the copy is independent', async () => {
    const { redis } = await startWithClient({ clock: 'manual' });
    await redis.set('a', 'v', 'EX', 100);
    expect(await redis.copy('a', 'b')).toBe(1);
    expect([await redis.get('b'), await redis.ttl('b')]).toEqual(['v', 100]);
    await redis.append('b', 'w');
    expect(await redis.mget('a', 'b')).toEqual(['v', 'vw']);
  });

  it('replaces a key, with its expiry, only when asked to', async () => {
    const { redis } = await startWithClient();
    await redis.set('a', 1);
    await redis.set('b', 2, 'EX', 100);
    expect(await redis.copy('a', 'b')).toBe(0);
    expect(await redis.copy('a', 'b', 'REPLACE')).toBe(1);
    expect([await redis.get('b'), await redis.ttl('b')]).toEqual(['1', -1]);
    expect(await redis.copy('none', 'b', 'REPLACE')).toBe(0);
    expect(await redis.get('b')).toBe('1');
  });

  it('copies to another database', async () => {
    const { redis } = await startWithClient();
    await redis.set('a', 1);
    expect(await redis.copy('a', 'a', 'DB', 3)).toBe(1);
    await redis.select(3);
    expect(await redis.get('a')).toBe('1');
  });

  it.each([
    [['a', 'a'], 'ERR source and destination objects are the same'],
    [['a', 'b', 'DB', '16'], 'ERR DB index is out of range'],
    [['a', 'b', 'DB', '-1'], 'ERR DB index is out of range'],
    [['a', 'b', 'DB', 'x'], 'ERR value is not an integer or out of range'],
    [
      ['a', 'b', 'DB', '2147483648'],
      'ERR value is out of range, value must between -2147483648 and 2147483647',
    ],
    [['a', 'b', 'DB'], 'ERR syntax error'],
    [['a', 'b', 'AND'], 'ERR syntax error'],
  ])('refuses %j', async (args, message) => {
    const { redis } = await startWithClient();
    await redis.set('a', 1);
    await expect(redis.call('COPY', args)).rejects.toThrow(message);
  });

  it('announces the copy', async () => {
    const { redis, events } = await startListening();
    await redis.mset('a', 1, 'b', 2);
    expect(await events('COPY', 'a', 'b', 'REPLACE')).toEqual([1, '0 new b', '0 copy_to b']);
    expect(await events('COPY', 'a', 'b')).toEqual([0]);
    expect(await events('COPY', 'none', 'c')).toEqual([0, '0 keymiss none']);
  });
});

describe('MOVE', () => {
  it('takes a key and its expiry to another database', async () => {
    const { redis } = await startWithClient({ clock: 'manual' });
    await redis.set('a', 'v', 'EX', 100);
    expect(await redis.move('a', 2)).toBe(1);
    expect(await redis.exists('a')).toBe(0);
    await redis.select(2);
    expect([await redis.get('a'), await redis.ttl('a')]).toEqual(['v', 100]);
  });

  it('does not replace a key there', async () => {
    const { redis } = await startWithClient();
    await redis.set('a', 1);
    await redis.copy('a', 'a', 'DB', 1);
    expect(await redis.move('a', 1)).toBe(0);
    expect(await redis.move('none', 1)).toBe(0);
    expect(await redis.exists('a')).toBe(1);
  });

  it('wants another database that exists', async () => {
    const { redis } = await startWithClient();
    await expect(redis.move('a', 0)).rejects.toThrow('ERR source and destination objects are the same');
    await expect(redis.move('a', 16)).rejects.toThrow('ERR DB index is out of range');
    await expect(redis.move('a', 'x' as never)).rejects.toThrow(
      'ERR value is not an integer or out of range',
    );
  });

  it('announces the key in both databases as one change', async () => {
    const { redis, events } = await startListening();
    await redis.set('a', 1);
    expect(await events('MOVE', 'a', '3')).toEqual([1, '3 new a', '0 move_from a', '3 move_to a']);
  });
});
