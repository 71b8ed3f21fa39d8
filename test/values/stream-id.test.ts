import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bytes } from '../../src/bytes/bytes.js';
import { parseId, StreamId } from '../../src/values/stream-id.js';

const most = 2n ** 64n - 1n;
const number = fc.oneof(
  fc.bigInt({ min: 0n, max: most }),
  fc.bigInt({ min: 0n, max: 20n }),
  fc.bigInt({ min: 2n ** 53n - 5n, max: 2n ** 53n + 5n }),
  fc.bigInt({ min: 2n ** 32n - 2n, max: 2n ** 32n + 2n }),
  fc.bigInt({ min: most - 3n, max: most }),
);
const pair = fc.tuple(number, number);
const whole = ([ms, seq]: [bigint, bigint]) => (ms << 64n) | seq;
const of = ([ms, seq]: [bigint, bigint]) => new StreamId().setBig(ms, seq);

function parsed(text: string): string | undefined {
  const id = new StreamId();
  const form = parseId(Bytes.of(text), id);
  return form === undefined ? undefined : `${form} ${id}`;
}

describe('StreamId', () => {
  it('is a number of 128 bits', () => {
    fc.assert(
      fc.property(pair, pair, (a, b) => {
        expect(Math.sign(of(a).compare(of(b)))).toBe(whole(a) < whole(b) ? -1 : whole(a) > whole(b) ? 1 : 0);
        expect(of(a).equals(of(b))).toBe(whole(a) === whole(b));
        expect([of(a).msBig, of(a).seqBig]).toEqual(a);
        const id = of(a);
        expect(id.increment()).toBe(whole(a) < 2n ** 128n - 1n);
        if (whole(a) < 2n ** 128n - 1n) expect((id.msBig << 64n) | id.seqBig).toBe(whole(a) + 1n);
        const before = of(a);
        expect(before.decrement()).toBe(whole(a) > 0n);
        if (whole(a) > 0n) expect((before.msBig << 64n) | before.seqBig).toBe(whole(a) - 1n);
      }),
    );
  });

  it('is written and read as text and as bytes', () => {
    const bytes = Buffer.alloc(20);
    fc.assert(
      fc.property(pair, (a) => {
        expect(of(a).toString()).toBe(`${a[0]}-${a[1]}`);
        expect(parsed(`${a[0]}-${a[1]}`)).toBe(`number ${a[0]}-${a[1]}`);
        expect(parsed(`${a[0]}`)).toBe(`missing ${a[0]}-0`);
        expect(parsed(`${a[0]}-*`)).toBe(`star ${a[0]}-0`);
        expect(of(a).encode(bytes, 2)).toBe(18);
        expect(bytes.readBigUInt64BE(2)).toBe(a[0]);
        expect(new StreamId().decode(bytes, 2).equals(of(a))).toBe(true);
      }),
    );
  });

  it.each([
    '',
    '-',
    '+',
    '*',
    'x',
    '1-',
    '1-x',
    '-1',
    '1-2-3',
    '18446744073709551616',
    '1-18446744073709551616',
    '1 ',
    '$',
  ])('is not %j', (text) => expect(parsed(text)).toBeUndefined());

  it('is read as loosely as Redis reads it', () => {
    expect(parsed('0005-01')).toBe('number 5-1');
    expect(parsed('+5')).toBe('missing 5-0');
    expect(parsed(' 5-1')).toBe('number 5-1');
    expect(parsed('5\x00x-1')).toBe('number 5-1');
    expect(parsed('5--01')).toBe('number 5-18446744073709551615');
    expect(parsed('5--1')).toBeUndefined();
  });
});
