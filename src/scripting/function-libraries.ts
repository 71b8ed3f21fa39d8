import { Bytes } from '../bytes/bytes.js';
import { CommandError } from '../protocol/errors.js';
import { type RegisteredFunction, readRegistration } from './function-registration.js';
import { readLibraryHeader } from './header.js';
import type { KeptValue, LuaState } from './lua/lua-state.js';
import { LuaVm, type VmSettings } from './lua-vm.js';

/** How long, in µs, a library may take to be loaded that somebody brings; one that was accepted once has no limit. */
export const loadLimit = 500_000;
const noLimit = Number.POSITIVE_INFINITY;
/** What a library and a function take beside their texts: objects, places in tables. Estimates, in bytes. */
const libraryOverheadBytes = 200;
const functionOverheadBytes = 100;

/** Functions that were loaded together, and the code they come from. */
export interface FunctionLibrary {
  name: string;
  /** With its `#!` line. */
  code: Buffer;
  functions: RegisteredFunction[];
}

/** A function that FCALL can call. */
export interface FoundFunction {
  vm: LuaVm;
  registered: RegisteredFunction;
}

/** The libraries of functions, with the machine that they live in. Function names are unique among all of them. */
export class FunctionLibraries {
  private byName = new Map<string, FunctionLibrary>();
  /** By name in lower case. */
  private functions = new Map<string, RegisteredFunction>();
  private machine: LuaVm | undefined;
  /** What is being registered, while a library is loaded. */
  private registering: RegisteredFunction[] | undefined;
  /** Reference to the globals that loading code sees. */
  private loadGlobals = 0;

  constructor(private readonly settings: VmSettings) {}

  get libraryCount(): number {
    return this.byName.size;
  }

  get functionCount(): number {
    return this.functions.size;
  }

  /** Bytes in use in the machine. */
  get vmMemory(): number {
    return this.machine?.usedBytes ?? 0;
  }

  /** Bytes outside of the machine. */
  get memory(): number {
    let bytes = 0;
    for (const { code, functions } of this.byName.values()) {
      bytes += libraryOverheadBytes + code.length + functions.length * functionOverheadBytes;
    }
    return bytes;
  }

  /** In the order of loading. */
  libraries(): IterableIterator<FunctionLibrary> {
    return this.byName.values();
  }

  /** The code of each, in the order of loading: what is saved of them. */
  sources(): Bytes[] {
    return [...this.byName.values()].map(({ code }) => new Bytes(code));
  }

  /** A function by name, any case. */
  find(name: string): FoundFunction | undefined {
    if (this.functions.size === 0) return undefined;
    const vm = this.vm(); // may register the functions anew
    const registered = this.functions.get(name.toLowerCase());
    return registered === undefined ? undefined : { vm, registered };
  }

  /** What a function says of itself, bits of ScriptFlag. */
  flagsOf(name: string): number | undefined {
    return this.functions.get(name.toLowerCase())?.flags;
  }

  /**
   * Loads a library from its code. Returns its name. Throws CommandError if the code is wrong or a name is taken; then
   * everything is as before.
   *
   * @param replace a library of that name may be there: it is replaced
   * @param limit how long its code may run, in µs
   */
  load(code: Buffer, replace: boolean, limit = noLimit): string {
    const source = readLibraryHeader(code);
    const previous = this.byName.get(source.name);
    if (previous !== undefined && !replace)
      throw new CommandError(`ERR Library '${source.name}' already exists`);
    const functions = this.register(source.code, limit);
    const own = new Set(previous?.functions.map(({ name }) => name.toLowerCase()));
    const taken = functions.find(({ name }) => {
      const known = name.toLowerCase();
      return this.functions.has(known) && !own.has(known);
    });
    if (taken !== undefined) {
      this.release(functions);
      throw new CommandError(`ERR Function ${taken.name} already exists`);
    }
    if (previous !== undefined) this.delete(source.name);
    this.byName.set(source.name, { name: source.name, code, functions });
    for (const registered of functions) this.functions.set(registered.name.toLowerCase(), registered);
    return source.name;
  }

  /** False if there is no such library. */
  delete(name: string): boolean {
    const library = this.byName.get(name);
    if (library === undefined) return false;
    this.byName.delete(name);
    for (const { name } of library.functions) this.functions.delete(name.toLowerCase());
    this.release(library.functions);
    return true;
  }

  /** Removes all libraries, and the machine with whatever they left in it. */
  clear(): void {
    this.byName = new Map();
    this.functions = new Map();
    this.machine = undefined;
  }

  /**
   * Adds libraries, all of them or none. Throws CommandError.
   *
   * @param policy what becomes of those that are there: all go, or those of the same names, or none may be in the way
   * @param limit how long the code of each may run, in µs
   */
  restore(codes: readonly Buffer[], policy: 'flush' | 'replace' | 'append', limit = noLimit): void {
    const before = { byName: this.byName, functions: this.functions, machine: this.machine };
    this.byName = new Map(policy === 'flush' ? [] : before.byName);
    this.functions = new Map(policy === 'flush' ? [] : before.functions);
    if (policy === 'flush') this.machine = undefined;
    try {
      for (const code of codes) this.loadRestored(code, policy === 'replace', limit);
    } catch (error) {
      // What was replaced has let go of its functions: they come from the code again.
      Object.assign(this, before, policy === 'flush' ? {} : { machine: undefined });
      throw error;
    }
  }

  private loadRestored(code: Buffer, replace: boolean, limit: number): void {
    const { name } = readLibraryHeader(code);
    if (!replace && this.byName.has(name)) throw new CommandError(`ERR Library ${name} already exists`);
    this.load(code, replace, limit);
  }

  /** The machine; a lost one is replaced, and all libraries are loaded into the new one. */
  private vm(): LuaVm {
    if (this.machine !== undefined && !this.machine.lost) return this.machine;
    const vm = new LuaVm(this.settings, false);
    this.machine = vm;
    this.openLoading(vm);
    for (const library of this.byName.values()) {
      const { code } = readLibraryHeader(library.code);
      library.functions = this.register(code, noLimit);
      for (const registered of library.functions)
        this.functions.set(registered.name.toLowerCase(), registered);
    }
    return vm;
  }

  /** Makes the globals that a library sees while it is loaded: little more than `redis.register_function`. */
  private openLoading(vm: LuaVm): void {
    const { lua, sandbox, redis } = vm;
    lua.createTable(0, 1);
    lua.createTable(0, 8);
    redis.openCommon();
    lua.setFunction('register_function', (lua) => {
      const problem = this.registerFunction(lua);
      if (problem === undefined) return 0;
      lua.createTable(0, 1);
      lua.pushLatin1(problem);
      lua.setField(-2, 'err');
      return lua.raise();
    });
    sandbox.protectStrictly();
    lua.setField(-2, 'redis');
    sandbox.protectStrictly();
    this.loadGlobals = lua.ref();
  }

  private registerFunction(lua: LuaState): string | undefined {
    if (this.registering === undefined)
      return 'ERR redis.register_function can only be called on FUNCTION LOAD command';
    const registered = readRegistration(lua);
    if (typeof registered === 'string') return registered;
    if (this.registering.some(({ name }) => name.toLowerCase() === registered.name.toLowerCase())) {
      lua.unref(registered.ref);
      return 'ERR Function already exists in the library';
    }
    this.registering.push(registered);
    return undefined;
  }

  /** Runs a library's code and returns the functions that it registers. Throws CommandError. */
  private register(code: Buffer, limit: number): RegisteredFunction[] {
    const vm = this.vm();
    const loader = vm.compile(code, '@user_function');
    if (typeof loader === 'string') throw new CommandError(`ERR Error compiling function: ${loader}`);
    const registering: RegisteredFunction[] = [];
    this.registering = registering;
    vm.sandbox.useGlobals(this.loadGlobals);
    try {
      this.runLoad(vm, loader, limit);
    } catch (error) {
      this.release(registering);
      throw error;
    } finally {
      this.registering = undefined;
      if (!vm.lost) vm.sandbox.useGlobals(undefined);
      if (!vm.lost) vm.lua.unref(loader.ref);
    }
    if (registering.length === 0) throw new CommandError('ERR No functions registered');
    return registering;
  }

  private runLoad(vm: LuaVm, loader: KeptValue, limit: number): void {
    vm.prepare('', this.settings.clock.microseconds());
    vm.lua.pushKept(loader);
    const outcome = vm.startLimited(0, limit, 'FUNCTION LOAD timeout');
    if (outcome === 'returned') return vm.finish();
    throw new CommandError(
      `ERR Error registering functions: ${vm.error.message.replace(/ script: .*/s, '')}`,
    );
  }

  private release(functions: RegisteredFunction[]): void {
    if (this.machine === undefined || this.machine.lost) return;
    for (const { ref } of functions) this.machine.lua.unref(ref);
  }
}
