import { describe, expect, it } from 'vitest';
import { startWithClient } from '../support/respite.js';

const allowed = { 'enable-debug-command': 'yes' } as const;
const zeros = '0'.repeat(40);

/** For each type: a value, and commands that make the same one in another encoding and order. */
const samples: Record<string, { plain: string[][]; other: string[][]; different: string[] }> = {
  string: { plain: [['SET', 'v', '12']], other: [['APPEND', 'v', '12']], different: ['SET', 'v', '13'] },
  list: {
    plain: [['RPUSH', 'v', 'a', '1', 'b']],
    other: [
      ['CONFIG', 'SET', 'list-max-listpack-size', '1'],
      ['RPUSH', 'v', 'a', '1', 'b'],
    ],
    different: ['RPUSH', 'v', 'b', 'a', '1'],
  },
  set: {
    plain: [['SADD', 'v', '1', '2', '3']],
    other: [
      ['SADD', 'v', '3', '2', 'x', '1'],
      ['SREM', 'v', 'x'],
    ],
    different: ['SADD', 'v', '1', '2'],
  },
  hash: {
    plain: [['HSET', 'v', 'a', '1', 'b', '2']],
    other: [
      ['CONFIG', 'SET', 'hash-max-listpack-entries', '0'],
      ['HSET', 'v', 'b', '2', 'a', '1'],
    ],
    different: ['HSET', 'v', 'a', '2', 'b', '1'],
  },
  'sorted set': {
    plain: [['ZADD', 'v', '1', 'a', '2.5', 'b']],
    other: [
      ['CONFIG', 'SET', 'zset-max-listpack-entries', '0'],
      ['ZADD', 'v', '2.5', 'b', '1', 'a'],
    ],
    different: ['ZADD', 'v', '1', 'a', '2', 'b'],
  },
};

async function digestAfter(commands: string[][]): Promise<{ value: string; all: string }> {
  const { redis } = await startWithClient(allowed);
  for (const [name, ...args] of commands) await redis.call(name, ...args);
  const [value] = (await redis.call('DEBUG', 'DIGEST-VALUE', 'v')) as string[];
  return { value, all: (await redis.call('DEBUG', 'DIGEST')) as string };
}

describe('DEBUG DIGEST', () => {
  for (const [type, { plain, other, different }] of Object.entries(samples)) {
    it(`depends on what a ${type} holds alone`, async () => {
      const digest = await digestAfter(plain);
      expect(digest.value).toMatch(/^[0-9a-f]{40}$/);
      expect(await digestAfter(other)).toEqual(digest);
      const changed = await digestAfter([different]);
      expect(changed.value).not.toBe(digest.value);
      expect(changed.all).not.toBe(digest.all);
    });
  }

  it('is zero for nothing, and tells keys, databases and times to live apart', async () => {
    expect(await digestAfter([])).toEqual({ value: zeros, all: zeros });
    const digests = await Promise.all([
      digestAfter([['SET', 'v', 'x']]),
      digestAfter([['SET', 'w', 'x']]),
      digestAfter([['SET', 'v', 'x', 'EX', '100']]),
      digestAfter([
        ['SELECT', '1'],
        ['SET', 'v', 'x'],
      ]),
    ]);
    expect(new Set(digests.map(({ all }) => all)).size).toBe(4);
  });
});
