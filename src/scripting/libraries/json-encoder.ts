import { LuaType } from '../lua/exports.js';
import { type CjsonSettings, InvalidNumbers, Setting } from './cjson-settings.js';
import type { LuaHost } from './host.js';
import { intOf } from './lua-numbers.js';
import { formatNumber } from './number-format.js';
import type { Output } from './output.js';

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;

/** The length of a frame that is an object. */
const OBJECT = -1;

/** How many bytes longer a byte becomes inside a JSON string: 0, 1 (`\n`) or 5 (`\u0001`). */
const EXTRA = new Uint8Array(256);
/** What a byte becomes where EXTRA is not 0. */
const ESCAPES: string[] = [];
for (let byte = 0; byte < 32; byte++) setEscape(byte, `\\u${byte.toString(16).padStart(4, '0')}`);
setEscape(0x7f, '\\u007f');
for (const [byte, letter] of Object.entries({ 8: 'b', 9: 't', 10: 'n', 12: 'f', 13: 'r' })) {
  setEscape(Number(byte), `\\${letter}`);
}
for (const character of '"\\/') setEscape(character.charCodeAt(0), `\\${character}`);

/**
 * `cjson.encode`: writes the value on top of the Lua stack as JSON.
 *
 * It walks tables with a stack of its own instead of recursion, so that depth is limited by the settings and
 * by Lua's stack alone: per open array its table is on the Lua stack, per open object its table and the key.
 */
export class JsonEncoder {
  /** Of each open table: how many elements an array has, or OBJECT; and how many are written. */
  private lengths = new Int32Array(64);
  private positions = new Int32Array(64);
  // The settings of this call.
  private maxDepth = 0;
  private precision = 0;
  private invalidNumbers = 0;
  private address = 0;

  constructor(
    private readonly host: LuaHost,
    private readonly output: Output,
    private readonly settings: CjsonSettings,
  ) {}

  /** The host function: one argument, one result. */
  encode(L: number): number {
    const { api } = this.host;
    if (api.lua_gettop(L) !== 1) this.host.argumentError(L, 1, 'expected 1 argument');
    this.readSettings(this.settings.address(L));
    this.output.begin(L);
    this.walk(L);
    this.output.push(L);
    return 1;
  }

  private readSettings(address: number): void {
    const { settings } = this;
    this.address = address;
    this.maxDepth = settings.get(address, Setting.encodeMaxDepth);
    this.precision = settings.get(address, Setting.encodeNumberPrecision);
    this.invalidNumbers = settings.get(address, Setting.encodeInvalidNumbers);
  }

  private walk(L: number): void {
    let depth = 0;
    do {
      if (this.host.api.lua_type(L, -1) === LuaType.table) this.open(L, ++depth);
      else this.scalar(L);
      while (depth > 0 && !this.advance(L, depth)) depth--;
    } while (depth > 0);
  }

  /** Begins with the table on top of the stack. */
  private open(L: number, depth: number): void {
    const { api } = this.host;
    if (depth > this.maxDepth || api.lua_checkstack(L, 3) === 0) {
      this.host.fail(L, `Cannot serialise, excessive nesting (${depth})`);
    }
    if (depth >= this.lengths.length) this.growFrames();
    const length = this.arrayLength(L);
    this.lengths[depth] = length > 0 ? length : OBJECT;
    this.positions[depth] = 0;
    this.output.reserve(L, 1);
    this.output.put(length > 0 ? 0x5b : 0x7b);
    if (length <= 0) api.lua_pushnil(L);
  }

  /**
   * Puts the next element of the innermost table on top of the stack, in the place of the one written last;
   * with its comma and key. False at the table's end, which is then on top of the stack and written.
   */
  private advance(L: number, depth: number): boolean {
    const { api } = this.host;
    const { output } = this;
    const position = this.positions[depth]++;
    const length = this.lengths[depth];
    if (position > 0) api.lua_settop(L, -2);
    output.reserve(L, 1);
    if (length === OBJECT) {
      if (api.lua_next(L, -2) === 0) {
        output.put(0x7d);
        return false;
      }
      if (position > 0) output.put(COMMA);
      this.key(L);
      return true;
    }
    if (position === length) {
      output.put(0x5d);
      return false;
    }
    if (position > 0) output.put(COMMA);
    api.lua_rawgeti(L, -1, position + 1);
    return true;
  }

  /**
   * How many elements a table has as an array; not above 0 for an object. An array has only whole numbers from
   * 1 on as keys, and enough of them. Like cjson's, the largest key is kept as a C int.
   */
  private arrayLength(L: number): number {
    const { api } = this.host;
    let max = 0;
    let items = 0;
    api.lua_pushnil(L);
    while (api.lua_next(L, -2) !== 0) {
      const key = api.lua_type(L, -2) === LuaType.number ? api.lua_tonumber(L, -2) : 0;
      if (!(key >= 1) || Math.floor(key) !== key) {
        api.lua_settop(L, -3);
        return OBJECT;
      }
      if (key > max) max = intOf(key);
      items++;
      api.lua_settop(L, -2);
    }
    return items > 0 && this.isTooSparse(L, max, items) ? OBJECT : max;
  }

  private isTooSparse(L: number, max: number, items: number): boolean {
    const { settings, address } = this;
    const ratio = settings.get(address, Setting.sparseRatio);
    if (ratio <= 0 || max <= Math.imul(items, ratio)) return false;
    if (max <= settings.get(address, Setting.sparseSafe)) return false;
    if (settings.get(address, Setting.sparseConvert) === 0) {
      this.host.fail(L, 'Cannot serialise table: excessively sparse array');
    }
    return true;
  }

  /** The key below the value on top of the stack. */
  private key(L: number): void {
    const { api } = this.host;
    const { output } = this;
    const type = api.lua_type(L, -2);
    if (type === LuaType.string) {
      this.string(L, -2);
    } else if (type === LuaType.number) {
      output.reserve(L, 1);
      output.put(QUOTE);
      this.number(L, api.lua_tonumber(L, -2), -2);
      output.reserve(L, 1);
      output.put(QUOTE);
    } else {
      this.refuse(L, -2, 'table key must be a number or string');
    }
    output.reserve(L, 1);
    output.put(COLON);
  }

  private scalar(L: number): void {
    const { api } = this.host;
    switch (api.lua_type(L, -1)) {
      case LuaType.string:
        return this.string(L, -1);
      case LuaType.number:
        return this.number(L, api.lua_tonumber(L, -1), -1);
      case LuaType.boolean:
        return this.output.text(L, api.lua_toboolean(L, -1) !== 0 ? 'true' : 'false');
      case LuaType.nil:
        return this.output.text(L, 'null');
      case LuaType.lightUserdata:
        if (api.lua_touserdata(L, -1) === 0) return this.output.text(L, 'null');
    }
    this.refuse(L, -1, 'type not supported');
  }

  private number(L: number, n: number, index: number): void {
    if (Number.isFinite(n)) this.output.text(L, formatNumber(n, this.precision));
    else if (this.invalidNumbers === InvalidNumbers.null) this.output.text(L, 'null');
    else if (this.invalidNumbers === InvalidNumbers.refuse) this.refuse(L, index, 'must not be NaN or Inf');
    else this.output.text(L, Number.isNaN(n) ? 'nan' : n > 0 ? 'inf' : '-inf');
  }

  private string(L: number, index: number): void {
    const { host, output } = this;
    const address = host.toString(L, index);
    const { length } = host;
    output.reserve(L, 2 + this.escapedLength(address, length));
    const { bytes } = host;
    let { at } = output;
    bytes[at++] = QUOTE;
    for (let from = address, end = address + length; from < end; from++) {
      const byte = bytes[from];
      if (EXTRA[byte] === 0) bytes[at++] = byte;
      else {
        const text = ESCAPES[byte];
        for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
      }
    }
    bytes[at++] = QUOTE;
    output.at = at;
  }

  private escapedLength(address: number, length: number): number {
    if (length < 4096) return length * 6; // room is cheaper than a look
    const { bytes } = this.host;
    let extra = 0;
    for (let at = address, end = address + length; at < end; at++) extra += EXTRA[bytes[at]];
    return length + extra;
  }

  private refuse(L: number, index: number, reason: string): never {
    this.host.fail(L, `Cannot serialise ${this.host.typeName(L, index)}: ${reason}`);
  }

  private growFrames(): void {
    const grow = (old: Int32Array) => {
      const grown = new Int32Array(old.length * 2);
      grown.set(old);
      return grown;
    };
    this.lengths = grow(this.lengths);
    this.positions = grow(this.positions);
  }
}

function setEscape(byte: number, text: string): void {
  EXTRA[byte] = text.length - 1;
  ESCAPES[byte] = text;
}
