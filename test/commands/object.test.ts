import { describe, expect, it } from 'vitest';
import { startWithClient } from '../support/respite.js';

describe('OBJECT', () => {
  it('ENCODING names how a string is kept', async () => {
    const { redis } = await startWithClient();
    await redis.mset('int', '-12345', 'embstr', 'a'.repeat(44), 'raw', 'a'.repeat(45));
    for (const name of ['int', 'embstr', 'raw']) expect(await redis.object('ENCODING', name)).toBe(name);
  });

  it('IDLETIME tells seconds since the last access, which it does not mark', async () => {
    const { server, redis } = await startWithClient({ clock: 'manual' });
    await redis.set('k', 'v');
    server.advanceTime(5000);
    expect(await redis.object('IDLETIME', 'k')).toBe(5);
    expect(await redis.object('IDLETIME', 'k')).toBe(5);
    await redis.get('k');
    expect(await redis.object('IDLETIME', 'k')).toBe(0);
  });

  it('REFCOUNT shows that small integers are shared', async () => {
    const { redis } = await startWithClient();
    await redis.mset('small', 9999, 'large', 10_000, 'negative', -1, 'text', 'x');
    expect(await redis.object('REFCOUNT', 'small')).toBe(2147483647);
    for (const name of ['large', 'negative', 'text']) expect(await redis.object('REFCOUNT', name)).toBe(1);
  });

  it('REFCOUNT is 1 while each value needs its own access time', async () => {
    const { redis } = await startWithClient({ maxmemory: 1e9, 'maxmemory-policy': 'allkeys-lru' });
    await redis.set('small', 1);
    expect(await redis.object('REFCOUNT', 'small')).toBe(1);
  });

  it.each(['ENCODING', 'FREQ', 'IDLETIME', 'REFCOUNT'])('%s replies null without a key', async (name) => {
    const { redis } = await startWithClient();
    expect(await redis.call('OBJECT', name, 'none')).toBeNull();
  });

  it('FREQ wants an LFU policy', async () => {
    const { redis } = await startWithClient();
    await redis.set('k', 'v');
    await expect(redis.object('FREQ', 'k')).rejects.toThrow(
      /^ERR An LFU maxmemory policy is not selected, access frequency not tracked\. Please note that when switching/,
    );
  });

  it('FREQ counts accesses while an LFU policy rules', async () => {
    const { server, redis } = await startWithClient({
      clock: 'manual',
      'maxmemory-policy': 'allkeys-lfu',
      'lfu-log-factor': 0,
    });
    await redis.set('k', 'v');
    expect(await redis.object('FREQ', 'k')).toBe(5);
    for (let i = 0; i < 10; i++) await redis.get('k');
    expect(await redis.object('FREQ', 'k')).toBe(15);
    await redis.rename('k', 'renamed');
    expect(await redis.object('FREQ', 'renamed')).toBe(16);
    server.advanceTime(4 * 60_000);
    expect(await redis.object('FREQ', 'renamed')).toBe(12);
    await expect(redis.object('IDLETIME', 'renamed')).rejects.toThrow(
      /^ERR An LFU maxmemory policy is selected, idle time not tracked\. Please note/,
    );
  });

  it('HELP lists the subcommands', async () => {
    const { redis } = await startWithClient();
    const lines = (await redis.call('OBJECT', 'HELP')) as string[];
    expect(lines[0]).toBe('OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:');
    for (const name of ['ENCODING', 'FREQ', 'IDLETIME', 'REFCOUNT']) expect(lines).toContain(`${name} key`);
  });
});
