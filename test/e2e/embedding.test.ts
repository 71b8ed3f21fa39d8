import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { describe, expect, it } from 'vitest';
import type { CommandSpec } from '../../src/commands/command.js';
import { ConfigError } from '../../src/config/config.js';
import { Respite, type RespiteOptions } from '../../src/index.js';
import { ListenError } from '../../src/server/tcp-listeners.js';
import { dataFolder } from '../support/data-folder.js';
import { RawClient } from '../support/raw-client.js';
import { connect, startRespite, startWithClient } from '../support/respite.js';
import { untilInfo } from '../support/waiting.js';

const hasIpv6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ family }) => family === 'IPv6'),
);

/** macOS has one loopback address only. */
const itWithTwoAddresses = it.skipIf(process.platform === 'darwin');

describe('Respite.start', () => {
  it('listens on a free port of this machine and says where', async () => {
    const server = await startRespite();
    expect(server.host).toBe('127.0.0.1');
    expect(server.port).toBeGreaterThan(1023);
    expect(server.url).toBe(`redis://127.0.0.1:${server.port}`);
    expect(await connect(server).ping()).toBe('PONG');
  });

  it('has a url that clients understand, with the password in it', async () => {
    const server = await startRespite({ requirepass: 'p@ss/word: %' });
    const ioredis = new Redis(server.url);
    const nodeRedis = createClient({ url: server.url });
    await nodeRedis.connect();
    expect(await ioredis.set('a', 'b')).toBe('OK');
    expect(await nodeRedis.get('a')).toBe('b');
    const stranger = await RawClient.connect({ port: server.port });
    expect(await stranger.raw('GET', 'a')).toBe('-NOAUTH Authentication required.\r\n');
    await stranger.close();
    nodeRedis.destroy();
    ioredis.disconnect();
  });

  it('takes any directive, typed', async () => {
    const { redis } = await startWithClient({ databases: 3, 'maxmemory-policy': 'allkeys-lru' });
    expect(await redis.config('GET', 'databases', 'maxmemory-policy')).toEqual([
      'databases',
      '3',
      'maxmemory-policy',
      'allkeys-lru',
    ]);
    await expect(redis.select(3)).rejects.toThrow('ERR DB index is out of range');
  });

  it('refuses a command of its own whose syntax line is malformed', async () => {
    const broken: CommandSpec = {
      name: 'broken',
      summary: '',
      since: '1.0.0',
      group: 'generic',
      complexity: 'O(1)',
      syntax: 'key [',
      flags: ['fast'],
      keys: [],
      handler: ({ reply }) => reply.ok(),
    };
    await expect(Respite.start({ commands: [broken] })).rejects.toThrow('unbalanced syntax line: key [');
  });

  it('refuses what is no directive, and values that cannot be', async () => {
    const options = { port: 0, 'no-such-directive': 1 };
    await expect(Respite.start(options)).rejects.toThrow(ConfigError);
    await expect(Respite.start({ port: 70_000 })).rejects.toThrow(
      'port: argument must be between 0 and 65535',
    );
  });

  itWithTwoAddresses('fails on a port in use, and leaves nothing open', async () => {
    const { port } = await startRespite();
    await expect(Respite.start({ port })).rejects.toThrow(ListenError);
    const free = await startRespite();
    await free.close();
    // The first address is free, the second is not.
    await expect(Respite.start({ port, bind: ['127.0.0.2', '127.0.0.1'] })).rejects.toThrow(ListenError);
    const again = await startRespite({ port, bind: ['127.0.0.2'] });
    expect(again.port).toBe(port);
  });

  it.skipIf(process.platform === 'win32')('fails on a unix socket that cannot be', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'respite-'));
    await expect(Respite.start({ unixsocket: folder })).rejects.toThrow(ListenError);
    await expect(Respite.start({ unixsocket: join(folder, 'none', 's') })).rejects.toThrow(ListenError);
    rmSync(folder, { recursive: true });
  });

  it('keeps several servers apart', async () => {
    const one = await startWithClient();
    const two = await startWithClient({ databases: 2 });
    await one.redis.set('k', 'one');
    expect(await two.redis.get('k')).toBeNull();
    await two.redis.config('SET', 'maxclients', '17');
    expect(await one.redis.config('GET', 'maxclients')).not.toContain('17');
    await one.server.close();
    expect(await two.redis.ping()).toBe('PONG');
  });

  itWithTwoAddresses('listens at other addresses when `bind` changes, at the port that it has', async () => {
    const { server, redis } = await startWithClient();
    await redis.config('SET', 'bind', '127.0.0.1 127.0.0.2');
    const other = await RawClient.connect({ port: server.port, host: '127.0.0.2' });
    expect(await other.call('PING')).toBe('PONG');
    await other.close();
  });

  it('stays reachable when `bind` is set to a name that nobody has', async () => {
    const { server, redis } = await startWithClient();
    for (const nobody of ['nosuch.invalid', '-nosuch.invalid', '-', '127.0.0.1 -']) {
      await expect(redis.config('SET', 'bind', nobody)).rejects.toThrow('Failed to bind');
      expect(await connect(server).ping()).toBe('PONG');
    }
    expect(await redis.config('SET', 'bind', 'localhost')).toBe('OK');
  });

  it('takes options as text', async () => {
    const dir = join(dataFolder(), 'verzéichnis');
    mkdirSync(dir);
    const server = await startRespite({ requirepass: 'pässword', dir });
    const redis = new Redis(server.url);
    expect(await redis.set('a', '1')).toBe('OK');
    expect(await redis.save()).toBe('OK');
    expect(existsSync(join(dir, 'dump.rdb'))).toBe(true);
    redis.disconnect();
  });

  it.skipIf(!hasIpv6)('has a url for IPv6 too', async () => {
    const server = await startRespite({ bind: ['::1'] });
    expect(new URL(server.url).port).toBe(String(server.port));
    const redis = new Redis(server.url);
    expect(await redis.ping()).toBe('PONG');
    redis.disconnect();
  });

  it.each([
    [{ databases: true }, 'databases: number expected, not boolean'],
    [{ databases: [1] }, 'databases: number expected, not array'],
    [{ databases: 1.5 }, 'databases: 1.5 is not a whole number'],
    [{ databases: 1e20 }, 'databases: 100000000000000000000 is out of range'],
    [{ maxmemory: '1gb' }, 'maxmemory: number expected, not string'],
    [{ requirepass: 5 }, 'requirepass: string expected, not number'],
    [{ requirepass: null }, 'requirepass: string expected, not null'],
    [{ bind: '127.0.0.1' }, 'bind: array expected, not string'],
    [{ appendonly: 1 }, 'appendonly: boolean expected, not number'],
    [{ clock: 'Manual' }, "clock: 'system' or 'manual' expected, not Manual"],
    [{ seed: 'x' }, 'seed: number expected, not string'],
    [{ commands: 5 }, 'commands: array expected, not number'],
  ])('refuses what is of another type: %j', async (options, text) => {
    const starting = Respite.start(options as unknown as RespiteOptions);
    await expect(starting).rejects.toThrow(ConfigError);
    await expect(starting).rejects.toThrow(text);
  });

  it('refuses to give another name to a command that is not there', async () => {
    await expect(Respite.start({ 'rename-command': [['nosuch', 'x']] })).rejects.toThrow(ConfigError);
    const { redis } = await startWithClient({ 'rename-command': [['ping', 'ping']] });
    expect(await redis.ping()).toBe('PONG');
  });
});

describe('an embedded server', () => {
  it('forgets all keys of all databases with flush, and breaks transactions that watch them', async () => {
    const { server, redis } = await startWithClient();
    await redis.set('a', '1');
    await redis.select(5);
    await redis.rpush('b', '1', '2');
    await redis.watch('b');
    server.flush();
    expect(await redis.multi().dbsize().exec()).toBeNull();
    expect(await redis.dbsize()).toBe(0);
    await redis.select(0);
    expect(await redis.dbsize()).toBe(0);
  });

  it('tells its append-only file of flush', async () => {
    const options = { dir: dataFolder(), appendonly: true, 'rename-command': [['flushall', '']] as const };
    const { server, redis } = await startWithClient(options);
    await redis.set('a', '1');
    server.flush();
    await redis.set('b', '1');
    await server.close();
    const again = await startWithClient(options);
    expect(await again.redis.keys('*')).toEqual(['b']);
  });

  it('frees what was unlinked when time is advanced', async () => {
    const { server, redis } = await startWithClient({ clock: 'manual' });
    await redis.sadd('big', ...Array.from({ length: 20_000 }, (_, i) => `member:${i}`));
    await redis.unlink('big');
    expect(await redis.info('memory')).toContain('lazyfree_pending_objects:1');
    server.advanceTime(1);
    expect(await redis.info('memory')).toContain('lazyfree_pending_objects:0');
  });

  it('expires keys and wakes blocked clients when time is advanced', async () => {
    const { server, redis } = await startWithClient({ clock: 'manual', 'notify-keyspace-events': 'Ex' });
    const subscriber = connect(server);
    await subscriber.subscribe('__keyevent@0__:expired');
    const expired = once(subscriber, 'message');
    await redis.set('k', 'v', 'PX', 1000);
    const [before] = await redis.time();
    const blocked = connect(server).blpop('list', 2);
    await untilInfo(redis, 'blocked_clients', 1);
    server.advanceTime(1001);
    expect(await expired).toEqual(['__keyevent@0__:expired', 'k']);
    expect(await redis.dbsize()).toBe(0);
    server.advanceTime(1000);
    expect(await blocked).toBeNull();
    expect(Number((await redis.time())[0])).toBe(Number(before) + 2);
    for (const wrong of [-1, Number.NaN, Number.POSITIVE_INFINITY, 1e300])
      expect(() => server.advanceTime(wrong)).toThrow(RangeError);
    expect(Number((await redis.time())[0])).toBe(Number(before) + 2);
  });

  it('refuses to advance the time of the system', async () => {
    const server = await startRespite();
    expect(() => server.advanceTime(1)).toThrow("advanceTime needs Respite.start({ clock: 'manual' })");
  });

  it('closes once, with its clients, and frees its port', async () => {
    const server = await startRespite();
    const client = await RawClient.connect({ port: server.port });
    await client.call('SUBSCRIBE', 'c');
    await Promise.all([server.close(), server.close()]);
    await client.closed;
    await server.close();
    const next = await startRespite({ port: server.port });
    expect(next.port).toBe(server.port);
  });

  it('closes when a client sends SHUTDOWN', async () => {
    const server = await startRespite();
    const client = await RawClient.connect({ port: server.port });
    client.write('SHUTDOWN NOSAVE\r\n');
    await client.closed;
    await expect(RawClient.connect({ port: server.port })).rejects.toThrow('ECONNREFUSED');
  });

  it('closes at the end of an `await using` block', async () => {
    let port = 0;
    {
      await using server = await Respite.start();
      port = server.port;
    }
    await expect(RawClient.connect({ port })).rejects.toThrow('ECONNREFUSED');
  });

  it('gives the memory of its data back when it is closed, not when the engine collects garbage', async () => {
    const before = process.memoryUsage().arrayBuffers;
    const server = await startRespite();
    const redis = connect(server);
    const value = Buffer.alloc(10 * 2 ** 20);
    for (let i = 0; i < 30; i++) await redis.set(`key:${i}`, value);
    expect(process.memoryUsage().arrayBuffers - before).toBeGreaterThan(300 * 2 ** 20);
    redis.disconnect();
    await server.close();
    await server.close();
    // What is left are buffers of the requests, the client's and the server's.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100 * 2 ** 20);
  });

  it('keeps no process alive once it is closed', async () => {
    const library = pathToFileURL(join(import.meta.dirname, '../../dist/index.js'));
    const program = `
      import { connect } from 'node:net';
      import { once } from 'node:events';
      import { Respite } from ${JSON.stringify(library.href)};
      const server = await Respite.start({ 'latency-monitor-threshold': 1 });
      const socket = connect(server.port, server.host).on('error', () => {});
      socket.write('SET a b EX 100\\r\\nBLPOP list 60\\r\\n');
      await once(socket, 'data');
      await server.close();
      await once(socket, 'close');
      console.log('closed');
    `;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (text: Buffer) => {
      output += text.toString();
    });
    const [status] = await once(child, 'close');
    expect([status, output]).toEqual([0, 'closed\n']);
  });
});
