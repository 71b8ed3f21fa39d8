import { lowerCase } from './bytes.js';

/**
 * The syntax of a floating-point number as C's strtod takes it and Redis lets it pass: an optional sign, then
 * decimal digits with an optional point and exponent, or `0x` hexadecimal digits with an optional point and
 * binary exponent (`p`), or `inf` / `infinity` in any case. Blanks, `nan`, an empty text and anything left
 * over are refused. How precisely the value is then kept is the affair of `doubles.ts` and `decimal.ts`.
 */
export type FloatSyntax = 'decimal' | 'hexadecimal' | 'infinite' | 'invalid';

const PLUS = 0x2b;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const LOWER_X = 0x78;
const LOWER_E = 0x65;
const LOWER_P = 0x70;
const LOWER_I = 0x69;

/** What kind of number all of `buffer[start, end)` is. One pass, nothing allocated. */
export function floatSyntax(buffer: Buffer, start: number, end: number): FloatSyntax {
  const at = skipSign(buffer, start, end);
  if (at === end) return 'invalid';
  if (lowerCase(buffer[at]) === LOWER_I) {
    return isWord(buffer, at, end, 'inf') || isWord(buffer, at, end, 'infinity') ? 'infinite' : 'invalid';
  }
  const hexadecimal = buffer[at] === ZERO && at + 1 < end && lowerCase(buffer[at + 1]) === LOWER_X;
  if (hexadecimal) return isNumber(buffer, at + 2, end, 16, LOWER_P) ? 'hexadecimal' : 'invalid';
  return isNumber(buffer, at, end, 10, LOWER_E) ? 'decimal' : 'invalid';
}

/** A number without its sign, taken apart: `digits` x `base` ^ `exponent`, the base being 10 or 2. */
export interface ScaledDigits {
  readonly digits: bigint;
  readonly exponent: number;
}

/** Takes apart a number that floatSyntax called decimal or hexadecimal; its sign, if any, is ignored. */
export function scaledDigits(text: string, syntax: 'decimal' | 'hexadecimal'): ScaledDigits {
  const hexadecimal = syntax === 'hexadecimal';
  const body = text.replace(/^[+-]?(0x)?/i, '');
  const [significand, power = '0'] = body.split(hexadecimal ? /p/i : /e/i);
  const [whole, fraction = ''] = significand.split('.');
  const digits = (whole + fraction).replace(/^0+/, '');
  const perDigit = hexadecimal ? 4 : 1;
  return {
    digits: BigInt(`${hexadecimal ? '0x' : ''}0${digits}`),
    exponent: Number(power) - fraction.length * perDigit,
  };
}

function skipSign(buffer: Buffer, start: number, end: number): number {
  return start < end && (buffer[start] === PLUS || buffer[start] === MINUS) ? start + 1 : start;
}

function isWord(buffer: Buffer, at: number, end: number, word: string): boolean {
  if (end - at !== word.length) return false;
  for (let i = 0; i < word.length; i++) if (lowerCase(buffer[at + i]) !== word.charCodeAt(i)) return false;
  return true;
}

/** Digits with at most one point, at least one digit, then perhaps `mark` with a sign and decimal digits. */
function isNumber(buffer: Buffer, at: number, end: number, base: number, mark: number): boolean {
  const whole = skipDigits(buffer, at, end, base);
  let next = whole;
  let digits = whole - at;
  if (next < end && buffer[next] === POINT) {
    next = skipDigits(buffer, next + 1, end, base);
    digits += next - whole - 1;
  }
  if (digits === 0) return false;
  if (next === end) return true;
  if (lowerCase(buffer[next]) !== mark) return false;
  const exponent = skipSign(buffer, next + 1, end);
  return exponent < end && skipDigits(buffer, exponent, end, 10) === end;
}

function skipDigits(buffer: Buffer, at: number, end: number, base: number): number {
  while (at < end && isDigit(buffer[at], base)) at++;
  return at;
}

function isDigit(byte: number, base: number): boolean {
  if (byte >= ZERO && byte <= 0x39) return true;
  const letter = lowerCase(byte);
  return base === 16 && letter >= 0x61 && letter <= 0x66;
}
