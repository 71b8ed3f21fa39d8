import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { writeCommands } from '../differential/write-commands.mjs';
import { dataFolder } from '../support/data-folder.js';
import { RawClient } from '../support/raw-client.js';
import { startRespite, startWithClient } from '../support/respite.js';

/** More than are looked at ahead, and more than stay packed. */
const many = 300;

it('finds fields and members of big collections that several requests of a pipeline name', async () => {
  const { redis } = await startWithClient({});
  const fill = redis.pipeline();
  for (let i = 0; i < many; i++) {
    fill.hset('hash', `f${i}`, `v${i}`).sadd('set', `m${i}`).zadd('zset', i, `m${i}`);
  }
  await fill.exec();
  const ask = redis.pipeline();
  for (let i = 0; i < many; i++) {
    ask
      .hget('hash', `f${i}`)
      .sismember('set', `m${i}`)
      .zscore('zset', `m${i}`)
      .zadd('zset', i + 1, `m${i}`);
    ask.hget('hash', `x${i}`).sismember('set', `x${i}`).zscore('zset', `x${i}`);
  }
  const expected = Array.from({ length: many }, (_, i) => [`v${i}`, 1, `${i}`, 0, null, 0, null]).flat();
  expect((await ask.exec())?.map(([, reply]) => reply)).toEqual(expected);
  expect(await redis.zrank('zset', 'm7')).toBe(7);
});

it('does not mind a collection that an earlier request of the pipeline removes or replaces', async () => {
  const { redis } = await startWithClient({});
  const fill = redis.pipeline();
  for (let i = 0; i < many; i++) fill.sadd('set', `m${i}`);
  await fill.exec();
  const replies = await redis
    .pipeline()
    .sismember('set', 'm1')
    .del('set')
    .sismember('set', 'm1')
    .set('set', 'text')
    .sismember('set', 'm2')
    .exec();
  expect(replies?.slice(0, 4).map(([, reply]) => reply)).toEqual([1, 1, 0, 'OK']);
  expect(replies?.[4][0]?.message).toContain('WRONGTYPE');
});

/** Servers that answer the same commands the same; what is sent to the second is sent one by one. */
async function startPair(
  folders: readonly string[] = [],
  directives: Parameters<typeof startRespite>[0] = {},
) {
  const start = async (dir?: string) => {
    const files = dir === undefined ? {} : { dir, appendonly: true };
    const server = await startRespite({ clock: 'manual', seed: 1, ...directives, ...files });
    return RawClient.connect({ port: server.port });
  };
  const [together, apart] = await Promise.all([start(folders[0]), start(folders[1])]);
  return async (commands: readonly (readonly (string | number)[])[]) => {
    const replies = await together.pipeline(commands);
    for (const [i, words] of commands.entries()) {
      expect({ words, reply: replies[i] }).toEqual({ words, reply: await apart.send(...words) });
    }
  };
}

const key = fc.constantFrom('a', 'b', 'c', 'key:000000000001');
const value = fc.constantFrom('1', '22', 'x'.repeat(40), 'y'.repeat(1000));
const database = fc.constantFrom(0, 1);
const command = fc.oneof(
  fc.tuple(fc.constantFrom('GET', 'DEL', 'GETDEL', 'INCR', 'TYPE', 'STRLEN', 'PERSIST', 'EXISTS'), key),
  fc.tuple(fc.constantFrom('SET', 'APPEND', 'SETNX', 'LPUSH'), key, value),
  fc.tuple(fc.constantFrom('RENAME', 'COPY', 'RENAMENX'), key, key),
  fc.tuple(fc.constant('EXPIRE'), key, fc.constantFrom(-1, 100)),
  fc.tuple(fc.constant('MOVE'), key, database),
  fc.tuple(fc.constant('SELECT'), database),
  fc
    .constantFrom('FLUSHDB', 'FLUSHALL', 'SWAPDB 0 1', 'MULTI', 'EXEC', 'PING')
    .map((words) => words.split(' ')),
);
/** Nothing that takes memory is done after the first of these, and everything after the second. */
const limit = fc
  .constantFrom('CONFIG SET maxmemory 1', 'CONFIG SET maxmemory 0')
  .map((words) => words.split(' '));

async function comparePipelines(
  same: Awaited<ReturnType<typeof startPair>>,
  of: fc.Arbitrary<(string | number)[]>,
  atTheEnd: string[][] = [],
) {
  const last = [['DISCARD'], ['CONFIG', 'SET', 'maxmemory', 0], ['SELECT', 0], ['DBSIZE'], ...atTheEnd];
  await fc.assert(
    fc.asyncProperty(fc.array(of, { minLength: 2, maxLength: 40 }), (commands) =>
      same([...commands, ...last]),
    ),
    { numRuns: 300 },
  );
}

it("answers requests of a pipeline that move and remove each other's keys as it answers them one by one", async () => {
  await comparePipelines(await startPair(), command);
});

it('answers requests of a pipeline as one by one when memory is short meanwhile', async () => {
  await comparePipelines(await startPair(), fc.oneof({ arbitrary: command, weight: 5 }, limit));
});

const [hash, set, zset] = ['h', 's', 'z'].map((name) => fc.constantFrom(`${name}1`, `${name}2`));
const collection = fc.oneof(hash, set, zset);
const element = fc.constantFrom('1', '2', 'three', 'f'.repeat(30));
const score = fc.constantFrom('1', '-2.5');
const elementCommand = fc.oneof(
  fc.tuple(fc.constantFrom('HGET', 'HDEL', 'HEXISTS', 'HSTRLEN'), hash, element),
  fc.tuple(fc.constantFrom('HSET', 'HSETNX'), hash, element, value),
  fc.tuple(fc.constant('HINCRBY'), hash, element, fc.constant(1)),
  fc.tuple(fc.constant('HEXPIRE'), hash, fc.constant(100), fc.constant('FIELDS'), fc.constant(1), element),
  fc.tuple(fc.constantFrom('HPERSIST', 'HTTL'), hash, fc.constant('FIELDS'), fc.constant(1), element),
  fc.tuple(fc.constantFrom('SADD', 'SREM', 'SISMEMBER', 'SMISMEMBER'), set, element),
  fc.tuple(fc.constant('SMOVE'), set, set, element),
  fc.tuple(fc.constantFrom('ZREM', 'ZSCORE', 'ZRANK'), zset, element),
  fc.tuple(fc.constantFrom('ZADD', 'ZINCRBY'), zset, score, element),
  fc.tuple(fc.constantFrom('RENAME', 'COPY'), collection, collection),
  fc.tuple(fc.constantFrom('DEL', 'UNLINK'), collection),
);

it('answers requests of a pipeline for elements of big collections as one by one', async () => {
  const same = await startPair([], {
    'enable-debug-command': 'yes',
    'hash-max-listpack-entries': 1,
    'set-max-intset-entries': 1,
    'set-max-listpack-entries': 1,
    'zset-max-listpack-entries': 1,
  });
  await comparePipelines(same, elementCommand, [['DEBUG', 'DIGEST']]);
});

it('appends what a pipeline changes as what the same requests change one by one', async () => {
  const folders = [dataFolder(), dataFolder()];
  await comparePipelines(await startPair(folders), command);
  const [together, apart] = folders.map((folder) =>
    readFileSync(join(folder, 'appendonlydir', 'appendonly.aof.1.incr.aof'), 'latin1'),
  );
  expect(together.length).toBeGreaterThan(10_000);
  expect(together).toBe(apart);
});

it('answers pipelines of all kinds of commands as it answers them one by one', async () => {
  const same = await startPair();
  for (let seed = 1; seed <= 200; seed++) {
    // With this clock nobody's time to wait is ever over.
    const commands = writeCommands(seed).filter(([name]) => !/^B[LRZ]/i.test(name));
    await same([...commands, ['DISCARD']]);
  }
});
