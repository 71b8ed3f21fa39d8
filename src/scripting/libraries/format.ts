import type { LuaHost } from './host.js';
import { integerOf, MAX_INT, unsignedOf } from './lua-numbers.js';
import { type IntegerFormat, printInteger } from './printf-integers.js';

const PERCENT = 0x25;
const MAX_FLAGS = 5;

/**
 * Replaces `string.format` in the table on top of the stack.
 *
 * Lua's own converts the numbers of `%d %i %u %o %x %X` to the machine's `long`, which has 32 bits here and 64
 * in Redis. Where a number does not fit, it is printed here and the conversion becomes `%s`; everything else,
 * errors included, is left to Lua's own.
 */
export function setFormat(host: LuaHost, L: number): void {
  const { api } = host;
  host.pushText(L, 'format');
  api.lua_rawget(L, -2);
  const native = host.module.exports.__indirect_function_table.get(api.lua_tocfunction(L, -1)) as (
    L: number,
  ) => number;
  api.lua_settop(L, -2);
  host.setFunctions(L, {
    format: (L) => {
      const rewritten = rewrite(host, L);
      if (rewritten !== undefined) {
        host.pushText(L, rewritten);
        api.lua_replace(L, 1);
      }
      return native(L);
    },
  });
}

/** The format with `%s` for what was printed here, in the place of its argument; undefined if nothing was. */
function rewrite(host: LuaHost, L: number): string | undefined {
  const format = host.toString(L, 1);
  if (format === 0) return undefined;
  const end = format + host.length;
  let result: string | undefined;
  let copied = format;
  let arg = 1;
  for (let at = nextPercent(host.bytes, format, end); at < end; ) {
    const { bytes } = host;
    if (bytes[at + 1] === PERCENT) {
      at = nextPercent(bytes, at + 2, end);
      continue;
    }
    const type = conversionAt(bytes, at + 1);
    arg++;
    const text = isInteger(bytes[type]) ? printLarge(host, L, arg, at, type) : undefined;
    if (text !== undefined) {
      result = `${result ?? ''}${bytes.toString('latin1', copied, at)}%s`;
      copied = type + 1;
      host.pushText(L, text);
      host.api.lua_replace(L, arg);
    }
    at = nextPercent(host.bytes, type + 1, end);
  }
  return result === undefined ? undefined : result + host.bytes.toString('latin1', copied, end);
}

/** The printed argument if it is a number beyond what Lua's own format prints, else undefined. */
function printLarge(host: LuaHost, L: number, arg: number, start: number, type: number): string | undefined {
  const n = host.api.lua_tonumber(L, arg); // 0 for what is none, or missing: no large number
  const letter = String.fromCharCode(host.bytes[type]);
  const signed = letter === 'd' || letter === 'i';
  if (n <= MAX_INT && n >= (signed ? -MAX_INT : 0)) return undefined;
  const syntax = /^([-+ #0]*)(\d{0,2})(?:\.(\d{0,2}))?$/.exec(host.bytes.toString('latin1', start + 1, type));
  if (syntax === null || syntax[1].length > MAX_FLAGS) return undefined; // Lua's own says what is wrong
  const format: IntegerFormat = {
    flags: syntax[1],
    width: Number(syntax[2]),
    precision: syntax[3] === undefined ? undefined : Number(syntax[3]),
    letter,
  };
  return printInteger(signed ? BigInt(integerOf(n)) : unsignedOf(n), format);
}

/** Where the next percent sign is; `end` if there is none. */
function nextPercent(bytes: Buffer, from: number, end: number): number {
  let at = from;
  while (at < end && bytes[at] !== PERCENT) at++;
  return at;
}

/** Where flags, width and precision end and the letter of the conversion stands. */
function conversionAt(bytes: Buffer, at: number): number {
  let end = at;
  while (isFlagOrDigit(bytes[end]) || bytes[end] === 0x2e) end++;
  return end;
}

function isFlagOrDigit(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || byte === 0x2d || byte === 0x2b || byte === 0x20 || byte === 0x23;
}

/** One of d i o u x X. */
function isInteger(letter: number): boolean {
  switch (letter) {
    case 0x64:
    case 0x69:
    case 0x6f:
    case 0x75:
    case 0x78:
    case 0x58:
      return true;
  }
  return false;
}
