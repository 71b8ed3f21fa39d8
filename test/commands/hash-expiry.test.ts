import type { Redis } from 'ioredis';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Respite } from '../../src/index.js';
import { commandLines } from '../support/command-lines.js';
import { eventLog } from '../support/event-log.js';
import { connect, startRespite } from '../support/respite.js';

/** The manual clock begins here. */
const begin = 1_700_000_000_000;

let server: Respite;
let redis: Redis;

const { run, runAll } = commandLines(() => redis);

describe.each([
  ['listpackex', 512],
  ['hashtable', 0],
])('fields of a %s that expire', (encoding, entries) => {
  beforeEach(async () => {
    server = await startRespite({
      clock: 'manual',
      commands: [eventLog()],
      'hash-max-listpack-entries': entries,
      'enable-debug-command': 'local',
    });
    redis = connect(server);
    await runAll('hset h a 1 b 2 c 3', 'eventlog');
  });

  it.each([
    ['hexpire h 100', 100_000],
    ['hpexpire h 1500', 1500],
    [`hexpireat h ${begin / 1000 + 100}`, 100_000],
    [`hpexpireat h ${begin + 1500}`, 1500],
  ])('get their time by %s', async (command, left) => {
    expect(await run(`${command} fields 2 a none`)).toEqual([1, -2]);
    expect(await run('object encoding h')).toBe(encoding);
    const asked = 'fields 3 a b none';
    const seconds = Math.ceil(left / 1000);
    expect(
      await runAll(
        `hpttl h ${asked}`,
        `httl h ${asked}`,
        `hpexpiretime h ${asked}`,
        `hexpiretime h ${asked}`,
      ),
    ).toEqual([
      [left, -1, -2],
      [seconds, -1, -2],
      [begin + left, -1, -2],
      [begin / 1000 + seconds, -1, -2],
    ]);
    server.advanceTime(left);
    expect(await run('hget h a')).toBe('1');
    server.advanceTime(1);
    expect(await redis.hgetall('h')).toEqual({ b: '2', c: '3' });
    expect(await run('eventlog')).toEqual([1, '0 hexpire h', '0 hexpired h']);
  });

  it('are gone at once when the time is over', async () => {
    expect(await run('hexpire h 0 fields 1 a')).toEqual([2]);
    expect(await run(`hpexpireat h ${begin} fields 2 b none`)).toEqual([2, -2]);
    expect(await runAll('hkeys h', 'hexpireat h 1 fields 1 c', 'dbsize')).toEqual([['c'], [2], 0]);
    expect(await run('eventlog')).toEqual([3, '0 hdel h', '0 hdel h', '0 hdel h', '0 del h']);
  });

  it.each([
    ['nx', [0, 1]],
    ['xx', [1, 0]],
    ['gt', [1, 0]],
    ['lt', [0, 1]],
  ])('get a later time under the condition %s', async (condition, outcome) => {
    await run('hexpire h 100 fields 1 a');
    expect(await run(`hexpire h 200 ${condition} fields 2 a b`)).toEqual(outcome);
    expect(await run('httl h fields 2 a b')).toEqual([outcome[0] ? 200 : 100, outcome[1] ? 200 : -1]);
  });

  it('become permanent by HPERSIST and by a new value, but keep their time when they are counted up', async () => {
    await run('hexpire h 100 fields 3 a b c');
    expect(await runAll('hpersist h fields 2 a none', 'hpersist h fields 1 a')).toEqual([[1, -2], [-1]]);
    await runAll('hset h b 5', 'hincrby h c 4');
    expect(await run('httl h fields 3 a b c')).toEqual([-1, -1, 100]);
    expect(await run('hincrbyfloat h c 0.5')).toBe('7.5');
    expect(await run('httl h fields 1 c')).toEqual([100]);
    expect(await run('info keyspace')).toContain('subexpiry=1');
    await run('hset h c 1');
    expect(await run('info keyspace')).toContain('subexpiry=0');
    server.advanceTime(1e6);
    expect(await run('hlen h')).toBe(3);
  });

  describe('without the sweeper', () => {
    beforeEach(async () => {
      await runAll('debug set-active-expire 0', 'hpexpire h 10 fields 2 a b', 'eventlog');
      server.advanceTime(11);
    });

    it('are counted, but not shown', async () => {
      expect(await runAll('hlen h', 'hkeys h', 'hvals h', 'hscan h 0', 'httl h fields 2 a c')).toEqual([
        3,
        ['c'],
        ['3'],
        ['0', ['c', '3']],
        [-2, -1],
      ]);
      expect(await redis.hgetall('h')).toEqual({ c: '3' });
      expect(await run('hlen h')).toBe(3);
      expect(await run('eventlog')).toEqual([0]);
    });

    it('are removed when they are asked for', async () => {
      expect(await runAll('hget h a', 'hlen h', 'hexists h b', 'hlen h', 'hstrlen h a')).toEqual([
        null,
        2,
        0,
        1,
        0,
      ]);
      expect(await run('eventlog')).toEqual([0, '0 hexpired h', '0 hexpired h']);
      expect(await run('info stats')).toContain('expired_subkeys:2');
    });

    it('take the key with them, with one event for all that a command finds', async () => {
      await runAll('hdel h c', 'eventlog');
      expect(await runAll('hmget h a b c', 'exists h')).toEqual([[null, null, null], 0]);
      expect(await run('eventlog')).toEqual([0, '0 hexpired h', '0 del h', '0 keymiss h']);
    });

    it('begin anew', async () => {
      expect(await runAll('hincrby h a 5', 'hsetnx h b 7', 'httl h fields 2 a b')).toEqual([5, 1, [-1, -1]]);
    });

    it('are not among random ones', async () => {
      expect(await runAll('hrandfield h 5', 'hlen h', 'hrandfield h')).toEqual([['c'], 1, 'c']);
      await run('hpexpire h 1 fields 1 c');
      server.advanceTime(2);
      expect(await runAll('hrandfield h', 'hrandfield h 1', 'dbsize')).toEqual([null, [], 0]);
    });
  });

  it('survive COPY, RENAME, MOVE and the expiry of keys', async () => {
    await runAll(
      'hexpire h 100 fields 1 a',
      'copy h copy',
      'rename h renamed',
      'expire renamed 1000',
      'move renamed 1',
    );
    expect(await run('httl copy fields 2 a b')).toEqual([100, -1]);
    await run('select 1');
    expect(await runAll('httl renamed fields 2 a b', 'ttl renamed')).toEqual([[100, -1], 1000]);
    server.advanceTime(100_001);
    expect(await run('hkeys renamed')).toEqual(expect.not.arrayContaining(['a']));
  });

  it('are given and removed by HGETDEL', async () => {
    expect(await runAll('hgetdel h fields 2 a none', 'hkeys h')).toEqual([
      ['1', null],
      expect.not.arrayContaining(['a']),
    ]);
    expect(await runAll('hgetdel h fields 3 b b c', 'dbsize', 'hgetdel h fields 1 a')).toEqual([
      ['2', null, '3'],
      0,
      [null],
    ]);
    expect(await run('eventlog')).toEqual([3, '0 hdel h', '0 hdel h', '0 del h']);
  });

  it('are given and dated by HGETEX', async () => {
    expect(await runAll('hgetex h fields 2 a none', 'hgetex h ex 100 fields 2 a none')).toEqual([
      ['1', null],
      ['1', null],
    ]);
    expect(await runAll('httl h fields 2 a b', 'hgetex h persist fields 2 a b', 'httl h fields 1 a')).toEqual(
      [[100, -1], ['1', '2'], [-1]],
    );
    expect(await runAll('hgetex h pxat 1 fields 1 a', 'hexists h a', 'hgetex none fields 1 a')).toEqual([
      ['1'],
      0,
      [null],
    ]);
    expect(await run('eventlog')).toEqual([3, '0 hexpire h', '0 hpersist h', '0 hdel h']);
  });

  it('are set and dated by HSETEX', async () => {
    expect(await runAll('hsetex h ex 100 fields 2 a 10 d 4', 'httl h fields 3 a b d')).toEqual([
      1,
      [100, -1, 100],
    ]);
    expect(await runAll('hsetex h keepttl fields 2 a 11 e 5', 'httl h fields 2 a e')).toEqual([1, [100, -1]]);
    expect(await runAll('hsetex h fields 1 a 12', 'httl h fields 1 a')).toEqual([1, [-1]]);
    expect(
      await runAll('hsetex h fnx fields 2 a 1 z 1', 'hsetex h fxx fields 2 a 1 z 1', 'hexists h z'),
    ).toEqual([0, 0, 0]);
    expect(await runAll('hsetex h fxx px 5 fields 1 a 13', 'hsetex h fnx fields 1 z 1', 'hget h a')).toEqual([
      1,
      1,
      '13',
    ]);
    expect(await runAll('hsetex n exat 1 fields 1 f v', 'exists n')).toEqual([1, 0]);
  });
});

describe('commands that date fields', () => {
  beforeEach(async () => {
    server = await startRespite({ clock: 'manual' });
    redis = connect(server);
    await runAll('hset h f v', 'set s v');
  });

  it.each([
    ['hexpire h x fields 1 f', 'ERR value is not an integer or out of range'],
    ['hexpire h -1 fields 1 f', 'ERR invalid expire time, must be >= 0'],
    ['hpexpire h 70368744177664 fields 1 f', "ERR invalid expire time in 'hpexpire' command"],
    ['hexpireat h 70368744178 fields 1 f', "ERR invalid expire time in 'hexpireat' command"],
    ['hexpire h 1 junk 1 f', 'ERR Mandatory argument FIELDS is missing or not at the right position'],
    ['hexpire h 1 nx junk 1 f', 'ERR Mandatory argument FIELDS is missing or not at the right position'],
    ['hexpire h 1 fields 0 f', 'ERR Parameter `numFields` should be greater than 0'],
    ['hexpire h 1 fields x f', 'ERR Parameter `numFields` should be greater than 0'],
    ['hexpire h 1 fields 2 f', 'ERR The `numfields` parameter must match the number of arguments'],
    ['httl h fields 2 f', 'ERR The `numfields` parameter must match the number of arguments'],
    ['httl h fields 0 f', 'ERR Number of fields must be a positive integer'],
    ['httl h junk 1 f', 'ERR Mandatory argument FIELDS is missing or not at the right position'],
    ['hpersist h fields 1', "ERR wrong number of arguments for 'hpersist' command"],
    ['hgetdel h fields 2 f', 'ERR The `numfields` parameter must match the number of arguments'],
    [
      'hgetex h persist 1 fields 1 f',
      'ERR Mandatory argument FIELDS is missing or not at the right position',
    ],
    ['hgetex h px -1 fields 1 f', 'ERR invalid expire time, must be >= 0'],
    ['hsetex h nx fields 1 f v', 'ERR unknown argument: nx'],
    ['hsetex h fields 2 f v g', "ERR wrong number of arguments for 'hsetex' command"],
    ['hsetex h fields 0 f v', 'ERR invalid number of fields'],
    ['hsetex h fnx fxx fields 1 f v', 'ERR Only one of FXX or FNX arguments can be specified'],
    [
      'hsetex h ex 1 keepttl fields 1 f v',
      'ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified',
    ],
  ])('%s: %s', async (line, error) => {
    expect(await runAll(line, 'hget h f', 'hpttl h fields 1 f')).toEqual([error, 'v', [-1]]);
  });

  it.each([
    ...['hexpire s 1 fields 1 f', 'hpexpireat s 1 fields 1 f', 'httl s fields 1 f', 'hpersist s fields 1 f'],
    ...['hgetdel s fields 1 f', 'hgetex s fields 1 f', 'hsetex s fields 1 f v'],
  ])('refuse a string: %s', async (line) => {
    expect(await run(line)).toBe('WRONGTYPE Operation against a key holding the wrong kind of value');
  });

  it('know no field of a key that is absent', async () => {
    expect(await runAll('hexpire n 1 fields 2 a b', 'httl n fields 1 a', 'hpersist n fields 1 a')).toEqual([
      [-2, -2],
      [-2],
      [-2],
    ]);
  });
});
