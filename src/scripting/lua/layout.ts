/**
 * Where things are in the WebAssembly file of Lua, and in its structures.
 *
 * Source: lobject.h, lstate.h and lfunc.h of Lua 5.1, with 32-bit pointers and 8-byte numbers; the numbers of functions
 * from reading the file.
 */

/** Functions without a name of their own in the file, by the names that Lua's sources give them. */
export const Internal = {
  luaG_runerror: 228,
  luaD_rawrunprotected: 232,
  luaD_precall: 236,
  luaD_poscall: 237,
  luaH_getstr: 417,
  luaH_set: 418,
  luaH_setnum: 419,
  luaH_setstr: 420,
  luaS_newlstr: 389,
  l_alloc: 132,
  realloc: 539,
  luaV_lessthan: 444,
  luaV_execute: 449,
  emscripten_longjmp: 548,
} as const;
/** Offsets in a lua_State. */
export const State = {
  top: 8,
  base: 12,
  shared: 16,
  call: 20,
  savedCode: 24,
  lastSlot: 28,
  lastCall: 36,
  hookMask: 56,
  errorJmp: 112,
} as const;

/** A value: 8 bytes, and its type in the next 4. */
export const Value = { size: 16, type: 8 } as const;
export const valueSizeLog2 = 4;

/** A record of a call (CallInfo). */
export const CallRecord = {
  base: 0,
  f: 4,
  top: 8,
  savedCode: 12,
  results: 16,
  tailCalls: 20,
  size: 24,
} as const;

/** Offsets in a function: of one in Lua, and where a native one's own values begin. */
export const Closure = { isNative: 6, prototype: 16, upvalues: 24 } as const;
export const Prototype = { code: 12, parameters: 73, isVariadic: 74, stackSize: 75 } as const;

/** Offsets in a table. */
export const Table = { metatable: 8, array: 12, nextGray: 24, arraySize: 28 } as const;

/** Offset of the collector's marks in an object. */
export const marksOffset = 5;
export const blackMark = 4;
/** A bit of the marks that the collector neither uses nor changes. */
export const readOnlyMark = 0x80;
/** Offset of the collector's list of tables to look at again, in the state that all threads share. */
export const grayAgain = 40;
