import {
  absolute,
  add,
  and,
  type Code,
  call,
  callIndirect,
  double,
  drop,
  equal,
  get,
  getGlobal,
  i32,
  less,
  lessDouble,
  load32,
  loopWhile,
  lowerHalf,
  maximum,
  minimum,
  not,
  result,
  set,
  setGlobal,
  shiftRight,
  store32,
  subtract,
  toInt32,
  toInt64,
  when,
} from '../wasm/assembler.js';
import type { WasmBinary } from '../wasm/binary.js';
import { LuaType } from './exports.js';
import { Internal, LuaString, State, StringLibrary, TableLibrary, threadOfMatch, Value } from './layout.js';
import { preludeSource } from './prelude.js';

/** Turns of loops in C functions between two calls of the watcher: some hundreds of microseconds. */
const turnsPerLook = 50_000;
/** So many bytes compared, as a power of 2, are worth one turn of a loop. */
const bytesPerTurnLog2 = 4;

/** So many bytes of memory taken, as a power of 2, are worth a jump of the interpreter. */
const bytesPerJumpLog2 = 8;

/** Those that compare bytes: string.find and the match of `%1`. */
const comparers = [396, Internal.match];
/** string.byte, string.find and its like, string.sub: they take positions of any size, so many given and optional. */
const positions = [
  { f: 391, given: 0, optional: 2 },
  { f: 396, given: 0, optional: 1 },
  { f: 409, given: 1, optional: 1 },
];

/**
 * What Lua's C functions lack to be safe with hostile arguments:
 *
 * - **Loops are watched.** After so many turns of loops in functions of the string and table libraries the function
 *   is called whose slot is in `loopWatcher`, with the thread. It may raise an error.
 * - **Long steps** of the interpreter count as many: on large blocks of memory, long strings, tables with large holes.
 * - **Integers** are 32 bits here and 64 in Redis, where arguments of C's type `int` keep the lower half, and
 *   positions in strings may be anything.
 * - **Places of errors** are those of scripts: functions of the prelude stand for native ones, which have none.
 *
 * @param countdown the variable that counts jumps of the interpreter: see fast-calls.ts
 */
export function guard(binary: WasmBinary, countdown: number): void {
  watchLoops(binary);
  weighSteps(binary, countdown);
  convertIntegers(binary);
  skipPrelude(binary);
}

function watchLoops(binary: WasmBinary): void {
  const watcher = binary.addGlobal(0);
  binary.exportGlobal('loopWatcher', watcher);
  const turns = binary.addGlobal(turnsPerLook);
  const look = addLook(binary, watcher, turns);
  const compare = addCompare(binary, turns);
  for (const f of comparers) binary.replaceCalls(f, Internal.memcmp, compare, 1);
  for (const f of watchedFunctions()) {
    // Compilers use the variables of parameters for other things, too.
    const thread = binary.addLocals(f, 1);
    binary.putInLoops(f, [
      ...setGlobal(turns, subtract(getGlobal(turns), i32(1))),
      ...when(less(getGlobal(turns), i32(0)), call(look, get(thread))),
    ]);
    binary.putAtStart(f, set(thread, f === Internal.match ? load32(get(0), threadOfMatch) : get(0)));
  }
}

function watchedFunctions(): number[] {
  const found: number[] = [Internal.luaB_unpack];
  for (let f = StringLibrary.first; f <= StringLibrary.last; f++) found.push(f);
  for (let f = TableLibrary.first; f <= TableLibrary.last; f++) found.push(f);
  return found;
}

/** `(L)` */
function addLook(binary: WasmBinary, watcher: number, turns: number): number {
  const L = 0;
  return binary.addFunction(binary.addType(1, 0), {}, [
    ...setGlobal(turns, i32(turnsPerLook)),
    ...when(getGlobal(watcher), callIndirect(binary.addType(2, 0), getGlobal(watcher), get(L), i32(0))),
  ]);
}

/** memcmp, whose time is counted. */
function addCompare(binary: WasmBinary, turns: number): number {
  const [a, b, size] = [0, 1, 2];
  return binary.addFunction(binary.addType(3, 1), {}, [
    ...setGlobal(turns, subtract(getGlobal(turns), shiftRight(get(size), i32(bytesPerTurnLog2)))),
    ...call(Internal.memcmp, get(a), get(b), get(size)),
  ]);
}

function weighSteps(binary: WasmBinary, countdown: number): void {
  const exported = binary.exportedFunctions();
  const spend = (jumps: Code): Code => setGlobal(countdown, subtract(getGlobal(countdown), jumps));
  binary.putAtStart(exported.get('malloc')!, spend(shiftRight(get(0), i32(bytesPerJumpLog2))));
  binary.putAtStart(Internal.realloc, spend(shiftRight(get(1), i32(bytesPerJumpLog2))));
  const value = 0;
  binary.putAtStart(
    Internal.luaV_tonumber,
    when(
      equal(load32(get(value), Value.type), i32(LuaType.string)),
      spend(load32(load32(get(value), 0), LuaString.length)),
    ),
  );
  const [to, from, size] = [0, 1, 2];
  const copy = binary.addFunction(binary.addType(3, 1), {}, [
    ...spend(shiftRight(get(size), i32(bytesPerJumpLog2))),
    ...call(Internal.memcpy, get(to), get(from), get(size)),
  ]);
  binary.replaceCalls(Internal.luaV_concat, Internal.memcpy, copy, 1);
  binary.putInLoops(Internal.strcmp, spend(i32(1)));
  binary.putInLoops(exported.get('lua_next')!, spend(i32(1)));
}

function convertIntegers(binary: WasmBinary): void {
  const exported = binary.exportedFunctions();
  const [L, index, n] = [0, 1, 2];
  binary.replaceFunction(exported.get('lua_tointeger')!, { f64: 1 }, [
    ...set(n, call(exported.get('lua_tonumber')!, get(L), get(index))),
    ...when(lessDouble(absolute(get(n)), double(2 ** 63)), result(lowerHalf(toInt64(get(n))))),
    ...i32(0),
  ]);
  const check = addCheckPosition(binary);
  const optional = addOptionalPosition(binary, check);
  for (const each of positions) {
    binary.replaceCalls(each.f, exported.get('luaL_checkinteger')!, check, each.given);
    binary.replaceCalls(each.f, exported.get('luaL_optinteger')!, optional, each.optional);
  }
}

/** luaL_checkinteger for positions: beyond what 32 bits hold is as far as possible. */
function addCheckPosition(binary: WasmBinary): number {
  const [L, argument, n] = [0, 1, 2];
  const checkNumber = binary.exportedFunctions().get('luaL_checknumber')!;
  const far = 2 ** 31 - 1;
  return binary.addFunction(binary.addType(2, 1), { f64: 1 }, [
    ...set(n, call(checkNumber, get(L), get(argument))),
    // What 64 bits do not hold becomes the least that they do.
    ...when(not(lessDouble(absolute(get(n)), double(2 ** 63))), result(i32(-far))),
    ...toInt32(minimum(maximum(get(n), double(-far)), double(far))),
  ]);
}

function addOptionalPosition(binary: WasmBinary, check: number): number {
  const [L, argument, otherwise] = [0, 1, 2];
  const type = binary.exportedFunctions().get('lua_type')!;
  return binary.addFunction(binary.addType(3, 1), {}, [
    ...when(less(call(type, get(L), get(argument)), i32(LuaType.nil + 1)), result(get(otherwise))),
    ...call(check, get(L), get(argument)),
  ]);
}

/** The start of a place in the prelude, as the two words that begin the string. */
const preludePlace = Buffer.from(`${preludeSource.slice(1)}:`);

/** luaL_where: a place in the prelude is not the script's, so its caller's place is wanted. */
function skipPrelude(binary: WasmBinary): void {
  const [L, level, text, again] = [0, 1, 2, 3];
  const isWord = (offset: number) =>
    equal(load32(get(text), LuaString.bytes + offset), i32(preludePlace.readInt32LE(offset)));
  const exported = binary.exportedFunctions();
  const where = exported.get('luaL_where')!;
  binary.wrapFunction(where, { i32: 2 }, (original) => [
    ...set(again, i32(1)),
    ...loopWhile(
      get(again),
      call(original, get(L), get(level)),
      set(text, load32(subtract(load32(get(L), State.top), i32(Value.size)), 0)),
      set(again, and(isWord(0), isWord(4))),
      when(
        get(again),
        store32(get(L), State.top, subtract(load32(get(L), State.top), i32(Value.size))),
        set(level, add(get(level), i32(1))),
      ),
    ),
  ]); // luaL_error has that function within itself.
  const [format, values] = [1, 2];
  binary.replaceFunction(exported.get('luaL_error')!, {}, [
    ...call(where, get(L), i32(1)),
    ...drop(call(exported.get('lua_pushvfstring')!, get(L), get(format), get(values))),
    ...call(exported.get('lua_concat')!, get(L), i32(2)),
    ...call(exported.get('lua_error')!, get(L)),
  ]);
}
