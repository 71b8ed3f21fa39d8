import { describe, expect, it } from 'vitest';
import type { Respite } from '../../src/index.js';
import { RawClient } from '../support/raw-client.js';
import { plain } from '../support/reply-reader.mjs';
import { connect, startRespite, startWithClient } from '../support/respite.js';

const notInSubscriberMode = (name: string) =>
  `-ERR Can't execute '${name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context\r\n`;

async function raw(server: Respite, protocol: 2 | 3 = 2): Promise<RawClient> {
  const client = await RawClient.connect({ port: server.port });
  if (protocol === 3) await client.send('HELLO', '3');
  return client;
}

async function replies(client: RawClient, count: number): Promise<unknown[]> {
  const read: unknown[] = [];
  for (let i = 0; i < count; i++) read.push(plain(await client.next()));
  return read;
}

describe('SUBSCRIBE and PUBLISH', () => {
  it('deliver a message to each subscriber of the channel and of matching patterns', async () => {
    const { server, redis } = await startWithClient();
    const [first, second] = [await raw(server), await raw(server)];
    expect(plain(await first.send('SUBSCRIBE', 'news'))).toEqual(['subscribe', 'news', 1]);
    expect(plain(await first.send('PSUBSCRIBE', 'n?ws'))).toEqual(['psubscribe', 'n?ws', 2]);
    expect(plain(await second.send('SUBSCRIBE', 'news'))).toEqual(['subscribe', 'news', 1]);
    expect(await redis.publish('news', 'hello')).toBe(3);
    expect(await replies(first, 2)).toEqual([
      ['message', 'news', 'hello'],
      ['pmessage', 'n?ws', 'news', 'hello'],
    ]);
    expect(await replies(second, 1)).toEqual([['message', 'news', 'hello']]);
    expect(await redis.publish('nobody', 'hello')).toBe(0);
  });

  it('carry any bytes in channels, patterns and payloads', async () => {
    const { server, redis } = await startWithClient();
    const subscriber = await raw(server);
    const channel = '\r\n\0\xff';
    const payload = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString('latin1');
    subscriber.write('*3\r\n$10\r\nPSUBSCRIBE\r\n$5\r\n\r\n\0\xff*\r\n$1\r\nx\r\n');
    await replies(subscriber, 2);
    await redis.publish(Buffer.from(channel, 'latin1'), Buffer.from(payload, 'latin1'));
    expect((await subscriber.nextRaw()).toString('latin1')).toBe(
      `*4\r\n$8\r\npmessage\r\n$5\r\n${channel}*\r\n$4\r\n${channel}\r\n$256\r\n${payload}\r\n`,
    );
  });

  it('deliver large payloads whole, in order, to RESP2 and RESP3 alike', async () => {
    const { server, redis } = await startWithClient();
    const [two, three] = [await raw(server), await raw(server, 3)];
    await two.send('SUBSCRIBE', 'c');
    three.write('*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\nc\r\n');
    await three.send('PING');
    const sizes = [10, 5000, 3, 300_000, 16_384, 1];
    await Promise.all(sizes.map((size, i) => redis.publish('c', String(i).repeat(size))));
    const expected = sizes.map((size, i) => ['message', 'c', String(i).repeat(size)]);
    expect(await replies(two, sizes.length)).toEqual(expected);
    await three.send('PING');
    expect(three.pushes.slice(1).map((push) => plain(push))).toEqual(expected);
  });

  it('keep the order of each publisher', async () => {
    const { server, redis } = await startWithClient();
    const subscriber = await raw(server);
    const others = [redis, connect(server), connect(server)];
    await subscriber.send('PSUBSCRIBE', '*');
    const sent = others.map(async (publisher, who) => {
      await Promise.all(Array.from({ length: 200 }, (_, i) => publisher.publish(`from${who}`, String(i))));
    });
    await Promise.all(sent);
    const received = (await replies(subscriber, 600)) as string[][];
    for (const who of others.keys()) {
      const own = received.filter(([, , channel]) => channel === `from${who}`).map(([, , , text]) => text);
      expect(own).toEqual(Array.from({ length: 200 }, (_, i) => String(i)));
    }
  });

  it('count a client twice that subscribed to the channel and to a pattern, once that subscribed twice', async () => {
    const { server, redis } = await startWithClient();
    const client = await raw(server);
    client.write('SUBSCRIBE a a\r\nPSUBSCRIBE a*\r\n');
    expect(await replies(client, 3)).toEqual([
      ['subscribe', 'a', 1],
      ['subscribe', 'a', 1],
      ['psubscribe', 'a*', 2],
    ]);
    expect(await redis.publish('a', 'x')).toBe(2);
  });

  it('do not confuse shard channels with channels', async () => {
    const { server, redis } = await startWithClient();
    const client = await raw(server);
    expect(plain(await client.send('SSUBSCRIBE', 'a'))).toEqual(['ssubscribe', 'a', 1]);
    expect(plain(await client.send('SUBSCRIBE', 'a'))).toEqual(['subscribe', 'a', 1]);
    expect(await redis.call('SPUBLISH', 'a', 'shard')).toBe(1);
    expect(await redis.publish('a', 'plain')).toBe(1);
    expect(await replies(client, 2)).toEqual([
      ['smessage', 'a', 'shard'],
      ['message', 'a', 'plain'],
    ]);
    expect(plain(await client.send('SUNSUBSCRIBE'))).toEqual(['sunsubscribe', 'a', 0]);
    expect(await redis.call('SPUBLISH', 'a', 'shard')).toBe(0);
  });
});

describe('a RESP2 subscriber', () => {
  it('may only subscribe, unsubscribe, ping, reset and quit', async () => {
    const { server } = await startWithClient();
    const client = await raw(server);
    await client.send('SUBSCRIBE', 'a');
    expect(await client.raw('GET', 'x')).toBe(notInSubscriberMode('get'));
    expect(await client.raw('config', 'get', 'x')).toBe(notInSubscriberMode('config|get'));
    expect(await client.raw('MULTI')).toBe(notInSubscriberMode('multi'));
    expect(await client.raw('PING')).toBe('*2\r\n$4\r\npong\r\n$0\r\n\r\n');
    expect(await client.raw('PING', 'hi')).toBe('*2\r\n$4\r\npong\r\n$2\r\nhi\r\n');
    expect(await client.raw('UNSUBSCRIBE', 'a')).toBe('*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n');
    expect(await client.raw('PING')).toBe('+PONG\r\n');
    expect(await client.raw('GET', 'x')).toBe('$-1\r\n');
  });

  it('is an ordinary client again after RESET', async () => {
    const { server, redis } = await startWithClient();
    const client = await raw(server);
    await client.send('SUBSCRIBE', 'a');
    await client.send('PSUBSCRIBE', 'a*');
    await client.send('SSUBSCRIBE', 'a');
    expect(await client.raw('RESET')).toBe('+RESET\r\n');
    expect(await client.raw('GET', 'x')).toBe('$-1\r\n');
    expect(await redis.publish('a', 'x')).toBe(0);
    expect(await redis.call('SPUBLISH', 'a', 'x')).toBe(0);
    expect(await redis.call('PUBSUB', 'NUMPAT')).toBe(0);
  });

  it('leaves no subscription behind when its connection ends', async () => {
    const { server, redis } = await startWithClient();
    const client = await raw(server);
    await client.send('SUBSCRIBE', 'a');
    await client.send('PSUBSCRIBE', 'a*');
    await client.send('SSUBSCRIBE', 'a');
    await client.send('QUIT');
    await client.closed;
    expect(await redis.call('PUBSUB', 'CHANNELS')).toEqual([]);
    expect(await redis.call('PUBSUB', 'NUMPAT')).toBe(0);
    expect(await redis.call('PUBSUB', 'SHARDCHANNELS')).toEqual([]);
  });
});

describe('unsubscribing', () => {
  it('answers for each name, or once with nothing', async () => {
    const { server } = await startWithClient();
    const client = await raw(server);
    for (const word of ['UNSUBSCRIBE', 'PUNSUBSCRIBE', 'SUNSUBSCRIBE']) {
      expect(await client.raw(word)).toBe(`*3\r\n$${word.length}\r\n${word.toLowerCase()}\r\n$-1\r\n:0\r\n`);
    }
    client.write('UNSUBSCRIBE x y\r\n');
    expect(await replies(client, 2)).toEqual([
      ['unsubscribe', 'x', 0],
      ['unsubscribe', 'y', 0],
    ]);
    client.write('SUBSCRIBE x y\r\nPSUBSCRIBE p*\r\nUNSUBSCRIBE\r\n');
    expect((await replies(client, 5)).slice(3)).toEqual([
      ['unsubscribe', 'x', 2],
      ['unsubscribe', 'y', 1],
    ]);
  });
});

describe('a RESP3 subscriber', () => {
  it('runs any command, and gets messages as pushes', async () => {
    const { server, redis } = await startWithClient();
    const client = await raw(server, 3);
    client.write('SUBSCRIBE a\r\nSET k v\r\nPING\r\n');
    expect(await replies(client, 2)).toEqual(['OK', 'PONG']);
    await redis.publish('a', 'x');
    expect(await client.call('GET', 'k')).toBe('v');
    expect(client.pushes.map((push) => plain(push))).toEqual([
      ['subscribe', 'a', 1],
      ['message', 'a', 'x'],
    ]);
  });

  it('gets its own messages after the reply of the command that published them', async () => {
    const { server } = await startWithClient();
    const client = await raw(server, 3);
    const received = new Promise<string>((resolve) => {
      let text = '';
      client.socket.on('data', (data: Buffer) => {
        text += data.toString('latin1');
        if (text.endsWith('+PONG\r\n')) resolve(text);
      });
    });
    const transaction = 'MULTI\r\nPING x\r\nPUBLISH a 2\r\nPUBLISH a 3\r\nPING y\r\nEXEC\r\n';
    client.write(`SUBSCRIBE a\r\nPUBLISH a 1\r\n${transaction}UNSUBSCRIBE a\r\nPING\r\n`);
    const message = (text: string) => `>3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\n${text}\r\n`;
    expect(await received).toBe(
      `>3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n:1\r\n${message('1')}+OK\r\n${'+QUEUED\r\n'.repeat(4)}` +
        `*4\r\n$1\r\nx\r\n:1\r\n:1\r\n$1\r\ny\r\n${message('2')}${message('3')}` +
        `>3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n+PONG\r\n`,
    );
  });

  it('falls under the rules of RESP2 as soon as it speaks that', async () => {
    const { server } = await startWithClient();
    const client = await raw(server, 3);
    client.write('SUBSCRIBE a\r\n');
    await client.send('HELLO', '2');
    expect(await client.raw('GET', 'x')).toBe(notInSubscriberMode('get'));
    expect(await client.raw('HELLO', '3')).toBe(notInSubscriberMode('hello'));
  });
});

describe('SUBSCRIBE inside MULTI', () => {
  it('is confirmed in the reply of EXEC; SSUBSCRIBE is refused', async () => {
    const { server } = await startWithClient();
    const client = await raw(server);
    await client.pipeline([['MULTI'], ['SUBSCRIBE', 'a'], ['PING'], ['SSUBSCRIBE', 'b']]);
    expect(await client.raw('EXEC')).toBe(
      '*3\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n' +
        "-ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client\r\n",
    );
    expect(await client.raw('GET', 'x')).toBe(notInSubscriberMode('get'));
  });
});

describe('PUBSUB', () => {
  it('tells about channels, patterns and shard channels', async () => {
    const { server, redis } = await startWithClient();
    const [first, second] = [await raw(server), await raw(server)];
    first.write('SUBSCRIBE news weather\r\nPSUBSCRIBE n* w*\r\nSSUBSCRIBE s1\r\n');
    second.write('SUBSCRIBE news\r\nPSUBSCRIBE n*\r\nSSUBSCRIBE s1 s2\r\n');
    await replies(first, 5);
    await replies(second, 4);
    expect(await redis.call('PUBSUB', 'CHANNELS')).toEqual(['news', 'weather']);
    expect(await redis.call('PUBSUB', 'CHANNELS', 'w*')).toEqual(['weather']);
    expect(await redis.call('PUBSUB', 'CHANNELS', 'news')).toEqual(['news']);
    expect(await redis.call('PUBSUB', 'CHANNELS', 'none')).toEqual([]);
    expect(await redis.call('PUBSUB', 'NUMSUB')).toEqual([]);
    expect(await redis.call('PUBSUB', 'NUMSUB', 'news', 'none')).toEqual(['news', 2, 'none', 0]);
    expect(await redis.call('PUBSUB', 'NUMPAT')).toBe(2);
    expect(await redis.call('PUBSUB', 'SHARDCHANNELS', 's*')).toEqual(['s1', 's2']);
    expect(await redis.call('PUBSUB', 'SHARDNUMSUB', 's1', 'news')).toEqual(['s1', 2, 'news', 0]);
    await expect(redis.call('PUBSUB', 'CHANNELS', 'a', 'b')).rejects.toThrow(
      "ERR unknown subcommand or wrong number of arguments for 'CHANNELS'. Try PUBSUB HELP.",
    );
    const info = await redis.info('stats');
    expect(info).toContain('pubsub_channels:2\r\npubsub_patterns:2\r\npubsubshard_channels:2\r\n');
  });

  it('is not needed to see subscriptions in CLIENT LIST', async () => {
    const { server, redis } = await startWithClient();
    const client = await raw(server);
    client.write('SUBSCRIBE a b\r\nPSUBSCRIBE p\r\nSSUBSCRIBE s\r\n');
    await replies(client, 4);
    const lines = String(await redis.client('LIST', 'TYPE', 'PUBSUB'))
      .trim()
      .split('\n');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/ flags=P db=0 sub=2 psub=1 ssub=1 /);
  });
});

describe('many subscribers', () => {
  it('get what many publishers send, with ioredis on both sides', async () => {
    const server = await startRespite();
    const subscribers = Array.from({ length: 20 }, () => connect(server));
    const received = subscribers.map((subscriber) => {
      return new Promise<string[]>((resolve) => {
        const texts: string[] = [];
        subscriber.on('message', (_channel: string, text: string) => {
          texts.push(text);
          if (texts.length === 100) resolve(texts);
        });
      });
    });
    await Promise.all(subscribers.map((subscriber) => subscriber.subscribe('c')));
    const publisher = connect(server);
    const texts = Array.from({ length: 100 }, (_, i) => `message ${i}`);
    const counts = await Promise.all(texts.map((text) => publisher.publish('c', text)));
    expect(new Set(counts)).toEqual(new Set([20]));
    for (const list of await Promise.all(received)) expect(list).toEqual(texts);
  });
});
