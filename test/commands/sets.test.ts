import type { Redis } from 'ioredis';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Respite } from '../../src/index.js';
import { commandLines } from '../support/command-lines.js';
import { eventLog } from '../support/event-log.js';
import { RawClient } from '../support/raw-client.js';
import { connect, startRespite } from '../support/respite.js';

const wrongType = 'WRONGTYPE Operation against a key holding the wrong kind of value';

let server: Respite;
let redis: Redis;

const { run, runAll } = commandLines(() => redis);

/** A reply in sorted order, for replies that have none. */
async function sorted(line: string): Promise<string[]> {
  return ((await run(line)) as string[]).sort();
}

beforeEach(async () => {
  server = await startRespite({ clock: 'manual', commands: [eventLog()] });
  redis = connect(server);
  await run('eventlog');
});

const long = 'x'.repeat(65);

/** Three members in each encoding, and how they come about. */
const encodings: [encoding: string, members: string[], fill: string[]][] = [
  ['intset', ['1', '2', '300000'], ['sadd s 1 2', 'sadd s 300000']],
  ['listpack', ['1', 'a', 'b'], ['sadd s 1', 'sadd s a b']],
  ['hashtable', ['1', 'a', 'b'], [`sadd s 1 a ${long}`, 'sadd s b', `srem s ${long}`]],
];

describe.each(encodings)('a set kept as %s', (encoding, members, fill) => {
  const [one, two, three] = members;

  beforeEach(async () => {
    await runAll(...fill);
    await run('eventlog');
  });

  it('says so', async () => {
    expect(await run('object encoding s')).toBe(encoding);
  });

  it('is asked for its members', async () => {
    expect(await sorted('smembers s')).toEqual(members);
    expect(
      await runAll('scard s', `sismember s ${one}`, 'sismember s none', `smismember s none ${two} ${three}`),
    ).toEqual([3, 1, 0, [0, 1, 1]]);
    expect(await run('eventlog')).toEqual([0]);
  });

  it('takes and loses members, and with the last one its key', async () => {
    expect(await runAll(`sadd s 7 ${one} 8`, `sadd s ${one}`, 'srem s 7 8 9', 'srem s 7')).toEqual([
      2, 0, 2, 0,
    ]);
    expect(await run('eventlog')).toEqual([4, '0 sadd s', '0 srem s']);
    expect(await runAll(`srem s ${members.join(' ')} ${one}`, 'dbsize')).toEqual([3, 0]);
    expect(await run('eventlog')).toEqual([3, '0 srem s', '0 del s']);
  });

  it('gives random members', async () => {
    expect(members).toContain(await run('srandmember s'));
    expect(await sorted('srandmember s 5')).toEqual(members);
    expect(new Set(await sorted('srandmember s 2')).size).toBe(2);
    const picks = await sorted('srandmember s -60');
    expect(picks.length).toBe(60);
    expect([...new Set(picks)]).toEqual(members);
    expect(await runAll('srandmember s 0', 'scard s')).toEqual([[], 3]);
  });

  it('gives away members by chance', async () => {
    const popped = (await run('spop s')) as string;
    expect(members).toContain(popped);
    const next = (await run('spop s 1')) as string[];
    expect(await runAll('scard s', 'spop s 0')).toEqual([1, []]);
    const last = (await run('spop s 9')) as string[];
    expect([popped, ...next, ...last].sort()).toEqual(members);
    expect(await runAll('dbsize', 'spop s', 'spop s 1')).toEqual([0, null, []]);
    expect(await run('eventlog')).toEqual([3, '0 spop s', '0 spop s', '0 spop s', '0 del s']);
  });

  it('is scanned', async () => {
    const [cursor, found] = (await run('sscan s 0')) as [string, string[]];
    expect([cursor, found.sort()]).toEqual(['0', members]);
    expect(await run(`sscan s 0 match ${three} count 100`)).toEqual(['0', [three]]);
  });

  it('gives a member to another set', async () => {
    expect(await runAll(`smove s d ${one}`, 'smove s d none', `sismember s ${one}`, `smembers d`)).toEqual([
      1,
      0,
      0,
      [one],
    ]);
    expect(await run('eventlog')).toEqual([2, '0 srem s', '0 new d', '0 sadd d']);
    await run(`sadd s ${one}`);
    expect(await runAll(`smove s d ${one}`, `smove s s ${two}`, 'smove s s none')).toEqual([1, 1, 0]);
    await runAll(`smove s d ${two}`, 'eventlog');
    expect(await runAll(`smove s d ${three}`, 'exists s', 'scard d')).toEqual([1, 0, 3]);
    const events = (await run('eventlog')) as unknown[];
    expect(events).toEqual([2, '0 srem s', '0 del s', '0 sadd d', '0 keymiss s']);
  });

  it('can be copied, renamed and moved', async () => {
    expect(
      await runAll('copy s copy', 'rename s renamed', 'move renamed 1', 'srem copy 1', 'select 1'),
    ).toEqual([1, 'OK', 1, 1, 'OK']);
    expect(await sorted('smembers renamed')).toEqual(members);
  });

  it('is combined with others', async () => {
    await run(`sadd t ${one} ${two} other`);
    await run(`sadd u ${one} 77`);
    expect(await sorted('sinter s t')).toEqual([one, two].sort());
    expect(await sorted('sinter t s u')).toEqual([one]);
    expect(await sorted('sunion s t u')).toEqual([...members, '77', 'other'].sort());
    expect(await sorted('sdiff s t')).toEqual([three]);
    expect(await sorted('sdiff t s u none')).toEqual(['other']);
    expect(await runAll('sinter s none', 'sdiff none s', 'sunion none')).toEqual([[], [], []]);
    expect(await runAll('sintercard 2 s t', 'sintercard 2 s t limit 1', 'sintercard 3 s t none')).toEqual([
      2, 1, 0,
    ]);
  });
});

describe('set algebra', () => {
  beforeEach(async () => {
    await runAll('sadd a 1 2 3', 'sadd b 2 3 4', 'set string v', 'eventlog');
  });

  it('stores its result, whatever was there', async () => {
    await run('set old v ex 100');
    await run('eventlog');
    expect(await runAll('sinterstore old a b', 'ttl old')).toEqual([2, -1]);
    expect(await sorted('smembers old')).toEqual(['2', '3']);
    expect(await runAll('sunionstore a a b', 'sdiffstore b a b')).toEqual([4, 1]);
    expect(await sorted('smembers a')).toEqual(['1', '2', '3', '4']);
    expect(await sorted('smembers b')).toEqual(['1']);
    expect(await run('eventlog')).toEqual([3, '0 sinterstore old', '0 sunionstore a', '0 sdiffstore b']);
  });

  it('removes the destination when there is no result', async () => {
    expect(await runAll('sdiffstore string a a', 'sinterstore string a none', 'sunionstore x none')).toEqual([
      0, 0, 0,
    ]);
    expect(await run('exists string')).toBe(0);
    expect(await run('eventlog')).toEqual(expect.arrayContaining([1, '0 del string']));
  });

  it('stores integers as an intset, and few others as a listpack', async () => {
    await run(`sadd c 1 2 x ${long}`);
    expect(await runAll('sinterstore d a c', 'object encoding d')).toEqual([2, 'intset']);
    expect(await runAll('sadd e x y', 'sunionstore d a e', 'object encoding d')).toEqual([2, 5, 'listpack']);
    expect(await runAll('sunionstore d a c', 'object encoding d')).toEqual([5, 'hashtable']);
  });

  it.each([
    ...[
      'sinter a string',
      'sunion string a',
      'sdiff a string',
      'sinterstore d none string',
      'sintercard 1 string',
    ],
    ...['sunionstore d a string', 'sdiffstore d a string', 'sinter none string'],
  ])('refuses a string: %s', async (line) => {
    expect(await runAll(line, 'exists d')).toEqual([wrongType, 0]);
  });

  it.each([
    ['sintercard 0 a', 'ERR numkeys should be greater than 0'],
    ['sintercard x a', 'ERR numkeys should be greater than 0'],
    ['sintercard 2 a', "ERR Number of keys can't be greater than number of args"],
    ['sintercard 1 a b', 'ERR syntax error'],
    ['sintercard 1 a limit', 'ERR syntax error'],
    ['sintercard 1 a limit -1', "ERR LIMIT can't be negative"],
    ['sintercard 1 a limit x', "ERR LIMIT can't be negative"],
  ])('%s: %s', async (line, error) => {
    expect(await run(line)).toBe(error);
  });

  it('intersects big sets, up to a limit', async () => {
    const numbers = Array.from({ length: 2000 }, (_, i) => `m${i}`);
    await redis.sadd('x', ...numbers);
    await redis.sadd('y', ...numbers.slice(500));
    expect(await runAll('sintercard 2 x y', 'sintercard 2 x y limit 700', 'sinterstore z x y')).toEqual([
      1500, 700, 1500,
    ]);
    expect(await runAll('sdiffstore z x y', 'sunionstore z x y', 'scard z')).toEqual([500, 2000, 2000]);
  });
});

describe('set commands', () => {
  it('find nothing in a key that is absent', async () => {
    expect(
      await runAll(
        'scard n',
        'smembers n',
        'sismember n m',
        'smismember n m m',
        'srem n m',
        'smove n d m',
        'spop n',
      ),
    ).toEqual([0, [], 0, [0, 0], 0, 0, null]);
    expect(await runAll('srandmember n', 'srandmember n 3', 'spop n 3', 'sscan n 0', 'dbsize')).toEqual([
      null,
      [],
      [],
      ['0', []],
      0,
    ]);
  });

  it.each([
    ...['sadd k m', 'scard k', 'sismember k m', 'smembers k', 'smismember k m', 'smove k s m', 'smove s k m'],
    ...['spop k', 'spop k 1', 'srandmember k', 'srandmember k 1', 'srem k m', 'sscan k 0'],
  ])('refuse a string: %s', async (line) => {
    await runAll('set k v', 'sadd s m');
    expect(await runAll(line, 'get k', 'scard s')).toEqual([wrongType, 'v', 1]);
  });

  it('refuse what they cannot read', async () => {
    await run('sadd s m');
    const notPositive = 'ERR value is out of range, must be positive';
    expect(
      await runAll('spop s -1', 'spop s x', 'spop s 1 2', 'srandmember s x', 'srandmember s 1 2'),
    ).toEqual([
      notPositive,
      notPositive,
      'ERR syntax error',
      'ERR value is not an integer or out of range',
      'ERR syntax error',
    ]);
    expect(await runAll('srandmember s -9223372036854775808', 'sscan s x', 'sscan s 0 novalues')).toEqual([
      'ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807',
      'ERR invalid cursor',
      'ERR syntax error',
    ]);
    expect(await run('smembers s')).toEqual(['m']);
  });

  it('answer with sets in RESP3 where the order means nothing', async () => {
    const client = await RawClient.connect({ host: server.host, port: server.port });
    const raw = (line: string) => client.raw(...line.split(' '));
    await raw('HELLO 3');
    await raw('SADD s m');
    for (const line of ['SMEMBERS s', 'SINTER s', 'SUNION s', 'SDIFF s'])
      expect(await raw(line)).toBe('~1\r\n$1\r\nm\r\n');
    expect(await raw('SRANDMEMBER s 1')).toBe('*1\r\n$1\r\nm\r\n');
    expect(await raw('SPOP s 1')).toBe('~1\r\n$1\r\nm\r\n');
    for (const line of ['SMEMBERS s', 'SPOP s 1', 'SINTER s s']) expect(await raw(line)).toBe('~0\r\n');
    expect(await raw('SRANDMEMBER s 1')).toBe('*0\r\n');
  });

  it('take many members out of a big set, different ones', async () => {
    const members = Array.from({ length: 3000 }, (_, i) => `m${i}`);
    await redis.sadd('s', ...members);
    const popped = [...(await redis.spop('s', 100)), ...(await redis.spop('s', 2000))];
    const rest = await redis.smembers('s');
    expect(rest.length).toBe(900);
    expect([...popped, ...rest].sort()).toEqual(members.sort());
  });
});

describe('SINTER and SDIFF', () => {
  it('combine sets of all sizes as sets of names', async () => {
    const name = (n: number) => (n % 4 ? `member:${n}` : String(n));
    const numbers = (count: number, step: number, from = 0) =>
      Array.from({ length: count }, (_, i) => name(from + i * step));
    const sets: Record<string, string[]> = {
      all: numbers(3000, 1),
      even: numbers(1024, 2),
      batch: numbers(640, 1, 100),
      third: numbers(1000, 3),
      small: numbers(20, 7),
      integers: numbers(100, 4),
      empty: [],
    };
    for (const [key, members] of Object.entries(sets))
      if (members.length > 0) await redis.sadd(key, ...members);
    const keys = Object.keys(sets);
    for (const [i, first] of keys.entries()) {
      for (const second of keys) {
        const third = keys[(i + 3) % keys.length];
        const [a, b, c] = [first, second, third].map((key) => new Set(sets[key]));
        const both = [...a].filter((member) => b.has(member) && c.has(member));
        const rest = [...a].filter((member) => !b.has(member) && !c.has(member));
        expect((await redis.sinter(first, second, third)).sort()).toEqual(both.sort());
        expect((await redis.sdiff(first, second, third)).sort()).toEqual(rest.sort());
        expect(await redis.sinterstore('to', first, second, third)).toBe(both.length);
        expect((await redis.smembers('to')).sort()).toEqual(both);
        expect(await redis.sdiffstore('to', first, second, third)).toBe(rest.length);
        expect((await redis.smembers('to')).sort()).toEqual(rest);
      }
    }
  });
});
