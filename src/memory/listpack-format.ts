import { type Bytes, copyBytes } from '../bytes/bytes.js';
import { readAsDecimal } from '../bytes/decimal-texts.js';
import { isInt64, readInt64, readSafeInteger } from '../bytes/integers.js';
import { TWO_32, uint32At, writeUint32 } from '../bytes/little-endian.js';

/**
 * The bytes of a listpack, as Redis publishes the format (listpack specification, and RDB files):
 *
 *     u32 total bytes   u16 number of elements   elements ...   0xff
 *
 * An element is its encoding with its data, then the length of both once more, so that a listpack can be
 * walked backwards:
 *
 *     0xxxxxxx                            integer 0 .. 127
 *     110xxxxx xxxxxxxx                   integer of 13 bits, signed
 *     11110001 .. 11110100                integer of 2, 3, 4 or 8 bytes, little-endian, after this byte
 *     10xxxxxx data                       string of up to 63 bytes
 *     1110xxxx xxxxxxxx data              string of up to 4095 bytes
 *     11110000 u32 data                   string of up to 4 GiB
 *
 * The length at the end ("backlen") has 7 bits a byte, the highest first; every byte but the first has its
 * top bit set. It is read from its last byte backwards. A string that is a canonical int64 is always stored
 * as an integer, in the shortest form that fits, so that equal strings have equal bytes.
 *
 * Functions here work on a buffer and an absolute position in it. They trust the bytes: what comes from
 * outside goes through `inspectListpack` first.
 */

export const HEADER_LENGTH = 6;
export const END = 0xff;
/** The bytes of a listpack without elements: header and end. */
export const EMPTY_LISTPACK_LENGTH = HEADER_LENGTH + 1;
/** What stands for the number of elements when it does not fit 16 bits and has to be counted. */
export const UNKNOWN_COUNT = 0xffff;

const STRING_32 = 0xf0;
const INT_16 = 0xf1;
const INT_24 = 0xf2;
const INT_32 = 0xf3;
const INT_64 = 0xf4;

/** Writes the header: all bytes of the listpack, and its number of elements, `UNKNOWN_COUNT` included. Hot. */
export function writeListpackHeader(buffer: Buffer, at: number, length: number, count: number): void {
  const told = Math.min(count, UNKNOWN_COUNT);
  writeUint32(buffer, at, length);
  buffer[at + 4] = told;
  buffer[at + 5] = told >>> 8;
}

/** The number of elements that the header tells, which may be `UNKNOWN_COUNT`. */
export function toldCount(buffer: Buffer, at: number): number {
  return buffer[at + 4] | (buffer[at + 5] << 8);
}

/** Writes a listpack without elements; returns the position after it. */
export function writeEmptyListpack(buffer: Buffer, at: number): number {
  writeListpackHeader(buffer, at, EMPTY_LISTPACK_LENGTH, 0);
  buffer[at + HEADER_LENGTH] = END;
  return at + EMPTY_LISTPACK_LENGTH;
}

/**
 * Bytes of encoding and data of the element at `at`, without its backlen. 0 if its first byte is none of an
 * element.
 */
export function entryLength(buffer: Buffer, at: number): number {
  const first = buffer[at];
  if (first < 0x80) return 1;
  if (first < 0xc0) return 1 + (first & 0x3f);
  if (first < 0xe0) return 2;
  if (first < 0xf0) return 2 + (((first & 0x0f) << 8) | buffer[at + 1]);
  switch (first) {
    case STRING_32:
      return 5 + uint32At(buffer, at + 1);
    case INT_16:
      return 3;
    case INT_24:
      return 4;
    case INT_32:
      return 5;
    case INT_64:
      return 9;
    default:
      return 0;
  }
}

/** Bytes that the backlen takes. The limits are Redis's own: from the second on one less than would fit. */
export function backlenLength(length: number): number {
  if (length < 0x80) return 1;
  if (length < 0x3fff) return 2;
  if (length < 0x1fffff) return 3;
  return length < 0xfffffff ? 4 : 5;
}

/** All bytes of the element at `at`. */
export function elementLength(buffer: Buffer, at: number): number {
  const length = entryLength(buffer, at);
  return length + backlenLength(length);
}

/** The length that the backlen ending before `end` tells; NaN if it is longer than five bytes. */
export function readBacklen(buffer: Buffer, end: number): number {
  let length = 0;
  let scale = 1;
  for (let at = end - 1; at >= end - 5; at--) {
    length += (buffer[at] & 0x7f) * scale;
    if (buffer[at] < 0x80) return length;
    scale *= 0x80;
  }
  return Number.NaN;
}

/**
 * True if what ends before `end` is the backlen of an element of `length` bytes as it is written here. Others may read
 * as the same number as long as the bytes before them stay what they are.
 */
export function isBacklenOf(length: number, buffer: Buffer, end: number): boolean {
  const first = end - backlenLength(length);
  for (let place = end - 1; place > first; place--) {
    if (buffer[place] !== (0x80 | (length & 0x7f))) return false;
    length = Math.floor(length / 0x80);
  }
  return buffer[first] === length;
}

function writeBacklen(buffer: Buffer, at: number, length: number): number {
  const end = at + backlenLength(length);
  for (let place = end - 1; place > at; place--) {
    buffer[place] = 0x80 | (length & 0x7f);
    length = Math.floor(length / 0x80);
  }
  buffer[at] = length;
  return end;
}

/** True if the element at `at` is an integer. */
export function isIntegerAt(buffer: Buffer, at: number): boolean {
  const first = buffer[at];
  return first < 0x80 || (first >= 0xc0 && first < 0xe0) || first > STRING_32;
}

/** The integer at `at`, or NaN for a string and for an integer beyond +-(2^53 - 1). */
export function integerAt(buffer: Buffer, at: number): number {
  const first = buffer[at];
  if (first < 0x80) return first;
  if (first < 0xc0) return Number.NaN;
  if (first < 0xe0) return ((((first & 0x1f) << 8) | buffer[at + 1]) << 19) >> 19;
  switch (first) {
    case INT_16:
      return ((buffer[at + 1] | (buffer[at + 2] << 8)) << 16) >> 16;
    case INT_24:
      return ((buffer[at + 1] | (buffer[at + 2] << 8) | (buffer[at + 3] << 16)) << 8) >> 8;
    case INT_32:
      return uint32At(buffer, at + 1) | 0;
    case INT_64: {
      const n = (uint32At(buffer, at + 5) | 0) * TWO_32 + uint32At(buffer, at + 1);
      return Number.isSafeInteger(n) ? n : Number.NaN;
    }
    default:
      return Number.NaN;
  }
}

/** The integer at `at` whatever its size, or undefined for a string. */
export function int64At(buffer: Buffer, at: number): bigint | undefined {
  if (buffer[at] === INT_64) return buffer.readBigInt64LE(at + 1);
  const n = integerAt(buffer, at);
  return Number.isNaN(n) ? undefined : BigInt(n);
}

/** Points `into` at the bytes of the element at `at`: a string's in place, an integer's as `readAsDecimal` does it. */
export function readElement(buffer: Buffer, at: number, into: Bytes): void {
  const first = buffer[at];
  if (first >= 0x80 && (first & 0xc0) === 0x80) return point(into, buffer, at + 1, first & 0x3f);
  if (first >= 0xe0 && first < 0xf0) {
    return point(into, buffer, at + 2, ((first & 0x0f) << 8) | buffer[at + 1]);
  }
  if (first === STRING_32) return point(into, buffer, at + 5, uint32At(buffer, at + 1));
  const n = integerAt(buffer, at);
  readAsDecimal(Number.isNaN(n) ? buffer.readBigInt64LE(at + 1) : n, into);
}

function point(into: Bytes, buffer: Buffer, start: number, length: number): void {
  into.buffer = buffer;
  into.start = start;
  into.end = start + length;
}

/**
 * An element about to be written or searched for: its encoding, and where its data is. Reused, never kept.
 */
export class EncodedElement {
  /** Encoding, length and integer. At most 9 bytes of it count. */
  private readonly head = Buffer.alloc(9);
  private headLength = 0;
  private data: Buffer = this.head;
  private dataStart = 0;
  private dataLength = 0;
  /** All bytes that the element takes. */
  length = 0;

  /** The element that holds these bytes. The view must stay valid until the element is written. */
  set(bytes: Bytes): this {
    const { buffer, start, end } = bytes;
    if (end - start <= 20) {
      const n = readSafeInteger(buffer, start, end);
      if (!Number.isNaN(n)) return this.setInteger(n);
      if (end - start >= 16 && isInt64(buffer, start, end))
        return this.setInt64(readInt64(buffer, start, end)!);
    }
    return this.setString(buffer, start, end - start);
  }

  /** The element that holds a safe integer. */
  setInteger(n: number): this {
    const { head } = this;
    if (n >= 0 && n < 0x80) {
      head[0] = n;
      return this.setHead(1);
    }
    if (n >= -4096 && n < 4096) {
      head[0] = 0xc0 | ((n >> 8) & 0x1f);
      head[1] = n;
      return this.setHead(2);
    }
    if (n >= -0x80000000 && n <= 0x7fffffff) return this.setInt32(n);
    head[0] = INT_64;
    const high = Math.floor(n / TWO_32);
    for (let i = 0; i < 4; i++) {
      head[1 + i] = n >>> (8 * i);
      head[5 + i] = high >> (8 * i);
    }
    return this.setHead(9);
  }

  /** Writes the element at `buffer[at]`; returns the position after it. */
  write(buffer: Buffer, at: number): number {
    for (let i = 0; i < this.headLength; i++) buffer[at + i] = this.head[i];
    const end = at + this.headLength + this.dataLength;
    copyBytes(buffer, at + this.headLength, this.data, this.dataStart, this.dataStart + this.dataLength);
    return writeBacklen(buffer, end, end - at);
  }

  /** True if the element at `buffer[at]` is this one. */
  isAt(buffer: Buffer, at: number): boolean {
    const { head, headLength, data, dataStart, dataLength } = this;
    for (let i = 0; i < headLength; i++) if (buffer[at + i] !== head[i]) return false;
    at += headLength;
    if (dataLength === 0) return true;
    // Strings of one length tend to differ at their end: field:17, field:18.
    if (buffer[at + dataLength - 1] !== data[dataStart + dataLength - 1]) return false;
    if (dataLength > 64)
      return data.compare(buffer, at, at + dataLength, dataStart, dataStart + dataLength) === 0;
    for (let i = 0; i < dataLength; i++) if (buffer[at + i] !== data[dataStart + i]) return false;
    return true;
  }

  private setInt32(n: number): this {
    const { head } = this;
    const size = n >= -0x8000 && n <= 0x7fff ? 2 : n >= -0x800000 && n <= 0x7fffff ? 3 : 4;
    head[0] = INT_16 + size - 2;
    for (let i = 0; i < size; i++) head[1 + i] = n >> (8 * i);
    return this.setHead(1 + size);
  }

  /** The element that holds an integer of 64 bits that is not a safe one. */
  setInt64(n: bigint): this {
    this.head[0] = INT_64;
    this.head.writeBigInt64LE(n, 1);
    return this.setHead(9);
  }

  private setHead(length: number): this {
    this.headLength = length;
    this.dataLength = 0;
    this.length = length + 1;
    return this;
  }

  private setString(buffer: Buffer, start: number, length: number): this {
    const { head } = this;
    if (length < 64) {
      head[0] = 0x80 | length;
      this.headLength = 1;
    } else if (length < 4096) {
      head[0] = 0xe0 | (length >> 8);
      head[1] = length;
      this.headLength = 2;
    } else {
      head[0] = STRING_32;
      head.writeUInt32LE(length, 1);
      this.headLength = 5;
    }
    this.data = buffer;
    this.dataStart = start;
    this.dataLength = length;
    this.length = this.headLength + length + backlenLength(this.headLength + length);
    return this;
  }
}
