import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { encodeCommand } from '../support/encode-command.mjs';
import { RawClient } from '../support/raw-client.js';
import { connect, startRespite, startWithClient } from '../support/respite.js';
import { until, untilInfo } from '../support/waiting.js';

const mib = 1024 * 1024;

describe('timeout', () => {
  it('ends connections that are silent, unless they wait for something', async () => {
    const { server, redis } = await startWithClient({ clock: 'manual', timeout: 10 });
    const [idle, subscriber, monitor, blocked] = await Promise.all(
      Array.from({ length: 4 }, () => RawClient.connect({ port: server.port })),
    );
    await idle.call('PING');
    await subscriber.call('SUBSCRIBE', 'c');
    await monitor.call('MONITOR');
    blocked.write('BLPOP list 0\r\n');
    await untilInfo(redis, 'blocked_clients', 1);
    server.advanceTime(9000);
    await redis.ping();
    server.advanceTime(2000);
    await idle.closed;
    await redis.publish('c', 'still here');
    await subscriber.next();
    await redis.lpush('list', 'x');
    expect((await blocked.nextRaw()).toString()).toContain('list');
    expect(monitor.socket.destroyed).toBe(false);
  });

  it('is off by default', async () => {
    const { server, redis } = await startWithClient({ clock: 'manual' });
    await redis.ping();
    server.advanceTime(1e9);
    expect(await redis.ping()).toBe('PONG');
  });
});

describe('maxclients', () => {
  it('refuses further connections with a sentence, and lets them in again when somebody leaves', async () => {
    const { server, redis } = await startWithClient({ maxclients: 2 });
    await redis.ping();
    const second = await RawClient.connect({ port: server.port });
    await second.call('PING');
    const third = await RawClient.connect({ port: server.port });
    expect((await third.nextRaw()).toString()).toBe('-ERR max number of clients reached\r\n');
    await third.closed;
    expect(await redis.info('stats')).toContain('rejected_connections:1\r\n');
    await second.call('QUIT');
    await second.closed;
    await untilInfo(redis, 'connected_clients', 1);
    const next = await RawClient.connect({ port: server.port });
    expect(await next.call('PING')).toBe('PONG');
  });

  it('can be changed, but not beyond what the system allows', async () => {
    const { server, redis } = await startWithClient();
    await redis.config('SET', 'maxclients', '1');
    const refused = await RawClient.connect({ port: server.port });
    expect((await refused.nextRaw()).toString()).toBe('-ERR max number of clients reached\r\n');
    await redis.config('SET', 'maxclients', '100');
    const welcome = await RawClient.connect({ port: server.port });
    expect(await welcome.call('PING')).toBe('PONG');
    if (process.platform !== 'linux') return;
    await expect(redis.config('SET', 'maxclients', '1000000000')).rejects.toThrow(
      /The operating system is not able to handle the specified number of clients, try with \d+/,
    );
    expect(await redis.config('GET', 'maxclients')).toEqual(['maxclients', '100']);
  });

  it('is enough for a flood of connections', async () => {
    const { server, redis } = await startWithClient();
    const count = 1000;
    const pongs = await Promise.all(
      Array.from({ length: count }, async () => {
        const client = await RawClient.connect({ port: server.port });
        const pong = await client.call('PING');
        await client.close();
        return pong;
      }),
    );
    expect(pongs.filter((pong) => pong === 'PONG')).toHaveLength(count);
    expect(await redis.ping()).toBe('PONG');
  });
});

describe('client-query-buffer-limit', () => {
  it('ends the connection of a client whose request gets too long, and only that', async () => {
    const server = await startRespite({ 'client-query-buffer-limit': mib });
    const redis = connect(server);
    const greedy = connectSocket({ port: server.port, host: '127.0.0.1' });
    greedy.on('error', () => {});
    const closed = new Promise((resolve) => greedy.once('close', resolve));
    greedy.write(`*2\r\n$3\r\nGET\r\n$${10 * mib}\r\n${'x'.repeat(2 * mib)}`);
    await closed;
    expect(await redis.ping()).toBe('PONG');
  });

  it('leaves room for what fits, and CLIENT LIST counts it', async () => {
    const { server, redis } = await startWithClient();
    const client = connectSocket({ port: server.port, host: '127.0.0.1' });
    client.write(encodeCommand(['CLIENT', 'SETNAME', 'half']));
    await once(client, 'data');
    const request = encodeCommand(['SET', 'k', 'x'.repeat(500_000)]);
    client.write(request.subarray(0, 300_000));
    const field = async (name: string) => {
      const line = String(await redis.client('LIST'))
        .split('\n')
        .find((text) => text.includes('name=half'));
      return Number(new RegExp(` ${name}=(\\d+)`).exec(line ?? '')?.[1]);
    };
    // What became an argument already is not in the query buffer any more.
    const unread = 300_000 - request.indexOf('xxx');
    await until('what was sent has been read', async () => (await field('qbuf')) === unread);
    expect((await field('qbuf')) + (await field('qbuf-free'))).toBeLessThan(700_000);
    expect(await field('tot-mem')).toBeGreaterThan(300_000);
    client.write(request.subarray(300_000));
    await once(client, 'data');
    expect(await redis.strlen('k')).toBe(500_000);
    expect([await field('qbuf'), await field('qbuf-free')]).toEqual([0, 0]);
    client.destroy();
  });
});
