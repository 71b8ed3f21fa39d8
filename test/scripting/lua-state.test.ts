import { describe, expect, it } from 'vitest';
import { SystemClock } from '../../src/ambient/clock.js';
import { Bytes } from '../../src/bytes/bytes.js';
import { GcCommand, LuaStatus, registryIndex } from '../../src/scripting/lua/exports.js';
import { type HostFunction, LuaState } from '../../src/scripting/lua/lua-state.js';

const mebibyte = 2 ** 20;

function machine(memoryLimit = 64 * mebibyte): LuaState {
  const lua = new LuaState(new SystemClock(), memoryLimit);
  lua.openStandardLibraries();
  return lua;
}

/** Runs code and returns its first result, or the error, as a latin1 string. */
function run(lua: LuaState, code: string): string | undefined {
  const status = lua.load(Buffer.from(code, 'latin1'), '@user_script') || lua.pcall(0, 1);
  const text = lua.toLatin1(-1);
  lua.setTop(0);
  if (status === LuaStatus.memoryError) lua.gc(GcCommand.collect);
  return text;
}

function withFunction(name: string, f: HostFunction): LuaState {
  const lua = machine();
  lua.pushFunction(f);
  lua.setGlobal(name);
  return lua;
}

describe('the Lua machine', () => {
  it('is Lua 5.1 and reports positions', () => {
    const lua = machine();
    expect(run(lua, 'return _VERSION .. " " .. 10 / 2 .. " " .. tostring(2^53)')).toBe(
      'Lua 5.1 5 9.007199254741e+15',
    );
    expect(run(lua, 'return 1 +')).toBe("user_script:1: unexpected symbol near '<eof>'");
    expect(run(lua, '\nerror("no")')).toBe('user_script:2: no');
  });

  it.each([0, 1, 23, 24, 25, 255, 65536, 65537, 300_000])('keeps strings of %i arbitrary bytes', (length) => {
    const bytes = Buffer.from(Array.from({ length }, (_, i) => (i * 7) & 0xff));
    const lua = machine();
    lua.pushBytes(bytes, 0, length);
    expect(lua.toLatin1(-1)).toBe(bytes.toString('latin1'));
    const view = new Bytes();
    expect(lua.toBytes(-1, view)).toBe(true);
    expect(view.subarray().equals(bytes)).toBe(true);
  });

  it('calls host functions, also from coroutines', () => {
    const lua = withFunction('add', (lua) => {
      lua.pushNumber(lua.checkInteger(1) + lua.checkInteger(2));
      return 1;
    });
    expect(run(lua, 'return add(1, 2) + coroutine.wrap(function() return add(10, 20) end)()')).toBe('33');
    expect(run(lua, 'return add(1, {})')).toBe(
      "user_script:1: bad argument #2 to 'add' (number expected, got table)",
    );
    expect(run(lua, 'return add(1, 2)')).toBe('3');
  });

  it('lets host functions raise errors', () => {
    const lua = withFunction('fail', (lua) => lua.error('it failed'));
    expect(run(lua, 'fail()')).toBe('user_script:1: it failed');
    expect(run(lua, 'return select(2, pcall(fail))')).toBe('it failed');
    expect(run(lua, 'return "fine"')).toBe('fine');
  });

  it('gives host functions tables to walk and to build', () => {
    const lua = withFunction('double', (lua) => {
      lua.createTable();
      lua.pushNil();
      while (lua.next(1)) {
        lua.pushValue(-2);
        lua.pushNumber(lua.toNumber(-2) * 2);
        lua.rawSet(2);
        lua.pop();
      }
      return 1;
    });
    expect(run(lua, 'local t = double({a = 1, b = 2, [3] = 4}) return t.a .. t.b .. t[3]')).toBe('248');
  });

  it('fails cleanly when memory is short, and goes on', () => {
    const lua = machine(8 * mebibyte);
    expect(run(lua, 'local s = ("x"):rep(100) while true do s = s .. s end')).toBe('not enough memory');
    expect(run(lua, 'return #("x"):rep(1000)')).toBe('1000');
    lua.pushLatin1('x'.repeat(mebibyte));
    expect(lua.toLatin1(-1)).toHaveLength(mebibyte);
  });

  it('survives deep recursion', () => {
    const lua = machine();
    expect(run(lua, 'local function f() return 1 + f() end return f()')).toMatch(/stack overflow/);
    expect(run(lua, 'return 1')).toBe('1');
  });

  it('suspends a running script from its hook', () => {
    const lua = machine();
    const slot = lua.module.addFunction((L) => {
      lua.watched(L);
      lua.suspend(L);
    }, 'hook');
    const thread = lua.newThread();
    lua.watch(thread, slot);
    lua.load(Buffer.from('local s = 0 for i = 1, 1e5 do s = s + i end return s'), '@user_script');
    lua.move(lua.main, thread, 1);
    let times = 0;
    while (lua.resume(thread, 0) === LuaStatus.yielded) times++;
    expect(times).toBeGreaterThan(5);
    lua.L = lua.main;
    lua.move(thread, lua.main, 1);
    expect(lua.toNumber(-1)).toBe(5000050000);
  });

  it('tells where the running code stands', () => {
    const found: unknown[] = [];
    const lua = withFunction('where', (lua) => {
      found.push(lua.position(0), lua.position(1), lua.position(2));
      return 0;
    });
    run(lua, '\n\nwhere()');
    expect(found).toEqual([{ source: '=[C]', line: -1 }, { source: '@user_script', line: 3 }, undefined]);
  });

  it('keeps values by reference', () => {
    const lua = machine();
    lua.pushLatin1('kept');
    const ref = lua.ref();
    lua.pushRef(ref);
    expect(lua.toLatin1(-1)).toBe('kept');
    lua.unref(ref);
    lua.rawGetI(registryIndex, ref);
    expect(lua.toLatin1(-1)).not.toBe('kept');
  });
});
