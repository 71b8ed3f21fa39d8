import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  formatDouble,
  formatDouble17,
  MAX_DOUBLE_LENGTH,
  parseDouble,
  writeDouble,
} from '../../src/bytes/doubles.js';
import { Oracle } from '../support/oracle.js';
import { describeWithRedisServer } from '../support/redis-server.js';

/** Read between other digits, so that reading past the ends shows. */
function parse(text: string): number | undefined {
  return parseDouble(Buffer.from(`1${text}1`, 'latin1'), 1, 1 + text.length);
}

const doubles = fc.oneof(
  fc.double(),
  fc.double({ min: -1e6, max: 1e6 }),
  fc.integer({ min: -1_000_000, max: 1_000_000 }).map((n) => n / 1000),
  fc.maxSafeInteger(),
  fc
    .tuple(fc.integer({ min: -999, max: 999 }), fc.integer({ min: -30, max: 30 }))
    .map(([n, e]) => n * 10 ** e),
  fc.tuple(fc.maxSafeInteger(), fc.integer({ min: -60, max: 60 })).map(([n, e]) => n * 2 ** e),
);

const floatTexts = fc.oneof(
  doubles.map(String),
  doubles.map(formatDouble),
  doubles.map(formatDouble17),
  doubles.map((n) => n.toFixed(5)),
  fc.stringMatching(/^[+-]?[0-9]{0,4}\.?[0-9]{0,20}([eE][+-]?[0-9]{1,3})?$/),
  fc.stringMatching(/^[+-]?0[xX][0-9a-fA-F]{0,20}\.?[0-9a-fA-F]{0,4}([pP][+-]?[0-9]{1,4})?$/),
  fc
    .array(fc.constantFrom('1', '0', '.', 'e', 'E', '+', '-', 'x', 'p', 'inf', 'nan', ' ', 'a'), {
      maxLength: 5,
    })
    .map((parts) => parts.join('')),
);

describe('formatDouble', () => {
  it.each([
    [0, '0'],
    [-0, '-0'],
    [3, '3'],
    [-3.5, '-3.5'],
    [0.1, '0.1'],
    [0.1 + 0.2, '0.30000000000000004'],
    [Infinity, 'inf'],
    [-Infinity, '-inf'],
    [Number.NaN, 'nan'],
    [100000000, '100000000'],
    [1e18, '1000000000000000000'],
    [2 ** 60, '1152921504606846976'],
    [2 ** 62, '4611686018427387904'],
    [5e18, '5e+18'],
    [1e21, '1e+21'],
    [123456789012345680000, '123456789012345680000'],
    [1.7976931348623157e308, '1.7976931348623157e+308'],
    [5e-324, '5e-324'],
    [0.000001, '0.000001'],
    [1e-7, '1e-7'],
    [1.5e-7, '1.5e-7'],
    [0.0012345678, '0.0012345678'],
    [0.00012345678, '1.2345678e-4'],
    [13.361389338970184, '13.361389338970184'],
    [1700000000.123456, '1700000000.123456'],
    [12345.12345678, '1.234512345678e+4'],
  ])('prints %d as %s', (n, text) => {
    expect(formatDouble(n)).toBe(text);
  });

  it('reads back as the same number and never exceeds its bound', () => {
    fc.assert(
      fc.property(doubles, (n) => {
        const text = formatDouble(n);
        expect(text.length).toBeLessThanOrEqual(MAX_DOUBLE_LENGTH);
        if (Number.isFinite(n)) expect(parse(text)).toBe(n);
      }),
      { numRuns: 3000 },
    );
  });

  it('is what writeDouble writes', () => {
    fc.assert(
      fc.property(doubles, (n) => {
        const buffer = Buffer.alloc(MAX_DOUBLE_LENGTH + 1);
        expect(buffer.toString('latin1', 1, writeDouble(buffer, 1, n))).toBe(formatDouble(n));
      }),
    );
  });
});

describe('formatDouble17', () => {
  it.each([
    [0.1, '0.10000000000000001'],
    [3, '3'],
    [-0, '-0'],
    [1e17, '1e+17'],
    [1e16, '10000000000000000'],
    [0.0001, '0.0001'],
    [0.00001, '1.0000000000000001e-05'],
    [1e300, '1.0000000000000001e+300'],
    [2 ** 47 + 0.125, '140737488355328.12'],
    [2 ** 47 + 0.375, '140737488355328.38'],
    [Number.NaN, 'nan'],
    [-Infinity, '-inf'],
  ])('prints %d as %s', (n, text) => {
    expect(formatDouble17(n)).toBe(text);
  });
});

describe('parseDouble', () => {
  it.each([
    ['0', 0],
    ['-0', -0],
    ['+5', 5],
    ['.5', 0.5],
    ['5.', 5],
    ['-1.25', -1.25],
    ['007', 7],
    ['1e3', 1000],
    ['1E-2', 0.01],
    ['0x10', 16],
    ['-0X.8', -0.5],
    ['0x1.8p1', 3],
    ['0x1p-1074', 5e-324],
    ['0x20000000000001', 2 ** 53],
    ['0x20000000000003', 2 ** 53 + 4],
    ['0x1.fffffffffffffp1023', Number.MAX_VALUE],
    ['inf', Infinity],
    ['+INF', Infinity],
    ['-Infinity', -Infinity],
    ['0e999999999', 0],
    ['5e-324', 5e-324],
  ])('reads %s', (text, n) => {
    expect(parse(text)).toBe(n);
  });

  it.each([
    '',
    '-',
    '.',
    'e5',
    '1e',
    '1e+',
    ' 1',
    '1 ',
    '1,5',
    'nan',
    '-nan',
    'infi',
    '0x',
    '0x.',
    '0x1p',
    '--1',
    '1.2.3',
    '1e400',
    '-1e400',
    '1e-400',
    '0x1p1024',
    '0x1.fffffffffffff8p1023',
    '0x1p-1080',
    '0x1p-1075',
    '0x1p999999999999',
    '1\0',
  ])('refuses %j', (text) => {
    expect(parse(text)).toBeUndefined();
  });

  it('reads long texts, up to a megabyte', () => {
    expect(parse(`1.${'1'.repeat(6000)}`)).toBe(1.1111111111111112);
    expect(parse(`0x1.8${'0'.repeat(6000)}`)).toBe(1.5);
    expect(parse('1'.padStart(1024 * 1024, '0'))).toBe(1);
    expect(parse('1'.padStart(1024 * 1024 + 1, '0'))).toBeUndefined();
  });

  it('reads decimals as JavaScript does', () => {
    const decimals = fc.stringMatching(/^-?[0-9]{1,12}\.[0-9]{0,12}$/);
    fc.assert(
      fc.property(decimals, (text) => {
        expect(parse(text)).toBe(Number(text));
      }),
      { numRuns: 3000 },
    );
  });
});

describeWithRedisServer('scores beside redis-server', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await Oracle.start();
  });
  afterAll(() => oracle.stop());

  it('reads the same texts as the same scores', async () => {
    // `xx` would be an option of the command.
    const tried = fc.sample(floatTexts, 3000).filter((text) => text !== 'xx');
    const scores = tried.map((text, i) => oracle.send('ZINCRBY', 'z', text, `m${i}`));
    for (let i = 0; i < tried.length; i++) {
      const n = parse(tried[i]);
      const expected = n === undefined ? '-ERR value is not a valid float' : formatDouble17(n);
      expect([tried[i], await scores[i]]).toEqual([tried[i], expected]);
    }
  });
});
