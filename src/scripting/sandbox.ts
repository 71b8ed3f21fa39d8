import type { Clock } from '../ambient/clock.js';
import { Bytes } from '../bytes/bytes.js';
import { openLibraries } from './libraries/index.js';
import { GcCommand, globalsIndex, LuaStatus, LuaType } from './lua/exports.js';
import { type HostFunction, LuaState } from './lua/lua-state.js';
import { prelude, preludeSource } from './lua/prelude.js';
import { standIns } from './lua/stand-ins.js';

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
/** Percent: the collector's pause, and how fast it is, unless a script says otherwise. */
const collectorDefault = 200;
const bytecodeMark = 0x1b;
/** Whoever compiles so many bytes looks at the time first. */
const longText = 65536;
/**
 * Of the machine's stack of 4 MiB, calls may be nested so deep in bytes; far below what the process's own stack
 * takes.
 */
const deepestNesting = 100_000;

/**
 * A Lua machine that scripts cannot get out of, nor leave anything behind in: the globals and all libraries are
 * read-only tables.
 */
export class Sandbox {
  readonly lua: LuaState;
  /** Set while a suspension from outside is on its way out through coroutines. */
  interrupted = false;
  /** Called when a script goes on because it cannot be suspended where it is; may raise an error. */
  onDelay: (L: number) => void = () => {};
  /** The script has to end: its errors are not to be caught. */
  ended = false;
  /** A script called collectgarbage, with which the collector can be stopped. */
  private collectorChanged = false;
  private readonly globals: number;
  /** Reference to the metatable of what scripts see as `_G`, if that can be switched. */
  private globalsView = 0;

  /**
   * @param openRedis pushes the `redis` table
   * @param switchable what scripts see as globals is an empty table, which looks them up where `useGlobals` says; else
   * there are KEYS and ARGV
   */
  constructor(
    clock: Clock,
    memoryLimit: number,
    cpuSeconds: () => number,
    openRedis: (lua: LuaState) => void,
    private readonly switchable: boolean,
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
    if (!switchable) this.declareVariables();
    lua.pushValue(globalsIndex);
    this.globals = lua.ref();
    this.protectGlobals();
  }

  /** A script begins: what another one left does not concern it. */
  begin(): void {
    this.ended = false;
    if (!this.collectorChanged) return;
    this.collectorChanged = false;
    const { lua } = this;
    lua.gc(GcCommand.restart);
    lua.gc(GcCommand.setPause, collectorDefault);
    lua.gc(GcCommand.setStepMultiplier, collectorDefault);
  }

  /** Shows other globals: those of the table, or the usual ones. */
  useGlobals(table: number | undefined): void {
    const { lua } = this;
    lua.pushRef(this.globalsView);
    lua.setReadOnly(false);
    lua.pushRef(table ?? this.globals);
    lua.setField(-2, '__index');
    lua.setReadOnly();
    lua.pop();
  }

  /** Makes reading an absent field of the table on top of the stack an error, and changing it, too. */
  protectStrictly(): void {
    const { lua } = this;
    lua.createTable(0, 1);
    lua.setFunction('__index', refuseUnknownGlobal);
    lua.setReadOnly();
    lua.setMetatable(-2);
    lua.setReadOnly();
  }

  private protectLibrary(name: string): void {
    const { lua } = this;
    lua.getGlobal(name);
    if (lua.type(-1) === LuaType.table) lua.setReadOnly();
    lua.pop();
  }

  /** The metatable of strings, which `getmetatable('')` gives. */
  private protectStrings(): void {
    const { lua } = this;
    lua.pushLatin1('');
    lua.getMetatable(-1);
    lua.setReadOnly();
    lua.setTop(0);
  }

  /** The globals that each script finds set anew. */
  private declareVariables(): void {
    const { lua } = this;
    for (const name of ['KEYS', 'ARGV']) {
      lua.pushBoolean(false);
      lua.setGlobal(name);
    }
    lua.pushValue(globalsIndex);
    lua.useGlobals();
    lua.pop();
  }

  private protectGlobals(): void {
    const { lua } = this;
    if (this.switchable) this.pushGlobalsView();
    else lua.pushValue(globalsIndex);
    lua.pushValue(-1);
    lua.setGlobal('_G');
    lua.pushValue(globalsIndex);
    this.protectStrictly();
    lua.pop();
    lua.replace(globalsIndex);
  }

  /** Pushes what scripts see as `_G` if that can be switched. */
  private pushGlobalsView(): void {
    const { lua } = this;
    lua.createTable();
    lua.createTable(0, 1);
    lua.pushRef(this.globals);
    lua.setField(-2, '__index');
    lua.setReadOnly();
    lua.pushValue(-1);
    this.globalsView = lua.ref();
    lua.setMetatable(-2);
    lua.setReadOnly();
  }

  private runPrelude(): void {
    const { lua } = this;
    if (lua.load(Buffer.from(prelude), preludeSource) !== LuaStatus.ok) throw new Error(lua.toLatin1(-1));
    lua.createTable(0, 3);
    lua.setFunction('isNative', (lua) => this.isNative(lua));
    lua.setFunction('interruption', (lua) => this.interruption(lua));
    lua.setFunction('ended', (lua) => {
      lua.pushBoolean(this.ended);
      return 1;
    });
    if (lua.pcall(1, standIns.length) !== LuaStatus.ok) throw new Error(lua.toLatin1(-1));
    for (const { library, name, callback } of [...standIns].reverse()) {
      lua.getGlobal(library);
      lua.getField(-1, name);
      lua.pushValue(-3);
      lua.setStandIn(callback);
      lua.setField(-2, name);
      lua.pop(2);
    }
  }

  /** What the prelude is to do with a thread that was suspended: see there. */
  private interruption(lua: LuaState): number {
    if (!this.interrupted) return 0;
    if (lua.canSuspend(lua.L)) lua.pushLatin1('suspend');
    else {
      this.interrupted = false;
      this.onDelay(lua.L);
      lua.pushLatin1('continue');
    }
    return 1;
  }

  private isNative(lua: LuaState): number {
    if (lua.stackDepth > deepestNesting) lua.error('stack overflow');
    if (lua.hasStandIn(1)) lua.pushLatin1('stand-in');
    else lua.pushBoolean(lua.type(1) !== LuaType.function || lua.isNative(1));
    return 1;
  }

  private replaceLibraryFunctions(): void {
    const { lua } = this;
    lua.pushValue(globalsIndex);
    this.wrap('loadstring', (native) => (lua) => loadText(lua, native));
    this.wrap('collectgarbage', (native) => (lua) => {
      this.collectorChanged = true;
      const results = native(lua.L);
      lua.module.watcher(lua.L); // a collection takes long when there is much
      return results;
    });
    lua.pop();
  }

  /** Puts another function in the place of one of the table on top of the stack. */
  private wrap(name: string, make: (native: (L: number) => number) => HostFunction): void {
    const { lua } = this;
    lua.getField(-1, name);
    const native = lua.toNative(-1);
    lua.pop();
    lua.setFunction(name, make(native));
  }
}

const refuseUnknownGlobal: HostFunction = (lua) => {
  const name = lua.toLatin1(2) ?? '';
  return lua.error(`Script attempted to access nonexistent global variable '${name}'`);
};

/** Refuses bytecode, which could do anything to the machine. */
function loadText(lua: LuaState, native: (L: number) => number): number {
  const text = new Bytes();
  lua.checkBytes(1, text);
  if (text.length > longText) lua.module.watcher(lua.L);
  if (text.length === 0 || text.buffer[text.start] !== bytecodeMark) return native(lua.L);
  lua.pushNil();
  lua.pushLatin1('bytecode is not allowed');
  return 2;
}
