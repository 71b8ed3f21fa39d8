import { describe, expect, it } from 'vitest';
import { connect, startRespite, startWithClient } from '../support/respite.js';
import { untilInfo } from '../support/waiting.js';

const fields = (n: number) => ['f', String(n)];

describe('XADD, XRANGE and what removes entries', () => {
  it('append entries under IDs that grow, and find them by ID', async () => {
    const { redis } = await startWithClient({ clock: 'manual' });
    expect(await redis.xadd('s', '1-1', 'a', '1', 'b', '2')).toBe('1-1');
    expect(await redis.xadd('s', '1-*', 'a', '1')).toBe('1-2');
    expect(await redis.call('XADD', 's', 'NOMKSTREAM', '5', 'c', '')).toBe('5-0');
    expect(await redis.call('XADD', 'none', 'NOMKSTREAM', '5', 'c', '')).toBeNull();
    expect(await redis.xrange('s', '-', '+')).toEqual([
      ['1-1', ['a', '1', 'b', '2']],
      ['1-2', ['a', '1']],
      ['5-0', ['c', '']],
    ]);
    expect(await redis.xrevrange('s', '(5-0', '1-2')).toEqual([['1-2', ['a', '1']]]);
    expect(await redis.xrange('s', '1', '1', 'COUNT', 1)).toEqual([['1-1', ['a', '1', 'b', '2']]]);
    const own = (await redis.xadd('s', '*', 'x', 'y')) as string;
    expect(await redis.xadd('s', '*', 'x', 'y')).toBe(own.replace(/-0$/, '-1'));
    expect(await redis.type('s')).toBe('stream');
    expect(await redis.object('ENCODING', 's')).toBe('stream');
    expect(await redis.scan('0', 'TYPE', 'stream')).toEqual(['0', ['s']]);
  });

  it.each([
    [['0-0', 'a', 'b'], 'ERR The ID specified in XADD must be greater than 0-0'],
    [['5', 'a', 'b'], 'ERR The ID specified in XADD is equal or smaller than the target stream top item'],
    [['x', 'a', 'b'], 'ERR Invalid stream ID specified as stream command argument'],
    [['6', 'a'], "ERR wrong number of arguments for 'xadd' command"],
    [['MAXLEN', '-1', '6', 'a', 'b'], 'ERR The MAXLEN argument must be >= 0.'],
    [
      ['MAXLEN', '1', 'LIMIT', '1', '6', 'a', 'b'],
      'ERR syntax error, LIMIT cannot be used without the special ~ option',
    ],
    [
      ['LIMIT', '1', '6', 'a', 'b'],
      'ERR syntax error, LIMIT cannot be used without specifying a trimming strategy',
    ],
    [['LIMIT', '0', '6', 'a', 'b'], 'ERR syntax error, LIMIT cannot be used without the special ~ option'],
    [
      ['MAXLEN', '1', 'MINID', '1', '6', 'a', 'b'],
      'ERR syntax error, MAXLEN and MINID options at the same time are not compatible',
    ],
  ])('refuse %j and change nothing', async (args, message) => {
    const { redis } = await startWithClient();
    await redis.xadd('s', '5', 'a', 'b');
    await expect(redis.call('XADD', 's', ...args)).rejects.toThrow(message);
    expect(await redis.xrange('s', '-', '+')).toEqual([['5-0', ['a', 'b']]]);
  });

  it.each([
    [['LIMIT', '1'], 'ERR syntax error, LIMIT cannot be used without specifying a trimming strategy'],
    [['LIMIT', '0'], 'ERR syntax error, XTRIM must be called with a trimming strategy'],
    [['MAXLEN', '1', 'LIMIT', '0'], 'ERR syntax error, LIMIT cannot be used without the special ~ option'],
  ])('are not trimmed by %j', async (args, message) => {
    const { redis } = await startWithClient();
    await expect(redis.call('XTRIM', 's', ...args)).rejects.toThrow(message);
  });

  it('know the limits of IDs', async () => {
    const { redis } = await startWithClient();
    const most = '18446744073709551615';
    expect(await redis.xadd('s', `${most}-${most}`, 'a', 'b')).toBe(`${most}-${most}`);
    await expect(redis.xadd('s', '*', 'a', 'b')).rejects.toThrow(
      'ERR The stream has exhausted the last possible ID, unable to add more items',
    );
    await expect(redis.xrange('s', `(${most}-${most}`, '+')).rejects.toThrow(
      'ERR invalid start ID for the interval',
    );
    await redis.xadd('t', `7-${most}`, 'a', 'b');
    await expect(redis.xadd('t', '7-*', 'a', 'b')).rejects.toThrow(/equal or smaller/);
    expect(await redis.xadd('t', '9007199254740993-9007199254740993', 'a', 'b')).toBe(
      '9007199254740993-9007199254740993',
    );
  });

  it('delete and trim, and remember what was', async () => {
    const { redis } = await startWithClient();
    for (let n = 1; n <= 10; n++) await redis.xadd('s', String(n), ...fields(n));
    expect(await redis.xdel('s', '2', '2', '77')).toBe(1);
    await expect(redis.xdel('s', '3', 'x')).rejects.toThrow('ERR Invalid stream ID');
    expect(await redis.xtrim('s', 'MAXLEN', 5)).toBe(4);
    expect(await redis.xtrim('s', 'MINID', '8')).toBe(2);
    expect(await redis.call('XADD', 's', 'MAXLEN', '=', '2', '11', 'f', '11')).toBe('11-0');
    expect(await redis.call('XINFO', 'STREAM', 's')).toEqual([
      ...['length', 2, 'radix-tree-keys', 1, 'radix-tree-nodes', 2, 'last-generated-id', '11-0'],
      ...['max-deleted-entry-id', '2-0', 'entries-added', 11, 'recorded-first-entry-id', '10-0', 'groups', 0],
      ...['first-entry', ['10-0', fields(10)], 'last-entry', ['11-0', fields(11)]],
    ]);
    expect(await redis.xtrim('s', 'MAXLEN', 0)).toBe(2);
    expect([await redis.xlen('s'), await redis.exists('s')]).toEqual([0, 1]);
    expect(await redis.call('XSETID', 's', '20', 'ENTRIESADDED', '30', 'MAXDELETEDID', '15')).toBe('OK');
    await expect(redis.call('XSETID', 's', '3')).rejects.toThrow(/smaller than current max_deleted_entry_id/);
  });
});

describe('consumer groups', () => {
  async function start() {
    const { server, redis } = await startWithClient({ clock: 'manual' });
    await redis.xgroup('CREATE', 's', 'g', '0', 'MKSTREAM');
    for (let n = 1; n <= 5; n++) await redis.xadd('s', String(n), ...fields(n));
    const read = (consumer: string, count: number, id = '>') =>
      redis.call('XREADGROUP', 'GROUP', 'g', consumer, 'COUNT', String(count), 'STREAMS', 's', id);
    return { server, redis, read };
  }

  it('give each entry to one consumer, until it is acknowledged', async () => {
    const { redis, read } = await start();
    expect(await read('alice', 2)).toEqual([
      [
        's',
        [
          ['1-0', fields(1)],
          ['2-0', fields(2)],
        ],
      ],
    ]);
    expect(await read('bob', 10)).toEqual([
      [
        's',
        [
          ['3-0', fields(3)],
          ['4-0', fields(4)],
          ['5-0', fields(5)],
        ],
      ],
    ]);
    expect(await read('bob', 10)).toBeNull();
    expect(await redis.xack('s', 'g', '1', '3', '3', '9')).toBe(2);
    expect(await redis.xpending('s', 'g')).toEqual([
      3,
      '2-0',
      '5-0',
      [
        ['alice', '1'],
        ['bob', '2'],
      ],
    ]);
    await redis.xdel('s', '4');
    expect(await read('bob', 10, '0')).toEqual([
      [
        's',
        [
          ['4-0', null],
          ['5-0', fields(5)],
        ],
      ],
    ]);
    expect(await redis.call('XPENDING', 's', 'g', '-', '+', '10', 'bob')).toEqual([
      ['4-0', 'bob', 0, 1],
      ['5-0', 'bob', 0, 2],
    ]);
    expect(await redis.xgroup('DELCONSUMER', 's', 'g', 'bob')).toBe(2);
    expect(await redis.xgroup('DESTROY', 's', 'g')).toBe(1);
    await expect(read('alice', 1)).rejects.toThrow(
      "NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option",
    );
  });

  it('let others claim what is idle', async () => {
    const { server, redis, read } = await start();
    await read('alice', 3);
    server.advanceTime(1000);
    await read('alice', 1);
    await redis.xdel('s', '2');
    expect(await redis.call('XCLAIM', 's', 'g', 'bob', '500', '1', '4')).toEqual([['1-0', fields(1)]]);
    expect(await redis.call('XAUTOCLAIM', 's', 'g', 'bob', '500', '-', 'COUNT', '2')).toEqual([
      '4-0',
      [['3-0', fields(3)]],
      ['2-0'],
    ]);
    expect(await redis.call('XPENDING', 's', 'g', '-', '+', '10')).toEqual([
      ['1-0', 'bob', 0, 2],
      ['3-0', 'bob', 0, 2],
      ['4-0', 'alice', 0, 1],
    ]);
    expect(
      await redis.call('XCLAIM', 's', 'g', 'bob', '0', '5', 'FORCE', 'JUSTID', 'RETRYCOUNT', '9'),
    ).toEqual(['5-0']);
    server.advanceTime(50);
    expect(await redis.call('XINFO', 'CONSUMERS', 's', 'g')).toEqual([
      ['name', 'alice', 'pending', 1, 'idle', 50, 'inactive', 50],
      ['name', 'bob', 'pending', 3, 'idle', 50, 'inactive', 50],
    ]);
  });

  it('delete with regard to the groups: XDELEX and XACKDEL', async () => {
    const { redis, read } = await start();
    await redis.xgroup('CREATE', 's', 'h', '0');
    await read('alice', 3);
    expect(await redis.call('XDELEX', 's', 'ACKED', 'IDS', '2', '1', '9')).toEqual([2, -1]);
    expect(await redis.call('XDELEX', 's', 'IDS', '1', '1')).toEqual([1]);
    expect(await redis.call('XACKDEL', 's', 'g', 'ACKED', 'IDS', '2', '2', '5')).toEqual([2, -1]);
    expect(await redis.call('XDELEX', 's', 'DELREF', 'IDS', '2', '1', '3')).toEqual([-1, 1]);
    expect(await redis.xpending('s', 'g')).toEqual([0, null, null, null]);
    await redis.xgroup('DESTROY', 's', 'h');
    expect(await redis.call('XDELEX', 's', 'IDS', '1', '2', 'ACKED')).toEqual([1]);
    await expect(redis.call('XDELEX', 's', 'IDS', '2', '2')).rejects.toThrow(/numids/);
    expect(await redis.call('XDELEX', 'none', 'IDS', '1', '2')).toEqual([-1]);
  });

  it('have a say in trimming: KEEPREF, DELREF and ACKED', async () => {
    const { redis, read } = await start();
    const ids = async () => (await redis.xrange('s', '-', '+')).map(([id]) => id);
    const before = await ids();
    await read('alice', 3);
    await redis.xack('s', 'g', before[0], before[2]);
    // The second is pending, and from the fourth on nothing was read.
    expect(await redis.call('XTRIM', 's', 'MAXLEN', '0', 'ACKED')).toBe(2);
    expect(await ids()).toEqual([before[1], ...before.slice(3)]);
    expect(await redis.call('XTRIM', 's', 'ACKED', 'MINID', '99')).toBe(0);
    expect(await redis.call('XTRIM', 's', 'MINID', before[3], 'KEEPREF')).toBe(1);
    expect(await redis.xpending('s', 'g')).toMatchObject([1, before[1], before[1], expect.anything()]);
    await read('alice', 1);
    const added = await redis.call('XADD', 's', 'DELREF', 'MAXLEN', '=', '1', '99', 'f', 'v');
    expect(await ids()).toEqual([added]);
    // What was gone before stays pending.
    expect(await redis.xpending('s', 'g')).toMatchObject([1, before[1], before[1], expect.anything()]);
    await redis.xgroup('DESTROY', 's', 'g');
    expect(await redis.call('XTRIM', 's', 'MAXLEN', '0', 'ACKED')).toBe(1);
    for (const words of [
      ['MAXLEN', '0', 'ACKED', 'DELREF'],
      ['MAXLEN', '0', 'KEEPREF', 'KEEPREF'],
      ['ACKED', '1'],
    ])
      await expect(redis.call('XTRIM', 's', ...words)).rejects.toThrow('ERR syntax error');
  });

  it('hold up a rough trimming entry by entry, in whole nodes that it may remove', async () => {
    const { redis, read } = await start();
    await redis.del('s');
    await redis.config('SET', 'stream-node-max-entries', '2');
    for (let n = 1; n <= 7; n++) await redis.xadd('s', `${n}`, 'f', 'v');
    await redis.xgroup('CREATE', 's', 'g', '0');
    await read('alice', 6);
    await redis.xack('s', 'g', '1', '3', '4', '5', '6');
    expect(await redis.call('XTRIM', 's', 'MINID', '~', '6', 'ACKED')).toBe(3);
    expect((await redis.xrange('s', '-', '+')).map(([id]) => id)).toEqual(['2-0', '5-0', '6-0', '7-0']);
    expect(await redis.call('XTRIM', 's', 'MAXLEN', '~', '1', 'DELREF', 'LIMIT', '1')).toBe(1);
    expect(await redis.xpending('s', 'g')).toEqual([0, null, null, null]);
    expect(await redis.xlen('s')).toBe(3);
  });

  it('are copied, dumped and restored with their stream', async () => {
    const { redis, read } = await start();
    await read('alice', 3);
    await redis.xdel('s', '3');
    const info = await redis.call('XINFO', 'STREAM', 's', 'FULL');
    await redis.copy('s', 'copy');
    expect(await redis.call('XINFO', 'STREAM', 'copy', 'FULL')).toEqual(info);
    await redis.restore('restored', 0, await redis.dumpBuffer('s'));
    expect(await redis.call('XINFO', 'STREAM', 'restored', 'FULL')).toEqual(info);
  });
});

describe('readers that wait', () => {
  async function start() {
    const server = await startRespite({ clock: 'manual' });
    const control = connect(server);
    let blocked = 0;
    const wait = async (...command: [string, ...string[]]) => {
      const [name, ...args] = command;
      const reply = connect(server)
        .call(name, ...args)
        .catch((reason: Error) => reason.message);
      blocked++;
      await untilInfo(control, 'blocked_clients', blocked);
      return { reply };
    };
    return { server, control, wait };
  }

  it('get what is added after they came, each of them', async () => {
    const { control, wait } = await start();
    await control.xadd('s', '1', 'old', 'entry');
    const first = await wait('XREAD', 'BLOCK', '0', 'STREAMS', 'none', 's', '$', '$');
    const second = await wait('XREAD', 'BLOCK', '0', 'STREAMS', 's', '$');
    await control.multi().xadd('s', '2', 'a', '1').xadd('s', '3', 'b', '2').exec();
    const wanted = [
      [
        's',
        [
          ['2-0', ['a', '1']],
          ['3-0', ['b', '2']],
        ],
      ],
    ];
    expect([await first.reply, await second.reply]).toEqual([wanted, wanted]);
  });

  it('of one group get an entry each, in order of arrival', async () => {
    const { control, wait } = await start();
    await control.xgroup('CREATE', 's', 'g', '$', 'MKSTREAM');
    const read = (name: string) => wait('XREADGROUP', 'GROUP', 'g', name, 'BLOCK', '0', 'STREAMS', 's', '>');
    const [alice, bob] = [await read('alice'), await read('bob')];
    await control.xadd('s', '1', 'n', '1');
    expect(await alice.reply).toEqual([['s', [['1-0', ['n', '1']]]]]);
    await control.xadd('s', '2', 'n', '2');
    expect(await bob.reply).toEqual([['s', [['2-0', ['n', '2']]]]]);
  });

  it.each([
    ['the group is destroyed', ['XGROUP', 'DESTROY', 's', 'g'], /^NOGROUP/],
    ['the key is deleted', ['DEL', 's'], /^NOGROUP/],
    ['everything is', ['FLUSHALL'], /^NOGROUP/],
    ['the key holds something else', ['SET', 's', 'text'], /^WRONGTYPE/],
    ['the databases are exchanged', ['SWAPDB', '0', '1'], /^NOGROUP/],
  ])('for a group get an error when %s', async (_when, [command, ...args], error) => {
    const { control, wait } = await start();
    await control.xgroup('CREATE', 's', 'g', '$', 'MKSTREAM');
    const reader = await wait('XREADGROUP', 'GROUP', 'g', 'alice', 'BLOCK', '0', 'STREAMS', 's', '>');
    await control.call(command, ...args);
    expect(await reader.reply).toMatch(error);
  });

  it('of a stream alone wait on when it is deleted, and give up in time', async () => {
    const { server, control, wait } = await start();
    await control.xadd('s', '5', 'a', 'b');
    const reader = await wait('XREAD', 'BLOCK', '0', 'STREAMS', 's', '$');
    const late = await wait('XREAD', 'BLOCK', '100', 'STREAMS', 'none', '0');
    await control.del('s');
    await control.set('s', 'text');
    await control.del('s');
    await control.xadd('s', '6', 'c', 'd');
    expect(await reader.reply).toEqual([['s', [['6-0', ['c', 'd']]]]]);
    server.advanceTime(101);
    expect(await late.reply).toBeNull();
  });
});
