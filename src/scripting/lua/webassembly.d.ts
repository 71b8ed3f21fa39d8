/** The part of the WebAssembly JavaScript interface that is used here; Node's own types lack it. */
declare namespace WebAssembly {
  type Imports = Record<string, Record<string, (...args: number[]) => unknown>>;

  class Module {
    constructor(bytes: Uint8Array);
    static imports(module: Module): { module: string; name: string; kind: string }[];
  }

  class Instance {
    constructor(module: Module, imports: Imports);
    readonly exports: unknown;
  }

  interface Memory {
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }

  interface Global {
    value: number;
  }

  interface Table {
    get(index: number): (...args: number[]) => unknown;
    set(index: number, value: unknown): void;
    grow(by: number): number;
  }
}
