import { describe, expect, it } from 'vitest';
import { connect, startRespite, startWithClient } from '../support/respite.js';

describe('MULTI and EXEC', () => {
  it('runs the queued commands and returns their replies in order', async () => {
    const { redis } = await startWithClient();
    expect(await redis.call('MULTI')).toBe('OK');
    expect(await redis.call('SET', 'a', '1')).toBe('QUEUED');
    expect(await redis.call('INCR', 'a')).toBe('QUEUED');
    expect(await redis.call('GET', 'a')).toBe('QUEUED');
    expect(await redis.call('EXEC')).toEqual(['OK', 2, '2']);
  });

  it('keeps binary arguments until EXEC', async () => {
    const { redis } = await startWithClient();
    const value = Buffer.from([0, 255, 13, 10, 128]);
    await redis.call('MULTI');
    await redis.call('SET', 'binary', value);
    await redis.call('PING');
    await redis.call('EXEC');
    expect(await redis.getBuffer('binary')).toEqual(value);
  });

  it('goes on after a command that fails when it runs', async () => {
    const { redis } = await startWithClient();
    await redis.set('text', 'abc');
    const replies = await redis.multi().incr('text').set('after', '1').exec();
    expect(replies?.[0][0]?.message).toBe('ERR value is not an integer or out of range');
    expect(replies?.[1]).toEqual([null, 'OK']);
  });

  it('discards everything if a command could not be queued', async () => {
    const { redis } = await startWithClient();
    await redis.call('MULTI');
    await redis.call('SET', 'a', '1');
    await expect(redis.call('SET', 'a')).rejects.toThrow("ERR wrong number of arguments for 'set' command");
    await expect(redis.call('NOSUCH')).rejects.toThrow(
      "ERR unknown command 'NOSUCH', with args beginning with: ",
    );
    await expect(redis.call('EXEC')).rejects.toThrow(
      'EXECABORT Transaction discarded because of previous errors.',
    );
    expect(await redis.get('a')).toBeNull();
  });

  it('refuses what makes no sense', async () => {
    const { redis } = await startWithClient();
    await expect(redis.call('EXEC')).rejects.toThrow('ERR EXEC without MULTI');
    await expect(redis.call('DISCARD')).rejects.toThrow('ERR DISCARD without MULTI');
    await redis.call('MULTI');
    await expect(redis.call('MULTI')).rejects.toThrow('ERR MULTI calls can not be nested');
    await expect(redis.call('WATCH', 'a')).rejects.toThrow('ERR WATCH inside MULTI is not allowed');
    expect(await redis.call('DISCARD')).toBe('OK');
  });

  it('ends when EXEC itself is refused', async () => {
    const { redis } = await startWithClient();
    await redis.call('WATCH', 'w');
    await redis.call('MULTI');
    await redis.call('SET', 'a', '1');
    await expect(redis.call('EXEC', 'stray')).rejects.toThrow(
      "EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command",
    );
    await expect(redis.call('EXEC')).rejects.toThrow('ERR EXEC without MULTI');
    expect(await redis.get('a')).toBeNull();
  });

  it('is refused when it writes and there are too few replicas', async () => {
    const server = await startRespite();
    const [redis, other] = [connect(server), connect(server)];
    await redis.config('SET', 'min-replicas-to-write', '1');
    await expect(redis.set('a', '1')).rejects.toThrow('NOREPLICAS Not enough good replicas to write.');
    await redis.call('MULTI');
    await redis.call('GET', 'a');
    expect(await redis.call('EXEC')).toEqual([null]);
    await other.config('SET', 'min-replicas-to-write', '0');
    await redis.call('MULTI');
    await redis.call('SET', 'a', '1');
    await other.config('SET', 'min-replicas-to-write', '1');
    await expect(redis.call('EXEC')).rejects.toThrow(
      'EXECABORT Transaction discarded because of: NOREPLICAS Not enough good replicas to write.',
    );
  });

  it('selects another database for the commands that follow, also after EXEC', async () => {
    const { redis } = await startWithClient();
    await redis.call('MULTI');
    await redis.call('SELECT', '3');
    await redis.call('SET', 'there', 'x');
    await redis.call('EXEC');
    expect(await redis.get('there')).toBe('x');
    await redis.select(0);
    expect(await redis.get('there')).toBeNull();
  });
});

describe('WATCH', () => {
  async function pair(options = {}) {
    const server = await startRespite(options);
    return { server, redis: connect(server), other: connect(server) };
  }

  it('breaks the transaction when a watched key is changed', async () => {
    const { redis, other } = await pair();
    await redis.set('k', '1');
    await redis.watch('k');
    await other.set('k', '2');
    await redis.call('MULTI');
    await redis.call('SET', 'k', '3');
    expect(await redis.call('EXEC')).toBeNull();
    expect(await redis.get('k')).toBe('2');
  });

  it('does not mind other keys, reads, or the same key in another database', async () => {
    const { redis, other } = await pair();
    await redis.set('k', '1');
    await redis.watch('k');
    await other.get('k');
    await other.set('other', '2');
    await other.select(1);
    await other.set('k', '2');
    await redis.call('MULTI');
    expect(await redis.call('EXEC')).toEqual([]);
  });

  it.each([
    ['FLUSHALL', ['FLUSHALL']],
    ['FLUSHDB', ['FLUSHDB']],
    ['SWAPDB', ['SWAPDB', '0', '1']],
    ['DEL', ['DEL', 'k']],
    ['RENAME over it', ['RENAME', 'source', 'k']],
  ])('sees %s', async (_name, [command, ...args]) => {
    const { redis, other } = await pair();
    await redis.set('k', '1');
    await redis.set('source', '1');
    await redis.watch('k');
    await other.call(command, ...args);
    await redis.call('MULTI');
    expect(await redis.call('EXEC')).toBeNull();
  });

  it('does not mind FLUSHALL if the key did not exist', async () => {
    const { redis, other } = await pair();
    await redis.watch('absent');
    await other.flushall();
    await redis.call('MULTI');
    expect(await redis.call('EXEC')).toEqual([]);
  });

  it('sees a key expire', async () => {
    const { server, redis } = await pair({ clock: 'manual' });
    await redis.set('k', '1', 'PX', 100);
    await redis.watch('k');
    server.advanceTime(101);
    await redis.call('MULTI');
    expect(await redis.call('EXEC')).toBeNull();
  });

  it('is forgotten by UNWATCH, EXEC and DISCARD', async () => {
    const { redis, other } = await pair();
    for (const forget of [['UNWATCH'], ['MULTI', 'EXEC'], ['MULTI', 'DISCARD']]) {
      await redis.watch('k');
      for (const command of forget) await redis.call(command);
      await other.incr('k');
      await redis.call('MULTI');
      expect(await redis.call('EXEC')).toEqual([]);
    }
  });
});

describe('above the memory limit', () => {
  const refusal = "OOM command not allowed when used memory > 'maxmemory'.";

  it('refuses what may take memory, also inside MULTI, and allows the rest', async () => {
    const { redis } = await startWithClient();
    await redis.set('k', 'x'.repeat(10_000));
    await redis.config('SET', 'maxmemory', '1');
    await expect(redis.set('k', 'y')).rejects.toThrow(refusal);
    expect(await redis.strlen('k')).toBe(10_000);
    await redis.call('MULTI');
    await expect(redis.call('GET', 'k')).rejects.toThrow(refusal);
    expect(await redis.call('DISCARD')).toBe('OK');
    expect(await redis.del('k')).toBe(1);
    await redis.config('SET', 'maxmemory', '0');
    expect(await redis.set('k', 'y')).toBe('OK');
  });
});
