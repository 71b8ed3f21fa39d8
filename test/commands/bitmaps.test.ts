import type { Redis } from 'ioredis';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Respite } from '../../src/index.js';
import { commandLines } from '../support/command-lines.js';
import { Probe } from '../support/probe.js';
import { connect, startRespite } from '../support/respite.js';

const wrongType = 'WRONGTYPE Operation against a key holding the wrong kind of value';
const notInteger = 'ERR value is not an integer or out of range';
const badOffset = 'ERR bit offset is not an integer or out of range';
const badBit = 'ERR bit is not an integer or out of range';
const badField =
  'ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.';

let probe: Probe;
let server: Respite;
let redis: Redis;

const { run, runAll } = commandLines(() => redis);

async function setHex(key: string, hex: string): Promise<void> {
  await redis.set(key, Buffer.from(hex, 'hex'));
}

async function getHex(key: string): Promise<string | undefined> {
  return (await redis.getBuffer(key))?.toString('hex');
}

/** Events and count of changes that a command causes. */
async function effects(line: string): Promise<[string[], number]> {
  const dirty = Number(await run('probe-dirty'));
  probe.take();
  await run(line);
  return [probe.take().filter((event) => !event.startsWith('new')), Number(await run('probe-dirty')) - dirty];
}

beforeEach(async () => {
  probe = new Probe();
  server = await startRespite({ clock: 'manual', commands: probe.commands });
  redis = connect(server);
  await runAll('probe-events', 'probe-list l');
});

describe('SETBIT and GETBIT', () => {
  it('begin with the most significant bit', async () => {
    expect(await runAll('setbit k 1 1', 'setbit k 15 1', 'setbit k 1 1', 'setbit k 1 0')).toEqual([
      0, 0, 1, 1,
    ]);
    expect(await getHex('k')).toBe('0001');
    expect(await runAll('getbit k 15', 'getbit k 14', 'getbit k 16', 'getbit none 0')).toEqual([1, 0, 0, 0]);
  });

  it('work on the text of a number', async () => {
    expect(await runAll('set k 1', 'setbit k 6 1', 'get k', 'probe-encoding k')).toEqual([
      'OK',
      0,
      '3',
      'raw',
    ]);
  });

  it('tell of changes only', async () => {
    expect(await effects('setbit k 0 0')).toEqual([['setbit k'], 1]);
    expect(await effects('setbit k 0 0')).toEqual([[], 0]);
    expect(await effects('setbit k 0 1')).toEqual([['setbit k'], 1]);
    expect(await effects('setbit k 90 0')).toEqual([['setbit k'], 1]);
  });

  it.each([
    ['setbit k -1 1', badOffset],
    ['setbit k 4294967296 1', badOffset],
    ['setbit k x 1', badOffset],
    ['setbit k 0 2', badBit],
    ['setbit k 0 x', badBit],
    ['setbit l 0 2', badBit],
    ['setbit l 0 1', wrongType],
    ['getbit l 0', wrongType],
    ['getbit k 4294967296', badOffset],
  ])('%s: %s', async (line, reply) => {
    expect(await run(line)).toBe(reply);
  });
});

describe('BITCOUNT', () => {
  beforeEach(async () => {
    await redis.set('k', 'foobar');
  });

  it.each([
    ['', 26],
    ['0 0', 4],
    ['1 1', 6],
    ['1 1 BYTE', 6],
    ['5 30 bit', 17],
    ['-2 1', 0],
    ['-6 -7', 0],
    ['0 1000', 26],
    ['-1000 -1 bit', 26],
    ['6 10', 0],
    ['0', 'ERR syntax error'],
    ['0 1 hello', 'ERR syntax error'],
    ['0 1 bit 2', 'ERR syntax error'],
    ['a 1', notInteger],
  ])('of foobar %s: %s', async (range, reply) => {
    expect(await run(`bitcount k ${range}`.trim())).toBe(reply);
  });

  it('of nothing is 0, whatever the range', async () => {
    expect(await runAll('bitcount none', 'bitcount none a b', 'bitcount l')).toEqual([0, 0, wrongType]);
  });
});

describe('BITPOS', () => {
  it.each([
    ['00ff00', '1', 8],
    ['00ff00', '1 2', -1],
    ['00ff00', '1 2 -1', -1],
    ['00ff00', '0 1', 16],
    ['00ff00', '0 1 1', -1],
    ['00ff00', '0 8 8 bit', -1],
    ['00ff00', '1 7 15 BIT', 8],
    ['fff000', '0', 12],
    ['fff000', '0 1 -1 byte', 12],
    ['ffffff', '0', 24],
    ['ffffff', '0 1', 24],
    ['ffffff', '0 3', -1],
    ['ffffff', '0 0 -1', -1],
    ['000000', '1', -1],
    ['', '0', -1],
    ['', '1', -1],
    ['ff', '2', 'ERR The bit argument must be 1 or 0.'],
    ['ff', 'x', notInteger],
    ['ff', '1 a', notInteger],
    ['ff', '1 0 a', notInteger],
    ['ff', '1 0 1 foo', 'ERR syntax error'],
  ])('in %s %s: %s', async (hex, args, reply) => {
    await setHex('k', hex);
    expect(await run(`bitpos k ${args}`)).toBe(reply);
  });

  it('takes a missing key for zeros', async () => {
    expect(await runAll('bitpos none 0', 'bitpos none 1', 'bitpos none 1 a b', 'bitpos l 1')).toEqual([
      0,
      -1,
      -1,
      wrongType,
    ]);
  });
});

describe('BITOP', () => {
  it('combines strings of different lengths', async () => {
    await setHex('a', '0102ffff');
    await setHex('b', '0302ff');
    expect(
      await runAll('bitop and x a b', 'bitop OR y a b none', 'bitop xor z a b', 'bitop not n a'),
    ).toEqual([4, 4, 4, 4]);
    expect(await Promise.all(['x', 'y', 'z', 'n'].map(getHex))).toEqual([
      '0102ff00',
      '0302ffff',
      '020000ff',
      'fefd0000',
    ]);
  });

  it('may overwrite its source, and any type', async () => {
    await setHex('a', 'aa00ff55');
    expect(await runAll('bitop not a a', 'bitop or l a')).toEqual([4, 4]);
    expect(await Promise.all(['a', 'l'].map(getHex))).toEqual(['55ff00aa', '55ff00aa']);
    expect(await run('probe-encoding l')).toBe('raw');
  });

  it('drops the expiry of the destination', async () => {
    await runAll('set a x', 'set d 1 pxat 1700000000001');
    await run('bitop or d a');
    expect(await run('getex d persist')).toBe('x');
    expect(await effects('getex d persist')).toEqual([[], 0]);
  });

  it('of nothing removes the destination', async () => {
    await run('set d 1');
    expect(await effects('bitop and d none nothing')).toEqual([
      ['keymiss none', 'keymiss nothing', 'del d'],
      1,
    ]);
    expect(await runAll('bitop not d none', 'get d')).toEqual([0, null]);
  });

  it('tells of what it stores', async () => {
    await run('set a 1');
    expect(await effects('bitop and d a')).toEqual([['set d'], 1]);
  });

  it('refuses what does not make sense', async () => {
    expect(await runAll('bitop foo d a', 'bitop not d a b', 'bitop or d a l', 'bitop or d')).toEqual([
      'ERR syntax error',
      'ERR BITOP NOT must be called with a single source key.',
      wrongType,
      "ERR wrong number of arguments for 'bitop' command",
    ]);
  });
});

describe('BITFIELD', () => {
  it('sets and gets fields of any width, signed or not', async () => {
    expect(await run('bitfield k set i8 0 -100 get u8 0 set u4 6 5 get i8 0')).toEqual([0, 156, 0, -99]);
    expect(await run('bitfield k get i5 100 get u1 0')).toEqual([0, 1]);
    expect(await runAll('bitfield none get u63 0', 'get none', 'bitfield k')).toEqual([[0], null, []]);
  });

  it('counts offsets in fields after #', async () => {
    await runAll('bitfield k set u8 #0 65', 'bitfield k set u8 #1 66', 'bitfield k set u8 #2 67');
    expect(await run('get k')).toBe('ABC');
  });

  it('wraps around, saturates or fails', async () => {
    await setHex('k', '6464');
    expect(await run('bitfield k incrby u8 0 257 overflow sat incrby u8 0 257 incrby i8 #1 100')).toEqual([
      101, 255, 127,
    ]);
    expect(await run('bitfield k overflow fail incrby u8 0 1 overflow sat incrby i8 8 -500')).toEqual([
      null,
      -128,
    ]);
    expect(
      await run('bitfield k overflow wrap set i8 0 200 overflow sat set u8 8 -1 get i8 0 get u8 8'),
    ).toEqual([-1, 128, -56, 255]);
  });

  it('is exact to the limits of 64 bits', async () => {
    redis = connect(server, { stringNumbers: true });
    const limit = '9223372036854775807';
    expect(await run(`bitfield k set i64 0 ${limit} get u63 1 set i64 64 -${limit} get i64 63`)).toEqual([
      '0',
      limit,
      '0',
      '-4611686018427387904',
    ]);
    expect(await run('bitfield k overflow fail incrby i64 0 1 overflow wrap incrby i64 0 1')).toEqual([
      null,
      '-9223372036854775808',
    ]);
  });

  it('tells of changes only, once', async () => {
    expect(await effects('bitfield k set i5 0 0')).toEqual([['setbit k'], 1]);
    expect(await effects('bitfield k set i5 0 0 get i5 0')).toEqual([[], 0]);
    expect(await effects('bitfield k set i5 0 1 set i5 5 1')).toEqual([['setbit k'], 2]);
    expect(await effects('bitfield k incrby i5 0 0')).toEqual([[], 0]);
    expect(await effects('bitfield k set i5 90 0')).toEqual([['setbit k'], 1]);
  });

  it.each([
    ['bitfield k get u64 0', badField],
    ['bitfield k get i65 0', badField],
    ['bitfield k get u0 0', badField],
    ['bitfield k get u08 0', badField],
    ['bitfield k get U8 0', badField],
    ['bitfield k get x 0', badField],
    ['bitfield k get u8 -1', badOffset],
    ['bitfield k get u8 #', badOffset],
    ['bitfield k get u8 #536870912', badOffset],
    ['bitfield k get u8 4294967296', badOffset],
    ['bitfield k set u8 0 x', notInteger],
    ['bitfield k overflow foo', 'ERR Invalid OVERFLOW type specified'],
    ['bitfield k get u8', 'ERR syntax error'],
    ['bitfield k set u8 0', 'ERR syntax error'],
    ['bitfield k foo u8 0', 'ERR syntax error'],
    ['bitfield l get u8 0', wrongType],
    ['bitfield l set u8 0 1', wrongType],
    ['bitfield_ro l get u8 0', wrongType],
    ['bitfield_ro k set u8 0 1', 'ERR BITFIELD_RO only supports the GET subcommand'],
  ])('%s: %s', async (line, reply) => {
    expect(await run(line)).toBe(reply);
  });

  it('BITFIELD_RO reads', async () => {
    await setHex('k', 'ff01');
    expect(await runAll('bitfield_ro k get u8 0 get i8 #1 get i4 4', 'bitfield_ro k')).toEqual([
      [255, 1, -1],
      [],
    ]);
  });
});
