import type { Redis } from 'ioredis';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Respite } from '../../src/index.js';
import { commandLines } from '../support/command-lines.js';
import { eventLog } from '../support/event-log.js';
import { RawClient } from '../support/raw-client.js';
import { connect, startRespite } from '../support/respite.js';
import { untilInfo } from '../support/waiting.js';

const wrongType = 'WRONGTYPE Operation against a key holding the wrong kind of value';
const syntax = 'ERR syntax error';

let server: Respite;
let redis: Redis;

/** Nobody here wants to hear of new keys and misses. */
const { run, runAll } = commandLines(
  () => redis,
  (name, reply) =>
    name === 'eventlog'
      ? (reply as unknown[]).filter((event) => !/ (new|keymiss) /.test(String(event)))
      : reply,
);

beforeEach(async () => {
  server = await startRespite({ clock: 'manual', commands: [eventLog()] });
  redis = connect(server);
  await run('eventlog');
});

describe.each([
  ['listpack', 128],
  ['skiplist', 0],
])('a sorted set kept as %s', (encoding, entries) => {
  beforeEach(async () => {
    await run(`config set zset-max-listpack-entries ${entries}`);
    await run('zadd z 1 a 2 b 2 bb 3.5 c -inf low inf high');
    await run('eventlog');
  });

  it('says so', async () => {
    expect(await run('object encoding z')).toBe(encoding);
  });

  it('knows scores and ranks', async () => {
    expect(
      await runAll(
        'zcard z',
        'zscore z c',
        'zscore z x',
        'zmscore z low x high',
        'zrank z bb',
        'zrevrank z a',
      ),
    ).toEqual([6, '3.5', null, ['-inf', null, 'inf'], 3, 4]);
    expect(await runAll('zrank z c withscore', 'zrank z x withscore', 'zrank z x', 'zrank z c foo')).toEqual([
      [4, '3.5'],
      null,
      null,
      syntax,
    ]);
    expect(await run('zrank z c withscore x')).toBe("ERR wrong number of arguments for 'zrank' command");
    expect(await run('zrevrank z c a b')).toBe("ERR wrong number of arguments for 'zrevrank' command");
  });

  it('gives ranges by rank', async () => {
    expect(
      await runAll(
        'zrange z 0 -1',
        'zrange z -2 -1 withscores',
        'zrange z 1 2 rev',
        'zrevrange z 0 0 withscores',
        'zrange z 5 100',
        'zrange z 4 2',
        'zrange z 9 12',
      ),
    ).toEqual([
      ['low', 'a', 'b', 'bb', 'c', 'high'],
      ['c', '3.5', 'high', 'inf'],
      ['c', 'bb'],
      ['high', 'inf'],
      ['high'],
      [],
      [],
    ]);
  });

  it('gives ranges by score', async () => {
    expect(
      await runAll(
        'zrangebyscore z 1 2',
        'zrangebyscore z (1 (3.5 withscores',
        'zrevrangebyscore z +inf 2 limit 1 2',
        'zrange z 3 -inf byscore rev limit 0 1',
        'zrangebyscore z -inf +inf limit -1 5',
        'zrangebyscore z -inf +inf limit 4 -1',
        'zcount z (2 +inf',
        'zcount z 5 4',
        'zrangebyscore z (2 2',
      ),
    ).toEqual([['a', 'b', 'bb'], ['b', '2', 'bb', '2'], ['c', 'bb'], ['bb'], [], ['c', 'high'], 2, 0, []]);
  });

  it('gives ranges by member where scores are equal', async () => {
    await run('zadd lex 0 a 0 b 0 bb 0 c 0 d');
    expect(
      await runAll(
        'zrangebylex lex - +',
        'zrangebylex lex [b (c',
        'zrevrangebylex lex + (bb limit 1 5',
        'zrange lex (b + bylex limit 0 2',
        'zlexcount lex [bb +',
        'zlexcount lex + -',
        'zrangebylex lex [b [a',
        'zremrangebylex lex [a (bb',
        'zcard lex',
      ),
    ).toEqual([['a', 'b', 'bb', 'c', 'd'], ['b', 'bb'], ['c'], ['bb', 'c'], 3, 0, [], 2, 3]);
  });

  it('changes scores under conditions', async () => {
    expect(
      await runAll(
        'zadd z nx 9 a 9 new',
        'zadd z xx ch 5 a 5 absent',
        'zadd z gt ch 4 a 6 b',
        'zadd z lt ch 9 b 1 c',
        'zadd z gt incr -1 a',
        'zadd z xx incr 2 a',
        'zadd z nx incr 2 a',
        'zincrby z 0.1 c',
        'zincrby z 7 fresh',
        'zrange z 0 -1 withscores',
      ),
    ).toEqual([
      1,
      1,
      1,
      1,
      null,
      '7',
      null,
      '1.1',
      '7',
      ['low', '-inf', 'c', '1.1', 'bb', '2', 'b', '6', 'a', '7', 'fresh', '7', 'new', '9', 'high', 'inf'],
    ]);
  });

  it('refuses a score that is no number, and stays as it was', async () => {
    expect(
      await runAll(
        'zincrby z -inf high',
        'zadd z 1 x nan y',
        'zadd z 1 x foo y',
        'zadd z incr +inf low',
        'zincrby z x high',
        'zcard z',
        'zscore z high',
        'eventlog',
      ),
    ).toEqual([
      'ERR resulting score is not a number (NaN)',
      'ERR value is not a valid float',
      'ERR value is not a valid float',
      'ERR resulting score is not a number (NaN)',
      'ERR value is not a valid float',
      6,
      'inf',
      [0],
    ]);
  });

  it('loses members, and the key with the last one', async () => {
    expect(await runAll('zrem z a x b', 'eventlog')).toEqual([2, [2, '0 zrem z']]);
    expect(await runAll('zremrangebyscore z -inf (2', 'zremrangebyrank z -1 -1', 'eventlog')).toEqual([
      1,
      1,
      [2, '0 zremrangebyscore z', '0 zremrangebyrank z'],
    ]);
    expect(await runAll('zremrangebyrank z 0 -1', 'exists z', 'eventlog')).toEqual([
      2,
      0,
      [2, '0 zremrangebyrank z', '0 del z'],
    ]);
  });

  it('gives away its ends', async () => {
    expect(await runAll('zpopmin z', 'zpopmax z 2', 'zpopmin z 0', 'zpopmin none', 'zpopmin none 3')).toEqual(
      [['low', '-inf'], ['high', 'inf', 'c', '3.5'], [], [], []],
    );
    expect(await runAll('zmpop 2 none z max', 'zmpop 2 none z min count 10', 'exists z', 'eventlog')).toEqual(
      [
        ['z', [['bb', '2']]],
        [
          'z',
          [
            ['a', '1'],
            ['b', '2'],
          ],
        ],
        0,
        [6, '0 zpopmin z', '0 zpopmax z', '0 zpopmax z', '0 zpopmin z', '0 del z'],
      ],
    );
    expect(
      await runAll('zmpop 1 z min', 'zpopmin z -1', 'zpopmin z x', 'zmpop 0 z min', 'zmpop 1 z mid'),
    ).toEqual([
      null,
      'ERR value is out of range, must be positive',
      'ERR value is out of range, must be positive',
      'ERR numkeys should be greater than 0',
      syntax,
    ]);
  });

  it('is scanned', async () => {
    expect(await run('zscan z 0 match b*')).toEqual(['0', expect.arrayContaining(['b', 'bb', '2'])]);
    expect(await runAll('zscan none 0', 'zscan z x', 'zscan z 0 count 0')).toEqual([
      ['0', []],
      'ERR invalid cursor',
      syntax,
    ]);
  });

  it('shows members at random', async () => {
    const all = ['a', 'b', 'bb', 'c', 'high', 'low'];
    expect(all).toContain(await run('zrandmember z'));
    expect(((await run('zrandmember z 10')) as string[]).sort()).toEqual(all);
    expect(new Set((await run('zrandmember z 2')) as string[]).size).toBe(2);
    const repeated = (await run('zrandmember z -40')) as string[];
    expect(repeated).toHaveLength(40);
    expect(all).toEqual(expect.arrayContaining(repeated));
    expect(await run('zrandmember z -3 withscores')).toHaveLength(6);
    expect(await runAll('zrandmember none', 'zrandmember none 5', 'zrandmember z 0')).toEqual([null, [], []]);
  });

  it('is copied and renamed', async () => {
    expect(
      await runAll('copy z z2', 'rename z z3', 'zrange z2 0 0', 'zrange z3 0 0', 'object encoding z2'),
    ).toEqual([1, 'OK', ['low'], ['low'], encoding]);
  });

  it('is stored in part under another key', async () => {
    expect(
      await runAll(
        'zrangestore to z 1 2',
        'zrange to 0 -1 withscores',
        'zrangestore to z 2 +inf byscore limit 1 1',
        'zrange to 0 -1',
        'zrangestore to z 7 9',
        'exists to',
        'zrangestore z z 0 0',
        'zrange z 0 -1',
        'eventlog',
      ),
    ).toEqual([
      2,
      ['a', '1', 'b', '2'],
      1,
      ['bb'],
      0,
      0,
      1,
      ['low'],
      [4, '0 zrangestore to', '0 zrangestore to', '0 del to', '0 zrangestore z'],
    ]);
  });
});

describe('sorted sets that are combined', () => {
  beforeEach(async () => {
    await run('zadd a 1 x 2 y 3 z');
    await run('zadd b 10 y 20 z 30 w');
    await run('sadd s x z');
  });

  it('are united', async () => {
    expect(await run('zunion 2 a b withscores')).toEqual(['x', '1', 'y', '12', 'z', '23', 'w', '30']);
    expect(await run('zunion 2 a b weights 2 -1 aggregate min withscores')).toEqual([
      'w',
      '-30',
      'z',
      '-20',
      'y',
      '-10',
      'x',
      '2',
    ]);
  });

  it('are intersected, sets among them', async () => {
    expect(
      await runAll(
        'zinter 2 a b withscores',
        'zinter 2 a s withscores aggregate max',
        'zinter 2 a none',
        'zintercard 2 a b',
        'zintercard 2 a b limit 1',
      ),
    ).toEqual([['y', '12', 'z', '23'], ['x', '1', 'z', '3'], [], 2, 1]);
  });

  it('are subtracted', async () => {
    expect(await runAll('zdiff 2 a b withscores', 'zdiff 3 a b s', 'zdiff 2 a none')).toEqual([
      ['x', '1'],
      [],
      ['x', 'y', 'z'],
    ]);
  });

  it('are stored, an operand among the destinations', async () => {
    expect(
      await runAll(
        'eventlog',
        'zunionstore d 2 a b',
        'zinterstore a 2 a b weights 1 0',
        'zrange a 0 -1 withscores',
        'zdiffstore d 2 b d',
        'exists d',
        'eventlog',
      ),
    ).toEqual([
      expect.anything(),
      4,
      2,
      ['y', '2', 'z', '3'],
      0,
      0,
      [3, '0 zunionstore d', '0 zinterstore a', '0 del d'],
    ]);
  });

  it('lose what is no number', async () => {
    await run('zadd i inf m');
    await run('zadd j -inf m');
    expect(await runAll('zunion 2 i j withscores', 'zinter 2 i j weights 0 0 withscores')).toEqual([
      ['m', '0'],
      ['m', '0'],
    ]);
  });

  it.each([
    ['zunion 0 a', "ERR at least 1 input key is needed for 'zunion' command"],
    ['zunionstore d 0 a', "ERR at least 1 input key is needed for 'zunionstore' command"],
    ['zunion x a', 'ERR value is not an integer or out of range'],
    ['zunion 3 a b', syntax],
    ['zunion 1 a weights 1 2', syntax],
    ['zunion 1 a weights x', 'ERR weight value is not a float'],
    ['zunion 1 a aggregate avg', syntax],
    ['zdiff 1 a weights 1', syntax],
    ['zunionstore d 1 a withscores', syntax],
    ['zintercard 1 a limit -1', "ERR LIMIT can't be negative"],
    ['zunion 2 a str', wrongType],
  ])('refuse %s', async (line, error) => {
    await run('set str x');
    expect(await run(line)).toBe(error);
  });
});

describe('bad arguments of sorted sets', () => {
  it.each([
    ['zadd z', "ERR wrong number of arguments for 'zadd' command"],
    ['zadd z 1 a 2', syntax],
    ['zadd z nx 1', syntax],
    ['zadd z nx xx 1 a', 'ERR XX and NX options at the same time are not compatible'],
    ['zadd z nx gt 1 a', 'ERR GT, LT, and/or NX options at the same time are not compatible'],
    ['zadd z gt lt 1 a', 'ERR GT, LT, and/or NX options at the same time are not compatible'],
    ['zadd z incr 1 a 2 b', 'ERR INCR option supports a single increment-element pair'],
    ['zrange z a b', 'ERR value is not an integer or out of range'],
    ['zrange z 0 -1 byscore byscore', syntax],
    [
      'zrange z 0 -1 limit 0 1',
      'ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX',
    ],
    ['zrange z - + bylex withscores', 'ERR syntax error, WITHSCORES not supported in combination with BYLEX'],
    ['zrange z 0 1 bylex', 'ERR min or max not valid string range item'],
    ['zrangebyscore z x 1', 'ERR min or max is not a float'],
    ['zrangebyscore z 1 nan', 'ERR min or max is not a float'],
    ['zrangestore d z 0 1 withscores', syntax],
    ['zrandmember z x', 'ERR value is not an integer or out of range'],
    ['zrandmember z 1 foo', syntax],
    ['zadd str 1 a', wrongType],
    ['zrange str 0 -1', wrongType],
    ['zpopmin str 0', wrongType],
    ['zscan str 0', wrongType],
    ['zrem str a', wrongType],
  ])('%s', async (line, error) => {
    await run('set str x');
    expect(await run(line)).toBe(error);
  });
});

describe('the limits of a listpack', () => {
  it('are its members, counted and measured', async () => {
    await run('config set zset-max-listpack-entries 3 zset-max-listpack-value 5');
    await run('zadd few 1 a 2 b 3 c');
    await run('zadd many 1 a 2 b 3 c 4 d');
    await run('zadd long 1 abcdef');
    expect(await runAll('object encoding few', 'object encoding many', 'object encoding long')).toEqual([
      'listpack',
      'skiplist',
      'skiplist',
    ]);
    await run('zadd few 4 d');
    expect(await run('object encoding few')).toBe('skiplist');
    await run('zunionstore stored 1 few');
    await run('zrangestore part few 0 1');
    expect(await runAll('object encoding stored', 'object encoding part')).toEqual(['skiplist', 'listpack']);
  });
});

describe('sorted sets in RESP3', () => {
  it('have doubles, and pairs where members have scores', async () => {
    await run('zadd z 1 a 2.5 b');
    const client = await RawClient.connect({ host: server.host, port: server.port });
    const raw = (line: string) => client.raw(...line.split(' '));
    await raw('HELLO 3');
    expect(await raw('ZSCORE z b')).toBe(',2.5\r\n');
    expect(await raw('ZSCORE z none')).toBe('_\r\n');
    expect(await raw('ZRANGE z 0 0 WITHSCORES')).toBe('*1\r\n*2\r\n$1\r\na\r\n,1\r\n');
    expect(await raw('ZRANDMEMBER z -1 WITHSCORES')).toMatch(/^\*1\r\n\*2\r\n/);
    expect(await raw('ZADD z INCR inf c')).toBe(',inf\r\n');
    expect(await raw('ZPOPMAX z')).toBe('*2\r\n$1\r\nc\r\n,inf\r\n');
    expect(await raw('ZPOPMIN z 1')).toBe('*1\r\n*2\r\n$1\r\na\r\n,1\r\n');
    expect(await raw('ZRANK z b WITHSCORE')).toBe('*2\r\n:0\r\n,2.5\r\n');
    client.close();
  });
});

describe('waiting for members', () => {
  async function untilBlocked(count: number): Promise<void> {
    await untilInfo(redis, 'blocked_clients', count);
  }

  it('ends at once if there are some', async () => {
    await run('zadd z 1 a 2 b');
    expect(await runAll('bzpopmin none z 0', 'bzmpop 0 1 z max')).toEqual([
      ['z', 'a', '1'],
      ['z', [['b', '2']]],
    ]);
    expect(await run('exists z')).toBe(0);
  });

  it('ends when they come, for the longest waiting first', async () => {
    const first = run('bzpopmin z y 0', connect(server));
    await untilBlocked(1);
    const second = run('bzmpop 0 1 z max count 5', connect(server));
    await untilBlocked(2);
    await run('zadd z 1 a 2 b 3 c');
    expect(await first).toEqual(['z', 'a', '1']);
    expect(await second).toEqual([
      'z',
      [
        ['c', '3'],
        ['b', '2'],
      ],
    ]);
    expect(await run('exists z')).toBe(0);
  });

  it('ends by a key that is stored or renamed', async () => {
    await run('zadd other 1 a');
    const stored = run('bzpopmax z 0', connect(server));
    await untilBlocked(1);
    await run('zunionstore z 1 other');
    expect(await stored).toEqual(['z', 'a', '1']);
    const renamed = run('bzpopmin z 0', connect(server));
    await untilBlocked(1);
    await run('rename other z');
    expect(await renamed).toEqual(['z', 'a', '1']);
  });

  it('goes on when something else comes', async () => {
    const waiting = run('bzpopmin z 0', connect(server));
    await untilBlocked(1);
    await run('set z string');
    await untilBlocked(1);
    await run('del z');
    await run('zadd z 5 m');
    expect(await waiting).toEqual(['z', 'm', '5']);
  });

  it('ends when its time is up', async () => {
    const waiting = run('bzpopmin z 0.5', connect(server));
    await untilBlocked(1);
    server.advanceTime(501);
    expect(await waiting).toBeNull();
  });

  it.each([
    ['bzpopmin z x', 'ERR timeout is not a float or out of range'],
    ['bzpopmin z -1', 'ERR timeout is negative'],
    ['bzmpop x 1 z min', 'ERR timeout is not a float or out of range'],
    ['bzmpop x 0 z min', 'ERR numkeys should be greater than 0'],
    ['bzmpop x 1 z min count 0', 'ERR count should be greater than 0'],
    ['bzmpop 0 0 z min', 'ERR numkeys should be greater than 0'],
    ['bzmpop 0 1 z min count 0', 'ERR count should be greater than 0'],
    ['bzpopmin str 1', wrongType],
  ])('refuses %s', async (line, error) => {
    await run('set str x');
    expect(await run(line)).toBe(error);
  });
});
