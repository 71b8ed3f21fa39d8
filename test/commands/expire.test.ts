import { describe, expect, it } from 'vitest';
import type { ManualClock } from '../../src/ambient/clock.js';
import type { Call, CommandSpec } from '../../src/commands/command.js';
import { eventLog } from '../support/event-log.js';
import { connect, startRespite, startWithClient } from '../support/respite.js';

/** The manual clock begins here. */
const begin = 1_700_000_000_000;

const start = () => startWithClient({ clock: 'manual' });

describe('EXPIRE and its kin', () => {
  it.each([
    ['EXPIRE', '100'],
    ['PEXPIRE', '100000'],
    ['EXPIREAT', String(begin / 1000 + 100)],
    ['PEXPIREAT', String(begin + 100_000)],
  ])('%s sets when a key expires', async (name, amount) => {
    const { server, redis } = await start();
    await redis.set('k', 'v');
    expect(await redis.call(name, 'k', amount)).toBe(1);
    expect(await redis.ttl('k')).toBe(100);
    expect(await redis.pttl('k')).toBe(100_000);
    expect(await redis.expiretime('k')).toBe(begin / 1000 + 100);
    expect(await redis.pexpiretime('k')).toBe(begin + 100_000);
    server.advanceTime(100_000);
    expect(await redis.get('k')).toBe('v');
    server.advanceTime(1);
    expect(await redis.get('k')).toBeNull();
    expect(await redis.dbsize()).toBe(0);
  });

  it.each([
    ['EXPIRE', '0'],
    ['EXPIRE', '-1'],
    ['PEXPIRE', '-9007199254740993'],
    ['EXPIREAT', '1'],
    ['PEXPIREAT', String(begin)],
    ['PEXPIREAT', '-9223372036854775808'],
  ])('%s with %s, a time that is over, removes the key', async (name, amount) => {
    const server = await startRespite({ clock: 'manual', commands: [eventLog()] });
    const redis = connect(server);
    await redis.set('k', 'v');
    await redis.call('EVENTLOG');
    expect(await redis.call(name, 'k', amount)).toBe(1);
    expect(await redis.call('EVENTLOG')).toEqual([1, '0 del k']);
    expect(await redis.exists('k')).toBe(0);
  });

  it('reply 0 without a key', async () => {
    const { redis } = await start();
    expect(await redis.expire('none', 100)).toBe(0);
    expect(await redis.expire('none', 100, 'NX')).toBe(0);
    expect(await redis.persist('none')).toBe(0);
  });

  it.each([
    ['permanent', 'NX', 1],
    ['permanent', 'XX', 0],
    ['permanent', 'GT', 0],
    ['permanent', 'LT', 1],
    ['permanent', 'LT XX', 0],
    ['sooner', 'NX', 0],
    ['sooner', 'XX', 1],
    ['sooner', 'GT', 1],
    ['sooner', 'LT', 0],
    ['sooner', 'xx gt', 1],
    ['later', 'NX', 0],
    ['later', 'XX', 1],
    ['later', 'GT', 0],
    ['later', 'LT', 1],
    ['later', 'LT XX', 1],
    ['equal', 'GT', 0],
    ['equal', 'LT', 0],
  ])('of a key that expires %s, with %s, replies %i', async (present, condition, changed) => {
    const { redis } = await start();
    const before = { permanent: -1, sooner: 50, later: 150, equal: 100 }[present];
    await redis.set('k', 'v');
    if (before !== -1) await redis.expire('k', before!);
    expect(await redis.call('EXPIRE', 'k', '100', ...condition.split(' '))).toBe(changed);
    expect(await redis.ttl('k')).toBe(changed === 1 ? 100 : before);
  });

  it.each([
    [['x'], 'ERR value is not an integer or out of range'],
    [[''], 'ERR value is not an integer or out of range'],
    [['9223372036854775808'], 'ERR value is not an integer or out of range'],
    [['9223372036854775807'], "ERR invalid expire time in 'expire' command"],
    [['9223372036854776'], "ERR invalid expire time in 'expire' command"],
    [['9223370399119966'], "ERR invalid expire time in 'expire' command"],
    [['-9223372036854776'], "ERR invalid expire time in 'expire' command"],
    [['100', 'AB'], 'ERR Unsupported option AB'],
    [['x', 'XX', 'ab'], 'ERR Unsupported option ab'],
    [['100', 'toString'], 'ERR Unsupported option toString'],
    [['100', 'NX', 'XX'], 'ERR NX and XX, GT or LT options at the same time are not compatible'],
    [['100', 'LT', 'NX'], 'ERR NX and XX, GT or LT options at the same time are not compatible'],
    [['100', 'GT', 'LT'], 'ERR GT and LT options at the same time are not compatible'],
  ])('refuse %j', async (args, message) => {
    const { redis } = await start();
    await redis.set('k', 'v');
    await expect(redis.call('EXPIRE', 'k', ...args)).rejects.toThrow(message);
    expect(await redis.ttl('k')).toBe(-1);
  });

  it('refuse a time that only overflows when the present time is added', async () => {
    const { redis } = await start();
    await redis.set('k', 'v');
    await expect(redis.call('PEXPIRE', 'k', '9223372036854770000')).rejects.toThrow(
      "ERR invalid expire time in 'pexpire' command",
    );
    expect(await redis.call('PEXPIREAT', 'k', '9223372036854770000')).toBe(1);
    expect(await redis.exists('k')).toBe(1);
  });

  it('announce the change', async () => {
    const server = await startRespite({ clock: 'manual', commands: [eventLog()] });
    const redis = connect(server);
    await redis.set('k', 'v');
    await redis.call('EVENTLOG');
    await redis.expire('k', 100);
    await redis.expire('k', 100, 'NX');
    expect(await redis.call('EVENTLOG')).toEqual([1, '0 expire k']);
    await redis.persist('k');
    await redis.persist('k');
    expect(await redis.call('EVENTLOG')).toEqual([1, '0 persist k']);
  });
});

describe('TTL and its kin', () => {
  it('reply -1 for a permanent key and -2 without a key', async () => {
    const { redis } = await start();
    await redis.set('k', 'v');
    for (const name of ['TTL', 'PTTL', 'EXPIRETIME', 'PEXPIRETIME']) {
      expect([await redis.call(name, 'k'), await redis.call(name, 'none')]).toEqual([-1, -2]);
    }
  });

  it('round to the nearest second', async () => {
    const { redis } = await start();
    await redis.set('k', 'v', 'PX', 1499);
    expect(await redis.ttl('k')).toBe(1);
    await redis.set('k', 'v', 'PX', 1500);
    expect(await redis.ttl('k')).toBe(2);
    await redis.set('k', 'v', 'PX', 1);
    expect([await redis.ttl('k'), await redis.pttl('k')]).toEqual([0, 1]);
  });

  it('never reply more than 64 bits hold', async () => {
    const server = await startRespite({ clock: 'manual' });
    const redis = connect(server, { stringNumbers: true });
    await redis.set('k', 'v');
    await redis.call('PEXPIREAT', 'k', '9223372036854775807');
    expect(await redis.call('PEXPIRETIME', 'k')).toBe('9223372036854775807');
    expect(await redis.call('EXPIRETIME', 'k')).toBe('9223372036854776');
  });
});

describe('PERSIST', () => {
  it('makes a key permanent', async () => {
    const { server, redis } = await start();
    await redis.set('k', 'v', 'EX', 1);
    expect([await redis.persist('k'), await redis.persist('k')]).toEqual([1, 0]);
    server.advanceTime(5000);
    expect([await redis.get('k'), await redis.ttl('k')]).toEqual(['v', -1]);
  });
});

describe('a key that has expired', () => {
  it('is gone for commands that come before the sweeper', async () => {
    const server = await startRespite({ clock: 'manual', commands: [eventLog(), sleepFor()] });
    const redis = connect(server);
    await redis.call('EVENTLOG');
    const expiring = async () => {
      await redis.set('k', 'v', 'PX', 10);
      await redis.call('SLEEPFOR', '11');
      await redis.call('EVENTLOG');
    };
    await expiring();
    expect(await redis.expire('k', 100)).toBe(0);
    expect(await redis.call('EVENTLOG')).toEqual([0, '0 expired k']);
    await expiring();
    expect(await redis.exists('k')).toBe(0);
    expect(await redis.call('EVENTLOG')).toEqual([0, '0 expired k', '0 keymiss k']);
    await expiring();
    expect(await redis.keys('*')).toEqual([]);
    expect([await redis.dbsize(), await redis.randomkey(), await redis.dbsize()]).toEqual([1, null, 0]);
    await expiring();
    await redis.set('a', 'v');
    expect(await redis.renamenx('a', 'k')).toBe(1);
  });
});

/** SLEEPFOR milliseconds: time passes for the keyspace, without the sweeper. */
function sleepFor(): CommandSpec {
  return {
    name: 'sleepfor',
    group: 'server',
    since: '0.0.0',
    summary: 'Lets time pass.',
    complexity: 'O(1)',
    syntax: 'milliseconds',
    flags: [],
    handler({ server, args, reply }: Call): void {
      // The tests with this command start a server with a manual clock.
      (server.clock as ManualClock).advance(Number(args[1].latin1()));
      reply.ok();
    },
  };
}
