import { connect as connectSocket, type Socket } from 'node:net';
import type { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import type { Respite } from '../../src/index.js';
import { infoNumber } from '../support/info.js';
import { connect, startWithClient } from '../support/respite.js';
import { until, untilInfo } from '../support/waiting.js';

/** A client of which the server has received so many bytes of one argument, and no whole command. */
function halfRequest(server: Respite, name: string, bytes: number): Socket {
  const socket = connectSocket({ port: server.port, host: server.host });
  socket.on('error', () => {}).resume();
  socket.write(`CLIENT SETNAME ${name}\r\n*2\r\n$3\r\nGET\r\n$${bytes + 10}\r\n${'x'.repeat(bytes)}`);
  return socket;
}

/** Memory of the clients by name, as CLIENT LIST shows it. */
async function memoryByName(redis: Redis): Promise<Record<string, number>> {
  const lines = String(await redis.client('LIST'))
    .trim()
    .split('\n');
  return Object.fromEntries(
    lines.map((line) => [/ name=(\S*)/.exec(line)?.[1], Number(/ tot-mem=(\d+)/.exec(line)?.[1])]),
  );
}

describe('maxmemory-clients', () => {
  it('ends the connections of those that take most, until the rest fits', async () => {
    const { server, redis } = await startWithClient();
    await redis.client('SETNAME', 'control');
    const sizes = { small: 100_000, middle: 400_000, large: 900_000 };
    for (const [name, bytes] of Object.entries(sizes)) {
      halfRequest(server, name, bytes);
      await until(`${name} has arrived`, async () => ((await memoryByName(redis))[name] ?? 0) > bytes);
    }
    await redis.config('SET', 'maxmemory-clients', 600_000);
    expect(Object.keys(await memoryByName(redis)).sort()).toEqual(['control', 'middle', 'small']);
    await redis.config('SET', 'maxmemory-clients', 200_000);
    expect(Object.keys(await memoryByName(redis)).sort()).toEqual(['control', 'small']);
    expect(await infoNumber(redis, 'evicted_clients')).toBe(2);
  });

  it('can be a part of maxmemory', async () => {
    const { server, redis } = await startWithClient({ maxmemory: 50_000_000 });
    await redis.config('SET', 'maxmemory-clients', '1%');
    const closed = new Promise((resolve) => halfRequest(server, 'greedy', 600_000).once('close', resolve));
    await closed;
    expect(await infoNumber(redis, 'evicted_clients')).toBe(1);
  });

  it('counts queued commands, watched keys and subscriptions', async () => {
    const { server, redis } = await startWithClient({
      'maxmemory-clients': { unit: 'bytes', amount: 300_000 },
    });
    await redis.client('NO-EVICT', 'ON');
    const greedy: ((client: Redis, i: number) => Promise<unknown>)[] = [
      (client, i) => (i === 0 ? client.multi({ pipeline: false }) : client.set('k', 'x'.repeat(10_000))),
      (client, i) => client.watch(...Array.from({ length: 100 }, (_, n) => `key:${i}:${n}`)),
      (client, i) => client.subscribe(...Array.from({ length: 100 }, (_, n) => `channel:${i}:${n}`)),
      (client, i) => client.psubscribe(...Array.from({ length: 100 }, (_, n) => `pattern:${i}:${n}`)),
    ];
    for (const [count, act] of greedy.entries()) {
      const client = connect(server);
      await expect(
        (async () => {
          for (let i = 0; i < 1000; i++) await act(client, i);
        })(),
      ).rejects.toThrow();
      expect(await infoNumber(redis, 'evicted_clients')).toBe(count + 1);
    }
  });

  it('spares clients that are not to be evicted', async () => {
    const { server, redis } = await startWithClient();
    await redis.client('NO-EVICT', 'ON');
    const other = connect(server);
    await other.client('NO-EVICT', 'ON');
    await redis.config('SET', 'maxmemory-clients', 1);
    expect(await other.ping()).toBe('PONG');
    await other.client('NO-EVICT', 'OFF').catch(() => {});
    await expect(other.ping()).rejects.toThrow();
    expect(await redis.ping()).toBe('PONG');
  });
});

describe('slow subscribers', () => {
  it('cannot take more than all clients may have', async () => {
    const limit = 20_000_000;
    const { server, redis } = await startWithClient({
      'maxmemory-clients': { unit: 'bytes', amount: limit },
    });
    await redis.client('NO-EVICT', 'ON');
    const slow = Array.from({ length: 1000 }, () => connectSocket({ port: server.port, host: server.host }));
    for (const socket of slow) {
      socket.on('error', () => {});
      socket.write('SUBSCRIBE news\r\n');
      socket.pause();
    }
    await until('all listen', async () => (await redis.publish('news', 'x')) === slow.length);
    const message = 'm'.repeat(20_000);
    let most = 0;
    await until('50 are evicted', async () => {
      await redis.publish('news', message);
      most = Math.max(most, await infoNumber(redis, 'mem_clients_normal'));
      return (await infoNumber(redis, 'evicted_clients')) >= 50;
    });
    expect(most).toBeLessThan(limit + slow.length * 25_000);
    for (const socket of slow) socket.destroy();
  });
});

describe('memory of clients', () => {
  it('returns to what it was when they have gone', async () => {
    const { server, redis } = await startWithClient();
    await redis.set('big', 'x'.repeat(100_000));
    const before = await infoNumber(redis, 'mem_clients_normal');
    const readers = Array.from({ length: 20 }, () => connectSocket({ port: server.port, host: server.host }));
    for (const reader of readers) {
      reader.pause();
      reader.write('GET big\r\n'.repeat(100));
    }
    await until(
      'replies wait',
      async () => (await infoNumber(redis, 'mem_clients_normal')) > before + 10_000_000,
    );
    for (const reader of readers) reader.destroy();
    await untilInfo(redis, 'connected_clients', 1);
    expect(Math.abs((await infoNumber(redis, 'mem_clients_normal')) - before)).toBeLessThan(20_000);
  });
});
