import type { Redis } from 'ioredis';
import { expect, it, onTestFinished } from 'vitest';
import type { RespiteOptions } from '../../src/index.js';
import { dataFolder } from '../support/data-folder.js';
import { infoField } from '../support/info.js';
import { describeWithRedisServer, startRedisServer } from '../support/redis-server.js';
import { digest, untilCaughtUp, untilLinked } from '../support/replicas.js';
import { connect, connectTo, startRespite } from '../support/respite.js';
import { until } from '../support/waiting.js';

describeWithRedisServer('a replica of', () => {
  async function startPrimary(...directives: string[]): Promise<{ port: number; primary: Redis }> {
    const { port, stop } = await startRedisServer(
      ...['--enable-debug-command', 'yes', '--repl-diskless-sync-delay', '0', '--dir', dataFolder()],
      ...directives,
    );
    onTestFinished(stop);
    return { port, primary: connectTo(port) };
  }

  async function startReplica(port: number, options: RespiteOptions = {}): Promise<Redis> {
    const server = await startRespite({
      'enable-debug-command': 'yes',
      replicaof: { host: '127.0.0.1', port },
      ...options,
    });
    return connect(server);
  }

  async function fill(redis: Redis): Promise<void> {
    await redis.call('debug', 'populate', 2000, 'key', 40);
    await redis.rpush('list', ...numbers(500));
    await redis.sadd('set', ...numbers(700));
    await redis.zadd('sorted', ...numbers(600).flatMap((n) => [n, `member:${n}`]));
    await redis.hset('hash', Object.fromEntries(numbers(600).map((n) => [`field:${n}`, `value:${n}`])));
    await redis.xadd('stream', '1-1', 'name', 'value');
    await redis.xgroup('CREATE', 'stream', 'group', '0');
    await redis.set('expiring', 'x', 'EX', 1000);
    await redis.select(3);
    await redis.set('elsewhere', 'y');
    await redis.select(0);
  }

  const ways: [string, string[], RespiteOptions][] = [
    ['a file on both sides', ['--repl-diskless-sync', 'no'], {}],
    ['a socket into a file', ['--repl-diskless-sync', 'yes'], {}],
    ['a socket into memory', ['--repl-diskless-sync', 'yes'], { 'repl-diskless-load': 'on-empty-db' }],
    ['a file into memory', ['--repl-diskless-sync', 'no'], { 'repl-diskless-load': 'on-empty-db' }],
    ['a socket beside the present data', ['--repl-diskless-sync', 'yes'], { 'repl-diskless-load': 'swapdb' }],
  ];
  it.each(ways)('has its data by way of %s, and follows', async (_, directives, options) => {
    const { port, primary } = await startPrimary(...directives);
    await fill(primary);
    const folder = dataFolder();
    const replica = await startReplica(port, { dir: folder, ...options });
    await untilCaughtUp(primary, replica);
    expect(await digest(replica)).toBe(await digest(primary));
    await primary.multi().incr('counter').lpop('list').select(2).set('a', 'b').exec();
    await primary.eval("redis.call('set', 'x', ARGV[1]) redis.call('sadd', 'y', 1, 2, 3)", 0, 'value');
    await primary.spop('set', 20);
    await untilCaughtUp(primary, replica);
    expect(await digest(replica)).toBe(await digest(primary));
  });

  it('keeps no file where it has no folder', async () => {
    const { port, primary } = await startPrimary();
    await fill(primary);
    const replica = await startReplica(port);
    await untilCaughtUp(primary, replica);
    expect(await digest(replica)).toBe(await digest(primary));
  });

  it('goes on where the stream broke', async () => {
    const { port, primary } = await startPrimary();
    const replica = await startReplica(port);
    await untilLinked(replica);
    for (let i = 0; i < 5; i++) {
      await primary.client('KILL', 'TYPE', 'REPLICA');
      await primary.multi().incr('a').incr('b').exec();
      await primary.rpush('list', ...numbers(1000));
    }
    await untilCaughtUp(primary, replica);
    expect(await digest(replica)).toBe(await digest(primary));
    expect(await infoField(primary, 'sync_full')).toBe('1');
  });

  it('is told of functions', async () => {
    const { port, primary } = await startPrimary();
    const library = (name: string) =>
      `#!lua name=${name}\nredis.register_function('${name}f', function() return '${name}' end)`;
    await primary.function('LOAD', library('before'));
    const replica = await startReplica(port, { 'repl-diskless-load': 'swapdb' });
    await untilLinked(replica);
    await primary.function('LOAD', library('after'));
    await untilCaughtUp(primary, replica);
    expect(await replica.function('LIST', 'LIBRARYNAME', 'before')).toHaveLength(1);
    expect(await replica.function('LIST', 'LIBRARYNAME', 'after')).toHaveLength(1);
  });

  it('logs in', async () => {
    const { port } = await startPrimary('--requirepass', 'secret');
    const replica = await startReplica(port, { masterauth: 'secret' });
    await untilLinked(replica);
    const another = await startReplica(port, { masterauth: 'secret', masteruser: 'default' });
    await untilLinked(another);
  });

  it('does not change its data by itself, and keeps what has expired until it is told', async () => {
    const { port, primary } = await startPrimary();
    const replica = await startReplica(port);
    await untilLinked(replica);
    await expect(replica.set('a', 'b')).rejects.toThrow(
      "READONLY You can't write against a read only replica.",
    );
    await primary.call('debug', 'set-active-expire', '0');
    await primary.set('short', 'lived', 'PX', 1);
    await primary.set('long', 'lived');
    await untilCaughtUp(primary, replica);
    await until('it has expired', async () => (await replica.get('short')) === null);
    expect(await replica.dbsize()).toBe(2);
    expect(await replica.exists('short')).toBe(0);
    await primary.get('short');
    await untilCaughtUp(primary, replica);
    expect(await replica.dbsize()).toBe(1);
  });

  it('becomes a primary with its data, and follows again', async () => {
    const { port, primary } = await startPrimary();
    await fill(primary);
    const replica = await startReplica(port);
    await untilCaughtUp(primary, replica);
    const id = await infoField(replica, 'master_replid');
    await replica.call('replicaof', 'no', 'one');
    expect(await infoField(replica, 'role')).toBe('master');
    expect(await infoField(replica, 'master_replid2')).toBe(id);
    await replica.set('mine', '1');
    await replica.call('replicaof', '127.0.0.1', port);
    expect(await infoField(replica, 'role')).toBe('slave');
    await untilCaughtUp(primary, replica);
    expect(await digest(replica)).toBe(await digest(primary));
  });

  it('does not answer from old data if it is told not to', async () => {
    const replica = await startReplica(1, { 'replica-serve-stale-data': false });
    const error = "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.";
    await expect(replica.get('a')).rejects.toThrow(error);
    await expect(replica.ping()).rejects.toThrow(error);
    await expect(replica.multi().get('a').exec()).rejects.toThrow('EXECABORT');
    await expect(replica.eval("return 'x'", 0)).rejects.toThrow(error);
    const header = '#!lua flags=allow-stale,no-writes\n';
    expect(await replica.eval(`${header}return redis.call('echo', 'x')`, 0)).toBe('x');
    await expect(replica.eval(`${header}return redis.call('get', 'x')`, 0)).rejects.toThrow(
      'Can not execute the command on a stale replica',
    );
    expect(await infoField(replica, 'master_link_status')).toBe('down');
    await replica.config('SET', 'replica-serve-stale-data', 'yes');
    expect(await replica.get('a')).toBe(null);
  });
});

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
