import { afterAll, beforeAll, expect, it } from 'vitest';
import { RawClient } from './raw-client.js';
import { describeWithRedisServer, type SpawnedServer, startRedisServer } from './redis-server.js';
import { parseReply, ReplyError, ReplyReader, replyEnd } from './reply-reader.mjs';

const RESP3 =
  '|1\r\n+ttl\r\n:5\r\n%2\r\n+a\r\n:1\r\n+b\r\n~2\r\n$1\r\nx\r\n_\r\n>1\r\n+hi\r\n*3\r\n,1.5\r\n#t\r\n(12345678901234567890\r\n=5\r\ntxt:x\r\n!3\r\nERR\r\n';

it('splits a stream of replies at every byte boundary alike', () => {
  const bytes = Buffer.from(RESP3, 'latin1');
  const whole = new ReplyReader().push(bytes).map(String);
  expect(whole).toHaveLength(5);
  for (let cut = 1; cut < bytes.length; cut++) {
    const reader = new ReplyReader();
    const split = [...reader.push(bytes.subarray(0, cut)), ...reader.push(bytes.subarray(cut))];
    expect(split.map(String)).toEqual(whole);
    expect(reader.pending).toBe(0);
  }
});

it('keeps the type of every reply', () => {
  const array = Buffer.from(RESP3.slice(RESP3.indexOf('*3')), 'latin1');
  expect(parseReply(array)).toEqual({
    type: 'array',
    value: [
      { type: 'double', value: '1.5' },
      { type: 'boolean', value: true },
      { type: 'bignumber', value: 12345678901234567890n },
    ],
  });
  expect(parseReply(Buffer.from('$-1\r\n'))).toEqual({ type: 'null-bulk', value: null });
  expect(parseReply(Buffer.from('*-1\r\n'))).toEqual({ type: 'null-array', value: null });
});

it('refuses bytes that are no reply', () => {
  expect(() => replyEnd(Buffer.from('?x\r\n'), 0)).toThrow(ReplyError);
  expect(() => replyEnd(Buffer.from('$x\r\n'), 0)).toThrow(ReplyError);
  expect(() => replyEnd(Buffer.from('$1\r\nabc\r\n'), 0)).toThrow(ReplyError);
});

describeWithRedisServer('RawClient', () => {
  let server: SpawnedServer;
  beforeAll(async () => {
    server = await startRedisServer();
  });
  afterAll(() => server.stop());

  it('reads RESP2 and RESP3 replies of a server', async () => {
    const client = await RawClient.connect({ port: server.port });
    expect(await client.raw('SET', 'k', '\xff\r\n')).toBe('+OK\r\n');
    expect(await client.call('GET', 'k')).toBe('\xff\r\n');
    expect(await client.send('GET', 'none')).toEqual({ type: 'null-bulk', value: null });
    expect(await client.call('HELLO', 3)).toBeInstanceOf(Map);
    expect(await client.send('GET', 'none')).toEqual({ type: 'null', value: null });
    await expect(client.call('INCR', 'k')).rejects.toThrow('ERR value is not an integer');
    await client.close();
  });

  it('tells when the server closes the connection', async () => {
    const client = await RawClient.connect({ port: server.port });
    expect(await client.raw('QUIT')).toBe('+OK\r\n');
    await client.closed;
    await expect(client.next()).rejects.toThrow('closed');
  });
});
