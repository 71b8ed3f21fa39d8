/// <reference path="../../src/scripting/lua/webassembly.d.ts" />
import { describe, expect, it } from 'vitest';
import {
  add,
  type Code,
  call,
  choose,
  get,
  getGlobal,
  i32,
  less,
  load8,
  load32,
  loopWhile,
  notEqual,
  result,
  rethrow,
  set,
  setGlobal,
  shiftLeft,
  signed,
  store8,
  store32,
  subtract,
  throwTag,
  tryCatch,
  unsigned,
  when,
} from '../../src/scripting/wasm/assembler.js';
import { WasmBinary } from '../../src/scripting/wasm/binary.js';

const header = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
/**
 * `(module (func $double (export "double") (param i32) (result i32) ...) (func (export "twice") ... calls $double))`
 */
const doubling = Uint8Array.from([
  ...header,
  ...[1, 6, 1, 0x60, 1, 0x7f, 1, 0x7f],
  ...[3, 3, 2, 0, 0],
  ...[5, 3, 1, 0, 1],
  ...[7, 18, 2, 6, ...Buffer.from('double'), 0, 0, 5, ...Buffer.from('twice'), 0, 1],
  ...[10, 19, 2, 7, 0, 0x20, 0, 0x20, 0, 0x6a, 0x0b, 9, 0, 0x20, 0, 0x10, 0, 0x41, 0, 0x6a, 0x0b],
]);

type Exports = Record<string, (...args: number[]) => number>;

function instance(binary: WasmBinary): Exports {
  return new WebAssembly.Instance(new WebAssembly.Module(binary.toBytes()), {}).exports as Exports;
}

/** A function of so many parameters and one result, run in a module with a page of memory. */
function assembled(params: number, locals: number, code: Code): (...args: number[]) => number {
  const binary = new WasmBinary(doubling);
  binary.exportFunction('f', binary.addFunction(binary.addType(params, 1), { i32: locals }, code));
  return instance(binary).f;
}

describe('numbers of variable length', () => {
  it.each([
    [0, [0]],
    [127, [0x7f]],
    [128, [0x80, 1]],
    [624485, [0xe5, 0x8e, 0x26]],
    [0xffffffff, [0xff, 0xff, 0xff, 0xff, 0x0f]],
  ])('writes %i unsigned', (n, bytes) => expect(unsigned(n)).toEqual(bytes));

  it.each([
    [0, [0]],
    [63, [63]],
    [64, [0xc0, 0]],
    [-1, [0x7f]],
    [-64, [0x40]],
    [-65, [0xbf, 0x7f]],
    [-123456, [0xc0, 0xbb, 0x78]],
    [-(2 ** 31), [0x80, 0x80, 0x80, 0x80, 0x78]],
  ])('writes %i signed', (n, bytes) => expect(signed(n)).toEqual(bytes));
});

describe('the assembler', () => {
  it('computes', () => {
    const f = assembled(2, 0, add(shiftLeft(get(0), i32(2)), subtract(get(1), i32(1000))));
    expect(f(3, 7)).toBe(12 + 7 - 1000);
  });

  it('decides and repeats', () => {
    const [n, sum] = [0, 1];
    const f = assembled(1, 1, [
      ...when(less(get(n), i32(0)), result(i32(-1))),
      ...loopWhile(get(n), set(sum, add(get(sum), get(n))), set(n, subtract(get(n), i32(1)))),
      ...get(sum),
    ]);
    expect([f(-5), f(0), f(1), f(100)]).toEqual([-1, 0, 1, 5050]);
  });

  it('reads and writes memory', () => {
    const f = assembled(2, 0, [
      ...store32(get(0), 300, get(1)),
      ...store8(get(0), 301, i32(0)),
      ...add(load32(get(0), 300), load8(get(0), 303)),
    ]);
    expect(f(16, 0x01020304)).toBe(0x01020004 + 1);
  });

  it('throws, catches, and throws again', () => {
    const binary = new WasmBinary(doubling);
    const tag = binary.addTag(binary.addType(1, 0));
    const [depth, caught] = [0, 1];
    const thrower = binary.addFunction(binary.addType(1, 0), {}, throwTag(tag, get(0)));
    const type = binary.addType(1, 1);
    const inner = binary.addFunction(type, { i32: 1 }, [
      ...tryCatch(call(thrower, get(depth)), tag, caught, when(notEqual(get(caught), i32(1)), rethrow(1))),
      ...i32(10),
    ]);
    const outer = binary.addFunction(type, { i32: 1 }, [
      ...tryCatch(result(call(inner, get(depth))), tag, caught, result(add(i32(20), get(caught)))),
      ...i32(0),
    ]);
    binary.exportFunction('f', outer);
    const { f } = instance(binary);
    expect([f(1), f(2)]).toEqual([10, 22]);
  });
});

describe('a module that is changed', () => {
  it('stays as it is if nothing is', () => {
    expect(new WasmBinary(doubling).toBytes()).toEqual(Buffer.from(doubling));
  });

  it('gets functions, variables and exports', () => {
    const binary = new WasmBinary(doubling);
    const count = binary.addGlobal(40);
    binary.exportGlobal('count', count);
    const type = binary.addType(0, 1);
    const f = binary.addFunction(type, {}, [
      ...setGlobal(count, add(getGlobal(count), i32(1))),
      ...call(binary.exportedFunctions().get('double')!, getGlobal(count)),
    ]);
    binary.exportFunction('next', f);
    const exports = instance(binary);
    expect([exports.next(), exports.next()]).toEqual([82, 84]);
    expect((exports.count as unknown as WebAssembly.Global).value).toBe(42);
  });

  it('has other code before calls of a function, also of its own', () => {
    const binary = new WasmBinary(doubling);
    binary.wrapFunction(0, {}, (original) => add(i32(1), call(original, get(0))));
    const { double, twice } = instance(binary);
    expect([double(5), twice(5)]).toEqual([11, 11]);
  });

  it('has other code in place of some instructions, with variables for it', () => {
    const binary = new WasmBinary(doubling);
    const doubled = [...get(0), ...get(0), 0x6a];
    const n = binary.addLocals(0, 1);
    const code = [...set(n, add(i32(100), get(0))), ...choose(less(get(0), i32(0)), i32(-1), get(n))];
    binary.replaceInFunction(0, doubled, code, 1);
    const { double } = instance(binary);
    expect([n, double(-3), double(5)]).toEqual([1, -1, 105]);
    expect(() => binary.replaceInFunction(1, doubled, code, 1)).toThrow('the sequence 0 times, not 1');
  });

  it('has other code in place of a function', () => {
    const binary = new WasmBinary(doubling);
    binary.replaceFunction(0, { i32: 1, f64: 1 }, [...set(1, get(0)), ...add(get(1), i32(7))]);
    expect(instance(binary).twice(5)).toBe(12);
  });

  it('is refused if it imports something else than functions', () => {
    const importing = Uint8Array.from([...header, 2, 8, 1, 1, 0x65, 1, 0x6d, 2, 0, 1]);
    expect(() => new WasmBinary(importing)).toThrow('imports of functions only are understood');
  });
});
