import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Bytes } from '../../src/bytes/bytes.js';
import { Crc64 } from '../../src/bytes/crc64.js';
import type { Database } from '../../src/keyspace/database.js';
import { digestOfValue } from '../../src/keyspace/digest.js';
import { kinds } from '../../src/keyspace/kinds.js';
import { ArenaFullError } from '../../src/memory/arena.js';
import { RdbError, RdbReader } from '../../src/persistence/rdb-reader.js';
import { readValue } from '../../src/persistence/read-value.js';
import { collectionValue, emptyValue, storeValue, stringValue } from '../../src/persistence/saved-value.js';
import { TableSet } from '../../src/values/table-set.js';
import { RawClient } from '../support/raw-client.js';
import { describeWithRedisServer, type SpawnedServer, startRedisServer } from '../support/redis-server.js';
import { startRespite } from '../support/respite.js';
import { listpack } from './rdb-file.js';
import { samples } from './samples.js';
import { listpackTexts, newTarget } from './target.js';

const key = Bytes.of('key');

const debug = { 'enable-debug-command': 'yes' } as const;

async function connectRespite(directives: object = {}): Promise<RawClient> {
  const { port } = await startRespite({ ...debug, ...directives });
  return RawClient.connect({ port });
}

/** Stores the samples as keys 0, 1 ... of one server, and moves them by DUMP and RESTORE to another. */
async function transfer(from: RawClient, to: RawClient): Promise<void> {
  for (const [i, [command, ...args]] of samples.entries()) {
    await from.call(command, String(i), ...args);
    const payload = latin1((await from.call('DUMP', String(i))) as string);
    expect(await to.raw('RESTORE', String(i), '0', payload), `${command} ${i}`).toBe('+OK\r\n');
    expect(await to.raw('OBJECT', 'ENCODING', String(i))).toBe(
      await from.raw('OBJECT', 'ENCODING', String(i)),
    );
  }
  expect(await to.raw('DEBUG', 'DIGEST')).toBe(await from.raw('DEBUG', 'DIGEST'));
}

function latin1(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

describe('DUMP and RESTORE', () => {
  it('bring every type and encoding back as it was, in every version of the format', async () => {
    for (const version of ['10', '11', '12'] as const) {
      for (const rdbcompression of [true, false]) {
        const directives = { 'rdb-version': version, rdbcompression };
        await transfer(await connectRespite(directives), await connectRespite());
      }
    }
  });

  it('keep the expiry of each field', async () => {
    const [from, to] = [await connectRespite(), await connectRespite()];
    const limits = [512, 0];
    for (const entries of limits) {
      await from.call('CONFIG', 'SET', 'hash-max-listpack-entries', entries);
      await from.call('HSET', 'h', 'a', '1', 'b', '2', 'c', '3');
      await from.call('HPEXPIREAT', 'h', '50000000000000', 'FIELDS', '1', 'b');
      await from.call('HPEXPIREAT', 'h', '49999999999990', 'FIELDS', '1', 'c');
      await to.call('RESTORE', 'h', '0', latin1((await from.call('DUMP', 'h')) as string), 'REPLACE');
      const query = ['HPEXPIRETIME', 'h', 'FIELDS', '3', 'a', 'b', 'c'];
      expect(await to.raw(...query)).toBe(await from.raw(...query));
      expect(await to.raw('DEBUG', 'DIGEST')).toBe(await from.raw('DEBUG', 'DIGEST'));
      await from.call('DEL', 'h');
    }
  });

  it('lets in what is there twice if that is not to be looked at, and works on it', async () => {
    const client = await connectRespite();
    const packed = (type: number, ...elements: string[]) => {
      const bytes = listpack(...elements);
      return sealed(Buffer.concat([Buffer.from([type, bytes.length]), bytes]));
    };
    const set = packed(20, 'a', 'b', 'a', 'c');
    const hash = packed(16, 'f', 'one', 'g', 'two', 'f', 'three');
    for (const sanitize of ['yes', 'clients']) {
      await client.call('CONFIG', 'SET', 'sanitize-dump-payload', sanitize);
      for (const payload of [set, hash])
        expect(await client.raw('RESTORE', 'k', '0', payload)).toBe('-ERR Bad data format\r\n');
    }
    await client.call('CONFIG', 'SET', 'sanitize-dump-payload', 'no');
    expect(await client.call('RESTORE', 's', '0', set)).toBe('OK');
    expect(await client.call('RESTORE', 'h', '0', hash)).toBe('OK');
    expect(await client.call('SMEMBERS', 's')).toEqual(['a', 'b', 'a', 'c']);
    for (const command of ['SDIFF', 'SINTER', 'SUNION'])
      expect(((await client.call(command, 's')) as string[]).sort()).toEqual(['a', 'b', 'c']);
    expect(await client.call('HGETALL', 'h')).toEqual(['f', 'one', 'g', 'two', 'f', 'three']);
    expect(await client.call('SADD', 's', 'x'.repeat(100))).toBe(1);
    expect(await client.call('SCARD', 's')).toBe(4);
    expect(await client.call('HSET', 'h', 'long', 'x'.repeat(100))).toBe(1);
    expect(await client.call('HLEN', 'h')).toBe(3);
  });

  it('keeps what RESTORE REPLACE cannot replace for want of memory', async () => {
    const { keyspace } = newTarget();
    const [database] = keyspace.databases;
    const old = Bytes.of('old value');
    database.setString(key, old.buffer, old.start, old.end);
    const big = stringValue(new Bytes(Buffer.alloc(20_000)));
    const table = collectionValue(kinds.tableSet, new TableSet(keyspace));
    for (const value of [big, table]) {
      const allocate = vi.spyOn(keyspace.arena, 'allocate').mockImplementation(() => {
        throw new ArenaFullError('no more memory');
      });
      expect(() => storeValue(database, key, value, 5, true)).toThrow(ArenaFullError);
      allocate.mockRestore();
      expect(database.payload(database.peek(key)).latin1()).toBe('old value');
      expect(keyspace.collections.size).toBe(0);
      expect(database.expires.size).toBe(0);
    }
    storeValue(database, key, big, 5, true);
    expect(database.expiry(database.peek(key))).toBe(5);
  });

  it('obeys its options and refuses what is wrong', async () => {
    const client = await connectRespite();
    await client.call('SET', 'k', 'value');
    const payload = latin1((await client.call('DUMP', 'k')) as string);
    const restore = (...words: (string | Buffer)[]) => client.raw('RESTORE', ...words);
    expect(await client.raw('DUMP', 'none')).toBe('$-1\r\n');
    expect(await restore('k', '0', payload)).toBe('-BUSYKEY Target key name already exists.\r\n');
    expect(await restore('n', '-1', payload)).toBe('-ERR Invalid TTL value, must be >= 0\r\n');
    expect(await restore('n', 'x', payload)).toBe('-ERR value is not an integer or out of range\r\n');
    expect(await restore('n', '0', payload, 'FREQ', '256')).toBe(
      '-ERR Invalid FREQ value, must be >= 0 and <= 255\r\n',
    );
    expect(await restore('n', '0', payload, 'IDLETIME', '-1')).toBe(
      '-ERR Invalid IDLETIME value, must be >= 0\r\n',
    );
    expect(await restore('n', '0', payload, 'IDLETIME')).toBe('-ERR syntax error\r\n');
    expect(await restore('n', '0', payload.subarray(0, -1))).toBe(
      '-ERR DUMP payload version or checksum are wrong\r\n',
    );
    expect(await restore('n', '0', sealed([7, 1]))).toBe('-ERR Bad data format\r\n');
    expect(await client.raw('EXISTS', 'n')).toBe(':0\r\n');
    expect(await restore('n', '5000', payload)).toBe('+OK\r\n');
    expect(await client.call('PTTL', 'n')).toBeGreaterThan(1000);
    expect(await restore('n', '99999999999999', payload, 'ABSTTL', 'REPLACE')).toBe('+OK\r\n');
    expect(await client.raw('PEXPIRETIME', 'n')).toBe(':99999999999999\r\n');
    expect(await restore('n', '1', payload, 'ABSTTL', 'REPLACE')).toBe('+OK\r\n');
    expect(await client.raw('EXISTS', 'n')).toBe(':0\r\n');
    await restore('n', '0', payload, 'IDLETIME', '1000');
    expect(await client.call('OBJECT', 'IDLETIME', 'n')).toBeGreaterThanOrEqual(1000);
    // The end of a minute would take one off.
    await client.call('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lfu', 'lfu-decay-time', '0');
    await restore('n', '0', payload, 'FREQ', '77', 'REPLACE');
    expect(await client.call('OBJECT', 'FREQ', 'n')).toBe(77);
  });
});

/** A payload around a value's bytes, with the checksum that belongs to it. */
function sealed(value: number[] | Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(value), Buffer.from([11, 0]), Buffer.alloc(8)]);
  new Crc64().update(body, 0, body.length - 8).write(body, body.length - 8);
  return body;
}

describe('readValue', () => {
  const read = (bytes: number[] | Buffer) => {
    const reader = new RdbReader(Buffer.from(bytes));
    return readValue(reader, reader.byte(), newTarget());
  };
  const string = (bytes: number[]) => [bytes.length, ...bytes];
  const ascii = (text: string) => [...latin1(text)];

  it('reads ziplists and zipmaps of old servers', () => {
    // 'ab', the small integer 12, -2 in one byte, 300 in two, -70000 in three
    const elements = [
      [0, 2, ...ascii('ab')],
      [4, 0xfd],
      [2, 0xfe, 0xfe],
      [3, 0xc0, 0x2c, 0x01],
      [4, 0xf0, 0x90, 0xee, 0xfe],
    ];
    const body = elements.flat();
    const length = 11 + body.length;
    const ziplist = [length, 0, 0, 0, length - 6, 0, 0, 0, elements.length, 0, ...body, 0xff];
    const list = read([10, ...string(ziplist)]);
    expect(listpackTexts(list)).toEqual(['ab', '12', '-2', '300', '-70000']);
    const zipmap = [1, 2, ...ascii('ab'), 1, 2, ...ascii('x'), 0, 0, 0xff];
    const hash = read([9, ...string(zipmap)]);
    expect(listpackTexts(hash)).toEqual(['ab', 'x']);
  });

  it('reads plain collections and scores as text', () => {
    const hash = read([4, 1, ...string(ascii('f')), ...string(ascii('v'))]);
    expect(listpackTexts(hash)).toEqual(['f', 'v']);
    const members = read([3, 2, ...string(ascii('a')), 3, ...ascii('1.5'), ...string(ascii('b')), 255]);
    expect(listpackTexts(members)).toEqual(['b', '-inf', 'a', '1.5']);
  });

  it('tells what is empty', () => {
    for (const type of [1, 2, 3, 4, 5, 14, 18, 22]) expect(read([type, 0]), `${type}`).toEqual(emptyValue);
    for (const type of [16, 17, 20, 23]) expect(read([type, 7, 7, 0, 0, 0, 0, 0, 0xff])).toEqual(emptyValue);
    expect(read([11, 8, 2, 0, 0, 0, 0, 0, 0, 0])).toEqual(emptyValue);
  });

  it('refuses what is there twice, unknown or too long, and tells where', () => {
    expect(() => read([2, 2, 1, 97, 1, 97])).toThrow(
      'Set with dup elements: integrity check failed before the byte at offset 6',
    );
    expect(() => read([8, 0])).toThrow('values of type 8 are not supported at offset 1');
    expect(() => read([0, 0x80, 0xff, 0xff, 0xff, 0xff])).toThrow('unexpected end of data at offset 6');
    expect(() => read([2, 0x80, 0x7f, 0xff, 0xff, 0xff])).toThrow('elements announced');
    expect(() => read([0, 0xc3, 1, 0x80, 0x7f, 0xff, 0xff, 0xff, 0])).toThrow('impossible length');
  });

  it('never fails but with an RdbError, whatever is changed in a payload', async () => {
    const client = await connectRespite();
    const payloads: Buffer[] = [];
    for (const [i, [command, ...args]] of samples.entries()) {
      await client.call(command, String(i), ...args);
      payloads.push(latin1((await client.call('DUMP', String(i))) as string));
    }
    const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
    const changes = fc.tuple(
      fc.constantFrom(...payloads),
      fc.array(change, { minLength: 1, maxLength: 4 }),
      fc.nat(),
    );
    const target = newTarget();
    const [database] = target.keyspace.databases;
    fc.assert(
      fc.property(changes, ([payload, edits, cut]) => {
        const bytes = Buffer.from(payload.subarray(0, payload.length - 10));
        for (const [at, byte] of edits) bytes[at % Math.min(bytes.length, 300)] = byte;
        const reader = new RdbReader(cut % 4 === 0 ? bytes.subarray(0, cut % bytes.length) : bytes);
        try {
          const value = readValue(reader, reader.byte(), target);
          const ref = storeValue(database, key, value, -1, false);
          if (ref !== 0) exercise(database, key);
        } catch (error) {
          expect(error).toBeInstanceOf(RdbError);
        }
      }),
      { numRuns: 1000 },
    );
    expect(target.keyspace.arena.allocated).toBe(0);
    await client.close();
  });
});

/** Uses all of a value, and removes it. */
function exercise(database: Database, key: Bytes): void {
  const ref = database.peek(key);
  const copy = database.copyTo(ref, database, Bytes.of('copy'));
  expect(digestOfValue(database, copy)).toBe(digestOfValue(database, database.peek(key)));
  database.flush();
  while (database.keyspace.lazyFree.step(1e6));
}

describeWithRedisServer('DUMP and RESTORE between servers', () => {
  let redis: SpawnedServer;
  beforeAll(async () => {
    redis = await startRedisServer('--enable-debug-command', 'yes', '--sanitize-dump-payload', 'yes');
  });
  afterAll(() => redis.stop());

  it('move every type from redis-server', async () => {
    const theirs = await RawClient.connect({ port: redis.port });
    await theirs.call('FLUSHALL');
    const ours = await connectRespite();
    for (const [i, [command, ...args]] of samples.entries()) {
      await theirs.call(command, String(i), ...args);
      const payload = latin1((await theirs.call('DUMP', String(i))) as string);
      expect(await ours.raw('RESTORE', String(i), '0', payload), `${command} ${i}`).toBe('+OK\r\n');
    }
    expect(await ours.raw('DEBUG', 'DIGEST')).toBe(await theirs.raw('DEBUG', 'DIGEST'));
    await theirs.close();
  });

  it('move every type to redis-server in version 10 of the format', async () => {
    const theirs = await RawClient.connect({ port: redis.port });
    await theirs.call('FLUSHALL');
    const ours = await connectRespite({ 'rdb-version': '10' });
    for (const [i, [command, ...args]] of samples.entries()) {
      await ours.call(command, String(i), ...args);
      const payload = latin1((await ours.call('DUMP', String(i))) as string);
      expect(await theirs.raw('RESTORE', String(i), '0', payload), `${command} ${i}`).toBe('+OK\r\n');
    }
    expect(await theirs.raw('DEBUG', 'DIGEST')).toBe(await ours.raw('DEBUG', 'DIGEST'));
    await theirs.close();
  });
});
