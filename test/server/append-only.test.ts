import fs, { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import type { Respite, RespiteOptions } from '../../src/index.js';
import type { FileSystem } from '../../src/persistence/files.js';
import { dataFolder } from '../support/data-folder.js';
import { encodeCommand } from '../support/encode-command.mjs';
import { infoField } from '../support/info.js';
import { RawClient } from '../support/raw-client.js';
import { describeWithRedisServer, startRedisServer } from '../support/redis-server.js';
import { digest } from '../support/replicas.js';
import { connect, connected, connectTo, startRespite, startServer } from '../support/respite.js';
import { rewritten, until, untilInfo } from '../support/waiting.js';

const debug = { 'enable-debug-command': 'yes' } as const;

async function start(dir: string, options: RespiteOptions = {}): Promise<{ server: Respite; redis: Redis }> {
  const server = await startRespite({ dir, appendonly: true, ...debug, ...options });
  return { server, redis: connect(server) };
}

/** Starts again on the files of a server that was closed. */
async function restart(server: Respite, dir: string, options: RespiteOptions = {}) {
  await server.close();
  return start(dir, options);
}

function manifest(dir: string): string[] {
  return readFileSync(join(dir, 'appendonlydir', 'appendonly.aof.manifest'), 'latin1')
    .trim()
    .split('\n');
}

function appended(dir: string, name = 'appendonly.aof.1.incr.aof'): string {
  return readFileSync(join(dir, 'appendonlydir', name), 'latin1');
}

/** One value of each type, some with an expiry, in two databases. */
async function fill(redis: Redis): Promise<void> {
  await redis.set('string', 'value');
  await redis.set('volatile', 'value', 'PX', 1_000_000);
  await redis.rpush('list', ...Array.from({ length: 300 }, (_, i) => `item${i}`));
  await redis.hset('hash', { a: 1, b: 'x'.repeat(500) });
  await redis.sadd('set', 1, 2, 3);
  await redis.sadd('members', ...Array.from({ length: 300 }, (_, i) => `member${i}`));
  await redis.zadd('zset', 1.5, 'a', '-inf', 'b');
  await redis.incrbyfloat('float', 0.1);
  await redis.spop('set');
  await redis.pfadd('hll', 'a', 'b');
  await redis.select(5);
  await redis.set('elsewhere', '1');
  await redis.select(0);
}

describe('the append-only file', () => {
  it('brings everything back', async () => {
    const dir = dataFolder();
    let { server, redis } = await start(dir);
    expect(manifest(dir)).toEqual([
      'file appendonly.aof.1.base.rdb seq 1 type b',
      'file appendonly.aof.1.incr.aof seq 1 type i',
    ]);
    await fill(redis);
    const before = await digest(redis);
    ({ server, redis } = await restart(server, dir));
    expect(await digest(redis)).toEqual(before);
    expect(await redis.pttl('volatile')).toBeGreaterThan(900_000);
    await redis.set('more', '1');
    ({ redis } = await restart(server, dir));
    expect(await redis.get('more')).toBe('1');
  });

  it.each([true, false])('is rewritten, while writing goes on (snapshot in front: %s)', async (preamble) => {
    const dir = dataFolder();
    const options = { 'aof-use-rdb-preamble': preamble };
    let { server, redis } = await start(dir, options);
    await fill(redis);
    const rewriting = rewritten(redis);
    for (let i = 0; i < 100; i++) await redis.rpush('list', `more${i}`);
    await rewriting;
    expect(manifest(dir)).toEqual([
      `file appendonly.aof.2.base.${preamble ? 'rdb' : 'aof'} seq 2 type b`,
      'file appendonly.aof.2.incr.aof seq 2 type i',
    ]);
    expect(await redis.info('persistence')).toMatch(/aof_last_bgrewrite_status:ok\r\naof_rewrites:1\r\n/);
    await until('the former files are gone', () => readdirSync(join(dir, 'appendonlydir')).length === 3);
    const before = await digest(redis);
    ({ server, redis } = await restart(server, dir, options));
    expect(await digest(redis)).toEqual(before);
  });

  it('brings back strings longer than a request may make today', async () => {
    const dir = dataFolder();
    const mebibyte = 2 ** 20;
    let { server, redis } = await start(dir);
    await redis.setrange('set', mebibyte, 'x');
    await redis.append('appended', 'x'.repeat(mebibyte));
    await redis.append('appended', 'x');
    await redis.setbit('bit', mebibyte * 8, 1);
    await redis.bitfield('bits', 'SET', 'u8', `#${mebibyte}`, 1);
    await redis.eval("redis.call('setrange', 'scripted', ARGV[1], 'x')", 0, mebibyte);
    const before = await digest(redis);
    ({ server, redis } = await restart(server, dir, { 'proto-max-bulk-len': mebibyte }));
    expect(await digest(redis)).toEqual(before);
    await expect(redis.append('appended', 'x')).rejects.toThrow('exceeds maximum allowed size');
    await expect(redis.setbit('bit', mebibyte * 8, 0)).rejects.toThrow('bit offset is not an integer');
    await server.close();
  });

  it('is switched on and off while the server runs', async () => {
    const dir = dataFolder();
    let { server, redis } = await start(dir, { appendonly: false });
    await fill(redis);
    expect(existsSync(join(dir, 'appendonlydir'))).toBe(false);
    await redis.config('SET', 'appendonly', 'yes');
    await untilInfo(redis, 'aof_enabled', 1);
    await untilInfo(redis, 'aof_rewrite_in_progress', 0);
    await redis.set('after', '1');
    const before = await digest(redis);
    await redis.config('SET', 'appendonly', 'no');
    await redis.set('not there', '1');
    ({ server, redis } = await restart(server, dir));
    expect(await digest(redis)).toEqual(before);
  });

  it('repeats what expired, and not what did not happen', async () => {
    const dir = dataFolder();
    const { server, redis } = await start(dir, { clock: 'manual' });
    await redis.set('a', '1', 'PX', 10);
    await redis.get('a');
    await redis.del('absent');
    server.advanceTime(11);
    await redis.get('a');
    await server.close();
    const lines = appended(dir)
      .split('\r\n')
      .filter((word) => /^[A-Za-z]/.test(word));
    expect(lines.map((word) => word.toLowerCase())).toEqual(['select', 'set', 'a', 'pxat', 'del', 'a']);
  });

  it('is loaded up to where it was cut, if that is allowed', async () => {
    const dir = dataFolder();
    let { server, redis } = await start(dir);
    await redis.set('a', '1');
    await redis.multi().set('a', '2').set('b', '2').exec();
    await server.close();
    const path = join(dir, 'appendonlydir', 'appendonly.aof.1.incr.aof');
    const whole = readFileSync(path, 'latin1');
    writeFileSync(path, whole.slice(0, -5), 'latin1');
    await expect(start(dir, { 'aof-load-truncated': false })).rejects.toThrow(
      'Unexpected end of file reading the append only file appendonly.aof.1.incr.aof',
    );
    ({ server, redis } = await start(dir));
    expect(await redis.mget('a', 'b')).toEqual(['1', null]);
    await redis.set('c', '3');
    ({ redis } = await restart(server, dir));
    expect(await redis.mget('a', 'b', 'c')).toEqual(['1', null, '3']);
  });

  it('keeps the server from starting if it cannot be understood', async () => {
    const dir = dataFolder();
    const { server, redis } = await start(dir);
    await redis.set('a', '1');
    await server.close();
    const path = join(dir, 'appendonlydir', 'appendonly.aof.1.incr.aof');
    const whole = readFileSync(path, 'latin1');
    writeFileSync(path, `${whole}!!!`);
    await expect(start(dir)).rejects.toThrow(
      'Bad file format reading the append only file appendonly.aof.1.incr.aof',
    );
    writeFileSync(path, `${whole}*1\r\n$3\r\nfoo\r\n`);
    await expect(start(dir)).rejects.toThrow("Unknown command 'foo' reading the append only file");
    fs.unlinkSync(path);
    await expect(start(dir)).rejects.toThrow('No such file or directory');
    writeFileSync(join(dir, 'appendonlydir', 'appendonly.aof.manifest'), 'nonsense\n');
    await expect(start(dir)).rejects.toThrow('Invalid AOF manifest file format');
  });

  it('is loaded anew by DEBUG LOADAOF, in turns, also while a slow script of it runs', async () => {
    const dir = dataFolder();
    const { server, redis } = await start(dir, { 'busy-reply-threshold': 1 });
    await redis.mset('a', '1', 'b', '1');
    await redis.set('b', '2');
    const code = "redis.call('rpush', 'waited', 1); for i = 1, 3e6 do end; redis.call('set', 'slow', 'done')";
    appendFileSync(join(dir, 'appendonlydir', 'appendonly.aof.1.incr.aof'), encodeCommand(['EVAL', code, 0]));
    const [other, third] = [await connected(server), connect(server)];
    const popped = third.blpop('waited', 0);
    await untilInfo(redis, 'blocked_clients', 1);
    const loaded = redis.call('DEBUG', 'LOADAOF');
    const outcomes = new Set<string>();
    await until('another client has been refused, and answered again', async () => {
      outcomes.add(await other.ping().catch((error: Error) => error.message));
      return outcomes.size >= 2 && outcomes.has('PONG');
    });
    expect([...outcomes].sort()).toEqual(['LOADING Redis is loading the dataset in memory', 'PONG']);
    expect(await loaded).toBe('OK');
    expect(await redis.mget('a', 'b', 'slow')).toEqual(['1', '2', 'done']);
    expect(await popped).toEqual(['waited', '1']);
    await expect(redis.multi().call('DEBUG', 'LOADAOF').exec()).resolves.toMatchObject([
      [{ message: /^ERR DEBUG LOADAOF/ }],
    ]);
    const before = await digest(redis);
    expect(await redis.call('DEBUG', 'LOADAOF')).toBe('OK');
    expect(await digest(redis)).toEqual(before);
  });

  it('leaves a file alone that no manifest lists, and does not go on with it', async () => {
    const dir = dataFolder();
    let { server, redis } = await start(dir);
    await redis.set('a', '1');
    await server.close();
    const path = join(dir, 'appendonlydir', 'appendonly.aof.manifest');
    writeFileSync(path, `${manifest(dir)[0]}\n`);
    const unlisted = appended(dir);
    ({ server, redis } = await start(dir));
    await redis.set('b', '2');
    expect(manifest(dir)[1]).toBe('file appendonly.aof.2.incr.aof seq 2 type i');
    ({ redis } = await restart(server, dir));
    expect(await redis.keys('*')).toEqual(['b']);
    expect(appended(dir)).toBe(unlisted);
  });

  it('takes in the single file of before Redis 7', async () => {
    const dir = dataFolder();
    writeFileSync(join(dir, 'appendonly.aof'), '*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n');
    const { server, redis } = await start(dir);
    expect(await redis.get('a')).toBe('1');
    expect(manifest(dir)).toEqual([
      'file appendonly.aof seq 1 type b',
      'file appendonly.aof.1.incr.aof seq 1 type i',
    ]);
    expect(existsSync(join(dir, 'appendonly.aof'))).toBe(false);
    await redis.set('b', '2');
    const again = await restart(server, dir);
    expect(await again.redis.mget('a', 'b')).toEqual(['1', '2']);
  });

  it('is durable before any reply, once for all clients of a turn, if always', async () => {
    const dir = dataFolder();
    const { server, redis } = await start(dir, { appendfsync: 'always' });
    const clients = Array.from({ length: 10 }, () => connect(server));
    await Promise.all(clients.map((client) => client.ping()));
    await Promise.all(
      clients.map(async (client, i) => {
        for (let n = 0; n < 20; n++) {
          await client.set(`key${i}:${n}`, 'x');
          expect(appended(dir)).toContain(`key${i}:${n}\r\n`);
        }
      }),
    );
    expect(await redis.dbsize()).toBe(200);
  });
});

describeWithRedisServer('the append-only file', () => {
  it.each([true, false])(
    'is loaded by redis-server, with equal data (snapshot in front: %s)',
    async (preamble) => {
      const dir = dataFolder();
      const { server, redis } = await start(dir, { 'rdb-version': '10', 'aof-use-rdb-preamble': preamble });
      await fill(redis);
      await rewritten(redis);
      await fill(redis);
      await redis.multi().set('a', '1').lpop('list').exec();
      const before = await digest(redis);
      await server.close();
      const theirs = await startRedisServer(
        '--dir',
        dir,
        '--appendonly',
        'yes',
        '--enable-debug-command',
        'yes',
      );
      try {
        const client = connectTo(theirs.port);
        expect(await digest(client)).toEqual(before);
      } finally {
        await theirs.stop();
      }
    },
  );

  it.each(['yes', 'no'])(
    'of redis-server is loaded, with equal data (snapshot in front: %s)',
    async (preamble) => {
      const dir = dataFolder();
      const args = [
        '--dir',
        dir,
        '--appendonly',
        'yes',
        '--enable-debug-command',
        'yes',
        '--aof-use-rdb-preamble',
        preamble,
      ];
      const theirs = await startRedisServer(...args);
      let before: unknown;
      try {
        const client = connectTo(theirs.port);
        await fill(client);
        await rewritten(client);
        await fill(client);
        await client.multi().set('a', '1').lpop('list').exec();
        before = await digest(client);
        await client.config('SET', 'appendfsync', 'always');
      } finally {
        await theirs.stop();
      }
      const { redis } = await start(dir);
      expect(await digest(redis)).toEqual(before);
    },
  );
});

/** A server on files that fail on demand. */
async function startOnFaultyDisk(directives: RespiteOptions) {
  const dir = dataFolder();
  const faults = { write: false, sync: false, rename: false, afterWrite: () => {} };
  const fail = (code: string) => {
    throw Object.assign(new Error(code), { code });
  };
  const files: FileSystem = {
    ...fs,
    writeSync: ((...args: Parameters<typeof fs.writeSync>) => {
      if (faults.write) return fail('ENOSPC');
      const written = fs.writeSync(...args);
      faults.afterWrite();
      return written;
    }) as typeof fs.writeSync,
    write: ((...args: unknown[]) => {
      const done = args.at(-1) as (error: Error | null) => void;
      if (faults.write) setImmediate(() => done(Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })));
      else (fs.write as (...all: unknown[]) => void)(...args);
    }) as unknown as typeof fs.write,
    fdatasyncSync: (fd) => (faults.sync ? fail('EIO') : fs.fdatasyncSync(fd)),
    renameSync: (from, to) => (faults.rename ? fail('EROFS') : fs.renameSync(from, to)),
  };
  const { server, clock } = await startServer({ dir, appendonly: true, ...directives }, files);
  const redis = connectTo(server.listeners.port);
  return { server, clock, redis, dir, faults };
}

describe('a disk that fails', () => {
  it.each(['everysec', 'no'] as const)(
    'refuses writes until it works again, and loses nothing (%s)',
    async (policy) => {
      const { server, redis, dir, faults } = await startOnFaultyDisk({ appendfsync: policy });
      await redis.set('a', '1');
      // What comes during a sync may be written later.
      await untilInfo(redis, 'aof_pending_bio_fsync', 0);
      faults.write = true;
      await redis.set('b', '2');
      await new Promise((resolve) => setImmediate(resolve));
      await expect(redis.set('c', '3')).rejects.toThrow(
        'MISCONF Errors writing to the AOF file: No space left on device',
      );
      await expect(redis.ping()).rejects.toThrow('MISCONF');
      await expect(redis.multi().set('c', '3').exec()).rejects.toThrow('EXECABORT');
      expect(await redis.get('b')).toBe('2');
      expect(await redis.info('persistence')).toContain('aof_last_write_status:err');
      faults.write = false;
      server.tick();
      await redis.set('d', '4');
      await server.close();
      const again = await start(dir);
      expect(await again.redis.mget('a', 'b', 'c', 'd')).toEqual(['1', '2', null, '4']);
    },
  );

  it('acknowledges nothing that is not durable, if always', async () => {
    const { server, redis, dir, faults } = await startOnFaultyDisk({ appendfsync: 'always' });
    const other = connectTo(server.listeners.port);
    await other.set('a', '1');
    faults.sync = true;
    await expect(redis.set('b', '2')).rejects.toThrow();
    await expect(other.set('c', '3')).rejects.toThrow('MISCONF Errors writing to the AOF file: EIO');
    faults.sync = false;
    server.tick();
    await other.set('d', '4');
    await server.close();
    const again = await start(dir);
    expect(await again.redis.mget('a', 'c', 'd')).toEqual(['1', null, '4']);
  });

  it('acknowledges nothing before it is written, also after a long reply in the same turn', async () => {
    const { server, redis, dir, faults } = await startOnFaultyDisk({ appendfsync: 'always' });
    await redis.set('long', Buffer.alloc(17 * 1024 * 1024));
    const [first, second] = await Promise.all(
      [1, 2].map(() => RawClient.connect({ port: server.listeners.port })),
    );
    for (const client of [first, second]) await client.call('PING');
    faults.afterWrite = () => {
      faults.write = true;
    };
    first.write(Buffer.concat([encodeCommand(['SET', 'a', '1']), encodeCommand(['GET', 'long'])]));
    second.write(encodeCommand(['SET', 'b', '1']));
    const told = await second.next().then(
      () => true,
      () => false,
    );
    await server.close();
    const again = await start(dir);
    expect(await again.redis.get('a')).toBe('1');
    expect(await again.redis.get('b')).toBe(told ? '1' : null);
  });

  it('tells how far a rewrite is', async () => {
    const { redis } = await start(dataFolder(), { 'rdb-key-save-delay': 1_000_000 });
    await redis.mset('a', '1', 'b', '2', 'c', '3');
    await redis.call('BGREWRITEAOF');
    expect(await infoField(redis, 'current_save_keys_total')).toBe('3');
    await redis.config('SET', 'rdb-key-save-delay', 0);
    await untilInfo(redis, 'aof_rewrite_in_progress', 0);
    expect(await infoField(redis, 'current_save_keys_total')).toBe('0');
  });

  it('leaves the files as they are when a rewrite cannot be finished', async () => {
    const { server, redis, dir, faults } = await startOnFaultyDisk({});
    await redis.set('a', '1');
    faults.rename = true;
    await redis.call('BGREWRITEAOF').catch(() => {});
    await untilInfo(redis, 'aof_rewrite_in_progress', 0);
    expect(await redis.info('persistence')).toContain('aof_last_bgrewrite_status:err');
    await redis.set('b', '2');
    faults.rename = false;
    await rewritten(redis);
    expect(await redis.info('persistence')).toContain('aof_last_bgrewrite_status:ok');
    await redis.set('c', '3');
    await server.close();
    const again = await start(dir);
    expect(await again.redis.mget('a', 'b', 'c')).toEqual(['1', '2', '3']);
  });

  it('does not remove in the background what the next rewrite gives the same name', async () => {
    const dir = dataFolder();
    const late: string[] = [];
    let failing = true;
    const files = {
      ...fs,
      unlink: (path: string) => void late.push(path),
      renameSync(from: string, to: string) {
        if (failing && to.endsWith('.incr.aof')) throw Object.assign(new Error('EIO'), { code: 'EIO' });
        fs.renameSync(from, to);
      },
    } as unknown as FileSystem;
    const { server } = await startServer({ dir, appendonly: false }, files);
    const redis = connectTo(server.listeners.port);
    await redis.set('a', '1');
    await redis.config('SET', 'appendonly', 'yes');
    const failed = async () => (await redis.info('persistence')).includes('aof_last_bgrewrite_status:err');
    await until('a rewrite has failed', failed);
    failing = false;
    await until('the next one is done', async () => !(await failed()));
    for (const path of late) fs.rmSync(path, { force: true });
    await redis.set('b', '2');
    await server.close();
    const again = await start(dir);
    expect(await again.redis.mget('a', 'b')).toEqual(['1', '2']);
  });
});
