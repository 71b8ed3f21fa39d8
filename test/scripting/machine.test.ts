import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../src/ambient/clock.js';
import { Bytes } from '../../src/bytes/bytes.js';
import { GcCommand, globalsIndex, LuaStatus } from '../../src/scripting/lua/exports.js';
import { LuaState } from '../../src/scripting/lua/lua-state.js';
import { luaMachine } from '../../src/scripting/lua/machine.js';

const mebibyte = 2 ** 20;
let lua: LuaState;

beforeEach(() => {
  lua = new LuaState(new ManualClock(), 64 * mebibyte);
  lua.openStandardLibraries();
});

/** Runs code and returns its first result, or the error. */
function run(code: string): string | undefined {
  if (lua.load(Buffer.from(code, 'latin1'), '@script') === LuaStatus.ok) lua.pcall(0, 1);
  const text = lua.toLatin1(-1);
  lua.setTop(0);
  return text;
}

describe('the changed Lua machine', () => {
  it('is made of one file only', () => {
    const file = join(dirname(createRequire(import.meta.url).resolve('wasmoon-lua5.1')), 'liblua5.1.wasm');
    const bytes = readFileSync(file);
    expect(luaMachine(bytes).length).toBeGreaterThan(bytes.length);
    bytes[bytes.length - 1] ^= 1;
    expect(() => luaMachine(bytes)).toThrow('not the one that is known');
  });

  it('catches errors at any depth, and goes on', () => {
    expect(
      run(`local function nested(n)
        if n == 0 then error('deep', 0) end
        local ok, e = pcall(nested, n - 1)
        error(e .. '.', 0)
      end
      local count = 0
      for i = 1, 200 do
        local ok, e = pcall(nested, i % 50)
        if not ok and e == 'deep' .. string.rep('.', i % 50) then count = count + 1 end
      end
      return count`),
    ).toBe('200');
  });

  it('catches errors of coroutines and of host functions where they belong', () => {
    lua.pushFunction((lua) => lua.error('from the host'));
    lua.setGlobal('fail');
    expect(
      run(`local co = coroutine.create(function() pcall(fail) coroutine.yield('in') fail() end)
      local _, first = coroutine.resume(co)
      local ok, e = coroutine.resume(co)
      return first .. ' ' .. tostring(ok) .. ' ' .. e`),
    ).toBe('in false script:1: from the host');
  });
});

describe('calls, returns and comparisons', () => {
  it.each([
    ['local function f(a, b) return b end return tostring(f(1)) .. tostring(f(1, 2)) .. f(1, 2, 3)', 'nil22'],
    ['local function f() return end local a, b = f() return tostring(a) .. select("#", f())', 'nil0'],
    ['local function f() return 1, 2, 3 end local a, b = f() return a .. b .. select("#", f())', '123'],
    [
      'local function f(...) return select("#", ...), ... end local n, a = f(nil, 2) return n .. tostring(a)',
      '2nil',
    ],
    ['local function f(n) if n == 0 then return "end" end return f(n - 1) end return f(100000)', 'end'],
    [
      'local function f() local a, b, c return tostring(a) .. tostring(c) end f() return f(1, 2, 3, 4)',
      'nilnil',
    ],
    ['local function f(n) if n > 0 then return 1 + f(n - 1) end return 0 end return f(5000)', '5000'],
    [
      'return tostring(1 < 2) .. tostring("a" < "b") .. tostring(0/0 < 1) .. tostring(2 < 1)',
      'truetruefalsefalse',
    ],
    ['return 1 < "2"', 'script:1: attempt to compare number with string'],
    ['return {} < {}', 'script:1: attempt to compare two table values'],
    [
      'local m = { __lt = function() return true end } return tostring(setmetatable({}, m) < setmetatable({}, m))',
      'true',
    ],
    ['local t = setmetatable({}, { __call = function(_, x) return x end }) return t(7)', '7'],
    ['return nothing()', "script:1: attempt to call global 'nothing' (a nil value)"],
  ])('%s', (code, expected) => expect(run(code)).toBe(expected));

  it.each([
    'while true do end',
    'repeat until false',
    'local i = 0 repeat i = i + 1 until i < 0',
    'for i = 1, math.huge do end',
    'local t = { 1 } while true do for k in pairs(t) do end end',
    'local function f() return f() end f()',
    'local i = 0 while i >= 0 do i = i + 1 end',
    'local a = true while a do end',
    'while true do pcall(tostring, 1) end',
    'local co = coroutine.wrap(function() while true do end end) co()',
  ])('the hook is called in %s', (code) => {
    const thread = lua.newThread();
    const hook = (L: number) => {
      lua.watched(L);
      lua.L = L;
      lua.error('looked');
    };
    lua.watch(thread, lua.module.addFunction(hook, 'hook'));
    lua.L = thread;
    lua.load(Buffer.from(code), '@script');
    expect(lua.resume(thread, 0)).toBe(LuaStatus.runtimeError);
    expect(lua.toLatin1(-1)).toMatch(/looked$/);
  });
});

describe('a read-only table', () => {
  beforeEach(() => {
    run('t = { 1, 2, 3, field = 1 }');
    lua.getGlobal('t');
    lua.setReadOnly();
    lua.pop();
  });

  it.each([
    't.field = 2',
    't.other = 2',
    't[1] = 2',
    't[10] = 2',
    't.field = nil',
    'rawset(t, "field", 2)',
    'table.insert(t, 4)',
    'table.remove(t)',
    'table.sort(t, function(a, b) return a > b end)',
    'setmetatable(t, {})',
    'setmetatable({}, { __newindex = t }).x = 1',
  ])('refuses %s', (code) => {
    const before = run('return t[1] .. t[2] .. t[3] .. t.field .. tostring(t.other) .. #t');
    expect(run(code)).toMatch(/Attempt to modify a readonly table$/);
    expect(run('return t[1] .. t[2] .. t[3] .. t.field .. tostring(t.other) .. #t')).toBe(before);
  });

  it('stays so when the collector has been there, and can be read', () => {
    lua.gc(GcCommand.collect);
    lua.gc(GcCommand.collect);
    expect(run('t.x = 1')).toBe('script:1: Attempt to modify a readonly table');
    expect(run('local n = 0 for k, v in pairs(t) do n = n + v end return n')).toBe('7');
  });

  it('can be made an ordinary one again', () => {
    lua.getGlobal('t');
    lua.setReadOnly(false);
    lua.pop();
    expect(run('t.x = 5 return t.x')).toBe('5');
  });
});

describe('memory', () => {
  it('keeps what blocks hold while they grow, shrink and come back', () => {
    expect(
      run(`local seed = 1
      local function random(n) seed = (seed * 16807) % 2147483647 return seed % n end
      local kept, sums = {}, {}
      for i = 1, 60000 do
        local at = random(500) + 1
        if kept[at] then
          local sum = 0
          for k, v in pairs(kept[at]) do sum = sum + #v + v:byte(1) + v:byte(-1) end
          if sum ~= sums[at] then return 'lost ' .. i end
        end
        local new, sum = {}, 0
        for j = 1, random(12) do
          local text = string.char(random(256)):rep(random(j == 1 and 900 or 40) + 1)
          new[random(2) == 0 and #new + 1 or 'f' .. j] = text
        end
        for k, v in pairs(new) do sum = sum + #v + v:byte(1) + v:byte(-1) end
        kept[at], sums[at] = new, sum
      end
      return 'kept'`),
    ).toBe('kept');
  });

  it('does not grow when the same is made again and again', () => {
    const work = 'for i = 1, 20000 do local t = { i, { x = i }, tostring(i) } end';
    run(work);
    lua.gc(GcCommand.collect);
    const before = lua.heap.length;
    for (let i = 0; i < 20; i++) run(work);
    expect(lua.heap.length).toBe(before);
  });

  it('that is short is an error, also for small blocks', () => {
    expect(run('local t = {} for i = 1, 1e9 do t[i] = { i } end')).toBe('not enough memory');
    lua.gc(GcCommand.collect);
    expect(run('return #string.rep("x", 1000)')).toBe('1000');
  });
});

describe('what a script begins with', () => {
  it('is KEYS and ARGV, of any bytes and any number', () => {
    run('KEYS, ARGV = false, false');
    lua.pushValue(globalsIndex);
    lua.setReadOnly();
    lua.useGlobals();
    lua.pop();
    const code = 'return table.concat(KEYS, ",") .. ";" .. table.concat(ARGV, ",")';
    lua.load(Buffer.from(code), '@script');
    const script = lua.keep();
    const thread = lua.newThread();
    lua.ref();
    for (const lengths of [[], [0], [1, 2, 3, 4, 5], [70_000, 1], Array<number>(3000).fill(33)]) {
      const texts = lengths.map((length, i) => String.fromCharCode((i * 7) & 0xff).repeat(length));
      for (const keyCount of [0, Math.min(2, texts.length), texts.length]) {
        const args = texts.map((text) => Bytes.of(text));
        expect(lua.runScript(thread, script, args, 0, args.length, keyCount)).toBe(LuaStatus.ok);
        const expected = `${texts.slice(0, keyCount).join(',')};${texts.slice(keyCount).join(',')}`;
        expect(lua.toLatin1(-1)).toBe(expected);
        lua.setTop(0);
        lua.L = lua.main;
        lua.gc(GcCommand.step, 100);
      }
    }
  });
});
