import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Bytes } from '../../src/bytes/bytes.js';
import { addDecimal, parseLongDouble } from '../../src/bytes/decimal.js';
import { Oracle } from '../support/oracle.js';
import { describeWithRedisServer } from '../support/redis-server.js';

const INVALID = '-ERR value is not a valid float';
const NOT_FINITE = '-ERR increment would produce NaN or Infinity';

/** What SET key a, INCRBYFLOAT key b answers. */
function incrByFloat(a: string, b: string): string {
  const [value, increment] = [a, b].map((text) => parseLongDouble(Bytes.of(text)));
  if (value === undefined || increment === undefined) return INVALID;
  return addDecimal(value, increment) ?? NOT_FINITE;
}

describe('addDecimal', () => {
  it.each([
    ['0.1', '0.2', '0.3'],
    ['5.0e3', '200', '5200'],
    ['10.50', '0.1', '10.6'],
    ['3', '-3', '0'],
    ['-0', '-0', '0'],
    ['0', '-1e-18', '0'],
    ['0', '-1e-17', '-0.00000000000000001'],
    ['0', '1.4e-17', '0.00000000000000001'],
    ['1877', '0.14', '1877.14000000000000001'],
    ['17179869184', '1.5', '17179869185.5'],
    ['18446744073709551616', '1', '18446744073709551616'],
    ['18446744073709551615', '1', '18446744073709551616'],
    ['9007199254740993', '0.5', '9007199254740993.5'],
    ['0x10', '1', '17'],
    ['1e4932', '0', /^\d{4933}$/],
  ])('%s + %s', (a, b, sum) => {
    expect(incrByFloat(a, b)).toMatch(
      sum instanceof RegExp ? sum : new RegExp(`^${sum.replace('.', '\\.')}$`),
    );
  });

  it('refuses infinite results', () => {
    expect(incrByFloat('1', 'inf')).toBe(NOT_FINITE);
    expect(incrByFloat('-inf', 'inf')).toBe(NOT_FINITE);
    expect(incrByFloat('1.1e4932', '1.1e4932')).toBe(NOT_FINITE);
  });

  it.each([
    '',
    ' 1',
    '1 ',
    'nan',
    'abc',
    '1e5000',
    '1e-5000',
    '1e-99999999999',
    '1e99999999999',
    '0x1p16384',
    '0x1p-16446',
    '1'.repeat(5120),
  ])('refuses %j', (text) => {
    expect(parseLongDouble(Bytes.of(text))).toBeUndefined();
  });

  it('takes the ends of the range', () => {
    expect(parseLongDouble(Bytes.of('1.1897e4932'))).toBeDefined();
    expect(parseLongDouble(Bytes.of('1.19e4932'))).toBeUndefined();
    expect(parseLongDouble(Bytes.of('3.7e-4951'))).toBeDefined();
    expect(parseLongDouble(Bytes.of('1.8e-4951'))).toBeUndefined();
    expect(parseLongDouble(Bytes.of('0e99999999999'))).toEqual({ mantissa: 0n, exponent: 0 });
  });

  it('is exact on decimals below 1, where 64 bits are more than 17 digits', () => {
    const thousandths = fc.integer({ min: -999, max: 999 });
    fc.assert(
      fc.property(thousandths, thousandths, (a, b) => {
        expect(incrByFloat(String(a / 1000), String(b / 1000))).toBe(String((a + b) / 1000));
      }),
    );
  });
});

describeWithRedisServer('INCRBYFLOAT of redis-server', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await Oracle.start();
  });
  afterAll(() => oracle.stop());

  const decimals = fc.oneof(
    fc.stringMatching(/^-?[0-9]{1,25}(\.[0-9]{1,25})?$/),
    fc.stringMatching(/^[+-]?[0-9]{1,6}\.[0-9]{1,4}$/),
    fc.stringMatching(/^[+-]?[0-9]{1,20}(\.[0-9]{0,5})?e[+-]?[0-9]{1,2}$/),
    fc.stringMatching(/^-?[1-9]\.[0-9]{1,20}e-?(49[0-9]{2}|[0-9]{3})$/),
    fc.stringMatching(/^[+-]?0x[0-9a-f]{0,20}\.?[0-9a-f]{0,4}(p-?[0-9]{1,3})?$/),
    fc.double().map(String),
    fc.constantFrom(
      'inf',
      '-inf',
      'nan',
      '',
      ' 1',
      '1 ',
      '1.',
      '.5',
      '.',
      '-0',
      '0x',
      '1e4932',
      '1.19e4932',
      '1.8e-4951',
      '1.9e-4951',
    ),
  );

  it('gives the same sums, errors included', async () => {
    const tried = fc.sample(fc.tuple(decimals, decimals), 4000);
    const answers = tried.map(([a, b]) => {
      oracle.send('SET', 'k', a);
      return oracle.send('INCRBYFLOAT', 'k', b);
    });
    for (let i = 0; i < tried.length; i++) {
      expect([...tried[i], await answers[i]]).toEqual([...tried[i], incrByFloat(...tried[i])]);
    }
  });
});
