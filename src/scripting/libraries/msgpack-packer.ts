import { TWO_32 } from '../../bytes/little-endian.js';
import { LuaType } from '../lua/exports.js';
import type { LuaHost } from './host.js';
import type { Output } from './output.js';

/** Tables deeper than this are packed as nil. */
const MAX_NESTING = 16;

/** The longest head of a value: type and 64-bit number. */
const HEAD_SIZE = 9;

/** The array length of a table that is a map. */
const MAP = -1;

const TWO_63 = 2 ** 63;

/** `cmsgpack.pack`. Format: the MessagePack specification of 2013, without bin and extension types. */
export class MessagePacker {
  /** How many entries the table that `arrayLength` looked at last has. */
  private entries = 0;

  constructor(
    private readonly host: LuaHost,
    private readonly output: Output,
  ) {}

  /** The host function: any arguments, one string with all of them. */
  pack(L: number): number {
    const { host, output } = this;
    const count = host.api.lua_gettop(L);
    if (count === 0) host.argumentError(L, 0, 'MessagePack pack needs input.');
    // As many free slots again: so much Redis asks for, which limits the number of arguments.
    if (host.api.lua_checkstack(L, count) === 0) {
      host.argumentError(L, 0, 'Too many arguments for MessagePack pack.');
    }
    output.begin(L);
    for (let arg = 1; arg <= count; arg++) {
      host.api.lua_pushvalue(L, arg);
      this.value(L, 0);
    }
    output.push(L);
    return 1;
  }

  /** Packs the value on top of the stack and pops it. */
  private value(L: number, level: number): void {
    const { api } = this.host;
    const { output } = this;
    output.reserve(L, HEAD_SIZE);
    switch (api.lua_type(L, -1)) {
      case LuaType.string:
        this.string(L);
        break;
      case LuaType.number:
        this.number(api.lua_tonumber(L, -1));
        break;
      case LuaType.boolean:
        output.put(api.lua_toboolean(L, -1) !== 0 ? 0xc3 : 0xc2);
        break;
      case LuaType.table:
        if (level === MAX_NESTING) output.put(0xc0);
        else this.table(L, level);
        break;
      default:
        output.put(0xc0);
    }
    api.lua_settop(L, -2);
  }

  private string(L: number): void {
    const { host, output } = this;
    const address = host.toString(L, -1);
    const { length } = host;
    if (length < 32) output.put(0xa0 | length);
    else if (length < 0x100) this.uint(0xd9, length, 1);
    else this.length(0xda, length);
    output.copy(L, address, length);
  }

  private number(n: number): void {
    if (Number.isInteger(n) && n >= -TWO_63 && n < TWO_63) {
      if (n >= 0) this.positive(n);
      else this.negative(n);
      return;
    }
    const { output } = this;
    const { bytes } = this.host;
    const single = Math.fround(n) === n;
    output.put(single ? 0xca : 0xcb);
    if (single) bytes.writeFloatBE(n, output.at);
    else if (Number.isNaN(n)) writeDefaultNaN(bytes, output.at);
    else bytes.writeDoubleBE(n, output.at);
    output.at += single ? 4 : 8;
  }

  private positive(n: number): void {
    if (n < 0x80) this.output.put(n);
    else if (n < 0x100) this.uint(0xcc, n, 1);
    else if (n < 0x10000) this.uint(0xcd, n, 2);
    else if (n < TWO_32) this.uint(0xce, n, 4);
    else this.long(0xcf, n);
  }

  private negative(n: number): void {
    if (n >= -32) this.output.put(n & 0xff);
    else if (n >= -0x80) this.uint(0xd0, n, 1);
    else if (n >= -0x8000) this.uint(0xd1, n, 2);
    else if (n >= -TWO_32 / 2) this.uint(0xd2, n, 4);
    else this.long(0xd3, n);
  }

  /** The table on top of the stack, which stays there. */
  private table(L: number, level: number): void {
    const { api } = this.host;
    this.host.checkStack(L, 3, 'in function table_is_an_array');
    const length = this.arrayLength(L);
    if (length === MAP) {
      this.map(L, level);
      return;
    }
    if (length < 16) this.output.put(0x90 | length);
    else this.length(0xdc, length);
    for (let i = 1; i <= length; i++) {
      api.lua_rawgeti(L, -1, i);
      this.value(L, level + 1);
    }
  }

  private map(L: number, level: number): void {
    const { api } = this.host;
    const { entries } = this;
    if (entries < 16) this.output.put(0x80 | entries);
    else this.length(0xde, entries);
    api.lua_pushnil(L);
    while (api.lua_next(L, -2) !== 0) {
      api.lua_pushvalue(L, -2);
      this.value(L, level + 1);
      this.value(L, level + 1);
    }
  }

  /** The length of the table on top of the stack if its keys are 1, 2 ... length; else MAP, with `entries` set. */
  private arrayLength(L: number): number {
    const { api } = this.host;
    let max = 0;
    let count = 0;
    let isArray = true;
    api.lua_pushnil(L);
    while (api.lua_next(L, -2) !== 0) {
      api.lua_settop(L, -2);
      count++;
      if (!isArray) continue;
      const key = api.lua_type(L, -1) === LuaType.number ? api.lua_tonumber(L, -1) : 0;
      if (!(key > 0) || !Number.isInteger(key)) isArray = false;
      else if (key > max) max = key;
    }
    this.entries = count;
    return isArray && max === count ? count : MAP;
  }

  /** A length of 16 bits, or with the next type of 32. */
  private length(type: number, length: number): void {
    if (length < 0x10000) this.uint(type, length, 2);
    else this.uint(type + 1, length, 4);
  }

  private uint(type: number, n: number, size: 1 | 2 | 4): void {
    const { output } = this;
    output.put(type);
    if (size > 2) {
      output.put((n >>> 24) & 0xff);
      output.put((n >>> 16) & 0xff);
    }
    if (size > 1) output.put((n >>> 8) & 0xff);
    output.put(n & 0xff);
  }

  private long(type: number, n: number): void {
    const high = Math.floor(n / TWO_32);
    this.uint(type, high, 4);
    const low = n - high * TWO_32;
    this.output.put(low >>> 24);
    this.uint((low >>> 16) & 0xff, low & 0xffff, 2);
  }
}

/** What 0 / 0 is on x86. The sign is lost on the way through JavaScript. */
function writeDefaultNaN(bytes: Buffer, at: number): void {
  bytes.fill(0, at, at + 8);
  bytes[at] = 0xff;
  bytes[at + 1] = 0xf8;
}
