import {
  add,
  and,
  type Code,
  call,
  choose,
  drop,
  equal,
  get,
  getGlobal,
  i32,
  less,
  lessDouble,
  lessUnsigned,
  load8,
  load32,
  load64,
  loadDouble,
  loopWhile,
  not,
  notEqual,
  or,
  result,
  set,
  setGlobal,
  shiftLeft,
  store8,
  store32,
  store64,
  subtract,
  when,
} from '../wasm/assembler.js';
import type { WasmBinary } from '../wasm/binary.js';
import { HookMask, LuaType } from './exports.js';
import { CallRecord, Closure, Internal, Prototype, State, Value, valueSizeLog2 } from './layout.js';
import { addStandIns } from './stand-ins.js';

/** Bits of a thread's hookmask. */
const callHook = 1;
const returnHook = 2;
/** Jumps and calls between two calls of the hook: a fraction of a millisecond. */
const jumpsPerLook = 10_000;
/** The end of the computation of where a jump goes: the distance is stored with a bias, here in bytes. */
const jumpTarget = subtract([], i32(131071 * 4));
/** Places where luaV_execute jumps: JMP, FORPREP, FORLOOP, and what follows a comparison or test. */
const jumpInstructions = 9;
/** What luaD_precall returns for a function in Lua. */
const isLua = 0;

const values = (count: Code): Code => shiftLeft(count, i32(valueSizeLog2));

/**
 * Calls of functions in Lua, and returns of one value or none, the short way if nothing is out of the ordinary; all
 * others as before, which makes ready for hooks and any number of values first.
 */
export function quickenCalls(binary: WasmBinary): number {
  const countdown = binary.addGlobal(jumpsPerLook);
  countJumps(binary, countdown);
  quickenCall(binary, countdown);
  quickenReturn(binary);
  quickenComparison(binary);
  return countdown;
}

/** The interpreter itself finds which of two numbers is less, as it does for all else that is done with numbers. */
function quickenComparison(binary: WasmBinary): void {
  const L = 0;
  const a = binary.addLocals(Internal.luaV_execute, 2);
  const b = a + 1;
  const isNumber = (value: number) => equal(load32(get(value), Value.type), i32(LuaType.number));
  const inPlace = [
    ...set(b, []),
    ...set(a, []),
    ...drop([]), // L, which is in its variable, too
    ...choose(
      and(isNumber(a), isNumber(b)),
      lessDouble(loadDouble(get(a), 0), loadDouble(get(b), 0)),
      call(Internal.luaV_lessthan, get(L), get(a), get(b)),
    ),
  ];
  binary.replaceInFunction(Internal.luaV_execute, call(Internal.luaV_lessthan), inPlace, 1);
}

/**
 * The hook that is called after so many instructions has a price for each. So jumps and calls are counted instead, of
 * which each loop has one, and after so many of them the hook is set to be called before the next instruction. It
 * sets the thread's hookmask to 0 again.
 */
function countJumps(binary: WasmBinary, countdown: number): void {
  const L = 0;
  binary.replaceInFunction(
    Internal.luaV_execute,
    jumpTarget,
    [...jumpTarget, ...count(countdown, L)],
    jumpInstructions,
  );
}

const count = (countdown: number, L: number): Code => [
  ...setGlobal(countdown, subtract(getGlobal(countdown), i32(1))),
  ...when(
    less(getGlobal(countdown), i32(1)),
    setGlobal(countdown, i32(jumpsPerLook)),
    store8(get(L), State.hookMask, i32(HookMask.count)),
  ),
];

function quickenCall(binary: WasmBinary, countdown: number): void {
  const [L, f, results, prototype, base, at, end, record] = [0, 1, 2, 3, 4, 5, 6, 7];
  const enter = [
    ...set(base, add(get(f), i32(Value.size))),
    ...set(end, add(get(base), get(end))),
    // Arguments beyond the parameters are dropped.
    ...set(at, add(get(base), values(load8(get(prototype), Prototype.parameters)))),
    ...when(lessUnsigned(load32(get(L), State.top), get(at)), set(at, load32(get(L), State.top))),
    ...store32(get(record), CallRecord.savedCode, load32(get(L), State.savedCode)),
    ...set(record, add(get(record), i32(CallRecord.size))),
    ...store32(get(L), State.call, get(record)),
    ...store32(get(record), CallRecord.f, get(f)),
    ...store32(get(record), CallRecord.base, get(base)),
    ...store32(get(record), CallRecord.top, get(end)),
    ...store32(get(record), CallRecord.results, get(results)),
    ...store32(get(record), CallRecord.tailCalls, i32(0)),
    ...store32(get(L), State.base, get(base)),
    ...store32(get(L), State.savedCode, load32(get(prototype), Prototype.code)),
    ...store32(get(L), State.top, get(end)),
    ...loopWhile(
      lessUnsigned(get(at), get(end)),
      store32(get(at), Value.type, i32(LuaType.nil)),
      set(at, add(get(at), i32(Value.size))),
    ),
    ...result(i32(isLua)),
  ];
  const exchangeForStandIn = addStandIns(binary);
  binary.wrapFunction(Internal.luaD_precall, { i32: 5 }, (original) => [
    ...count(countdown, L),
    ...when(
      equal(load32(get(f), Value.type), i32(LuaType.function)),
      set(record, load32(get(f), 0)),
      when(
        not(load8(get(record), Closure.isNative)),
        set(prototype, load32(get(record), Closure.prototype)),
        set(record, load32(get(L), State.call)),
        set(end, values(load8(get(prototype), Prototype.stackSize))),
        when(
          and(
            and(
              not(
                or(
                  load8(get(prototype), Prototype.isVariadic),
                  and(load8(get(L), State.hookMask), i32(callHook)),
                ),
              ),
              less(get(end), subtract(load32(get(L), State.lastSlot), load32(get(L), State.top))),
            ),
            notEqual(get(record), load32(get(L), State.lastCall)),
          ),
          enter,
        ),
      ),
      exchangeForStandIn(L, f),
    ),
    ...call(original, get(L), get(f), get(results)),
  ]);
}

function quickenReturn(binary: WasmBinary): void {
  const [L, first, record, to, wanted] = [0, 1, 2, 3, 4];
  binary.wrapFunction(Internal.luaD_poscall, { i32: 3 }, (original) => [
    ...set(record, load32(get(L), State.call)),
    ...set(wanted, load32(get(record), CallRecord.results)),
    ...when(
      and(
        and(not(and(load8(get(L), State.hookMask), i32(returnHook))), lessUnsigned(get(wanted), i32(2))),
        lessUnsigned(get(first), load32(get(L), State.top)),
      ),
      set(to, load32(get(record), CallRecord.f)),
      set(record, subtract(get(record), i32(CallRecord.size))),
      store32(get(L), State.call, get(record)),
      store32(get(L), State.base, load32(get(record), CallRecord.base)),
      store32(get(L), State.savedCode, load32(get(record), CallRecord.savedCode)),
      when(
        get(wanted),
        store64(get(to), 0, load64(get(first), 0)),
        store32(get(to), Value.type, load32(get(first), Value.type)),
        set(to, add(get(to), i32(Value.size))),
      ),
      store32(get(L), State.top, get(to)),
      result(add(get(wanted), i32(1))), // which is not 0, as it is if all were wanted
    ),
    ...call(original, get(L), get(first)),
  ]);
}
