import type { Bytes } from './bytes.js';
import { floatSyntax, scaledDigits } from './float-syntax.js';
import { type BinaryFloat, divideRounding, roundToBinary } from './rounding.js';

/**
 * The arithmetic of INCRBYFLOAT and HINCRBYFLOAT. Redis computes it in x86's 80-bit long double (64 bits of
 * mantissa) and prints 17 fractional digits without trailing zeros, so that 0.1 + 0.2 is 0.3. Here the same
 * numbers are kept as BigInt mantissa and exponent, and every step is rounded exactly as the 80-bit format
 * rounds, so that the results are the same to the last digit on every machine.
 */

/** A long double: a finite one is mantissa x 2 ^ exponent with a signed mantissa of at most 64 bits. */
export type LongDouble = BinaryFloat | 'infinity' | '-infinity';

const PRECISION_BITS = 64;
const MIN_EXPONENT = -16445; // of the last bit of the smallest subnormal number
const MAX_BITS = 16384; // all finite numbers are below 2^16384
const FRACTION_DIGITS = 17;
const FRACTION_SCALE = 10n ** BigInt(FRACTION_DIGITS);

// Decimal exponents outside of which the number is infinite or zero for sure, so that no huge power is
// computed.
const MAX_DECIMAL_EXPONENT = 4940;
const MIN_DECIMAL_EXPONENT = -5000;
const MAX_BINARY_EXPONENT = 16400;
const MIN_BINARY_EXPONENT = -16500;

/** Redis has a buffer of that size for long doubles, with a zero byte at the end. */
const MAX_TEXT_LENGTH = 5119;

/**
 * The long double nearest to the number that the bytes spell, or undefined: "value is not a valid float".
 * That are texts outside `floatSyntax`, longer ones than `MAX_TEXT_LENGTH`, numbers that do not fit (1e5000), and
 * numbers so small that they would become 0.
 */
export function parseLongDouble(bytes: Bytes): LongDouble | undefined {
  if (bytes.length > MAX_TEXT_LENGTH) return undefined;
  const syntax = floatSyntax(bytes.buffer, bytes.start, bytes.end);
  if (syntax === 'invalid') return undefined;
  const negative = bytes.buffer[bytes.start] === 0x2d;
  if (syntax === 'infinite') return negative ? '-infinity' : 'infinity';
  const magnitude = readMagnitude(bytes.buffer.toString('latin1', bytes.start, bytes.end), syntax);
  if (magnitude === undefined || magnitude === 'infinity') return undefined;
  return negative ? { mantissa: -magnitude.mantissa, exponent: magnitude.exponent } : magnitude;
}

/**
 * The sum, printed as Redis prints it. Undefined if it is infinite or not a number: "increment would produce
 * NaN or Infinity".
 */
export function addDecimal(a: LongDouble, b: LongDouble): string | undefined {
  if (typeof a === 'string' || typeof b === 'string') return undefined;
  const exponent = Math.min(a.exponent, b.exponent);
  const sum = (a.mantissa << BigInt(a.exponent - exponent)) + (b.mantissa << BigInt(b.exponent - exponent));
  const negative = sum < 0n;
  const rounded = round(negative ? -sum : sum, 1n, exponent);
  if (rounded === 'infinity') return undefined;
  return formatMagnitude(rounded, negative);
}

function readMagnitude(
  text: string,
  syntax: 'decimal' | 'hexadecimal',
): BinaryFloat | 'infinity' | undefined {
  const { digits, exponent } = scaledDigits(text, syntax);
  if (digits === 0n) return { mantissa: 0n, exponent: 0 };
  const decimal = syntax === 'decimal';
  const order = exponent + (decimal ? digits.toString().length : digits.toString(2).length);
  if (order > (decimal ? MAX_DECIMAL_EXPONENT : MAX_BINARY_EXPONENT)) return undefined;
  if (order < (decimal ? MIN_DECIMAL_EXPONENT : MIN_BINARY_EXPONENT)) return undefined;
  const magnitude = decimal ? roundDecimal(digits, exponent) : round(digits, 1n, exponent);
  return magnitude !== 'infinity' && magnitude.mantissa === 0n ? undefined : magnitude;
}

function roundDecimal(digits: bigint, exponent: number): BinaryFloat | 'infinity' {
  const power = 10n ** BigInt(Math.abs(exponent));
  return exponent >= 0 ? round(digits * power, 1n, 0) : round(digits, power, 0);
}

/** numerator / denominator x 2 ^ exponent as a long double. */
function round(numerator: bigint, denominator: bigint, exponent: number): BinaryFloat | 'infinity' {
  const rounded = roundToBinary(numerator, denominator, PRECISION_BITS, MIN_EXPONENT - exponent);
  const scaled = { mantissa: rounded.mantissa, exponent: rounded.exponent + exponent };
  return scaled.mantissa >> BigInt(Math.max(0, MAX_BITS - scaled.exponent)) === 0n ? scaled : 'infinity';
}

function formatMagnitude({ mantissa, exponent }: BinaryFloat, negative: boolean): string {
  const scaled =
    exponent >= 0
      ? (mantissa << BigInt(exponent)) * FRACTION_SCALE
      : divideRounding(mantissa * FRACTION_SCALE, 1n << BigInt(-exponent));
  if (scaled === 0n) return '0'; // never -0
  const digits = scaled.toString().padStart(FRACTION_DIGITS + 1, '0');
  const fraction = digits.slice(-FRACTION_DIGITS).replace(/0+$/, '');
  const whole = (negative ? '-' : '') + digits.slice(0, -FRACTION_DIGITS);
  return fraction === '' ? whole : `${whole}.${fraction}`;
}
