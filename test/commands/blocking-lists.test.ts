import { describe, expect, it } from 'vitest';
import { connect, startRespite } from '../support/respite.js';
import { untilInfo } from '../support/waiting.js';

async function start() {
  const server = await startRespite({ clock: 'manual' });
  const control = connect(server);
  /** Resolves once this many clients are blocked. */
  const untilBlocked = async (count: number) => {
    await untilInfo(control, 'blocked_clients', count);
  };
  let blocked = 0;
  /** Sends a command from a connection of its own and returns its reply once it is blocked. */
  const wait = async (...command: [string, ...string[]]) => {
    const client = connect(server);
    const [name, ...args] = command;
    const reply = client.call(name, ...args).catch((reason: Error) => reason.message);
    await untilBlocked(++blocked);
    return { reply };
  };
  const woken = async (count = 1) => {
    blocked -= count;
    await untilBlocked(blocked);
  };
  return { server, control, wait, woken };
}

describe('blocking list commands', () => {
  it('answer at once if there is something', async () => {
    const { control } = await start();
    await control.rpush('l', 'a', 'b', 'c', 'd', 'e');
    expect(await control.blpop('none', 'l', 0)).toEqual(['l', 'a']);
    expect(await control.brpop('l', 0)).toEqual(['l', 'e']);
    expect(await control.call('BLMPOP', '0', '2', 'none', 'l', 'LEFT', 'COUNT', '2')).toEqual([
      'l',
      ['b', 'c'],
    ]);
    expect(await control.call('BLMOVE', 'l', 'm', 'LEFT', 'LEFT', '0')).toBe('d');
  });

  it('are woken by a push to any of their keys', async () => {
    const { control, wait, woken } = await start();
    const first = await wait('BLPOP', 'a', 'b', 'b', 'a', '0');
    await control.rpush('b', '1', '2');
    expect(await first.reply).toEqual(['b', '1']);
    await woken();
    expect(await control.lrange('b', 0, -1)).toEqual(['2']);
  });

  it('serve clients in order of arrival, with what is left for each', async () => {
    const { control, wait } = await start();
    const waiting = [
      await wait('BLMPOP', '0', '2', 'x', 'y', 'LEFT', 'COUNT', '1'),
      await wait('BLMPOP', '0', '2', 'x', 'y', 'RIGHT', 'COUNT', '10'),
      await wait('BLMPOP', '0', '2', 'x', 'y', 'LEFT', 'COUNT', '10'),
      await wait('BLMPOP', '0', '2', 'x', 'y', 'RIGHT', 'COUNT', '1'),
    ];
    await control.multi().lpush('x', 'a', 'b', 'c').lpush('y', '1', '2').exec();
    await control.lpush('y', '3');
    expect(await Promise.all(waiting.map(({ reply }) => reply))).toEqual([
      ['x', ['c']],
      ['x', ['a', 'b']],
      ['y', ['2', '1']],
      ['y', ['3']],
    ]);
  });

  it('form chains', async () => {
    const { control, wait } = await start();
    const last = await wait('BLPOP', 'c', '0');
    const second = await wait('BLMOVE', 'b', 'c', 'LEFT', 'RIGHT', '0');
    const first = await wait('BRPOPLPUSH', 'a', 'b', '0');
    await control.rpush('a', 'value');
    expect(await first.reply).toBe('value');
    expect(await second.reply).toBe('value');
    expect(await last.reply).toEqual(['c', 'value']);
    expect(await control.exists('a', 'b', 'c')).toBe(0);
  });

  it('keep waiting while a key has another type', async () => {
    const { control, wait } = await start();
    const waiting = await wait('BLPOP', 'k', '0');
    await control.set('k', 'text');
    await control.multi().del('k').rpush('k', 'gone').del('k').set('k', 'text').exec();
    await control.del('k');
    await control.rpush('k', 'element');
    expect(await waiting.reply).toEqual(['k', 'element']);
  });

  it('fail, and leave the source alone, if the destination is no list by then', async () => {
    const { control, wait } = await start();
    await control.set('s', 'text');
    const failing = await wait('BRPOPLPUSH', 'k', 's', '0');
    const next = await wait('BRPOPLPUSH', 'k', 'l', '0');
    await control.rpush('k', 'element');
    expect(await failing.reply).toMatch(/^WRONGTYPE/);
    expect(await next.reply).toBe('element');
  });

  it.each([
    ['RENAME', ['RENAME', 'source', 'k']],
    ['COPY', ['COPY', 'source', 'k']],
    ['LMOVE', ['LMOVE', 'source', 'k', 'LEFT', 'LEFT']],
    ['SORT', ['SORT', 'source', 'ALPHA', 'STORE', 'k']],
  ])('are woken by a list that arrives by %s', async (_name, [command, ...args]) => {
    const { control, wait } = await start();
    await control.rpush('source', 'element');
    const waiting = await wait('BLPOP', 'k', '0');
    await control.call(command, ...args);
    expect(await waiting.reply).toEqual(['k', 'element']);
  });

  it('are woken by a list that arrives by MOVE or SWAPDB', async () => {
    const { server, control, wait } = await start();
    const other = connect(server, { db: 1 });
    const first = await wait('BLPOP', 'k', '0');
    await other.rpush('k', 'moved');
    await other.move('k', 0);
    expect(await first.reply).toEqual(['k', 'moved']);
    const client = connect(server);
    const second = client.blpop('k', 0);
    await untilInfo(control, 'blocked_clients', 1);
    await other.rpush('k', 'swapped');
    await other.call('SWAPDB', '0', '1');
    expect(await second).toEqual(['k', 'swapped']);
  });

  it('give up in time', async () => {
    const { server, wait } = await start();
    const pop = await wait('BLPOP', 'k', '0.5');
    const move = await wait('BLMOVE', 'k', 'm', 'LEFT', 'LEFT', '1');
    server.advanceTime(501);
    expect(await pop.reply).toBeNull();
    server.advanceTime(500);
    expect(await move.reply).toBeNull();
  });

  it('do not wait inside MULTI', async () => {
    const { control } = await start();
    await control.rpush('l', 'a');
    const replies = await control
      .multi()
      .blpop('l', 0)
      .blpop('l', 0)
      .call('BLMOVE', 'l', 'm', 'LEFT', 'LEFT', '0')
      .exec();
    expect(replies?.map(([, reply]) => reply)).toEqual([['l', 'a'], null, null]);
  });

  it.each([
    ['x', 'ERR timeout is not a float or out of range'],
    ['-1', 'ERR timeout is negative'],
    ['1e300', 'ERR timeout is out of range'],
    ['1e400', 'ERR timeout is out of range'],
    ['inf', 'ERR timeout is out of range'],
    ['-1e400', 'ERR timeout is negative'],
    ['1e5000', 'ERR timeout is not a float or out of range'],
    ['1e-5000', 'ERR timeout is not a float or out of range'],
    ['0x7FFFFFFFFFFFFF', 'ERR timeout is out of range'],
  ])('refuse the timeout %s', async (timeout, message) => {
    const { control } = await start();
    await expect(control.call('BLPOP', 'k', timeout)).rejects.toThrow(message);
  });

  it('count once, however often they are tried', async () => {
    const { control, wait, woken } = await start();
    await control.config('RESETSTAT');
    const served = await wait('BLPOP', 'k', '0');
    await control.rpush('k', 'element');
    await served.reply;
    await woken();
    expect(await control.info('commandstats')).toMatch(/cmdstat_blpop:calls=1,.*failed_calls=0/);
  });
});
