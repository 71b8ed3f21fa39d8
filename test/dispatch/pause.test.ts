import { describe, expect, it } from 'vitest';
import { RawClient } from '../support/raw-client.js';
import { connect, startWithClient } from '../support/respite.js';
import { untilInfo } from '../support/waiting.js';

/**
 * A server whose time stands still, a client that controls it, one that is held back, and a wait for blocked
 * clients.
 */
async function start() {
  const { server, redis } = await startWithClient({ clock: 'manual' });
  const held = await RawClient.connect({ port: server.port });
  const untilBlocked = async (count: number) => {
    await untilInfo(redis, 'blocked_clients', count);
  };
  return { server, redis, held, untilBlocked };
}

describe('CLIENT PAUSE WRITE', () => {
  it('holds back what may change data, and nothing else', async () => {
    const { redis, held, untilBlocked } = await start();
    await redis.set('k', 'old');
    expect(await redis.call('CLIENT', 'PAUSE', '100000', 'WRITE')).toBe('OK');
    held.write('GET k\r\nSET k new\r\nGET k\r\n');
    expect(await held.nextRaw()).toEqual(Buffer.from('$3\r\nold\r\n'));
    await untilBlocked(1);
    expect(await redis.get('k')).toBe('old');
    expect(await redis.client('LIST')).toMatch(/ flags=b .* cmd=set /);
    expect(await redis.call('CLIENT', 'UNPAUSE')).toBe('OK');
    expect((await held.nextRaw()).toString()).toBe('+OK\r\n');
    expect((await held.nextRaw()).toString()).toBe('$3\r\nnew\r\n');
    await untilBlocked(0);
  });

  it('holds back PUBLISH and transactions that write, but not those that read', async () => {
    const { server, redis, held, untilBlocked } = await start();
    const reader = connect(server);
    await held.send('MULTI');
    await held.send('SET', 'k', 'v');
    await redis.call('CLIENT', 'PAUSE', '100000', 'WRITE');
    expect(await reader.multi().get('k').ping().exec()).toEqual([
      [null, null],
      [null, 'PONG'],
    ]);
    const executed = held.raw('EXEC');
    const published = connect(server).publish('c', 'x');
    await untilBlocked(2);
    await redis.call('CLIENT', 'UNPAUSE');
    expect(await executed).toBe('*1\r\n+OK\r\n');
    expect(await published).toBe(0);
  });

  it('answers requests that are wrong in themselves at once', async () => {
    const { redis, held } = await start();
    await redis.call('CLIENT', 'PAUSE', '100000', 'WRITE');
    expect(await held.raw('SET', 'k')).toBe("-ERR wrong number of arguments for 'set' command\r\n");
    expect(await held.raw('NOSUCH')).toContain('-ERR unknown command');
  });

  it('lets nothing expire, although expired keys cannot be read', async () => {
    const { server, redis } = await start();
    await redis.set('k', 'v', 'PX', 10);
    await redis.call('CLIENT', 'PAUSE', '100000', 'WRITE');
    server.advanceTime(50);
    expect(await redis.get('k')).toBeNull();
    expect(await redis.info('stats')).toContain('expired_keys:0\r\n');
    await redis.call('CLIENT', 'UNPAUSE');
    expect(await redis.get('k')).toBeNull();
    expect(await redis.info('stats')).toContain('expired_keys:1\r\n');
  });
});

describe('CLIENT PAUSE', () => {
  it('holds back every command until its time is over', async () => {
    const { server, redis, held } = await start();
    expect(await redis.call('CLIENT', 'PAUSE', '1000')).toBe('OK');
    let answered = false;
    const answer = held.raw('PING').then((text) => {
      answered = true;
      return text;
    });
    // Connecting takes several turns of the event loop, so the server has read the PING by then.
    for (let i = 0; i < 3; i++) await (await RawClient.connect({ port: server.port })).close();
    server.advanceTime(999);
    for (let i = 0; i < 3; i++) await (await RawClient.connect({ port: server.port })).close();
    expect(answered).toBe(false);
    server.advanceTime(1);
    expect(await answer).toBe('+PONG\r\n');
    expect(await redis.ping()).toBe('PONG');
  });

  it('keeps the later end and the stricter mode of two pauses', async () => {
    const { server, redis, held, untilBlocked } = await start();
    await redis.call('CLIENT', 'PAUSE', '60000', 'WRITE');
    await redis.call('CLIENT', 'PAUSE', '10', 'WRITE');
    server.advanceTime(1000);
    const answer = held.raw('SET', 'k', 'v');
    await untilBlocked(1);
    server.advanceTime(59_000);
    expect(await answer).toBe('+OK\r\n');
    await held.pipeline([
      ['MULTI'],
      ['CLIENT', 'PAUSE', '200', 'ALL'],
      ['CLIENT', 'PAUSE', '20', 'WRITE'],
      ['SET', 'inside', 'goes on'],
    ]);
    expect(await held.raw('EXEC')).toBe('*3\r\n+OK\r\n+OK\r\n+OK\r\n');
    const read = redis.get('inside');
    server.advanceTime(200);
    expect(await read).toBe('goes on');
  });

  it('lets those go on in the order in which they came', async () => {
    const { server, redis, untilBlocked } = await start();
    await redis.call('CLIENT', 'PAUSE', '60000', 'WRITE');
    const appends: Promise<number>[] = [];
    for (const [i, letter] of ['a', 'b', 'c'].entries()) {
      appends.push(connect(server).append('k', letter));
      await untilBlocked(i + 1);
    }
    await redis.call('CLIENT', 'UNPAUSE');
    expect(await Promise.all(appends)).toEqual([1, 2, 3]);
    expect(await redis.get('k')).toBe('abc');
  });

  it('forgets those who do not wait for its end, and cannot be ended by CLIENT UNBLOCK', async () => {
    const { redis, held, untilBlocked } = await start();
    await redis.call('CLIENT', 'PAUSE', '60000', 'WRITE');
    const id = await held.call('CLIENT', 'ID');
    held.write('SET k v\r\n');
    await untilBlocked(1);
    expect(await redis.call('CLIENT', 'UNBLOCK', String(id))).toBe(0);
    await held.close();
    await untilBlocked(0);
    await redis.call('CLIENT', 'UNPAUSE');
    expect(await redis.exists('k')).toBe(0);
  });

  it('refuses arguments that make no sense', async () => {
    const { redis } = await start();
    const refused = (...args: string[]) => expect(redis.call('CLIENT', 'PAUSE', ...args)).rejects;
    await refused('x').toThrow('ERR timeout is not an integer or out of range');
    await refused('-1').toThrow('ERR timeout is negative');
    await refused('1', 'x').toThrow('ERR CLIENT PAUSE mode must be WRITE or ALL');
  });
});

describe('CLIENT REPLY', () => {
  it('OFF silences everything but messages, until ON', async () => {
    const { redis, held } = await start();
    await held.send('HELLO', '3');
    held.write(
      'CLIENT REPLY OFF\r\nPING\r\nSET k v\r\nNOSUCH\r\nSUBSCRIBE c\r\nCLIENT REPLY SKIP\r\nPUBLISH c x\r\n',
    );
    expect(await held.raw('CLIENT', 'REPLY', 'ON')).toBe('+OK\r\n');
    expect(await redis.get('k')).toBe('v');
    expect(held.pushes).toHaveLength(2);
    expect(await held.raw('GET', 'k')).toBe('$1\r\nv\r\n');
  });

  it('SKIP leaves out the next reply, of whatever kind', async () => {
    const { held } = await start();
    held.write('CLIENT REPLY SKIP\r\nPING skipped\r\n');
    expect(await held.raw('PING', '1')).toBe('$1\r\n1\r\n');
    held.write('CLIENT REPLY SKIP\r\nNOSUCH\r\n');
    expect(await held.raw('PING', '2')).toBe('$1\r\n2\r\n');
    held.write('CLIENT REPLY SKIP\r\nCLIENT REPLY SKIP\r\nGET\r\n');
    expect(await held.raw('PING', '3')).toBe('$1\r\n3\r\n');
    expect(await held.raw('CLIENT', 'REPLY', 'x')).toBe('-ERR syntax error\r\n');
  });

  it('ends with RESET', async () => {
    const { held } = await start();
    held.write('CLIENT REPLY OFF\r\n');
    expect(await held.raw('RESET')).toBe('+RESET\r\n');
    expect(await held.raw('PING')).toBe('+PONG\r\n');
  });
});

it('holds back a command of many arguments, and those behind it', async () => {
  const { server, redis, untilBlocked } = await start();
  await redis.call('CLIENT', 'PAUSE', '100000', 'WRITE');
  const pairs = Object.fromEntries(Array.from({ length: 150_000 }, (_, i) => [`key:${i}`, 'x']));
  const many = connect(server).mset(pairs);
  await untilBlocked(1);
  const other = connect(server).set('behind', '1');
  await untilBlocked(2);
  await redis.call('CLIENT', 'UNPAUSE');
  expect(await many).toBe('OK');
  expect(await other).toBe('OK');
  expect(await redis.dbsize()).toBe(150_001);
});
