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
  luaV_tonumber: 440,
  luaV_concat: 447,
  /** string.match, string.find and gsub match their patterns with it. */
  match: 402,
  /** unpack, of the basic library. */
  luaB_unpack: 163,
  strcmp: 503,
  memcmp: 491,
  memcpy: 460,
  emscripten_longjmp: 548,
} as const;

/** The functions of the string and the table library, the first and the last. */
export const StringLibrary = { first: 391, last: 411 } as const;
export const TableLibrary = { first: 423, last: 433 } as const;

/** Offsets in a lua_State. */
export const State = {
  top: 8,
  base: 12,
  shared: 16,
  call: 20,
  savedCode: 24,
  lastSlot: 28,
  lastCall: 36,
  /** Calls of C functions within each other, now and when the thread was resumed: 16 bits each. */
  cCalls: 52,
  baseCCalls: 54,
  hookMask: 56,
  errorJmp: 112,
} as const;

/** A value: 8 bytes, and its type in the next 4. */
export const Value = { size: 16, type: 8 } as const;
export const valueSizeLog2 = 4;

/** Offsets in a string: its length, and its bytes. */
export const LuaString = { length: 12, bytes: 16 } as const;

/** What lua_getinfo fills in (lua_Debug). */
export const DebugRecord = { source: 16, currentLine: 20, size: 100 } as const;

/** Offset of the thread in the state of a match. */
export const threadOfMatch = 8;

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
/** The same bit, in those of a native function: it has a stand-in. */
export const standInMark = 0x80;
/** Offset of the collector's list of tables to look at again, in the state that all threads share. */
export const grayAgain = 40;
