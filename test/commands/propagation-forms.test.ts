import type { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import type { Respite } from '../../src/index.js';
import { propagated, startPropagating } from '../support/propagation-log.js';
import { connect } from '../support/respite.js';
import { untilInfo } from '../support/waiting.js';

async function start(): Promise<{ server: Respite; redis: Redis; now: number }> {
  const started = await startPropagating();
  const [seconds, microseconds] = (await started.redis.time()) as unknown as string[];
  return { ...started, now: Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000) };
}

/** What was propagated since the last call, in database 0. */
async function changes(redis: Redis): Promise<string[]> {
  return (await propagated(redis)).map((line) => line.replace(/^[0-] /, ''));
}

/** What a command is propagated as. */
async function form(redis: Redis, line: string): Promise<string[]> {
  const [name, ...args] = line.split(' ');
  await changes(redis);
  await redis.call(name, ...args);
  return changes(redis);
}

describe('strings are propagated', () => {
  it('with the time at which they expire', async () => {
    const { redis, now } = await start();
    for (const option of ['EX 2', 'PX 2000', `EXAT ${Math.floor(now / 1000) + 9}`]) {
      const [line] = await form(redis, `SET k v ${option}`);
      expect(line).toMatch(/^SET k v PXAT \d+$/);
    }
    expect(await form(redis, `SET k v EX 2`)).toEqual([`SET k v PXAT ${now + 2000}`]);
    expect(await form(redis, `set k v pxat ${now + 5}`)).toEqual([`set k v pxat ${now + 5}`]);
    expect(await form(redis, 'SETEX k 3 v')).toEqual([`SET k v PXAT ${now + 3000}`]);
    expect(await form(redis, 'PSETEX k 3 v')).toEqual([`SET k v PXAT ${now + 3}`]);
    expect(await form(redis, 'GETEX k EX 4')).toEqual([`PEXPIREAT k ${now + 4000}`]);
    expect(await form(redis, 'GETEX k PERSIST')).toEqual(['PERSIST k']);
    expect(await form(redis, 'GETEX k PERSIST')).toEqual([]);
    expect(await form(redis, 'GETEX k')).toEqual([]);
    expect(await form(redis, 'GETEX k PXAT 1')).toEqual(['DEL k']);
  });

  it('without what only concerns the reply', async () => {
    const { redis, now } = await start();
    expect(await form(redis, 'SET k get GET KEEPTTL')).toEqual(['SET k get KEEPTTL']);
    expect(await form(redis, 'SET k v XX GET PX 10')).toEqual([`SET k v PXAT ${now + 10}`]);
    expect(await form(redis, 'SET k v NX')).toEqual([]);
    expect(await form(redis, 'GETSET k w')).toEqual(['SET k w']);
    expect(await form(redis, 'GETDEL k')).toEqual(['DEL k']);
    expect(await form(redis, 'GETDEL k')).toEqual([]);
  });

  it('as the number that a sum became', async () => {
    const { redis } = await start();
    expect(await form(redis, 'INCRBYFLOAT k 1.5')).toEqual(['SET k 1.5 KEEPTTL']);
    expect(await form(redis, 'INCR n')).toEqual(['INCR n']);
    expect(await form(redis, 'HINCRBYFLOAT h f 1.5')).toEqual(['HSET h f 1.5']);
    await redis.call('HPEXPIRE', 'h', '1000', 'FIELDS', '1', 'f');
    expect(await form(redis, 'HINCRBYFLOAT h f 1.5')).toEqual(['HSETEX h KEEPTTL FIELDS 1 f 3']);
  });
});

describe('expiry is propagated', () => {
  it('as an absolute time, or as the removal of the key', async () => {
    const { redis, now } = await start();
    await redis.set('k', 'v');
    expect(await form(redis, 'EXPIRE k 10')).toEqual([`PEXPIREAT k ${now + 10_000}`]);
    expect(await form(redis, 'PEXPIRE k 11 LT')).toEqual([`PEXPIREAT k ${now + 11} LT`]);
    expect(await form(redis, 'EXPIREAT k 9999999999')).toEqual(['PEXPIREAT k 9999999999000']);
    expect(await form(redis, 'EXPIRE k 10 GT')).toEqual([]);
    expect(await form(redis, 'EXPIRE k -1')).toEqual(['DEL k']);
    await redis.config('SET', 'lazyfree-lazy-expire', 'yes');
    await redis.set('k', 'v');
    expect(await form(redis, 'PEXPIREAT k 1')).toEqual(['UNLINK k']);
  });

  it('as an absolute time by RESTORE', async () => {
    const { redis, now } = await start();
    await redis.set('k', 'v');
    const payload = (await redis.dumpBuffer('k')) as Buffer;
    await changes(redis);
    await redis.restore('k', 50, payload, 'REPLACE');
    const [line] = await changes(redis);
    expect(line.startsWith(`restore k ${now + 50} `)).toBe(true);
    expect(line.endsWith(' REPLACE ABSTTL')).toBe(true);
    await redis.call('RESTORE-ASKING', 'asked', '0', payload);
    expect((await changes(redis))[0].toLowerCase().startsWith('restore-asking asked 0 ')).toBe(true);
    await redis.restore('k', 1, payload, 'REPLACE', 'ABSTTL');
    expect(await changes(redis)).toEqual(['DEL k']);
  });

  it('of fields as an absolute time, or as the removal of the fields', async () => {
    const { redis, now } = await start();
    await redis.hset('h', { a: '1', b: '2', c: '3' });
    expect(await form(redis, 'HEXPIRE h 10 FIELDS 3 a none b')).toEqual([
      `HPEXPIREAT h ${now + 10_000} FIELDS 2 a b`,
    ]);
    expect(await form(redis, 'HPEXPIRE h 10 NX FIELDS 2 a c')).toEqual([
      `HPEXPIREAT h ${now + 10} NX FIELDS 1 c`,
    ]);
    expect(await form(redis, 'HEXPIRE h 0 FIELDS 2 a none')).toEqual(['HDEL h a']);
    await redis.hset('past', { a: '1', b: '2' });
    expect(await form(redis, 'HEXPIREAT past 1 FIELDS 3 a none b')).toEqual([
      'MULTI',
      'HDEL past a',
      'HDEL past b',
      'EXEC',
    ]);
    expect(await form(redis, 'HGETEX h FIELDS 1 b')).toEqual([]);
    expect(await form(redis, 'HGETEX h PX 7 FIELDS 1 b')).toEqual([`HPEXPIREAT h ${now + 7} FIELDS 1 b`]);
    expect(await form(redis, 'HGETEX h PERSIST FIELDS 2 b none')).toEqual(['HPERSIST h FIELDS 1 b']);
    expect(await form(redis, 'HPERSIST h FIELDS 1 b')).toEqual([]);
    expect(await form(redis, 'HSETEX h EX 1 FIELDS 1 d 4')).toEqual([
      `HSETEX h PXAT ${now + 1000} FIELDS 1 d 4`,
    ]);
    expect(await form(redis, 'HSETEX h FXX FIELDS 1 d 5')).toEqual(['HSETEX h FXX FIELDS 1 d 5']);
    expect(await form(redis, 'HSETEX h PXAT 1 FIELDS 1 d 5')).toEqual(['HDEL h d']);
    expect(await form(redis, 'HGETDEL h FIELDS 2 b none')).toEqual(['HDEL h b']);
    expect(await form(redis, 'HGETDEL h FIELDS 1 none')).toEqual([]);
  });

  it('of no field that has expired, though it is there still', async () => {
    const { server, redis } = await start();
    await redis.call('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
    await redis.hset('h', { a: '1', b: '2' });
    await redis.call('HPEXPIRE', 'h', '10', 'FIELDS', '1', 'a');
    await redis.call('HPEXPIRE', 'h', '20', 'FIELDS', '1', 'b');
    server.advanceTime(11);
    expect(await form(redis, 'HPERSIST h FIELDS 2 a b')).toEqual(['HPERSIST h FIELDS 1 b']);
  });

  it('of fields that a command found expired, beside what it removed itself', async () => {
    const { server, redis } = await start();
    await redis.call('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
    await redis.hset('h', { a: '1', b: '2' });
    await redis.call('HPEXPIRE', 'h', '5', 'FIELDS', '1', 'a');
    server.advanceTime(6);
    const told = await form(redis, 'HGETDEL h FIELDS 2 a b');
    expect(told.filter((line) => line.startsWith('HDEL')).sort()).toEqual(['HDEL h a', 'HDEL h b']);
    expect(await redis.exists('h')).toBe(0);
  });

  it('key by key where SCAN met expired keys', async () => {
    const { server, redis } = await start();
    await redis.call('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
    for (const key of ['a', 'b']) await redis.set(key, 'v', 'PX', 1);
    server.advanceTime(2);
    expect((await form(redis, 'SCAN 0')).sort()).toEqual(['DEL a', 'DEL b']);
    for (const key of ['a', 'b']) await redis.set(key, 'v', 'PX', 1);
    server.advanceTime(2);
    expect(await form(redis, 'MGET a b')).toEqual(['MULTI', 'DEL a', 'DEL b', 'EXEC']);
  });
});

describe('random choices are propagated', () => {
  it('as the members that were removed', async () => {
    const { redis } = await start();
    await redis.sadd('s', 'only');
    expect(await form(redis, 'SPOP s')).toEqual(['SREM s only']);
    await redis.sadd('s', 'a', 'b', 'c');
    const popped = (await redis.spop('s', 2)) as unknown as string[];
    expect((await changes(redis)).at(-1)).toBe(`SREM s ${popped.join(' ')}`);
    expect(await form(redis, 'SPOP s 0')).toEqual([]);
    expect(await form(redis, 'SPOP s 9')).toEqual(['DEL s']);
    await redis.config('SET', 'lazyfree-lazy-server-del', 'yes');
    await redis.sadd('s', 'a');
    expect(await form(redis, 'SPOP s 9')).toEqual(['UNLINK s']);
  });

  it('in a transaction of several commands if there are many', async () => {
    const { redis } = await start();
    await redis.sadd(
      's',
      Array.from({ length: 2100 }, (_, i) => `m${i}`),
    );
    const told = await form(redis, 'SPOP s 2050');
    expect(told.map((line) => line.split(' ').length)).toEqual([1, 1026, 1026, 4, 1]);
    expect(told[0]).toBe('MULTI');
  });
});

describe('what pops from the first of several keys is propagated', () => {
  it('as a plain pop of that key', async () => {
    const { redis } = await start();
    await redis.rpush('l', 'a', 'b', 'c', 'd', 'e', 'f');
    await redis.zadd('z', 1, 'a', 2, 'b', 3, 'c', 4, 'd');
    expect(await form(redis, 'LMPOP 2 none l LEFT')).toEqual(['LPOP l 1']);
    expect(await form(redis, 'BLMPOP 0 2 none l RIGHT COUNT 2')).toEqual(['RPOP l 2']);
    expect(await form(redis, 'BLPOP none l 0')).toEqual(['LPOP l']);
    expect(await form(redis, 'BRPOP none l 0')).toEqual(['RPOP l']);
    expect(await form(redis, 'BLMOVE l m left RIGHT 0')).toEqual(['LMOVE l m left RIGHT']);
    expect(await form(redis, 'BRPOPLPUSH m l 0')).toEqual(['RPOPLPUSH m l']);
    expect(await form(redis, 'ZMPOP 2 none z MIN COUNT 9')).toEqual(['ZPOPMIN z 4']);
    await redis.zadd('z', 1, 'a', 2, 'b', 3, 'c');
    expect(await form(redis, 'BZMPOP 0 1 z MAX')).toEqual(['ZPOPMAX z 1']);
    expect(await form(redis, 'BZPOPMIN none z 0')).toEqual(['ZPOPMIN z']);
    expect(await form(redis, 'BZPOPMAX none z 0')).toEqual(['ZPOPMAX z']);
  });

  it('when the client waited, after the command that woke it', async () => {
    const { server, redis } = await start();
    const cases: [string, string, string][] = [
      ['BLPOP k 0', 'RPUSH k x', 'LPOP k'],
      ['BLMOVE k l LEFT LEFT 0', 'RPUSH k x', 'LMOVE k l LEFT LEFT'],
      ['BLMPOP 0 1 k RIGHT COUNT 5', 'RPUSH k x', 'RPOP k 1'],
      ['BRPOPLPUSH k l 0', 'RPUSH k x', 'RPOPLPUSH k l'],
      ['BZPOPMAX k 0', 'ZADD k 1 x', 'ZPOPMAX k'],
      ['BZMPOP 0 1 k MIN', 'ZADD k 1 x', 'ZPOPMIN k 1'],
    ];
    for (const [blocking, waking, plain] of cases) {
      const waiting = await connect(server);
      const [name, ...args] = blocking.split(' ');
      const reply = waiting.call(name, ...args);
      await untilInfo(redis, 'blocked_clients', 1);
      expect(await form(redis, waking)).toEqual([waking, plain]);
      await reply;
    }
  });

  it('not while nothing is there', async () => {
    const { redis } = await start();
    expect(await form(redis, 'LMPOP 1 none LEFT')).toEqual([]);
    expect(await form(redis, 'ZMPOP 1 none MIN')).toEqual([]);
  });
});

describe('other commands are propagated', () => {
  it('as what they came to, or as they came', async () => {
    const { redis } = await start();
    expect(await form(redis, 'GEOADD g NX 13.361389 38.115556 Palermo')).toEqual([
      'ZADD g NX 3479099956230698 Palermo',
    ]);
    expect(await form(redis, 'GEOADD g NX 13.361389 38.115556 Palermo')).toEqual([]);
    const store = 'GEORADIUS g 13 38 100 km STORE near';
    expect(await form(redis, store)).toEqual([store]);
    for (const line of [
      'RPUSH l 3 1 2',
      'SORT l STORE m',
      'PFADD h a',
      'PFCOUNT h',
      'SWAPDB 1 2',
      'COPY l n',
    ]) {
      expect(await form(redis, line)).toEqual([line]);
    }
    expect(await form(redis, 'PFCOUNT h')).toEqual([]);
    expect(await form(redis, 'LTRIM l 0 -1')).toEqual([]);
    expect(await form(redis, 'BITFIELD b OVERFLOW FAIL INCRBY u4 0 99')).toEqual([
      'BITFIELD b OVERFLOW FAIL INCRBY u4 0 99',
    ]);
  });
});

describe('more commands than a call can have arguments', () => {
  const many = 130_000;

  it('take the place of one: XREADGROUP, HPEXPIREAT', async () => {
    const { redis } = await start();
    const adding = redis.pipeline();
    for (let i = 1; i <= many; i++) adding.xadd('s', `${i}-0`, 'f', 'v');
    await adding.exec();
    await redis.xgroup('CREATE', 's', 'g', '0');
    await changes(redis);
    const reading = await redis.call('XREADGROUP', ['GROUP', 'g', 'c', 'COUNT', many, 'STREAMS', 's', '>']);
    expect((reading as [string, unknown[]][])[0][1]).toHaveLength(many);
    expect((await changes(redis)).length).toBeGreaterThan(many);
    const fields = Array.from({ length: many }, (_, i) => `f${i}`);
    await redis.hset('h', Object.fromEntries([...fields, 'last'].map((field) => [field, '1'])));
    await changes(redis);
    expect(await redis.call('HPEXPIREAT', ['h', 1, 'FIELDS', many, ...fields])).toHaveLength(many);
    expect(await changes(redis)).toHaveLength(many + 2); // MULTI, EXEC
  });

  it('BITOP and BITFIELD take as many', async () => {
    const { redis } = await start();
    await redis.set('k', 'abc');
    const keys = Array.from({ length: 200_000 }, () => 'k');
    expect(await redis.call('BITOP', ['OR', 'd', ...keys])).toBe(3);
    const operations = keys.flatMap(() => ['SET', 'u8', '0', '1']);
    expect(await redis.call('BITFIELD', ['b', ...operations])).toHaveLength(keys.length);
  });
});
