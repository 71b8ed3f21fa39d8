import { describe, expect, it } from 'vitest';
import { formatNumber } from '../../src/scripting/libraries/number-format.js';
import { Rand48 } from '../../src/scripting/libraries/random.js';
import type { LuaState } from '../../src/scripting/lua/lua-state.js';
import { evaluate, libraryMachine } from '../support/lua-libraries.js';
import { recordedCases } from './recorded-cases.js';

const mebibyte = 2 ** 20;

function functionCount(lua: LuaState): number {
  return (lua.module.exports.__indirect_function_table as { length?: number }).length ?? 0;
}

describe('the libraries of scripts', () => {
  it('answer as redis-server does', () => {
    const lua = libraryMachine();
    const answers = recordedCases.map(([code]) => [code, evaluate(lua, code)]);
    expect(answers).toEqual(recordedCases);
  });

  it('have os.clock', () => {
    expect(evaluate(libraryMachine(), 'os.clock()')).toBe('true 1.5');
  });

  it('keep all bytes', () => {
    const lua = libraryMachine();
    const all = 'local s = "" for i = 0, 255 do s = s .. string.char(i) end';
    expect(evaluate(lua, `${all} return cjson.decode(cjson.encode(s)) == s`)).toBe('true true');
    expect(evaluate(lua, `${all} return cmsgpack.unpack(cmsgpack.pack({s}))[1] == s`)).toBe('true true');
    expect(evaluate(lua, `${all} return struct.unpack('c256', struct.pack('c0', s)) == s`)).toBe('true true');
  });

  it('free the settings of each cjson.new', () => {
    const lua = libraryMachine();
    const before = lua.module.heap.length;
    const functions = functionCount(lua);
    expect(evaluate(lua, 'for i = 1, 20000 do cjson.new() end')).toBe('true');
    expect(lua.module.heap.length).toBeLessThan(before + mebibyte);
    expect(functionCount(lua)).toBe(functions);
  });
});

describe('hostile input for the libraries', () => {
  it.each([
    ['deep JSON', 'cjson.decode(string.rep("[", 5000000))'],
    ['JSON of a deep table', 'local t = {} for i = 1, 100000 do t = {t} end return cjson.encode(t)'],
    ['a deep message', 'cmsgpack.unpack(string.rep("\\145", 5000000))'],
    ['a message of deep maps', 'cmsgpack.unpack(string.rep("\\129\\1", 1000000))'],
    ['a message that claims 2^32 elements', 'cmsgpack.unpack("\\221\\255\\255\\255\\255")'],
    ['as many results', 'cmsgpack.unpack(string.rep("\\1", 1000000))'],
    ['as many fields', 'struct.unpack(string.rep("b", 100000), string.rep("a", 100000))'],
    ['wide formats', 'string.format(string.rep("%99d", 10000), 2^40)'],
  ])('%s: the machine goes on', (_name, code) => {
    const lua = libraryMachine(64 * mebibyte);
    expect(evaluate(lua, code)).toMatch(/^(true|false|failed with 4)/);
    expect(evaluate(lua, 'cjson.encode({1, cjson.decode("[2]"), cmsgpack.unpack("\\3")})')).toBe(
      'true "[1,[2],3]"',
    );
  });

  it('output beyond the memory limit is an error, and the memory is free again', () => {
    const lua = libraryMachine(64 * mebibyte);
    const sparse =
      'local c = cjson.new() c.encode_sparse_array(false, 0, 0) return #c.encode({[2^31 - 1] = 1})';
    expect(evaluate(lua, sparse)).toBe('false "user_script:1: not enough memory"');
    expect(evaluate(lua, 'string.rep("x", 5000000):len()')).toBe('true 5000000');
    const large = 'local s = string.rep("\\1", 16000000) return #cjson.encode(s)';
    expect(evaluate(lua, large)).toContain('not enough memory');
    expect(evaluate(lua, 'cjson.encode({})')).toBe('true "{}"');
  });
});

describe('formatNumber', () => {
  it.each([
    [12345678901234.5, 14, '12345678901234'],
    [12345678901235.5, 14, '12345678901236'],
    [2.5, 1, '2'],
    [3.5, 1, '4'],
    [-2.5, 1, '-2'],
    [0.15, 1, '0.1'],
    [1e14, 14, '1e+14'],
    [99999999999999.9, 14, '1e+14'],
    [0.0001, 14, '0.0001'],
    [0.00001, 14, '1e-05'],
    [5e-324, 14, '4.9406564584125e-324'],
    [-0, 14, '-0'],
  ])('prints %f with %i digits as %s', (n, precision, text) => {
    expect(formatNumber(n, precision)).toBe(text);
  });
});

describe('Rand48', () => {
  it('gives the numbers of lrand48', () => {
    const generator = new Rand48();
    generator.seed(0);
    expect([generator.next(), generator.next()]).toEqual([366850414, 1610402240]);
  });
});
