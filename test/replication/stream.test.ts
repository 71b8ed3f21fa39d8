import { describe, expect, it } from 'vitest';
import type { RespiteOptions } from '../../src/index.js';
import { infoField, infoFields, infoNumber } from '../support/info.js';
import { RawClient } from '../support/raw-client.js';
import { ReplicaClient } from '../support/replica-client.js';
import { connect, startRespite, startWithClient } from '../support/respite.js';
import { until, untilInfo } from '../support/waiting.js';

const directives = { 'repl-diskless-sync-delay': 0, 'enable-debug-command': 'yes' } as const;
const start = (more: RespiteOptions = {}) => startWithClient({ ...directives, ...more });

/** Asks for a full synchronization as old replicas do, and takes the snapshot. */
async function attach(port: number): Promise<ReplicaClient> {
  const replica = await ReplicaClient.connect(port);
  replica.send('SYNC');
  await replica.snapshot();
  return replica;
}

/** The same as newer replicas do. Returns id and offset too. */
async function attachNew(port: number, ...capabilities: string[]) {
  const replica = await ReplicaClient.connect(port);
  replica.send('REPLCONF', 'listening-port', 7777, ...capabilities.flatMap((each) => ['capa', each]));
  expect(await replica.line()).toBe('+OK');
  replica.send('PSYNC', '?', -1);
  const [, id, offset] = /^\+FULLRESYNC (\w{40}) (\d+)$/.exec(await replica.line())!;
  const snapshot = await replica.snapshot();
  return { replica, id, offset: Number(offset), snapshot };
}

async function commands(replica: ReplicaClient, count: number): Promise<string[]> {
  const lines: string[] = [];
  while (lines.length < count) lines.push((await replica.command()).join(' '));
  return lines;
}

describe('The stream that a replica gets', () => {
  it('has commands as they came, after a SELECT, and what changes together between MULTI and EXEC', async () => {
    const { server, redis } = await start();
    const replica = await attach(server.port);
    await redis.call('sEt', 'a', '1');
    await redis.call('incr', 'a');
    await redis.get('a');
    await redis.multi().set('b', '2').del('nothing').lpush('c', '3').exec();
    await redis.select(4);
    await redis.eval("redis.call('SET', 'd', 1); redis.call('append', 'd', 2)", 0);
    await redis.incrbyfloat('f', 1.5);
    expect(await commands(replica, 13)).toEqual([
      'SELECT 0',
      'sEt a 1',
      'incr a',
      'MULTI',
      'set b 2',
      'lpush c 3',
      'EXEC',
      'MULTI',
      'SELECT 4',
      'SET d 1',
      'append d 2',
      'EXEC',
      'SET f 1.5 KEEPTTL',
    ]);
    replica.close();
  });

  it('begins where the snapshot ends, also while that is made', async () => {
    const { server, redis } = await start({ 'rdb-key-save-delay': 1_000_000 });
    for (let i = 0; i < 50; i++) await redis.set(`key:${i}`, `before ${i}`);
    const replica = await ReplicaClient.connect(server.port);
    replica.send('SYNC');
    await untilInfo(redis, 'rdb_bgsave_in_progress', 1);
    expect(await infoField(redis, 'current_save_keys_total')).toBe('50');
    expect(await infoField(redis, 'rdb_current_bgsave_time_sec')).toBe('0');
    for (let i = 0; i < 50; i++) await redis.set(`key:${i}`, `after ${i}`);
    await redis.config('SET', 'rdb-key-save-delay', 0);
    const snapshot = (await replica.snapshot()).toString('latin1');
    expect(snapshot).toMatch(/^REDIS00\d\d/);
    for (let i = 0; i < 50; i++) expect(snapshot).toContain(`before ${i}`);
    expect(snapshot).not.toContain('after');
    expect((await commands(replica, 51)).at(-1)).toBe('set key:49 after 49');
    replica.close();
  });

  it('comes to one that knows the mark at the snapshot’s end after it has said that it has that', async () => {
    const { server, redis } = await start();
    await redis.set('a', '1');
    const { replica, snapshot } = await attachNew(server.port, 'eof', 'psync2');
    expect(snapshot.toString('latin1')).toContain('repl-id');
    await redis.set('b', '2');
    const info = await redis.info('replication');
    expect(info).toMatch(/slave0:ip=127.0.0.1,port=7777,state=online,offset=0,lag=\d/);
    expect(await redis.role()).toEqual([
      'master',
      await infoNumber(redis, 'master_repl_offset'),
      [['127.0.0.1', '7777', '0']],
    ]);
    replica.send('REPLCONF', 'ACK', 0);
    expect(await commands(replica, 2)).toEqual(['SELECT 0', 'set b 2']);
    replica.send('REPLCONF', 'ACK', 12);
    await until('the acknowledgement has come', async () =>
      (await redis.info('replication')).includes('offset=12,'),
    );
    replica.close();
  });

  it('is whole for one who came while a file was written for somebody who wants only that', async () => {
    const { server, redis } = await start({
      'repl-diskless-sync': false,
      'repl-backlog-size': 16384,
      'rdb-key-save-delay': 1_000_000,
    });
    await redis.set('first', '1');
    await redis.set('second', '2');
    const copier = await ReplicaClient.connect(server.port);
    copier.send('REPLCONF', 'rdb-only', 1);
    expect(await copier.line()).toBe('+OK');
    copier.send('SYNC');
    await untilInfo(redis, 'rdb_bgsave_in_progress', 1);
    for (let i = 0; i < 10; i++) await redis.set('big', 'x'.repeat(10_000));
    const attaching = attach(server.port);
    await untilInfo(redis, 'connected_slaves', 2);
    await redis.config('SET', 'rdb-key-save-delay', 0);
    const replica = await attaching;
    expect((await copier.snapshot()).toString('latin1')).not.toContain('big');
    await redis.set('last', '3');
    expect(await commands(replica, 2)).toEqual(['SELECT 0', 'set last 3']);
    replica.close();
    copier.close();
  });

  it('has a transaction that ended the snapshot of another replica as a whole, or not at all', async () => {
    const { server, redis } = await start({ 'rdb-key-save-delay': 1_000_000 });
    await redis.mset('count', '0', 'other', 'x');
    const first = await ReplicaClient.connect(server.port);
    first.send('REPLCONF', 'capa', 'eof');
    expect(await first.line()).toBe('+OK');
    first.send('PSYNC', '?', -1);
    expect(await first.line()).toMatch(/^\+FULLRESYNC/);
    const attaching = attachNew(server.port);
    await untilInfo(redis, 'connected_slaves', 2);
    const address = `127.0.0.1:${first.socket.localPort}`;
    expect(await redis.multi().incr('count').client('KILL', address).incr('count').exec()).toEqual([
      [null, 1],
      [null, 'OK'],
      [null, 2],
    ]);
    await redis.config('SET', 'rdb-key-save-delay', 0);
    const { replica, offset } = await attaching;
    expect(offset).toBe(await infoNumber(redis, 'master_repl_offset'));
    await redis.set('last', '3');
    expect(await commands(replica, 2)).toEqual(['SELECT 0', 'set last 3']);
    replica.close();
  });

  it('is pinged', async () => {
    const { server } = await start({ 'repl-ping-replica-period': 1 });
    const replica = await attach(server.port);
    expect(await replica.command()).toEqual(['PING']);
    replica.close();
  });

  it('ends with whatever is answered to it', async () => {
    const { server } = await start();
    for (const command of [['GET', 'a'], ['PING']]) {
      const replica = await attach(server.port);
      replica.send(...command);
      await replica.closed();
    }
  });

  it('ends when it takes too much memory', async () => {
    const { server, redis } = await start({ 'repl-backlog-size': 16384 });
    await redis.config('SET', 'client-output-buffer-limit', 'replica 1mb 0 0');
    const replica = await attach(server.port);
    replica.socket.pause();
    const value = 'x'.repeat(100_000);
    let most = 0;
    await until('the replica is gone', async () => {
      await redis.set('a', value);
      const line = String(await redis.client('LIST', 'TYPE', 'replica' as never));
      most = Math.max(most, Number(/ omem=(\d+) /.exec(line)?.[1] ?? 0));
      return (await infoNumber(redis, 'connected_slaves')) === 0;
    });
    expect(most).toBeGreaterThan(value.length);
    expect(await infoNumber(redis, 'mem_total_replication_buffers')).toBeLessThan(4_000_000);
    replica.close();
  });
});

describe('A replica that comes back', () => {
  it('goes on where it was', async () => {
    const { server, redis } = await start();
    const { replica, id, offset } = await attachNew(server.port);
    await redis.set('a', '1');
    expect(await commands(replica, 2)).toEqual(['SELECT 0', 'set a 1']);
    replica.close();
    await redis.set('b', '2');
    const applied = '*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nset\r\n$1\r\na\r\n$1\r\n1\r\n'.length;
    for (const capability of ['psync2', 'eof']) {
      const again = await ReplicaClient.connect(server.port);
      again.send('REPLCONF', 'capa', capability);
      await again.line();
      again.send('PSYNC', id, offset + applied + 1);
      expect(await again.line()).toBe(capability === 'psync2' ? `+CONTINUE ${id}` : '+CONTINUE');
      expect(await commands(again, 1)).toEqual(['set b 2']);
      again.close();
    }
    const stats = await infoFields(redis, 'stats');
    expect(['sync_full', 'sync_partial_ok', 'sync_partial_err'].map((name) => stats.get(name))).toEqual([
      '1',
      '2',
      '0',
    ]);
  });

  it('gets everything if its history is another one, or has gone on too far', async () => {
    const { server, redis } = await start({ 'repl-backlog-size': 16384 });
    const { replica, id, offset } = await attachNew(server.port);
    replica.close();
    for (let i = 0; i < 10; i++) await redis.set('a', 'x'.repeat(10_000));
    const ask = async (...words: (string | number)[]) => {
      const again = await ReplicaClient.connect(server.port);
      again.send(...words);
      const line = await again.line();
      again.close();
      return line;
    };
    expect(await ask('PSYNC', id, offset + 1)).toMatch(/^\+FULLRESYNC/);
    expect(await ask('PSYNC', 'x'.repeat(40), offset + 1)).toMatch(/^\+FULLRESYNC/);
    await redis.call('DEBUG', 'CHANGE-REPL-ID');
    const end = await infoNumber(redis, 'master_repl_offset');
    expect(await ask('PSYNC', id, end + 1)).toMatch(/^\+FULLRESYNC/);
    expect(await ask('PSYNC', id, 'x')).toMatch(/^-ERR value is not an integer/);
    expect(await infoField(redis, 'sync_partial_err')).toBe('3');
  });
});

describe('REPLCONF', () => {
  it('refuses what it does not know', async () => {
    const { redis } = await start();
    await expect(redis.call('REPLCONF', 'capa')).rejects.toThrow('ERR syntax error');
    await expect(redis.call('REPLCONF', 'what', 'ever')).rejects.toThrow(
      'ERR Unrecognized REPLCONF option: what',
    );
    await expect(redis.call('REPLCONF', 'rdb-filter-only', 'keys')).rejects.toThrow(
      'ERR Unsupported rdb-filter-only option: keys',
    );
    expect(await redis.call('REPLCONF', 'capa', 'of tomorrow')).toBe('OK');
  });

  it('rdb-filter-only functions leaves out the keys', async () => {
    const { server, redis } = await start();
    await redis.set('a-key', 'x');
    await redis.call(
      'FUNCTION',
      'LOAD',
      '#!lua name=lib\nredis.register_function("f", function() return 1 end)',
    );
    const replica = await ReplicaClient.connect(server.port);
    replica.send('REPLCONF', 'rdb-only', 1, 'rdb-filter-only', 'functions');
    await replica.line();
    replica.send('SYNC');
    const snapshot = (await replica.snapshot()).toString('latin1');
    expect(snapshot).toContain('register_function');
    expect(snapshot).not.toContain('a-key');
    await redis.set('b', '1');
    expect(await redis.info('replication')).toContain('state=rdb_transmitted');
    replica.close();
  });
});

describe('WAIT', () => {
  it('tells how many replicas have applied what the client wrote', async () => {
    const { server, redis } = await start();
    const other = connect(server);
    const { replica } = await attachNew(server.port);
    expect(await redis.wait(0, 0)).toBe(1);
    await redis.set('a', '1');
    expect(await redis.wait(1, 20)).toBe(0);
    expect(await redis.multi().set('a', '2').exec()).toEqual([[null, 'OK']]);
    expect(await redis.wait(1, 20)).toBe(0);
    const waiting = redis.wait(1, 0);
    await other.set('b', '2');
    for (let words = await replica.command(); words[0] !== 'REPLCONF'; words = await replica.command());
    const offset = await infoNumber(other, 'master_repl_offset');
    replica.send('REPLCONF', 'ACK', offset);
    expect(await waiting).toBe(1);
    await other.eval("return redis.call('incr', 'a')", 0);
    expect(await other.wait(1, 20)).toBe(0);
    expect(await redis.wait(1, 20)).toBe(1);
    replica.close();
  });

  it('refuses what is no number or no time', async () => {
    const { redis } = await start();
    await expect(redis.wait('x' as never, 0)).rejects.toThrow('ERR value is not an integer or out of range');
    await expect(redis.wait(1, -1)).rejects.toThrow('ERR timeout is negative');
    await expect(redis.wait(1, '9223372036854775807' as never)).rejects.toThrow(
      'ERR timeout is out of range',
    );
    expect(await redis.multi().wait(1, 0).exec()).toEqual([[null, 0]]);
  });
});

describe('WAITAOF', () => {
  it('needs a file', async () => {
    const { redis } = await start();
    await expect(redis.call('WAITAOF', 1, 0, 0)).rejects.toThrow(
      'ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.',
    );
    await expect(redis.call('WAITAOF', 2, 0, 0)).rejects.toThrow(
      'ERR value is out of range, value must between 0 and 1',
    );
    await expect(redis.call('WAITAOF', 0, -1, 0)).rejects.toThrow(
      'ERR value is out of range, must be positive',
    );
    expect(await redis.call('WAITAOF', 0, 0, 0)).toEqual([0, 0]);
  });

  it('tells how many replicas have it on their disks', async () => {
    const { server, redis } = await start();
    const { replica } = await attachNew(server.port);
    await redis.set('a', '1');
    const waiting = redis.call('WAITAOF', 0, 1, 0);
    replica.send('REPLCONF', 'ACK', 100);
    const other = connect(server);
    await until('the acknowledgement has come', async () =>
      (await other.info('replication')).includes('offset=100,'),
    );
    expect(await infoField(other, 'blocked_clients')).toBe('1');
    replica.send('REPLCONF', 'ACK', 100, 'FACK', 100);
    expect(await waiting).toEqual([0, 1]);
    replica.close();
  });
});

it('min-replicas-to-write refuses writing without enough of them', async () => {
  const { server, redis } = await start({ 'min-replicas-to-write': 1 });
  const refused = 'NOREPLICAS Not enough good replicas to write.';
  await expect(redis.set('a', '1')).rejects.toThrow(refused);
  const { replica } = await attachNew(server.port);
  await untilInfo(redis, 'min_slaves_good_slaves', 1);
  expect(await redis.set('a', '1')).toBe('OK');
  replica.close();
  await untilInfo(redis, 'connected_slaves', 0);
  await expect(redis.set('a', '1')).rejects.toThrow(refused);
});

it('The backlog is dropped after a while without replicas', async () => {
  const { server, redis } = await start({ 'repl-backlog-ttl': 1 });
  const { replica, id } = await attachNew(server.port);
  replica.close();
  await untilInfo(redis, 'repl_backlog_active', 0);
  expect(await infoField(redis, 'master_replid')).toMatch(/^\w{40}$/);
  expect(await infoField(redis, 'master_replid')).not.toBe(id);
});

it('Replicas are filtered by their type', async () => {
  const { server, redis } = await start();
  const replica = await attach(server.port);
  expect(await redis.client('LIST', 'TYPE', 'replica' as never)).toMatch(/flags=S .*cmd=sync/);
  expect(await redis.client('KILL', 'TYPE', 'slave')).toBe(1);
  await replica.closed();
});

it('A server without replicas keeps nothing for them', async () => {
  const server = await startRespite();
  const client = await RawClient.connect({ port: server.port });
  await client.call('SET', 'a', '1');
  const info = String(await client.call('INFO', 'replication'));
  expect(info).toContain('master_repl_offset:0\r\n');
  expect(info).toContain('repl_backlog_active:0\r\n');
  await client.close();
});

describe('The end of the server', () => {
  it('waits for replicas that lag behind, and can be called off', async () => {
    const { server, redis } = await start();
    const { replica, offset } = await attachNew(server.port);
    const other = connect(server);
    const writer = connect(server);
    await redis.set('a', '1');
    const ending = other.call('SHUTDOWN').catch(String);
    let left = '';
    const untilWaiting = () =>
      until('the server waits for the replica', async () => {
        left = await infoField(redis, 'shutdown_in_milliseconds');
        return left !== '';
      });
    await untilWaiting();
    expect(Number(left)).toBeLessThanOrEqual(10_000);
    const written = writer.set('b', '2');
    expect(await redis.get('b')).toBeNull();
    await redis.call('SHUTDOWN', 'ABORT');
    expect(await ending).toContain('ERR Errors trying to SHUTDOWN. Check logs.');
    expect(await written).toBe('OK');
    const again = other.call('SHUTDOWN').catch(String);
    await untilWaiting();
    const end = await infoNumber(redis, 'master_repl_offset');
    replica.send('REPLCONF', 'ACK', offset + end);
    expect(await again).toContain('Connection is closed');
    await replica.closed();
  });
});

it('Replicas get messages, for those who listen there', async () => {
  const { server, redis } = await start();
  const replica = await attach(server.port);
  await redis.publish('news', 'one');
  await redis.multi().publish('news', 'two').set('a', '1').exec();
  await redis.eval("redis.call('publish', 'news', 'three')", 0);
  expect(await commands(replica, 7)).toEqual([
    'SELECT 0',
    'publish news one',
    'MULTI',
    'publish news two',
    'set a 1',
    'EXEC',
    'publish news three',
  ]);
  replica.close();
});
