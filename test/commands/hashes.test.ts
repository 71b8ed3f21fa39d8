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

beforeEach(async () => {
  server = await startRespite({ clock: 'manual', commands: [eventLog()] });
  redis = connect(server);
  await run('eventlog');
});

/** The same fields in both encodings. */
const encodings = [
  ['listpack', ''],
  ['hashtable', 'long '.padEnd(70, 'x')],
] as const;

describe.each(encodings)('a hash kept as %s', (encoding, extra) => {
  beforeEach(async () => {
    await run('hset h a 1 b two c 3.5');
    if (extra !== '') await redis.hset('h', extra, 'long');
    if (extra !== '') await redis.hdel('h', extra);
    await run('eventlog');
  });

  it('says so', async () => {
    expect(await run('object encoding h')).toBe(encoding);
  });

  it('is read by field and as a whole', async () => {
    expect(
      await runAll('hget h b', 'hget h none', 'hmget h a none c', 'hlen h', 'hstrlen h b', 'hexists h a'),
    ).toEqual(['two', null, ['1', null, '3.5'], 3, 3, 1]);
    expect(await runAll('hstrlen h none', 'hexists h none')).toEqual([0, 0]);
    expect(await redis.hgetall('h')).toEqual({ a: '1', b: 'two', c: '3.5' });
    expect((await redis.hkeys('h')).sort()).toEqual(['a', 'b', 'c']);
    expect((await redis.hvals('h')).sort()).toEqual(['1', '3.5', 'two']);
    expect(await run('eventlog')).toEqual([0]);
  });

  it('takes new fields and new values', async () => {
    expect(await runAll('hset h a 10 d 4', 'hmset h e 5 a 11', 'hsetnx h a 12', 'hsetnx h f 6')).toEqual([
      1,
      'OK',
      0,
      1,
    ]);
    expect(await redis.hgetall('h')).toEqual({ a: '11', b: 'two', c: '3.5', d: '4', e: '5', f: '6' });
    expect(await run('eventlog')).toEqual([5, '0 hset h', '0 hset h', '0 hset h']);
  });

  it('loses fields, and with the last one its key', async () => {
    expect(await runAll('hdel h a none', 'hdel h none', 'hdel h b c b', 'dbsize')).toEqual([1, 0, 2, 0]);
    expect(await run('eventlog')).toEqual([3, '0 hdel h', '0 hdel h', '0 del h']);
  });

  it('counts in fields', async () => {
    expect(
      await runAll('hincrby h a 4', 'hincrby h n -7', 'hincrby h b 1', 'hincrby h a x', 'hget h a'),
    ).toEqual([
      5,
      -7,
      'ERR hash value is not an integer',
      'ERR value is not an integer or out of range',
      '5',
    ]);
    expect(await run('hset h max 9223372036854775807')).toBe(1);
    expect(await run('hincrby h max 1')).toBe('ERR increment or decrement would overflow');
    expect((await run('eventlog')) as string[]).toEqual([3, '0 hincrby h', '0 hincrby h', '0 hset h']);
  });

  it('counts in fractions', async () => {
    expect(await runAll('hincrbyfloat h c 0.1', 'hincrbyfloat h n 5.0e3', 'hincrbyfloat h b 1')).toEqual([
      '3.6',
      '5000',
      'ERR hash value is not a float',
    ]);
    expect(await runAll('hincrbyfloat h c inf', 'hincrbyfloat h c x', 'hget h c')).toEqual([
      'ERR value is NaN or Infinity',
      'ERR value is not a valid float',
      '3.6',
    ]);
    expect(await run('eventlog')).toEqual([2, '0 hincrbyfloat h', '0 hincrbyfloat h']);
  });

  it('gives random fields', async () => {
    const all = { a: '1', b: 'two', c: '3.5' };
    expect(Object.keys(all)).toContain(await run('hrandfield h'));
    expect(((await run('hrandfield h 10')) as string[]).sort()).toEqual(['a', 'b', 'c']);
    expect(new Set((await run('hrandfield h 2')) as string[]).size).toBe(2);
    const picks = (await run('hrandfield h -50 withvalues')) as string[];
    expect(picks.length).toBe(100);
    const pairs = new Map(Array.from({ length: 50 }, (_, i) => [picks[2 * i], picks[2 * i + 1]]));
    expect(Object.fromEntries(pairs)).toEqual(all);
    expect(await run('hrandfield h 0')).toEqual([]);
  });

  it('is scanned', async () => {
    const scan = async (options: string) => {
      const [cursor, found] = (await run(`hscan h 0 ${options}`.trim())) as [string, string[]];
      return [cursor, found.sort()];
    };
    expect(await scan('')).toEqual(['0', ['1', '3.5', 'a', 'b', 'c', 'two']]);
    expect(await scan('match [ab] count 100')).toEqual(['0', ['1', 'a', 'b', 'two']]);
    expect(await scan('novalues')).toEqual(['0', ['a', 'b', 'c']]);
  });

  it('is a map in RESP3, and its pairs are arrays', async () => {
    const client = await RawClient.connect({ host: server.host, port: server.port });
    const raw = (line: string) => client.raw(...line.split(' '));
    await raw('HELLO 3');
    expect(await raw('HDEL h b c')).toBe(':2\r\n');
    expect(await raw('HGETALL h')).toBe('%1\r\n$1\r\na\r\n$1\r\n1\r\n');
    expect(await raw('HRANDFIELD h 1 WITHVALUES')).toBe('*1\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n');
    expect(await raw('HRANDFIELD h 1')).toBe('*1\r\n$1\r\na\r\n');
  });

  it('can be copied, renamed and moved', async () => {
    expect(
      await runAll('copy h copy', 'rename h renamed', 'move renamed 1', 'hdel copy a', 'select 1'),
    ).toEqual([1, 'OK', 1, 1, 'OK']);
    expect(await redis.hgetall('renamed')).toEqual({ a: '1', b: 'two', c: '3.5' });
  });
});

describe('hash commands', () => {
  it('find nothing in a key that is absent', async () => {
    expect(
      await runAll(
        'hget n f',
        'hmget n f g',
        'hgetall n',
        'hkeys n',
        'hvals n',
        'hlen n',
        'hstrlen n f',
        'hexists n f',
      ),
    ).toEqual([null, [null, null], {}, [], [], 0, 0, 0]);
    expect(await runAll('hdel n f', 'hrandfield n', 'hrandfield n 5', 'hscan n 0', 'hscan n 0 junk')).toEqual(
      [0, null, [], ['0', []], ['0', []]],
    );
    expect(await run('dbsize')).toBe(0);
  });

  it.each([
    ...[
      'hset s f v',
      'hmset s f v',
      'hsetnx s f v',
      'hget s f',
      'hmget s f',
      'hgetall s',
      'hkeys s',
      'hvals s',
    ],
    ...[
      'hlen s',
      'hstrlen s f',
      'hexists s f',
      'hdel s f',
      'hincrby s f 1',
      'hincrbyfloat s f 1',
      'hrandfield s',
    ],
    ...['hrandfield s 1', 'hscan s 0'],
  ])('refuse a string: %s', async (line) => {
    await run('set s v');
    expect(await run(line)).toBe(wrongType);
    expect(await run('get s')).toBe('v');
  });

  it('refuse what they cannot read, and change nothing', async () => {
    await run('hset h f v');
    expect(
      await runAll(
        'hset h f',
        'hset h f v g',
        'hmset h f v g',
        'hscan h x',
        'hscan h 0 count 0',
        'hscan h 0 match',
      ),
    ).toEqual([
      "ERR wrong number of arguments for 'hset' command",
      "ERR wrong number of arguments for 'hset' command",
      "ERR wrong number of arguments for 'hmset' command",
      'ERR invalid cursor',
      'ERR syntax error',
      'ERR syntax error',
    ]);
    const outOfRange = 'ERR value is out of range';
    expect(
      await runAll(
        'hrandfield h x',
        'hrandfield h 1 junk',
        'hrandfield h -9223372036854775808',
        'hrandfield h -9223372036854770000 withvalues',
      ),
    ).toEqual([
      'ERR value is not an integer or out of range',
      'ERR syntax error',
      `${outOfRange}, value must between -9223372036854775807 and 9223372036854775807`,
      outOfRange,
    ]);
    expect(await redis.hgetall('h')).toEqual({ f: 'v' });
  });

  it('follow the directives as they are at each change', async () => {
    await run('hset h a 1 b 2');
    await run('config set hash-max-ziplist-entries 2');
    expect(await runAll('hset h b 3', 'object encoding h', 'hset h c 3', 'object encoding h')).toEqual([
      0,
      'listpack',
      1,
      'hashtable',
    ]);
    await run('config set hash-max-listpack-value 3');
    expect(await runAll('hset v a 123', 'object encoding v', 'hset v a 1234', 'object encoding v')).toEqual([
      1,
      'listpack',
      0,
      'hashtable',
    ]);
  });

  it('scan a big hash in parts, every field at least once', async () => {
    const fields = Array.from({ length: 2000 }, (_, i) => `f${i}`);
    await redis.hset('h', ...fields.flatMap((field) => [field, `value of ${field}`]));
    const seen = new Map<string, string>();
    let cursor = '0';
    let calls = 0;
    do {
      const [next, found] = await redis.hscan('h', cursor);
      for (let i = 0; i < found.length; i += 2) seen.set(found[i], found[i + 1]);
      cursor = next;
      calls++;
    } while (cursor !== '0');
    expect(seen).toEqual(new Map(fields.map((field) => [field, `value of ${field}`])));
    expect(calls).toBeGreaterThan(50);
  });
});
