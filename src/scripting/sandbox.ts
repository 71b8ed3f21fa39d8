import type { Clock } from '../ambient/clock.js';
import { openLibraries } from './libraries/index.js';
import { globalsIndex, LuaStatus, LuaType } from './lua/exports.js';
import { type HostFunction, type KeptValue, LuaState } from './lua/lua-state.js';
import { prelude, preludeSource } from './lua/prelude.js';

/** Reach out of the sandbox, or have no meaning in a server. */
const removedGlobals = [
  'debug',
  'dofile',
  'getfenv',
  'io',
  'loadfile',
  'module',
  'newproxy',
  'package',
  'print',
  'require',
  'setfenv',
];
const libraries = [
  'string',
  'table',
  'math',
  'coroutine',
  'os',
  'redis',
  'cjson',
  'cmsgpack',
  'struct',
  'bit',
];
const bytecodeMark = '\x1b';
/** Of the machine's stack of 4 MiB, calls may be nested so deep in bytes; far below what the process's own stack takes. */
const deepestNesting = 100_000;

const readOnly = 'Attempt to modify a readonly table';

/**
 * A Lua machine that scripts cannot get out of, nor leave anything behind in. Lua 5.1 has no read-only tables, so what
 * scripts see of the globals and of each library is an empty table that looks its fields up in the real one and refuses
 * to be written to. The few library functions that look past metatables know of them.
 */
export class Sandbox {
  readonly lua: LuaState;
  /** Set while a suspension from outside is on its way out through coroutines. */
  interrupted = false;
  /** References to the real tables, by the address of what scripts see of them. */
  private readonly realTables = new Map<number, number>();
  private readonly globals: number;
  private readonly globalsTable: KeptValue;
  private readonly globalsView: number;

  /** @param openRedis pushes the `redis` table */
  constructor(
    clock: Clock,
    memoryLimit: number,
    cpuSeconds: () => number,
    openRedis: (lua: LuaState) => void,
  ) {
    this.lua = new LuaState(clock, memoryLimit);
    const { lua } = this;
    lua.openStandardLibraries();
    openLibraries(lua, { cpuSeconds });
    openRedis(lua);
    lua.setGlobal('redis');
    this.replaceLibraryFunctions();
    this.runPrelude();
    for (const name of removedGlobals) {
      lua.pushNil();
      lua.setGlobal(name);
    }
    for (const name of libraries) this.protectLibrary(name);
    this.protectStrings();
    lua.pushValue(globalsIndex);
    this.globalsTable = lua.keep();
    this.globals = this.globalsTable.ref;
    this.globalsView = this.protectGlobals();
  }

  /** Pushes the table behind what scripts see as `_G`. */
  pushGlobals(): void {
    this.lua.pushKept(this.globalsTable);
  }

  /** Shows other globals: those of the table, or the usual ones. */
  useGlobals(table: number | undefined): void {
    const { lua } = this;
    lua.pushRef(this.globalsView);
    lua.pushRef(table ?? this.globals);
    lua.setField(-2, '__index');
    lua.pop();
  }

  /** Pops a table and pushes what scripts may see of it; reading a field that is not there is an error if `strict`. */
  protect(strict: boolean): void {
    const { lua } = this;
    if (strict) this.refuseUnknown();
    const real = lua.ref();
    lua.createTable();
    this.realTables.set(lua.toPointer(-1), real);
    lua.createTable(0, 2);
    lua.pushRef(real);
    lua.setField(-2, '__index');
    lua.setFunction('__newindex', refuseChange);
    lua.setMetatable(-2);
  }

  /** Makes reading an absent field of the table on top of the stack an error. */
  refuseUnknown(): void {
    const { lua } = this;
    lua.createTable(0, 1);
    lua.setFunction('__index', refuseUnknownGlobal);
    lua.setMetatable(-2);
  }

  private protectLibrary(name: string): void {
    const { lua } = this;
    lua.getGlobal(name);
    if (lua.type(-1) !== LuaType.table) return lua.pop();
    this.protect(false);
    lua.setGlobal(name);
  }

  /** `getmetatable('')` gives a view of it. */
  private protectStrings(): void {
    const { lua } = this;
    lua.pushLatin1('');
    lua.getMetatable(-1);
    lua.createTable(0, 1);
    lua.getGlobal('string');
    lua.setField(-2, '__index');
    this.protect(false);
    lua.setField(-2, '__metatable');
    lua.setTop(0);
  }

  /** Returns a reference to the metatable of what scripts see as `_G`. */
  private protectGlobals(): number {
    const { lua } = this;
    lua.pushValue(globalsIndex);
    this.refuseUnknown();
    this.protect(false);
    lua.getMetatable(-1);
    lua.createTable(0, 1);
    lua.setFunction('__index', refuseUnknownGlobal);
    this.protect(false);
    lua.setField(-2, '__metatable');
    const view = lua.ref();
    lua.pushValue(-1);
    lua.setGlobal('_G');
    lua.replace(globalsIndex);
    return view;
  }

  private runPrelude(): void {
    const { lua } = this;
    if (lua.load(Buffer.from(prelude), preludeSource) !== LuaStatus.ok) throw new Error(lua.toLatin1(-1));
    lua.createTable(0, 2);
    lua.setFunction('isNative', (lua) => this.isNative(lua));
    lua.setFunction('interrupted', (lua) => {
      lua.pushBoolean(this.interrupted);
      return 1;
    });
    if (lua.pcall(1, 0) !== LuaStatus.ok) throw new Error(lua.toLatin1(-1));
  }

  private isNative(lua: LuaState): number {
    if (lua.stackDepth > deepestNesting) lua.error('stack overflow');
    lua.pushBoolean(lua.type(1) !== LuaType.function || lua.isNative(1));
    return 1;
  }

  // Library functions that would look past a read-only table's metatable

  private replaceLibraryFunctions(): void {
    const { lua } = this;
    lua.pushValue(globalsIndex);
    this.wrap('rawset', (native) => (lua) => (this.isReadOnly(1) ? refuse(lua) : native(lua.L)));
    this.wrap('setmetatable', (native) => (lua) => (this.isReadOnly(1) ? refuse(lua) : native(lua.L)));
    this.wrap('getmetatable', (native) => (lua) => this.metatable(lua, native));
    this.wrap('rawget', (native) => (lua) => this.onReal(lua, native));
    lua.getField(-1, 'next');
    const nativeNext = lua.ref();
    this.wrap('next', (native) => (lua) => this.onReal(lua, native));
    this.wrapPairs(nativeNext);
    this.wrap('loadstring', (native) => (lua) => loadText(lua, native));
    lua.getField(-1, 'table');
    this.wrap('insert', (native) => (lua) => (this.isReadOnly(1) ? refuse(lua) : native(lua.L)));
    this.wrap('remove', (native) => (lua) => (this.isReadOnly(1) ? refuse(lua) : native(lua.L)));
    this.wrap('sort', (native) => (lua) => (this.isReadOnly(1) ? refuse(lua) : native(lua.L)));
    lua.pop(2);
  }

  /** Puts another function in the place of one of the table on top of the stack. */
  private wrap(name: string, make: (native: (L: number) => number) => HostFunction): void {
    const { lua } = this;
    lua.getField(-1, name);
    const native = lua.toNative(-1);
    lua.pop();
    lua.setFunction(name, make(native));
  }

  /** The function that `pairs` returns is Lua's own, unless it is to walk a read-only table. */
  private wrapPairs(nativeNext: number): void {
    const { lua } = this;
    lua.getField(-1, 'next');
    const next = lua.ref();
    lua.setFunction('pairs', (lua) => {
      lua.checkType(1, LuaType.table);
      lua.pushRef(this.isReadOnly(1) ? next : nativeNext);
      lua.pushValue(1);
      lua.pushNil();
      return 3;
    });
  }

  private isReadOnly(index: number): boolean {
    const { lua } = this;
    return lua.type(index) === LuaType.table && this.realTables.has(lua.toPointer(index));
  }

  private onReal(lua: LuaState, native: (L: number) => number): number {
    const real = lua.type(1) === LuaType.table ? this.realTables.get(lua.toPointer(1)) : undefined;
    if (real !== undefined) {
      lua.pushRef(real);
      lua.replace(1);
    }
    return native(lua.L);
  }

  /** Of libraries there is none to be seen. */
  private metatable(lua: LuaState, native: (L: number) => number): number {
    if (!this.isReadOnly(1) || this.hasVisibleMetatable(lua)) return native(lua.L);
    lua.pushNil();
    return 1;
  }

  private hasVisibleMetatable(lua: LuaState): boolean {
    lua.getMetatable(1);
    lua.getField(-1, '__metatable');
    const visible = lua.type(-1) === LuaType.table;
    lua.pop(2);
    return visible;
  }
}

/** Raises without a position, as a function in C does. */
function refuse(lua: LuaState): never {
  lua.pushLatin1(readOnly);
  return lua.raise();
}

const refuseChange: HostFunction = (lua) => lua.error(readOnly);

const refuseUnknownGlobal: HostFunction = (lua) => {
  const name = lua.toLatin1(2) ?? '';
  return lua.error(`Script attempted to access nonexistent global variable '${name}'`);
};

/** Refuses bytecode, which could do anything to the machine. */
function loadText(lua: LuaState, native: (L: number) => number): number {
  if (!lua.checkLatin1(1).startsWith(bytecodeMark)) return native(lua.L);
  lua.pushNil();
  lua.pushLatin1('bytecode is not allowed');
  return 2;
}
