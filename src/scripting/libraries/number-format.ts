/** Numbers as C's `printf("%.14g")` prints them, which is how Lua and its libraries show them. */

/** What Lua itself uses, and the most that cjson allows. */
export const DEFAULT_PRECISION = 14;

const POWERS_OF_TEN = Array.from({ length: DEFAULT_PRECISION + 1 }, (_, exponent) => 10 ** exponent);

/** A finite number with `precision` (1 to 14) significant digits, without trailing zeros. */
export function formatNumber(n: number, precision: number): string {
  if (Number.isInteger(n) && Math.abs(n) < POWERS_OF_TEN[precision])
    return Object.is(n, -0) ? '-0' : String(n);
  const magnitude = Math.abs(n);
  if (magnitude >= 1e-4 && magnitude < POWERS_OF_TEN[precision]) {
    // Digits that identify the number are also what it is rounded to, as long as they are not too many.
    const shortest = String(n);
    if (shortest.length <= precision + (n < 0 ? 2 : 1)) return shortest;
  }
  return formatRounded(n, precision);
}

function formatRounded(n: number, precision: number): string {
  const rounded = roundHalfEven(n, precision);
  const mark = rounded.indexOf('e');
  const exponent = Number(rounded.slice(mark + 1));
  const negative = n < 0 ? '-' : '';
  const digits = significantDigits(rounded.slice(0, mark));
  if (exponent < -4 || exponent >= precision) {
    const power = Math.abs(exponent);
    return `${negative}${withPoint(digits, 1)}e${exponent < 0 ? '-' : '+'}${power < 10 ? '0' : ''}${power}`;
  }
  if (exponent < 0) return `${negative}0.${'0'.repeat(-exponent - 1)}${digits}`;
  return negative + withPoint(digits.padEnd(exponent + 1, '0'), exponent + 1);
}

/** Like toExponential, but a tie goes to the even digit as in C, not up. */
function roundHalfEven(n: number, precision: number): string {
  const rounded = n.toExponential(precision - 1);
  // A number halfway between two results has just one digit more than they, and that digit is a 5.
  const shortest = n.toExponential();
  const end = shortest.indexOf('e');
  const digits = significantDigits(shortest.slice(0, end));
  if (digits.length !== precision + 1 || digits[precision] !== '5') return rounded;
  if ((digits.charCodeAt(precision - 1) & 1) !== 0 || !isExact(n, precision + 1)) return rounded;
  return `${withPoint(digits.slice(0, precision), 1)}${shortest.slice(end)}`;
}

/** True if the number has no more than `count` significant decimal digits, all of them counted. */
function isExact(n: number, count: number): boolean {
  const text = n.toExponential(60);
  return significantDigits(text.slice(0, text.indexOf('e'))).length <= count;
}

function significantDigits(mantissa: string): string {
  const digits = mantissa.replace('-', '').replace('.', '');
  let end = digits.length;
  while (end > 1 && digits.charCodeAt(end - 1) === 0x30) end--;
  return digits.slice(0, end);
}

function withPoint(digits: string, whole: number): string {
  return digits.length > whole ? `${digits.slice(0, whole)}.${digits.slice(whole)}` : digits;
}
