import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Bytes } from '../../src/bytes/bytes.js';
import {
  INT64_MAX,
  INT64_MIN,
  integerLength,
  isInt64,
  MAX_INTEGER_LENGTH,
  parseInt64,
  readCursor,
  readInt64AsNumber,
  readSafeInteger,
  readShortNumber,
  readUint64,
  sumOfSameLength,
  writeBigInteger,
  writeInteger,
  writeShortNumber,
} from '../../src/bytes/integers.js';
import { Oracle } from '../support/oracle.js';
import { describeWithRedisServer } from '../support/redis-server.js';

/** The text between other digits, so that reading past the view's ends shows. */
function embedded(text: string): Bytes {
  return new Bytes(Buffer.from(`9${text}9`, 'latin1'), 1, 1 + text.length);
}

function naiveInteger(text: string, min: bigint, max: bigint): bigint | undefined {
  if (!/^(0|-?[1-9][0-9]*)$/.test(text)) return undefined;
  const n = BigInt(text);
  return n >= min && n <= max ? n : undefined;
}

const edges = [
  0n,
  2n ** 31n,
  2n ** 32n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n,
  10n ** 8n,
  10n ** 15n,
  10n ** 16n,
  10n ** 18n,
  10n ** 19n,
  10n ** 20n,
];
const nearEdges = fc
  .tuple(fc.constantFrom(...edges), fc.bigInt(-2n, 2n), fc.boolean())
  .map(([edge, offset, negative]) => (negative ? -edge + offset : edge + offset));
const numerals = fc
  .oneof(fc.bigInt({ min: INT64_MIN, max: INT64_MAX }), nearEdges, fc.integer().map(BigInt))
  .map(String);
const nearlyNumerals = fc
  .array(fc.constantFrom('0', '1', '9', '-', '+', ' ', '.', 'a', '\0', '/', ':'), { maxLength: 6 })
  .map((parts) => parts.join(''));
const texts = fc.oneof(
  { weight: 3, arbitrary: numerals },
  nearlyNumerals,
  numerals.map((n) => `0${n}`),
);

const read = (text: string) => {
  const { buffer, start, end } = embedded(text);
  return {
    safe: readSafeInteger(buffer, start, end),
    int64: parseInt64(embedded(text)),
    isInt64: isInt64(buffer, start, end),
    number: readInt64AsNumber(buffer, start, end),
    uint64: readUint64(buffer, start, end),
  };
};

describe('reading integers', () => {
  it('agrees with a naive reader', () => {
    const limit = BigInt(Number.MAX_SAFE_INTEGER);
    fc.assert(
      fc.property(texts, (text) => {
        const int64 = naiveInteger(text, INT64_MIN, INT64_MAX);
        const safe = naiveInteger(text, -limit, limit);
        expect(read(text)).toEqual({
          safe: safe === undefined ? Number.NaN : Number(safe),
          int64,
          isInt64: int64 !== undefined,
          number: int64 === undefined ? Number.NaN : Number(int64),
          uint64: naiveInteger(text, 0n, 2n ** 64n - 1n),
        });
      }),
      { numRuns: 5000 },
    );
  });

  it.each(['', '-', '+1', '-0', '00', '01', ' 1', '1 ', '1.0', '0x1', '1e3', '--1'])('refuses %j', (text) => {
    expect(read(text)).toEqual({
      safe: Number.NaN,
      int64: undefined,
      isInt64: false,
      number: Number.NaN,
      uint64: undefined,
    });
  });

  it('takes cursors as loosely as strtoul', () => {
    const cursor = (text: string) => readCursor(embedded(text).buffer, 1, 1 + text.length);
    expect(['', '0', '007', '+5', '18446744073709551615', '-1'].map(cursor)).toEqual([
      0n,
      0n,
      7n,
      5n,
      2n ** 64n - 1n,
      2n ** 64n - 1n,
    ]);
    expect(['x', ' 1', '1x', '-', '+', '18446744073709551616'].map(cursor)).toEqual(Array(6).fill(undefined));
  });
});

describe('writing integers', () => {
  it('writes what String writes, and no byte more', () => {
    const numbers = fc.oneof(
      fc.maxSafeInteger(),
      fc.integer(),
      fc.integer({ min: -1000, max: 1000 }),
      nearEdges.map(Number).filter(Number.isSafeInteger),
    );
    fc.assert(
      fc.property(numbers, fc.nat(3), (n, at) => {
        const buffer = Buffer.alloc(MAX_INTEGER_LENGTH + 8, '#');
        const end = writeInteger(buffer, at, n);
        const expected = String(n);
        expect(buffer.toString('latin1')).toBe(`${'#'.repeat(at)}${expected}`.padEnd(buffer.length, '#'));
        expect(end - at).toBe(expected.length);
        expect(integerLength(n)).toBe(expected.length);
      }),
      { numRuns: 3000 },
    );
  });

  it('writes 64-bit integers', () => {
    const buffer = Buffer.alloc(MAX_INTEGER_LENGTH);
    expect(writeBigInteger(buffer, 0, INT64_MIN)).toBe(20);
    expect(buffer.toString('latin1')).toBe('-9223372036854775808');
  });
});

describeWithRedisServer('integers beside redis-server', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await Oracle.start();
  });
  afterAll(() => oracle.stop());

  it('keeps the same texts as integers', async () => {
    const tried = fc.sample(texts, 1500);
    for (const text of tried) {
      oracle.send('SET', 'k', text);
      const increment = oracle.send('INCRBY', 'counter', text);
      oracle.send('SET', 'counter', '0');
      // A text that SET shares or stores as `int`; 20 bytes is the most it looks at.
      const encoding = await oracle.send('OBJECT', 'ENCODING', 'k');
      expect([text, encoding === 'int']).toEqual([text, read(text).isInt64]);
      const accepted = !(await increment.then(String)).includes('not an integer');
      expect([text, accepted]).toEqual([text, read(text).isInt64]);
    }
  });

  it('takes the same cursors', async () => {
    const tried = [
      ...fc.sample(texts, 300),
      '',
      '-1',
      '+5',
      '007',
      '18446744073709551615',
      '18446744073709551616',
    ];
    for (const text of tried.filter((text) => !text.includes('\0'))) {
      const { buffer, start, end } = embedded(text);
      const refused = String(await oracle.send('SCAN', text)).includes('invalid cursor');
      expect([text, refused]).toEqual([text, readCursor(buffer, start, end) === undefined]);
    }
  });
});

describe('short numbers, which counters change in place', () => {
  const texts = fc.oneof(
    fc.integer({ min: -1e10, max: 1e10 }).map(String),
    fc.constantFrom('', '-', '0', '00', '07', '9', '-1', '999999999', '1000000000', '1x', ' 1', '+1'),
  );

  it('are read only where they have one spelling and up to nine digits', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const { buffer, start, end } = embedded(text);
        expect(readShortNumber(buffer, start, end)).toBe(/^(0|[1-9]\d{0,8})$/.test(text) ? Number(text) : -1);
      }),
    );
  });

  it('are added to where the sum has as many digits', () => {
    const increments = fc.oneof(fc.integer({ min: -20, max: 20 }), fc.integer(), fc.maxSafeInteger());
    fc.assert(
      fc.property(texts, increments, (text, increment) => {
        const { buffer, start, end } = embedded(text);
        const sum = sumOfSameLength(buffer, start, end, increment);
        const exact = Number(text) + increment;
        const fits = /^(0|[1-9]\d{0,8})$/.test(text) && exact >= 0 && String(exact).length === text.length;
        expect(sum).toBe(fits ? exact : -1);
        if (!fits) return;
        writeShortNumber(buffer, start, end, sum);
        expect(buffer.toString('latin1')).toBe(`9${exact}9`);
      }),
    );
  });
});
