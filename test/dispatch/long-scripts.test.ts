import { describe, expect, it } from 'vitest';
import { systemFiles } from '../../src/persistence/files.js';
import { dataFolder } from '../support/data-folder.js';
import { propagated, propagationLog } from '../support/propagation-log.js';
import { connected, connectTo, startServer, startWithClient } from '../support/respite.js';
import { until, untilBusy, untilInfo } from '../support/waiting.js';

const busy = 'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.';
const endless = 'while true do end';

async function start() {
  const { server, redis } = await startWithClient({
    'busy-reply-threshold': 5,
    commands: [propagationLog()],
  });
  return { server, redis, other: await connected(server) };
}

/** The error that a promise ends with. */
const failed = (pending: Promise<unknown>) =>
  pending.then(
    () => 'no error',
    (error: Error) => error.message,
  );

describe('a script that takes long', () => {
  it('makes others get BUSY, and can be killed', async () => {
    const { redis, other } = await start();
    const script = failed(redis.eval(endless, 0));
    expect(await untilBusy(other)).toBe(busy);
    await expect(other.call('function', 'kill')).rejects.toThrow(busy);
    await expect(other.call('shutdown')).rejects.toThrow(busy);
    expect(await other.script('KILL')).toBe('OK');
    expect(await script).toMatch(
      /^ERR Script killed by user with SCRIPT KILL\.\.\. script: .*, on @user_script:1\.$/,
    );
    expect(await redis.ping()).toBe('PONG');
    expect(await redis.eval('return 1', 0)).toBe(1);
  });

  it.each([
    'while 1 do pcall(function() while 1 do redis.call("ping") end end) end',
    'coroutine.wrap(function() while true do end end)()',
    'local co = coroutine.create(function() while true do end end) coroutine.resume(co)',
    'xpcall(function() while true do end end, function() end)',
  ])('can be killed wherever it is: %s', async (code) => {
    const { redis, other } = await start();
    const script = failed(redis.eval(code, 0));
    await untilBusy(other);
    await other.script('KILL');
    expect(await script).toMatch(/^ERR Script killed by user/);
  });

  it('ends as any other when it is done, and its client goes on', async () => {
    const { redis, other } = await start();
    const code = `local ok, a, b = pcall(function(x) for i = 1, 1e7 do x = x + 1 end return x, 'b' end, 1)
      redis.call('set', 'k', a) return {tostring(ok), a, b}`;
    const results = redis.pipeline().eval(code, 0).get('k').exec();
    await untilBusy(other);
    expect(await results).toEqual([
      [null, ['true', 10_000_001, 'b']],
      [null, '10000001'],
    ]);
    expect(await other.ping()).toBe('PONG');
  });

  it('keeps the yields of its own coroutines', async () => {
    const { redis, other } = await start();
    const code = `local co = coroutine.wrap(function() for i = 1, 3 do for j = 1, 2e6 do end coroutine.yield(i) end end)
      return {co(), co(), co()}`;
    const result = redis.eval(code, 0);
    await untilBusy(other);
    expect(await result).toEqual([1, 2, 3]);
  });

  it('cannot be killed once it has written', async () => {
    const { redis, other } = await start();
    const code = `redis.call('set', 'a', 1) local i = 0
      while redis.call('get', 'b') == false and i < 3e6 do i = i + 1 end`;
    const script = redis.eval(code, 0);
    await untilBusy(other);
    await expect(other.script('KILL')).rejects.toThrow(/^UNKILLABLE /);
    await script;
  });

  it('stops a transaction, which goes on after it', async () => {
    const { redis, other } = await start();
    await propagated(redis);
    const results = redis
      .multi()
      .set('a', '1')
      .eval('for i = 1, 5e6 do end redis.call("incr", "a") return 7', 0)
      .get('a')
      .eval('for i = 1, 5e6 do end return 8', 0)
      .incr('a')
      .exec();
    expect(await untilBusy(other)).toBe(busy);
    expect(await results).toEqual([
      [null, 'OK'],
      [null, 7],
      [null, '2'],
      [null, 8],
      [null, 3],
    ]);
    expect(await propagated(redis)).toEqual(['- MULTI', '0 set a 1', '0 incr a', '0 incr a', '- EXEC']);
    expect(await redis.info('commandstats')).toMatch(/cmdstat_exec:calls=1,/);
  });

  it('is the only one whose changes stay away when it says so, although it is stopped', async () => {
    const { redis, other } = await start();
    await propagated(redis);
    const script = failed(redis.eval(`redis.set_repl(redis.REPL_NONE) ${endless}`, 0));
    await untilBusy(other);
    await other.script('KILL');
    await script;
    const results = redis
      .multi()
      .eval(
        `redis.set_repl(redis.REPL_NONE) redis.call('set', 'a', 1) for i = 1, 5e6 do end redis.call('incr', 'a')`,
        0,
      )
      .set('b', '2')
      .exec();
    await untilBusy(other);
    await results;
    expect(await redis.get('a')).toBe('2');
    expect(await propagated(redis)).toEqual(['0 set b 2']);
  });

  it('wakes who waits for its keys when it is done', async () => {
    const { server, redis, other } = await start();
    const third = await connected(server);
    const waiting = third.blpop('l', 0);
    await untilInfo(other, 'blocked_clients', 1);
    const code = 'redis.call("rpush", "l", "first") for i = 1, 5e6 do end redis.call("lpush", "l", "second")';
    const script = redis.eval(code, 0);
    await untilBusy(other);
    await script;
    expect(await waiting).toEqual(['l', 'second']);
  });

  it('ends although its client is gone', async () => {
    const { redis, other } = await start();
    const script = failed(redis.eval('for i = 1, 1e7 do end redis.call("set", "done", "1")', 0));
    await untilBusy(other);
    redis.disconnect();
    await script;
    await until('the script is over', async () => (await failed(other.ping())) === 'no error');
    expect(await other.get('done')).toBe('1');
  });

  it('may be a function', async () => {
    const { redis, other } = await start();
    await redis.call(
      'function',
      'load',
      `#!lua name=l\nredis.register_function('f', function() ${endless} end)`,
    );
    const call = failed(redis.call('fcall', 'f', '0', 'x') as Promise<unknown>);
    expect(await untilBusy(other)).toMatch(/You can only call FUNCTION KILL/);
    await expect(other.script('KILL')).rejects.toThrow(/^BUSY /);
    expect(await other.call('function', 'stats')).toEqual([
      'running_script',
      ['name', 'f', 'command', ['fcall', 'f', '0', 'x'], 'duration_ms', expect.any(Number)],
      'engines',
      expect.any(Array),
    ]);
    await other.call('function', 'kill');
    expect(await call).toBe('ERR Script killed by user with SCRIPT KILL... script: f, on @user_function:2.');
  });
});

describe('no file begins in the middle of a transaction with a script that takes long:', () => {
  // A file that has the first INCR, and then gets the whole, would count it twice.
  const script = "redis.call('incr', 'k') for i = 1, 3e7 do end redis.call('incr', 'k')";
  const nothingUnderWay =
    /^rdb_bgsave_in_progress:0\r$[\s\S]*^aof_rewrite_in_progress:0\r$[\s\S]*^aof_rewrite_scheduled:0\r$/m;

  it.each([
    ['BGREWRITEAOF', { appendonly: true }],
    ['BGSAVE', {}],
  ])('%s', async (command, options) => {
    const directives = { dir: dataFolder(), 'busy-reply-threshold': 5, ...options };
    const { server } = await startServer(directives, systemFiles);
    const [redis, other] = [connectTo(server.listeners.port), connectTo(server.listeners.port)];
    await other.ping();
    const done = redis.multi().incr('k').call(command).eval(script, 0).exec();
    await untilBusy(other);
    expect(server.loop.dispatcher.busy).toBe(true);
    server.tick();
    await done;
    server.tick();
    await until('the file is written', async () => nothingUnderWay.test(await other.info('persistence')));
    if (command === 'BGSAVE') expect(await other.info('persistence')).toContain('rdb_saves:1');
    await server.close();
    const again = await startServer(directives, systemFiles);
    expect(await connectTo(again.server.listeners.port).get('k')).toBe('3');
  });
});
