import type { HostBody, LuaHost } from './host.js';

/** Added to a number, it moves its low 32 bits, rounded to even, into the low half of the double. */
const MAGIC = 2 ** 52 + 2 ** 51;

const double = new Float64Array(1);
const words = new Int32Array(double.buffer);

/** Pushes the library `bit`: LuaBitOp's 32-bit operations, with signed results. */
export function pushBit(host: LuaHost, L: number): void {
  const { api } = host;
  const argument = (L: number, arg: number) => toBits(api.luaL_checknumber(L, arg));
  const result = (L: number, bits: number) => {
    api.lua_pushnumber(L, bits);
    return 1;
  };
  /** An operation on one number. */
  const unary =
    (operation: (bits: number) => number): HostBody =>
    (L) =>
      result(L, operation(argument(L, 1)));
  /** An operation on a number and a count of bits. */
  const shift =
    (operation: (bits: number, count: number) => number): HostBody =>
    (L) => {
      const bits = argument(L, 1);
      return result(L, operation(bits, argument(L, 2) & 31));
    };
  /** An operation on one or more numbers. */
  const fold =
    (operation: (a: number, b: number) => number): HostBody =>
    (L) => {
      let bits = argument(L, 1);
      for (let arg = api.lua_gettop(L); arg > 1; arg--) bits = operation(bits, argument(L, arg));
      return result(L, bits);
    };
  api.lua_createtable(L, 0, 0);
  host.setFunctions(L, {
    tobit: unary((bits) => bits),
    bnot: unary((bits) => ~bits),
    bswap: unary(swapBytes),
    band: fold((a, b) => a & b),
    bor: fold((a, b) => a | b),
    bxor: fold((a, b) => a ^ b),
    lshift: shift((bits, count) => bits << count),
    rshift: shift((bits, count) => (bits >>> count) | 0),
    arshift: shift((bits, count) => bits >> count),
    rol: shift(rotateLeft),
    ror: shift((bits, count) => rotateLeft(bits, (32 - count) & 31)),
    tohex: (L) => {
      const bits = argument(L, 1);
      // Missing is 8 digits, but nil is an error.
      host.pushText(L, toHex(bits, api.lua_gettop(L) < 2 ? 8 : argument(L, 2)));
      return 1;
    },
  });
}

/** A number's low 32 bits, as a signed integer. */
function toBits(n: number): number {
  if (n === (n | 0)) return n | 0;
  double[0] = n + MAGIC;
  return Number.isNaN(n) ? 0 : words[0];
}

function rotateLeft(bits: number, count: number): number {
  return count === 0 ? bits : (bits << count) | (bits >>> (32 - count));
}

function swapBytes(bits: number): number {
  return (bits << 24) | ((bits & 0xff00) << 8) | ((bits >>> 8) & 0xff00) | (bits >>> 24);
}

/** The lowest `digits` (at most 8) digits; upper-case if it is negative. */
function toHex(bits: number, digits: number): string {
  const count = Math.min(Math.abs(digits), 8);
  const text = (bits >>> 0)
    .toString(16)
    .padStart(8, '0')
    .slice(8 - count);
  return digits < 0 ? text.toUpperCase() : text;
}
