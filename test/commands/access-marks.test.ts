import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { describeWithRedisServer, startRedisServer } from '../support/redis-server.js';
import { startWithClient } from '../support/respite.js';

/** Commands that meet the key `k`, a list, or make a key of it. Some leave a mark on it, some do not. */
const commands = [
  ['LRANGE', 'k', '0', '-1'],
  ['LLEN', 'k'],
  ['RPUSH', 'k', 'x'],
  ['LSET', 'k', '0', 'y'],
  ['TTL', 'k'],
  ['TYPE', 'k'],
  ['EXISTS', 'k'],
  ['TOUCH', 'k'],
  ['EXPIRE', 'k', '1000'],
  ['PERSIST', 'k'],
  ['DUMP', 'k'],
  ['OBJECT', 'ENCODING', 'k'],
  ['COPY', 'k', 'k2', 'REPLACE'],
  ['SCAN', '0'],
  ['KEYS', '*'],
  ['SORT', 'k', 'ALPHA'],
  ['MEMORY', 'USAGE', 'k'],
  ['GET', 'k'],
  ['LPOS', 'k', 'a'],
  ['DEBUG', 'OBJECT', 'k'],
  ['SETNX', 'k', 'v'],
  ['SET', 'k', 'v', 'NX'],
  ['SET', 'k', 'v', 'XX'],
  ['SET', 'k', 'v'],
  ['MSETNX', 'k2', 'v', 'k', 'v'],
  ['MSET', 'k', 'v', 'k2', 'v'],
];

/** What OBJECT says of `k` after each command, when it was prepared with this option of RESTORE before. */
async function marksOf(redis: Redis, option: 'IDLETIME' | 'FREQ', value: string): Promise<string[]> {
  const marks: string[] = [];
  await redis.rpush('model', 'a', 'b', 'c');
  const payload = await redis.dumpBuffer('model');
  for (const command of commands) {
    await redis.del('k2');
    await redis.call('RESTORE', 'k', '0', payload, 'REPLACE', option, value);
    await redis.call(command[0], ...command.slice(1)).catch(() => {});
    for (const key of ['k', 'k2']) {
      const mark = await redis.call('OBJECT', option, key).catch((error: Error) => error.message);
      marks.push(`${command.join(' ')}: ${key} ${shown(option, mark)}`);
    }
  }
  return marks;
}

/** Seconds may pass between two commands. */
function shown(option: 'IDLETIME' | 'FREQ', mark: unknown): string {
  if (option === 'FREQ' || typeof mark !== 'number') return String(mark);
  return mark < 900 ? 'new' : 'as before';
}

describeWithRedisServer('OBJECT IDLETIME and FREQ', () => {
  it.each([
    ['IDLETIME', '1000', 'allkeys-lru'],
    // A log factor of 0 leaves nothing to chance: each access counts one. Nor does a minute that ends count.
    ['FREQ', '100', 'allkeys-lfu'],
  ] as const)('%s: the same commands leave a mark as in Redis', async (option, value, policy) => {
    const real = await startRedisServer(
      ...['--maxmemory-policy', policy, '--lfu-log-factor', '0', '--lfu-decay-time', '0'],
      ...['--enable-debug-command', 'yes'],
    );
    const oracle = new Redis({ port: real.port, retryStrategy: () => null });
    try {
      const { redis } = await startWithClient({
        'maxmemory-policy': policy,
        'lfu-log-factor': 0,
        'lfu-decay-time': 0,
        'enable-debug-command': 'yes',
        'rdb-version': '10',
      });
      expect(await marksOf(redis, option, value)).toEqual(await marksOf(oracle, option, value));
    } finally {
      oracle.disconnect();
      await real.stop();
    }
  });
});
