/** An integer conversion of C's printf. */
export interface IntegerFormat {
  /** Any of `-`, `+`, blank, `#`, `0`. */
  readonly flags: string;
  /** Least number of characters. */
  readonly width: number;
  /** Least number of digits, where it is given. */
  readonly precision: number | undefined;
  /** One of d i u o x X. */
  readonly letter: string;
}

/** An integer as C's printf prints it. */
export function printInteger(n: bigint, format: IntegerFormat): string {
  const { flags, width, precision, letter } = format;
  const sign = signOf(n, format);
  let digits = digitsOf(n < 0n ? -n : n, letter).padStart(precision ?? 1, '0');
  if (precision === 0 && n === 0n) digits = '';
  let prefix = sign;
  if (flags.includes('#') && letter === 'o' && digits[0] !== '0') digits = `0${digits}`;
  if (flags.includes('#') && letter.toLowerCase() === 'x' && n !== 0n) prefix += `0${letter}`;
  if (flags.includes('-')) return (prefix + digits).padEnd(width);
  if (flags.includes('0') && precision === undefined) {
    return prefix + digits.padStart(width - prefix.length, '0');
  }
  return (prefix + digits).padStart(width);
}

function signOf(n: bigint, { flags, letter }: IntegerFormat): string {
  if (letter !== 'd' && letter !== 'i') return '';
  if (n < 0n) return '-';
  if (flags.includes('+')) return '+';
  return flags.includes(' ') ? ' ' : '';
}

function digitsOf(n: bigint, letter: string): string {
  switch (letter) {
    case 'o':
      return n.toString(8);
    case 'x':
      return n.toString(16);
    case 'X':
      return n.toString(16).toUpperCase();
  }
  return n.toString();
}
