import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bytes } from '../../src/bytes/bytes.js';
import {
  alignedBuffer,
  type BitOperation,
  bitAt,
  combineBits,
  countOnes,
  countOnesBetween,
  findBit,
  invertBits,
  readField,
  setBit,
  writeField,
} from '../../src/values/bits.js';

/** The bits of a buffer as a string of 0 and 1. */
function bitsOf(buffer: Uint8Array): string {
  return Array.from(buffer, (byte) => byte.toString(2).padStart(8, '0')).join('');
}

const flatBytes = fc
  .tuple(fc.constantFrom(0, 0xff), fc.nat(200), fc.uint8Array({ maxLength: 9 }), fc.nat(60))
  .map(([fill, before, middle, after]) =>
    Buffer.concat([Buffer.alloc(before, fill), Buffer.from(middle), Buffer.alloc(after, fill)]),
  );
const someBytes = fc.oneof(
  flatBytes,
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
);

/** The bytes at an odd place in a buffer of ones: what is around must not matter. */
function embed(bytes: Buffer, start: number): Buffer {
  return Buffer.concat([Buffer.alloc(start, 0xff), bytes, Buffer.alloc(9, 0xff)]);
}

describe('counting and finding', () => {
  it('counts the ones of any range as a bit by bit count does', () => {
    fc.assert(
      fc.property(someBytes, fc.nat(7), fc.nat(), fc.nat(), (bytes, start, x, y) => {
        const bits = bitsOf(bytes);
        const [first, end] = [x % (bits.length + 1), y % (bits.length + 1)].sort((a, b) => a - b);
        const expected = bits.slice(first, end).replaceAll('0', '').length;
        expect(countOnesBetween(embed(bytes, start), start, first, end)).toBe(expected);
      }),
    );
  });

  it('finds the bit that a search through the text of the bits finds', () => {
    fc.assert(
      fc.property(
        someBytes,
        fc.nat(7),
        fc.nat(),
        fc.nat(),
        fc.constantFrom<0 | 1>(0, 1),
        (bytes, start, x, y, bit) => {
          const bits = bitsOf(bytes);
          const [first, end] = [x % (bits.length + 1), y % (bits.length + 1)].sort((a, b) => a - b);
          const expected = bits.slice(0, end).indexOf(String(bit), first);
          expect(findBit(embed(bytes, start), start, first, end, bit)).toBe(expected);
        },
      ),
    );
  });

  it('works across the pieces that long strings are cut into', () => {
    const long = Buffer.alloc(100_003);
    long[70_001] = 0x10;
    long[99_999] = 0xff;
    expect(countOnes(long, 1, long.length)).toBe(9);
    expect(findBit(long, 1, 5, 800_000, 1)).toBe(70_000 * 8 + 3);
    expect(findBit(long, 1, 70_001 * 8, 800_000, 1)).toBe(99_998 * 8);
    expect(findBit(long, 1, 0, 70_000 * 8 + 3, 1)).toBe(-1);
  });
});

describe('single bits', () => {
  it('sets one bit, leaves the others, and says what it was', () => {
    fc.assert(
      fc.property(someBytes, fc.nat(), fc.constantFrom<0 | 1>(0, 1), (bytes, position, value) => {
        fc.pre(bytes.length > 0);
        const bits = bitsOf(bytes);
        const bit = position % bits.length;
        expect(bitAt(bytes, 0, bit)).toBe(Number(bits[bit]));
        expect(setBit(bytes, 0, bit, value)).toBe(Number(bits[bit]));
        expect(bitsOf(bytes)).toBe(bits.slice(0, bit) + value + bits.slice(bit + 1));
      }),
    );
  });
});

describe('combining', () => {
  const bytewise = {
    and: (a: number, b: number) => a & b,
    or: (a: number, b: number) => a | b,
    xor: (a: number, b: number) => a ^ b,
  };

  it('does byte by byte what each operation says, a shorter operand going on with zeros', () => {
    const operations = fc.constantFrom<BitOperation>('and', 'or', 'xor');
    fc.assert(
      fc.property(operations, someBytes, someBytes, fc.nat(7), (operation, x, y, start) => {
        const [long, short] = x.length >= y.length ? [x, y] : [y, x];
        const result = alignedBuffer(long.length);
        long.copy(result);
        combineBits(operation, result, new Bytes(embed(short, start), start, start + short.length));
        expect([...result]).toEqual([...long].map((byte, i) => bytewise[operation](byte, short[i] ?? 0)));
      }),
    );
  });

  it('inverts every byte', () => {
    fc.assert(
      fc.property(someBytes, (bytes) => {
        const result = alignedBuffer(bytes.length);
        bytes.copy(result);
        invertBits(result);
        expect([...result]).toEqual([...bytes].map((byte) => byte ^ 0xff));
      }),
    );
  });

  it('works across the pieces that long strings are cut into', () => {
    const result = alignedBuffer(50_001).fill(0xf0);
    combineBits('xor', result, new Bytes(Buffer.alloc(40_004, 0xff), 2));
    expect(result.equals(Buffer.concat([Buffer.alloc(40_002, 0x0f), Buffer.alloc(9_999, 0xf0)]))).toBe(true);
  });
});

describe('fields', () => {
  const place = fc.tuple(fc.integer({ min: 1, max: 64 }), fc.nat(70));

  it('reads the bits as a binary number, zeros beyond the end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), place, (bytes, [width, first]) => {
        const bits = bitsOf(bytes).padEnd(200, '0');
        const buffer = embed(Buffer.from(bytes), 3);
        const expected = BigInt(`0b${bits.slice(first, first + width)}`);
        expect(readField(buffer, 3, 3 + bytes.length, first, width)).toBe(expected);
      }),
    );
  });

  it('writes the lowest bits of a number and nothing else', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 20, maxLength: 20 }),
        place,
        fc.bigInt(),
        (bytes, [width, first], n) => {
          const before = bitsOf(bytes);
          const buffer = Buffer.from(bytes);
          writeField(buffer, 0, first, width, n);
          const written = BigInt.asUintN(width, n).toString(2).padStart(width, '0');
          expect(bitsOf(buffer)).toBe(before.slice(0, first) + written + before.slice(first + width));
        },
      ),
    );
  });
});
