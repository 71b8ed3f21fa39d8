/** Exact binary rounding of rational numbers, for the conversions that hardware or V8 cannot do for us. */

/** `mantissa` x 2 ^ `exponent`, exactly. */
export interface BinaryFloat {
  readonly mantissa: bigint;
  readonly exponent: number;
}

/** Bits of a non-negative integer without leading zeros; 0 for 0. */
function bitLength(n: bigint): number {
  if (n === 0n) return 0;
  const hex = n.toString(16);
  return hex.length * 4 - (Math.clz32(Number.parseInt(hex[0], 16)) - 28);
}

/** n / d rounded to an integer, a tie to the even one. Both non-negative, d not 0. */
export function divideRounding(n: bigint, d: bigint): bigint {
  const quotient = n / d;
  const twice = (n - quotient * d) * 2n;
  if (twice < d || (twice === d && (quotient & 1n) === 0n)) return quotient;
  return quotient + 1n;
}

/**
 * numerator / denominator rounded to `precision` bits, a tie to the even mantissa, as IEEE 754 does. The
 * exponent never goes below `minExponent`, so that small results lose bits as subnormal numbers do. Both
 * non-negative, denominator not 0.
 */
export function roundToBinary(
  numerator: bigint,
  denominator: bigint,
  precision: number,
  minExponent: number,
): BinaryFloat {
  if (numerator === 0n) return { mantissa: 0n, exponent: 0 };
  // The quotient lies between 2^(difference - 1) and 2^(difference + 1); which half decides its number of
  // bits.
  const difference = bitLength(numerator) - bitLength(denominator);
  const upper =
    difference >= 0
      ? numerator >= denominator << BigInt(difference)
      : numerator << BigInt(-difference) >= denominator;
  const exponent = Math.max(minExponent, difference + (upper ? 1 : 0) - precision);
  const mantissa =
    exponent >= 0
      ? divideRounding(numerator, denominator << BigInt(exponent))
      : divideRounding(numerator << BigInt(-exponent), denominator);
  return { mantissa, exponent };
}
