import { globalsIndex, type LuaExports, LuaType } from '../lua/exports.js';
import type { LuaModule } from '../lua/wasm-module.js';
import { integerOf } from './lua-numbers.js';

/** Most bytes of a text that `pushText` writes without memory of its own. */
const SCRATCH_SIZE = 1024;

/** Whoever works on so many bytes looks at the time first. */
const LONG_STRING = 1 << 16;

/**
 * How host functions reach into a Lua machine: its memory, their arguments, their errors. One per machine.
 *
 * Errors are raised in Lua's way: the C API unwinds the stack with a JavaScript exception, so functions that
 * raise one never return. A function that keeps state between two calls of the C API must therefore be ready
 * to begin anew.
 */
export class LuaHost {
  readonly api: LuaExports;
  /** The length of what `checkString`, `toString` found last, in bytes. */
  length = 0;
  private readonly lengthAddress: number;
  private readonly scratch: number;

  constructor(readonly module: LuaModule) {
    this.api = module.exports;
    this.lengthAddress = this.api.malloc(4);
    this.scratch = this.api.malloc(SCRATCH_SIZE);
  }

  /**
   * The machine's memory. Any call of the API that may allocate invalidates what was returned before: read
   * this again after it.
   */
  get bytes(): Buffer {
    return this.module.heap;
  }

  /** The address of argument `arg`, which must be a string or a number; its length is in `length`. */
  checkString(L: number, arg: number): number {
    const address = this.api.luaL_checklstring(L, arg, this.lengthAddress);
    this.length = this.readLength(L);
    return address;
  }

  /** The address of the string at `index` of the stack, 0 where there is none; its length is in `length`. */
  toString(L: number, index: number): number {
    const address = this.api.lua_tolstring(L, index, this.lengthAddress);
    this.length = this.readLength(L);
    return address;
  }

  /** Argument `arg` as a C `int`. */
  checkInt(L: number, arg: number): number {
    return integerOf(this.api.luaL_checknumber(L, arg)) | 0;
  }

  /** Argument `arg` as a 64-bit integer, rounded as a double is. */
  checkInteger(L: number, arg: number): number {
    return integerOf(this.api.luaL_checknumber(L, arg));
  }

  /** Like `checkInteger`, but `fallback` where the argument is nil or missing. */
  optInteger(L: number, arg: number, fallback: number): number {
    return this.api.lua_type(L, arg) <= LuaType.nil ? fallback : this.checkInteger(L, arg);
  }

  /** Pushes a text of bytes (latin1). */
  pushText(L: number, text: string): void {
    const { api } = this;
    const address = text.length <= SCRATCH_SIZE ? this.scratch : api.malloc(text.length);
    if (address === 0) this.fail(L, 'not enough memory');
    this.bytes.write(text, address, 'latin1');
    api.lua_pushlstring(L, address, text.length);
    if (address !== this.scratch) api.free(address);
  }

  /** Raises an error with a text that begins with the position of the calling Lua code. */
  fail(L: number, message: string): never {
    this.api.luaL_where(L, 1);
    this.pushText(L, message);
    this.api.lua_concat(L, 2);
    this.api.lua_error(L);
    throw new Error('lua_error returned');
  }

  /** Raises `bad argument #arg to 'function' (message)`. */
  argumentError(L: number, arg: number, message: string): never {
    const { api } = this;
    this.pushText(L, `${message}\0`); // kept on the stack, so that its text can be pointed to
    api.luaL_argerror(L, arg, api.lua_tolstring(L, -1, 0));
    throw new Error('luaL_argerror returned');
  }

  /** Makes sure that `extra` values can be pushed; raises `stack overflow (message)`. `message` is constant. */
  checkStack(L: number, extra: number, message: string): void {
    if (this.api.lua_checkstack(L, extra) === 0) this.fail(L, `stack overflow (${message})`);
  }

  /** The name of the type of the value at `index`, as `type()` returns it. */
  typeName(L: number, index: number): string {
    const start = this.api.lua_typename(L, this.api.lua_type(L, index));
    const { bytes } = this;
    return bytes.toString('latin1', start, bytes.indexOf(0, start));
  }

  /** Sets fields of the table on top of the stack to host functions (lua_State -> number of results). */
  setFunctions(L: number, functions: Record<string, HostBody>): void {
    for (const [name, body] of Object.entries(functions)) {
      this.pushText(L, name);
      this.api.lua_pushcclosure(L, this.module.addFunction(body, 'function'), 0);
      this.api.lua_rawset(L, -3);
    }
  }

  /** Sets fields of the table on top of the stack to texts. */
  setTexts(L: number, texts: Record<string, string>): void {
    for (const [name, text] of Object.entries(texts)) {
      this.pushText(L, name);
      this.pushText(L, text);
      this.api.lua_rawset(L, -3);
    }
  }

  /** Pushes the value of a global variable. */
  pushGlobal(L: number, name: string): void {
    this.pushText(L, name);
    this.api.lua_rawget(L, globalsIndex);
  }

  /** Pops a value into a global variable. */
  setGlobal(L: number, name: string): void {
    this.pushText(L, name);
    this.api.lua_insert(L, -2);
    this.api.lua_rawset(L, globalsIndex);
  }

  private readLength(L: number): number {
    const length = this.module.words[this.lengthAddress >> 2];
    if (length > LONG_STRING) this.module.watcher(L);
    return length;
  }
}

/** A function that Lua calls with its thread; the number of results that it pushed. */
export type HostBody = (L: number) => number;

/** The pseudo-index of a closure's nth value. */
export function upvalueIndex(n: number): number {
  return globalsIndex - n;
}
