import { describe, expect, it } from 'vitest';
import type { Words } from '../support/encode-command.mjs';
import { RawClient } from '../support/raw-client.js';
import { connect, startRespite } from '../support/respite.js';
import { until, untilInfo } from '../support/waiting.js';

/** A server, a client that watches it, and one that is watched. */
async function startWatching(options = {}) {
  const server = await startRespite(options);
  const open = () => RawClient.connect({ port: server.port, host: server.host });
  const watcher = await open();
  expect(await watcher.raw('MONITOR')).toBe('+OK\r\n');
  const client = await open();
  /** The next lines, without their time and address. */
  const lines = async (count: number) => {
    const found: string[] = [];
    for (let i = 0; i < count; i++) {
      const line = (await watcher.nextRaw()).toString('latin1');
      expect(line).toMatch(/^\+\d{10}\.\d{6} \[\d+ 127\.0\.0\.1:\d+\] .*\r\n$/);
      found.push(line.replace(/^\+[\d.]+ \[(\d+) \S+\] (.*)\r\n$/, '$1 $2'));
    }
    return found;
  };
  return { server, watcher, client, lines, open };
}

describe('MONITOR', () => {
  it('shows commands with time, database and address, in the order in which they ran', async () => {
    const { client, lines } = await startWatching();
    await client.pipeline([
      ['SET', 'foo', 'bar'],
      ['SELECT', 3],
      ['GET', 'foo'],
    ]);
    expect(await lines(3)).toEqual(['0 "SET" "foo" "bar"', '3 "SELECT" "3"', '3 "GET" "foo"']);
  });

  it('tells the time to the microsecond', async () => {
    const { server, watcher, client } = await startWatching({ clock: 'manual' });
    server.advanceTime(0.25);
    await client.send('PING');
    expect((await watcher.nextRaw()).toString()).toMatch(
      /^\+1700000000\.000250 \[0 127.0.0.1:\d+\] "PING"\r\n$/,
    );
  });

  it('shows bytes that are not printable as escapes', async () => {
    const { client, lines } = await startWatching();
    const bytes = Buffer.from('a\x00\xff\n\r\t\x07\b"\\ é\x7f', 'latin1');
    await client.send('ECHO', bytes);
    expect(await lines(1)).toEqual(['0 "ECHO" "a\\x00\\xff\\n\\r\\t\\a\\b\\"\\\\ \\xe9\\x7f"']);
  });

  it('shows a transaction when it runs', async () => {
    const { client, lines } = await startWatching();
    await client.pipeline([['MULTI'], ['SET', 'a', 1], ['EXEC'], ['MULTI'], ['SET'], ['EXEC']]);
    expect(await lines(5)).toEqual(['0 "MULTI"', '0 "SET" "a" "1"', '0 "EXEC"', '0 "MULTI"', '0 "EXEC"']);
  });

  it('shows neither administration nor what was refused, but what failed', async () => {
    const { client, lines } = await startWatching();
    await client.pipeline([['CONFIG', 'GET', 'port'], ['NOSUCH'], ['GET'], ['INCRBY', 'a', 'b'], ['PING']]);
    expect(await lines(2)).toEqual(['0 "INCRBY" "a" "b"', '0 "PING"']);
  });

  it('shows a command that waits once, whether it is served or waits in vain', async () => {
    const { server, watcher, client, open } = await startWatching({ clock: 'manual' });
    const other = await open();
    const id = (await client.call('CLIENT', 'ID')) as number;
    const wait = async (command: Words, end: () => unknown) => {
      const reply = client.send(...command);
      await untilInfo(other, 'blocked_clients', 1);
      await end();
      await reply;
    };
    await wait(['BLPOP', 'served', 1], () => other.send('RPUSH', 'served', 'a'));
    await wait(['BLPOP', 'late', 1], () => server.advanceTime(1001));
    await wait(['WAIT', 1, 0], () => other.send('CLIENT', 'UNBLOCK', id));
    await client.send('ECHO', 'end');
    const waited: string[] = [];
    for (let line = ''; !line.includes('"end"'); line = String(await watcher.nextRaw())) {
      waited.push(...(/"(?:BLPOP|WAIT)".*"/.exec(line) ?? []));
    }
    expect(waited).toEqual(['"BLPOP" "served" "1"', '"BLPOP" "late" "1"', '"WAIT" "1" "0"']);
  });

  it('shows no secrets', async () => {
    const { client, lines } = await startWatching();
    await client.pipeline([
      ['AUTH', 'hush'],
      ['HELLO', 3, 'AUTH', 'me', 'hush'],
      ['AUTH', 'me', 'hush'],
    ]);
    expect(await lines(3)).toEqual([
      '0 "AUTH" "(redacted)"',
      '0 "HELLO" "3" "AUTH" "(redacted)" "(redacted)"',
      '0 "AUTH" "(redacted)" "(redacted)"',
    ]);
  });

  it('shows the watcher its own commands after their replies, and refuses those on keys', async () => {
    const { watcher } = await startWatching();
    expect(await watcher.raw('PING')).toBe('+PONG\r\n');
    expect((await watcher.nextRaw()).toString()).toContain('"PING"');
    expect(await watcher.raw('GET', 'a')).toBe("-ERR Replica can't interact with the keyspace\r\n");
    expect(await watcher.call('CLIENT', 'INFO')).toContain(' flags=O ');
  });

  it('ends with RESET, and with the connection', async () => {
    const { server, watcher, client, open } = await startWatching();
    const second = await open();
    await second.send('MONITOR');
    expect(await watcher.raw('RESET')).toBe('+RESET\r\n');
    await client.send('PING');
    expect(await watcher.raw('GET', 'a')).toBe('$-1\r\n');
    await second.close();
    const redis = connect(server);
    await until('no watcher is left', async () => !String(await redis.client('LIST')).includes('flags=O'));
    await client.send('PING');
    expect(await watcher.raw('PING')).toBe('+PONG\r\n');
  });

  it('answers once only', async () => {
    const { watcher } = await startWatching();
    watcher.write('MONITOR\r\nPING\r\n');
    expect((await watcher.nextRaw()).toString()).toBe('+PONG\r\n');
  });

  it('is not for transactions', async () => {
    const { client } = await startWatching();
    const replies = await client.pipeline([['MULTI'], ['MONITOR'], ['EXEC']]);
    expect(JSON.stringify(replies[2])).toContain("MONITOR isn't allowed for DENY BLOCKING client");
  });

  it('may be silent for longer than `timeout`', async () => {
    const { server, watcher, client } = await startWatching({ clock: 'manual', timeout: 10 });
    server.advanceTime(11_000);
    await client.closed;
    const other = await RawClient.connect({ port: server.port });
    await other.send('PING');
    expect((await watcher.nextRaw()).toString()).toMatch(/"PING"\r\n$/);
    await other.close();
  });
});
