import { expect, it } from 'vitest';
import { systemFiles } from '../../src/persistence/files.js';
import { infoField } from '../support/info.js';
import { ReplicaClient } from '../support/replica-client.js';
import { connectTo, startServer } from '../support/respite.js';
import { until, untilInfo } from '../support/waiting.js';

/** A primary with a replica that has not acknowledged a change; what became of the primary; clients of it. */
async function startWithLaggingReplica(shutdownTimeout: number) {
  const { server } = await startServer(
    { 'repl-diskless-sync-delay': 0, 'shutdown-timeout': shutdownTimeout, hz: 100 },
    systemFiles,
  );
  const lines: string[] = [];
  for (const level of ['notice', 'warning'] as const) server.log[level] = (line) => void lines.push(line);
  let ended = 0;
  server.onShutdown = () => void ended++;
  const { port } = server.listeners;
  const [redis, other, third] = [connectTo(port), connectTo(port), connectTo(port)];
  const replica = await ReplicaClient.connect(port);
  replica.send('REPLCONF', 'capa', 'eof');
  expect(await replica.line()).toBe('+OK');
  replica.send('PSYNC', '?', '-1');
  expect(await replica.line()).toMatch(/^\+FULLRESYNC /);
  await replica.snapshot();
  replica.send('REPLCONF', 'ACK', '0');
  await redis.set('a', '1');
  const waiting = () =>
    until(
      'replicas are waited for',
      async () => Number(await infoField(redis, 'shutdown_in_milliseconds')) > 0,
    );
  const catchUp = async () => replica.send('REPLCONF', 'ACK', await infoField(redis, 'master_repl_offset'));
  return { server, redis, other, third, catchUp, waiting, lines, ended: () => ended };
}

/** The error that a promise ends with. */
const failed = (pending: Promise<unknown>) => pending.then(String, (error: Error) => error.message);
const refusal = 'ERR Errors trying to SHUTDOWN. Check logs.';

it('a primary that ends waits until its replicas have everything, and takes no more changes', async () => {
  const { redis, other, third, catchUp, waiting, lines, ended } = await startWithLaggingReplica(300);
  void failed(other.call('SHUTDOWN'));
  await waiting();
  void failed(third.set('a', '2'));
  await untilInfo(redis, 'blocked_clients', 2);
  expect(await redis.get('a')).toBe('1');
  expect(await infoField(redis, 'connected_clients')).toBe('3');
  expect(ended()).toBe(0);
  await catchUp();
  await until('it ends', () => ended() === 1);
  expect(lines.slice(-3)).toEqual([
    'User requested shutdown...',
    'Waiting for replicas before shutting down.',
    '1 of 1 replicas are in sync when shutting down.',
  ]);
  expect(await redis.get('a')).toBe('1');
});

it('a primary that ends waits no longer than it is told', async () => {
  const { server, lines, ended } = await startWithLaggingReplica(1);
  server.ending.soon({ save: 'default', now: false, force: false });
  await until('it ends', () => ended() === 1);
  expect(lines.at(-3)).toBe('Waiting for replicas before shutting down.');
  expect(lines.at(-2)).toMatch(
    /^Lagging replica 127\.0\.0\.1:\S+ reported offset \d+ behind master, lag=\d, state=/,
  );
  expect(lines.at(-1)).toBe('0 of 1 replicas are in sync when shutting down.');
});

it.each(['NOW', 'NOSAVE NOW'])(
  'SHUTDOWN %s does not wait for replicas, nor lets another go on',
  async (words) => {
    const { other, third, waiting, ended } = await startWithLaggingReplica(300);
    void failed(other.call('SHUTDOWN'));
    await waiting();
    void failed(third.call('SHUTDOWN', ...words.split(' ')));
    await until('it ends', () => ended() === 1);
  },
);

it('SHUTDOWN ABORT ends the waiting for replicas, and clients go on', async () => {
  const { redis, other, third, waiting, ended } = await startWithLaggingReplica(300);
  const shutdowns = [failed(other.call('SHUTDOWN')), failed(connectTo(other.options.port!).call('SHUTDOWN'))];
  await waiting();
  await until('both wait', async () => (await infoField(redis, 'blocked_clients')) === '2');
  const set = third.set('a', '2');
  await until('the change waits', async () => (await infoField(redis, 'blocked_clients')) === '3');
  expect(await redis.call('SHUTDOWN', 'ABORT')).toBe('OK');
  expect(await Promise.all(shutdowns)).toEqual([refusal, refusal]);
  expect(await set).toBe('OK');
  expect(await infoField(redis, 'shutdown_in_milliseconds')).toBe('');
  expect(ended()).toBe(0);
});
