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
export const REGISTER_COUNT = 16384;
export const REGISTER_BITS = 6;
export const HEADER_SIZE = 16;
export const DENSE_SIZE = HEADER_SIZE + (REGISTER_COUNT * REGISTER_BITS) / 8;

export const Encoding = { dense: 0, sparse: 1 } as const;

const magic = Buffer.from('HYLL', 'latin1');
const ENCODING_AT = 4;
const CACHED_AT = 8;
const STALE_AT = 15;
const STALE_BIT = 0x80;

const LONGEST_ZERO = 64;
const LONGEST_XZERO = 16384;
/** Longest run of registers with a value, and the largest value, that a VAL can say. */
export const LONGEST_VALUE_RUN = 4;
export const LARGEST_SPARSE_VALUE = 32;

/**
 * True if the bytes begin as a HyperLogLog, and, if dense, have its length. Whether sparse runs add up is not
 * checked.
 */
export function looksLikeHyperLogLog(buffer: Buffer, start: number, end: number): boolean {
  if (end - start < HEADER_SIZE) return false;
  if (buffer.compare(magic, 0, magic.length, start, start + magic.length) !== 0) return false;
  const encoding = buffer[start + ENCODING_AT];
  return encoding === Encoding.sparse || (encoding === Encoding.dense && end - start === DENSE_SIZE);
}

export function isDense(buffer: Buffer, start: number): boolean {
  return buffer[start + ENCODING_AT] === Encoding.dense;
}

/** Writes the header of a HyperLogLog whose cached cardinality is 0. */
export function writeHeader(buffer: Buffer, start: number, encoding: number): void {
  buffer.fill(0, start, start + HEADER_SIZE);
  magic.copy(buffer, start);
  buffer[start + ENCODING_AT] = encoding;
}

/** The cardinality that was computed last, or undefined if registers have changed since. */
export function cachedCount(buffer: Buffer, start: number): bigint | undefined {
  return (buffer[start + STALE_AT] & STALE_BIT) !== 0 ? undefined : buffer.readBigUInt64LE(start + CACHED_AT);
}

export function cacheCount(buffer: Buffer, start: number, count: number): void {
  buffer.writeBigUInt64LE(BigInt(count), start + CACHED_AT);
}

/** Registers have changed: the cached cardinality is out of date. */
export function invalidateCount(buffer: Buffer, start: number): void {
  buffer[start + STALE_AT] |= STALE_BIT;
}

/** Register of a dense HyperLogLog whose registers begin at `base`. */
export function readRegister(buffer: Buffer, base: number, index: number): number {
  const bit = index * REGISTER_BITS;
  const at = base + (bit >>> 3);
  const shift = bit & 7;
  const low = buffer[at] >>> shift;
  // Up to a shift of 2 a register does not reach into the next byte, which may not be there.
  return (shift <= 2 ? low : low | (buffer[at + 1] << (8 - shift))) & 63;
}

export function writeRegister(buffer: Buffer, base: number, index: number, value: number): void {
  const bit = index * REGISTER_BITS;
  const at = base + (bit >>> 3);
  const shift = bit & 7;
  buffer[at] = (buffer[at] & ~(63 << shift)) | (value << shift);
  if (shift > 2) buffer[at + 1] = (buffer[at + 1] & ~(63 >>> (8 - shift))) | (value >>> (8 - shift));
}

/** Raises each register of an array to the value it has in a dense HyperLogLog. 3 bytes hold 4 registers. */
export function mergeDense(buffer: Buffer, base: number, registers: Uint8Array): void {
  let at = base;
  for (let i = 0; i < REGISTER_COUNT; i += 4, at += 3) {
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
  if (length <= LONGEST_ZERO) {
    buffer[at] = length - 1;
    return at + 1;
  }
  buffer[at] = 0x40 | ((length - 1) >>> 8);
  buffer[at + 1] = (length - 1) & 0xff;
  return at + 2;
}

/** A sparse HyperLogLog of nothing. */
export function emptySparse(): Buffer {
  const buffer = Buffer.alloc(HEADER_SIZE + 2);
  writeHeader(buffer, 0, Encoding.sparse);
  writeRun(buffer, HEADER_SIZE, 0, LONGEST_XZERO);
  return buffer;
}
