import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasDistinctElements, inspectListpack, ListpackReport } from '../../src/memory/listpack-check.js';
import type { HeapBytes } from '../support/heap-bytes.js';
import { listpackOf } from '../support/listpacks.js';
import { isCanonicalListpack, isValidListpack } from '../support/naive-listpack-check.js';

const texts = fc.oneof(
  fc.integer().map(String),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  fc.constantFrom(
    '',
    '-',
    '007',
    '-0',
    '9223372036854775808',
    '127',
    '128',
    '-4096',
    '-4097',
    '32768',
    '-32769',
  ),
  fc.string({ maxLength: 100 }),
  fc.nat(5000).map((length) => 'x'.repeat(length)),
);

const report = new ListpackReport();
const inspect = ({ buffer, offset, length }: HeapBytes) =>
  inspectListpack(buffer, offset, offset + length, report);

describe('inspectListpack', () => {
  it('finds every listpack that is written here whole and canonical', () => {
    fc.assert(
      fc.property(fc.array(texts, { maxLength: 20 }), (elements) => {
        expect(inspect(listpackOf(elements).owner)).toBe(true);
        expect(report).toEqual({ count: elements.length, canonical: true });
      }),
    );
  });

  it('says of changed ones what the slow checks say', () => {
    const edits = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), {
      minLength: 1,
      maxLength: 3,
    });
    fc.assert(
      fc.property(fc.array(texts, { minLength: 1, maxLength: 6 }), edits, (elements, changes) => {
        const { owner } = listpackOf(elements);
        for (const [at, byte] of changes) owner.buffer[owner.offset + (at % owner.length)] = byte;
        const { buffer, offset, length } = owner;
        const valid = isValidListpack(buffer, offset, offset + length);
        expect(inspect(owner)).toBe(valid);
        const counted = buffer.readUInt16LE(offset + 4) !== 0xffff;
        if (valid && counted) expect(report.canonical).toBe(isCanonicalListpack(buffer, offset));
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    // 0x81 0x80 0x00, read backwards, is 1 only as long as the header's zero stands before it.
    ['a backlen that goes on in the bytes before it', [0x80, 0x81]],
    // 7 bits each: the same number in two bytes, where three are written.
    ['a backlen shorter than its place', [0xf0, 0xfa, 0x3f, 0, 0, ...Buffer.alloc(0x3ffa), 0, 0x7f, 0xff]],
  ])('refuses %s', (_, element) => {
    const length = 7 + element.length;
    const bytes = Buffer.from([length & 0xff, length >> 8, 0, 0, 1, 0, ...element, 0xff]);
    expect(inspectListpack(bytes, 0, length, report)).toBe(false);
    expect(isValidListpack(bytes, 0, length)).toBe(false);
  });
});

describe('hasDistinctElements', () => {
  it('is true if no name is there twice, in listpacks of any length', () => {
    const names = fc.array(fc.oneof(fc.nat(50).map(String), fc.string({ maxLength: 2 })), { maxLength: 40 });
    fc.assert(
      fc.property(names, fc.constantFrom(1, 2, 3), fc.boolean(), (some, stride, long) => {
        const all = long ? [...Array.from({ length: 1500 }, (_, i) => `long:${i}`), ...some] : some;
        const { owner } = listpackOf(all.flatMap((name) => [name, 'same', 'same'].slice(0, stride)));
        const { buffer, offset } = owner;
        const distinct = new Set(all).size === all.length;
        expect(hasDistinctElements(buffer, offset, all.length, stride)).toBe(distinct);
      }),
      { numRuns: 60 },
    );
  });
});
