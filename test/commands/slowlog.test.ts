import type { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { connect, startWithClient } from '../support/respite.js';
import { untilInfo } from '../support/waiting.js';

type Entry = [id: number, time: number, microseconds: number, args: string[], address: string, name: string];

/** Everything in the slow log, oldest first. */
async function log(redis: Redis): Promise<Entry[]> {
  return ((await redis.slowlog('GET', -1)) as Entry[]).reverse();
}

const argsOf = (entries: Entry[]) => entries.map((entry) => entry[3]);

async function startLogging(options = {}) {
  const { server, redis } = await startWithClient({ 'slowlog-log-slower-than': 0, ...options });
  await redis.ping();
  await redis.slowlog('RESET');
  return { server, redis };
}

describe('SLOWLOG', () => {
  it('tells what ran, when, how long, and for whom', async () => {
    const { redis } = await startLogging();
    await redis.client('SETNAME', 'worker');
    await redis.set('k', 'v');
    const entry = (await log(redis)).at(-1)!;
    expect(entry).toHaveLength(6);
    const [id, time, microseconds, args, address, name] = entry;
    expect(id).toBeGreaterThan(0);
    expect(Math.abs(time - Date.now() / 1000)).toBeLessThan(5);
    expect(microseconds).toBeGreaterThanOrEqual(0);
    expect(args).toEqual(['set', 'k', 'v']);
    expect(address).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(name).toBe('worker');
  });

  it('keeps what took at least the threshold, and no more', async () => {
    const { redis } = await startWithClient({
      'slowlog-log-slower-than': 200_000,
      'enable-debug-command': 'yes',
    });
    await redis.set('k', 'v');
    await redis.call('DEBUG', 'SLEEP', '0.25');
    const entries = await log(redis);
    expect(argsOf(entries)).toEqual([['DEBUG', 'SLEEP', '0.25']]);
    expect(entries[0][2]).toBeGreaterThanOrEqual(250_000);
  });

  it('is switched off by a negative threshold and on again at run time', async () => {
    const { redis } = await startLogging({ 'slowlog-log-slower-than': -1 });
    await redis.set('a', '1');
    expect(await redis.slowlog('LEN')).toBe(0);
    await redis.config('SET', 'slowlog-log-slower-than', '0');
    await redis.set('b', '1');
    expect(argsOf(await log(redis))).toContainEqual(['set', 'b', '1']);
  });

  it('keeps the newest entries, with numbers that go on after RESET', async () => {
    const { redis } = await startLogging({ 'slowlog-max-len': 5 });
    for (let i = 0; i < 40; i++) await redis.set('k', i);
    const entries = await log(redis);
    expect(argsOf(entries)).toEqual([35, 36, 37, 38, 39].map((i) => ['set', 'k', `${i}`]));
    await redis.slowlog('RESET');
    await redis.ping();
    const [first] = await log(redis);
    expect(first[3]).toEqual(['slowlog', 'RESET']);
    expect(first[0]).toBe(entries[4][0] + 2);
  });

  it('shows ten entries unless another number is wanted', async () => {
    const { redis } = await startLogging();
    for (let i = 0; i < 15; i++) await redis.set('k', i);
    expect(await redis.slowlog('GET')).toHaveLength(10);
    expect(await redis.slowlog('GET', 3)).toHaveLength(3);
    expect(await redis.slowlog('GET', 0)).toHaveLength(0);
    expect(((await redis.slowlog('GET', -1)) as Entry[]).length).toBeGreaterThanOrEqual(15);
    const refusal = 'ERR count should be greater than or equal to -1';
    await expect(redis.call('SLOWLOG', 'GET', '-2')).rejects.toThrow(refusal);
    await expect(redis.call('SLOWLOG', 'GET', 'many')).rejects.toThrow(refusal);
    await expect(redis.call('SLOWLOG', 'GET', '1', '2')).rejects.toThrow('Try SLOWLOG HELP.');
  });

  it('shortens long arguments and long lists of arguments', async () => {
    const { redis } = await startLogging();
    await redis.set('k', 'x'.repeat(129));
    await redis.set('k', 'x'.repeat(128));
    const keys = Array.from({ length: 32 }, (_, i) => `key${i}`);
    await redis.del(...keys.slice(0, 31));
    await redis.del(...keys);
    const args = argsOf(await log(redis)).slice(-4);
    expect(args[0][2]).toBe(`${'x'.repeat(128)}... (1 more bytes)`);
    expect(args[1][2]).toBe('x'.repeat(128));
    expect(args[2]).toEqual(['del', ...keys.slice(0, 31)]);
    expect(args[3]).toEqual(['del', ...keys.slice(0, 30), '... (2 more arguments)']);
  });

  it('keeps binary arguments', async () => {
    const { redis } = await startLogging();
    const value = Buffer.from([0, 255, 13, 10]);
    await redis.set('k', value);
    const entries = (await redis.callBuffer('SLOWLOG', 'GET', '1')) as unknown as Buffer[][][];
    expect(entries[0][3][2]).toEqual(value);
  });

  it('has a command that waited as it was sent, not as it is run again', async () => {
    const { server, redis } = await startLogging({ clock: 'manual' });
    const waiting = connect(server);
    const served = waiting.xread('BLOCK', 1000, 'STREAMS', 'served', '$');
    await untilInfo(redis, 'blocked_clients', 1);
    await redis.xadd('served', '*', 'field', 'value');
    await served;
    const late = waiting.xread('BLOCK', 1000, 'STREAMS', 'late', '$');
    await untilInfo(redis, 'blocked_clients', 1);
    server.advanceTime(1001);
    await late;
    expect(argsOf(await log(redis)).filter(([name]) => name === 'xread')).toEqual([
      ['xread', 'BLOCK', '1000', 'STREAMS', 'served', '$'],
      ['xread', 'BLOCK', '1000', 'STREAMS', 'late', '$'],
    ]);
  });

  it('shows no secrets', async () => {
    const { redis } = await startLogging();
    await redis.call('AUTH', 'hush').catch(() => {});
    await redis.call('AUTH', 'somebody', 'hush').catch(() => {});
    await redis.call('HELLO', '2', 'SETNAME', 'me', 'AUTH', 'somebody', 'hush').catch(() => {});
    await redis.call('CONFIG', 'SET', 'masterauth', 'hush', 'maxclients', '100');
    expect(argsOf(await log(redis)).slice(-4)).toEqual([
      ['AUTH', '(redacted)'],
      ['AUTH', '(redacted)', '(redacted)'],
      ['HELLO', '2', 'SETNAME', 'me', 'AUTH', '(redacted)', '(redacted)'],
      ['CONFIG', 'SET', 'masterauth', '(redacted)', 'maxclients', '100'],
    ]);
  });

  it('has the commands of a transaction, not the EXEC', async () => {
    const { redis } = await startLogging();
    await redis.multi().set('a', '1').incr('a').exec();
    expect(argsOf(await log(redis)).slice(1)).toEqual([['multi'], ['set', 'a', '1'], ['incr', 'a']]);
  });

  it('has every command of a pipeline in which it is switched on', async () => {
    const { redis } = await startWithClient({ 'slowlog-log-slower-than': -1 });
    await redis.pipeline().get('a').config('SET', 'slowlog-log-slower-than', 0).get('b').get('c').exec();
    expect(argsOf(await log(redis)).slice(1)).toEqual([
      ['get', 'b'],
      ['get', 'c'],
    ]);
  });

  it('has no commands that were refused before they ran', async () => {
    const { redis } = await startLogging();
    await redis.call('NOSUCH').catch(() => {});
    await redis.call('SET', 'a').catch(() => {});
    await redis.call('INCRBY', 'a', 'b').catch(() => {});
    expect(argsOf(await log(redis)).slice(1)).toEqual([['INCRBY', 'a', 'b']]);
  });

  it('explains itself', async () => {
    const { redis } = await startLogging();
    expect(await redis.call('SLOWLOG', 'HELP')).toContain('GET [count]');
  });
});

describe('statistics of commands', () => {
  const cmdstat = async (redis: Redis, name: string) =>
    new RegExp(`cmdstat_${name}:calls=(\\d+),usec=(\\d+)`)
      .exec(await redis.info('commandstats'))
      ?.slice(1)
      .map(Number);

  it('count what the commands of a transaction took for EXEC too', async () => {
    const { redis } = await startWithClient({ 'enable-debug-command': 'yes' });
    await redis.multi().call('DEBUG', 'SLEEP', '0.02').exec();
    const [calls, usec] = (await cmdstat(redis, 'exec'))!;
    expect(calls).toBe(1);
    expect(usec).toBeGreaterThanOrEqual(20000);
  });

  it('count each command of a pipeline, with its share of the time', async () => {
    const { redis } = await startWithClient();
    const pipeline = redis.pipeline();
    for (let i = 0; i < 20; i++) pipeline.get('a').call('MULTI').get('b').call('EXEC');
    await pipeline.exec();
    expect((await cmdstat(redis, 'get'))?.[0]).toBe(40);
    const [, histogram] = (await redis.call('LATENCY', 'HISTOGRAM', 'get')) as [string, unknown[]];
    expect(histogram.slice(0, 2)).toEqual(['calls', 40]);
  });
});
