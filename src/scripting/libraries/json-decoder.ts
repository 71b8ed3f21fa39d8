import { type CjsonSettings, Setting } from './cjson-settings.js';
import type { LuaHost } from './host.js';
import { isUnusualNumber, numberEnd, readNumber } from './json-numbers.js';
import { bytesToQuote, readStringEscapes, writtenEnd } from './json-strings.js';
import type { Output } from './output.js';

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const LOWER_E = 0x65;
const LOWER_X = 0x78;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** The count of a frame that is an object. */
const OBJECT = -1;

/** More digits than this may not be exact in a double. */
const EXACT_DIGITS = 15;

const PUNCTUATION: Record<string, string> = {
  '{': 'T_OBJ_BEGIN',
  '}': 'T_OBJ_END',
  '[': 'T_ARR_BEGIN',
  ']': 'T_ARR_END',
  ':': 'T_COLON',
  ',': 'T_COMMA',
  '\0': 'T_END',
};

/**
 * `cjson.decode`: pushes the value that a JSON text describes.
 *
 * The text is read where it lies, in the Lua machine's memory, and strings without escapes are pushed from
 * there. A byte 0 follows every Lua string, and a byte 0 in the text ends it, so the reader needs no bounds.
 * Like the encoder it keeps its own stack of open tables; on the Lua stack there is one slot per open array
 * and two per open object.
 */
export class JsonDecoder {
  /** Of each open table: how many elements an array has so far, or OBJECT. */
  private counts = new Int32Array(64);
  /** The text's address and the reader's. */
  private start = 0;
  private at = 0;
  private maxDepth = 0;
  private takesUnusualNumbers = false;

  constructor(
    private readonly host: LuaHost,
    private readonly output: Output,
    private readonly settings: CjsonSettings,
  ) {}

  /** The host function: one argument, one result. */
  decode(L: number): number {
    const { host, settings } = this;
    if (host.api.lua_gettop(L) !== 1) host.argumentError(L, 1, 'expected 1 argument');
    this.start = this.at = host.checkString(L, 1);
    const address = settings.address(L);
    this.maxDepth = settings.get(address, Setting.decodeMaxDepth);
    this.takesUnusualNumbers = settings.get(address, Setting.decodeInvalidNumbers) !== 0;
    const { bytes } = host;
    if (host.length >= 2 && (bytes[this.start] === 0 || bytes[this.start + 1] === 0)) {
      host.fail(L, 'JSON parser does not support UTF-16 or UTF-32');
    }
    this.read(L);
    if (this.next() !== 0) this.unexpected(L, 'the end');
    return 1;
  }

  private read(L: number): void {
    let depth = 0;
    do {
      const byte = this.next();
      if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
        if (this.open(L, byte, ++depth)) continue;
        depth--;
      } else {
        this.scalar(L, byte);
      }
      while (depth > 0 && !this.store(L, depth)) depth--;
    } while (depth > 0);
  }

  /** Begins with an array or object. False if it is empty, and thereby complete. */
  private open(L: number, byte: number, depth: number): boolean {
    const { api } = this.host;
    this.at++;
    if (depth > this.maxDepth || api.lua_checkstack(L, 2) === 0) {
      const character = this.at - this.start;
      this.host.fail(L, `Found too many nested data structures (${depth}) at character ${character}`);
    }
    if (depth >= this.counts.length) this.growFrames();
    api.lua_createtable(L, 0, 0);
    if (byte === OPEN_ARRAY) {
      this.counts[depth] = 0;
      if (this.next() !== CLOSE_ARRAY) return true;
    } else {
      this.counts[depth] = OBJECT;
      if (this.next() !== CLOSE_OBJECT) {
        this.key(L);
        return true;
      }
    }
    this.at++;
    return false;
  }

  /** Stores the value on top of the stack in its table. False if that is the table's end. */
  private store(L: number, depth: number): boolean {
    const { api } = this.host;
    const count = this.counts[depth];
    if (count === OBJECT) {
      api.lua_rawset(L, -3);
      const byte = this.next();
      if (byte !== COMMA && byte !== CLOSE_OBJECT) this.unexpected(L, 'comma or object end');
      this.at++;
      if (byte === CLOSE_OBJECT) return false;
      this.key(L);
    } else {
      api.lua_rawseti(L, -2, count + 1);
      this.counts[depth] = count + 1;
      const byte = this.next();
      if (byte !== COMMA && byte !== CLOSE_ARRAY) this.unexpected(L, 'comma or array end');
      this.at++;
      if (byte === CLOSE_ARRAY) return false;
    }
    return true;
  }

  private key(L: number): void {
    if (this.next() !== QUOTE) this.unexpected(L, 'object key string');
    this.string(L, 'object key string');
    if (this.next() !== COLON) this.unexpected(L, 'colon');
    this.at++;
  }

  private scalar(L: number, byte: number): void {
    const { api } = this.host;
    if (byte === QUOTE) return this.string(L, 'value');
    if (byte === MINUS || (byte >= 0x30 && byte <= 0x39)) return this.number(L);
    if (this.word('true')) return api.lua_pushboolean(L, 1);
    if (this.word('false')) return api.lua_pushboolean(L, 0);
    if (this.word('null')) return api.lua_pushlightuserdata(L, 0);
    if (this.takesUnusualNumbers && isUnusualNumber(this.host.bytes, this.at)) return this.number(L);
    this.unexpected(L, 'value');
  }

  /** Skips blanks; returns the byte after them. */
  private next(): number {
    const { bytes } = this.host;
    let { at } = this;
    let byte = bytes[at];
    while (byte === 0x20 || (byte >= 0x09 && byte <= 0x0d && byte !== 0x0b && byte !== 0x0c))
      byte = bytes[++at];
    this.at = at;
    return byte;
  }

  /** Passes over a word if it is there. */
  private word(word: string): boolean {
    const { bytes } = this.host;
    for (let i = 0; i < word.length; i++) {
      if (bytes[this.at + i] !== word.charCodeAt(i)) return false;
    }
    this.at += word.length;
    return true;
  }

  private string(L: number, expected: string): void {
    const { bytes, api } = this.host;
    const from = this.at + 1;
    let at = from;
    let byte = bytes[at];
    while (byte !== QUOTE && byte !== BACKSLASH && byte !== 0) byte = bytes[++at];
    if (byte === QUOTE) {
      this.at = at + 1;
      api.lua_pushlstring(L, from, at - from);
      return;
    }
    this.escapedString(L, from, expected);
  }

  private escapedString(L: number, from: number, expected: string): void {
    const { host, output } = this;
    output.begin(L);
    output.reserve(L, bytesToQuote(host.bytes, from));
    const { bytes } = host;
    const result = readStringEscapes(bytes, from, bytes, output.at);
    if (typeof result === 'object') this.complain(L, expected, result.problem, result.at);
    this.at = result;
    output.at = writtenEnd();
    output.push(L);
  }

  private number(L: number): void {
    const { bytes, api } = this.host;
    let { at } = this;
    const negative = bytes[at] === MINUS;
    if (negative) at++;
    const first = at;
    let n = 0;
    let digit = bytes[at] - 0x30;
    while (digit >= 0 && digit <= 9) {
      n = n * 10 + digit;
      digit = bytes[++at] - 0x30;
    }
    const digits = at - first;
    const after = bytes[at];
    const plain = digits > 0 && digits <= EXACT_DIGITS && (bytes[first] !== 0x30 || digits === 1);
    // A point, an exponent or the x of a hexadecimal number makes it another one.
    if (plain && after !== POINT && (after | 0x20) !== LOWER_E && (after | 0x20) !== LOWER_X) {
      this.at = at;
      api.lua_pushnumber(L, negative ? -n : n);
    } else {
      this.unusualNumber(L);
    }
  }

  private unusualNumber(L: number): void {
    const { bytes } = this.host;
    const end = this.numberTokenEnd();
    if (end === 0) this.unexpected(L, 'value');
    const n = readNumber(bytes, this.at, end);
    this.at = end;
    this.host.api.lua_pushnumber(L, n);
  }

  /** Where the number that begins here ends, 0 if it is none or not allowed. */
  private numberTokenEnd(): number {
    const { bytes } = this.host;
    if (!this.takesUnusualNumbers && isUnusualNumber(bytes, this.at)) return 0;
    const end = numberEnd(bytes, this.at);
    return end === this.at ? 0 : end;
  }

  /** Raises the error about the token that begins at the next non-blank. */
  private unexpected(L: number, expected: string): never {
    const byte = this.next();
    const at = this.at;
    const found = this.describeToken(byte);
    this.complain(L, expected, found, byte === QUOTE ? this.at : at);
  }

  private describeToken(byte: number): string {
    const name = PUNCTUATION[String.fromCharCode(byte)];
    if (name !== undefined) return name;
    if (byte === MINUS || (byte >= 0x30 && byte <= 0x39)) return this.describeNumber();
    if (byte === QUOTE) return this.describeString();
    if (this.word('true') || this.word('false')) return 'T_BOOLEAN';
    if (this.word('null')) return 'T_NULL';
    if (this.takesUnusualNumbers && isUnusualNumber(this.host.bytes, this.at)) return this.describeNumber();
    return 'invalid token';
  }

  private describeNumber(): string {
    return this.numberTokenEnd() === 0 ? 'invalid number' : 'T_NUMBER';
  }

  /** What is wrong with the string here, if anything: the reader then stands where it is wrong. */
  private describeString(): string {
    const { bytes } = this.host;
    const from = this.at + 1;
    const room = Buffer.allocUnsafe(bytesToQuote(bytes, from));
    const result = readStringEscapes(bytes, from, room, 0);
    if (typeof result === 'number') return 'T_STRING';
    this.at = result.at;
    return result.problem;
  }

  private complain(L: number, expected: string, found: string, at: number): never {
    this.host.fail(L, `Expected ${expected} but found ${found} at character ${at - this.start + 1}`);
  }

  private growFrames(): void {
    const grown = new Int32Array(this.counts.length * 2);
    grown.set(this.counts);
    this.counts = grown;
  }
}
