import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bytes } from '../../src/bytes/bytes.js';
import { crc16, keySlot } from '../../src/bytes/crc16.js';
import { Crc64 } from '../../src/bytes/crc64.js';

const check = Buffer.from('123456789');

/** A CRC bit by bit; the reflected ones run towards the low end. */
function naiveCrc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return crc;
}

function naiveCrc64(bytes: Uint8Array): bigint {
  let crc = 0n;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = (crc >> 1n) ^ (crc & 1n ? 0x95ac9329ac4bc9b5n : 0n);
  }
  return crc;
}

describe('crc16', () => {
  it('is CRC-16/XMODEM', () => {
    expect(crc16(check, 0, check.length)).toBe(0x31c3);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
        expect(crc16(Buffer.from([1, ...bytes, 2]), 1, bytes.length + 1)).toBe(naiveCrc16(bytes));
      }),
    );
  });
});

describe('keySlot', () => {
  const slot = (key: string) => keySlot(Bytes.of(key));

  it('hashes the whole key when there is no tag', () => {
    expect(slot('123456789')).toBe(0x31c3);
    expect(slot('foo')).toBe(12182);
    expect(slot('')).toBe(0);
    for (const key of ['foo{}{bar}', 'foo{bar', 'foo}bar{', '{}', '{']) {
      expect(slot(key)).toBe(naiveCrc16(Buffer.from(key)) % 16384);
    }
  });

  it('hashes only what the first braces hold', () => {
    expect(slot('{user1000}.following')).toBe(slot('user1000'));
    expect(slot('foo{{bar}}zap')).toBe(slot('{bar'));
    expect(slot('foo{bar}{zap}')).toBe(slot('bar'));
    expect(slot('a}b{c}')).toBe(slot('c'));
  });
});

describe('Crc64', () => {
  it('is the CRC of RDB files', () => {
    expect(new Crc64().update(check).value()).toBe(0xe9c6d914c4b8d9can);
  });

  it('does not depend on how the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 }), (parts) => {
        const crc = new Crc64();
        for (const part of parts) crc.update(Buffer.from([9, ...part, 9]), 1, part.length + 1);
        const expected = naiveCrc64(Buffer.concat(parts));
        expect(crc.value()).toBe(expected);
        const stored = Buffer.alloc(9);
        expect(crc.write(stored, 1)).toBe(9);
        expect(stored.readBigUInt64LE(1)).toBe(expected);
        expect(crc.matches(stored, 1)).toBe(true);
        stored[4] ^= 1;
        expect(crc.matches(stored, 1)).toBe(false);
        expect(crc.reset().value()).toBe(0n);
      }),
    );
  });
});
