/// <reference path="./webassembly.d.ts" />
import { createHash } from 'node:crypto';
import {
  add,
  and,
  type Code,
  call,
  callIndirect,
  drop,
  equal,
  get,
  getGlobal,
  i32,
  less,
  lessUnsigned,
  load8,
  load32,
  load64,
  loopWhile,
  not,
  notEqual,
  result,
  rethrow,
  set,
  setGlobal,
  shiftLeft,
  shiftRight,
  store8,
  store32,
  store64,
  subtract,
  throwTag,
  tryCatch,
  when,
} from '../wasm/assembler.js';
import { WasmBinary } from '../wasm/binary.js';
import { LuaType } from './exports.js';
import { quickenCalls } from './fast-calls.js';
import { guard } from './guards.js';
import {
  blackMark,
  CallRecord,
  Closure,
  grayAgain,
  Internal,
  marksOffset,
  readOnlyMark,
  State,
  Table,
  Value,
  valueSizeLog2,
} from './layout.js';

/** The file whose functions are known by number. */
const knownFile = 'cba969b97e8a319eba8996b5df488aed5cdd22a56f2de53b42598e474014e610';

/** The pointer to the end of C's stack. */
const stackPointer = 0;

/** A lua_longjmp: where to go on after an error. */
const Jump = { previous: 0, buffer: 4, status: 160, size: 176 } as const;

/** What the machine exports that is not in the file. */
export interface MachineExports {
  /** Address of the text of the error that a change of a read-only table raises. */
  readOnlyText: WebAssembly.Global;
  /** The table of the globals, and where its values KEYS and ARGV are: `runScript` sets them. */
  globalsTable: WebAssembly.Global;
  keysValue: WebAssembly.Global;
  argvValue: WebAssembly.Global;
  /** Address of an array of `freeLists` words, all 0, for the allocator. To be set before anything is allocated. */
  freeBlocks: WebAssembly.Global;
  /** Slot of the function that is called in long loops of C functions, with the thread; 0 for none. See guards.ts. */
  loopWatcher: WebAssembly.Global;
  /** Where `hostCall` finds a string that is returned. */
  returned: WebAssembly.Global;
  /**
   * Pushes an array of so many strings: each is its length in a word, and its bytes, at an address that 4 divides.
   * Returns the address behind the last.
   */
  pushStrings(L: number, address: number, count: number): number;
  /** Address of the value of a table's field, whose name is a string object. */
  fieldAddress(table: number, name: number): number;
  /** Sets KEYS and ARGV to strings, as above, and resumes the thread with a function. Returns one of `LuaStatus`. */
  runScript(L: number, address: number, keys: number, args: number, f: number): number;
  /**
   * To be called by Lua: calls the host function whose slot is its first upvalue. That returns its number of results
   * or, as -1 - length, that it has put a string there for which `returned` stands.
   */
  hostCall(L: number): number;
}

/**
 * Lua's WebAssembly, with some functions replaced:
 *
 * - **Protected calls** use WebAssembly's own exceptions. As the file comes, each goes through JavaScript, which has
 *   the `try`, and takes memory for a table of jumps.
 * - **Memory** of small objects comes from lists of free blocks of their size, where the C library's allocator would
 *   look for neighbours to join.
 * - **Read-only tables**, which Lua 5.1 does not know: whatever changes a table looks at a mark first.
 *
 * Exported in addition is what `MachineExports` says.
 */
export function luaMachine(file: Uint8Array): Buffer {
  if (createHash('sha256').update(file).digest('hex') !== knownFile)
    throw new Error('Lua’s WebAssembly is not the one that is known');
  const binary = new WasmBinary(file);
  protectCalls(binary);
  protectTables(binary);
  addCalls(binary);
  replaceAllocator(binary);
  guard(binary, quickenCalls(binary));
  return binary.toBytes();
}

/** An error is an exception that carries the address of the jump record to go on at. */
function protectCalls(binary: WasmBinary): void {
  const tag = binary.addTag(binary.addType(1, 0));
  const called = binary.addType(2, 0);
  const [L, f, argument, jump, thrown] = [0, 1, 2, 3, 4];
  binary.replaceFunction(Internal.luaD_rawrunprotected, { i32: 2 }, [
    ...set(jump, subtract(getGlobal(stackPointer), i32(Jump.size))),
    ...setGlobal(stackPointer, get(jump)),
    ...store32(get(jump), Jump.status, i32(0)),
    ...store32(get(jump), Jump.previous, load32(get(L), State.errorJmp)),
    ...store32(get(L), State.errorJmp, get(jump)),
    ...tryCatch(callIndirect(called, get(f), get(L), get(argument)), tag, thrown, [
      ...when(notEqual(get(thrown), get(jump)), rethrow(1)),
      ...setGlobal(stackPointer, get(jump)),
    ]),
    ...store32(get(L), State.errorJmp, load32(get(jump), Jump.previous)),
    ...setGlobal(stackPointer, add(get(jump), i32(Jump.size))),
    ...load32(get(jump), Jump.status),
  ]);
  const [buffer] = [0];
  binary.replaceFunction(
    Internal.emscripten_longjmp,
    {},
    throwTag(tag, subtract(get(buffer), i32(Jump.buffer))),
  );
}

function protectTables(binary: WasmBinary): void {
  const text = binary.addGlobal(0);
  binary.exportGlobal('readOnlyText', text);
  const [L, table] = [0, 1];
  const refuse = (subject: Code) =>
    when(
      and(load8(subject, marksOffset), i32(readOnlyMark)),
      call(Internal.luaG_runerror, get(L), getGlobal(text), i32(0)),
    );
  for (const f of [Internal.luaH_set, Internal.luaH_setnum, Internal.luaH_setstr]) {
    binary.wrapFunction(f, {}, (original) => [
      ...refuse(get(table)),
      ...call(original, get(L), get(table), get(2)),
    ]);
  }
  protectMetatables(binary, refuse);
}

/** Only the function of the standard library gives an index counted from the bottom. */
function protectMetatables(binary: WasmBinary, refuse: (subject: Code) => Code): void {
  const [L, index, value] = [0, 1, 2];
  const f = binary.exportedFunctions().get('lua_setmetatable')!;
  binary.wrapFunction(f, { i32: 1 }, (original) => [
    ...when(
      less(i32(0), get(index)),
      set(
        value,
        add(load32(get(L), State.base), shiftLeft(subtract(get(index), i32(1)), i32(valueSizeLog2))),
      ),
      when(equal(load32(get(value), Value.type), i32(LuaType.table)), refuse(load32(get(value), 0))),
    ),
    ...call(original, get(L), get(index)),
  ]);
}

/**
 * What a script needs at its beginning and for each command, in one step from JavaScript into the machine instead of
 * a dozen.
 */
function addCalls(binary: WasmBinary): void {
  const pushStrings = addPushStrings(binary);
  addRunScript(binary, pushStrings);
  addHostCall(binary);
}

function addPushStrings(binary: WasmBinary): number {
  const [L, address, count, element, length] = [0, 1, 2, 3, 4];
  const createTable = binary.exportedFunctions().get('lua_createtable')!;
  const f = binary.addFunction(binary.addType(3, 1), { i32: 2 }, [
    ...call(createTable, get(L), get(count), i32(0)),
    ...set(element, load32(onTop(L), 0)),
    ...set(element, load32(get(element), Table.array)),
    ...loopWhile(
      get(count),
      set(length, load32(get(address), 0)),
      set(address, add(get(address), i32(4))),
      // The collector has no part in this, so it sees the table when it is complete.
      store32(get(element), 0, call(Internal.luaS_newlstr, get(L), get(address), get(length))),
      store32(get(element), Value.type, i32(LuaType.string)),
      set(element, add(get(element), i32(Value.size))),
      set(address, and(add(add(get(address), get(length)), i32(3)), i32(-4))),
      set(count, subtract(get(count), i32(1))),
    ),
    ...get(address),
  ]);
  binary.exportFunction('pushStrings', f);
  return f;
}

/** The value on top of the stack of the thread in a local variable. */
const onTop = (L: number): Code => subtract(load32(get(L), State.top), i32(Value.size));

function addRunScript(binary: WasmBinary, pushStrings: number): void {
  binary.exportFunction('fieldAddress', Internal.luaH_getstr);
  const [globals, keys, argv] = ['globalsTable', 'keysValue', 'argvValue'].map((name) => {
    const global = binary.addGlobal(0);
    binary.exportGlobal(name, global);
    return getGlobal(global);
  });
  const [L, address, keyCount, argumentCount, script] = [0, 1, 2, 3, 4];
  const moveTable = (to: Code) => [
    ...store32(to, 0, load32(onTop(L), 0)),
    ...store32(to, Value.type, i32(LuaType.table)),
  ];
  const f = binary.addFunction(binary.addType(5, 1), {}, [
    ...set(address, call(pushStrings, get(L), get(address), get(keyCount))),
    ...moveTable(keys),
    ...drop(call(pushStrings, get(L), get(address), get(argumentCount))),
    ...moveTable(argv),
    ...lookAgain(globals, load32(get(L), State.shared)),
    ...store32(load32(get(L), State.base), 0, get(script)),
    ...store32(load32(get(L), State.base), Value.type, i32(LuaType.function)),
    ...store32(get(L), State.top, add(load32(get(L), State.base), i32(Value.size))),
    ...call(binary.exportedFunctions().get('lua_resume')!, get(L), i32(0)),
  ]);
  binary.exportFunction('runScript', f);
}

/** The collector is done with this table, into which something new was put: it must look at it once more. */
const lookAgain = (table: Code, shared: Code): Code =>
  when(
    and(load8(table, marksOffset), i32(blackMark)),
    store8(table, marksOffset, and(load8(table, marksOffset), i32(0xff - blackMark))),
    store32(table, Table.nextGray, load32(shared, grayAgain)),
    store32(shared, grayAgain, table),
  );

function addHostCall(binary: WasmBinary): void {
  const returned = binary.addGlobal(0);
  binary.exportGlobal('returned', returned);
  const [L, results] = [0, 1];
  const type = binary.addType(1, 1);
  const closure = load32(load32(load32(get(L), State.call), CallRecord.f), 0);
  const pushString = binary.exportedFunctions().get('lua_pushlstring')!;
  const f = binary.addFunction(type, { i32: 1 }, [
    ...set(results, callIndirect(type, load32(closure, Closure.upvalues), get(L))),
    ...when(
      less(get(results), i32(0)),
      call(pushString, get(L), getGlobal(returned), subtract(i32(-1), get(results))),
      result(i32(1)),
    ),
    ...get(results),
  ]);
  binary.exportFunction('hostCall', f);
}

/** Blocks of up to so many bytes are small: they have sizes of whole granules. */
const largestSmall = 512;
const granule = 16;
const granuleLog2 = 4;
/** Words in the array of `freeBlocks`: one for each size. */
export const freeLists = largestSmall / granule + 1;
/** Small blocks are cut from pieces of so many bytes. */
const pieceSize = 16384;

/**
 * Lua says how large a block is that it gives back, so small ones need no header, and go to the front of a list of
 * those of their size, to be taken from there. They are not given back to the C library.
 */
function replaceAllocator(binary: WasmBinary): void {
  const lists = binary.addGlobal(0);
  binary.exportGlobal('freeBlocks', lists);
  const allocate = addAllocate(binary, lists);
  const release = addRelease(binary, lists);
  const copy = addCopy(binary);
  const [block, size, wanted, moved] = [1, 2, 3, 4];
  const move = (least: Code, otherwise: Code) => [
    ...set(moved, call(allocate, get(wanted))),
    ...when(not(get(moved)), result(otherwise)),
    ...call(copy, get(moved), get(block), least),
    ...call(release, get(block), get(size)),
    ...result(get(moved)),
  ];
  binary.replaceFunction(Internal.l_alloc, { i32: 1 }, [
    ...when(not(get(wanted)), call(release, get(block), get(size)), result(i32(0))),
    ...when(not(get(block)), result(call(allocate, get(wanted)))),
    ...when(and(isLarge(size), isLarge(wanted)), result(call(Internal.realloc, get(block), get(wanted)))),
    ...when(equal(granules(size), granules(wanted)), result(get(block))),
    ...when(lessUnsigned(get(size), get(wanted)), move(get(size), i32(0))),
    ...move(get(wanted), get(block)), // Lua counts on it that making a block smaller does not fail
  ]);
}

const isLarge = (size: number): Code => lessUnsigned(i32(largestSmall), get(size));
const granules = (size: number): Code => shiftRight(add(get(size), i32(granule - 1)), i32(granuleLog2));
const listOf = (lists: number, size: number): Code =>
  add(getGlobal(lists), shiftLeft(granules(size), i32(2)));

/** `(size) -> block`, 0 if there is no memory. */
function addAllocate(binary: WasmBinary, lists: number): number {
  const malloc = binary.exportedFunctions().get('malloc')!;
  const [next, end] = [binary.addGlobal(0), binary.addGlobal(0)];
  const [size, list, block] = [0, 1, 2];
  return binary.addFunction(binary.addType(1, 1), { i32: 2 }, [
    ...when(isLarge(size), result(call(malloc, get(size)))),
    ...set(list, listOf(lists, size)),
    ...set(block, load32(get(list), 0)),
    ...when(get(block), store32(get(list), 0, load32(get(block), 0)), result(get(block))),
    ...set(size, shiftLeft(granules(size), i32(granuleLog2))),
    ...when(
      lessUnsigned(subtract(getGlobal(end), getGlobal(next)), get(size)),
      set(block, call(malloc, i32(pieceSize))),
      when(not(get(block)), result(i32(0))),
      setGlobal(next, get(block)),
      setGlobal(end, add(get(block), i32(pieceSize))),
    ),
    ...set(block, getGlobal(next)),
    ...setGlobal(next, add(getGlobal(next), get(size))),
    ...get(block),
  ]);
}

/** `(block, size)` */
function addRelease(binary: WasmBinary, lists: number): number {
  const free = binary.exportedFunctions().get('free')!;
  const [block, size, list] = [0, 1, 2];
  return binary.addFunction(binary.addType(2, 0), { i32: 1 }, [
    ...when(not(get(block)), result([])),
    ...when(isLarge(size), call(free, get(block)), result([])),
    ...set(list, listOf(lists, size)),
    ...store32(get(block), 0, load32(get(list), 0)),
    ...store32(get(list), 0, get(block)),
  ]);
}

/** `(to, from, size)`: copies whole words, which blocks have room for. */
function addCopy(binary: WasmBinary): number {
  const [to, from, size] = [0, 1, 2];
  return binary.addFunction(binary.addType(3, 0), {}, [
    ...set(size, and(add(get(size), i32(7)), i32(-8))),
    ...loopWhile(
      get(size),
      set(size, subtract(get(size), i32(8))),
      store64(add(get(to), get(size)), 0, load64(add(get(from), get(size)), 0)),
    ),
  ]);
}
