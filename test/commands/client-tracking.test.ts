import { describe, expect, it } from 'vitest';
import type { Respite } from '../../src/index.js';
import { mostNameBytes } from '../../src/pubsub/client-tracking.js';
import type { RespiteServer } from '../../src/server/server.js';
import { infoField } from '../support/info.js';
import { RawClient } from '../support/raw-client.js';
import { plain } from '../support/reply-reader.mjs';
import { startWithClient } from '../support/respite.js';
import { until, untilInfo } from '../support/waiting.js';

// What redis-server does is compared in test/differential/client-tracking.test.ts.

async function tracker(server: Respite, options = ''): Promise<RawClient> {
  const client = await RawClient.connect({ port: server.port });
  await client.call('HELLO', 3);
  await client.call('CLIENT', 'TRACKING', 'ON', ...options.split(' ').filter((word) => word !== ''));
  return client;
}

/** The server behind the embedding API. */
function inside(server: Respite): RespiteServer {
  return (server as unknown as { server: RespiteServer }).server;
}

/** What the client was told until now: the keys of each message. */
async function told(client: RawClient): Promise<unknown[]> {
  await client.call('PING');
  return client.pushes.splice(0).map((push) => plain(push));
}

describe('CLIENT TRACKING', () => {
  it('tells once of a key that was read and changes', async () => {
    const { server, redis } = await startWithClient();
    const client = await tracker(server);
    await client.call('MGET', 'a', 'b');
    await redis.set('a', 1);
    await redis.set('a', 2);
    await redis.set('c', 1);
    expect(await told(client)).toEqual([['invalidate', ['a']]]);
    expect(await infoField(redis, 'tracking_total_keys')).toBe('1');
  });

  it('tells of keys that expire, are evicted, or lose fields whose time has come', async () => {
    const { server, redis } = await startWithClient({ clock: 'manual' });
    const client = await tracker(server);
    await redis.multi().set('key', 'v', 'PX', 10).hset('hash', 'f', 1, 'g', 2).set('gone', 1).exec();
    await redis.call('HPEXPIRE', 'hash', 10, 'FIELDS', 1, 'f');
    await client.call('GET', 'key');
    await client.call('HGETALL', 'hash');
    await client.call('GET', 'gone');
    server.advanceTime(20);
    expect((await told(client)).sort()).toEqual([
      ['invalidate', ['hash']],
      ['invalidate', ['key']],
    ]);
    await redis.config('SET', 'maxmemory-policy', 'allkeys-random');
    await redis.config('SET', 'maxmemory', 1);
    await redis.set('more', 1).catch(() => {});
    await untilInfo(redis, 'tracking_total_keys', 0);
    expect(await told(client)).toEqual([['invalidate', ['gone']]]);
  });

  it('forgets the keys that were read first when there are too many, and tells so', async () => {
    const { server, redis } = await startWithClient({ 'tracking-table-max-keys': 3 });
    const client = await tracker(server);
    for (const key of ['a', 'b', 'c', 'd']) await client.call('GET', key);
    expect(await told(client)).toEqual([['invalidate', ['a']]]);
    await redis.config('SET', 'tracking-table-max-keys', 1);
    expect(await told(client)).toEqual([
      ['invalidate', ['b']],
      ['invalidate', ['c']],
    ]);
    await redis.config('SET', 'tracking-table-max-keys', 0);
    for (let i = 0; i < 100; i++) await client.call('GET', `many:${i}`);
    expect(await infoField(redis, 'tracking_total_keys')).toBe('101');
  });

  it('never puts a message in the midst of a reply', async () => {
    const { server } = await startWithClient();
    const client = await tracker(server);
    const target = await RawClient.connect({ port: server.port });
    await target.call('HELLO', 3);
    const id = String(await target.call('CLIENT', 'ID'));
    const redirecting = await tracker(server, `REDIRECT ${id}`);
    for (const each of [client, redirecting]) await each.call('MGET', 'a', 'b');
    for (const each of [client, target]) {
      const replies = await each.pipeline([
        ['MULTI'],
        ['SET', 'a', 1],
        ['GET', 'a'],
        ['SET', 'b', 2],
        ['EXEC'],
        ['GET', 'b'],
      ]);
      expect(replies.map(plain).slice(4)).toEqual([['OK', '1', 'OK'], '2']);
    }
    expect(await told(client)).toEqual([
      ['invalidate', ['a']],
      ['invalidate', ['b']],
      // It has read them in its own transaction and after it.
      ['invalidate', ['a']],
      ['invalidate', ['b']],
    ]);
    expect(await told(target)).toHaveLength(2);
  });

  it('ends with RESET, OFF, and the connection', async () => {
    const { server, redis } = await startWithClient();
    const clients = await Promise.all(
      ['', 'BCAST PREFIX a', 'BCAST'].map((options) => tracker(server, options)),
    );
    expect(await infoField(redis, 'tracking_clients')).toBe('3');
    expect(await infoField(redis, 'tracking_total_prefixes')).toBe('2');
    expect(await redis.client('LIST')).toMatch(/flags=t .*\n.*flags=tB .*\n.*flags=tB /);
    await clients[0].call('GET', 'a');
    await clients[0].call('RESET');
    await clients[1].call('CLIENT', 'TRACKING', 'OFF');
    await redis.set('a', 1);
    expect(await told(clients[0])).toEqual([]);
    expect(await told(clients[1])).toEqual([]);
    expect(await told(clients[2])).toEqual([['invalidate', ['a']]]);
    await clients[2].close();
    await untilInfo(redis, 'tracking_clients', 0);
    expect(await infoField(redis, 'tracking_total_prefixes')).toBe('0');
    expect(await infoField(redis, 'tracking_total_items')).toBe('0');
  });

  it('tells a client whose replies are off', async () => {
    const { server, redis } = await startWithClient();
    const client = await tracker(server);
    await client.call('GET', 'a');
    client.write('CLIENT REPLY OFF\r\n');
    await until('the replies are off', async () =>
      /cmd=client\|reply/.test(String(await redis.client('LIST'))),
    );
    await redis.set('a', 1);
    await until('it was told', () => client.pushes.length > 0);
    client.write('CLIENT REPLY ON\r\n');
    expect(plain(await client.next())).toBe('OK');
  });

  it('follows what scripts read', async () => {
    const { server, redis } = await startWithClient();
    const client = await tracker(server);
    await client.call(
      'EVAL',
      "redis.call('get', KEYS[1]) redis.call('set', KEYS[2], 1)",
      2,
      'read',
      'written',
    );
    await redis.mset('read', 1, 'written', 2);
    expect(await told(client)).toEqual([['invalidate', ['read']]]);
  });

  it('keeps names that are no text', async () => {
    const { server } = await startWithClient();
    const [client, writer] = await Promise.all([tracker(server), tracker(server, 'BCAST PREFIX \xff')]);
    const name = Buffer.from([0xff, 0, 0x0d, 0x0a, 0xc3]);
    await client.call('GET', name);
    await writer.call('SET', name, 'v');
    const message = ['invalidate', [name.toString('latin1')]];
    expect(await told(client)).toEqual([message]);
    expect(await told(writer)).toEqual([message]);
  });

  it('holds messages back until the reply of a transaction whose script stopped in its middle', async () => {
    const { server, redis } = await startWithClient({ 'busy-reply-threshold': 20 });
    await redis.ping();
    for (const options of ['', 'BCAST']) {
      const client = await tracker(server, options);
      await client.call('MGET', 'k1', 'k2');
      const loop = 'for i = 1, 4e5 do local s = tostring(i) end';
      const replies = await client.pipeline([
        ['MULTI'],
        ['SET', 'k1', 1],
        ['EVAL', `${loop} redis.call('set', KEYS[1], 1) ${loop} return 'done'`, 1, 'k2'],
        ['SET', 'k1', 2],
        ['EXEC'],
      ]);
      expect(plain(replies[4])).toEqual(['OK', 'done', 'OK']);
      const keys = (await told(client)).flatMap((message) => (message as [string, string[]])[1]);
      expect([...new Set(keys)]).toEqual(['k1', 'k2']);
      await client.close();
    }
  });

  it('keeps what CLIENT CACHING said for a command that waits, and not for one that is refused', async () => {
    const { server, redis } = await startWithClient({ clock: 'manual' });
    const client = await tracker(server, 'OPTIN');
    await client.call('CLIENT', 'CACHING', 'YES');
    const { id } = [...inside(server).clients.all()].find(({ tracking }) => tracking !== undefined)!;
    await redis.client('PAUSE', 100);
    const paused = client.call('GET', 'a');
    await until('it waits', () => inside(server).clients.get(id)!.blocked !== undefined);
    server.advanceTime(200);
    await paused;
    await client.call('CLIENT', 'CACHING', 'YES');
    const waiting = client.call('XREAD', 'BLOCK', 100, 'STREAMS', 's', '$');
    await untilInfo(redis, 'blocked_clients', 1);
    server.advanceTime(200);
    expect(await waiting).toBeNull();
    for (const refused of [['NOSUCH'], ['GET']]) {
      await client.call('CLIENT', 'CACHING', 'YES');
      await client.send(...refused);
      await client.call('GET', 'b');
    }
    await redis.mset('a', 1, 'b', 1);
    await redis.xadd('s', '*', 'f', 'v');
    expect(await told(client)).toEqual([
      ['invalidate', ['a']],
      ['invalidate', ['s']],
    ]);
  });

  it('leaves a client on the fast way when nobody tracks with it any more', async () => {
    const { server } = await startWithClient();
    const target = await RawClient.connect({ port: server.port });
    const id = Number(await target.call('CLIENT', 'ID'));
    const gate = () => inside(server).clients.get(id)!.gate;
    const first = await tracker(server, `REDIRECT ${id}`);
    const second = await tracker(server, `REDIRECT ${id}`);
    expect(gate()).not.toBe(0);
    await first.call('CLIENT', 'TRACKING', 'ON');
    expect(gate()).not.toBe(0);
    await second.close();
    await until('the target is like any other', () => gate() === 0);
    await target.call('CLIENT', 'TRACKING', 'ON');
    expect(gate()).not.toBe(0);
    await target.call('CLIENT', 'TRACKING', 'OFF');
    expect(gate()).toBe(0);
  });

  it('counts what it remembers as used memory, and bounds the bytes of all names', async () => {
    const { server, redis } = await startWithClient();
    const client = await tracker(server);
    const before = Number(await infoField(redis, 'used_memory'));
    const megabyte = 'x'.repeat(2 ** 20);
    const names = Array.from({ length: mostNameBytes / 2 ** 20 + 2 }, (_, i) => `${i}:${megabyte}`);
    for (const name of names.slice(0, 10)) await client.call('GET', name);
    expect(Number(await infoField(redis, 'used_memory')) - before).toBeGreaterThan(10 * 2 ** 20);
    for (const name of names.slice(10)) await client.call('GET', name);
    const forgotten = (await told(client)).map((message) => (message as [string, string[]])[1][0]);
    expect(forgotten).toEqual(names.slice(0, 3));
  });
});
