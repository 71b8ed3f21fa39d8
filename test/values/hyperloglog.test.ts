import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src/ambient/random.js';
import { Bytes } from '../../src/bytes/bytes.js';
import { Murmur64 } from '../../src/bytes/murmur64.js';
import { CorruptHyperLogLog, HyperLogLog, REGISTER_COUNT } from '../../src/values/hyperloglog.js';
import { selfTest } from '../../src/values/hyperloglog-self-test.js';

const limit = 3000;
const seed = 0xadc83b19;

/** MurmurHash64A written down as its description has it. */
function murmurByDefinition(bytes: Buffer): bigint {
  const mask = 0xffffffffffffffffn;
  const m = 0xc6a4a7935bd1e995n;
  let h = (BigInt(seed) ^ (BigInt(bytes.length) * m)) & mask;
  let at = 0;
  for (; at + 8 <= bytes.length; at += 8) {
    let k = (bytes.readBigUInt64LE(at) * m) & mask;
    k = ((k ^ (k >> 47n)) * m) & mask;
    h = ((h ^ k) * m) & mask;
  }
  if (at < bytes.length) {
    for (let i = at; i < bytes.length; i++) h ^= BigInt(bytes[i]) << BigInt(8 * (i - at));
    h = (h * m) & mask;
  }
  h = ((h ^ (h >> 47n)) * m) & mask;
  return h ^ (h >> 47n);
}

function bytesOf(value: HyperLogLog): Buffer {
  const bytes = Buffer.alloc(value.length);
  value.copyTo(bytes, 0);
  return bytes;
}

function registersOf(value: HyperLogLog): Uint8Array {
  const registers = new Uint8Array(REGISTER_COUNT);
  value.mergeInto(registers);
  return registers;
}

describe('the hash', () => {
  it('is MurmurHash64A', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (array) => {
        const bytes = Buffer.from(array);
        const hash = new Murmur64(seed);
        hash.hash(bytes, 0, bytes.length);
        const value = (BigInt(hash.high >>> 0) << 32n) | BigInt(hash.low >>> 0);
        expect(value).toBe(murmurByDefinition(bytes));
      }),
    );
  });
});

describe('a HyperLogLog', () => {
  it('is 18 bytes long when it is empty', () => {
    expect(bytesOf(HyperLogLog.empty()).toString('hex')).toBe('48594c4c0100000000000000000000007fff');
  });

  it('keeps for each register the largest value, sparse and dense alike', () => {
    const changes = fc.array(fc.tuple(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 1, max: 34 })), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(changes, fc.integer({ min: 18, max: 400 }), (list, small) => {
        const expected = new Uint8Array(REGISTER_COUNT);
        const sparse = HyperLogLog.empty();
        const dense = HyperLogLog.empty();
        dense.toDense();
        for (const [index, value] of list) {
          const raises = expected[index] < value;
          expect(sparse.raise(index, value, small)).toBe(raises);
          expect(dense.raise(index, value, small)).toBe(raises);
          if (raises) expected[index] = value;
        }
        // Not `toEqual`, which takes 50 ms for so many numbers.
        expect(Buffer.compare(registersOf(sparse), expected)).toBe(0);
        expect(Buffer.compare(registersOf(dense), expected)).toBe(0);
        expect(sparse.dense || sparse.length <= small).toBe(true);
        sparse.toDense();
        expect(bytesOf(sparse).equals(bytesOf(dense))).toBe(true);
      }),
    );
  });

  it('joins neighbours of the same value to runs of four', () => {
    const value = HyperLogLog.empty();
    for (let i = 0; i < 9; i++) value.raise(i, 7, limit);
    expect(value.describeRuns()).toBe('v:7,4 v:7,4 v:7,1 Z:16375');
  });

  it('becomes dense for a value above 32', () => {
    const value = HyperLogLog.empty();
    value.raise(5, 32, limit);
    expect(value.dense).toBe(false);
    value.raise(6, 33, limit);
    expect(value.dense).toBe(true);
    expect([...registersOf(value).subarray(5, 8)]).toEqual([32, 33, 0]);
  });

  it('estimates within a few percent', () => {
    const value = HyperLogLog.empty();
    const element = new Bytes(Buffer.alloc(4));
    for (let i = 1; i <= 50_000; i++) {
      element.buffer.writeUInt32LE(i);
      value.add(element, limit);
      if ([1, 10, 100, 1000, 10_000, 50_000].includes(i))
        expect(Math.abs(value.count() - i)).toBeLessThanOrEqual(Math.ceil(i * 0.03));
    }
    expect(value.dense).toBe(true);
  });

  it('passes its self-test', () => {
    expect(selfTest(new SeededRandom(1))).toBeUndefined();
  });

  it('never reads or writes beyond broken bytes', () => {
    const good = HyperLogLog.empty();
    for (let i = 0; i < 50; i++) good.add(Bytes.of(`element ${i}`), limit);
    const bytes = bytesOf(good);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 16, max: bytes.length - 1 }), fc.integer({ min: 0, max: 255 })), {
          minLength: 1,
          maxLength: 5,
        }),
        fc.integer({ min: 16, max: bytes.length }),
        (edits, length) => {
          // In the middle of other bytes, which must stay as they are.
          const broken = Buffer.concat([
            Buffer.alloc(8, 0xee),
            bytes.subarray(0, length),
            Buffer.alloc(8, 0xee),
          ]);
          for (const [at, byte] of edits) if (at < length) broken[8 + at] = byte;
          const before = Buffer.from(broken);
          const value = HyperLogLog.of(new Bytes(broken, 8, 8 + length))!;
          for (const act of [
            () => value.count(),
            () => value.add(Bytes.of('x'), limit),
            () => value.toDense(),
          ]) {
            try {
              act();
            } catch (error) {
              expect(error).toBeInstanceOf(CorruptHyperLogLog);
            }
          }
          expect(broken.equals(before)).toBe(true);
        },
      ),
    );
  });
});
