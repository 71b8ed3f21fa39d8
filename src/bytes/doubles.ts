import { floatSyntax, scaledDigits } from './float-syntax.js';
import { readSafeInteger, writeInteger } from './integers.js';
import { roundToBinary } from './rounding.js';

/**
 * 64-bit floating-point numbers as text: sorted set scores, and doubles in replies.
 *
 * Redis 7.2 prints the shortest digits that read back as the same number; Redis 7.0 and C's `%.17g` print 17
 * digits (0.1 is 0.10000000000000001). Both forms are here; the first is the one that clients see.
 */

const MINUS = 0x2d;

/** Most bytes that formatDouble, formatDouble17 and writeDouble produce. */
export const MAX_DOUBLE_LENGTH = 32;

/** Integers up to here are printed digit by digit, not in shortest form. */
const PLAIN_INTEGER_LIMIT = 2 ** 62;

/**
 * A double as Redis 7.2 prints it: `inf`, `-inf`, `nan`, `-0`; whole numbers up to 2^62 in full; otherwise
 * the shortest digits that read back as the same number, with an exponent (`1e+21`, `1.5e-7`) where the plain
 * form would have more than 6 fractional digits or 6 trailing zeros, by the rule explained at `layOut`.
 */
export function formatDouble(n: number): string {
  if (Number.isSafeInteger(n)) return Object.is(n, -0) ? '-0' : String(n);
  if (!Number.isFinite(n)) return nonFinite(n);
  const magnitude = Math.abs(n);
  if (Number.isInteger(n) && magnitude <= PLAIN_INTEGER_LIMIT) return BigInt(n).toString();
  if (magnitude >= 1e-3 && magnitude < 1e4) return String(n); // where both notations agree
  return layOut(n);
}

/**
 * Writes what formatDouble returns at `buffer[at]`; returns the position after it. Whole numbers make no
 * string.
 */
export function writeDouble(buffer: Buffer, at: number, n: number): number {
  if (Number.isSafeInteger(n) && !Object.is(n, -0)) return writeInteger(buffer, at, n);
  return at + buffer.write(formatDouble(n), at, 'latin1');
}

/** A double as C's `%.17g` prints it: 17 significant digits without trailing zeros. */
export function formatDouble17(n: number): string {
  if (!Number.isFinite(n)) return nonFinite(n);
  if (n === 0) return Object.is(n, -0) ? '-0' : '0';
  const [significand, power] = seventeenDigits(n).split('e');
  const exponent = Number(power);
  const negative = significand[0] === '-' ? '-' : '';
  const digits = significand.replace(/[-.]/g, '').replace(/0+$/, '');
  if (exponent < -4 || exponent >= 17) {
    const sign = exponent < 0 ? '-' : '+';
    return `${negative}${withPoint(digits, 1)}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  if (exponent < 0) return `${negative}0.${'0'.repeat(-exponent - 1)}${digits}`;
  return negative + withPoint(digits.padEnd(exponent + 1, '0'), exponent + 1);
}

/** Longer texts are refused: no number needs as much, and reading it would hold everybody up. Redis has no limit. */
const MAX_TEXT_LENGTH = 1024 * 1024;

/**
 * The double written in `buffer[start, end)`, or undefined where Redis says that it is not a float: see
 * `floatSyntax`; also numbers too large for a double, and those so small that they would be 0.
 * Whole numbers and short decimals are read without an allocation.
 */
export function parseDouble(buffer: Buffer, start: number, end: number): number | undefined {
  const fast = readShortDecimal(buffer, start, end);
  if (!Number.isNaN(fast)) return fast;
  if (end - start > MAX_TEXT_LENGTH) return undefined;
  const syntax = floatSyntax(buffer, start, end);
  if (syntax === 'invalid') return undefined;
  const negative = buffer[start] === MINUS;
  if (syntax === 'infinite') return negative ? -Infinity : Infinity;
  const text = buffer.toString('latin1', start, end);
  const n = syntax === 'decimal' ? Number(text) : readHexadecimal(text, negative);
  if (!Number.isFinite(n)) return undefined;
  return n !== 0 || isZero(text) ? n : undefined;
}

// Powers of ten that a double holds exactly.
const POWERS_OF_TEN = Array.from({ length: 16 }, (_, exponent) => 10 ** exponent);

/**
 * Digits with at most one point between them, 16 characters at most, after an optional minus: both the digits
 * and the power of ten are exact as doubles, so one division rounds correctly. Leading zeros are common, as
 * redis-benchmark sends them. NaN for everything else, 0 included unless it is just that.
 */
function readShortDecimal(buffer: Buffer, start: number, end: number): number {
  const integer = readSafeInteger(buffer, start, end);
  if (!Number.isNaN(integer)) return integer;
  let at = buffer[start] === MINUS ? start + 1 : start;
  if (end - at > 16 || end === at) return Number.NaN;
  let n = 0;
  let decimals = -1;
  for (; at < end; at++) {
    const digit = buffer[at] - 0x30;
    if (digit >= 0 && digit <= 9) {
      n = n * 10 + digit;
      if (decimals >= 0) decimals++;
    } else if (buffer[at] === 0x2e && decimals < 0) {
      decimals = 0;
    } else {
      return Number.NaN;
    }
  }
  if (decimals === 0 || n === 0 || n > Number.MAX_SAFE_INTEGER) return Number.NaN;
  if (decimals > 0) n /= POWERS_OF_TEN[decimals];
  return buffer[start] === MINUS ? -n : n;
}

function nonFinite(n: number): string {
  if (Number.isNaN(n)) return 'nan';
  return n < 0 ? '-inf' : 'inf';
}

/** True if all digits before the exponent are 0. */
function isZero(text: string): boolean {
  return !/[1-9a-f]/i.test(text.replace(/^[+-]?0x/i, '').replace(/[ep][+-]?[0-9]*$/i, ''));
}

/** Hexadecimal digits scaled by a power of two, rounded to 53 bits as the hardware would. */
function readHexadecimal(text: string, negative: boolean): number {
  const { digits, exponent } = scaledDigits(text, 'hexadecimal');
  const n = binaryToNumber(digits, exponent);
  return negative ? -n : n;
}

function binaryToNumber(digits: bigint, exponent: number): number {
  if (digits === 0n) return 0;
  // At most 3 above the exponent of the first bit.
  const magnitude = digits.toString(16).length * 4 + exponent;
  if (magnitude > 1028) return Infinity;
  if (magnitude < -1080) return 0;
  const numerator = exponent >= 0 ? digits << BigInt(exponent) : digits;
  const denominator = exponent >= 0 ? 1n : 1n << BigInt(-exponent);
  const rounded = roundToBinary(numerator, denominator, 53, -1074);
  // In two steps, as 2^-1074 times 2^52 is in range where 2^1074 is not.
  const half = Math.trunc(rounded.exponent / 2);
  return Number(rounded.mantissa) * 2 ** half * 2 ** (rounded.exponent - half);
}

/** `n.toExponential(16)`, but with a tie in the 18th digit rounded to even as C does, not up. */
function seventeenDigits(n: number): string {
  const rounded = n.toExponential(16);
  const exact = n.toExponential(60);
  const point = exact.indexOf('.');
  const tie = /^50*e/.test(exact.slice(point + 17));
  if (!tie) return rounded;
  const truncated = exact.slice(0, point + 17) + exact.slice(exact.indexOf('e'));
  return Number(exact[point + 16]) % 2 === 0 ? truncated : rounded;
}

function withPoint(digits: string, whole: number): string {
  return digits.length > whole ? `${digits.slice(0, whole)}.${digits.slice(whole)}` : digits;
}

/**
 * The shortest digits, laid out as the fpconv library does, which Redis 7.2 prints with. With the value
 * written as digits x 10^scale and as d.ddd x 10^exponent:
 *   - whole numbers are plain as long as that adds at most 6 zeros or so (exponent < number of digits + 7),
 *   - fractions are plain if scale > -7 or the exponent is within -3 .. 3,
 *   - the rest has an exponent with a sign and no padding.
 */
function layOut(n: number): string {
  const [significand, power] = Math.abs(n).toExponential().split('e');
  const negative = n < 0 ? '-' : '';
  const digits = significand.replace('.', '');
  const exponent = Number(power);
  const scale = exponent - digits.length + 1;
  if (scale >= 0 && exponent < digits.length + 7) return negative + digits + '0'.repeat(scale);
  if (scale < 0 && (scale > -7 || Math.abs(exponent) < 4)) {
    if (exponent < 0) return `${negative}0.${'0'.repeat(-exponent - 1)}${digits}`;
    return negative + withPoint(digits, exponent + 1);
  }
  return `${negative}${withPoint(digits, 1)}e${exponent < 0 ? '-' : '+'}${Math.abs(exponent)}`;
}
