import type { Redis } from 'ioredis';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Respite } from '../../src/index.js';
import { commandLines } from '../support/command-lines.js';
import { Probe } from '../support/probe.js';
import { connect, startRespite } from '../support/respite.js';

const wrongType = 'WRONGTYPE Operation against a key holding the wrong kind of value';
const notInteger = 'ERR value is not an integer or out of range';
const invalidExpire = (name: string) => `ERR invalid expire time in '${name}' command`;

let probe: Probe;
let server: Respite;
let redis: Redis;

const { run, runAll } = commandLines(() => redis);

beforeEach(async () => {
  probe = new Probe();
  server = await startRespite({ clock: 'manual', commands: probe.commands, 'enable-debug-command': 'local' });
  redis = connect(server);
  await run('probe-events');
});

/** Time left in ms, worked out by letting it pass: these tests need no command of another group. */
async function livesFor(key: string, milliseconds: number): Promise<boolean> {
  server.advanceTime(milliseconds);
  const last = await run(`strlen ${key}`);
  server.advanceTime(1);
  return last !== 0 && (await run(`strlen ${key}`)) === 0;
}

describe('SET and GET', () => {
  it('store any bytes', async () => {
    const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    await redis.set('bin', all);
    expect(await redis.getBuffer('bin')).toEqual(all);
    expect(await runAll("set empty ''", 'get empty', 'get none')).toEqual(['OK', '', null]);
  });

  it('replaces a value of any length by one of any other', async () => {
    for (const length of [10, 100_000, 20, 2_000_000, 0]) {
      const value = 'v'.repeat(length);
      await redis.set('k', value);
      expect(await redis.get('k')).toBe(value);
    }
  });

  it('overwrites other types, while GET refuses them', async () => {
    expect(await runAll('probe-list l', 'get l', 'set l 1', 'get l')).toEqual(['OK', wrongType, 'OK', '1']);
  });

  it('takes NX and XX', async () => {
    expect(await runAll('set k 1 xx', 'set k 1 nx', 'set k 2 NX', 'get k', 'set k 3 XX', 'get k')).toEqual([
      null,
      'OK',
      null,
      '1',
      'OK',
      '3',
    ]);
  });

  it('GET gives the old value, with NX and XX too', async () => {
    expect(await runAll('set k 1 get', 'set k 2 get', 'set k 3 nx get', 'get k')).toEqual([
      null,
      '1',
      '2',
      '2',
    ]);
    expect(await runAll('set n 1 xx get', 'get n', 'set n 1 nx get', 'get n')).toEqual([
      null,
      null,
      null,
      '1',
    ]);
    expect(await runAll('probe-list l', 'set l 1 get', 'set l 1 nx')).toEqual(['OK', wrongType, null]);
  });

  it('expires in each of the four notations', async () => {
    const now = 1_700_000_000_000;
    await runAll(
      'set a 1 ex 10',
      'set b 1 px 10000',
      `set c 1 exat ${now / 1000 + 10}`,
      `set d 1 pxat ${now + 10000}`,
    );
    server.advanceTime(10_000);
    expect(await run('mget a b c d')).toEqual(['1', '1', '1', '1']);
    server.advanceTime(1);
    expect(await run('mget a b c d')).toEqual([null, null, null, null]);
  });

  it('drops the expiry unless KEEPTTL', async () => {
    await runAll('set a 1 ex 10', 'set a 2', 'set b 1 ex 10', 'set b 2 keepttl');
    expect(await livesFor('b', 10_000)).toBe(true);
    expect(await run('get a')).toBe('2');
  });

  it('a SET over an expired key lets it expire first', async () => {
    await runAll('debug set-active-expire 0', 'set k 1 px 5');
    server.advanceTime(6);
    probe.take();
    await run('set k 2 keepttl');
    expect(probe.take()).toEqual(['expired k', 'new k', 'set k']);
    server.advanceTime(1_000_000);
    expect(await run('get k')).toBe('2');
  });

  it('with a time in the past stores a key that is gone at once', async () => {
    expect(await runAll('set k 1', 'set k 2 exat 1', 'get k')).toEqual(['OK', 'OK', null]);
  });

  it.each([
    ['set k v ex', 'ERR syntax error'],
    ['set k v foo', 'ERR syntax error'],
    ['set k v nx xx', 'ERR syntax error'],
    ['set k v ex 10 px 10', 'ERR syntax error'],
    ['set k v keepttl ex 10', 'ERR syntax error'],
    ['set k v ex 10 keepttl', 'ERR syntax error'],
    ['set k v persist', 'ERR syntax error'],
    ['set k v ex abc', notInteger],
    ['set k v ex 9223372036854775808', notInteger],
    ['set k v ex 0', invalidExpire('set')],
    ['set k v px -1', invalidExpire('set')],
    ['set k v ex 10000000000000000', invalidExpire('set')],
    ['set k v ex 9223372036854775', invalidExpire('set')],
    ['set k v px 9223372036854775807', invalidExpire('set')],
    ['set k v pxat 9223372036854775807', 'OK'],
    ['set k v exat 9223372036854775', 'OK'],
    ['set k v exat 9223372036854776', invalidExpire('set')],
    ['set k v ex 10 ex 20', 'OK'],
    ['setex k 0 v', invalidExpire('setex')],
    ['setex k x v', notInteger],
    ['psetex k -5 v', invalidExpire('psetex')],
    ['get', "ERR wrong number of arguments for 'get' command"],
    ['set k', "ERR wrong number of arguments for 'set' command"],
  ])('%s: %s', async (line, reply) => {
    expect(await run(line)).toBe(reply);
  });

  it('counts hits and misses, each key of an MGET for itself', async () => {
    await run('set a 1');
    await runAll('get a', 'get b', 'mget a b c', 'strlen a', 'getrange c 0 1', 'set a 2 get', 'incr a');
    expect(await run('probe-hits')).toBe('4 4');
  });
});

describe('SETNX SETEX PSETEX GETSET GETDEL', () => {
  it('SETNX stores only what is new', async () => {
    expect(await runAll('setnx k 1', 'setnx k 2', 'get k', 'probe-list l', 'setnx l 1')).toEqual([
      1,
      0,
      '1',
      'OK',
      0,
    ]);
  });

  it('SETEX and PSETEX expire', async () => {
    expect(await runAll('setex a 10 1', 'psetex b 10000 1', 'setex b 10 2')).toEqual(['OK', 'OK', 'OK']);
    expect(await livesFor('a', 10_000)).toBe(true);
    expect(await run('get b')).toBe(null);
  });

  it('GETSET gives the old value and drops the expiry', async () => {
    expect(await runAll('getset k 1', 'set k 2 ex 10', 'getset k 3')).toEqual([null, 'OK', '2']);
    server.advanceTime(20_000);
    expect(await runAll('get k', 'probe-list l', 'getset l 1')).toEqual(['3', 'OK', wrongType]);
  });

  it('GETDEL gives the value and removes the key', async () => {
    expect(await runAll('set k 1', 'getdel k', 'getdel k', 'probe-list l', 'getdel l')).toEqual([
      'OK',
      '1',
      null,
      'OK',
      wrongType,
    ]);
  });
});

describe('GETEX', () => {
  it('sets, changes and clears the expiry', async () => {
    expect(await runAll('set k v', 'getex k ex 100', 'getex k px 50', 'getex k')).toEqual([
      'OK',
      'v',
      'v',
      'v',
    ]);
    expect(await livesFor('k', 50)).toBe(true);
    expect(await runAll('set k v ex 1', 'getex k persist')).toEqual(['OK', 'v']);
    server.advanceTime(5000);
    expect(await run('get k')).toBe('v');
  });

  it('removes the key when the time has passed', async () => {
    await run('set k v');
    probe.take();
    expect(await runAll('getex k exat 1', 'get k')).toEqual(['v', null]);
    expect(probe.take()).toEqual(['del k', 'keymiss k']);
  });

  it('checks the time only of a key that exists', async () => {
    expect(await runAll('getex none ex 0', 'set k v', 'getex k ex 0', 'getex k ex x')).toEqual([
      null,
      'OK',
      invalidExpire('getex'),
      notInteger,
    ]);
    expect(await runAll('getex k nx', 'getex k keepttl', 'getex k persist ex 1', 'getex k ex')).toEqual(
      Array(4).fill('ERR syntax error'),
    );
  });
});

describe('several keys', () => {
  it('MSET stores all pairs, the last of a repeated key', async () => {
    expect(await runAll('mset a 1 b 2 a 3', 'mget a b none')).toEqual(['OK', ['3', '2', null]]);
  });

  it('MGET takes other types for nothing', async () => {
    expect(await runAll('probe-list l', 'set a 1', 'mget l a')).toEqual(['OK', 'OK', [null, '1']]);
  });

  it('MSETNX stores all or nothing', async () => {
    expect(await runAll('msetnx a 1 b 2', 'msetnx c 1 a 2', 'mget a b c')).toEqual([1, 0, ['1', '2', null]]);
    expect(await run('msetnx d 1 d 2')).toBe(1);
  });

  it('wants pairs', async () => {
    expect(await runAll('mset a 1 b', 'msetnx a 1 b', 'mset a')).toEqual([
      "ERR wrong number of arguments for 'mset' command",
      "ERR wrong number of arguments for 'msetnx' command",
      "ERR wrong number of arguments for 'mset' command",
    ]);
  });
});

describe('counters', () => {
  it('begin at 0', async () => {
    expect(await runAll('incr a', 'incr a', 'decr b', 'incrby c 5', 'decrby d 5', 'decrby e 0')).toEqual([
      1, 2, -1, 5, -5, 0,
    ]);
  });

  it('stay right while their length changes', async () => {
    expect(await runAll('set k 9', 'incr k', 'get k', 'decr k', 'get k', 'decrby k 10', 'get k')).toEqual([
      'OK',
      10,
      '10',
      9,
      '9',
      -1,
      '-1',
    ]);
  });

  it('are exact to the limits of 64 bits', async () => {
    redis = connect(server, { stringNumbers: true });
    await redis.set('k', '9007199254740991');
    expect(await runAll('incr k', 'get k', 'incrby k 9214364837600034815', 'get k')).toEqual([
      '9007199254740992',
      '9007199254740992',
      '9223372036854775807',
      '9223372036854775807',
    ]);
    expect(await runAll('incr k', 'get k')).toEqual([
      'ERR increment or decrement would overflow',
      '9223372036854775807',
    ]);
    expect(await runAll('incrby k -9223372036854775808', 'set k -9223372036854775808', 'decr k')).toEqual([
      '-1',
      'OK',
      'ERR increment or decrement would overflow',
    ]);
    expect(await run('decrby k -9223372036854775808')).toBe('ERR decrement would overflow');
  });

  it('keep the expiry', async () => {
    await runAll('set a 9 ex 10', 'incr a', 'set b 1.5 ex 10', 'incrbyfloat b 100');
    expect(await livesFor('a', 10_000)).toBe(true);
    expect(await run('get b')).toBe(null);
  });

  it.each(['', ' 1', '1 ', '+1', '01', '-0', '1.0', 'abc', '9223372036854775808', '-'])(
    'are no counters: %j',
    async (text) => {
      await redis.set('k', text);
      expect(await runAll('incr k', 'decrby k 1', 'incrby k 9223372036854775807')).toEqual(
        Array(3).fill(notInteger),
      );
    },
  );

  it('want integers', async () => {
    expect(await runAll('incrby k 1.5', 'decrby k x', 'incrby k 9223372036854775808')).toEqual(
      Array(3).fill(notInteger),
    );
    expect(await runAll('probe-list l', 'incr l', 'incrby l 99999999999999999', 'incrbyfloat l 1')).toEqual([
      'OK',
      wrongType,
      wrongType,
      wrongType,
    ]);
  });
});

describe('INCRBYFLOAT', () => {
  it('prints as Redis prints its 80-bit result', async () => {
    expect(await runAll('incrbyfloat a 0.1', 'incrbyfloat a 0.2', 'get a')).toEqual(['0.1', '0.3', '0.3']);
    expect(await runAll('set b 5.0e3', 'incrbyfloat b 200', 'incrbyfloat b -5200')).toEqual([
      'OK',
      '5200',
      '0',
    ]);
    expect(await runAll('set c 17179869184', 'incrbyfloat c 1.5')).toEqual(['OK', '17179869185.5']);
  });

  it('wants floats, and no infinite sum', async () => {
    const notFloat = 'ERR value is not a valid float';
    await redis.set('k', ' 1');
    expect(await runAll('incrbyfloat k 1', 'incrbyfloat n x', 'incrbyfloat n nan')).toEqual(
      Array(3).fill(notFloat),
    );
    expect(await run('incrbyfloat n inf')).toBe('ERR increment would produce NaN or Infinity');
  });
});

describe('APPEND SETRANGE STRLEN', () => {
  it('APPEND creates and extends', async () => {
    expect(await runAll('append k abc', 'append k def', 'get k', 'strlen k', 'strlen none')).toEqual([
      3,
      6,
      'abcdef',
      6,
      0,
    ]);
  });

  it('APPEND builds long strings', async () => {
    let expected = '';
    for (let i = 0; i < 200; i++) {
      const part = String(i).repeat(i);
      expected += part;
      expect(await redis.append('k', part)).toBe(expected.length);
    }
    expect(await redis.get('k')).toBe(expected);
  });

  it('SETRANGE overwrites, extends, and fills gaps with zeros', async () => {
    expect(await runAll('setrange a 2 xy', 'get a')).toEqual([4, '\0\0xy']);
    expect(await runAll('set b Hello', 'setrange b 1 UL', 'get b')).toEqual(['OK', 5, 'HULlo']);
    expect(await runAll('setrange b 7 !', 'get b')).toEqual([8, 'HULlo\0\0!']);
  });

  it('SETRANGE of nothing changes nothing', async () => {
    expect(
      await runAll("setrange none 5 ''", 'get none', 'set k 12', "setrange k 9 ''", 'probe-encoding k'),
    ).toEqual([0, null, 'OK', 2, 'int']);
  });

  it('keep within proto-max-bulk-len', async () => {
    const tooLong = 'ERR string exceeds maximum allowed size (proto-max-bulk-len)';
    expect(await runAll('setrange k 536870912 x', 'setrange k 9223372036854775807 x')).toEqual([
      tooLong,
      tooLong,
    ]);
    expect(await runAll('setrange k -1 x', 'setrange k x x')).toEqual([
      'ERR offset is out of range',
      notInteger,
    ]);
    const small = await startRespite({ 'proto-max-bulk-len': 1024 * 1024 });
    redis = connect(small);
    await redis.set('k', 'x'.repeat(1024 * 1024));
    expect(await runAll('append k x', 'strlen k')).toEqual([tooLong, 1024 * 1024]);
  });

  it('keep the expiry', async () => {
    await runAll('set a 1 ex 10', 'append a 2', 'set b 1 ex 10', 'setrange b 3000 x');
    expect(await livesFor('a', 10_000)).toBe(true);
    expect(await run('get b')).toBe(null);
  });

  it('refuse other types', async () => {
    await run('probe-list l');
    expect(
      await runAll('append l x', 'setrange l 0 x', "setrange l 0 ''", 'strlen l', 'getrange l 0 1'),
    ).toEqual(Array(5).fill(wrongType));
  });
});

describe('GETRANGE', () => {
  it.each([
    ['0 3', 'This'],
    ['-3 -1', 'ing'],
    ['0 -1', 'This is a string'],
    ['10 100', 'string'],
    ['-100 3', 'This'],
    ['5 3', ''],
    ['-1 -5', ''],
    ['-100 -50', 'T'],
    ['16 20', ''],
    ['0 9223372036854775807', 'This is a string'],
    ['-9223372036854775808 0', 'T'],
  ])('%s', async (range, expected) => {
    await redis.set('k', 'This is a string');
    expect(await runAll(`getrange k ${range}`, `substr k ${range}`)).toEqual([expected, expected]);
  });

  it('of nothing is nothing', async () => {
    expect(await runAll('getrange none 0 -1', "set k ''", 'getrange k 0 -1', 'getrange k a 1')).toEqual([
      '',
      'OK',
      '',
      notInteger,
    ]);
  });
});

describe('encoding', () => {
  it('is what SET decides', async () => {
    const long = 'x'.repeat(44);
    await runAll('set a 123', `set b ${long}`, `set c ${long}x`, 'set d 9223372036854775808', 'set e 01');
    expect(await Promise.all(['a', 'b', 'c', 'd', 'e'].map((key) => run(`probe-encoding ${key}`)))).toEqual([
      'int',
      'embstr',
      'raw',
      'embstr',
      'embstr',
    ]);
  });

  it('is raw after an edit, and int again after an increment', async () => {
    await runAll('set k 1', 'append k 2');
    expect(await runAll('probe-encoding k', 'incr k', 'probe-encoding k')).toEqual(['raw', 13, 'int']);
    expect(await runAll('setrange k 0 9', 'probe-encoding k')).toEqual([2, 'raw']);
    expect(
      await runAll('append new 12', 'probe-encoding new', 'incrbyfloat f 1', 'probe-encoding f'),
    ).toEqual([2, 'int', '1', 'embstr']);
  });
});

describe('events', () => {
  it.each([
    ['set k 1', ['new k', 'set k']],
    ['set k 1 ex 10', ['new k', 'set k', 'expire k']],
    ['setnx k 1', ['new k', 'set k']],
    ['setex k 10 1', ['new k', 'set k', 'expire k']],
    ['mset k 1 l 2', ['new k', 'set k', 'new l', 'set l']],
    ['getset k 1', ['keymiss k', 'new k', 'set k']],
    ['append k 1', ['new k', 'append k']],
    ['setrange k 1 1', ['new k', 'setrange k']],
    ['incr k', ['new k', 'incrby k']],
    ['decrby k 4', ['new k', 'incrby k']],
    ['incrbyfloat k 4', ['new k', 'incrbyfloat k']],
    ['getdel old', ['del old']],
    ['getex old', []],
    ['getex old ex 5', ['expire old']],
    ['getex brief persist', ['persist brief']],
    ['getex old persist', []],
    ['set old 1 nx', []],
    ["setrange old 1 ''", []],
    ['set k 1 xx', []],
  ])('%s: %j', async (line, events) => {
    await runAll('set old 1', 'set brief 1 ex 10');
    const dirty = Number(await run('probe-dirty'));
    probe.take();
    await run(line);
    expect(probe.take()).toEqual(events);
    const changes = events.filter((event) => !/^(new|keymiss)/.test(event)).length;
    const expiring = /^set(ex)? k/.test(line) && events.includes('expire k') ? 1 : 0;
    expect(Number(await run('probe-dirty')) - dirty).toBe(changes - expiring);
  });
});

describe('LCS', () => {
  beforeEach(() => runAll('set a ohmytext', 'set b mynewtext'));

  it('gives the subsequence, or its length', async () => {
    expect(await runAll('lcs a b', 'lcs a b len', 'lcs a none', 'lcs none a len')).toEqual([
      'mytext',
      6,
      '',
      0,
    ]);
  });

  it('gives positions', async () => {
    const [late, early] = [
      [
        [4, 7],
        [5, 8],
      ],
      [
        [2, 3],
        [0, 1],
      ],
    ];
    expect(await run('lcs a b idx')).toEqual(['matches', [late, early], 'len', 6]);
    expect(await run('lcs a b idx minmatchlen 4')).toEqual(['matches', [late], 'len', 6]);
    expect(await run('lcs a b idx minmatchlen 3 withmatchlen')).toEqual([
      'matches',
      [[...late, 4]],
      'len',
      6,
    ]);
    expect(await run('lcs a none IDX')).toEqual(['matches', [], 'len', 0]);
  });

  it('refuses what does not go together', async () => {
    expect(
      await runAll('lcs a b len idx', 'lcs a b foo', 'lcs a b minmatchlen', 'lcs a b minmatchlen x'),
    ).toEqual([
      'ERR If you want both the length and indexes, please just use IDX.',
      'ERR syntax error',
      'ERR syntax error',
      notInteger,
    ]);
    expect(await runAll('probe-list l', 'lcs l a foo')).toEqual([
      'OK',
      'ERR The specified keys must contain string values',
    ]);
  });

  it('refuses strings whose table would be too large', async () => {
    await redis.mset('a', 'x'.repeat(12_000), 'b', 'y'.repeat(12_000));
    expect(await run('lcs a b len')).toBe(
      'ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len',
    );
  });
});
