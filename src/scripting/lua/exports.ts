/// <reference path="./webassembly.d.ts" />
import type { MachineExports } from './machine.js';

/**
 * What the WebAssembly module exports: Lua 5.1's C API and the C library's allocator. All arguments and results are
 * 32-bit integers (pointers, indexes, counts, booleans), except Lua numbers.
 *
 * Source: Lua 5.1 reference manual, chapters 3 and 4.
 */
export interface LuaExports extends MachineExports {
  memory: WebAssembly.Memory;
  __indirect_function_table: WebAssembly.Table;
  __wasm_call_ctors(): void;
  stackSave(): number;
  malloc(size: number): number;
  realloc(pointer: number, size: number): number;
  free(pointer: number): void;

  luaL_newstate(): number;
  luaL_openlibs(L: number): void;
  luaL_loadbuffer(L: number, text: number, length: number, name: number): number;
  luaL_ref(L: number, table: number): number;
  luaL_unref(L: number, table: number, ref: number): void;
  luaL_where(L: number, level: number): void;
  luaL_argerror(L: number, argument: number, message: number): number;
  luaL_checknumber(L: number, argument: number): number;
  luaL_checkinteger(L: number, argument: number): number;
  luaL_checklstring(L: number, argument: number, length: number): number;
  luaL_checkstack(L: number, slots: number, message: number): void;

  lua_checkstack(L: number, slots: number): number;
  lua_xmove(from: number, to: number, count: number): void;
  lua_newthread(L: number): number;
  lua_gettop(L: number): number;
  lua_settop(L: number, index: number): void;
  lua_insert(L: number, index: number): void;
  lua_replace(L: number, index: number): void;
  lua_pushvalue(L: number, index: number): void;
  lua_type(L: number, index: number): number;
  lua_typename(L: number, type: number): number;
  lua_tonumber(L: number, index: number): number;
  lua_tointeger(L: number, index: number): number;
  lua_toboolean(L: number, index: number): number;
  lua_isnumber(L: number, index: number): number;
  lua_isstring(L: number, index: number): number;
  lua_tolstring(L: number, index: number, length: number): number;
  lua_iscfunction(L: number, index: number): number;
  lua_touserdata(L: number, index: number): number;
  lua_tocfunction(L: number, index: number): number;
  lua_pushnil(L: number): void;
  lua_pushnumber(L: number, n: number): void;
  lua_pushlstring(L: number, pointer: number, length: number): void;
  lua_pushcclosure(L: number, slot: number, upvalues: number): void;
  lua_pushboolean(L: number, value: number): void;
  lua_pushlightuserdata(L: number, pointer: number): void;
  lua_newuserdata(L: number, size: number): number;
  lua_getfield(L: number, index: number, name: number): void;
  lua_setfield(L: number, index: number, name: number): void;
  lua_rawget(L: number, index: number): void;
  lua_rawset(L: number, index: number): void;
  lua_rawgeti(L: number, index: number, n: number): void;
  lua_rawseti(L: number, index: number, n: number): void;
  lua_createtable(L: number, array: number, fields: number): void;
  lua_getmetatable(L: number, index: number): number;
  lua_setmetatable(L: number, index: number): number;
  lua_pcall(L: number, args: number, results: number, handler: number): number;
  lua_error(L: number): number;
  lua_next(L: number, index: number): number;
  lua_concat(L: number, count: number): void;
  lua_gc(L: number, what: number, data: number): number;
  lua_yield(L: number, results: number): number;
  lua_resume(L: number, args: number): number;
  lua_sethook(L: number, hook: number, mask: number, count: number): number;
  lua_getstack(L: number, level: number, record: number): number;
  lua_getinfo(L: number, what: number, record: number): number;
}

/** `lua_type`'s results. */
export const LuaType = {
  none: -1,
  nil: 0,
  boolean: 1,
  lightUserdata: 2,
  number: 3,
  string: 4,
  table: 5,
  function: 6,
  userdata: 7,
  thread: 8,
} as const;

/** What `lua_pcall` and `lua_resume` return. */
export const LuaStatus = {
  ok: 0,
  yielded: 1,
  runtimeError: 2,
  syntaxError: 3,
  memoryError: 4,
  errorInError: 5,
} as const;

/** Pseudo-indexes. */
export const registryIndex = -10000;
export const globalsIndex = -10002;

export const GcCommand = {
  restart: 1,
  collect: 2,
  countKiB: 3,
  countBytes: 4,
  step: 5,
  setPause: 6,
  setStepMultiplier: 7,
} as const;

export const HookMask = { line: 1 << 2, count: 1 << 3 } as const;
