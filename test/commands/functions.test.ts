import type { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { SystemClock } from '../../src/ambient/clock.js';
import { systemFiles } from '../../src/persistence/files.js';
import { dataFolder } from '../support/data-folder.js';
import { propagated, propagationLog } from '../support/propagation-log.js';
import { connectTo, startServer, startWithClient } from '../support/respite.js';
import { rewritten } from '../support/waiting.js';

/** Whenever it is looked at, a second has passed. */
class HastyClock extends SystemClock {
  private aheadMicroseconds = 0;

  override microseconds(): number {
    this.aheadMicroseconds += 1e6;
    return super.microseconds() + this.aheadMicroseconds;
  }
}

const library = (name: string, code: string) => `#!lua name=${name}\n${code}`;
const simple = (name: string, body: string) =>
  library(name, `redis.register_function('${name}', function(keys, args) ${body} end)`);
const load = (redis: Redis, code: string, ...options: string[]) =>
  redis.call('function', 'load', ...options, code);

describe('FUNCTION and FCALL', () => {
  it('loads libraries and calls their functions, whatever the case', async () => {
    const { redis } = await startWithClient();
    expect(await load(redis, simple('f', 'return {keys, args}'))).toBe('f');
    expect(await redis.call('fcall', 'F', '1', 'k', 'a', 'b')).toEqual([['k'], ['a', 'b']]);
    await expect(load(redis, simple('f', 'return 1'))).rejects.toThrow("ERR Library 'f' already exists");
    await load(redis, simple('f', 'return 2'), 'replace');
    expect(await redis.call('fcall', 'f', '0')).toBe(2);
    await redis.call('function', 'delete', 'f');
    await expect(redis.call('fcall', 'f', '0')).rejects.toThrow('ERR Function not found');
  });

  it.each([
    ['return 1', 'ERR Missing library metadata'],
    ['#!lua name=a', 'ERR Invalid library metadata'],
    ['#!lua\nx', 'ERR Library name was not given'],
    ['#!js\nx', 'ERR Library name was not given'],
    ['#!js name=-\nx', 'ERR Library names can only contain letters, numbers, or underscores'],
    ['#!lua "name=a\nx', 'ERR Invalid library metadata'],
    ['#! name=a\nx', "ERR Engine '' not found"],
    ['#!js name=a\nx', "ERR Engine 'js' not found"],
    ['#!lua name=a foo=bar\nx', 'ERR Invalid metadata value given: foo=bar'],
    ['#!lua name=a name=b\nx', 'ERR Invalid metadata value, name argument was given multiple times'],
    [library('a', 'return 1'), 'ERR No functions registered'],
    [library('a', 'return +'), "ERR Error compiling function: user_function:2: unexpected symbol near '+'"],
    [
      library('a', 'redis.call("ping")'),
      "ERR Error registering functions: ERR user_function:2: Script attempted to access nonexistent global variable 'call'",
    ],
    [
      library('a', 'x = 1'),
      'ERR Error registering functions: ERR user_function:2: Attempt to modify a readonly table',
    ],
    [
      library('a', 'redis.register_function("f")'),
      'ERR Error registering functions: ERR calling redis.register_function with a single argument is only applicable to Lua table (representing named arguments).',
    ],
    [
      library('a', 'redis.register_function{function_name = "f", callback = function() end, flags = {"no"}}'),
      'ERR Error registering functions: ERR unknown flag given',
    ],
    [library('a', 'while true do end'), 'ERR Error registering functions: ERR FUNCTION LOAD timeout'],
  ])('refuses %j', async (code, message) => {
    const { redis } = await startWithClient();
    await expect(load(redis, code)).rejects.toThrow(message);
    expect(await redis.call('function', 'list')).toEqual([]);
  });

  it('reads tabs and quotes in the header', async () => {
    const { redis } = await startWithClient();
    const code = "\nredis.register_function('f', function() return 1 end)";
    expect(await load(redis, `#!"lua"\t'name=a'${code}`)).toBe('a');
    expect(await load(redis, `#!lua name="\\x61"\t${code}`, 'replace')).toBe('a');
  });

  it('refuses a header that does not end', async () => {
    const { redis } = await startWithClient();
    const endless = `#!lua name="${'a'.repeat(8 * 1024 * 1024)}`;
    for (const code of [endless, `${endless}\nx`, `${endless}"\nx`]) {
      await expect(load(redis, code)).rejects.toThrow(/^ERR Invalid library metadata$/);
    }
    await expect(redis.eval(`${endless}"\nreturn 1`, 0)).rejects.toThrow(/^ERR Invalid script shebang/);
  });

  it('keeps libraries apart by the names of their functions', async () => {
    const { redis } = await startWithClient();
    await load(redis, simple('f', 'return 1'));
    const other = library('other', "redis.register_function('F', function() return 2 end)");
    await expect(load(redis, other)).rejects.toThrow('ERR Function F already exists');
    expect(await redis.call('fcall', 'f', '0')).toBe(1);
  });

  it('registers functions only while it is loaded', async () => {
    const { redis } = await startWithClient();
    await load(
      redis,
      library(
        'a',
        `local lib = redis
         redis.register_function('late', function() lib.register_function('g', function() end) end)
         redis.register_function('gone', function() redis.register_function('g', function() end) end)`,
      ),
    );
    await expect(redis.call('fcall', 'late', '0')).rejects.toThrow(
      /can only be called on FUNCTION LOAD command/,
    );
    await expect(redis.call('fcall', 'gone', '0')).rejects.toThrow(
      /attempt to call field 'register_function' \(a nil value\)/,
    );
  });

  it('tells of its libraries', async () => {
    const { redis } = await startWithClient();
    const code = library(
      'lib',
      "redis.register_function{function_name = 'f', callback = function() end, description = 'd', flags = {'no-writes'}}",
    );
    await load(redis, code);
    const functions = [['name', 'f', 'description', 'd', 'flags', ['no-writes']]];
    expect(await redis.call('function', 'list')).toEqual([
      ['library_name', 'lib', 'engine', 'LUA', 'functions', functions],
    ]);
    expect(await redis.call('function', 'list', 'libraryname', 'LI*', 'withcode')).toEqual([
      ['library_name', 'lib', 'engine', 'LUA', 'functions', functions, 'library_code', code],
    ]);
    expect(await redis.call('function', 'stats')).toEqual([
      'running_script',
      null,
      'engines',
      ['LUA', ['libraries_count', 1, 'functions_count', 1]],
    ]);
  });

  it('honours flags', async () => {
    const { redis } = await startWithClient();
    await load(
      redis,
      library(
        'lib',
        `redis.register_function('w', function() return redis.call('set', 'a', 1) end)
         redis.register_function{function_name = 'r', callback = function() return redis.call('set', 'a', 1) end, flags = {'no-writes'}}`,
      ),
    );
    await expect(redis.call('fcall_ro', 'w', '0')).rejects.toThrow(
      'ERR Can not execute a script with write flag using *_ro command.',
    );
    await expect(redis.call('fcall', 'r', '0')).rejects.toThrow(
      'ERR Write commands are not allowed from read-only scripts. script: r, on @user_function:3.',
    );
    await redis.config('SET', 'maxmemory', '1');
    await expect(redis.call('fcall', 'w', '0')).rejects.toThrow(/^OOM /);
  });

  it('dumps and restores all libraries, by three policies', async () => {
    const { redis } = await startWithClient();
    await load(redis, simple('f', 'return 1'));
    const dump = await redis.callBuffer('function', 'dump');
    const restore = (...policy: string[]) => redis.call('function', 'restore', dump as Buffer, ...policy);
    await expect(restore()).rejects.toThrow('ERR Library f already exists');
    await load(redis, simple('f', 'return 2'), 'replace');
    await load(redis, simple('g', 'return 3'));
    await restore('replace');
    expect(await redis.call('fcall', 'f', '0')).toBe(1);
    expect(await redis.call('fcall', 'g', '0')).toBe(3);
    await restore('flush');
    await expect(redis.call('fcall', 'g', '0')).rejects.toThrow('ERR Function not found');
    await expect(redis.call('function', 'restore', 'bad')).rejects.toThrow(
      'ERR DUMP payload version or checksum are wrong',
    );
    expect(await redis.call('fcall', 'f', '0')).toBe(1);
  });

  it('is as before after a restore that failed half-way', async () => {
    const { redis } = await startWithClient();
    await load(redis, library('a', "redis.register_function('x', function() return 'new' end)"));
    await load(redis, library('b', "redis.register_function('y', function() return 'new' end)"));
    const dump = (await redis.callBuffer('function', 'dump')) as Buffer;
    await redis.call('function', 'flush');
    await load(redis, library('a', "redis.register_function('x', function() return 'old' end)"));
    await load(redis, library('c', "redis.register_function('y', function() return 'in the way' end)"));
    await expect(redis.call('function', 'restore', dump, 'replace')).rejects.toThrow(
      'ERR Function y already exists',
    );
    expect(await redis.call('fcall', 'x', '0')).toBe('old');
    expect(await redis.call('fcall', 'y', '0')).toBe('in the way');
  });

  it('stays when the data goes, and is propagated as it came', async () => {
    const { redis } = await startWithClient({ commands: [propagationLog()] });
    await propagated(redis);
    const code = simple('f', "return redis.call('set', keys[1], args[1])");
    await load(redis, code);
    await redis.call('fcall', 'f', '1', 'k', 'v');
    await redis.call('function', 'delete', 'f');
    await redis.call('function', 'flush');
    expect(await propagated(redis)).toEqual([
      `0 function load ${code}`,
      '0 set k v',
      '0 function delete f',
      '0 function flush',
    ]);
  });

  it('has half a second to be loaded, but as long as it takes when it is repeated', async () => {
    const directives = { dir: dataFolder(), appendonly: true };
    const slow = (name: string) =>
      library(
        name,
        `for i = 1, 1e6 do end
         for i = 1, 5 do local found = ('x'):rep(2e2):find('x*x*y') end
         redis.register_function('${name}', function() return '${name}' end)`,
      );
    const first = await startServer(directives, systemFiles);
    const redis = connectTo(first.server.listeners.port);
    await load(redis, slow('saved'));
    const dump = (await redis.callBuffer('function', 'dump')) as Buffer;
    await rewritten(redis);
    await load(redis, slow('appended'));
    await load(redis, slow('restored'));
    await redis.call('function', 'delete', 'saved');
    await redis.call('function', 'restore', dump);
    await first.server.close();
    const { server } = await startServer(directives, systemFiles, new HastyClock());
    expect([...server.scripting.functions.libraries()].map(({ name }) => name).sort()).toEqual([
      'appended',
      'restored',
      'saved',
    ]);
    const other = connectTo(server.listeners.port);
    await expect(load(other, slow('late'))).rejects.toThrow('FUNCTION LOAD timeout');
    await expect(other.call('function', 'restore', dump, 'replace')).rejects.toThrow('FUNCTION LOAD timeout');
  });

  it('starts a new machine when one is broken, with all libraries', async () => {
    const { redis } = await startWithClient();
    await load(redis, simple('f', 'return 1'));
    await load(redis, simple('deep', "return ('a'):rep(30000):find(('a?'):rep(30000) .. ('a'):rep(30000))"));
    await expect(redis.call('fcall', 'deep', '0')).rejects.toThrow(/broke its Lua machine/);
    expect(await redis.call('fcall', 'f', '0')).toBe(1);
  });
});
