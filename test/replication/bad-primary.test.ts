import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { RespiteOptions } from '../../src/index.js';
import { systemFiles } from '../../src/persistence/files.js';
import { bytes, rdbFile, string } from '../persistence/rdb-file.js';
import { dataFolder } from '../support/data-folder.js';
import { commandText as request } from '../support/encode-command.mjs';
import { infoField, infoFields } from '../support/info.js';
import { RawClient } from '../support/raw-client.js';
import { freePort } from '../support/redis-server.js';
import { connect, connected, connectTo, startRespite, startServer } from '../support/respite.js';
import { until, untilBusy } from '../support/waiting.js';

const id = 'a'.repeat(40);
const mark = 'b'.repeat(40);
/** No keys, no checksum. */
const emptySnapshot = Buffer.from('REDIS0010\xff\0\0\0\0\0\0\0\0', 'latin1');
/** The key `a` with the value `b`, in database 0. */
const snapshot = Buffer.from('REDIS0010\xfe\0\0\x01a\x01b\xff\0\0\0\0\0\0\0\0', 'latin1');

interface FakePrimary {
  port: number;
  /** What replicas asked for so far with PSYNC, and what they said afterwards. */
  asked: string[];
  said: () => string;
}

/** Answers everything up to PSYNC with OK, and each PSYNC with the next of `answers`, the last one again and again. */
async function fakePrimary(answers: ((socket: Socket) => void)[]): Promise<FakePrimary> {
  const asked: string[] = [];
  let said = '';
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    let answered = false;
    let text = '';
    socket.on('data', (data) => {
      if (answered) {
        said += data.toString('latin1');
        return;
      }
      text += data.toString('latin1');
      const [, psync] = /PSYNC\r\n\$\d+\r\n(.*?\r\n\$\d+\r\n.*?)\r\n/.exec(text) ?? [];
      if (psync === undefined) return void socket.write('+OK\r\n');
      answered = true;
      asked.push(psync.replace(/\r\n\$\d+\r\n/, ' '));
      answers[Math.min(asked.length, answers.length) - 1](socket);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { port: (server.address() as AddressInfo).port, asked, said: () => said };
}

async function follow({ port }: FakePrimary, options: RespiteOptions = {}) {
  const server = await startRespite({
    dir: dataFolder(),
    replicaof: { host: '127.0.0.1', port },
    ...options,
  });
  return connect(server);
}

const full = (...parts: (string | Buffer)[]) => {
  return (socket: Socket) => {
    socket.write(`+FULLRESYNC ${id} 0\r\n`);
    for (const part of parts) socket.write(part);
  };
};
const sized = (bytes: Buffer) => Buffer.concat([Buffer.from(`$${bytes.length}\r\n`), bytes]);
const good = full(sized(snapshot));
const up = (replica: Awaited<ReturnType<typeof follow>>) =>
  until('the link is up', async () => (await infoField(replica, 'master_link_status')) === 'up');

const modes = ['on-empty-db', 'swapdb'] as const;

type Answers = [string, (socket: Socket) => void][];

const brokenReplies: Answers = [
  ['a wrong reply to PSYNC', (socket) => socket.write('+FULLRESYNC\r\n')],
  ['an endless line', (socket) => socket.write('+'.repeat(100_000))],
  ['no snapshot at all', full('what is this\r\n')],
  ['an error in place of a snapshot', full('-ERR no memory\r\n')],
];

const brokenSnapshots: Answers = [
  [
    'a length without bytes',
    (socket) => {
      full('$100000\r\n')(socket);
      socket.end();
    },
  ],
  ['bytes that are no snapshot', full(sized(Buffer.from('no snapshot, but many bytes')))],
  ['a snapshot that ends too early', full(sized(snapshot.subarray(0, 14)))],
  ['a snapshot that ends too early, with a mark', full(`$EOF:${mark}\r\n`, snapshot.subarray(0, 14), mark)],
];

it.each([...brokenReplies, ...brokenSnapshots])('%s is survived, and tried again', async (_, answer) => {
  const primary = await fakePrimary([answer, good]);
  const replica = await follow(primary);
  await up(replica);
  expect(await replica.get('a')).toBe('b');
  expect(primary.asked).toEqual(['? -1', '? -1']);
});

for (const mode of modes) {
  it.each(brokenSnapshots)(
    `with repl-diskless-load ${mode}, %s is survived, and tried again`,
    async (_, answer) => {
      const primary = await fakePrimary([answer, good]);
      const replica = await follow(primary, { 'repl-diskless-load': mode });
      await up(replica);
      expect(await replica.get('a')).toBe('b');
      expect(primary.asked).toEqual(['? -1', '? -1']);
    },
  );
}

it('goes on where a stream broke, whatever was cut', async () => {
  const commands = [request('SELECT', '3'), request('SET', 'x', '1'), '\n'];
  const transaction = [request('MULTI'), request('SET', 'y', '2'), request('SET', 'z', '3'), request('EXEC')];
  const whole = commands.join('');
  const primary = await fakePrimary([
    (socket) => {
      good(socket);
      socket.end(`${whole}${transaction.slice(0, 3).join('')}*1\r\n$4\r\nEX`);
    },
    (socket) => socket.write(`+CONTINUE\r\n${transaction.join('')}`),
  ]);
  const replica = await follow(primary);
  await replica.select(3);
  await until('all is there', async () => (await replica.get('z')) === '3');
  expect(primary.asked).toEqual(['? -1', `${id} ${whole.length + 1}`]);
  expect(await replica.mget('x', 'y')).toEqual(['1', '2']);
  expect(await infoField(replica, 'slave_repl_offset')).toBe(String((whole + transaction.join('')).length));
});

it('asks for all data again after bytes that are no commands', async () => {
  const primary = await fakePrimary([
    (socket) => {
      good(socket);
      socket.write('*1\r\nnonsense\r\n');
    },
    good,
  ]);
  const replica = await follow(primary);
  await until('it asks again', () => primary.asked.length === 2);
  expect(primary.asked).toEqual(['? -1', '? -1']);
  await up(replica);
});

it('answers REPLCONF GETACK with what was applied before', async () => {
  const before = `${request('SELECT', '0')}${request('SET', 'x', '1')}`;
  const primary = await fakePrimary([
    (socket) => {
      good(socket);
      socket.write(`${before}${request('REPLCONF', 'GETACK', '*')}`);
    },
  ]);
  await follow(primary);
  await until('it answers', () => primary.said().includes(request('REPLCONF', 'ACK', String(before.length))));
});

it('goes on after commands that fail, and counts them', async () => {
  const stream = `${request('SELECT', '0')}${request('LPUSH', 'a', '1')}${request('NOSUCH')}${request('SET', 'x', '1')}`;
  const primary = await fakePrimary([
    (socket) => {
      good(socket);
      socket.write(stream);
    },
  ]);
  const replica = await follow(primary);
  await until('the last one ran', async () => (await replica.get('x')) === '1');
  expect(await infoField(replica, 'unexpected_error_replies')).toBe('2');
  expect(await infoField(replica, 'slave_repl_offset')).toBe(String(stream.length));
});

it('keeps its data while a new snapshot does not come whole, with swapdb', async () => {
  const primary = await fakePrimary([
    (socket) => {
      full(`$EOF:${mark}\r\n`, snapshot.subarray(0, 14))(socket);
      socket.end();
    },
    () => {},
  ]);
  const server = await startRespite({ dir: dataFolder(), 'repl-diskless-load': 'swapdb' });
  const replica = connect(server);
  await replica.set('mine', '1');
  await replica.call('replicaof', '127.0.0.1', primary.port);
  await until('it is asked again', () => primary.asked.length === 2);
  expect(await replica.get('mine')).toBe('1');
  await replica.call('replicaof', 'no', 'one');
  expect(await replica.set('mine', '2')).toBe('OK');
});

it('gives up a primary that is silent', async () => {
  let replica: Redis | undefined;
  // The second one is silent too, once the link is up.
  const becomePatient = () => replica?.config('SET', 'repl-timeout', 60);
  const primary = await fakePrimary([(socket) => socket.once('close', becomePatient), good]);
  replica = await follow(primary, { 'repl-timeout': 1 });
  await up(replica);
  expect(primary.asked).toHaveLength(2);
});

it('takes a snapshot of no keys', async () => {
  const primary = await fakePrimary([full('\n\n', sized(emptySnapshot))]);
  const replica = await follow(primary);
  await up(replica);
  expect(await replica.dbsize()).toBe(0);
});

it('is not asked before a replica has loaded the file that it has itself', async () => {
  const dir = dataFolder();
  const keys = Array.from({ length: 2000 }, (_, i) => bytes(0, string(`own:${i}`), string('x'.repeat(500))));
  writeFileSync(join(dir, 'dump.rdb'), rdbFile(10, ...keys));
  const primary = await fakePrimary([good]);
  const port = await freePort();
  const starting = follow(primary, {
    dir,
    port,
    hz: 500,
    'key-load-delay': 1000,
    'loading-process-events-interval-bytes': 1024,
  });
  const client = await RawClient.connect({ port });
  const cronMicroseconds = async () =>
    Number((await infoFields(client, 'debug')).get('eventloop_duration_cron_sum'));
  expect(await infoField(client, 'loading')).toBe('1');
  const before = await cronMicroseconds();
  await until('periodic work was done', async () => (await cronMicroseconds()) > before);
  expect(await infoField(client, 'loading')).toBe('1');
  expect(await infoField(client, 'total_net_repl_input_bytes')).toBe('0');
  await client.call('CONFIG', 'SET', 'key-load-delay', '0');
  const replica = await starting;
  await up(replica);
  expect(primary.asked).toEqual(['? -1']);
  expect(await replica.dbsize()).toBe(1);
  await client.close();
});

it('loads a snapshot to its end although the link breaks meanwhile, and goes on behind it', async () => {
  const keys = Array.from({ length: 900 }, (_, i) => `\0\x04k${100 + i}\x01v`).join('');
  const many = Buffer.from(`REDIS0010\xfe\0${keys}\xff\0\0\0\0\0\0\0\0`, 'latin1');
  let first: Socket | undefined;
  const primary = await fakePrimary([
    (socket) => {
      first = socket;
    },
    (socket) => socket.write(`+CONTINUE\r\n${request('SELECT', '0')}${request('SET', 'x', '1')}`),
  ]);
  const replica = await follow(primary, {
    'key-load-delay': 2000,
    'loading-process-events-interval-bytes': 1024,
  });
  // A client that came during the load would wait for its end.
  await replica.ping();
  await until('it asks', () => first !== undefined);
  full(sized(many))(first!);
  await until('it is loaded', async () => (await infoField(replica, 'loading')) === '1');
  first?.resetAndDestroy();
  await until('all is there', async () => (await replica.get('x').catch(() => '')) === '1');
  expect(primary.asked).toEqual(['? -1', `${id} 1`]);
  expect(await replica.dbsize()).toBe(901);
});

describe('in the middle of a script a replica', () => {
  const untilGone = `local i = 0 while redis.call('exists', 'mine') == 1 and i < 1e6 do i = i + 1 end
    return redis.call('exists', 'mine')`;

  it.each(modes)('keeps its data, though those of the primary come (%s)', async (mode) => {
    let asking: Socket | undefined;
    const primary = await fakePrimary([
      (socket) => {
        asking = socket;
      },
    ]);
    const server = await startRespite({ 'repl-diskless-load': mode, 'busy-reply-threshold': 5 });
    const [redis, other] = [await connected(server), await connected(server)];
    await redis.set('mine', '1');
    await redis.replicaof('127.0.0.1', primary.port);
    await until('it asks', () => asking !== undefined);
    const script = redis.eval(untilGone, 0);
    await untilBusy(other);
    good(asking!);
    expect(await script).toBe(1);
    await up(other);
    expect(await other.keys('*')).toEqual(['a']);
  });

  it('does not replace its data by a file that it has received before', async () => {
    const primary = await fakePrimary([good]);
    let sync: (() => void) | undefined;
    const files = new Proxy(systemFiles, {
      get(target, name: keyof typeof systemFiles) {
        if (name !== 'fsync') return target[name];
        return (fd: number, done: (error: NodeJS.ErrnoException | null) => void) => {
          sync = () => target.fsync(fd, done);
        };
      },
    });
    const { server } = await startServer({ dir: dataFolder(), 'busy-reply-threshold': 5 }, files);
    const { port } = server.listeners;
    const [redis, other] = [connectTo(port), connectTo(port)];
    await other.ping();
    await redis.set('mine', '1');
    await redis.replicaof('127.0.0.1', primary.port);
    await until('the file is there', () => sync !== undefined);
    const script = redis.eval(untilGone, 0);
    await untilBusy(other);
    sync!();
    expect(await script).toBe(1);
    await up(other);
    expect(await other.keys('*')).toEqual(['a']);
  });

  it('does not run what follows a script in the stream', async () => {
    const script =
      "redis.call('set', 'x', 'first') for i = 1, 3e6 do end redis.call('append', 'x', ', second')";
    const rest = [
      request('APPEND', 'x', ', third'),
      request('MULTI'),
      request('SET', 'y', '1'),
      request('EXEC'),
    ];
    const stream = `${request('SELECT', '0')}${request('EVAL', script, '0')}${rest.join('')}`;
    const primary = await fakePrimary([
      (socket) => {
        good(socket);
        socket.write(`${stream}*1\r\n`);
      },
    ]);
    const redis = await follow(primary, { 'busy-reply-threshold': 5 });
    await until('all has run', async () => {
      const offset = await infoField(redis, 'slave_repl_offset').catch(() => '');
      return offset === String(stream.length);
    });
    expect(await redis.mget('x', 'y')).toEqual(['first, second, third', '1']);
  });

  it('does not wake who waits for a key of the script', async () => {
    const { port } = await fakePrimary([good]);
    const server = await startRespite({
      replicaof: { host: '127.0.0.1', port },
      'replica-read-only': false,
      'busy-reply-threshold': 5,
      hz: 500,
    });
    const redis = connect(server);
    await up(redis);
    // A key that the replica has to look after.
    await redis.set('mine', '1', 'EX', 1000);
    const waiting = connect(server).blpop('list', 0);
    await until('it waits', async () => (await infoField(redis, 'blocked_clients')) === '1');
    await redis.eval(
      "redis.call('rpush', 'list', 'first') for i = 1, 5e6 do end redis.call('lpush', 'list', 'second')",
      0,
    );
    expect(await waiting).toEqual(['list', 'second']);
  });
});
