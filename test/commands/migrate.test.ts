import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Respite } from '../../src/index.js';
import { infoField } from '../support/info.js';
import { propagated, propagationLog } from '../support/propagation-log.js';
import { RawClient } from '../support/raw-client.js';
import {
  describeWithRedisServer,
  freePort,
  type SpawnedServer,
  startRedisServer,
} from '../support/redis-server.js';
import { connect, connected, startRespite, startWithClient } from '../support/respite.js';
import { until, untilBusy, untilInfo } from '../support/waiting.js';

const host = '127.0.0.1';
/** Milliseconds that are not over before the other side has answered. */
const ample = 10_000;

async function pair(): Promise<{ source: Redis; target: Redis; server: Respite; port: number }> {
  const { server, redis: source } = await startWithClient({ commands: [propagationLog()] });
  const other = await startWithClient();
  return { server, source, target: other.redis, port: other.server.port };
}

function migrate(client: Redis, port: number, ...rest: (string | number)[]): Promise<unknown> {
  return client.call('MIGRATE', host, port, ...rest);
}

describe('MIGRATE', () => {
  it('moves a key with its expiry to a database of another server', async () => {
    const { source, target, port } = await pair();
    await source.set('k', 'v', 'PX', 50_000);
    expect(await migrate(source, port, 'k', 3, ample)).toBe('OK');
    expect(await source.exists('k')).toBe(0);
    await target.select(3);
    expect(await target.get('k')).toBe('v');
    expect(await target.pttl('k')).toBeGreaterThan(40_000);
    await source.set('k', 'w');
    expect(await migrate(source, port, 'k', 0, ample)).toBe('OK');
    await target.select(0);
    expect(await target.get('k')).toBe('w');
    expect(await target.ttl('k')).toBe(-1);
  });

  it('says that there is no key', async () => {
    const { source, port } = await pair();
    expect(await migrate(source, port, 'none', 0, ample)).toBe('NOKEY');
    expect(await migrate(source, port, '', 0, ample, 'KEYS', 'none', 'nor')).toBe('NOKEY');
  });

  it('copies and replaces', async () => {
    const { source, target, port } = await pair();
    await source.rpush('l', 'a', 'b');
    expect(await migrate(source, port, 'l', 0, ample, 'COPY')).toBe('OK');
    expect(await source.exists('l')).toBe(1);
    await source.rpush('l', 'c');
    await expect(migrate(source, port, 'l', 0, ample)).rejects.toThrow(
      'ERR Target instance replied with error: BUSYKEY Target key name already exists.',
    );
    expect(await source.exists('l')).toBe(1);
    expect(await migrate(source, port, 'l', 0, ample, 'REPLACE')).toBe('OK');
    expect(await source.exists('l')).toBe(0);
    expect(await target.lrange('l', 0, -1)).toEqual(['a', 'b', 'c']);
  });

  it('moves several keys, removes those that the other side took, and is propagated as their removal', async () => {
    const { source, target, port } = await pair();
    await target.set('b', 'taken');
    await source.mset('a', '1', 'b', '2', 'c', '3');
    await propagated(source);
    await expect(migrate(source, port, '', 0, ample, 'KEYS', 'a', 'none', 'b', 'c')).rejects.toThrow(
      'BUSYKEY',
    );
    expect(await source.mget('a', 'b', 'c')).toEqual([null, '2', null]);
    expect(await target.mget('a', 'b', 'c')).toEqual(['1', 'taken', '3']);
    expect(await propagated(source)).toEqual(['0 DEL a c']);
    expect(await migrate(source, port, '', 0, ample, 'COPY', 'REPLACE', 'KEYS', 'b')).toBe('OK');
    expect(await propagated(source)).toEqual([]);
  });

  it('logs in', async () => {
    const { redis: source } = await startWithClient();
    const { server, redis: target } = await startWithClient();
    await target.config('SET', 'requirepass', 'secret');
    await source.set('k', 'v');
    const attempt = (...rest: string[]) => migrate(source, server.port, 'k', 0, ample, ...rest);
    await expect(attempt()).rejects.toThrow(
      'ERR Target instance replied with error: NOAUTH Authentication required.',
    );
    await expect(attempt('AUTH', 'wrong')).rejects.toThrow(
      'ERR Target instance replied with error: WRONGPASS',
    );
    expect(await attempt('AUTH', 'secret', 'COPY')).toBe('OK');
    expect(await attempt('AUTH2', 'default', 'secret', 'REPLACE')).toBe('OK');
    expect(await target.get('k')).toBe('v');
  });

  it('refuses what makes no sense', async () => {
    const { source } = await pair();
    const errors: [(string | number)[], string][] = [
      [['k', 0, 1, 'nosuch'], 'ERR syntax error'],
      [['k', 0, 1, 'AUTH'], 'ERR syntax error'],
      [['k', 0, 1, 'AUTH2', 'x'], 'ERR syntax error'],
      [['k', 'x', 1], 'ERR value is not an integer or out of range'],
      [['k', 0, 'x'], 'ERR value is not an integer or out of range'],
      [
        ['k', 0, 1, 'KEYS', 'a'],
        'ERR When using MIGRATE KEYS option, the key argument must be set to the empty string',
      ],
    ];
    for (const [args, message] of errors) await expect(migrate(source, 1, ...args)).rejects.toThrow(message);
    await source.set('k', 'v');
    const [[error]] = (await source.multi().call('MIGRATE', host, 1, 'k', 0, 1).exec()) ?? [];
    expect(error?.message).toMatch(/not possible inside a transaction/);
  });

  it('shows where its keys are and hides the password', async () => {
    const { source } = await pair();
    const keysOf = (...args: string[]) => source.call('COMMAND', 'GETKEYS', 'MIGRATE', host, '1', ...args);
    expect(await keysOf('k', '0', '1')).toEqual(['k']);
    expect(await keysOf('', '0', '1', 'AUTH', 'keys', 'KEYS', 'a', 'b')).toEqual(['a', 'b']);
    await source.config('SET', 'slowlog-log-slower-than', '0');
    await migrate(source, 1, 'none', 0, 1, 'AUTH2', 'user', 'secret');
    expect(JSON.stringify(await source.call('SLOWLOG', 'GET'))).not.toContain('secret');
  });

  it('keeps its connection for the next time', async () => {
    const { source, target, port } = await pair();
    const sockets = () => infoField(source, 'migrate_cached_sockets');
    expect(await sockets()).toBe('0');
    for (const key of ['a', 'b', 'c']) {
      await source.set(key, 'v');
      await migrate(source, port, key, key === 'b' ? 1 : 0, ample);
    }
    expect(await sockets()).toBe('1');
    expect(await infoField(target, 'total_connections_received')).toBe('2');
    expect(await target.mget('a', 'b', 'c')).toEqual(['v', null, 'v']);
  });

  it('uses a new connection if the one that was kept has been closed', async () => {
    const { source, target, port } = await pair();
    await source.mset('a', '1', 'b', '2');
    await migrate(source, port, 'a', 0, ample);
    await target.client('KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    expect(await migrate(source, port, 'b', 0, ample)).toBe('OK');
  });
});

describe('MIGRATE to a server that', () => {
  let listener: Server;
  let onRequest: (socket: Socket) => void;
  let port: number;
  const sockets: Socket[] = [];

  beforeEach(async () => {
    onRequest = () => {};
    listener = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => {});
      socket.on('data', () => onRequest(socket));
    }).listen(0, host);
    await once(listener, 'listening');
    port = (listener.address() as { port: number }).port;
  });

  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
    listener.close();
  });

  it('does not answer ends when its time is up, and others go on meanwhile', async () => {
    const { server, redis } = await startWithClient();
    const other = await connect(server);
    await redis.set('k', 'v');
    // Over a connection that is there: to make one may take longer than is waited for the answer.
    onRequest = (socket) => socket.write('+OK\r\n+OK\r\n');
    await migrate(redis, port, 'k', 0, ample, 'COPY');
    const asked = new Promise<void>((resolve) => {
      onRequest = () => resolve();
    });
    const migrated = migrate(redis, port, 'k', 0, 100).catch((error: Error) => error.message);
    await asked;
    expect(await other.get('k')).toBe('v');
    expect(await migrated).toBe('IOERR error or timeout reading to target instance');
    expect(await redis.get('k')).toBe('v');
  });

  it('hangs up, is not there, or has no address is an error', async () => {
    const { redis } = await startWithClient();
    await redis.set('k', 'v');
    onRequest = (socket) => socket.destroy();
    await expect(migrate(redis, port, 'k', 0, ample)).rejects.toThrow(
      'IOERR error or timeout reading to target instance',
    );
    await expect(migrate(redis, await freePort(), 'k', 0, ample)).rejects.toThrow(
      'IOERR error or timeout writing to target instance',
    );
    for (const bad of ['x', '99999999']) {
      await expect(redis.call('MIGRATE', host, bad, 'k', '0', '1000')).rejects.toThrow(
        'IOERR error or timeout',
      );
    }
    expect(await redis.get('k')).toBe('v');
  });

  it('takes its time: a key that changes meanwhile is not removed', async () => {
    const { server, redis } = await startWithClient();
    const other = await connect(server);
    await redis.mset('a', '1', 'b', '2', 'c', '3');
    const asked = new Promise<Socket>((resolve) => {
      onRequest = resolve;
    });
    const migrated = migrate(redis, port, '', 0, 5000, 'KEYS', 'a', 'b', 'c').catch((e: Error) => e.message);
    const socket = await asked;
    await other.set('b', 'new');
    await other.expire('c', 100);
    socket.write('+OK\r\n+OK\r\n+OK\r\n+OK\r\n');
    expect(await migrated).toMatch(/^TRYAGAIN /);
    expect(await redis.mget('a', 'b', 'c')).toEqual([null, 'new', '3']);
  });

  it('answers in the middle of a script has the key when that is done', async () => {
    const { server, redis } = await startWithClient({ 'busy-reply-threshold': 5 });
    const [runner, other] = [await connected(server), await connected(server)];
    await redis.set('k', 'v');
    const asked = new Promise<Socket>((resolve) => {
      onRequest = resolve;
    });
    const migrated = migrate(redis, port, 'k', 0, ample);
    const socket = await asked;
    const code = `local i = 0 while redis.call('exists', 'k') == 1 and i < 1e6 do i = i + 1 end
      return redis.call('exists', 'k')`;
    const script = runner.eval(code, 0);
    await untilBusy(other);
    socket.write('+OK\r\n+OK\r\n');
    expect(await script).toBe(1);
    expect(await migrated).toBe('OK');
    expect(await redis.exists('k')).toBe(0);
  });

  it('answers during a pause has the key when that is over', async () => {
    const { server, redis } = await startWithClient();
    const other = connect(server);
    await redis.set('k', 'v');
    const asked = new Promise<Socket>((resolve) => {
      onRequest = resolve;
    });
    const migrated = migrate(redis, port, 'k', 0, ample);
    const socket = await asked;
    await other.client('PAUSE', 60_000, 'WRITE');
    socket.write('+OK\r\n+OK\r\n');
    await untilInfo(other, 'migrate_cached_sockets', 1);
    expect(await other.exists('k')).toBe(1);
    await other.client('UNPAUSE');
    expect(await migrated).toBe('OK');
    expect(await other.exists('k')).toBe(0);
  });

  it('answers when this one has become a replica: the key is not removed', async () => {
    const { server, redis } = await startWithClient();
    const other = connect(server);
    await redis.set('k', 'v');
    const asked = new Promise<Socket>((resolve) => {
      onRequest = resolve;
    });
    const migrated = migrate(redis, port, 'k', 0, ample).catch((error: Error) => error.message);
    const socket = await asked;
    await other.replicaof(host, await freePort());
    socket.write('+OK\r\n+OK\r\n');
    expect(await migrated).toBe("READONLY You can't write against a read only replica.");
    expect(await other.exists('k')).toBe(1);
  });

  it('answers after its client went away has the key all the same', async () => {
    const { server, redis } = await startWithClient();
    const raw = await RawClient.connect({ port: server.port });
    await redis.set('k', 'v');
    const asked = new Promise<Socket>((resolve) => {
      onRequest = resolve;
    });
    raw.write(`MIGRATE ${host} ${port} k 0 5000\r\n`);
    const socket = await asked;
    await raw.close();
    await untilInfo(redis, 'blocked_clients', 0);
    socket.write('+OK\r\n+OK\r\n');
    await until('the key is gone', async () => (await redis.exists('k')) === 0);
  });

  it('is waited for is let go when this server closes', async () => {
    const server = await startRespite();
    const redis = connect(server);
    await redis.set('k', 'v');
    const asked = new Promise<Socket>((resolve) => {
      onRequest = resolve;
    });
    const migrated = migrate(redis, port, 'k', 0, 60_000).catch(() => 'closed');
    await asked;
    await server.close();
    expect(await migrated).toBe('closed');
  });
});

describeWithRedisServer('MIGRATE between Respite and', () => {
  let other: SpawnedServer;

  beforeEach(async () => {
    other = await startRedisServer('--enable-debug-command', 'yes');
  });

  afterEach(() => other.stop());

  it('moves every type there and back, in several databases, with their times to live', async () => {
    const { server, redis } = await startWithClient({ 'enable-debug-command': 'yes' });
    const there = await RawClient.connect({ port: other.port });
    for (const database of [0, 5]) {
      await redis.select(database);
      await there.call('SELECT', database);
      await redis.set('string', 'x'.repeat(100_000));
      await redis.set('number', '17', 'PX', 90_000);
      await redis.rpush('list', 'a', '1', 'z'.repeat(9000));
      await redis.sadd('set', 'a', 'b');
      await redis.sadd('ints', 1, 2, 70_000);
      await redis.sadd('big set', ...Array.from({ length: 900 }, (_, i) => `member ${i}`));
      await redis.hset('hash', 'f', '1');
      await redis.hset('big hash', ...Array.from({ length: 1400 }, (_, i) => `f${i}`));
      await redis.zadd('zset', 1.5, 'a', 2, 'b');
      await redis.pfadd('hll', 'a', 'b');
      const keys = await redis.keys('*');
      const before = await redis.call('DEBUG', 'DIGEST-VALUE', ...keys);
      const ttl = await redis.pexpiretime('number');
      expect(await migrate(redis, other.port, '', database, 5000, 'KEYS', ...keys)).toBe('OK');
      expect(await redis.dbsize()).toBe(0);
      expect(await there.call('DEBUG', 'DIGEST-VALUE', ...keys)).toEqual(before);
      expect(Math.abs(Number(await there.call('PEXPIRETIME', 'number')) - ttl)).toBeLessThan(2000);
      expect(await there.call('MIGRATE', host, server.port, '', database, 5000, 'KEYS', ...keys)).toBe('OK');
      expect(await there.call('DBSIZE')).toBe(0);
      expect(await redis.call('DEBUG', 'DIGEST-VALUE', ...keys)).toEqual(before);
      expect(Math.abs((await redis.pexpiretime('number')) - ttl)).toBeLessThan(4000);
      expect(await redis.ttl('string')).toBe(-1);
    }
    await there.close();
  });
});
