import { describe, expect, it } from 'vitest';
import { Bytes } from '../../src/bytes/bytes.js';
import type { Call, CommandSpec } from '../../src/commands/command.js';
import { digestOf } from '../../src/keyspace/digest.js';
import type { Keyspace } from '../../src/keyspace/keyspace.js';
import { auditMemory } from '../../src/keyspace/memory-audit.js';
import { newKeyspace } from '../support/keyspace.js';
import { startWithClient } from '../support/respite.js';

function expectExact(keyspace: Keyspace): void {
  for (const { what, counted, live } of auditMemory(keyspace)) expect([what, live]).toEqual([what, counted]);
}

/** A command for tests, WITHKEYSPACE: hands out the server's keyspace. */
function keyspaceTap(): { command: CommandSpec; get(): Keyspace } {
  let found: Keyspace | undefined;
  const command: CommandSpec = {
    name: 'withkeyspace',
    group: 'server',
    since: '0.0.0',
    summary: 'Hands out the keyspace.',
    complexity: 'O(1)',
    syntax: '',
    flags: [],
    handler({ server, reply }: Call): void {
      found = server.keyspace;
      reply.ok();
    },
  };
  return { command, get: () => found! };
}

async function startWithData() {
  const tap = keyspaceTap();
  const { redis } = await startWithClient({ commands: [tap.command], 'active-defrag-max-scan-fields': 100 });
  const words = Array.from({ length: 4000 }, (_, i) => `${i}:${'w'.repeat(i % 97)}`);
  for (let from = 0; from < 6_000; from += 1000) {
    const pipeline = redis.pipeline();
    for (let i = from; i < from + 1000; i++) {
      pipeline.set(`string:${i}`, 'x'.repeat(50 + (i % 4) * 200));
      if (i % 3 === 0) pipeline.expire(`string:${i}`, 1000 + i);
      if (i % 20 === 0) pipeline.rpush(`small:${i}`, 'a', 'b', 'c');
    }
    await pipeline.exec();
    // What is big grows between the strings, so that its blocks are spread over many pages.
    const some = words.slice((from * 2) / 3, ((from + 1000) * 2) / 3);
    await redis.hset('hash', ...some.flatMap((word) => [word, word]));
    await redis.call('HPEXPIRE', 'hash', 10_000_000, 'FIELDS', 50, ...some.slice(0, 50));
    await redis.sadd('set', ...some);
    await redis.zadd('zset', ...some.flatMap((word, i) => [i % 7, word]));
    await redis.rpush('list', ...some);
  }
  await redis.call('WITHKEYSPACE');
  return { redis, keyspace: tap.get() };
}

describe('defragmentation', () => {
  it('moves values of every type, which stay what they are', async () => {
    const { redis, keyspace } = await startWithData();
    const doomed = Array.from({ length: 6_000 }, (_, i) => `string:${i}`).filter((_, i) => i % 13 !== 0);
    for (let i = 0; i < doomed.length; i += 1000) await redis.del(...doomed.slice(i, i + 1000));
    const digest = digestOf(keyspace);
    const { arena, defragmentation } = keyspace;
    const before = arena.activeBytes / arena.allocated;
    expect(before).toBeGreaterThan(1.5);

    expect(defragmentation.begin(1)).toBeGreaterThan(0);
    let slices = 0;
    while (defragmentation.step(0)) slices++;

    expect(slices).toBeGreaterThan(20);
    expect(arena.activeBytes / arena.allocated).toBeLessThan(before / 1.3);
    expect(digestOf(keyspace)).toBe(digest);
    expectExact(keyspace);
    const { statistics } = defragmentation;
    expect(statistics.moved).toBeGreaterThan(500);
    expect(statistics.keysWithMoves).toBeGreaterThan(200);

    // Every table and tree knows the new places: all of it can be changed and removed.
    expect(await redis.zrank('zset', '0:')).toBe(0);
    for (const key of ['hash', 'set', 'zset', 'list']) expect(await redis.unlink(key)).toBe(1);
    for (let i = 0; i < 6_000; i += 13) await redis.persist(`string:${i}`);
    await redis.flushdb();
    expectExact(keyspace);
    expect(arena.allocated).toBe(0);
  });

  it('takes it as it comes that everything changes between its slices', async () => {
    const { redis, keyspace } = await startWithData();
    const doomed = Array.from({ length: 6_000 }, (_, i) => `string:${i}`).filter((_, i) => i % 7 !== 0);
    for (let i = 0; i < doomed.length; i += 1000) await redis.del(...doomed.slice(i, i + 1000));
    const { defragmentation, databases } = keyspace;
    defragmentation.begin(1);
    for (let round = 0; defragmentation.step(0); round++) {
      if (round % 5 !== 0) continue;
      const key = Bytes.of(`string:${(round * 7) % 6_000}`);
      databases[0].remove(key);
      const value = Buffer.alloc(round % 700, 1);
      databases[0].setString(Bytes.of(`new:${round}`), value, 0, value.length);
      if (round === 50) await redis.ltrim('list', 500, 1500);
      if (round === 100) await redis.zremrangebyrank('zset', 100, 2000);
      if (round === 150) await redis.unlink('list', 'hash');
      if (round === 200) await redis.sadd('set', ...Array.from({ length: 500 }, (_, i) => `more:${i}`));
    }
    expectExact(keyspace);
    expect(await redis.zcard('zset')).toBe((await redis.zrange('zset', 0, -1)).length);
  });

  it('waits while a snapshot watches the buckets', () => {
    const { keyspace } = newKeyspace();
    const [database] = keyspace.databases;
    const value = Buffer.alloc(300);
    for (let i = 0; i < 5000; i++) database.setString(Bytes.of(`key:${i}`), value, 0, 300);
    for (let i = 0; i < 5000; i++) if (i % 10 !== 0) database.remove(Bytes.of(`key:${i}`));
    expect(keyspace.defragmentation.begin(1)).toBeGreaterThan(0);
    database.keys.beforeBucketChange = () => {
      throw new Error('a bucket is changed');
    };
    expect(keyspace.defragmentation.step(10_000)).toBe(true);
    database.keys.beforeBucketChange = undefined;
    while (keyspace.defragmentation.step(10_000));
    expect(keyspace.defragmentation.statistics.moved).toBeGreaterThan(300);
  });

  it('ends with FLUSHALL', () => {
    const { keyspace } = newKeyspace();
    const [database] = keyspace.databases;
    const value = Buffer.alloc(300);
    for (let i = 0; i < 5000; i++) database.setString(Bytes.of(`key:${i}`), value, 0, 300);
    for (let i = 0; i < 5000; i++) if (i % 10 !== 0) database.remove(Bytes.of(`key:${i}`));
    keyspace.defragmentation.begin(1);
    keyspace.flushAll();
    expect(keyspace.defragmentation.step(1000)).toBe(false);
  });
});
