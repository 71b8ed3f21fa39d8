/// <reference path="./webassembly.d.ts" />
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Clock } from '../../ambient/clock.js';
import type { LuaExports } from './exports.js';
import { luaMachine } from './machine.js';

const pageSize = 65536;
/** The module is built for 32-bit pointers, with the sign bit unused. */
const mostMemory = 2 ** 31 - pageSize;
/** What every file operation answers: there are none. */
const notSupported = -52;
const badFileDescriptor = 8;

/** The C library wants to end the process: an error in Lua outside of any protected call. The machine is lost. */
class LuaExitError extends Error {
  override name = 'LuaExitError';
}

let compiled: WebAssembly.Module | undefined;

/** Reads and compiles the module once for the process: a few milliseconds. */
function compiledModule(): WebAssembly.Module {
  if (compiled === undefined) {
    const main = createRequire(import.meta.url).resolve('wasmoon-lua5.1');
    compiled = new WebAssembly.Module(luaMachine(readFileSync(join(dirname(main), 'liblua5.1.wasm'))));
  }
  return compiled;
}

/**
 * One instance of Lua 5.1 as WebAssembly, with a memory of its own that never shrinks. Only the `.wasm` of the
 * package wasmoon-lua5.1 is used, with what machine.ts changes in it; its JavaScript would decode strings as UTF-8.
 * What the module imports from the C library is given here: memory growth and the time. There are no files, no
 * environment, no processes.
 */
export class LuaModule {
  readonly exports: LuaExports;
  /** The whole memory. Another object after each growth, so nobody keeps it over a call that allocates. */
  heap: Buffer = Buffer.alloc(0);
  /** The same memory as words. */
  words = new Uint32Array(0);
  /** The same memory as doubles. */
  doubles = new Float64Array(0);
  /** To be called with the thread by host functions that work long, now and then. It may raise an error. */
  watcher: (L: number) => void = () => {};

  /** @param memoryLimit most bytes that the memory may grow to; beyond, allocation in Lua fails cleanly */
  constructor(
    clock: Clock,
    private readonly memoryLimit: number,
  ) {
    const module = compiledModule();
    const imports = this.imports(clock);
    for (const { module: space, name } of WebAssembly.Module.imports(module)) {
      imports[space] ??= {};
      imports[space][name] ??= () => notSupported;
    }
    this.exports = new WebAssembly.Instance(module, imports).exports as LuaExports;
    this.refresh();
    this.exports.__wasm_call_ctors();
  }

  private imports(clock: Clock): WebAssembly.Imports {
    const noFile = () => badFileDescriptor;
    return {
      env: {
        exit: (code) => {
          throw new LuaExitError(`Lua gave up with status ${code}`);
        },
        emscripten_memcpy_js: (to, from, length) => void this.heap.copyWithin(to, from, from + length),
        emscripten_resize_heap: (size) => this.grow(size >>> 0),
        emscripten_date_now: () => clock.now(),
        _emscripten_get_now_is_monotonic: () => 1,
      },
      wasi_snapshot_preview1: {
        fd_write: noFile,
        fd_read: noFile,
        fd_close: noFile,
        fd_seek: noFile,
        environ_sizes_get: () => 0,
        environ_get: () => 0,
      },
    };
  }

  /** Makes the memory at least so large, with room to spare. Returns 0 if it may not or cannot. */
  private grow(size: number): number {
    const limit = Math.min(this.memoryLimit, mostMemory);
    if (size > limit) return 0;
    const { memory } = this.exports;
    const present = memory.buffer.byteLength;
    const wanted = Math.min(Math.max(size, present * 1.2), limit);
    try {
      memory.grow(Math.ceil((wanted - present) / pageSize));
    } catch {
      return 0;
    }
    this.refresh();
    return 1;
  }

  private refresh(): void {
    const { buffer } = this.exports.memory;
    this.heap = Buffer.from(buffer);
    this.words = new Uint32Array(buffer);
    this.doubles = new Float64Array(buffer);
  }

  /** Makes a function that the machine exports callable for Lua. */
  addExport(f: (L: number) => number): number {
    const table = this.exports.__indirect_function_table;
    const slot = table.grow(1);
    table.set(slot, f);
    return slot;
  }

  /** Makes a function callable for Lua: with one argument and a result, or with two and none (a hook). */
  addFunction(f: (...args: number[]) => unknown, kind: 'function' | 'hook'): number {
    const table = this.exports.__indirect_function_table;
    const slot = table.grow(1);
    table.set(slot, asWasmFunction(f, kind));
    return slot;
  }
}

let wrappers: Record<'function' | 'hook', WebAssembly.Module> | undefined;

/** A table of functions takes only functions of WebAssembly, so a module of a few bytes imports it and exports it. */
function asWasmFunction(f: (...args: number[]) => unknown, kind: 'function' | 'hook'): unknown {
  wrappers ??= { function: wrapper(1, 1), hook: wrapper(2, 0) };
  const { exports } = new WebAssembly.Instance(wrappers[kind], { e: { f } });
  return (exports as { f: unknown }).f;
}

/** `(module (import "e" "f" (func (param i32 ...) (result i32)?)) (export "f" (func 0)))` */
function wrapper(params: number, results: 0 | 1): WebAssembly.Module {
  const i32 = 0x7f;
  const type = [
    0x60,
    params,
    ...Array<number>(params).fill(i32),
    results,
    ...Array<number>(results).fill(i32),
  ];
  const magic = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  const typeSection = [1, type.length + 1, 1, ...type];
  const importSection = [2, 7, 1, 1, 0x65, 1, 0x66, 0, 0];
  const exportSection = [7, 5, 1, 1, 0x66, 0, 0];
  return new WebAssembly.Module(
    new Uint8Array([...magic, ...typeSection, ...importSection, ...exportSection]),
  );
}
