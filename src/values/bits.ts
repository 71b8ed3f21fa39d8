import { type Bytes, copyBytes } from '../bytes/bytes.js';

/**
 * Strings as arrays of bits. Bit 0 is the most significant bit of the first byte.
 *
 * Long strings are worked on in words of 32 bits. Stored strings begin anywhere in their buffers, so they are
 * brought to an aligned place in pieces that stay in the processor's cache: copying costs a fraction of a ns
 * per word.
 */

const PIECE_BYTES = 16384;
/**
 * Signed, for int32 arithmetic is what the processor does; unsigned words would become floating point
 * numbers.
 */
const words = new Int32Array(PIECE_BYTES / 4);
const piece = Buffer.from(words.buffer);

/**
 * Copies at most a piece of `buffer[at, end)` to `words`, padded to whole words, and returns how many words
 * it is.
 */
function loadWords(buffer: Buffer, at: number, end: number, padding: number): number {
  const length = Math.min(PIECE_BYTES, end - at);
  const count = (length + 3) >>> 2;
  if (count > 0) words[count - 1] = padding;
  copyBytes(piece, 0, buffer, at, at + length);
  return count;
}

function popcount(word: number): number {
  word -= (word >>> 1) & 0x55555555;
  word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
  return Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Number of ones in `buffer[start, end)`. O(N), about 0.3 ns a byte. */
export function countOnes(buffer: Buffer, start: number, end: number): number {
  let ones = 0;
  for (let at = start; at < end; at += PIECE_BYTES) {
    const count = loadWords(buffer, at, end, 0);
    for (let i = 0; i < count; i++) ones += popcount(words[i]);
  }
  return ones;
}

/** Number of ones among the bits from `first` up to but not including `end`, counted from `buffer[start]`. */
export function countOnesBetween(buffer: Buffer, start: number, first: number, end: number): number {
  if (first >= end) return 0;
  const firstByte = Math.floor(first / 8);
  const lastByte = Math.floor((end - 1) / 8);
  const before = buffer[start + firstByte] & ~(0xff >> (first % 8));
  const after = buffer[start + lastByte] & (0x7f >> ((end - 1) % 8));
  return countOnes(buffer, start + firstByte, start + lastByte + 1) - popcount(before) - popcount(after);
}

export function bitAt(buffer: Buffer, start: number, bit: number): 0 | 1 {
  return ((buffer[start + Math.floor(bit / 8)] >> (7 - (bit % 8))) & 1) as 0 | 1;
}

/** Sets a bit and returns what it was. */
export function setBit(buffer: Buffer, start: number, bit: number, value: 0 | 1): 0 | 1 {
  const at = start + Math.floor(bit / 8);
  const mask = 0x80 >> (bit % 8);
  const old = (buffer[at] & mask) === 0 ? 0 : 1;
  buffer[at] = value === 1 ? buffer[at] | mask : buffer[at] & ~mask;
  return old;
}

/**
 * Position of the first bit that is `value` among those from `first` up to but not including `end`, counted
 * from `buffer[start]`; -1 if there is none.
 */
export function findBit(buffer: Buffer, start: number, first: number, end: number, value: 0 | 1): number {
  let bit = first;
  for (; bit < end && bit % 8 !== 0; bit++) if (bitAt(buffer, start, bit) === value) return bit;
  const byte =
    skipBytes(buffer, start + bit / 8, start + Math.floor(end / 8), value === 1 ? 0x00 : 0xff) - start;
  for (bit = Math.max(bit, byte * 8); bit < end; bit++) if (bitAt(buffer, start, bit) === value) return bit;
  return -1;
}

/** Position of the first byte of `buffer[at, end)` that is not `skipped` (0x00 or 0xff), or `end`. */
function skipBytes(buffer: Buffer, at: number, end: number, skipped: number): number {
  const skippedWord = skipped === 0 ? 0 : -1;
  for (; at < end; at += PIECE_BYTES) {
    const count = loadWords(buffer, at, end, skippedWord);
    let i = 0;
    while (i < count && words[i] === skippedWord) i++;
    if (i === count) continue;
    let byte = i * 4;
    while (piece[byte] === skipped) byte++;
    return at + byte;
  }
  return end;
}

export type BitOperation = 'and' | 'or' | 'xor';

/**
 * `into` becomes `into` op `from`, where `from` is continued with zeros. `from` is not longer than `into`.
 */
export function combineBits(operation: BitOperation, into: Buffer, from: Bytes): void {
  const length = from.length;
  for (let at = 0; at < length; at += PIECE_BYTES) {
    const count = Math.min(PIECE_BYTES, length - at);
    copyBytes(piece, 0, from.buffer, from.start + at, from.start + at + count);
    combinePiece(operation, into, at, count);
  }
  if (operation === 'and') into.fill(0, length);
}

/** Combines `count` bytes at `into[at]` with the loaded piece. `at` is a multiple of 4. */
function combinePiece(operation: BitOperation, into: Buffer, at: number, count: number): void {
  const whole = count >>> 2;
  const target = new Int32Array(into.buffer, into.byteOffset + at, whole);
  if (operation === 'and') for (let i = 0; i < whole; i++) target[i] &= words[i];
  else if (operation === 'or') for (let i = 0; i < whole; i++) target[i] |= words[i];
  else for (let i = 0; i < whole; i++) target[i] ^= words[i];
  for (let i = whole * 4; i < count; i++) {
    if (operation === 'and') into[at + i] &= piece[i];
    else if (operation === 'or') into[at + i] |= piece[i];
    else into[at + i] ^= piece[i];
  }
}

/** Inverts every bit. The buffer is aligned to words, as `alignedBuffer` makes it. */
export function invertBits(buffer: Buffer): void {
  const whole = buffer.length >>> 2;
  const target = new Int32Array(buffer.buffer, buffer.byteOffset, whole);
  for (let i = 0; i < whole; i++) target[i] = ~target[i];
  for (let i = whole * 4; i < buffer.length; i++) buffer[i] = ~buffer[i];
}

/** A buffer of zeros that begins at a word, for `combineBits` and `invertBits`. */
export function alignedBuffer(length: number): Buffer {
  return Buffer.from(new ArrayBuffer(length));
}

/**
 * The unsigned integer in `width` bits (at most 64) from bit `first` on. Bits from byte `end` on are zeros.
 */
export function readField(buffer: Buffer, start: number, end: number, first: number, width: number): bigint {
  const firstByte = Math.floor(first / 8);
  const lastByte = Math.floor((first + width - 1) / 8);
  let value = 0n;
  for (let byte = firstByte; byte <= lastByte; byte++) {
    value = (value << 8n) | BigInt(start + byte < end ? buffer[start + byte] : 0);
  }
  const surplus = lastByte * 8 + 8 - (first + width);
  return BigInt.asUintN(width, value >> BigInt(surplus));
}

/** Writes the lowest `width` bits of an integer to the bits from `first` on, which must be there. */
export function writeField(buffer: Buffer, start: number, first: number, width: number, value: bigint): void {
  let rest = BigInt.asUintN(width, value);
  let end = first + width;
  while (end > first) {
    const byte = Math.floor((end - 1) / 8);
    const from = Math.max(first, byte * 8);
    const shift = byte * 8 + 8 - end;
    const mask = (1 << (end - from)) - 1;
    const part = Number(BigInt.asUintN(8, rest)) & mask;
    buffer[start + byte] = (buffer[start + byte] & ~(mask << shift)) | (part << shift);
    rest >>= BigInt(end - from);
    end = from;
  }
}
