import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterEach, describe, expect, it } from 'vitest';
import type { Respite } from '../../src/index.js';
import { connect, startRespite } from '../support/respite.js';

// The client libraries as applications use them, with their defaults.

/** Larger than any buffer on the way, and not text. */
const large = Buffer.alloc(3_000_000, Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)));

const opened: { isOpen: boolean; destroy(): void }[] = [];

afterEach(() => {
  for (const client of opened.splice(0)) if (client.isOpen) client.destroy();
});

async function nodeRedis(server: Respite, options: Parameters<typeof createClient>[0] = {}) {
  const client = createClient({ url: server.url, ...options });
  client.on('error', () => {});
  opened.push(client);
  return client.connect();
}

/** The next call of the listener that `subscribe` is given. */
function nextMessage(subscribe: (listener: (message: string, channel: string) => void) => unknown) {
  return new Promise<[string, string]>((resolve) => {
    subscribe((message, channel) => resolve([message, channel]));
  });
}

describe.each([
  ['RESP2', {}],
  ['RESP3', { RESP: 3 }],
] as const)('node-redis over %s', (_name, options) => {
  it('connects, tells its name, and works with every type', async () => {
    const server = await startRespite({ clock: 'manual' });
    const client = await nodeRedis(server, { ...options, name: 'shop' });
    expect(await client.clientGetName()).toBe('shop');
    expect(await client.clientInfo()).toMatchObject({ name: 'shop', libName: 'node-redis' });
    expect(await client.set('text', 'grüße', { EX: 100 })).toBe('OK');
    expect(await client.get('text')).toBe('grüße');
    expect(await client.ttl('text')).toBe(100);
    expect(await client.get('absent')).toBeNull();
    await client.hSet('hash', { a: '1', b: '2' });
    expect({ ...(await client.hGetAll('hash')) }).toEqual({ a: '1', b: '2' });
    await client.zAdd('scores', [
      { value: 'x', score: 1.5 },
      { value: 'y', score: Infinity },
    ]);
    expect(await client.zRangeWithScores('scores', 0, -1)).toEqual([
      { value: 'x', score: 1.5 },
      { value: 'y', score: Infinity },
    ]);
    await client.sAdd('set', ['1', '2']);
    expect([...(await client.sMembers('set'))].sort()).toEqual(['1', '2']);
    await client.rPush('list', ['a', 'b']);
    expect(await client.lRange('list', 0, -1)).toEqual(['a', 'b']);
    await expect(client.incr('list')).rejects.toThrow('WRONGTYPE');
  });

  it('runs pipelines and transactions, and notices a watched key', async () => {
    const server = await startRespite();
    const client = await nodeRedis(server, options);
    const sums = await Promise.all(Array.from({ length: 1000 }, () => client.incr('n')));
    expect(sums).toEqual(Array.from({ length: 1000 }, (_, i) => i + 1));
    expect(await client.multi().set('a', '1').incr('a').get('a').exec()).toEqual(['OK', 2, '2']);
    await client.watch('a');
    await client.set('a', 'changed');
    await expect(client.multi().get('a').exec()).rejects.toThrow('watched key');
  });

  it('publishes and subscribes', async () => {
    const server = await startRespite();
    const [client, subscriber] = [await nodeRedis(server, options), await nodeRedis(server, options)];
    let ready: Promise<void> = Promise.resolve();
    const byChannel = nextMessage((listener) => (ready = subscriber.subscribe('news', listener)));
    await ready;
    const byPattern = nextMessage((listener) => (ready = subscriber.pSubscribe('n*', listener)));
    await ready;
    expect(await client.publish('news', 'hello')).toBe(2);
    expect(await byChannel).toEqual(['hello', 'news']);
    expect(await byPattern).toEqual(['hello', 'news']);
    await subscriber.unsubscribe('news');
    await subscriber.pUnsubscribe('n*');
    expect(await client.publish('news', 'nobody')).toBe(0);
  });

  it('logs in, selects a database, scans', async () => {
    const server = await startRespite({ requirepass: 'secret' });
    const client = await nodeRedis(server, { ...options, password: 'secret', database: 3 });
    await Promise.all(Array.from({ length: 500 }, (_, i) => client.set(`key:${i}`, 'x')));
    const found = new Set<string>();
    for await (const keys of client.scanIterator({ MATCH: 'key:*', COUNT: 50 })) {
      for (const key of keys) found.add(key);
    }
    expect(found.size).toBe(500);
    const url = `redis://${server.host}:${server.port}`;
    const refused = async () => {
      const stranger = await nodeRedis(server, { ...options, url, socket: { reconnectStrategy: false } });
      await stranger.get('key:1');
    };
    await expect(refused()).rejects.toThrow('NOAUTH');
  });
});

describe('ioredis', () => {
  it('connects with its defaults and keeps large binary values', async () => {
    const server = await startRespite();
    const redis = new Redis(server.url);
    opened.push({ isOpen: true, destroy: () => redis.disconnect() });
    expect(await redis.set('large', large)).toBe('OK');
    expect((await redis.getBuffer('large'))?.equals(large)).toBe(true);
    expect(await redis.getrange('large', 65, 67)).toBe('ABC');
    expect(await redis.append('large', large)).toBe(2 * large.length);
    expect((await redis.getBuffer('large'))?.equals(Buffer.concat([large, large]))).toBe(true);
  });

  it('pipelines thousands of commands and answers in order', async () => {
    const redis = connect(await startRespite());
    const pipeline = redis.pipeline();
    for (let i = 0; i < 5000; i++) pipeline.set(`k${i}`, String(i)).get(`k${i}`);
    const replies = await pipeline.exec();
    expect(replies?.filter((_, i) => i % 2 === 1)).toEqual(
      Array.from({ length: 5000 }, (_, i) => [null, String(i)]),
    );
  });

  it('runs transactions, names its connection, and works after RESET of the name', async () => {
    const redis = connect(await startRespite(), { connectionName: 'worker', db: 2 });
    expect(await redis.client('GETNAME')).toBe('worker');
    expect(await redis.multi().set('a', '1').incr('a').exec()).toEqual([
      [null, 'OK'],
      [null, 2],
    ]);
    expect(await redis.client('SETNAME', '')).toBe('OK');
    expect(await redis.client('GETNAME')).toBeNull();
  });

  it('receives messages, also binary ones', async () => {
    const server = await startRespite();
    const [publisher, subscriber] = [connect(server), connect(server)];
    expect(await subscriber.subscribe('bytes')).toBe(1);
    const received = new Promise<Buffer>((resolve) => {
      subscriber.on('messageBuffer', (_channel, message) => resolve(message));
    });
    expect(await publisher.publish('bytes', large.subarray(0, 256))).toBe(1);
    expect((await received).equals(large.subarray(0, 256))).toBe(true);
  });

  it('queues commands while it connects again', async () => {
    const server = await startRespite();
    const redis = connect(server, { retryStrategy: () => 1 });
    await redis.set('before', '1');
    const other = connect(server);
    const again = new Promise((resolve) => redis.once('close', resolve));
    await other.client('KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await again;
    expect(await redis.get('before')).toBe('1');
  });
});

describe('node-redis with a client-side cache', () => {
  it('reads from its cache until the server tells it that a key has changed', async () => {
    const server = await startRespite();
    const cached = await nodeRedis(server, { RESP: 3, clientSideCache: { maxEntries: 100 } });
    const other = connect(server);
    await other.set('key', 'old');
    for (let i = 0; i < 3; i++) expect(await cached.get('key')).toBe('old');
    expect(await other.info('commandstats')).toMatch(/cmdstat_get:calls=1,/);
    await other.set('key', 'new');
    // The message is on its way before the reply is.
    expect(await cached.ping()).toBe('PONG');
    expect(await cached.get('key')).toBe('new');
  });
});
