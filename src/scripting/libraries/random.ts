import type { LuaHost } from './host.js';

/** The multiplier 0x5DEECE66D in two halves of 24 bits. */
const MULTIPLIER_LOW = 0xece66d;
const MULTIPLIER_HIGH = 0x5de;
const INCREMENT = 0xb;
const HALF = 0x1000000;

/** Numbers are taken modulo this, and divided by it. */
const RANGE = 2147483647;

/**
 * The 48-bit linear congruential generator of POSIX's drand48 family, of which Redis has its own copy so that
 * `math.random` gives the same numbers everywhere: X = X * 0x5DEECE66D + 0xB modulo 2^48.
 */
export class Rand48 {
  // 48 bits in two halves, so that products stay exact. The start that POSIX gives to who never seeds.
  private high = 0x1234ab;
  private low = 0xcd330e;

  /** The seed's 32 bits become the upper ones. */
  seed(seed: number): void {
    this.high = (seed >>> 8) & 0xffffff;
    this.low = ((seed & 0xff) << 16) | 0x330e;
  }

  /** A whole number in [0, 2^31). */
  next(): number {
    const low = this.low * MULTIPLIER_LOW + INCREMENT;
    const carry = Math.floor(low / HALF);
    const high = this.low * MULTIPLIER_HIGH + this.high * MULTIPLIER_LOW + carry;
    this.low = low % HALF;
    this.high = high % HALF;
    return this.high * 128 + (this.low >>> 17);
  }
}

/** Replaces `random` and `randomseed` in the table `math` on top of the stack by Redis's. */
export function setRandom(host: LuaHost, L: number): void {
  const { api } = host;
  const generator = new Rand48();
  host.setFunctions(L, {
    random: (L) => {
      api.lua_pushnumber(L, random(host, L, (generator.next() % RANGE) / RANGE));
      return 1;
    },
    randomseed: (L) => {
      generator.seed(host.checkInt(L, 1));
      return 0;
    },
  });
}

/** A number in the range that the arguments say, from one in [0, 1). */
function random(host: LuaHost, L: number, fraction: number): number {
  const count = host.api.lua_gettop(L);
  if (count === 0) return fraction;
  if (count > 2) host.fail(L, 'wrong number of arguments');
  const low = count === 1 ? 1 : host.checkInt(L, 1);
  const high = host.checkInt(L, count);
  if (low > high) host.argumentError(L, count, 'interval is empty');
  return Math.floor(fraction * ((high - low + 1) | 0)) + low;
}
