import type { Clock } from '../../ambient/clock.js';
import { Bytes, copyBytes } from '../../bytes/bytes.js';
import { MAX_DOUBLE_LENGTH, writeDouble } from '../../bytes/doubles.js';
import {
  GcCommand,
  globalsIndex,
  HookMask,
  type LuaExports,
  LuaStatus,
  LuaType,
  registryIndex,
} from './exports.js';
import { DebugRecord, LuaString, marksOffset, readOnlyMark, State, standInMark, Value } from './layout.js';
import { freeLists } from './machine.js';
import { LuaModule } from './wasm-module.js';

const scratchSize = 65536;
/** Most bytes of a string that a function of `setHostCall` returns. */
export const mostReturned = scratchSize;
/** Strings up to this length, in bytes, are decoded by hand: the call into Node costs more than the bytes. */
const shortText = 24;
/**
 * What is read and written most is so directly, without a call into the machine, which costs as much as twenty reads;
 * `checkLayout` makes sure that it is where it is looked for.
 */
const { top: topOffset, base: baseOffset } = State;
const { size: valueSize, type: typeOffset } = Value;

/** So many arguments of a function are written as text without taking memory for it. */
const textSlots = 256;

const readOnlyText = 'Attempt to modify a readonly table';

/**
 * A function that Lua calls. Its arguments are at 1 ... `lua.getTop()`; it pushes its results and returns how many.
 * See the rules at `LuaState`.
 */
export type HostFunction = (lua: LuaState) => number;

/** A value in the registry, and where it lies: Lua's collector moves nothing. */
export interface KeptValue {
  word: number;
  type: number;
  ref: number;
}

/**
 * Lua 5.1's C API with types: the methods are named as in the reference manual, without prefix and in camel case, and
 * do what it says of them. They act on the thread `L`, which is the calling one while a host function runs.
 *
 * Strings are bytes. They come and go as views of bytes or as JavaScript strings of latin1, one character a byte.
 *
 * Rules for host functions:
 *
 * - **Errors.** `lua.error(text)` raises a Lua error with the script's position before the text; `lua.raise()` one
 *   whose value is on top of the stack. They throw, and Lua's nearest protected
 *   call catches it: do not catch it (a `finally` is fine). Any other JavaScript exception that leaves a host function
 *   means that the machine is in an unknown state: it is thrown away, and the script fails. `check...` raise by
 *   themselves. Nothing has to be undone on the stack.
 * - **Memory.** Whatever pushes or converts may allocate; then the memory may be another buffer. `lua.heap` is to be
 *   read anew after each call; a view got by `toBytes` is valid until the next call that may allocate, and only while
 *   the string stays reachable in Lua (on the stack, in a table).
 * - **Stack.** There are 20 free slots at entry. Who may need more (recursion, as many values as the data has) calls
 *   `lua.ensureStack(n)`, for nothing else checks it.
 * - **Numbers as keys.** `toLatin1` and `toBytes` turn a number on the stack into a string, in place, which confuses
 *   `next`: push a copy (`pushValue`) of a key first.
 * - **Calls back into Lua** (`call`) may raise, too, and cannot be suspended.
 */
export class LuaState {
  /** The thread that the methods act on. */
  L: number;
  readonly main: number;
  readonly module: LuaModule;
  private readonly api: LuaExports;
  private readonly scratch: number;
  private readonly lengthOut: number;
  private readonly debugRecord: number;
  private hostCall = 0;
  /** Where arguments that are numbers are written as text. */
  private readonly texts: number;
  private readonly stackBase: number;
  private readonly names = new Map<string, number>();
  private readonly slots = new Map<HostFunction, number>();

  /** @param memoryLimit most bytes of memory; what needs more fails with "not enough memory" */
  constructor(clock: Clock, memoryLimit: number) {
    this.module = new LuaModule(clock, memoryLimit);
    this.api = this.module.exports;
    this.stackBase = this.api.stackSave();
    this.api.freeBlocks.value = this.cleared(freeLists * 4);
    this.L = this.main = this.api.luaL_newstate();
    this.scratch = this.api.malloc(scratchSize);
    this.lengthOut = this.api.malloc(4);
    this.debugRecord = this.api.malloc(DebugRecord.size);
    this.texts = this.api.malloc(textSlots * MAX_DOUBLE_LENGTH);
    this.api.readOnlyText.value = this.name(readOnlyText);
    this.api.returned.value = this.scratch;
    this.checkLayout();
  }

  /** Memory outside of Lua, all 0. */
  private cleared(size: number): number {
    const address = this.api.malloc(size);
    this.module.heap.fill(0, address, address + size);
    return address;
  }

  /** Throws if the structures are not as this file believes. */
  private checkLayout(): void {
    const { api, L } = this;
    this.pushNumber(1.5);
    this.pushBoolean(true);
    this.pushLatin1('layout');
    const asExpected =
      api.lua_gettop(L) === 3 &&
      api.lua_tonumber(L, 1) === 1.5 &&
      api.lua_type(L, 2) === LuaType.boolean &&
      this.getTop() === 3 &&
      this.type(-1) === LuaType.string &&
      this.toLatin1(3) === 'layout';
    this.setTop(0);
    if (!asExpected || api.lua_gettop(L) !== 0)
      throw new Error('Lua’s WebAssembly is not the one that is known');
  }

  /** Address of the value at an index of the stack; 0 for pseudo-indexes and beyond the top. */
  private address(index: number): number {
    const { words } = this.module;
    const top = words[(this.L + topOffset) >> 2];
    if (index < 0) return index > registryIndex ? top + index * valueSize : 0;
    const address = words[(this.L + baseOffset) >> 2] + (index - 1) * valueSize;
    return address < top ? address : 0;
  }

  private typeAt(address: number): number {
    return this.module.words[(address + typeOffset) >> 2];
  }

  /** Pushes a value of two words and a type. */
  private pushWord(word: number, type: number): void {
    const { words } = this.module;
    const top = words[(this.L + topOffset) >> 2];
    words[top >> 2] = word;
    words[(top + typeOffset) >> 2] = type;
    words[(this.L + topOffset) >> 2] = top + valueSize;
  }

  /** The machine's memory. Read it anew after each call that may allocate. */
  get heap(): Buffer {
    return this.module.heap;
  }

  // Pushing

  pushNil(): void {
    this.pushWord(0, LuaType.nil);
  }

  pushBoolean(value: boolean): void {
    this.pushWord(value ? 1 : 0, LuaType.boolean);
  }

  pushNumber(n: number): void {
    const { words, doubles } = this.module;
    const top = words[(this.L + topOffset) >> 2];
    doubles[top >> 3] = n;
    words[(top + typeOffset) >> 2] = LuaType.number;
    words[(this.L + topOffset) >> 2] = top + valueSize;
  }

  /** A string of the bytes of a buffer outside of the machine. */
  pushBytes(buffer: Buffer, start: number, end: number): void {
    const length = end - start;
    if (length <= scratchSize) {
      const { scratch } = this;
      copyBytes(this.module.heap, scratch, buffer, start, end);
      this.api.lua_pushlstring(this.L, scratch, length);
      return;
    }
    const pointer = this.allocate(length);
    buffer.copy(this.module.heap, pointer, start, end);
    this.pushAllocated(pointer, length);
  }

  /** Pushes an array of strings. */
  pushStrings(strings: Bytes[], from: number, to: number): void {
    const size = sizeOf(strings, from, to);
    const address = this.space(size);
    try {
      this.writeStrings(strings, from, to, address);
      this.api.pushStrings(this.L, address, to - from);
    } finally {
      if (address !== this.scratch) this.api.free(address);
    }
  }

  private space(size: number): number {
    return size <= scratchSize ? this.scratch : this.allocate(size);
  }

  /** Writes strings in the form that `pushStrings` of the machine takes. */
  private writeStrings(strings: Bytes[], from: number, to: number, address: number): void {
    const { heap, words } = this.module;
    let at = address;
    for (let i = from; i < to; i++) {
      const { buffer, start, end } = strings[i];
      words[at >> 2] = end - start;
      copyBytes(heap, at + 4, buffer, start, end);
      at += (end - start + 7) & -4;
    }
  }

  /** A string of a JavaScript string's latin1 bytes. */
  pushLatin1(text: string): void {
    const { length } = text;
    if (length <= scratchSize) {
      this.writeLatin1(text, this.scratch);
      this.api.lua_pushlstring(this.L, this.scratch, length);
      return;
    }
    const pointer = this.allocate(length);
    this.module.heap.write(text, pointer, 'latin1');
    this.pushAllocated(pointer, length);
  }

  private writeLatin1(text: string, at: number): void {
    const { heap } = this.module;
    if (text.length > shortText) heap.write(text, at, 'latin1');
    else for (let i = 0; i < text.length; i++) heap[at + i] = text.charCodeAt(i);
  }

  /** Memory outside of Lua's garbage collection. Raises "not enough memory". */
  private allocate(size: number): number {
    const pointer = this.api.malloc(size);
    if (pointer === 0) this.error('not enough memory');
    return pointer;
  }

  private pushAllocated(pointer: number, length: number): void {
    try {
      this.api.lua_pushlstring(this.L, pointer, length);
    } finally {
      this.api.free(pointer);
    }
  }

  /** The host function as a Lua function. Pushing the same again costs no new slot. */
  pushFunction(f: HostFunction): void {
    let slot = this.slots.get(f);
    if (slot === undefined) {
      slot = this.module.addFunction((L) => this.enter(f, L), 'function');
      this.slots.set(f, slot);
    }
    this.api.lua_pushcclosure(this.L, slot, 0);
  }

  private enter(f: HostFunction, L: number): number {
    const outer = this.L;
    this.L = L;
    try {
      return f(this);
    } finally {
      this.L = outer;
    }
  }

  // The stack

  getTop(): number {
    const { words } = this.module;
    return (words[(this.L + topOffset) >> 2] - words[(this.L + baseOffset) >> 2]) / valueSize;
  }

  setTop(index: number): void {
    if (index < 0 || index > this.getTop()) return this.api.lua_settop(this.L, index);
    const { words } = this.module;
    words[(this.L + topOffset) >> 2] = words[(this.L + baseOffset) >> 2] + index * valueSize;
  }

  pop(count = 1): void {
    this.module.words[(this.L + topOffset) >> 2] -= count * valueSize;
  }

  pushValue(index: number): void {
    this.api.lua_pushvalue(this.L, index);
  }

  replace(index: number): void {
    this.api.lua_replace(this.L, index);
  }

  /** False if the stack cannot have so many more slots. */
  checkStack(slots: number): boolean {
    return this.api.lua_checkstack(this.L, slots) !== 0;
  }

  /** As `checkStack`, but raises an error. */
  ensureStack(slots: number, message = 'too many nested values'): void {
    this.api.luaL_checkstack(this.L, slots, this.name(message));
  }

  /** Moves values from the top of a thread to the top of another. */
  move(from: number, to: number, count: number): void {
    this.api.lua_xmove(from, to, count);
  }

  // Reading

  /** One of `LuaType`. */
  type(index: number): number {
    const address = this.address(index);
    return address === 0 ? this.api.lua_type(this.L, index) : this.typeAt(address);
  }

  /** A string or a number. */
  isString(index: number): boolean {
    return this.api.lua_isstring(this.L, index) !== 0;
  }

  toNumber(index: number): number {
    const address = this.address(index);
    if (address !== 0 && this.typeAt(address) === LuaType.number) return this.module.doubles[address >> 3];
    return this.api.lua_tonumber(this.L, index);
  }

  toBoolean(index: number): boolean {
    return this.api.lua_toboolean(this.L, index) !== 0;
  }

  /** Sets the view to the string's bytes, in the machine's memory. False if there is no string or number there. */
  toBytes(index: number, into: Bytes): boolean {
    const address = this.address(index);
    if (address !== 0 && this.typeAt(address) === LuaType.string) {
      const { heap, words } = this.module;
      const string = words[address >> 2];
      into.buffer = heap;
      into.start = string + LuaString.bytes;
      into.end = into.start + words[(string + LuaString.length) >> 2];
      into.hash = 0;
      return true;
    }
    const start = this.api.lua_tolstring(this.L, index, this.lengthOut);
    if (start === 0) return false;
    this.view(start, into);
    return true;
  }

  /**
   * Sets the views to all arguments of the function that runs in the thread: strings as they lie in the machine's
   * memory, numbers as text, whole ones in full, for commands that want an integer read no exponents. Returns their
   * number, or -1 if one is neither. Hot.
   */
  argumentsToBytes(L: number, views: Bytes[]): number {
    const { heap, words, doubles } = this.module;
    let address = words[(L + baseOffset) >> 2];
    const count = (words[(L + topOffset) >> 2] - address) >> 4;
    for (let i = 0; i < count; i++, address += valueSize) {
      const view = i < views.length ? views[i] : (views[i] = new Bytes());
      const type = words[(address + typeOffset) >> 2];
      if (type === LuaType.string) {
        const string = words[address >> 2];
        const start = string + LuaString.bytes;
        if (view.buffer !== heap) view.buffer = heap;
        view.start = start;
        view.end = start + words[(string + LuaString.length) >> 2];
        view.hash = 0;
      } else if (type === LuaType.number) this.numberToBytes(doubles[address >> 3], i, view);
      else return -1;
    }
    return count;
  }

  private numberToBytes(n: number, argument: number, view: Bytes): void {
    const kept = argument < textSlots;
    view.buffer = kept ? this.module.heap : Buffer.allocUnsafe(MAX_DOUBLE_LENGTH);
    view.start = kept ? this.texts + argument * MAX_DOUBLE_LENGTH : 0;
    view.end = writeDouble(view.buffer, view.start, n);
    view.hash = 0;
  }

  private view(start: number, into: Bytes): void {
    const { heap, words } = this.module;
    into.buffer = heap;
    into.start = start;
    into.end = start + words[this.lengthOut >> 2];
    into.hash = 0;
  }

  /** A string or number as latin1, undefined of everything else. */
  toLatin1(index: number): string | undefined {
    const start = this.api.lua_tolstring(this.L, index, this.lengthOut);
    if (start === 0) return undefined;
    return this.latin1(start, this.module.words[this.lengthOut >> 2]);
  }

  private latin1(start: number, length: number): string {
    const { heap } = this.module;
    if (length > shortText) return heap.toString('latin1', start, start + length);
    let text = '';
    for (let i = start; i < start + length; i++) text += String.fromCharCode(heap[i]);
    return text;
  }

  /** A C or host function. */
  isNative(index: number): boolean {
    return this.api.lua_iscfunction(this.L, index) !== 0;
  }

  /** A C function in the place of which one in Lua may be called. */
  hasStandIn(index: number): boolean {
    const address = this.address(index);
    const isFunction = address !== 0 && this.typeAt(address) === LuaType.function;
    return isFunction && (this.heap[this.module.words[address >> 2] + marksOffset] & standInMark) !== 0;
  }

  /** Pops a function in Lua, the stand-in of the C function below it. See stand-ins.ts. */
  setStandIn(callback: number): void {
    const { api, L } = this;
    const slot = api.lua_tocfunction(L, -2);
    api.lua_pushlightuserdata(L, callback);
    api.lua_pushcclosure(L, slot, 2);
    this.replace(-2);
    const { heap, words } = this.module;
    heap[words[this.address(-1) >> 2] + marksOffset] |= standInMark;
  }

  /** A C function, to be called with the arguments of the host function that is running, in its place. */
  toNative(index: number): (L: number) => number {
    const slot = this.api.lua_tocfunction(this.L, index);
    return this.api.__indirect_function_table.get(slot) as (L: number) => number;
  }

  /** How deep calls are nested, in bytes of the machine's stack. */
  get stackDepth(): number {
    return this.stackBase - this.api.stackSave();
  }

  // Arguments of host functions: they raise errors in Lua's own words

  /** Truncated to 32 bits. */
  checkInteger(argument: number): number {
    return this.api.luaL_checkinteger(this.L, argument);
  }

  /** Sets the view to the argument's bytes. */
  checkBytes(argument: number, into: Bytes): void {
    this.view(this.api.luaL_checklstring(this.L, argument, this.lengthOut), into);
  }

  isNoneOrNil(index: number): boolean {
    return this.type(index) <= LuaType.nil;
  }

  // Tables

  createTable(arraySize = 0, fields = 0): void {
    this.api.lua_createtable(this.L, arraySize, fields);
  }

  /** Pops a key, pushes the next key and value; pushes nothing and returns false after the last. */
  next(table: number): boolean {
    return this.api.lua_next(this.L, table) !== 0;
  }

  rawGet(table: number): void {
    this.api.lua_rawget(this.L, table);
  }

  rawSet(table: number): void {
    this.api.lua_rawset(this.L, table);
  }

  rawGetI(table: number, n: number): void {
    this.api.lua_rawgeti(this.L, table, n);
  }

  rawSetI(table: number, n: number): void {
    this.api.lua_rawseti(this.L, table, n);
  }

  /** Whoever tries to change the table on top of the stack gets an error from now on, or no longer. */
  setReadOnly(readOnly = true): void {
    const { heap, words } = this.module;
    const marks = words[this.address(-1) >> 2] + marksOffset;
    heap[marks] = readOnly ? heap[marks] | readOnlyMark : heap[marks] & ~readOnlyMark;
  }

  /** With metamethods. The name is kept for good, so it must be one that stands in the code. */
  getField(table: number, name: string): void {
    this.api.lua_getfield(this.L, table, this.name(name));
  }

  /** With metamethods. The name is kept for good, so it must be one that stands in the code. */
  setField(table: number, name: string): void {
    this.api.lua_setfield(this.L, table, this.name(name));
  }

  getGlobal(name: string): void {
    this.getField(globalsIndex, name);
  }

  setGlobal(name: string): void {
    this.setField(globalsIndex, name);
  }

  /**
   * Sets a field of the table on top of the stack to a function that gets the calling thread. It returns how many
   * results it pushed or, as -1 - length, that its one result is the string in `returnedString`. The name must stand
   * in the code.
   */
  setHostCall(name: string, f: (L: number) => number): void {
    const { module, api, L } = this;
    if (this.hostCall === 0) this.hostCall = module.addExport(api.hostCall);
    api.lua_pushlightuserdata(L, module.addFunction(f, 'function'));
    api.lua_pushcclosure(L, this.hostCall, 1);
    this.setField(-2, name);
  }

  /** Where a function of `setHostCall` may put a string to return, of at most `mostReturned` bytes. */
  get returnedString(): number {
    return this.scratch;
  }

  /** Sets a field of the table on top of the stack. The name must stand in the code. */
  setFunction(name: string, f: HostFunction): void {
    this.pushFunction(f);
    this.setField(-2, name);
  }

  /** Pushes the metatable, if there is one. */
  getMetatable(index: number): boolean {
    return this.api.lua_getmetatable(this.L, index) !== 0;
  }

  /** Pops a table or nil. */
  setMetatable(index: number): void {
    this.api.lua_setmetatable(this.L, index);
  }

  /** Pops a value and keeps it in the registry. */
  ref(): number {
    return this.api.luaL_ref(this.L, registryIndex);
  }

  unref(ref: number): void {
    this.api.luaL_unref(this.L, registryIndex, ref);
  }

  pushRef(ref: number): void {
    this.api.lua_rawgeti(this.L, registryIndex, ref);
  }

  /**
   * Keeps a value that is popped for good, and returns it in a form that `pushKept` pushes without looking it up. For
   * strings and functions that are wanted with each script.
   */
  keep(): KeptValue {
    const address = this.address(-1);
    const kept = { word: this.module.words[address >> 2], type: this.typeAt(address), ref: 0 };
    kept.ref = this.ref();
    return kept;
  }

  /** Keeps a value on the stack of a thread for good. */
  keepOf(L: number, index: number): void {
    this.api.lua_pushvalue(L, index);
    this.api.luaL_ref(L, registryIndex);
  }

  pushKept({ word, type }: KeptValue): void {
    this.pushWord(word, type);
  }

  // Errors

  /** Raises an error: the position of the Lua code that runs, and the text. The text is latin1. */
  error(text: string): never {
    this.api.luaL_where(this.L, 1);
    this.pushLatin1(text);
    this.api.lua_concat(this.L, 2);
    return this.raise();
  }

  /** Raises an error whose value is on top of the stack. */
  raise(): never {
    this.api.lua_error(this.L);
    throw new Error('lua_error returned');
  }

  // Running

  openStandardLibraries(): void {
    this.api.luaL_openlibs(this.L);
  }

  /** Compiles a chunk and pushes it as a function, or the error. Returns one of `LuaStatus`. */
  load(code: Buffer, chunkName: string): number {
    const pointer = this.api.malloc(code.length || 1);
    if (pointer === 0) {
      this.pushLatin1('not enough memory');
      return LuaStatus.memoryError;
    }
    code.copy(this.module.heap, pointer);
    const status = this.api.luaL_loadbuffer(this.L, pointer, code.length, this.name(chunkName));
    this.api.free(pointer);
    return status;
  }

  /** Returns one of `LuaStatus`; on an error its value is on the stack in place of results. */
  pcall(args: number, results: number): number {
    return this.api.lua_pcall(this.L, args, results, 0);
  }

  /** Pushes a new thread and returns it. */
  newThread(): number {
    return this.api.lua_newthread(this.L);
  }

  /** Starts or goes on with a thread. Returns one of `LuaStatus`. Methods act on that thread from now on. */
  resume(thread: number, args: number): number {
    this.L = thread;
    return this.api.lua_resume(thread, args);
  }

  /** Where `runScript` puts KEYS and ARGV: fields of the table on top of the stack, which may be read-only. */
  useGlobals(): void {
    const { api, module } = this;
    api.globalsTable.value = module.words[this.address(-1) >> 2];
    for (const [name, global] of [
      ['KEYS', api.keysValue],
      ['ARGV', api.argvValue],
    ] as const) {
      this.pushLatin1(name);
      global.value = api.fieldAddress(api.globalsTable.value, module.words[this.address(-1) >> 2]);
      this.pop();
    }
  }

  /**
   * Sets KEYS and ARGV to the arguments from `from` on, of which the first `keyCount` are keys, and runs a function
   * in a thread. Returns one of `LuaStatus`. Methods act on that thread from now on. Hot.
   */
  runScript(
    thread: number,
    script: KeptValue,
    args: Bytes[],
    from: number,
    argc: number,
    keyCount: number,
  ): number {
    this.L = thread;
    const address = this.space(sizeOf(args, from, argc));
    this.writeStrings(args, from, argc, address);
    const { api } = this;
    try {
      return api.runScript(thread, address, keyCount, argc - from - keyCount, script.word);
    } finally {
      if (address !== this.scratch) api.free(address);
    }
  }

  /** False while the thread is under a C function that called back into Lua: Lua cannot stop there. */
  canSuspend(L: number): boolean {
    const { heap } = this.module;
    return heap.readUInt16LE(L + State.cCalls) === heap.readUInt16LE(L + State.baseCCalls);
  }

  /** Suspends the running thread from within its hook, which must return at once. */
  suspend(L: number): void {
    this.api.lua_yield(L, 0);
  }

  /**
   * Has a function called now and then while the thread, or one that it made, runs. The function calls `watched`. See
   * fast-calls.ts.
   */
  watch(thread: number, slot: number): void {
    this.api.lua_sethook(thread, slot, HookMask.count, 1);
    this.watched(thread);
  }

  /** The thread was looked at. */
  watched(thread: number): void {
    this.module.heap[thread + State.hookMask] = 0;
  }

  /**
   * Has a function called now and then in long loops of C and host functions, with the thread. It may raise an error.
   */
  watchLoops(watcher: (L: number) => void): void {
    this.module.watcher = watcher;
    this.api.loopWatcher.value = this.module.addFunction(watcher, 'hook');
  }

  /** Has the function of `watch` called before the thread's next instruction in Lua. */
  watchSoon(thread: number): void {
    this.module.heap[thread + State.hookMask] = HookMask.count;
  }

  /** One of `GcCommand`. */
  gc(what: number, data = 0): number {
    return this.api.lua_gc(this.main, what, data);
  }

  /** Bytes that Lua has in use. */
  get usedBytes(): number {
    return this.gc(GcCommand.countKiB) * 1024 + this.gc(GcCommand.countBytes);
  }

  /**
   * Where a function of the call stack stands; level 0 is the running one. Undefined beyond the stack's end. The source
   * is the name of the chunk, or its code if it has none; the line is -1 in native functions.
   */
  position(level: number): { source: string; line: number } | undefined {
    const record = this.debugRecord;
    if (this.api.lua_getstack(this.L, level, record) === 0) return undefined;
    this.api.lua_getinfo(this.L, this.name('Sl'), record);
    const { heap } = this.module;
    const start = heap.readUInt32LE(record + DebugRecord.source);
    return {
      source: heap.toString('latin1', start, heap.indexOf(0, start)),
      line: heap.readInt32LE(record + DebugRecord.currentLine),
    };
  }

  /** A C string that lives as long as the machine. */
  private name(text: string): number {
    const known = this.names.get(text);
    if (known !== undefined) return known;
    const pointer = this.api.malloc(text.length + 1);
    if (pointer === 0) throw new Error('no memory for a name in Lua');
    this.module.heap.write(text, pointer, 'latin1');
    this.module.heap[pointer + text.length] = 0;
    this.names.set(text, pointer);
    return pointer;
  }
}

/** Bytes that `writeStrings` writes. */
function sizeOf(strings: Bytes[], from: number, to: number): number {
  let size = 0;
  for (let i = from; i < to; i++) size += (strings[i].length + 7) & -4;
  return size;
}
