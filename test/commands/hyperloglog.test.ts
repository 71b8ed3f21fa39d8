import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src/ambient/random.js';
import { describeWithRedisServer, type SpawnedServer, startRedisServer } from '../support/redis-server.js';
import { startWithClient } from '../support/respite.js';

const notOne = 'WRONGTYPE Key is not a valid HyperLogLog string value.';

describe('PFADD', () => {
  it('tells whether anything changed, which a new key is too', async () => {
    const { redis } = await startWithClient();
    expect(await redis.call('PFADD', 'h')).toBe(1);
    expect(await redis.call('PFADD', 'h')).toBe(0);
    expect(await redis.pfadd('h', 'a', 'b', 'c')).toBe(1);
    expect(await redis.pfadd('h', 'a', 'b', 'c')).toBe(0);
    expect(await redis.pfcount('h')).toBe(3);
    expect(await redis.type('h')).toBe('string');
    expect(await redis.object('ENCODING', 'h')).toBe('raw');
  });

  it('marks the cached cardinality as out of date only if something changed', async () => {
    const { redis } = await startWithClient();
    const cached = async () => (await redis.getrangeBuffer('h', 8, 15)).toString('hex');
    await redis.pfadd('h', 'a', 'b', 'c');
    expect(await cached()).toBe('0000000000000080');
    await redis.pfcount('h');
    expect(await cached()).toBe('0300000000000000');
    await redis.pfadd('h', 'a', 'b');
    expect(await cached()).toBe('0300000000000000');
    await redis.pfadd('h', '1', '2', '3');
    expect(await cached()).toBe('0300000000000080');
  });

  it('keeps the time to live', async () => {
    const { redis } = await startWithClient();
    await redis.pfadd('h', 'a');
    await redis.expire('h', 100);
    for (let i = 0; i < 50; i++) await redis.pfadd('h', String(i));
    expect(await redis.ttl('h')).toBeGreaterThan(90);
  });

  it('makes sparse ones dense beyond hll-sparse-max-bytes', async () => {
    const { redis } = await startWithClient({ 'hll-sparse-max-bytes': 100 });
    await redis.pfadd('h', 'a');
    expect(await redis.call('PFDEBUG', 'ENCODING', 'h')).toBe('sparse');
    for (let i = 0; i < 50; i++) await redis.pfadd('h', String(i));
    expect(await redis.call('PFDEBUG', 'ENCODING', 'h')).toBe('dense');
    expect(await redis.strlen('h')).toBe(12304);
    expect(await redis.pfcount('h')).toBe(51);
  });

  it('does not touch watched keys unless it changes them', async () => {
    const { redis } = await startWithClient();
    await redis.pfadd('h', 'a');
    await redis.pfcount('h');
    await redis.watch('h');
    await redis.pfadd('h', 'a');
    expect(await redis.multi().ping().exec()).toEqual([[null, 'PONG']]);
    await redis.watch('h');
    await redis.pfadd('h', 'b');
    expect(await redis.multi().ping().exec()).toBeNull();
  });
});

describe('PFCOUNT and PFMERGE', () => {
  it('see all keys together', async () => {
    const { redis } = await startWithClient();
    await redis.pfadd('a', '1', '2', '3');
    await redis.pfadd('b', '3', '4');
    expect(await redis.pfcount('a', 'b', 'missing')).toBe(4);
    expect(await redis.pfcount('missing')).toBe(0);
    expect(await redis.pfmerge('c', 'a', 'b', 'missing')).toBe('OK');
    expect(await redis.pfcount('c')).toBe(4);
    expect(await redis.pfmerge('a', 'b')).toBe('OK');
    expect(await redis.pfcount('a')).toBe(4);
    expect(await redis.call('PFMERGE', 'new')).toBe('OK');
    expect(await redis.exists('new')).toBe(1);
  });

  it('make the destination dense if a source is', async () => {
    const { redis } = await startWithClient();
    await redis.pfadd('sparse', '1');
    await redis.pfadd('dense', '2');
    expect(await redis.call('PFDEBUG', 'TODENSE', 'dense')).toBe(1);
    expect(await redis.call('PFDEBUG', 'TODENSE', 'dense')).toBe(0);
    await redis.pfmerge('sparse', 'dense');
    expect(await redis.call('PFDEBUG', 'ENCODING', 'sparse')).toBe('dense');
    expect(await redis.pfcount('sparse')).toBe(2);
  });
});

describe('what is no HyperLogLog', () => {
  it('is refused', async () => {
    const { redis } = await startWithClient();
    await redis.lpush('list', 'x');
    await redis.set('text', 'hello');
    await redis.pfadd('h', 'a');
    for (const command of ['PFADD', 'PFCOUNT', 'PFMERGE']) {
      await expect(redis.call(command, 'list', 'h')).rejects.toThrow('WRONGTYPE Operation against a key');
      await expect(redis.call(command, 'text', 'h')).rejects.toThrow(notOne);
    }
    await expect(redis.pfcount('h', 'text')).rejects.toThrow(notOne);
    await expect(redis.pfmerge('h', 'text')).rejects.toThrow(notOne);
  });

  it('is refused when header or runs are broken', async () => {
    const { redis } = await startWithClient();
    const broken = async (offset: number, bytes: string) => {
      await redis.del('h');
      await redis.pfadd('h', 'a', 'b', 'c');
      await redis.setrange('h', offset, bytes);
    };
    await broken(0, 'HYLX');
    await expect(redis.pfcount('h')).rejects.toThrow(notOne);
    await broken(4, 'x');
    await expect(redis.pfcount('h')).rejects.toThrow(notOne);
    await broken(4, '\0');
    await expect(redis.pfcount('h')).rejects.toThrow(notOne);
    await broken(16, '\0\0');
    await expect(redis.pfcount('h')).rejects.toThrow('INVALIDOBJ Corrupted HLL object detected');
    await redis.pfadd('good', 'a');
    await redis.append('good', 'hello');
    await expect(redis.pfcount('good')).rejects.toThrow(/WRONGTYPE|INVALIDOBJ/);
  });
});

describe('PFDEBUG and PFSELFTEST', () => {
  it('show what is inside', async () => {
    const { redis } = await startWithClient();
    await redis.pfadd('h', 'a');
    expect(await redis.call('PFDEBUG', 'DECODE', 'h')).toBe('Z:12711 v:2,1 Z:3672');
    const registers = (await redis.call('PFDEBUG', 'GETREG', 'h')) as number[];
    expect(registers).toHaveLength(16384);
    expect(registers.findIndex((value) => value > 0)).toBe(12711);
    await expect(redis.call('PFDEBUG', 'DECODE', 'h')).rejects.toThrow('ERR HLL encoding is not sparse');
    await expect(redis.call('PFDEBUG', 'NOSUCH', 'h')).rejects.toThrow(
      "ERR Unknown PFDEBUG subcommand 'NOSUCH'",
    );
    await expect(redis.call('PFDEBUG', 'GETREG', 'no')).rejects.toThrow(
      'ERR The specified key does not exist',
    );
    expect(await redis.call('PFSELFTEST')).toBe('OK');
  });
});

describeWithRedisServer('the same as redis-server', () => {
  let oracle: SpawnedServer;
  let other: Redis;
  beforeAll(async () => {
    oracle = await startRedisServer();
    other = new Redis({ port: oracle.port, host: '127.0.0.1' });
  });
  afterAll(async () => {
    other.disconnect();
    await oracle.stop();
  });

  /** Sends a command to both and expects the same answer, down to the byte. */
  function pair(redis: Redis) {
    const ask = (client: Redis, words: (string | Buffer)[]) =>
      client.callBuffer(String(words[0]), ...words.slice(1)).then(
        (reply) => (Buffer.isBuffer(reply) ? reply.toString('latin1') : reply),
        (error: Error) => error.message,
      );
    return async (...words: (string | Buffer)[]) => {
      const [own, expected] = await Promise.all([ask(redis, words), ask(other, words)]);
      expect(own, words.slice(0, 4).join(' ')).toEqual(expected);
    };
  }

  it('stores the same bytes and counts the same', { timeout: 60_000 }, async () => {
    const { redis } = await startWithClient();
    const both = pair(redis);
    const random = new SeededRandom(20);
    const pick = (n: number) => Math.floor(random.next() * n);
    await both('FLUSHALL');
    const keys = ['a', 'b', 'c', 'd'];
    for (let step = 0; step < 1500; step++) {
      const key = keys[pick(keys.length)];
      const action = pick(20);
      if (action === 0)
        await both('CONFIG', 'SET', 'hll-sparse-max-bytes', String([0, 20, 300, 3000, 15000][pick(5)]));
      else if (action === 1) await both('PFMERGE', key, keys[pick(4)], keys[pick(4)]);
      else if (action === 2) await both('PFCOUNT', key, keys[pick(4)]);
      else if (action === 3 && pick(4) === 0) await both('DEL', key);
      else if (action === 4) await both('PFCOUNT', key);
      else if (action === 5) await both('PFDEBUG', 'DECODE', key);
      else {
        const count = pick(3) === 0 ? pick(200) : pick(5);
        const elements = Array.from({ length: count }, () =>
          String(pick(10 ** (1 + pick(7)))).repeat(1 + pick(3)),
        );
        await both('PFADD', key, ...elements);
      }
      await both('GET', key);
      await both('PFDEBUG', 'ENCODING', key);
    }
  });

  it('refuses the same broken values', { timeout: 60_000 }, async () => {
    const { redis } = await startWithClient();
    const both = pair(redis);
    const random = new SeededRandom(21);
    const pick = (n: number) => Math.floor(random.next() * n);
    for (let step = 0; step < 400; step++) {
      await both('DEL', 'h');
      await both('PFADD', 'h', ...Array.from({ length: pick(60) }, () => String(random.next())));
      const length = await redis.strlen('h');
      for (let edits = 1 + pick(3); edits > 0; edits--)
        await both('SETRANGE', 'h', String(pick(length)), Buffer.from([pick(256)]));
      if (pick(4) === 0) await both('APPEND', 'h', 'x');
      await both('PFCOUNT', 'h');
      await both('PFMERGE', 'merged', 'h');
    }
  });
});
