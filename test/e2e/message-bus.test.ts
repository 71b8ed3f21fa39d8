import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { RedisPubSub } from 'graphql-redis-subscriptions';
import { io, type Socket } from 'socket.io-client';
import { afterEach, describe, expect, it } from 'vitest';
import { connect, startRespite } from '../support/respite.js';
import { until } from '../support/waiting.js';

const node = fileURLToPath(new URL('./socket-io-node.mjs', import.meta.url));

describe("socket.io's Redis adapter", () => {
  const processes: ChildProcess[] = [];
  const sockets: Socket[] = [];

  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.close();
    for (const child of processes.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  });

  /** A client of a socket.io server in a process of its own. */
  async function client(redisPort: number): Promise<Socket> {
    const child = spawn(process.execPath, [node, String(redisPort)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    processes.push(child);
    const [line] = await once(child.stdout, 'data');
    const socket = io(`http://127.0.0.1:${Number(String(line))}`, { transports: ['websocket'] });
    sockets.push(socket);
    await new Promise<void>((resolve) => socket.once('connect', resolve));
    return socket;
  }

  it('shares rooms between two processes: messages, binary ones too, and questions to the others', async () => {
    const server = await startRespite();
    const redis = connect(server);
    const nodes = async () => Number((await redis.pubsub('NUMSUB', 'socket.io-request#/#'))[1]);
    const [a, b] = await Promise.all([client(server.port), client(server.port)]);
    await until('both nodes listen', async () => (await nodes()) === 2);
    await a.emitWithAck('join', 'room');
    await b.emitWithAck('join', 'room');
    const heard = [a, b].map(
      (socket) => new Promise((resolve) => socket.once('said', (...words) => resolve(words))),
    );
    a.emit('say', 'room', 'hello', { n: 1 }, Buffer.from([0, 255]));
    expect(await Promise.all(heard)).toEqual([0, 1].map(() => ['hello', { n: 1 }, Buffer.from([0, 255])]));
    expect(await a.emitWithAck('count', 'room')).toBe(2);
    expect(await b.emitWithAck('count', 'room')).toBe(2);
    expect(await a.emitWithAck('ask the others')).toEqual([processes[1].pid]);
    processes[1].kill('SIGKILL');
    await until('one node is gone', async () => (await nodes()) === 1);
    expect(await a.emitWithAck('count', 'room')).toBe(1);
  });
});

describe('graphql-redis-subscriptions', () => {
  it('carries events between two engines, by channel and by pattern, until they unsubscribe', async () => {
    const server = await startRespite();
    const engine = () => new RedisPubSub({ publisher: connect(server), subscriber: connect(server) });
    const [here, there] = [engine(), engine()];
    const events = there.asyncIterator<{ text: string }>('posts');
    const first = events.next();
    const byPattern: unknown[] = [];
    const subscription = await there.subscribe('comments.*', (event) => byPattern.push(event), {
      pattern: true,
    });
    const redis = connect(server);
    await until('it listens', async () => (await redis.publish('posts', '{"text":"probe"}')) > 0);
    expect(await first).toEqual({ done: false, value: { text: 'probe' } });
    await here.publish('comments.1', { n: 1 });
    await here.publish('posts', { text: 'hello' });
    let event = await events.next();
    while (event.value.text === 'probe') event = await events.next();
    expect(event.value).toEqual({ text: 'hello' });
    expect(byPattern).toEqual([{ n: 1 }]);
    there.unsubscribe(subscription);
    await events.return?.();
    await until('no pattern is left', async () => (await redis.call('PUBSUB', 'NUMPAT')) === 0);
    await until(
      'no channel is left',
      async () => ((await redis.call('PUBSUB', 'CHANNELS')) as string[]).length === 0,
    );
  });
});
