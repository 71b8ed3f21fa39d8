import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { infoField } from '../support/info.js';
import { startWithClient } from '../support/respite.js';
import { until } from '../support/waiting.js';

const valueBytes = 100_000;
const values = 300;
/** A snapshot that could go on would do so in each turn of the server's loop. */
const turnsWithoutProgress = 50;

/** Asks for a full synchronization, and counts what comes. */
async function replica(port: number) {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => {
    socket.destroy();
  });
  socket.on('error', () => {});
  socket.write('REPLCONF capa eof capa psync2\r\n');
  await once(socket, 'data');
  let received = 0;
  let first = '';
  let last = '';
  socket.on('data', (data) => {
    received += data.length;
    if (first.length < 200) first += data.toString('latin1', 0, 200);
    last = (last + data.toString('latin1', Math.max(0, data.length - 40))).slice(-40);
  });
  socket.write('PSYNC ? -1\r\n');
  return {
    socket,
    received: () => received,
    whole: () => {
      const mark = /\$EOF:(\w{40})\r\n/.exec(first)?.[1];
      return mark !== undefined && last === mark;
    },
  };
}

it('a replica that stops reading is given up, and does not take the others of its snapshot with it', async () => {
  const { server, redis } = await startWithClient({
    'repl-diskless-sync': true,
    'repl-diskless-sync-max-replicas': 2,
    rdbcompression: false,
  });
  for (let i = 0; i < values; i++) await redis.set(`key:${i}`, Buffer.alloc(valueBytes, i));
  const slow = await replica(server.port);
  slow.socket.pause();
  const fast = await replica(server.port);
  const closed = once(slow.socket, 'close');
  let sent = '';
  let sentAt = 0;
  await until('the snapshot stands still', async () => {
    const turns = Number(await infoField(redis, 'eventloop_cycles'));
    const sentNow = await infoField(redis, 'total_net_repl_output_bytes');
    if (sentNow !== sent) [sent, sentAt] = [sentNow, turns];
    const line = String(await redis.client('LIST', 'TYPE', 'replica' as never));
    return / omem=[1-9]/.test(line) && turns - sentAt > turnsWithoutProgress;
  });
  expect(fast.whole()).toBe(false);
  // Not before: it must still stand still when that is looked at.
  await redis.config('SET', 'repl-timeout', 1);
  await until('the rest has come', () => fast.whole());
  expect(fast.received()).toBeGreaterThan(values * valueBytes);
  slow.socket.resume();
  await closed;
});
