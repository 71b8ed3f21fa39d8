import type { Bytes } from './bytes.js';

/**
 * Decimal integers in bytes, read as strictly as Redis reads them: digits with an optional `-`, and nothing
 * else. No `+`, no blanks, no leading zeros, no `-0`, so that each number has one spelling and a value can be
 * kept as a number and printed back unchanged. The range is that of a signed 64-bit integer; within +-(2^53 -
 * 1) plain numbers are used, beyond it BigInt, and only there.
 */

const ZERO = 0x30;
const NINE = 0x39;
const MINUS = 0x2d;
const PLUS = 0x2b;

/** Most bytes that an int64 or a uint64 takes in decimal. */
export const MAX_INTEGER_LENGTH = 20;

export const INT64_MIN = -(2n ** 63n);
export const INT64_MAX = 2n ** 63n - 1n;
const UINT64_MAX = 2n ** 64n - 1n;

// 9223372036854775807 in two halves that doubles hold exactly: 9 digits and 10 digits.
const INT64_HIGH = 922337203;
const INT64_LOW = 6854775807;
const LOW_DIGITS = 10;
const LOW_SCALE = 10n ** 10n;

/**
 * The integer written in `buffer[start, end)`, or NaN if that is not a canonical integer of at most 2^53 - 1
 * in magnitude. Hot: about 2 ns a digit, no allocation.
 */
export function readSafeInteger(buffer: Buffer, start: number, end: number): number {
  const length = end - start;
  let at = start;
  if (length === 0) return Number.NaN;
  const negative = buffer[at] === MINUS;
  if (negative) at++;
  const digits = end - at;
  if (digits === 0 || digits > 16) return Number.NaN;
  let n = buffer[at++] - ZERO;
  if (n < 0 || n > 9) return Number.NaN;
  if (n === 0) return length === 1 ? 0 : Number.NaN;
  while (at < end) {
    const digit = buffer[at++] - ZERO;
    if (digit < 0 || digit > 9) return Number.NaN;
    n = n * 10 + digit;
  }
  // 16 digits stay below 2^54, where rounding cannot bring a number above the limit back under it.
  if (n > Number.MAX_SAFE_INTEGER) return Number.NaN;
  return negative ? -n : n;
}

/**
 * The number written in `buffer[start, end)` if it is a canonical one of up to nine digits and no sign, else -1. Hot:
 * as `readSafeInteger` for the numbers that most are, in integer arithmetic.
 */
export function readShortNumber(buffer: Buffer, start: number, end: number): number {
  const length = end - start;
  if (length === 0 || length > 9) return -1;
  let n = buffer[start] - ZERO;
  if (n < 0 || n > 9 || (n === 0 && length > 1)) return -1;
  for (let at = start + 1; at < end; at++) {
    const digit = buffer[at] - ZERO;
    if (digit < 0 || digit > 9) return -1;
    n = (Math.imul(n, 10) + digit) | 0;
  }
  return n;
}

/** The least and the greatest number of so many digits, up to nine. */
const LEAST = new Int32Array([0, 0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8]);
const GREATEST = LEAST.map((_, digits) => 10 ** digits - 1);

/**
 * The sum of an integer and the short number (see `readShortNumber`) in `buffer[start, end)`; -1 if that is no such
 * number, or the sum is not one of as many digits.
 */
export function sumOfSameLength(buffer: Buffer, start: number, end: number, increment: number): number {
  if (increment < -1e9 || increment > 1e9) return -1;
  const old = readShortNumber(buffer, start, end);
  if (old < 0) return -1;
  const sum = (old + increment) | 0;
  return sum >= LEAST[end - start] && sum <= GREATEST[end - start] ? sum : -1;
}

/** True if `buffer[start, end)` is a canonical int64: what decides the `int` encoding of a string. */
export function isInt64(buffer: Buffer, start: number, end: number): boolean {
  if (!isCanonical(buffer, start, end)) return false;
  const negative = buffer[start] === MINUS;
  const digits = end - start - (negative ? 1 : 0);
  if (digits !== 19) return digits < 19;
  const middle = end - LOW_DIGITS;
  const high = readDigits(buffer, middle - 9, middle);
  if (high !== INT64_HIGH) return high < INT64_HIGH;
  return readDigits(buffer, middle, end) <= INT64_LOW + (negative ? 1 : 0);
}

/**
 * The int64 written in `buffer[start, end)`, or undefined if it is not a canonical one. Allocates a BigInt.
 */
export function readInt64(buffer: Buffer, start: number, end: number): bigint | undefined {
  const small = readSafeInteger(buffer, start, end);
  if (!Number.isNaN(small)) return BigInt(small);
  if (!isInt64(buffer, start, end)) return undefined;
  const negative = buffer[start] === MINUS;
  const magnitude = readMagnitude(buffer, negative ? start + 1 : start, end);
  return negative ? -magnitude : magnitude;
}

/**
 * As readInt64, but the nearest number: for counts, indexes and times, where what is beyond 2^53 only has to
 * be recognized as huge. NaN if it is not a canonical int64.
 */
export function readInt64AsNumber(buffer: Buffer, start: number, end: number): number {
  const small = readSafeInteger(buffer, start, end);
  if (!Number.isNaN(small) || !isInt64(buffer, start, end)) return small;
  return Number(readInt64(buffer, start, end));
}

/** The canonical unsigned 64-bit integer written in `buffer[start, end)`, or undefined. */
export function readUint64(buffer: Buffer, start: number, end: number): bigint | undefined {
  if (end === start || buffer[start] === MINUS || end - start > MAX_INTEGER_LENGTH) return undefined;
  if (!isCanonical(buffer, start, end)) return undefined;
  const n = readMagnitude(buffer, start, end);
  return n <= UINT64_MAX ? n : undefined;
}

/**
 * A SCAN cursor, read as loosely as Redis reads it (C's strtoul): a sign and leading zeros are taken, a `-`
 * counts down from 2^64, no digits at all are 0. Undefined for anything else and beyond 64 bits: an invalid
 * cursor.
 */
export function readCursor(buffer: Buffer, start: number, end: number): bigint | undefined {
  if (start === end) return 0n;
  const sign = buffer[start];
  let at = sign === MINUS || sign === PLUS ? start + 1 : start;
  if (at === end) return undefined;
  while (at < end - 1 && buffer[at] === ZERO) at++;
  const magnitude = readUint64(buffer, at, end);
  if (magnitude === undefined || sign !== MINUS) return magnitude;
  return BigInt.asUintN(64, -magnitude);
}

/** readInt64 of a view. */
export function parseInt64(bytes: Bytes): bigint | undefined {
  return readInt64(bytes.buffer, bytes.start, bytes.end);
}

/**
 * The decimal text of an integer. Beyond 2^53 a number is rounded, to one that may be above `most`, the greatest that
 * was possible, and its usual text may be in powers of ten.
 */
export function integerText(n: number, most: bigint | number = INT64_MAX): string {
  if (Number.isSafeInteger(n)) return String(n);
  const exact = BigInt(n);
  return String(exact > most ? most : exact);
}

/**
 * Writes a safe integer in decimal at `buffer[at]` and returns the position after it. The caller has made
 * sure of `integerLength(n)` bytes. Hot: no string is made.
 */
export function writeInteger(buffer: Buffer, at: number, n: number): number {
  if (n < 0) {
    buffer[at++] = MINUS;
    n = -n;
  }
  if (n < 10) {
    buffer[at] = ZERO + n;
    return at + 1;
  }
  const end = at + digitCount(n);
  if (n <= 0x7fffffff) {
    writeDigits(buffer, end, n, at);
    return end;
  }
  // Two parts of at most 31 bits each, so that the divisions are integer ones.
  const high = Math.floor(n / 1e8);
  writeDigits(buffer, end, n - high * 1e8, end - 8);
  writeDigits(buffer, end - 8, high, at);
  return end;
}

/** Writes an int64 or uint64 in decimal at `buffer[at]` and returns the position after it. */
export function writeBigInteger(buffer: Buffer, at: number, n: bigint): number {
  return at + buffer.write(n.toString(), at, 'latin1');
}

/** Bytes that a safe integer takes in decimal, its sign included. */
export function integerLength(n: number): number {
  return n < 0 ? 1 + digitCount(-n) : digitCount(n);
}

/** Digits of a number from 0 on. */
export function digitCount(n: number): number {
  if (n < 10) return 1;
  if (n < 100) return 2;
  if (n < 1000) return 3;
  if (n < 10000) return 4;
  let digits = 5;
  for (let limit = 100000; n >= limit; limit *= 10) digits++;
  return digits;
}

/** Overwrites `buffer[start, end)` with a number of as many digits, at most nine. Hot. */
export function writeShortNumber(buffer: Buffer, start: number, end: number, n: number): void {
  writeDigits(buffer, end, n, start);
}

/** Writes `n` (31 bits) so that it ends before `end`, and fills up with zeros to `start`. */
function writeDigits(buffer: Buffer, end: number, n: number, start: number): void {
  n |= 0; // known to be small from here on: the division becomes a multiplication of integers
  while (end > start) {
    const tenth = (n / 10) | 0;
    buffer[--end] = ZERO + (n - Math.imul(tenth, 10));
    n = tenth;
  }
}

/** An optional minus and digits without a leading zero, at most 20 bytes; not `-0`. */
function isCanonical(buffer: Buffer, start: number, end: number): boolean {
  if (end - start > MAX_INTEGER_LENGTH || end === start) return false;
  const first = buffer[start] === MINUS ? start + 1 : start;
  if (first === end) return false;
  if (buffer[first] === ZERO) return end - start === 1;
  for (let at = first; at < end; at++) if (buffer[at] < ZERO || buffer[at] > NINE) return false;
  return true;
}

/** Up to 15 digits as a number. The caller knows that they are digits. */
function readDigits(buffer: Buffer, start: number, end: number): number {
  let n = 0;
  for (let at = start; at < end; at++) n = n * 10 + (buffer[at] - ZERO);
  return n;
}

function readMagnitude(buffer: Buffer, start: number, end: number): bigint {
  const middle = Math.max(start, end - LOW_DIGITS);
  return BigInt(readDigits(buffer, start, middle)) * LOW_SCALE + BigInt(readDigits(buffer, middle, end));
}
