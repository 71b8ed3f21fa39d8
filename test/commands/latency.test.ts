import type { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { startSession } from '../support/raw-session.js';
import { startWithClient } from '../support/respite.js';

const monitored = { 'latency-monitor-threshold': 15, 'enable-debug-command': 'yes' } as const;

/** From here on what happens by chance is not noted. */
function stopMonitoring(redis: Redis): Promise<unknown> {
  return redis.config('SET', 'latency-monitor-threshold', '0');
}

async function latencystats(redis: Redis, name: string): Promise<string | undefined> {
  return new RegExp(`latency_percentiles_usec_${name}:(.*)\r`).exec(await redis.info('latencystats'))?.[1];
}

describe('LATENCY', () => {
  it('knows of slow commands', async () => {
    const { redis } = await startWithClient(monitored);
    await redis.call('LATENCY', 'RESET');
    await redis.call('DEBUG', 'SLEEP', '0.02');
    await stopMonitoring(redis);
    const latest = (await redis.call('LATENCY', 'LATEST')) as [string, number, number, number][];
    const [event, time, milliseconds, worst] = latest.find(([name]) => name === 'command')!;
    expect(event).toBe('command');
    expect(Math.abs(time - Date.now() / 1000)).toBeLessThan(5);
    expect(milliseconds).toBeGreaterThanOrEqual(20);
    expect(worst).toBe(milliseconds);
    expect(await redis.call('LATENCY', 'HISTORY', 'command')).toEqual([[time, milliseconds]]);
    expect(await redis.call('LATENCY', 'GRAPH', 'command')).toMatch(/^command - high \d+ ms, low \d+ ms/);
    expect(await redis.call('LATENCY', 'DOCTOR')).toContain('command: 1 latency spike');
  });

  it('sees that the event loop was held up', async () => {
    const { redis } = await startWithClient(monitored);
    await redis.call('DEBUG', 'SLEEP', '0.02');
    const events = ((await redis.call('LATENCY', 'LATEST')) as [string][]).map(([name]) => name);
    expect(events).toContain('event-loop');
  });

  it('notes nothing unless it is switched on', async () => {
    const { redis } = await startWithClient({ 'enable-debug-command': 'yes' });
    await redis.call('DEBUG', 'SLEEP', '0.005');
    expect(await redis.call('LATENCY', 'LATEST')).toEqual([]);
    await redis.config('SET', 'latency-monitor-threshold', '1');
    await redis.call('DEBUG', 'SLEEP', '0.005');
    expect(await redis.call('LATENCY', 'LATEST')).not.toEqual([]);
  });

  it('forgets some events, or all', async () => {
    const { redis } = await startWithClient(monitored);
    await redis.call('DEBUG', 'SLEEP', '0.02');
    await stopMonitoring(redis);
    expect(await redis.call('LATENCY', 'RESET', 'nosuch', 'command')).toBe(1);
    expect(await redis.call('LATENCY', 'RESET')).toBeGreaterThanOrEqual(1);
    expect(await redis.call('LATENCY', 'LATEST')).toEqual([]);
    expect(await redis.call('LATENCY', 'RESET')).toBe(0);
  });

  it('has no history of unknown events, and no graph', async () => {
    const { redis } = await startWithClient();
    expect(await redis.call('LATENCY', 'HISTORY', 'nosuch')).toEqual([]);
    await expect(redis.call('LATENCY', 'GRAPH', 'nosuch')).rejects.toThrow(
      "ERR No samples available for event 'nosuch'",
    );
  });
});

describe('LATENCY HISTOGRAM', () => {
  const histogram = (redis: Redis, ...names: string[]) =>
    redis.call('LATENCY', 'HISTOGRAM', ...names) as Promise<unknown[]>;

  it('tells how many calls took how long', async () => {
    const { redis } = await startWithClient();
    await redis.set('a', '1');
    await redis.set('a', '2');
    const [name, [calls, count, usec, rows]] = (await histogram(redis, 'set')) as [string, unknown[]];
    expect([name, calls, count, usec]).toEqual(['set', 'calls', 2, 'histogram_usec']);
    expect((rows as number[]).at(-1)).toBe(2);
  });

  it('gives the subcommands of a command, and nothing for unknown names', async () => {
    const { redis } = await startWithClient();
    await redis.config('RESETSTAT');
    await redis.client('ID');
    await redis.client('GETNAME');
    const names = async (...wanted: string[]) =>
      (await histogram(redis, ...wanted)).filter((_, i) => i % 2 === 0).toSorted();
    expect(await names('client')).toEqual(['client|getname', 'client|id']);
    expect(await names('client|id', 'nosuch', 'get')).toEqual(['client|id']);
    expect(await names()).toEqual(['client|getname', 'client|id', 'config|resetstat', 'latency|histogram']);
  });

  it('is a map of maps in RESP3', async () => {
    const { send } = await startSession({ clock: 'manual' });
    await send('HELLO 3');
    await send('SET a 1');
    expect(await send('LATENCY HISTOGRAM set')).toBe(
      '%1\r\n$3\r\nset\r\n%2\r\n$5\r\ncalls\r\n:1\r\n$14\r\nhistogram_usec\r\n%1\r\n:1\r\n:1\r\n',
    );
  });
});

describe('INFO latencystats', () => {
  it('has the wanted percentiles of each command', async () => {
    const { redis } = await startWithClient();
    await redis.set('a', '1');
    expect(await latencystats(redis, 'set')).toMatch(/^p50=\d+\.\d{3},p99=\d+\.\d{3},p99\.9=\d+\.\d{3}$/);
    await redis.config('SET', 'latency-tracking-info-percentiles', '100.0 0.0 50.0');
    expect(await latencystats(redis, 'set')).toMatch(/^p100=[\d.]+,p0=[\d.]+,p50=[\d.]+$/);
  });

  it('measures what commands take', async () => {
    const { redis } = await startWithClient({ 'enable-debug-command': 'yes' });
    await redis.call('DEBUG', 'SLEEP', '0.02');
    expect(Number(/p50=(.*?),/.exec((await latencystats(redis, 'debug'))!)?.[1])).toBeGreaterThan(20_000);
  });

  it('is off without latency-tracking, and empty after CONFIG RESETSTAT', async () => {
    const { redis } = await startWithClient({ 'latency-tracking': false });
    await redis.set('a', '1');
    expect(await latencystats(redis, 'set')).toBeUndefined();
    await redis.config('SET', 'latency-tracking', 'yes');
    expect(await latencystats(redis, 'set')).toBeUndefined();
    await redis.set('a', '1');
    expect(await latencystats(redis, 'set')).toBeDefined();
    await redis.config('RESETSTAT');
    expect(await latencystats(redis, 'set')).toBeUndefined();
  });
});
