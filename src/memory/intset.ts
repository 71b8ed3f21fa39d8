import type { Bytes } from '../bytes/bytes.js';
import { readAsDecimal } from '../bytes/decimal-texts.js';
import { readInt64, readSafeInteger } from '../bytes/integers.js';
import { TWO_32, uint32At } from '../bytes/little-endian.js';
import { type PackedBytes, splice } from './packed-bytes.js';

/**
 * A set of 64-bit integers in one piece of memory: what small sets of integers are. The format is Redis's, as
 * in RDB files, all little-endian:
 *
 *     u32 bytes of each integer: 2, 4 or 8     u32 number of integers     integers, ascending, none twice
 *
 * The first integer that needs more bytes widens all of them; nothing makes them narrower again.
 */

/** A member: a number, or a bigint where a number would not be exact (beyond 2^53 - 1), and only there. */
export type Int64 = number | bigint;

/** The bytes of an intset without members. */
export const EMPTY_INTSET_LENGTH = 8;

const HEADER = EMPTY_INTSET_LENGTH;

/** Writes an intset without members; returns the position after it. */
export function writeEmptyIntset(buffer: Buffer, at: number): number {
  buffer.writeUInt32LE(2, at);
  return buffer.writeUInt32LE(0, at + 4);
}

/**
 * The member that the bytes spell, or undefined if they are not a canonical int64 and so cannot be in an
 * intset.
 */
export function parseMember(bytes: Bytes): Int64 | undefined {
  const { buffer, start, end } = bytes;
  const n = readSafeInteger(buffer, start, end);
  return Number.isNaN(n) ? readInt64(buffer, start, end) : n;
}

/** True if `buffer[start, end)` is an intset: for bytes from files and from the network. O(n). */
export function isValidIntset(buffer: Buffer, start: number, end: number): boolean {
  if (end - start < HEADER) return false;
  const width = buffer.readUInt32LE(start);
  const count = buffer.readUInt32LE(start + 4);
  if (width !== 2 && width !== 4 && width !== 8) return false;
  if (end - start !== HEADER + count * width) return false;
  for (let at = start + HEADER + width; at < end; at += width) {
    if (compareAt(buffer, at - width, width, highAt(buffer, at, width), lowAt(buffer, at, width)) >= 0)
      return false;
  }
  return true;
}

/**
 * Works on the intset that its owner's memory holds. One Intset serves many: see `Listpack`. Finding takes
 * O(log n); adding and removing move the bytes behind. Numbers allocate nothing.
 */
export class Intset {
  // Where `search` found the member, or where it belongs.
  private place = 0;

  constructor(readonly memory: PackedBytes) {}

  get count(): number {
    return uint32At(this.memory.buffer, this.memory.offset + 4);
  }

  has(member: Int64): boolean {
    return this.search(member);
  }

  /** The index of a member among the ascending members, -1 if there is no such. */
  indexOf(member: Int64): number {
    return this.search(member) ? this.place : -1;
  }

  /** The member with that index, which must be below the count. */
  get(index: number): Int64 {
    const { buffer, offset } = this.memory;
    const { width } = this;
    const at = offset + HEADER + index * width;
    const high = highAt(buffer, at, width);
    const n = high * TWO_32 + lowAt(buffer, at, width);
    return Number.isSafeInteger(n) ? n : (BigInt(high) << 32n) | BigInt(lowAt(buffer, at, width));
  }

  /** Points `into` at the decimal text of the member with that index, as `readAsDecimal` does it. */
  read(index: number, into: Bytes): void {
    readAsDecimal(this.get(index), into);
  }

  /** Adds a member; false if it is there already. */
  add(member: Int64): boolean {
    const needed = widthOf(member);
    if (needed > this.width) {
      this.widen(needed, member < 0);
      this.place = member < 0 ? 0 : this.count;
    } else {
      if (this.search(member)) return false;
      splice(this.memory, HEADER + this.place * this.width, 0, this.width);
    }
    this.write(this.place, highOf(member), lowOf(member));
    this.setCount(this.count + 1);
    return true;
  }

  /** Removes a member; false if there is no such. */
  remove(member: Int64): boolean {
    if (!this.search(member)) return false;
    this.removeAt(this.place);
    return true;
  }

  /** Removes the member with that index, which must be below the count. */
  removeAt(index: number): void {
    splice(this.memory, HEADER + index * this.width, this.width, 0);
    this.setCount(this.count - 1);
  }

  private get width(): number {
    return this.memory.buffer[this.memory.offset];
  }

  /** Sets `place`; true if the member is there. */
  private search(member: Int64): boolean {
    const { width, count } = this;
    let low = 0;
    let high = count;
    if (widthOf(member) > width) {
      this.place = member < 0 ? 0 : count;
      return false;
    }
    const { buffer, offset } = this.memory;
    const base = offset + HEADER;
    const memberHigh = highOf(member);
    const memberLow = lowOf(member);
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = compareAt(buffer, base + middle * width, width, memberHigh, memberLow);
      if (order === 0) {
        this.place = middle;
        return true;
      }
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    this.place = low;
    return false;
  }

  /** Gives every member more bytes and makes room for one more, before or behind the others. */
  private widen(width: number, roomBefore: boolean): void {
    const { count, width: oldWidth } = this;
    this.memory.resize(HEADER + (count + 1) * width);
    const { buffer, offset } = this.memory;
    buffer[offset] = width;
    const shift = roomBefore ? 1 : 0;
    for (let i = count - 1; i >= 0; i--) {
      const at = offset + HEADER + i * oldWidth;
      this.write(i + shift, highAt(buffer, at, oldWidth), lowAt(buffer, at, oldWidth));
    }
  }

  private write(index: number, high: number, low: number): void {
    const { buffer, offset } = this.memory;
    const { width } = this;
    const at = offset + HEADER + index * width;
    for (let i = 0; i < width; i++) buffer[at + i] = i < 4 ? low >>> (8 * i) : high >>> (8 * (i - 4));
  }

  private setCount(count: number): void {
    const { buffer, offset } = this.memory;
    for (let i = 0; i < 4; i++) buffer[offset + 4 + i] = count >>> (8 * i);
  }
}

function widthOf(member: Int64): number {
  if (member >= -0x8000 && member <= 0x7fff) return 2;
  return member >= -0x80000000 && member <= 0x7fffffff ? 4 : 8;
}

// A 64-bit integer is handled as its high half, signed, and its low half, unsigned.

function highOf(member: Int64): number {
  return typeof member === 'number' ? Math.floor(member / TWO_32) : Number(member >> 32n);
}

function lowOf(member: Int64): number {
  return typeof member === 'number' ? member >>> 0 : Number(member & 0xffffffffn);
}

function highAt(buffer: Buffer, at: number, width: number): number {
  return width === 8 ? uint32At(buffer, at + 4) | 0 : (buffer[at + width - 1] << 24) >> 31;
}

function lowAt(buffer: Buffer, at: number, width: number): number {
  return width === 2 ? (((buffer[at] | (buffer[at + 1] << 8)) << 16) >> 16) >>> 0 : uint32At(buffer, at);
}

/** The order of the member at `at` and the one in two halves: negative, 0 or positive. */
function compareAt(buffer: Buffer, at: number, width: number, high: number, low: number): number {
  const difference = highAt(buffer, at, width) - high;
  return difference !== 0 ? difference : lowAt(buffer, at, width) - low;
}
