import { parseDouble } from '../../bytes/doubles.js';

/**
 * Numbers of JSON texts as cjson reads them: everything that C's `strtod` takes. Texts end with a byte 0, so
 * the functions need no end.
 */

const PLUS = 0x2b;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const LOWER_E = 0x65;
const LOWER_P = 0x70;
const LOWER_X = 0x78;

/**
 * True of what only `decode_invalid_numbers` allows: a plus sign, leading zeros, hexadecimal digits, infinity,
 * not a number.
 */
export function isUnusualNumber(text: Buffer, start: number): boolean {
  if (text[start] === PLUS) return true;
  const at = text[start] === MINUS ? start + 1 : start;
  if (text[at] === ZERO) return (text[at + 1] | 0x20) === LOWER_X || isDigit(text[at + 1]);
  return isWord(text, at, 'inf') || isWord(text, at, 'nan');
}

/** Where the number that begins at `start` ends; `start` if there is none. */
export function numberEnd(text: Buffer, start: number): number {
  const at = text[start] === PLUS || text[start] === MINUS ? start + 1 : start;
  if (isWord(text, at, 'infinity')) return at + 8;
  if (isWord(text, at, 'inf')) return at + 3;
  if (isWord(text, at, 'nan')) return nanEnd(text, at + 3);
  if (text[at] === ZERO && (text[at + 1] | 0x20) === LOWER_X) {
    const end = digitsEnd(text, at + 2, isHexDigit);
    return end === 0 ? at + 1 : exponentEnd(text, end, LOWER_P); // without digits it is the 0 alone
  }
  const end = digitsEnd(text, at, isDigit);
  return end === 0 ? start : exponentEnd(text, end, LOWER_E);
}

/** The number in `text[start, end)`, an end found by `numberEnd`; rounded as `strtod` does. */
export function readNumber(text: Buffer, start: number, end: number): number {
  const signed = text[start] === PLUS || text[start] === MINUS;
  const at = signed ? start + 1 : start;
  const negative = text[start] === MINUS;
  const letter = text[at] | 0x20;
  if (letter === 0x69) return negative ? -Infinity : Infinity;
  if (letter === 0x6e) return negative ? negativeNaN[0] : Number.NaN;
  const n =
    (text[at + 1] | 0x20) === LOWER_X && end > at + 1 ? hexadecimal(text, at, end) : decimal(text, at, end);
  return negative ? -n : n;
}

/** Lua shows the sign of what is not a number, as C does. */
const negativeNaN = new Float64Array(new BigUint64Array([0xfff8000000000000n]).buffer);

function decimal(text: Buffer, start: number, end: number): number {
  return Number(text.toString('latin1', start, end));
}

function hexadecimal(text: Buffer, start: number, end: number): number {
  const n = parseDouble(text, start, end);
  if (n !== undefined) return n;
  // Out of range: too large, or too close to 0.
  const power = /p([+-]?\d+)$/i.exec(text.toString('latin1', start, end));
  return power !== null && Number(power[1]) < 0 ? 0 : Infinity;
}

/** Where digits with at most one point among them end; 0 if there are no digits. */
function digitsEnd(text: Buffer, start: number, isOne: (byte: number) => boolean): number {
  let at = start;
  while (isOne(text[at])) at++;
  let count = at - start;
  if (text[at] === POINT) {
    const fraction = ++at;
    while (isOne(text[at])) at++;
    count += at - fraction;
  }
  return count === 0 ? 0 : at;
}

/** Where the exponent at `start` ends; `start` if there is none. */
function exponentEnd(text: Buffer, start: number, letter: number): number {
  if ((text[start] | 0x20) !== letter) return start;
  let at = start + 1;
  if (text[at] === PLUS || text[at] === MINUS) at++;
  if (!isDigit(text[at])) return start;
  while (isDigit(text[at])) at++;
  return at;
}

/** `nan` may be followed by letters, digits and underscores in parentheses. */
function nanEnd(text: Buffer, start: number): number {
  if (text[start] !== 0x28) return start;
  let at = start + 1;
  while (isDigit(text[at]) || isLetter(text[at]) || text[at] === 0x5f) at++;
  return text[at] === 0x29 ? at + 1 : start;
}

function isWord(text: Buffer, start: number, word: string): boolean {
  for (let i = 0; i < word.length; i++) {
    if ((text[start + i] | 0x20) !== word.charCodeAt(i)) return false;
  }
  return true;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function isLetter(byte: number): boolean {
  return (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a;
}

function isHexDigit(byte: number): boolean {
  return isDigit(byte) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);
}
