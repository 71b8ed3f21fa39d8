import type { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { startWithClient } from '../support/respite.js';

async function scanAll(redis: Redis, ...options: string[]): Promise<{ keys: string[]; calls: number }> {
  const keys: string[] = [];
  let cursor = '0';
  let calls = 0;
  do {
    const [next, page] = (await redis.call('SCAN', cursor, ...options)) as [string, string[]];
    keys.push(...page);
    cursor = next;
    calls++;
  } while (cursor !== '0');
  return { keys, calls };
}

async function startFilled(count: number) {
  const { server, redis } = await startWithClient({ clock: 'manual' });
  const names = Array.from({ length: count }, (_, i) => `key:${i}`);
  if (count > 0) await redis.mset(names.flatMap((name) => [name, 'v']));
  return { server, redis, names };
}

describe('SCAN', () => {
  it('returns every key of the database', async () => {
    const { redis, names } = await startFilled(1000);
    const { keys, calls } = await scanAll(redis);
    expect(keys.length).toBe(1000);
    expect(new Set(keys)).toEqual(new Set(names));
    expect(calls).toBeGreaterThan(40);
  });

  it('returns about COUNT keys a call', async () => {
    const { redis } = await startFilled(1000);
    const [, few] = await redis.scan(0, 'COUNT', 5);
    expect(few.length).toBeGreaterThanOrEqual(5);
    expect(few.length).toBeLessThan(40);
    expect((await scanAll(redis, 'COUNT', '100000')).calls).toBe(1);
    expect((await scanAll(redis, 'COUNT', '9223372036854775807')).calls).toBe(1);
  });

  it('returns every key that stays while others come and go', async () => {
    const { redis, names } = await startFilled(1000);
    const seen = new Set<string>();
    let cursor = '0';
    let round = 0;
    do {
      const [next, page] = await redis.scan(cursor, 'COUNT', 20);
      for (const key of page) seen.add(key);
      cursor = next;
      const others = Array.from({ length: 300 }, (_, i) => `other:${i}`);
      if (round++ % 2 === 0) await redis.mset(others.flatMap((name) => [name, 'v']));
      else await redis.del(others);
    } while (cursor !== '0');
    for (const name of names) expect(seen).toContain(name);
  });

  it('matches keys with MATCH', async () => {
    const { redis } = await startFilled(1000);
    expect((await scanAll(redis, 'MATCH', 'key:1??')).keys.length).toBe(100);
    expect((await scanAll(redis, 'MATCH', '*')).keys.length).toBe(1000);
    expect((await scanAll(redis, 'MATCH', 'nothing*')).keys).toEqual([]);
  });

  it('answers at once for a pattern that only one key can match', async () => {
    const { redis } = await startFilled(1000);
    expect(await scanAll(redis, 'MATCH', 'key:17')).toEqual({ keys: ['key:17'], calls: 1 });
    expect(await scanAll(redis, 'MATCH', 'none')).toEqual({ keys: [], calls: 1 });
    expect(await scanAll(redis, 'MATCH', 'key:17', 'TYPE', 'list')).toEqual({ keys: [], calls: 1 });
  });

  it('filters by TYPE, which may be unknown', async () => {
    const { redis } = await startFilled(100);
    expect((await scanAll(redis, 'TYPE', 'STRING', 'MATCH', 'key:*', 'COUNT', '10')).keys.length).toBe(100);
    expect((await scanAll(redis, 'TYPE', 'list')).keys).toEqual([]);
    expect((await scanAll(redis, 'TYPE', 'unheard-of')).keys).toEqual([]);
  });

  it('takes any unsigned 64-bit cursor', async () => {
    const { redis } = await startFilled(10);
    for (const cursor of ['18446744073709551615', '4294967296', '-1', '+0', '00', '']) {
      const [next, page] = (await redis.call('SCAN', cursor)) as [string, string[]];
      expect(next).toMatch(/^\d+$/);
      expect(page.length).toBeLessThanOrEqual(10);
    }
  });

  it.each([
    [['x'], 'ERR invalid cursor'],
    [['18446744073709551616'], 'ERR invalid cursor'],
    [['0x1', 'NONSENSE'], 'ERR invalid cursor'],
    [['0', 'COUNT', '0'], 'ERR syntax error'],
    [['0', 'COUNT', '-5'], 'ERR syntax error'],
    [['0', 'COUNT', 'x'], 'ERR value is not an integer or out of range'],
    [['0', 'COUNT'], 'ERR syntax error'],
    [['0', 'MATCH'], 'ERR syntax error'],
    [['0', 'FOR', 'ever'], 'ERR syntax error'],
  ])('refuses %j', async (args, message) => {
    const { redis } = await startFilled(0);
    await expect(redis.call('SCAN', args)).rejects.toThrow(message);
  });
});

describe('KEYS', () => {
  it('lists the keys that match', async () => {
    const { redis } = await startFilled(0);
    await redis.mset('one', 1, 'two', 2, 'three', 3, 'o*e', 4);
    expect((await redis.keys('*')).sort()).toEqual(['o*e', 'one', 'three', 'two']);
    expect((await redis.keys('t*')).sort()).toEqual(['three', 'two']);
    expect((await redis.keys('o?e')).sort()).toEqual(['o*e', 'one']);
    expect(await redis.keys('o\\*e')).toEqual(['o*e']);
    expect(await redis.keys('[no]?e')).toEqual(expect.arrayContaining(['one']));
  });

  it('looks a pattern without wildcards up', async () => {
    const { redis } = await startFilled(10);
    expect(await redis.keys('key:3')).toEqual(['key:3']);
    expect(await redis.keys('key:33')).toEqual([]);
    expect(await redis.keys('')).toEqual([]);
    await redis.set('', 'v');
    expect(await redis.keys('')).toEqual(['']);
  });

  it('returns binary keys as they are', async () => {
    const { redis } = await startFilled(0);
    const key = Buffer.from([0, 0xff, 0x0d, 0x0a, 0x80]);
    await redis.set(key, 'v');
    expect(await redis.keysBuffer('*')).toEqual([key]);
  });
});
