import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Respite, type RespiteOptions } from '../../src/index.js';
import { LoadError } from '../../src/server/load-error.js';
import { bytes, int64, listpack, rdbFile, string } from '../persistence/rdb-file.js';
import { samples } from '../persistence/samples.js';
import { infoFields } from '../support/info.js';
import { RawClient } from '../support/raw-client.js';
import { describeWithRedisServer, freePort, startRedisServer } from '../support/redis-server.js';
import { connect, startRespite } from '../support/respite.js';

const folder = mkdtempSync(join(tmpdir(), 'respite-loading-'));
afterAll(() => rmSync(folder, { recursive: true }));

const debug = { 'enable-debug-command': 'yes' } as const;
const set = (name: string, value: string) => bytes(0, string(name), string(value));

/** Options of a server that loads this file. */
function withFile(name: string, content: Buffer): RespiteOptions {
  writeFileSync(join(folder, name), content);
  return { ...debug, dir: folder, dbfilename: name };
}

describe('at the start', () => {
  it('a server loads its file, and without one begins empty', async () => {
    const past = bytes(0xfc, int64(1));
    const file = rdbFile(11, set('a', '1'), past, set('old', '1'), [
      16,
      string('h'),
      string(listpack('f', 'v')),
    ]);
    const redis = connect(await startRespite(withFile('some.rdb', file)));
    expect(await redis.get('a')).toBe('1');
    expect(await redis.hgetall('h')).toEqual({ f: 'v' });
    expect(await redis.dbsize()).toBe(2);
    const info = await infoFields(redis, 'persistence');
    expect(info.get('loading')).toBe('0');
    expect(info.get('rdb_last_load_keys_loaded')).toBe('2');
    expect(info.get('rdb_last_load_keys_expired')).toBe('1');
    expect(info.has('loading_start_time')).toBe(false);
    expect(await connect(await startRespite({ dir: folder, dbfilename: 'none.rdb' })).dbsize()).toBe(0);
  });

  it('an embedded server without dir reads no file', async () => {
    const options = withFile('ignored.rdb', rdbFile(11, set('a', '1')));
    const redis = connect(await startRespite({ dbfilename: options.dbfilename }));
    expect(await redis.dbsize()).toBe(0);
  });

  it('a server does not start with a file that it cannot read, and says why', async () => {
    const good = rdbFile(11, set('key', 'value'));
    const flipped = Buffer.from(good);
    flipped[16] ^= 1;
    const path = join(folder, 'bad.rdb');
    const start = (file: Buffer) => Respite.start(withFile('bad.rdb', file));
    await expect(start(flipped)).rejects.toThrow(LoadError);
    await expect(start(flipped)).rejects.toThrow(
      /^Fatal error loading the DB from .*bad\.rdb: CRC error: .* at offset 21\. Terminating server after rdb file reading failure\.$/,
    );
    await expect(start(good.subarray(0, 18))).rejects.toThrow(
      `Fatal error loading the DB from ${path}: unexpected end of data at offset 15, in the value of key "key" of database 0. Terminating server after rdb file reading failure.`,
    );
    await expect(Respite.start({ dir: folder, dbfilename: '.' })).rejects.toThrow('Is a directory');
  });

  it('clients are told to wait, and INFO tells how far it is', async () => {
    const keys = Array.from({ length: 3000 }, (_, i) => set(`key:${i}`, `value:${i}`));
    const used = bytes(0xfa, string('used-mem'), string('123456'));
    const file = rdbFile(11, used, ...keys);
    const port = await freePort();
    const starting = startRespite({
      ...withFile('slow.rdb', file),
      port,
      'key-load-delay': 200,
      'loading-process-events-interval-bytes': 1024,
    });
    const client = await RawClient.connect({ port });
    expect(await client.raw('GET', 'key:1')).toBe('-LOADING Redis is loading the dataset in memory\r\n');
    const info = await infoFields(client, 'persistence');
    expect(info.get('loading')).toBe('1');
    expect(info.get('loading_total_bytes')).toBe(String(file.length));
    expect(info.get('loading_rdb_used_mem')).toBe('123456');
    expect(Number(info.get('loading_loaded_bytes'))).toBeGreaterThan(0);
    expect(Number(info.get('loading_loaded_bytes'))).toBeLessThan(file.length);
    expect(info.get('loading_loaded_perc')).toMatch(/^\d+\.\d\d$/);
    for (const field of ['loading_start_time', 'loading_eta_seconds', 'async_loading'])
      expect(info.get(field)).toMatch(/^\d+$/);
    expect(await client.raw('CONFIG', 'SET', 'dir', '/')).toMatch(/^-LOADING/);
    await client.call('CONFIG', 'SET', 'key-load-delay', '0');
    await starting;
    expect(await client.raw('GET', 'key:1')).toBe('$7\r\nvalue:1\r\n');
    await client.close();
  });
});

describe('DEBUG RELOAD', () => {
  it('loads what is there in place of the data, or beside it', async () => {
    const redis = connect(
      await startRespite(withFile('reload.rdb', rdbFile(11, set('a', '1'), set('b', '2')))),
    );
    await redis.mset('a', 'changed', 'c', '3');
    expect(await redis.call('DEBUG', 'RELOAD', 'NOSAVE')).toBe('OK');
    expect(await redis.mget('a', 'b', 'c')).toEqual(['1', '2', null]);
    await redis.mset('a', 'changed', 'c', '3');
    expect(await redis.call('DEBUG', 'RELOAD', 'NOSAVE', 'NOFLUSH', 'MERGE')).toBe('OK');
    expect(await redis.mget('a', 'b', 'c')).toEqual(['1', '2', '3']);
    await expect(redis.call('DEBUG', 'RELOAD', 'NOSAVE', 'NOFLUSH')).rejects.toThrow(
      'ERR Error trying to load the RDB dump, check server logs.',
    );
    await expect(redis.call('DEBUG', 'RELOAD', 'WHAT')).rejects.toThrow(
      'ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.',
    );
    expect(await redis.get('c')).toBe('3');
  });
});

describeWithRedisServer('a file of another server', () => {
  it('brings every type and encoding, on both sides of each threshold', async () => {
    const theirs = await startRedisServer(
      '--dir',
      folder,
      '--dbfilename',
      'theirs.rdb',
      '--enable-debug-command',
      'yes',
    );
    const client = await RawClient.connect({ port: theirs.port });
    for (const [i, [command, ...args]] of samples.entries()) {
      await client.call('SELECT', i % 16);
      await client.call(command, String(i), ...args);
      if (i % 3 === 0) await client.call('PEXPIREAT', String(i), 9_999_999_999_999 - i);
    }
    for (const count of [127, 128, 129, 511, 512, 513]) {
      const numbers = Array.from({ length: count }, (_, n) => String(n));
      const texts = numbers.map((n) => `x${n}`);
      await client.call('SADD', `intset:${count}`, ...numbers);
      await client.call('SADD', `set:${count}`, ...texts);
      await client.call('HSET', `hash:${count}`, ...texts.flatMap((text) => [text, text]));
      await client.call('ZADD', `zset:${count}`, ...texts.flatMap((text, n) => [String(n / 3), text]));
      await client.call('RPUSH', `list:${count}`, ...texts);
    }
    await client.call('SAVE');
    const { port } = await startRespite({ ...debug, dir: folder, dbfilename: 'theirs.rdb' });
    const ours = await RawClient.connect({ port });
    expect(await ours.call('DEBUG', 'DIGEST')).toBe(await client.call('DEBUG', 'DIGEST'));
    for (let database = 0; database < 16; database++) {
      await client.call('SELECT', database);
      await ours.call('SELECT', database);
      for (const key of (await client.call('KEYS', '*')) as string[]) {
        expect(await ours.call('PEXPIRETIME', key)).toBe(await client.call('PEXPIRETIME', key));
        const theirsEncoding = String(await client.call('OBJECT', 'ENCODING', key));
        // Small sets of other things than integers were tables in 7.0, and small lists quicklists.
        if (/^(set|list)/.test(key) || theirsEncoding === 'quicklist' || theirsEncoding === 'hashtable')
          continue;
        expect(await ours.call('OBJECT', 'ENCODING', key), key).toBe(theirsEncoding);
      }
    }
    await client.close();
    await ours.close();
    await theirs.stop();
  });
});
