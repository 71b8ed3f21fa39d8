/**
 * Lua numbers as integers, the way redis-server's 64-bit build converts them: out of range is the smallest
 * integer.
 */

/** The greatest C `int`. */
export const MAX_INT = 2147483647;
const TWO_63 = 2 ** 63;
const TWO_64 = 2 ** 64;

/** A double as a signed 64-bit integer: cut towards 0, -2^63 where it is too large or not a number. */
export function integerOf(n: number): number {
  return n >= -TWO_63 && n < TWO_63 ? Math.trunc(n) : -TWO_63;
}

/** A double as a C `int`: cut towards 0, -2^31 where it is too large or not a number. */
export function intOf(n: number): number {
  return n > -2147483649 && n < 2147483648 ? n | 0 : -2147483648;
}

/**
 * A double as an unsigned 64-bit integer, as x86-64 converts it: negative numbers wrap around, from 2^64 on it
 * is 0, and 2^63 stands for what is not a number or below -2^63.
 */
export function unsignedOf(n: number): bigint {
  if (n >= TWO_64) return 0n;
  if (n >= TWO_63) return BigInt(Math.trunc(n));
  return BigInt.asUintN(64, BigInt(integerOf(n)));
}
