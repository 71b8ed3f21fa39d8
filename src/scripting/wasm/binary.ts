import { type Code, call, signed, unsigned, ValueType } from './assembler.js';
import { Opcode, replaceInstructions } from './instructions.js';

const magic = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const functionTypeMark = 0x60;

/** The kinds of sections by number; `order` is how they follow each other in a file. */
const Section = {
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  tag: 13,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  dataCount: 12,
  code: 10,
  data: 11,
} as const;
const order = Object.values(Section);

/** Number of values of each type: the locals of a function. */
export interface Locals {
  i32?: number;
  f64?: number;
}

/**
 * A WebAssembly module as bytes, to which functions are added and whose functions are replaced. What it had keeps its
 * numbers.
 */
export class WasmBinary {
  private readonly sections = new Map<number, Uint8Array>();
  /** The functions' code, each with its size in front. */
  private readonly bodies: Uint8Array[];
  private readonly importedFunctions: number;
  private readonly functionTypes: number[];
  /** Entries that were added to sections, and how many. */
  private readonly added = new Map<number, { count: number; bytes: number[] }>();

  constructor(bytes: Uint8Array) {
    const reader = new Reader(bytes, magic.length);
    while (!reader.done) {
      const id = reader.byte();
      this.sections.set(id, reader.bytes(reader.unsigned()));
    }
    this.importedFunctions = this.countImportedFunctions();
    this.functionTypes = this.list(Section.function, (entry) => entry.unsigned());
    this.bodies = this.list(Section.code, (entry) => entry.sized());
  }

  private list<T>(section: number, read: (entry: Reader) => T): T[] {
    const reader = new Reader(this.sections.get(section) ?? Uint8Array.of(0));
    return Array.from({ length: reader.unsigned() }, () => read(reader));
  }

  private countImportedFunctions(): number {
    const kinds = this.list(Section.import, (entry) => {
      entry.name();
      entry.name();
      return entry.importKind();
    });
    return kinds.filter((kind) => kind === 0).length;
  }

  /** Numbers of exported functions by name. */
  exportedFunctions(): Map<string, number> {
    const found = new Map<string, number>();
    this.list(Section.export, (entry) => {
      const name = entry.name();
      const kind = entry.byte();
      const index = entry.unsigned();
      if (kind === 0) found.set(name, index);
    });
    return found;
  }

  /** The instructions of a function with its locals in front, as they were read or set. */
  bodyOf(f: number): Uint8Array {
    const reader = new Reader(this.bodies[f - this.importedFunctions]);
    return reader.bytes(reader.unsigned());
  }

  private setBody(f: number, code: Uint8Array): void {
    this.bodies[f - this.importedFunctions] = sized(code);
  }

  /** A type of functions of 32-bit integers. Returns its number. */
  addType(params: number, results: number): number {
    const values = (count: number) => [count, ...Array<number>(count).fill(ValueType.i32)];
    return this.append(Section.type, [functionTypeMark, ...values(params), ...values(results)]);
  }

  /** A kind of exceptions with the parameters of a type of functions. Returns its number. */
  addTag(type: number): number {
    return this.append(Section.tag, [0, ...unsigned(type)]);
  }

  /** A variable of 32 bits. Returns its number. */
  addGlobal(initial: number): number {
    return this.append(Section.global, [ValueType.i32, 1, 0x41, ...signed(initial), 0x0b]);
  }

  addFunction(type: number, locals: Locals, code: Code): number {
    return this.addBody(type, body(locals, code));
  }

  exportFunction(name: string, f: number): void {
    this.addExport(name, 0, f);
  }

  exportGlobal(name: string, global: number): void {
    this.addExport(name, 3, global);
  }

  /** Gives a function, which keeps its number and type, other code. */
  replaceFunction(f: number, locals: Locals, code: Code): void {
    this.setBody(f, body(locals, code));
  }

  /** Puts other code before all calls of a function. `make` gets the number that the function has from now on. */
  wrapFunction(f: number, locals: Locals, make: (original: number) => Code): number {
    const original = this.addBody(this.functionTypes[f - this.importedFunctions], this.bodyOf(f));
    this.replaceFunction(f, locals, make(original));
    return original;
  }

  /**
   * Puts code in the place of each sequence of instructions in a function. Throws Error unless there are as many as
   * expected: the sequence must be long enough to be nothing else.
   */
  replaceInFunction(f: number, sequence: Code, code: Code, expected: number): void {
    const parts = splitAt(Buffer.from(this.bodyOf(f)), Buffer.from(sequence));
    if (parts.length - 1 !== expected)
      throw new Error(`function ${f} has the sequence ${parts.length - 1} times, not ${expected}`);
    const [first, ...others] = parts;
    this.setBody(f, Buffer.concat([first, ...others.flatMap((part) => [Uint8Array.from(code), part])]));
  }

  /** Gives a function so many more locals of 32 bits. Returns the number of the first. */
  addLocals(f: number, count: number): number {
    const reader = new Reader(this.bodyOf(f));
    const groups = reader.unsigned();
    const declarations: number[] = [];
    let first = this.parametersOf(f);
    for (let i = 0; i < groups; i++) {
      const [size, type] = [reader.unsigned(), reader.byte()];
      first += size;
      declarations.push(...unsigned(size), type);
    }
    declarations.push(...unsigned(count), ValueType.i32);
    const header = [...unsigned(groups + 1), ...declarations];
    this.setBody(f, Buffer.concat([Uint8Array.from(header), reader.rest()]));
    return first;
  }

  /** Puts code in front of a function's own. */
  putAtStart(f: number, code: Code): void {
    this.changeCode(f, (own) => Buffer.concat([Uint8Array.from(code), own]));
  }

  /** Puts code into each loop of a function, to run at each of its turns. Returns the number of loops. */
  putInLoops(f: number, code: Code): number {
    let loops = 0;
    this.changeCode(f, (own) =>
      replaceInstructions(own, Opcode.loop, (loop) => {
        loops++;
        return Buffer.concat([loop, Uint8Array.from(code)]);
      }),
    );
    return loops;
  }

  /** Has a function call another one. Throws Error unless it does so as often as expected. */
  replaceCalls(f: number, callee: number, other: number, expected: number): void {
    const [before, after] = [Buffer.from(call(callee)), Uint8Array.from(call(other))];
    let calls = 0;
    this.changeCode(f, (own) =>
      replaceInstructions(own, Opcode.call, (instruction) => {
        if (!before.equals(instruction)) return instruction;
        calls++;
        return after;
      }),
    );
    if (calls !== expected) throw new Error(`function ${f} calls ${callee} ${calls} times, not ${expected}`);
  }

  private changeCode(f: number, change: (code: Uint8Array) => Uint8Array): void {
    const bytes = this.bodyOf(f);
    const reader = new Reader(bytes);
    for (let groups = reader.unsigned(); groups > 0; groups--) {
      reader.unsigned();
      reader.byte();
    }
    const code = reader.rest();
    const locals = bytes.subarray(0, bytes.length - code.length);
    this.setBody(f, Buffer.concat([locals, change(code)]));
  }

  private parametersOf(f: number): number {
    const counts = this.list(Section.type, (entry) => {
      entry.byte();
      const parameters = entry.bytes(entry.unsigned());
      entry.bytes(entry.unsigned());
      return parameters.length;
    });
    return counts[this.functionTypes[f - this.importedFunctions]];
  }

  private addBody(type: number, code: Uint8Array): number {
    this.functionTypes.push(type);
    return this.bodies.push(sized(code)) - 1 + this.importedFunctions;
  }

  private addExport(name: string, kind: number, index: number): void {
    const text = Buffer.from(name);
    this.append(Section.export, [...unsigned(text.length), ...text, kind, ...unsigned(index)]);
  }

  /** Adds an entry to a section. Returns its number. */
  private append(section: number, bytes: number[]): number {
    const before = new Reader(this.sections.get(section) ?? Uint8Array.of(0)).unsigned();
    const added = this.added.get(section) ?? { count: 0, bytes: [] };
    this.added.set(section, added);
    added.bytes.push(...bytes);
    return before + added.count++;
  }

  toBytes(): Buffer {
    const parts: Uint8Array[] = [Uint8Array.from(magic)];
    for (const id of order) {
      const content = this.content(id);
      if (content !== undefined) parts.push(Uint8Array.of(id, ...unsigned(content.length)), content);
    }
    return Buffer.concat(parts);
  }

  private content(section: number): Uint8Array | undefined {
    if (section === Section.function) {
      return Uint8Array.from([
        ...unsigned(this.functionTypes.length),
        ...this.functionTypes.flatMap(unsigned),
      ]);
    }
    if (section === Section.code) {
      return Buffer.concat([Uint8Array.from(unsigned(this.bodies.length)), ...this.bodies]);
    }
    const added = this.added.get(section);
    const present = this.sections.get(section);
    if (added === undefined) return present;
    const reader = new Reader(present ?? Uint8Array.of(0));
    const count = reader.unsigned() + added.count;
    return Buffer.concat([Uint8Array.from(unsigned(count)), reader.rest(), Uint8Array.from(added.bytes)]);
  }
}

function body({ i32 = 0, f64 = 0 }: Locals, code: Code): Uint8Array {
  const groups = [
    { count: i32, type: ValueType.i32 },
    { count: f64, type: ValueType.f64 },
  ].filter(({ count }) => count > 0);
  const declarations = groups.flatMap(({ count, type }) => [...unsigned(count), type]);
  return Uint8Array.from([groups.length, ...declarations, ...code, 0x0b]);
}

function sized(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.from(unsigned(bytes.length)), bytes]);
}

function splitAt(bytes: Buffer, separator: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  let start = 0;
  for (let at = bytes.indexOf(separator); at >= 0; at = bytes.indexOf(separator, start)) {
    parts.push(bytes.subarray(start, at));
    start = at + separator.length;
  }
  return [...parts, bytes.subarray(start)];
}

class Reader {
  constructor(
    private readonly source: Uint8Array,
    private at = 0,
  ) {}

  get done(): boolean {
    return this.at >= this.source.length;
  }

  byte(): number {
    return this.source[this.at++];
  }

  unsigned(): number {
    let n = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      n |= (byte & 0x7f) << shift;
      if (byte < 0x80) return n >>> 0;
    }
  }

  bytes(count: number): Uint8Array {
    this.at += count;
    return this.source.subarray(this.at - count, this.at);
  }

  /** Bytes with their number in front. */
  sized(): Uint8Array {
    const start = this.at;
    this.bytes(this.unsigned());
    return this.source.subarray(start, this.at);
  }

  rest(): Uint8Array {
    return this.source.subarray(this.at);
  }

  name(): string {
    return Buffer.from(this.bytes(this.unsigned())).toString();
  }

  /** Kind of what is imported; skips what is said of it. Throws Error for what is not a function. */
  importKind(): number {
    const kind = this.byte();
    if (kind !== 0) throw new Error('imports of functions only are understood');
    this.unsigned();
    return kind;
  }
}
