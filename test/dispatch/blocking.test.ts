import { describe, expect, it } from 'vitest';
import type { ManualClock } from '../../src/ambient/clock.js';
import type { Call, CommandSpec } from '../../src/commands/command.js';
import { oneKey } from '../../src/commands/command.js';
import { absent } from '../../src/keyspace/database.js';
import { EventClass } from '../../src/keyspace/events.js';
import { RawClient } from '../support/raw-client.js';
import { plain } from '../support/reply-reader.mjs';
import { connect, startRespite } from '../support/respite.js';
import { untilInfo } from '../support/waiting.js';

/**
 * TAKE key seconds: waits for a string and removes it. What the blocking commands of all types have in
 * common.
 */
const take: CommandSpec = {
  name: 'take',
  group: 'string',
  since: '0.0.0',
  summary: 'Waits for a string.',
  complexity: 'O(1)',
  syntax: 'key timeout',
  flags: ['write', 'blocking'],
  keys: oneKey('RW access delete'),
  handler(call: Call): void {
    const { database, args, reply, server } = call;
    const ref = database.write(args[1]);
    if (ref !== absent) {
      reply.bytes(database.payload(ref));
      database.removeEntry(ref);
      database.modified(args[1], EventClass.generic, 'del');
      return;
    }
    const seconds = Number(args[2].latin1());
    const deadline = seconds === 0 ? Number.POSITIVE_INFINITY : server.clock.now() + seconds * 1000;
    call.block([args[1]], deadline, (to) => to.null());
  },
};

async function start(options = {}) {
  const server = await startRespite({ clock: 'manual', commands: [take], ...options });
  const control = connect(server);
  /** Resolves once this many clients are blocked. */
  const untilBlocked = (count: number) => untilInfo(control, 'blocked_clients', count);
  return { server, control, untilBlocked };
}

describe('a blocking command', () => {
  it('holds back what follows in a pipeline, also without the flag', async () => {
    const { server, control } = await start({ commands: [{ ...take, flags: ['write'] }] });
    const client = await RawClient.connect({ port: server.port });
    const replies = client.pipeline([
      ['GET', 'x'],
      ['TAKE', 'k', 0],
      ['SET', 'x', 1],
      ['GET', 'x'],
    ]);
    await untilInfo(control, 'blocked_clients', 1);
    expect(await control.get('x')).toBe(null);
    await control.set('k', 'v');
    expect((await replies).map(plain)).toEqual([null, 'v', 'OK', '1']);
    expect(await control.info('commandstats')).toMatch(/cmdstat_get:calls=3,/);
  });

  it('answers at once if the key is there', async () => {
    const { control } = await start();
    await control.set('k', 'v');
    expect(await control.call('TAKE', 'k', '0')).toBe('v');
  });

  it('is counted and logged once, when it is done', async () => {
    const { server, control, untilBlocked } = await start({ 'slowlog-log-slower-than': 0 });
    const taken = async () =>
      ((await control.slowlog('GET', -1)) as [number, number, number, string[]][])
        .map((entry) => entry[3].join(' '))
        .filter((line) => line.startsWith('TAKE'));
    const calls = async () => /cmdstat_take:calls=(\d+)/.exec(await control.info('commandstats'))?.[1];
    const waiting = connect(server).call('TAKE', 'k', '0');
    await untilBlocked(1);
    expect(await taken()).toEqual([]);
    expect(await calls()).toBeUndefined();
    await control.set('k', 'v');
    await waiting;
    expect(await taken()).toEqual(['TAKE k 0']);
    expect(await calls()).toBe('1');
  });

  it('is charged with the time of all its runs, and the pipeline that serves it with none', async () => {
    const slowTake: CommandSpec = {
      ...take,
      handler(call) {
        (call.server.clock as ManualClock).advance(2);
        take.handler!(call);
      },
    };
    const { server, control, untilBlocked } = await start({ commands: [slowTake] });
    const waiting = connect(server).call('TAKE', 'k', '0');
    await untilBlocked(1);
    const client = await RawClient.connect({ port: server.port });
    await client.pipeline([
      ['GET', 'x'],
      ['GET', 'x'],
      ['SET', 'k', 'v'],
      ['GET', 'x'],
    ]);
    expect(await waiting).toBe('v');
    const stats = await control.info('commandstats');
    expect(stats).toContain('cmdstat_take:calls=1,usec=4000,');
    expect(stats).toContain('cmdstat_get:calls=3,usec=0,');
    expect(stats).toContain('cmdstat_set:calls=1,usec=0,');
  });

  it('is counted as failed when it is unblocked with an error', async () => {
    const { server, control, untilBlocked } = await start();
    const client = connect(server);
    const id = String(await client.client('ID'));
    const waiting = client.call('TAKE', 'k', '0');
    await untilBlocked(1);
    await control.call('CLIENT', 'UNBLOCK', id, 'ERROR');
    await expect(waiting).rejects.toThrow('UNBLOCKED');
    const info = await control.call('INFO', 'commandstats', 'errorstats');
    expect(info).toMatch(/cmdstat_take:calls=1,.*,rejected_calls=0,failed_calls=1/);
    expect(info).toContain('errorstat_UNBLOCKED:count=1');
  });

  it('answers when the key comes', async () => {
    const { server, control, untilBlocked } = await start();
    const waiting = connect(server).call('TAKE', 'k', '0');
    await untilBlocked(1);
    await control.set('k', 'v');
    expect(await waiting).toBe('v');
    expect(await control.exists('k')).toBe(0);
    await untilBlocked(0);
  });

  it('gives up after a fraction of a second', async () => {
    const { server, untilBlocked } = await start();
    const waiting = connect(server).call('TAKE', 'k', '0.25');
    await untilBlocked(1);
    server.advanceTime(249);
    await untilBlocked(1);
    server.advanceTime(2);
    expect(await waiting).toBeNull();
  });

  it('serves in order of arrival', async () => {
    const { server, control, untilBlocked } = await start();
    const waiting: Promise<unknown>[] = [];
    for (let i = 1; i <= 3; i++) {
      waiting.push(connect(server).call('TAKE', 'k', '0'));
      await untilBlocked(i);
    }
    for (const value of ['first', 'second', 'third']) await control.set('k', value);
    expect(await Promise.all(waiting)).toEqual(['first', 'second', 'third']);
  });

  it('never blocks inside MULTI', async () => {
    const { control } = await start();
    expect(await control.multi().call('TAKE', 'k', '0').ping().exec()).toEqual([
      [null, null],
      [null, 'PONG'],
    ]);
  });

  it('is served after a transaction, not in the middle of it', async () => {
    const { server, control, untilBlocked } = await start();
    const waiting = connect(server).call('TAKE', 'k', '0');
    await untilBlocked(1);
    await control.multi().set('k', 'one').set('k', 'two').exec();
    expect(await waiting).toBe('two');
  });

  it('holds back what the client sent meanwhile, and then runs it', async () => {
    const { server, control, untilBlocked } = await start();
    const client = connect(server);
    const replies = Promise.all([client.call('TAKE', 'k', '0'), client.set('k', 'next'), client.get('k')]);
    await untilBlocked(1);
    await control.set('k', 'v');
    expect(await replies).toEqual(['v', 'OK', 'next']);
  });

  it.each([
    ['TIMEOUT', null],
    ['ERROR', 'UNBLOCKED client unblocked via CLIENT UNBLOCK'],
  ])('ends with CLIENT UNBLOCK %s', async (how, error) => {
    const { server, control, untilBlocked } = await start();
    const client = connect(server);
    const id = await client.client('ID');
    const waiting = client.call('TAKE', 'k', '0').catch((reason: Error) => reason.message);
    await untilBlocked(1);
    expect(await control.call('CLIENT', 'UNBLOCK', String(id), how)).toBe(1);
    expect(await waiting).toBe(error);
    expect(await control.call('CLIENT', 'UNBLOCK', String(id), how)).toBe(0);
  });

  it('is forgotten when the client leaves', async () => {
    const { server, control, untilBlocked } = await start();
    const client = connect(server);
    client.call('TAKE', 'k', '0').catch(() => {});
    await untilBlocked(1);
    client.disconnect();
    await untilBlocked(0);
    await control.set('k', 'v');
    expect(await control.get('k')).toBe('v');
  });

  it('is over for a client that was killed, before the next command', async () => {
    const { server, control, untilBlocked } = await start();
    const client = connect(server);
    const id = await client.client('ID');
    client.call('TAKE', 'k', '0').catch(() => {});
    await untilBlocked(1);
    const results = await control
      .pipeline()
      .call('CLIENT', 'KILL', 'ID', String(id))
      .set('k', 'v')
      .get('k')
      .client('LIST')
      .exec();
    expect(results?.slice(0, 3)).toEqual([
      [null, 1],
      [null, 'OK'],
      [null, 'v'],
    ]);
    expect(String(results?.[3][1])).not.toContain(`id=${id} `);
  });

  it('sees a key that arrives by RENAME, COPY or SWAPDB', async () => {
    const { server, control, untilBlocked } = await start();
    const arrivals = [
      ['RENAME', 'source', 'k'],
      ['COPY', 'source', 'k'],
    ];
    for (const [command, ...args] of arrivals) {
      await control.set('source', command);
      const waiting = connect(server).call('TAKE', 'k', '0');
      await untilBlocked(1);
      await control.call(command, ...args);
      expect(await waiting).toBe(command);
    }
    const waiting = connect(server).call('TAKE', 'k', '0');
    await untilBlocked(1);
    await control.select(1);
    await control.set('k', 'other');
    await control.call('SWAPDB', '0', '1');
    expect(await waiting).toBe('other');
  });

  it('lets two clients wake each other as often as their pipelines say', async () => {
    const { server, control, untilBlocked } = await start();
    const rounds = 5000;
    const sides = await Promise.all(['one', 'two'].map(() => RawClient.connect({ port: server.port })));
    const names = ['one', 'two'];
    const replies = sides.map((side, i) =>
      side.pipeline(
        Array.from({ length: rounds }, () => [
          ['TAKE', names[i], 0],
          ['SET', names[1 - i], 'x'],
        ]).flat(),
      ),
    );
    await untilBlocked(2);
    await control.set('one', 'x');
    for (const side of await Promise.all(replies)) expect(side).toHaveLength(rounds * 2);
    expect(await control.get('one')).toBe('x');
  });
});
