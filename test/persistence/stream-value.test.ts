import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bytes } from '../../src/bytes/bytes.js';
import { digestOfValue } from '../../src/keyspace/digest.js';
import { kinds } from '../../src/keyspace/kinds.js';
import { endOfPiece, RdbError, RdbReader } from '../../src/persistence/rdb-reader.js';
import { RdbType } from '../../src/persistence/rdb-types.js';
import { RdbWriter } from '../../src/persistence/rdb-writer.js';
import { beginValue, isGradual, readValue } from '../../src/persistence/read-value.js';
import { saveValue } from '../../src/persistence/save-value.js';
import { storeValue } from '../../src/persistence/saved-value.js';
import { IdCursor } from '../../src/values/id-index.js';
import { Stream } from '../../src/values/stream.js';
import { StreamId } from '../../src/values/stream-id.js';
import { trimStream } from '../../src/values/stream-trimming.js';
import { newKeyspace } from '../support/keyspace.js';
import { RawClient } from '../support/raw-client.js';
import { describeWithRedisServer, startRedisServer } from '../support/redis-server.js';
import { connect, startRespite } from '../support/respite.js';
import { streamCommands, streamState } from './stream-state.js';
import { newTarget } from './target.js';

const key = Bytes.of('s');
const cursor = new IdCursor();

/** A stream of several nodes with deleted entries, and two groups. */
function sample() {
  const { keyspace } = newKeyspace();
  keyspace.streamSettings.setNodeEntries(4);
  const [database] = keyspace.databases;
  const stream = new Stream(keyspace.arena, keyspace.streamSettings);
  for (let n = 1; n <= 12; n++) {
    const words = n % 5 === 0 ? ['other', String(n), 'x', ''] : ['f', 'x'.repeat(n)];
    stream.append(
      StreamId.of(n * 1000, n),
      words.map((word) => Bytes.of(word)),
      0,
      words.length,
    );
  }
  stream.append(StreamId.parse('18446744073709551615-7'), [Bytes.of('f'), Bytes.of('last')], 0, 2);
  stream.delete(StreamId.of(3000, 3));
  trimStream(stream, { maxLength: 10 });
  const group = stream.createGroup('g', StreamId.of(8000, 8), -1);
  const alice = group.createConsumer('alice', 1_700_000_000_000);
  const bob = group.createConsumer('bob', 1_700_000_000_500);
  alice.activeTime = 1_600_000_000_000;
  for (let n = 3; n <= 8; n++)
    group.deliver(StreamId.of(n * 1000, n), n % 2 ? alice : bob, 1e12 + n, n, cursor);
  stream.createGroup('empty', new StreamId(), 5);
  const ref = database.putCollection(key, kinds.stream, stream);
  return { keyspace, database, stream, ref };
}

function saved(version: number): Buffer {
  const { database, ref } = sample();
  const writer = new RdbWriter(true);
  saveValue(writer, database, ref, version);
  return Buffer.from(writer.bytes);
}

function read(bytes: Buffer) {
  const target = newTarget();
  const reader = new RdbReader(bytes);
  const value = readValue(reader, reader.byte(), target);
  if (value.form !== 'collection') throw new Error(value.form);
  return { target, value, stream: value.collection as Stream };
}

describe('streams in RDB form', () => {
  it('come back as they were', () => {
    const { database, ref, stream } = sample();
    const bytes = saved(11);
    expect(bytes[0]).toBe(RdbType.streamListpacks3);
    const { target, value, stream: again } = read(bytes);
    expect(streamState(again)).toBe(streamState(stream));
    const [into] = target.keyspace.databases;
    expect(digestOfValue(into, storeValue(into, key, value, -1, false))).toBe(digestOfValue(database, ref));
  });

  it('of older versions know less', () => {
    const second = saved(10);
    expect(second[0]).toBe(RdbType.streamListpacks2);
    const { stream } = read(second);
    const alice = stream.groups.get('g')?.consumer('alice');
    expect([alice?.activeTime, stream.entriesAdded]).toEqual([1_700_000_000_000, 13]);
    const first = saved(9);
    expect(first[0]).toBe(RdbType.streamListpacks);
    expect([read(first).stream.entriesAdded, read(first).stream.maxDeletedId.toString()]).toEqual([
      10,
      '0-0',
    ]);
  });

  it('are read in pieces of any length', () => {
    const bytes = saved(11);
    const reader = new RdbReader(bytes, 1, 1, bytes.length);
    const value = beginOr(() => beginValue(reader, bytes[0], newTarget()), reader);
    if (!isGradual(value)) throw new Error('not gradual');
    let whole: unknown;
    while (whole === undefined) whole = beginOr(() => value.readMore(reader), reader);
    expect(streamState((whole as { collection: Stream }).collection)).toBe(streamState(sample().stream));

    function beginOr<T>(run: () => T, from: RdbReader): T {
      for (;;) {
        const at = from.offset;
        try {
          return run();
        } catch (error) {
          if (error !== endOfPiece) throw error;
          if (at > from.offset) from.offset = at;
          from.end++;
        }
      }
    }
  });

  it('never fail but with an RdbError, whatever is changed in them, and then leave no memory taken', () => {
    const bytes = saved(11);
    const change = fc.tuple(
      fc.nat(bytes.length - 2),
      fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 127, 128, 255)),
    );
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        const bent = Buffer.from(bytes);
        for (const [at, byte] of changes) bent[at + 1] = byte;
        const target = newTarget();
        const reader = new RdbReader(bent);
        try {
          const value = readValue(reader, reader.byte(), target);
          if (value.form === 'collection') streamState(value.collection as Stream);
        } catch (error) {
          expect(error).toBeInstanceOf(RdbError);
          expect(target.keyspace.arena.allocated).toBe(0);
        }
      }),
      { numRuns: 600 },
    );
  });
});

describe('streams as commands', () => {
  it('are made again by them', async () => {
    const server = await startRespite();
    const redis = connect(server);
    const { stream } = sample();
    for (const command of streamCommands(key, stream)) {
      const [name, ...args] = command.map(String);
      await redis.call(name, ...args);
    }
    expect(await redis.xlen('s')).toBe(10);
    expect(await redis.call('XINFO', 'GROUPS', 's')).toEqual([
      [
        'name',
        'empty',
        'consumers',
        0,
        'pending',
        0,
        'last-delivered-id',
        '0-0',
        'entries-read',
        5,
        'lag',
        8,
      ],
      // What is pending but not in the stream any more is lost, as in Redis.
      [
        'name',
        'g',
        'consumers',
        2,
        'pending',
        5,
        'last-delivered-id',
        '8000-8',
        'entries-read',
        null,
        'lag',
        null,
      ],
    ]);
  });

  it('say of an empty one that it is there', () => {
    const { keyspace } = newKeyspace();
    const stream = new Stream(keyspace.arena, keyspace.streamSettings);
    expect(streamCommands(key, stream).map((parts) => parts.slice(2))).toEqual([
      ['MAXLEN', 0, '0-1', 'x', 'y'],
      ['0-0', 'ENTRIESADDED', 0, 'MAXDELETEDID', '0-0'],
    ]);
  });
});

describeWithRedisServer('streams between servers', () => {
  it('are moved to redis-server and back by DUMP and RESTORE', async () => {
    const redis = await startRedisServer('--enable-debug-command', 'yes');
    try {
      const theirs = await RawClient.connect({ port: redis.port });
      const { port } = await startRespite({ 'enable-debug-command': 'yes', 'rdb-version': '10' });
      const ours = await RawClient.connect({ port });
      await theirs.call('CONFIG', 'SET', 'stream-node-max-entries', '5');
      for (let n = 1; n <= 30; n++) await theirs.call('XADD', 's', `${n}-1`, n % 7 ? 'f' : 'g', `v${n}`);
      await theirs.call('XDEL', 's', '3-1', '8-1');
      await theirs.call('XGROUP', 'CREATE', 's', 'g', '4-1');
      await theirs.call('XREADGROUP', 'GROUP', 'g', 'c', 'COUNT', '9', 'STREAMS', 's', '>');
      const move = async (from: RawClient, to: RawClient, as: string) => {
        const payload = Buffer.from((await from.call('DUMP', 's')) as string, 'latin1');
        expect(await to.raw('RESTORE', as, '0', payload)).toBe('+OK\r\n');
      };
      await move(theirs, ours, 's');
      expect(await ours.raw('DEBUG', 'DIGEST-VALUE', 's')).toBe(
        await theirs.raw('DEBUG', 'DIGEST-VALUE', 's'),
      );
      expect(await ours.raw('XINFO', 'GROUPS', 's')).toBe(await theirs.raw('XINFO', 'GROUPS', 's'));
      expect(await ours.raw('XINFO', 'STREAM', 's')).toBe(await theirs.raw('XINFO', 'STREAM', 's'));
      await move(ours, theirs, 'back');
      expect(await theirs.raw('XINFO', 'STREAM', 'back', 'FULL')).toBe(
        await theirs.raw('XINFO', 'STREAM', 's', 'FULL'),
      );
    } finally {
      await redis.stop();
    }
  });
});
