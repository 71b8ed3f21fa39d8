import {
  add,
  and,
  type Code,
  call,
  equal,
  get,
  i32,
  lessUnsigned,
  load8,
  load32,
  not,
  notEqual,
  or,
  result,
  set,
  store32,
  subtract,
  when,
} from '../wasm/assembler.js';
import type { WasmBinary } from '../wasm/binary.js';
import { LuaType } from './exports.js';
import { Closure, marksOffset, State, standInMark, Table, Value } from './layout.js';

/**
 * Native functions that call functions of the script. Lua cannot suspend a script under them, so each has a stand-in
 * in Lua, its first upvalue, which is called in its place when one of its arguments, that of the second upvalue, is a
 * function in Lua or a table with metamethods. All else, and what is to be said of wrong arguments, is left to the
 * native function. In the order in which the prelude returns the stand-ins.
 */
export const standIns = [
  { library: 'table', name: 'sort', callback: 2 },
  { library: 'table', name: 'foreach', callback: 2 },
  { library: 'table', name: 'foreachi', callback: 2 },
  { library: 'string', name: 'gsub', callback: 3 },
] as const;

/** What puts a stand-in in the place of a function that is about to be called, if it has one. */
export function addStandIns(binary: WasmBinary): (L: number, f: number) => Code {
  const exchange = addExchange(binary);
  return (L, f) =>
    when(and(load8(load32(get(f), 0), marksOffset), i32(standInMark)), call(exchange, get(L), get(f)));
}

/** `(L, f)`: f is the address of the function on the stack; its arguments follow. */
function addExchange(binary: WasmBinary): number {
  const [L, f, callback] = [0, 1, 2];
  const typeOf = (value: Code) => load32(value, Value.type);
  const argument = (n: number): Code => add(get(f), i32(n * Value.size));
  /** A number or a string. */
  const isText = (n: number) => lessUnsigned(subtract(typeOf(argument(n)), i32(LuaType.number)), i32(2));
  const isTable = (n: number) => equal(typeOf(argument(n)), i32(LuaType.table));
  const isThere = (n: number) => lessUnsigned(argument(n), load32(get(L), State.top));
  const hasMetatable = (value: Code) =>
    and(
      equal(typeOf(value), i32(LuaType.table)),
      notEqual(load32(load32(value, 0), Table.metatable), i32(0)),
    );
  const isLua = (value: Code) =>
    and(equal(typeOf(value), i32(LuaType.function)), not(load8(load32(value, 0), Closure.isNative)));
  const upvalue = (n: number) => add(load32(get(f), 0), i32(Closure.upvalues + n * Value.size));
  const standIn = store32(get(f), 0, load32(upvalue(0), 0));
  return binary.addFunction(binary.addType(2, 0), { i32: 1 }, [
    ...set(callback, load32(upvalue(1), 0)),
    ...when(
      equal(get(callback), i32(2)),
      when(not(and(isThere(1), isTable(1))), result([])),
      when(isThere(2), when(isLua(argument(2)), standIn, result([]))),
      // Elements that are compared by a metamethod
      when(isThere(2), when(notEqual(typeOf(argument(2)), i32(LuaType.nil)), result([]))),
      when(
        load32(load32(argument(1), 0), Table.arraySize),
        when(hasMetatable(load32(load32(argument(1), 0), Table.array)), standIn),
      ),
      result([]),
    ),
    ...when(not(and(isThere(3), and(isText(1), isText(2)))), result([])),
    ...when(isThere(4), when(not(isCount(typeOf(argument(4)))), result([]))),
    ...when(or(isLua(argument(3)), hasMetatable(argument(3))), standIn),
  ]);
}

const isCount = (type: Code): Code => or(equal(type, i32(LuaType.nil)), equal(type, i32(LuaType.number)));
