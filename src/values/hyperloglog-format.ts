/**
 * HyperLogLogs as Redis stores them in strings: 16 bytes of header and 16384 registers of 6 bits.
 *
 *   "HYLL", encoding (0 dense, 1 sparse), 3 bytes unused, cached cardinality (64 bits, little-endian; the
 *   highest bit is set when it is out of date)
 *
 * Dense: the registers one after the other, the lowest bits first, 12288 bytes. Sparse: runs of equal
 * registers.
 *
 *   00nnnnnn            n+1 registers are 0 (ZERO)
 *   01nnnnnn nnnnnnnn   n+1 registers are 0 (XZERO)
 *   1vvvvvnn            n+1 registers are v+1 (VAL)
 *
 * Source: the published description of the format in Redis's documentation.
 */
export const registerCount = 16384;
export const registerBits = 6;
export const headerSize = 16;
export const denseSize = headerSize + (registerCount * registerBits) / 8;

export const Encoding = { dense: 0, sparse: 1 } as const;

const magic = Buffer.from('HYLL', 'latin1');
const encodingAt = 4;
const cachedAt = 8;
const staleAt = 15;
const staleBit = 0x80;

const longestZero = 64;
const longestXzero = 16384;
/** Longest run of registers with a value, and the largest value, that a VAL can say. */
export const longestValueRun = 4;
export const largestSparseValue = 32;

/**
 * True if the bytes begin as a HyperLogLog, and, if dense, have its length. Whether sparse runs add up is not
 * checked.
 */
export function looksLikeHyperLogLog(buffer: Buffer, start: number, end: number): boolean {
  if (end - start < headerSize) return false;
  if (buffer.compare(magic, 0, magic.length, start, start + magic.length) !== 0) return false;
  const encoding = buffer[start + encodingAt];
  return encoding === Encoding.sparse || (encoding === Encoding.dense && end - start === denseSize);
}

export function isDense(buffer: Buffer, start: number): boolean {
  return buffer[start + encodingAt] === Encoding.dense;
}

/** Writes the header of a HyperLogLog whose cached cardinality is 0. */
export function writeHeader(buffer: Buffer, start: number, encoding: number): void {
  buffer.fill(0, start, start + headerSize);
  magic.copy(buffer, start);
  buffer[start + encodingAt] = encoding;
}

/** The cardinality that was computed last, or undefined if registers have changed since. */
export function cachedCount(buffer: Buffer, start: number): bigint | undefined {
  return (buffer[start + staleAt] & staleBit) !== 0 ? undefined : buffer.readBigUInt64LE(start + cachedAt);
}

export function cacheCount(buffer: Buffer, start: number, count: number): void {
  buffer.writeBigUInt64LE(BigInt(count), start + cachedAt);
}

/** Registers have changed: the cached cardinality is out of date. */
export function invalidateCount(buffer: Buffer, start: number): void {
  buffer[start + staleAt] |= staleBit;
}

/** Register of a dense HyperLogLog whose registers begin at `base`. */
export function readRegister(buffer: Buffer, base: number, index: number): number {
  const bit = index * registerBits;
  const at = base + (bit >>> 3);
  const shift = bit & 7;
  const low = buffer[at] >>> shift;
  // Up to a shift of 2 a register does not reach into the next byte, which may not be there.
  return (shift <= 2 ? low : low | (buffer[at + 1] << (8 - shift))) & 63;
}

export function writeRegister(buffer: Buffer, base: number, index: number, value: number): void {
  const bit = index * registerBits;
  const at = base + (bit >>> 3);
  const shift = bit & 7;
  buffer[at] = (buffer[at] & ~(63 << shift)) | (value << shift);
  if (shift > 2) buffer[at + 1] = (buffer[at + 1] & ~(63 >>> (8 - shift))) | (value >>> (8 - shift));
}

/** Raises each register of an array to the value it has in a dense HyperLogLog. 3 bytes hold 4 registers. */
export function mergeDense(buffer: Buffer, base: number, registers: Uint8Array): void {
  let at = base;
  for (let i = 0; i < registerCount; i += 4, at += 3) {
    const bits = buffer[at] | (buffer[at + 1] << 8) | (buffer[at + 2] << 16);
    if (bits === 0) continue;
    raise(registers, i, bits & 63);
    raise(registers, i + 1, (bits >>> 6) & 63);
    raise(registers, i + 2, (bits >>> 12) & 63);
    raise(registers, i + 3, bits >>> 18);
  }
}

function raise(registers: Uint8Array, index: number, value: number): void {
  if (registers[index] < value) registers[index] = value;
}

/** Bytes of the run that begins at `at`. */
export function runBytes(buffer: Buffer, at: number): number {
  return (buffer[at] & 0xc0) === 0x40 ? 2 : 1;
}

/** Registers of the run that begins at `at`. */
export function runLength(buffer: Buffer, at: number): number {
  const byte = buffer[at];
  if (byte >= 0x80) return (byte & 3) + 1;
  if (byte < 0x40) return byte + 1;
  return (((byte & 63) << 8) | buffer[at + 1]) + 1;
}

/** Value of the registers of the run that begins at `at`. */
export function runValue(buffer: Buffer, at: number): number {
  return buffer[at] >= 0x80 ? ((buffer[at] >>> 2) & 31) + 1 : 0;
}

/**
 * Writes a run and returns where the next one begins. A run with a value must not be longer than a VAL can
 * be.
 */
export function writeRun(buffer: Buffer, at: number, value: number, length: number): number {
  if (value > 0) {
    buffer[at] = 0x80 | ((value - 1) << 2) | (length - 1);
    return at + 1;
  }
  if (length <= longestZero) {
    buffer[at] = length - 1;
    return at + 1;
  }
  buffer[at] = 0x40 | ((length - 1) >>> 8);
  buffer[at + 1] = (length - 1) & 0xff;
  return at + 2;
}

/** A sparse HyperLogLog of nothing. */
export function emptySparse(): Buffer {
  const buffer = Buffer.alloc(headerSize + 2);
  writeHeader(buffer, 0, Encoding.sparse);
  writeRun(buffer, headerSize, 0, longestXzero);
  return buffer;
}
