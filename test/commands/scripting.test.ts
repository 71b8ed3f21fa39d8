import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { infoNumber } from '../support/info.js';
import { propagated, propagationLog, startPropagating } from '../support/propagation-log.js';
import { connect, startWithClient } from '../support/respite.js';

const sha = (script: string) => createHash('sha1').update(script).digest('hex');
const run = (redis: Redis, script: string, ...keys: string[]) => redis.eval(script, keys.length, ...keys);
/** Where an error of a one-line script happened, as its message ends. */
const at = (script: string, line = 1) => ` script: ${sha(script)}, on @user_script:${line}.`;

async function failure(redis: Redis, script: string): Promise<string> {
  return run(redis, script).then(
    () => 'no error',
    (error: Error) => error.message,
  );
}

describe('EVAL', () => {
  it('gives the script its keys and arguments, and replies with what it returns', async () => {
    const { redis } = await startWithClient();
    expect(await redis.eval('return {KEYS[1], KEYS[2], ARGV[1], #ARGV}', 2, 'a', 'b', 'c', 'd')).toEqual([
      'a',
      'b',
      'c',
      2,
    ]);
  });

  it.each([
    ['return 3.99', 3],
    ['return -3.99', -3],
    ['return true', 1],
    ['return false', null],
    ['return nil', null],
    ['return function() end', null],
    ['return {1, nil, 3}', [1]],
    ['return {1, {2, "x"}}', [1, [2, 'x']]],
    ['return {ok = "fine"}', 'fine'],
    ['return {a = 1}', []],
    ['return _G', []],
    ['return {double = 1.5}', '1.5'],
    ['return {map = {a = 1}}', ['a', 1]],
    ['return {set = {a = true}}', ['a']],
    ['return {big_number = "123"}', '123'],
    ['return {verbatim_string = {format = "txt", string = "hi"}}', 'hi'],
    ['local a = {} setmetatable(a, {__index = function() foo() end}) return a', []],
  ])('replies to %s', async (script, reply) => {
    const { redis } = await startWithClient();
    expect(await run(redis, script)).toEqual(reply);
  });

  it.each([
    ['return type(redis.call("incr", "n"))', 'number'],
    ['return type(redis.call("get", "s"))', 'string'],
    ['return tostring(redis.call("get", "absent"))', 'false'],
    ['return redis.call("set", "s", "x").ok', 'OK'],
    ['return redis.pcall("incr", "s").err', 'ERR value is not an integer or out of range'],
    ['return #redis.call("lrange", "l", 0, -1)', 2],
    ['return tostring(redis.call("blpop", "absent", 0))', 'false'],
    ['redis.setresp(3) return redis.call("hgetall", "h").map.f', 'v'],
    ['redis.setresp(3) return tostring(redis.call("get", "absent"))', 'nil'],
    ['redis.setresp(3) return tostring(redis.call("zscore", "z", "m").double)', '1.5'],
    ['return redis.call("echo", 9007199254740991)', '9007199254740991'],
    ['return redis.call("echo", 0.1)', '0.1'],
  ])('makes Lua values of replies: %s', async (script, expected) => {
    const { redis } = await startWithClient();
    await redis.set('s', 'text');
    await redis.rpush('l', 'a', 'b');
    await redis.hset('h', 'f', 'v');
    await redis.zadd('z', 1.5, 'm');
    expect(await run(redis, script)).toBe(expected);
  });

  it('keeps all bytes of keys, arguments and values', async () => {
    const { redis } = await startWithClient();
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    const script = 'redis.call("set", KEYS[1], ARGV[1]) return redis.call("get", KEYS[1])';
    expect(await redis.callBuffer('eval', script, 1, bytes, bytes)).toEqual(bytes);
    expect(await redis.getBuffer(bytes)).toEqual(bytes);
  });

  it.each([
    ['return foo', "ERR user_script:1: Script attempted to access nonexistent global variable 'foo'"],
    ['x = 1', 'ERR user_script:1: Attempt to modify a readonly table'],
    ['redis.call = 1', 'ERR user_script:1: Attempt to modify a readonly table'],
    ['getmetatable(_G).__index = {}', 'ERR user_script:1: Attempt to modify a readonly table'],
    ['getmetatable("").x = 1', 'ERR user_script:1: Attempt to modify a readonly table'],
    ['setmetatable(_G, {})', 'ERR Attempt to modify a readonly table'],
    ['rawset(_G, "x", 1)', 'ERR Attempt to modify a readonly table'],
    ['rawset(string, "x", 1)', 'ERR Attempt to modify a readonly table'],
    ['table.insert(redis, 1)', 'ERR Attempt to modify a readonly table'],
    ['error("boom")', 'ERR user_script:1: boom'],
    ['error({err = "MYERR foo"})', 'MYERR foo'],
    ['redis.call("nosuch")', 'ERR Unknown Redis command called from script'],
    ['redis.call("get")', 'ERR Wrong number of args calling Redis command from script'],
    ['redis.call("multi")', 'ERR This Redis command is not allowed from script'],
    ['redis.call()', 'ERR Please specify at least one argument for this redis lib call'],
    ['redis.call("echo", {})', 'ERR Lua redis lib command arguments must be strings or integers'],
    [
      'redis.set_repl(99)',
      'ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.',
    ],
    ['redis.setresp(4)', 'ERR RESP version must be 2 or 3.'],
    ['loadstring(string.dump(function() return 1 end))()', 'ERR user_script:1: attempt to call a nil value'],
    ['coroutine.wrap(function() error("in") end)()', 'ERR user_script:1: user_script:1: in'],
    ['coroutine.yield()', 'ERR attempt to yield across metamethod/C-call boundary'],
    ['return dofile', "ERR user_script:1: Script attempted to access nonexistent global variable 'dofile'"],
    ['return print', "ERR user_script:1: Script attempted to access nonexistent global variable 'print'"],
  ])('fails with its place: %s', async (script, message) => {
    const { redis } = await startWithClient();
    expect(await failure(redis, script)).toBe(message + at(script));
    expect(await run(redis, 'return "fine"')).toBe('fine');
  });

  it('keeps what a script wrote before it failed', async () => {
    const { redis } = await startWithClient();
    await failure(redis, 'redis.call("set", "a", "1") error("late")');
    expect(await redis.get('a')).toBe('1');
  });

  it('keeps the code of a command’s error through pcall', async () => {
    const { redis } = await startWithClient();
    await redis.set('s', 'x');
    const script = 'local ok, e = pcall(redis.call, "lpush", "s", "y") return e';
    expect(await run(redis, script)).toMatch(/^WRONGTYPE /);
    expect(await failure(redis, 'return redis.pcall("lpush", "s", "y")')).toMatch(/^WRONGTYPE /);
  });

  it('refuses wrong counts of keys, and code that does not compile', async () => {
    const { redis } = await startWithClient();
    const evaluate = (...args: string[]) => redis.call('eval', ...args);
    await expect(evaluate('return 1', 'x')).rejects.toThrow('ERR value is not an integer or out of range');
    await expect(evaluate('return 1', '1')).rejects.toThrow(
      "ERR Number of keys can't be greater than number of args",
    );
    await expect(evaluate('return 1', '-1')).rejects.toThrow("ERR Number of keys can't be negative");
    await expect(evaluate('return +', '0')).rejects.toThrow(
      "ERR Error compiling script (new function): user_script:1: unexpected symbol near '+'",
    );
  });

  it('lets no script see what another left', async () => {
    const { redis } = await startWithClient();
    await run(redis, 'ARGV.left = 1 KEYS[1] = "x" return 1');
    expect(await run(redis, 'return {tostring(ARGV.left), #KEYS}')).toEqual(['nil', 0]);
  });

  it('survives what exhausts memory or the stack', async () => {
    const { redis } = await startWithClient();
    expect(await failure(redis, 'local function f() return 1 + f() end return f()')).toMatch(
      /stack overflow/,
    );
    expect(await failure(redis, 'local s = "x" while true do s = s .. s end')).toMatch(/not enough memory/);
    expect(
      await failure(redis, 'return ("a"):rep(30000):find(("a?"):rep(30000) .. ("a"):rep(30000))'),
    ).toMatch(/broke its Lua machine/);
    expect(await run(redis, 'local function f() pcall(f) end f() return "fine"')).toBe('fine');
    expect(await run(redis, 'return redis.call("echo", "fine")')).toBe('fine');
    await redis.set('a', 'b');
    let nested = await run(redis, 'local a = {} a[1] = a return a');
    while (Array.isArray(nested)) nested = nested[0];
    expect(String(nested)).toMatch(/reached lua stack limit/);
    expect(await redis.get('a')).toBe('b');
  });

  it('stays in its database, whatever the script selects', async () => {
    const { redis } = await startWithClient();
    await run(redis, 'redis.call("select", 5) redis.call("set", "a", "1")');
    expect(await redis.get('a')).toBeNull();
    await redis.select(5);
    expect(await redis.get('a')).toBe('1');
  });

  it('orders what SORT leaves unordered', async () => {
    const { redis } = await startWithClient();
    await redis.sadd('s', 'c', 'a', 'b');
    expect(await run(redis, 'return redis.call("sort", "s", "by", "_")')).toEqual(['a', 'b', 'c']);
  });

  it('stops the time while a script runs', async () => {
    const { redis } = await startWithClient({ 'enable-debug-command': 'yes' });
    await redis.call('debug', 'set-disable-deny-scripts', '1');
    const script = `
      redis.call('set', 'k', 'v', 'px', 1)
      local before = redis.call('time')
      redis.call('debug', 'sleep', 0.01)
      local after = redis.call('time')
      return {redis.call('exists', 'k'), before[1] == after[1] and before[2] == after[2]}`;
    expect(await run(redis, script)).toEqual([1, 1]);
    expect(await redis.exists('k')).toBe(0);
  });

  it('counts commands and errors once', async () => {
    const { redis } = await startWithClient();
    await failure(redis, 'return redis.call("select", 99)');
    const info = await redis.info('all');
    expect(info).toMatch(/errorstat_ERR:count=1\r\n/);
    expect(info).toMatch(/cmdstat_select:calls=1,.*rejected_calls=0,failed_calls=1/);
    expect(info).toMatch(/cmdstat_eval:calls=1,.*rejected_calls=0,failed_calls=1/);
  });

  it('is in the slow log, as each of its commands is, and MONITOR shows them', async () => {
    const { server, redis } = await startWithClient({ 'slowlog-log-slower-than': 0 });
    const monitor = await connect(server).monitor();
    const seen: string[][] = [];
    const done = new Promise<void>((resolve) => {
      monitor.on('monitor', (_time: string, args: string[], source: string) => {
        seen.push([source === 'lua' ? 'lua' : 'client', ...args]);
        if (args[1] === 'end') resolve();
      });
    });
    await redis.call('slowlog', 'reset');
    await run(redis, 'return redis.call("set", "a", "1")');
    await redis.call('end').catch(() => {});
    await redis.call('echo', 'end');
    const log = (await redis.call('slowlog', 'get')) as [number, number, number, string[], string][];
    const entries = log.map(([, , , args, address]) => [args[0], address === '?:0' ? 'script' : 'client']);
    expect(entries.filter(([name]) => name === 'set' || name === 'eval')).toEqual([
      ['eval', 'client'],
      ['set', 'script'],
    ]);
    await done;
    monitor.disconnect();
    expect(seen.filter(([, name]) => name === 'eval' || name === 'set').map(([source]) => source)).toEqual([
      'client',
      'lua',
    ]);
  });
});

describe('the header of a script', () => {
  it.each([
    ['#!not-lua\nreturn 1', 'ERR Unexpected engine in script shebang: #!not-lua'],
    ['#!lua badger=data\nreturn 1', 'ERR Unknown lua shebang option: badger=data'],
    ['#!lua flags=allow-oom,what?\nreturn 1', 'ERR Unexpected flag in script shebang: what?'],
    ['#!lua flags=,no-writes\nreturn 1', 'ERR Unexpected flag in script shebang: '],
    ['#!lua "flags=\nreturn 1', 'ERR Invalid engine in script shebang'],
    ['#!lua', 'ERR Invalid script shebang'],
  ])('may be wrong: %j', async (script, message) => {
    const { redis } = await startWithClient();
    expect(await failure(redis, script)).toBe(message);
  });

  it.each([
    '#!lua\tflags=no-writes\t',
    '#!"lua" "flags=no-writes"',
    "#!lua flags='no-writes'",
    '#!lua flags=',
  ])('may have tabs and quotes: %j', async (header) => {
    const { redis } = await startWithClient();
    expect(await run(redis, `${header}\nreturn 1`)).toBe(1);
  });

  it('keeps line numbers, and makes scripts read-only', async () => {
    const { redis } = await startWithClient();
    const script = '#!lua flags=no-writes\nreturn redis.call("set", "a", "1")';
    expect(await failure(redis, script)).toBe(
      `ERR Write commands are not allowed from read-only scripts.${at(script, 2)}`,
    );
    await expect(redis.call('eval_ro', '#!lua\nreturn 1', '0')).rejects.toThrow(
      'ERR Can not execute a script with write flag using *_ro command.',
    );
    expect(await redis.call('eval_ro', 'return redis.call("get", "a")', '0')).toBeNull();
  });

  it('decides what may run above the memory limit', async () => {
    const { redis } = await startWithClient();
    await redis.set('a', '1');
    await redis.config('SET', 'maxmemory', '1');
    const oom = /^OOM command not allowed when used memory > 'maxmemory'/;
    expect(await failure(redis, 'return redis.call("set", "a", "2")')).toMatch(oom);
    expect(await failure(redis, '#!lua\nreturn 1')).toMatch(oom);
    expect(await run(redis, 'return redis.call("get", "a")')).toBe('1');
    expect(await run(redis, '#!lua flags=allow-oom\nredis.call("set", "a", "3") return 1')).toBe(1);
    expect(await run(redis, '#!lua flags=no-writes\nreturn redis.call("get", "a")')).toBe('3');
  });
});

describe('EVALSHA and SCRIPT', () => {
  it('knows scripts by their digest, in any case', async () => {
    const { redis } = await startWithClient();
    const script = 'return 7';
    await expect(redis.evalsha(sha(script), 0)).rejects.toThrow(
      'NOSCRIPT No matching script. Please use EVAL.',
    );
    expect(await redis.script('LOAD', script)).toBe(sha(script));
    expect(await redis.evalsha(sha(script).toUpperCase(), 0)).toBe(7);
    expect(await redis.script('EXISTS', sha(script), sha('x'))).toEqual([1, 0]);
    await redis.script('FLUSH');
    expect(await redis.script('EXISTS', sha(script))).toEqual([0]);
    await expect(redis.evalsha('short', 0)).rejects.toThrow('NOSCRIPT');
  });

  it('forgets scripts that EVAL brought when all take too much memory, and none that were loaded', async () => {
    const { redis } = await startWithClient();
    await redis.script('LOAD', 'return "loaded"');
    const long = (i: number) => `return ${i} -- ${'x'.repeat(100_000)}`;
    for (let i = 0; i < 600; i++) await run(redis, `return ${i}`);
    expect(await redis.info('memory')).toMatch(/number_of_cached_scripts:601\r\n/);
    for (let i = 0; i < 200; i++) await run(redis, long(i));
    const texts = ['return 0', 'return 599', long(0), long(199), 'return "loaded"'];
    expect(await redis.script('EXISTS', ...texts.map(sha))).toEqual([0, 0, 0, 1, 1]);
    expect(await infoNumber(redis, 'number_of_cached_scripts')).toBeLessThan(200);
  });

  it('tells who wants to debug a script that there is no debugger', async () => {
    const { redis } = await startWithClient();
    expect(await redis.call('script', 'debug', 'yes')).toBe('OK');
    expect(await run(redis, 'return redis.call("set", "a", "1")')).toEqual([
      '<error> There is no Lua debugger in this server. The script was not run.',
      '<endsession>',
    ]);
    expect(await run(redis, 'return redis.call("exists", "a")')).toBe(0);
    await expect(redis.call('script', 'debug', 'x')).rejects.toThrow('ERR Use SCRIPT DEBUG YES/SYNC/NO');
  });

  it('has nothing to kill while nothing runs', async () => {
    const { redis } = await startWithClient();
    await expect(redis.script('KILL')).rejects.toThrow('NOTBUSY No scripts in execution right now.');
  });
});

describe('what scripts change', () => {
  async function start() {
    const { redis } = await startWithClient({ commands: [propagationLog()] });
    await propagated(redis);
    return { redis };
  }

  it('is propagated as the commands that did it, as one unit', async () => {
    const { redis } = await start();
    await run(redis, 'redis.call("set", "a", "1") redis.call("get", "a") redis.call("incr", "a")');
    expect(await propagated(redis)).toEqual(['- MULTI', '0 set a 1', '0 incr a', '- EXEC']);
    await run(redis, 'return redis.call("set", "b", "1")');
    expect(await propagated(redis)).toEqual(['0 set b 1']);
    await run(redis, 'return redis.call("get", "b")');
    expect(await propagated(redis)).toEqual([]);
  });

  it('is propagated where set_repl says', async () => {
    const { redis } = await start();
    await run(
      redis,
      `redis.call('set', 'a', 1) redis.set_repl(redis.REPL_NONE) redis.call('set', 'b', 2)
       redis.set_repl(redis.REPL_AOF) redis.call('set', 'c', 3) redis.set_repl(redis.REPL_ALL)`,
    );
    expect(await propagated(redis)).toEqual(['- MULTI', '0 set a 1', '0 set c 3', '- EXEC']);
    await redis.set('d', '4');
    expect(await propagated(redis)).toEqual(['0 set d 4']);
  });

  const nowhere = "redis.set_repl(redis.REPL_NONE) redis.call('set', 'a', 1)";

  it.each([
    ['returns', nowhere],
    ['fails', `${nowhere} redis.call('incr')`],
  ])('goes everywhere behind a script of a transaction that said otherwise and %s', async (_, script) => {
    const { redis } = await start();
    await redis.multi().eval(script, 0).set('b', '2').eval("redis.call('incr', 'b')", 0).exec();
    expect(await propagated(redis)).toEqual(['- MULTI', '0 set b 2', '0 incr b', '- EXEC']);
  });

  it('goes everywhere although a script said otherwise when nobody listened', async () => {
    const { redis } = await startWithClient({ commands: [propagationLog()] });
    await run(redis, nowhere);
    await propagated(redis);
    await redis.set('b', '2');
    expect(await propagated(redis)).toEqual(['0 set b 2']);
  });

  it('does not hold back what had expired when a script came upon it', async () => {
    const { server, redis } = await startPropagating();
    await redis.call('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
    await redis.set('key', '5', 'PX', 10);
    await redis.hset('hash', 'field', '5', 'other', '6');
    await redis.call('HPEXPIRE', 'hash', '10', 'FIELDS', '1', 'field');
    await propagated(redis);
    server.advanceTime(11);
    await run(redis, `${nowhere} redis.call('get', 'key') redis.call('hget', 'hash', 'field')`);
    expect(await propagated(redis)).toEqual(['- MULTI', '0 DEL key', '0 HDEL hash field', '- EXEC']);
  });
});
