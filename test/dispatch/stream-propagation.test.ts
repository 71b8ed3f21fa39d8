import type { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { propagated, startPropagating } from '../support/propagation-log.js';
import { connect, startWithClient } from '../support/respite.js';

/** Runs what was propagated on another server, and wants the same stream there. */
async function expectSame(redis: Redis, lines: string[], nodeEntries: number): Promise<void> {
  const { redis: other } = await startWithClient({ clock: 'manual', 'enable-debug-command': 'yes' });
  await other.config('SET', 'stream-node-max-entries', String(nodeEntries));
  for (const line of lines) {
    const [, name, ...args] = line.split(' ');
    if (name !== 'MULTI' && name !== 'EXEC') await other.call(name, ...args);
  }
  const comparable = (info: unknown) =>
    JSON.stringify(info)
      .replace(/\d{13}/g, 'time')
      .replace(/"radix-tree-\w+",\d+,/g, '');
  const ask = ['XINFO', 'STREAM', 's', 'FULL', 'COUNT', '0'] as const;
  expect(comparable(await other.call(...ask))).toBe(comparable(await redis.call(...ask)));
}

describe('propagation of streams', () => {
  it('says which ID an entry got and what a rough trimming left', async () => {
    const { redis } = await startPropagating();
    await redis.config('SET', 'stream-node-max-entries', '3');
    const first = await redis.xadd('s', '*', 'a', '1');
    await redis.xadd('s', '9999999999999-*', 'a', '2');
    for (let n = 3; n <= 8; n++) await redis.xadd('s', `9999999999999-${n}`, 'a', String(n));
    await redis.call('XADD', 's', 'MAXLEN', '~', '4', 'LIMIT', '3', '*', 'a', '9');
    await redis.call('XADD', 's', 'MAXLEN', '100', '9999999999999-20', 'a', '10');
    await redis.call('XTRIM', 's', 'MINID', '~', '9999999999999-7');
    const lines = await propagated(redis);
    expect(lines).toEqual([
      `0 XADD s ${first} a 1`,
      '0 XADD s 9999999999999-0 a 2',
      ...[3, 4, 5, 6, 7, 8].map((n) => `0 xadd s 9999999999999-${n} a ${n}`),
      '0 XADD s MAXLEN = 6 9999999999999-9 a 9',
      '0 XADD s MAXLEN 100 9999999999999-20 a 10',
      '0 XTRIM s MINID = 9999999999999-7',
    ]);
    await expectSame(redis, lines, 3);
  });

  it('says what the groups let a trimming remove', async () => {
    const { redis } = await startPropagating();
    await redis.config('SET', 'stream-node-max-entries', '2');
    await redis.xgroup('CREATE', 's', 'g', '0', 'MKSTREAM');
    for (let n = 1; n <= 9; n++) await redis.xadd('s', `${n}`, 'a', String(n));
    await redis.call('XREADGROUP', 'GROUP', 'g', 'c', 'COUNT', '8', 'STREAMS', 's', '>');
    await redis.xack('s', 'g', '1', '3', '4', '6', '7', '8');
    const lines = await propagated(redis);
    const form = async (...words: string[]) => {
      await redis.call('XTRIM', 's', ...words);
      const said = await propagated(redis);
      lines.push(...said);
      return said;
    };
    // Removes 1, 3 and 4; 2 is pending.
    expect(await form('MINID', '~', '6', 'ACKED')).toEqual(['0 XTRIM s MAXLEN = 6 ACKED']);
    expect(await form('MINID', '7', 'ACKED')).toEqual(['0 XTRIM s MINID 7 ACKED']);
    expect(await form('MAXLEN', '~', '3', 'DELREF')).toEqual(['0 XTRIM s MAXLEN = 3 DELREF']);
    await redis.call('XADD', 's', 'KEEPREF', 'MINID', '~', '8', '20-*', 'f', 'v');
    lines.push(...(await propagated(redis)));
    expect(lines.at(-1)).toBe('0 XADD s MINID = 7-0 20-0 f v');
    await expectSame(redis, lines, 100);
    expect(await form('MINID', '~', '99')).toEqual(['0 XTRIM s MAXLEN = 0']);
  });

  it('says who got which entry', async () => {
    const { server, redis } = await startPropagating();
    await redis.xgroup('CREATE', 's', 'g', '0', 'MKSTREAM');
    for (const id of ['1', '2', '3', '4']) await redis.xadd('s', id, 'a', 'b');
    await propagated(redis);
    const read = (...options: string[]) =>
      redis.call('XREADGROUP', 'GROUP', 'g', 'alice', ...options, 'STREAMS', 's', '>');
    await read('COUNT', '1');
    const now = (await redis.call('XINFO', 'STREAM', 's', 'FULL').then((info) => JSON.stringify(info))).match(
      /\["1-0","alice",(\d+)/,
    )?.[1];
    const state = `TIME ${now} RETRYCOUNT 1 FORCE JUSTID LASTID`;
    expect(await propagated(redis)).toEqual([
      '- MULTI',
      '0 XGROUP CREATECONSUMER s g alice',
      `0 XCLAIM s g alice 0 1-0 ${state} 1-0`,
      '0 XGROUP SETID s g 1-0 ENTRIESREAD 1',
      '- EXEC',
    ]);
    await read('COUNT', '1', 'NOACK');
    expect(await propagated(redis)).toEqual(['0 XGROUP SETID s g 2-0 ENTRIESREAD 2']);
    await redis.call('XREADGROUP', 'GROUP', 'g', 'alice', 'STREAMS', 's', '0');
    expect(await propagated(redis)).toEqual([]);
    const waiting = connect(server).call(
      'XREADGROUP',
      'GROUP',
      'g',
      'bob',
      'BLOCK',
      '0',
      'STREAMS',
      's',
      '>',
    );
    await waiting;
    await redis.xdel('s', '3');
    await redis.call('XAUTOCLAIM', 's', 'g', 'carol', '0', '-', 'COUNT', '2');
    expect(await propagated(redis)).toEqual([
      '- MULTI',
      '0 XGROUP CREATECONSUMER s g bob',
      `0 XCLAIM s g bob 0 3-0 ${state} 3-0`,
      `0 XCLAIM s g bob 0 4-0 ${state} 4-0`,
      '0 XGROUP SETID s g 4-0 ENTRIESREAD 4',
      '- EXEC',
      '0 xdel s 3',
      '- MULTI',
      '0 XGROUP CREATECONSUMER s g carol',
      '0 XACK s g 3-0',
      `0 XCLAIM s g carol 0 1-0 TIME ${now} RETRYCOUNT 3 FORCE JUSTID LASTID 4-0`,
      '- EXEC',
    ]);
  });
});
