import type { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import type { Respite, RespiteOptions } from '../../src/index.js';
import { writeCommands } from '../differential/write-commands.mjs';
import { dataFolder } from '../support/data-folder.js';
import { infoField } from '../support/info.js';
import { RawClient } from '../support/raw-client.js';
import { digest, untilCaughtUp, untilLinked } from '../support/replicas.js';
import { connect, startRespite } from '../support/respite.js';
import { until } from '../support/waiting.js';

interface Started {
  server: Respite;
  redis: Redis;
}

/** A primary that was saved and started again, with the replica that it had. */
async function restarted(before: Started, dir: string): Promise<Started> {
  await before.redis.save();
  const { port } = before.server;
  await before.server.close();
  const after = await start({ dir, port });
  await until('it is followed again', async () => (await infoField(after.redis, 'connected_slaves')) === '1');
  return after;
}

async function start(options: RespiteOptions = {}): Promise<Started> {
  const server = await startRespite({
    'enable-debug-command': 'yes',
    'repl-diskless-sync-delay': 0,
    // A ping between two steps would put one history ahead of another.
    'repl-ping-replica-period': 3600,
    ...options,
  });
  return { server, redis: connect(server) };
}

function follow({ server }: Started, options: RespiteOptions = {}): Promise<Started> {
  return start({ replicaof: { host: '127.0.0.1', port: server.port }, ...options });
}

async function change({ server }: Started, seeds: number[]): Promise<void> {
  const raw = await RawClient.connect({ port: server.port });
  for (const seed of seeds) for (const command of writeCommands(seed)) await raw.send(...command);
  await raw.send('DISCARD');
  await raw.close();
}

async function expectSame(first: Started, ...others: Started[]): Promise<void> {
  for (const other of others) {
    await untilCaughtUp(first.redis, other.redis);
    expect(await digest(other.redis)).toBe(await digest(first.redis));
  }
}

/** Ends the link of a replica, which comes back by itself. */
async function breakLink({ redis }: Started): Promise<void> {
  await redis.client('KILL', 'TYPE', 'MASTER');
}

it('a chain of replicas has the same data, also when links break', async () => {
  const primary = await start();
  await change(primary, [1, 2, 3]);
  const middle = await follow(primary);
  await untilLinked(middle.redis);
  const last = await follow(middle);
  await untilLinked(last.redis);
  for (let round = 0; round < 6; round++) {
    const changing = change(primary, [10 + round, 20 + round]);
    await breakLink(round % 2 === 0 ? middle : last);
    await changing;
  }
  await expectSame(primary, middle, last);
  expect(await infoField(primary.redis, 'sync_full')).toBe('1');
  expect(await infoField(middle.redis, 'sync_full')).toBe('1');
});

it('a replica that comes while a snapshot for another one is made has its place in the stream', async () => {
  const primary = await start({ dir: dataFolder(), 'repl-diskless-sync': false, 'rdb-key-save-delay': 1000 });
  await primary.redis.call('debug', 'populate', 300);
  const first = await follow(primary);
  await until('a snapshot is made', async () => (await infoField(primary.redis, 'sync_full')) === '1');
  await change(primary, [1]);
  const second = await follow(primary);
  await change(primary, [2]);
  await expectSame(primary, first, second);
});

it('a replica that was restarted goes on where it was', async () => {
  const dir = dataFolder();
  const primary = await start();
  await change(primary, [1, 2]);
  const before = await follow(primary, { dir });
  await expectSame(primary, before);
  await before.redis.save();
  await before.server.close();
  await change(primary, [3]);
  const after = await follow(primary, { dir });
  await expectSame(primary, after);
  expect(await infoField(primary.redis, 'sync_full')).toBe('1');
  expect(await infoField(primary.redis, 'sync_partial_ok')).toBe('1');
});

it('a primary that was restarted is followed on', async () => {
  const dir = dataFolder();
  const before = await start({ dir });
  await change(before, [1, 2]);
  const replica = await follow(before);
  await expectSame(before, replica);
  const after = await restarted(before, dir);
  await change(after, [3]);
  await expectSame(after, replica);
  expect(await infoField(after.redis, 'sync_full')).toBe('0');
});

it('what expired while a primary was down is gone from its replicas', async () => {
  const dir = dataFolder();
  const before = await start({ dir });
  await before.redis.call('debug', 'set-active-expire', '0');
  const replica = await follow(before);
  await change(before, [1]);
  for (let i = 0; i < 50; i++) await before.redis.set(`expiring:${i}`, 'x', 'PX', 1);
  await expectSame(before, replica);
  const after = await restarted(before, dir);
  await expectSame(after, replica);
  expect(await replica.redis.dbsize()).toBe(await after.redis.dbsize());
  expect(await infoField(after.redis, 'sync_full')).toBe('0');
});

it('fields that expired while a primary was down are gone from its replicas', async () => {
  const dir = dataFolder();
  const before = await start({ dir, 'rdb-version': '12' });
  const replica = await follow(before);
  await before.redis.call('debug', 'set-active-expire', '0');
  await before.redis.hset('some', 'short', '1', 'long', '2');
  await before.redis.hset('all', 'short', '1');
  for (const key of ['some', 'all']) await before.redis.call('hpexpire', key, '1', 'fields', '1', 'short');
  await expectSame(before, replica);
  const after = await restarted(before, dir);
  const gone = async ({ redis }: Started) =>
    (await redis.hlen('some')) === 1 && (await redis.exists('all')) === 0;
  await until('they are gone from the primary', () => gone(after));
  await untilCaughtUp(after.redis, replica.redis);
  expect(await gone(replica)).toBe(true);
  expect(await infoField(after.redis, 'sync_full')).toBe('0');
});

it('those who followed the same primary can follow each other', async () => {
  const primary = await start();
  await change(primary, [1]);
  const [first, second] = [await follow(primary), await follow(primary)];
  await expectSame(primary, first, second);
  await first.redis.call('replicaof', 'no', 'one');
  await second.redis.call('replicaof', '127.0.0.1', first.server.port);
  await change(first, [2]);
  await expectSame(first, second);
  expect(await infoField(first.redis, 'sync_full')).toBe('0');
  expect(await infoField(first.redis, 'sync_partial_ok')).toBe('1');
  // The former primary, which nobody has changed meanwhile, has a part of that history too.
  await primary.redis.call('replicaof', '127.0.0.1', first.server.port);
  await expectSame(first, primary);
  expect(await infoField(first.redis, 'sync_full')).toBe('0');
});

it('a replica with an append-only file has its data after a restart', async () => {
  const dir = dataFolder();
  const primary = await start();
  await change(primary, [1, 2]);
  const before = await follow(primary, { dir, appendonly: true });
  await expectSame(primary, before);
  await change(primary, [3]);
  await expectSame(primary, before);
  await until('the file is complete', async () => {
    return (await infoField(before.redis, 'aof_rewrite_in_progress')) === '0';
  });
  await before.server.close();
  const after = await start({ dir, appendonly: true });
  expect(await digest(after.redis)).toBe(await digest(primary.redis));
});

it('tells how much of the stream its disk has', async () => {
  const primary = await start();
  const replica = await follow(primary, { dir: dataFolder(), appendonly: true, appendfsync: 'always' });
  await untilCaughtUp(primary.redis, replica.redis);
  await until('its file is begun', async () => {
    return (await infoField(replica.redis, 'aof_rewrite_in_progress')) === '0';
  });
  await primary.redis.set('a', '1');
  expect(await primary.redis.call('waitaof', 0, 1, 5000)).toEqual([0, 1]);
});

it('a key that a replica made itself expires there', async () => {
  const primary = await start();
  const replica = await follow(primary, { 'replica-read-only': false });
  await untilLinked(replica.redis);
  await replica.redis.set('mine', '1', 'PX', 100_000);
  await replica.redis.mset('other', '1', 'another', '2');
  await replica.redis.pexpire('another', 100_000);
  expect(await infoField(replica.redis, 'slave_expires_tracked_keys')).toBe('2');
  for (const key of ['mine', 'another']) await replica.redis.pexpire(key, 1);
  await until('they are gone', async () => (await replica.redis.dbsize()) === 1);
  expect(await infoField(replica.redis, 'slave_expires_tracked_keys')).toBe('0');
});

it('who waits for a key is told when the server becomes a replica', async () => {
  const primary = await start();
  const other = await start();
  const waiting = connect(other.server).blpop('list', 0);
  await until('it waits', async () => (await infoField(other.redis, 'blocked_clients')) === '1');
  const refused = expect(waiting).rejects.toThrow(
    'UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)',
  );
  await other.redis.call('replicaof', '127.0.0.1', primary.server.port);
  await refused;
});

describe('FAILOVER', () => {
  const state = async ({ redis }: Started) => infoField(redis, 'master_failover_state');
  const over = (which: Started) =>
    until('the failover is over', async () => (await state(which)) === 'no-failover');

  it('hands over to a replica that has everything; writes that came meanwhile are refused', async () => {
    const primary = await start();
    await change(primary, [1]);
    const [first, second] = [await follow(primary), await follow(primary)];
    await expectSame(primary, first, second);
    const writer = connect(primary.server);
    await primary.redis.call('failover', 'to', '127.0.0.1', first.server.port);
    await expect(writer.set('late', '1')).rejects.toThrow('READONLY');
    await over(primary);
    expect(await infoField(first.redis, 'role')).toBe('master');
    expect(await infoField(primary.redis, 'role')).toBe('slave');
    expect(await first.redis.call('hello')).toEqual(expect.arrayContaining(['role', 'master']));
    expect(await primary.redis.call('hello')).toEqual(expect.arrayContaining(['role', 'replica']));
    await second.redis.call('replicaof', '127.0.0.1', first.server.port);
    await change(first, [2]);
    await expectSame(first, primary, second);
    expect(await infoField(first.redis, 'sync_full')).toBe('0');
  });

  it('is given up after its time, or when told so', async () => {
    const primary = await start();
    const replica = await follow(primary);
    await untilLinked(replica.redis);
    await replica.redis.client('PAUSE', 60_000, 'WRITE');
    await primary.redis.set('a', '1');
    await primary.redis.call('failover', 'timeout', 50);
    const late = connect(primary.server).set('late', '1');
    await over(primary);
    expect(await late).toBe('OK');
    await primary.redis.call('failover', 'timeout', 60_000);
    expect(await state(primary)).toBe('waiting-for-sync');
    await primary.redis.call('failover', 'abort');
    expect(await state(primary)).toBe('no-failover');
    expect(await primary.redis.set('b', '1')).toBe('OK');
    expect(await infoField(primary.redis, 'role')).toBe('master');
  });

  it.each([
    [['abort'], 'ERR No failover in progress.'],
    [['timeout', '0'], 'ERR FAILOVER timeout must be greater than 0'],
    [['timeout', 'x'], 'ERR value is not an integer or out of range'],
    [['to', 'somewhere'], 'ERR syntax error'],
    [['abort', 'force'], 'ERR syntax error'],
    [[], 'ERR FAILOVER requires connected replicas.'],
  ])('is refused with %j', async (args, error) => {
    const { redis } = await start();
    await expect(redis.call('failover', ...args)).rejects.toThrow(error);
  });
});
