import { describe, expect, it } from 'vitest';
import { lineAlignedBytes, lineAlignedWords } from '../../src/memory/cache-lines.js';

describe('memory that begins with a line of the cache', () => {
  it('has the length that was asked for, zeroed, whatever is left out before it', () => {
    const bytes = lineAlignedBytes(1 << 20);
    const words = lineAlignedWords(1 << 15);
    expect(bytes.length).toBe(1 << 20);
    expect(words.length).toBe(1 << 15);
    expect(bytes.every((byte) => byte === 0)).toBe(true);
    expect(words.every((word) => word === 0)).toBe(true);
  });

  it.runIf(process.platform === 'linux')('completes the 16 bytes that the C library keeps to a line', () => {
    expect((16 + lineAlignedBytes(1 << 20).byteOffset) % 64).toBe(0);
    expect((16 + lineAlignedWords(1 << 15).byteOffset) % 64).toBe(0);
  });

  it('leaves nothing out where memory does not come as whole pages', () => {
    expect(lineAlignedWords((1 << 15) - 1).byteOffset).toBe(0);
  });

  it('says so when the engine has no memory', () => {
    expect(() => lineAlignedBytes(Number.MAX_SAFE_INTEGER - 64)).toThrow(RangeError);
    expect(() => lineAlignedWords(2 ** 50)).toThrow(RangeError);
  });
});
