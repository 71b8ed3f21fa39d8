import { once } from 'node:events';
import { connect as connectSocket, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { Respite } from '../../src/index.js';
import { encodeCommand } from '../support/encode-command.mjs';
import { RawClient } from '../support/raw-client.js';
import { type connect, startWithClient } from '../support/respite.js';
import { until } from '../support/waiting.js';

const mib = 1024 * 1024;

/** A client that reads nothing, by the name `slow`. */
async function slowClient(server: Respite): Promise<Socket> {
  const socket = connectSocket({ port: server.port, host: '127.0.0.1' });
  await once(socket, 'connect');
  socket.on('error', () => {});
  socket.write(encodeCommand(['CLIENT', 'SETNAME', 'slow']));
  await once(socket, 'data');
  socket.removeAllListeners('data');
  socket.pause();
  return socket;
}

/** A number in the slow client's line of CLIENT LIST; undefined once it is gone. */
async function field(redis: ReturnType<typeof connect>, name: string): Promise<number | undefined> {
  const line = String(await redis.client('LIST'))
    .split('\n')
    .find((text) => text.includes(' name=slow '));
  return line === undefined ? undefined : Number(new RegExp(` ${name}=(\\d+)`).exec(line)?.[1]);
}

/** Lets the slow client read until it has at least so many bytes. */
function received(slow: Socket, expected: number): Promise<number> {
  let bytes = 0;
  return new Promise((resolve) => {
    slow.on('data', (data: Buffer) => {
      bytes += data.length;
      if (bytes >= expected) resolve(bytes);
    });
    slow.resume();
  });
}

describe('the hard output limit', () => {
  it('ends the connection of a subscriber that does not read', async () => {
    const { server, redis } = await startWithClient({
      'client-output-buffer-limit': {
        normal: { hard: 0, soft: 0, softSeconds: 0 },
        replica: { hard: 0, soft: 0, softSeconds: 0 },
        pubsub: { hard: 2 * mib, soft: 0, softSeconds: 0 },
      },
    });
    const slow = await slowClient(server);
    slow.write(encodeCommand(['SUBSCRIBE', 'c']));
    const message = 'x'.repeat(100_000);
    let receivers = 0;
    let most = 0;
    await until('the subscriber is gone', async () => {
      receivers = await redis.publish('c', message);
      most = Math.max(most, (await field(redis, 'omem')) ?? 0);
      return receivers !== 1 && most > 0;
    });
    expect(receivers).toBe(0);
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThan(2 * mib);
    expect(await field(redis, 'omem')).toBeUndefined();
    slow.destroy();
  });

  it('never cuts off who has short replies, however low the limit', async () => {
    const { redis } = await startWithClient();
    await redis.config('SET', 'client-output-buffer-limit', 'normal 1 1 1');
    expect(await redis.config('SET', 'client-output-buffer-limit', 'normal 0 0 0')).toBe('OK');
  });

  it('sends nothing of a reply that is too large, and runs transactions to their end', async () => {
    const { server, redis } = await startWithClient();
    await redis.config('SET', 'client-output-buffer-limit', 'normal 100000 0 0');
    await redis.set('big', 'x'.repeat(150_000));
    const client = await RawClient.connect({ port: server.port });
    await client.pipeline([['MULTI'], ['SET', 'a', '1'], ['GET', 'big'], ['SET', 'b', '2']]);
    await expect(client.raw('EXEC')).rejects.toThrow('the connection is closed');
    expect(await redis.mget('a', 'b')).toEqual(['1', '2']);
  });

  it('stops a command that would write without end', async () => {
    const { server, redis } = await startWithClient();
    await redis.config('SET', 'client-output-buffer-limit', 'normal 1000000 0 0 pubsub 0 0 0');
    await redis.hset('h', 'field', 'value');
    await redis.sadd('s', 'member');
    await redis.zadd('z', 1, 'member');
    for (const words of [
      ['HRANDFIELD', 'h'],
      ['SRANDMEMBER', 's'],
      ['ZRANDMEMBER', 'z'],
    ]) {
      const client = await RawClient.connect({ port: server.port });
      await expect(client.raw(...words, '-9999999999')).rejects.toThrow('the connection is closed');
    }
    expect(await redis.ping()).toBe('PONG');
  });
});

describe('the soft output limit', () => {
  it('ends the connection only after its seconds, also when nothing more is sent', async () => {
    const { server, redis } = await startWithClient({ clock: 'manual' });
    await redis.config('SET', 'client-output-buffer-limit', 'pubsub 0 1mb 10');
    const slow = await slowClient(server);
    slow.write(encodeCommand(['SUBSCRIBE', 'c']));
    await until('it listens', async () => (await redis.publish('c', 'x')) > 0);
    await until('2 MiB are unsent', async () => {
      await redis.publish('c', 'x'.repeat(100_000));
      return ((await field(redis, 'omem')) ?? 0) >= 2 * mib;
    });
    server.advanceTime(9000);
    expect(await field(redis, 'omem')).toBeGreaterThan(mib);
    server.advanceTime(2000);
    expect(await field(redis, 'omem')).toBeUndefined();
    slow.destroy();
  });
});

describe('a client that sends requests and does not read', () => {
  it('gets no more run while too much is unsent, then all of them', async () => {
    const { server, redis } = await startWithClient();
    await redis.set('big', 'x'.repeat(mib));
    const slow = await slowClient(server);
    slow.write(Buffer.concat(Array.from({ length: 200 }, () => encodeCommand(['GET', 'big']))));
    let before = -1;
    await until('what is unsent grows no more', async () => {
      const omem = (await field(redis, 'omem')) ?? 0;
      if (omem > 0 && omem === before) return true;
      before = omem;
      return false;
    });
    expect(before).toBeGreaterThan(10 * mib);
    expect(before).toBeLessThan(40 * mib);
    expect(await field(redis, 'qbuf')).toBeGreaterThan(0);
    const expected = 200 * (mib + `$${mib}\r\n\r\n`.length);
    expect(await received(slow, expected)).toBe(expected);
    slow.destroy();
  });

  it('is read far enough that it can finish sending before it reads', async () => {
    const { server, redis } = await startWithClient();
    await redis.set('big', 'x'.repeat(100_000));
    const slow = await slowClient(server);
    // 57 MiB of requests, many times what the kernel's buffers hold, and 30 MiB of replies.
    const padding = encodeCommand(['SET', 'padding', 'x'.repeat(200_000)]);
    const requests = Array.from({ length: 300 }, () => [encodeCommand(['GET', 'big']), padding]).flat();
    const sent = new Promise<void>((resolve) => slow.write(Buffer.concat(requests), () => resolve()));
    await sent;
    const expected = 300 * (100_000 + '$100000\r\n\r\n'.length + '+OK\r\n'.length);
    expect(await received(slow, expected)).toBe(expected);
    slow.destroy();
  });
});

describe('a large reply', () => {
  it('arrives whole at a client that reads with pauses', async () => {
    const { server, redis } = await startWithClient();
    const value = Buffer.alloc(20 * mib, 'abcdefghij');
    await redis.set('big', value);
    const slow = await slowClient(server);
    slow.write(encodeCommand(['GET', 'big']));
    const parts: Buffer[] = [];
    let length = 0;
    await new Promise<void>((resolve) => {
      slow.on('data', (data: Buffer) => {
        parts.push(data);
        length += data.length;
        if (length === value.length + `$${value.length}\r\n\r\n`.length) resolve();
        slow.pause();
        setImmediate(() => slow.resume());
      });
      slow.resume();
    });
    expect(Buffer.concat(parts).subarray(`$${value.length}\r\n`.length, -2).equals(value)).toBe(true);
    slow.destroy();
  });
});

describe('a client that sends QUIT and reads nothing of what it asked for', () => {
  /** Too much for the system's buffers, which may be large. */
  const bigBytes = 60 * mib;

  async function quitUnread(server: Respite, redis: ReturnType<typeof connect>): Promise<Socket> {
    await redis.set('big', Buffer.alloc(bigBytes));
    // So that QUIT need not wait until the reply has been read.
    await redis.config('SET', 'client-output-buffer-limit', 'normal 0 100mb 100');
    const slow = await slowClient(server);
    slow.write(Buffer.concat([encodeCommand(['GET', 'big']), encodeCommand(['QUIT'])]));
    await until('QUIT has run', async () =>
      / name=slow .* cmd=quit /.test(String(await redis.client('LIST'))),
    );
    expect(await field(redis, 'omem')).toBeGreaterThan(2 * mib);
    return slow;
  }

  it('stays until it has read it', async () => {
    const { server, redis } = await startWithClient({ clock: 'manual' });
    const slow = await quitUnread(server, redis);
    server.advanceTime(100_000);
    expect(await field(redis, 'omem')).toBeGreaterThan(0);
    await received(slow, bigBytes);
    await until('it is gone', async () => (await field(redis, 'omem')) === undefined);
    slow.destroy();
  });

  it('goes when the soft output limit lasts too long, when it is idle too long, or when it is killed', async () => {
    const { server, redis } = await startWithClient({ clock: 'manual' });
    for (const end of [
      async () => {
        await redis.config('SET', 'client-output-buffer-limit', 'normal 0 1mb 5');
        server.advanceTime(1);
        server.advanceTime(6000);
      },
      async () => {
        await redis.config('SET', 'client-output-buffer-limit', 'normal 0 0 0', 'timeout', '10');
        await redis.ping();
        server.advanceTime(6000);
        await redis.ping();
        server.advanceTime(6000);
      },
      async () => {
        await redis.config('SET', 'timeout', '0');
        const line = String(await redis.client('LIST'))
          .split('\n')
          .find((text) => text.includes(' name=slow '));
        const id = /id=(\d+)/.exec(line!)![1];
        expect(await redis.client('KILL', 'ID', id)).toBe(1);
      },
    ]) {
      const slow = await quitUnread(server, redis);
      await end();
      expect(await field(redis, 'omem')).toBeUndefined();
      slow.destroy();
    }
  });
});
