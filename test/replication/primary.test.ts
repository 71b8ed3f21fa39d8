import type { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { writeCommands } from '../differential/write-commands.mjs';
import { samples } from '../persistence/samples.js';
import { infoField } from '../support/info.js';
import { RawClient } from '../support/raw-client.js';
import { describeWithRedisServer, type SpawnedServer, startRedisServer } from '../support/redis-server.js';
import { digest, untilCaughtUp, untilLinked } from '../support/replicas.js';
import { connectTo, startWithClient } from '../support/respite.js';
import { until, untilInfo } from '../support/waiting.js';

/** What the oracle of version 7.0 reads. */
const readable = {
  'enable-debug-command': 'yes',
  'rdb-version': '10',
  'repl-diskless-sync-delay': 0,
  'repl-timeout': 10,
} as const;

/** Waits until the replica has everything, and compares the two. */
async function expectSame(primary: Redis, replica: Redis): Promise<void> {
  await untilCaughtUp(primary, replica);
  expect(await digest(replica)).toBe(await digest(primary));
}

async function fill(redis: Redis): Promise<void> {
  const pipeline = redis.pipeline();
  samples.forEach(([command, ...args], i) => pipeline.call(command, `sample:${i}`, ...args));
  for (let i = 0; i < 20; i++) pipeline.xadd(`stream:${i % 3}`, '*', 'field', `value ${i}`);
  pipeline.set('expiring', 'x', 'EX', 1000);
  pipeline.select(7).set('elsewhere', 'x').select(0);
  await pipeline.exec();
}

describeWithRedisServer('A redis-server as replica', () => {
  async function attach(port: number): Promise<{ server: SpawnedServer; replica: Redis }> {
    const server = await startRedisServer(
      '--replicaof',
      `127.0.0.1 ${port}`,
      '--enable-debug-command',
      'yes',
    );
    const replica = connectTo(server.port);
    await untilLinked(replica);
    return { server, replica };
  }

  it.each([true, false])('gets a snapshot and follows what changes (diskless: %s)', async (diskless) => {
    const { server, redis } = await startWithClient({ ...readable, 'repl-diskless-sync': diskless });
    await fill(redis);
    const { server: other, replica } = await attach(server.port);
    try {
      await expectSame(redis, replica);
      await fill(redis);
      await redis.multi().set('a', '1').lpush('b', '2').select(3).set('c', '3').exec();
      await redis.select(0);
      await redis.eval("redis.call('set', 'd', 1); redis.call('incr', 'd')", 0);
      await redis.psetex('soon', 1, 'x');
      await until('the key has expired', async () => (await redis.get('soon')) === null);
      await redis.spop('sample:11', 2);
      await expectSame(redis, replica);
      expect(await replica.get('d')).toBe('2');
    } finally {
      await other.stop();
    }
  });

  it('has the same data after random changes', async () => {
    const { server, redis } = await startWithClient(readable);
    const { server: other, replica } = await attach(server.port);
    try {
      const raw = await RawClient.connect({ port: server.port });
      for (let seed = 1; seed <= 15; seed++)
        for (const command of writeCommands(seed)) await raw.send(...command);
      await raw.send('DISCARD');
      await raw.close();
      await expectSame(redis, replica);
    } finally {
      await other.stop();
    }
  });

  it.each([true, false])('gets what changes while its snapshot is made (diskless: %s)', async (diskless) => {
    const { server, redis } = await startWithClient({
      ...readable,
      'repl-diskless-sync': diskless,
      'rdb-key-save-delay': 2000,
    });
    await fill(redis);
    await redis.mset(...Array.from({ length: 1000 }, (_, i) => [`key:${i}`, `${i}`]).flat());
    const raw = await RawClient.connect({ port: server.port });
    const attaching = Promise.all([attach(server.port), attach(server.port)]);
    await untilInfo(redis, 'rdb_bgsave_in_progress', 1);
    for (let seed = 20; seed <= 22; seed++) {
      for (const command of writeCommands(seed, ['FLUSHALL', 'FLUSHDB'])) await raw.send(...command);
    }
    await raw.send('DISCARD');
    await raw.send('SWAPDB', 0, 7);
    await raw.send('FLUSHDB');
    await fill(redis);
    await raw.close();
    await redis.config('SET', 'rdb-key-save-delay', 0);
    const both = await attaching;
    try {
      for (const { replica } of both) await expectSame(redis, replica);
    } finally {
      for (const { server: other } of both) await other.stop();
    }
  });

  it.each([
    ['to the replica', true],
    ['to a file', false],
  ])('asks anew when all keys are removed while its snapshot is made (%s)', async (_, diskless) => {
    const { server, redis } = await startWithClient({
      ...readable,
      'repl-diskless-sync': diskless,
      'rdb-key-save-delay': 10_000_000,
    });
    await redis.mset('a', '0', 'b', '0', 'c', '0');
    const attaching = attach(server.port);
    await until('the snapshot is made', async () =>
      (await redis.info('replication')).includes('state=wait_bgsave'),
    );
    await redis.flushall();
    await redis.set('a', '1');
    await redis.config('SET', 'rdb-key-save-delay', '0');
    const { server: other, replica } = await attaching;
    try {
      await expectSame(redis, replica);
      expect(await replica.dbsize()).toBe(1);
      expect(await infoField(redis, 'sync_full')).toBe('2');
    } finally {
      await other.stop();
    }
  });

  it('goes on where it was when the connection breaks', async () => {
    const { server, redis } = await startWithClient(readable);
    await fill(redis);
    const { server: other, replica } = await attach(server.port);
    try {
      await expectSame(redis, replica);
      expect(await redis.client('KILL', 'TYPE', 'replica')).toBe(1);
      await redis.set('meanwhile', 'x');
      await untilLinked(replica);
      await until('the write has arrived', async () => (await replica.get('meanwhile')) === 'x');
      await expectSame(redis, replica);
      expect(await infoField(redis, 'sync_full')).toBe('1');
      expect(await infoField(redis, 'sync_partial_ok')).toBe('1');
    } finally {
      await other.stop();
    }
  });

  it('is the same as others that came with it', async () => {
    const { server, redis } = await startWithClient({ ...readable, 'repl-diskless-sync-delay': 1 });
    await fill(redis);
    const both = await Promise.all([attach(server.port), attach(server.port)]);
    try {
      for (const { replica } of both) await expectSame(redis, replica);
    } finally {
      for (const { server: other } of both) await other.stop();
    }
  });
});
