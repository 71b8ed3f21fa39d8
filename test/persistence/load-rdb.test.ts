import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bytes } from '../../src/bytes/bytes.js';
import { digestOf, digestOfValue } from '../../src/keyspace/digest.js';
import { elementCount } from '../../src/keyspace/element-count.js';
import type { Keyspace } from '../../src/keyspace/keyspace.js';
import { encodingNames } from '../../src/keyspace/kinds.js';
import type { ByteSource } from '../../src/persistence/byte-source.js';
import { loadRdbAtOnce, loadRdbInSteps } from '../../src/persistence/load-rdb.js';
import type { RdbSummary } from '../../src/persistence/rdb-load.js';
import { RdbError } from '../../src/persistence/rdb-reader.js';
import { newKeyspace } from '../support/keyspace.js';
import { MemorySource } from '../support/memory-source.js';
import {
  bytes,
  double,
  int64,
  key,
  listpack,
  load,
  rdbFile,
  string,
  uint16,
  uint32,
  usualOptions,
  ziplist,
} from './rdb-file.js';

/** Time stands still at this unix time in ms, in keyspaces for tests. */
const now = 1_700_000_000_000;

const expireAt = (ms: number) => bytes(0xfc, int64(ms));
const set = (name: string, value: string) => bytes(0, string(name), string(value));

function text(keyspace: Keyspace, name: string, database = 0): string | undefined {
  const db = keyspace.databases[database];
  const ref = db.peek(key(name));
  return ref === 0 ? undefined : db.payload(ref).latin1();
}

function encoding(keyspace: Keyspace, name: string): string | undefined {
  const [database] = keyspace.databases;
  return encodingNames.get(database.kindOf(database.peek(key(name))));
}

function elementsIn(keyspace: Keyspace, name: string): number {
  const [database] = keyspace.databases;
  return elementCount(database, database.peek(key(name)));
}

describe('records of a file', () => {
  it('are databases, keys with expiry and access, and what is said of the file', () => {
    const notes: string[] = [];
    const file = rdbFile(
      11,
      [0xfa, string('redis-ver'), string('7.2.4'), 0xfa, string('ctime'), 0xc2, uint32(1700000000)],
      [0xfe, 0, 0xfb, 3, 1, set('a', '1')],
      [expireAt(now + 5000), set('b', '2')],
      [0xf4, 0x40, 100, 1, 0],
      [0xfd, uint32(now / 1000 + 9), set('c', '3')],
      [0xfe, 2, 0xf8, 50, set('d', '4'), 0xf9, 7, set('e', '5')],
    );
    const { keyspace, summary } = load(file, {
      onAuxiliary: (name, value) => notes.push(`${name}=${value}`),
    });
    expect(summary).toEqual({
      version: 11,
      keysLoaded: 5,
      keysExpired: 0,
      emptyKeysSkipped: 0,
      hasChecksum: true,
      end: file.length,
    });
    expect(notes).toEqual(['redis-ver=7.2.4', 'ctime=1700000000']);
    const [first, , third] = keyspace.databases;
    expect(['a', 'b', 'c'].map((name) => first.expiry(first.peek(key(name))))).toEqual([
      -1,
      now + 5000,
      now + 9000,
    ]);
    expect(first.expires.size).toBe(2);
    expect(third.idleSeconds(third.peek(key('d')))).toBe(50);
    expect(text(keyspace, 'e', 2)).toBe('5');
  });

  it('of keys whose time has come are left out on a master, and kept otherwise', () => {
    const file = rdbFile(
      11,
      expireAt(now - 1),
      set('old', '1'),
      expireAt(now - 1),
      [20, string('s'), string(listpack('a'))],
      set('new', '2'),
    );
    const master = load(file);
    expect(master.summary).toMatchObject({ keysLoaded: 1, keysExpired: 2 });
    expect(text(master.keyspace, 'old')).toBeUndefined();
    const replica = load(file, { dropExpired: false });
    expect(replica.summary).toMatchObject({ keysLoaded: 3, keysExpired: 0 });
    expect(text(replica.keyspace, 'old')).toBe('1');
  });

  it('of keys without elements are skipped', () => {
    const skipped: string[] = [];
    const file = rdbFile(
      11,
      [1, string('l'), 0],
      [16, string('h'), string(listpack())],
      [5, string('z'), 0],
      set('k', 'v'),
    );
    const { summary } = load(file, { onSkipped: (what) => skipped.push(what) });
    expect(summary).toMatchObject({ keysLoaded: 1, emptyKeysSkipped: 3 });
    expect(skipped).toEqual(['empty key: l', 'empty key: h', 'empty key: z']);
  });

  it('of functions are handed over, or refused', () => {
    const file = rdbFile(11, [0xf5, string('#!lua name=l')]);
    const sources: string[] = [];
    load(file, { onFunction: (source) => sources.push(source.latin1()) });
    expect(sources).toEqual(['#!lua name=l']);
    expect(() => load(file)).toThrow('a library of functions');
    expect(() => load(rdbFile(11, [0xf6, 1]))).toThrow('only release candidates');
  });

  it('of modules are passed over beside keys, and refused in them', () => {
    const id = bytes(0x81, 0x06, 0x10, 0x41, 0x04, 0x10, 0x41, 0x04, 0x01);
    const skipped: string[] = [];
    const aux = bytes(0xf7, id, 2, 1, 1, 0x81, int64(-1), 3, 0, 0, 0, 0, 4, double(1), 5, string('text'), 0);
    const { summary } = load(rdbFile(11, aux, set('k', 'v')), { onSkipped: (what) => skipped.push(what) });
    expect(summary.keysLoaded).toBe(1);
    expect(skipped).toEqual([expect.stringMatching(/^data of the module \S{9} beside keys$/)]);
    expect(() => load(rdbFile(11, [7, string('k'), id]))).toThrow(
      /a value of the module \S{9}, which is not there .*key "k" of database 0/,
    );
  });
});

describe('a file that is broken', () => {
  it('is refused, with the reason and the place', () => {
    const good = rdbFile(11, set('key', 'value'));
    const flipped = Buffer.from(good);
    flipped[16] ^= 1;
    const refusals: [Buffer, string][] = [
      [Buffer.alloc(0), 'unexpected end of data at offset 0'],
      [bytes('REDIX0011'), 'this is no RDB file at offset 0'],
      [bytes('REDIS00x1'), 'this is no RDB file'],
      [rdbFile(13), "can't handle RDB format version 13 at offset 0"],
      [rdbFile(0), "can't handle RDB format version 0"],
      [good.subarray(0, -1), 'unexpected end of data at offset 21'],
      [good.subarray(0, 16), 'unexpected end of data at offset 15, in the value of key "key" of database 0'],
      [flipped, 'CRC error'],
      [rdbFile(11, [0xfe, 16]), 'a server with more than 16 at offset 11'],
      [rdbFile(11, set('a', '1'), set('a', '2')), 'a key that is there twice at offset 14'],
      [rdbFile(11, [99]), 'unknown record type 99 at offset 9'],
      [rdbFile(11, [1, string('l'), 0x81, int64(-1)]), 'invalid length'],
      [rdbFile(11, [0, 0x80, 0xff, 0xff, 0xff, 0xff]), 'unexpected end of data'],
      [
        rdbFile(11, [16, string('h'), string(listpack('a', 'b', 'a', 'c'))]),
        'Hash listpack with dup elements: integrity check failed',
      ],
      [rdbFile(11, [17, string('z'), string(listpack('a', 'b'))]), 'a score that is no number'],
      [rdbFile(11, [5, string('z'), 1, string('a'), double(Number.NaN)]), 'a score that is no number'],
    ];
    for (const [file, message] of refusals) expect(() => load(file), message).toThrow(message);
  });

  it('has its checksum looked at only if that is wanted and it has one', () => {
    const file = rdbFile(11, set('key', 'value'));
    file[16] ^= 1;
    expect(load(file, { checksum: false }).summary.keysLoaded).toBe(1);
    file.fill(0, file.length - 8);
    expect(load(file).summary.keysLoaded).toBe(1);
    expect(load(rdbFile(4, set('key', 'value'))).summary.keysLoaded).toBe(1);
  });

  it('gives back the memory of a value that was not whole', () => {
    const members = Array.from({ length: 1000 }, (_, i) => string(`member:${i}`));
    const file = rdbFile(11, [2, string('s'), 0x43, 0xe8, ...members]);
    const { keyspace } = newKeyspace();
    const source = new MemorySource(file.subarray(0, 5000));
    expect(() => loadRdbAtOnce(keyspace, source, usualOptions)).toThrow('unexpected end of data');
    expect(keyspace.arena.allocated).toBe(0);
  });
});

describe('old encodings', () => {
  it('of hashes, lists, sets and sorted sets become today’s', () => {
    const zipmap = bytes(2, 1, 'a', 1, 0, '1', 1, 'b', 1, 2, '2xx', 0xff);
    const file = rdbFile(
      9,
      [9, string('zipmap'), string(zipmap)],
      [13, string('hash'), string(ziplist('f', 'v'))],
      [10, string('list'), string(ziplist('x', 'y'))],
      [14, string('quicklist'), 2, string(ziplist('x', 'y')), string(ziplist('z'))],
      [12, string('zset'), string(ziplist('m', '1.5', 'n', '3'))],
      [11, string('intset'), string(bytes(uint32(2), uint32(2), uint16(1), uint16(5)))],
      [3, string('text'), 2, string('a'), 3, '1.5', string('b'), 255],
      [4, string('plain'), 1, string('f'), string('v')],
    );
    const { keyspace, digest } = load(file);
    const names = ['zipmap', 'hash', 'list', 'quicklist', 'zset', 'intset', 'text', 'plain'];
    const encodings = names.map((name) => encoding(keyspace, name));
    expect(encodings).toEqual([...Array(5).fill('listpack'), 'intset', 'listpack', 'listpack']);
    const again = load(
      rdbFile(
        11,
        [16, string('zipmap'), string(listpack('a', 1, 'b', 2))],
        [16, string('hash'), string(listpack('f', 'v'))],
        [18, string('list'), 1, 2, string(listpack('x', 'y'))],
        [18, string('quicklist'), 2, 2, string(listpack('x', 'y')), 1, string('z')],
        [17, string('zset'), string(listpack('m', '1.5', 'n', 3))],
        [2, string('intset'), 2, 0xc0, 5, 0xc0, 1],
        [5, string('text'), 2, string('a'), double(1.5), string('b'), double(Number.NEGATIVE_INFINITY)],
        [16, string('plain'), string(listpack('f', 'v'))],
      ),
    );
    expect(again.digest).toBe(digest);
  });

  it.each([
    ['are still to expire', 1000],
    ['have expired, for others are to be told when they go', -1000],
  ])('of hashes are read in every form, with fields that %s', (_, left) => {
    const when = now + left;
    const triples = (time: number) => bytes(0xf4, int64(time), 9);
    const packed = bytes(0x81, 'a', 2, 0x81, '1', 2, triples(when), 0x81, 'b', 2, 2, 1, 0, 1);
    const whole = bytes(uint32(packed.length + 7), uint16(6), packed, 0xff);
    const length = bytes(0x81, Buffer.from(int64(when)).reverse());
    const forms = [
      [22, string('h'), 2, length, string('a'), 0xc0, 1, 0, string('b'), string('2')],
      [23, string('h'), string(whole)],
      [24, string('h'), int64(when), 2, 1, string('a'), string('1'), 0, string('b'), string('2')],
      [25, string('h'), int64(when), string(whole)],
    ];
    const digests = forms.map((form) => load(rdbFile(12, form)).digest);
    expect(new Set(digests).size).toBe(1);
    for (const form of forms) {
      const { keyspace } = load(rdbFile(12, form));
      expect(encoding(keyspace, 'h')).toBe('listpackex');
      expect(keyspace.databases[0].fieldExpires.size).toBe(1);
      expect(elementsIn(keyspace, 'h')).toBe(2);
      const big = load(rdbFile(12, form), {
        limits: { ...usualOptions.limits, 'hash-max-listpack-entries': 1 },
      });
      expect(encoding(big.keyspace, 'h')).toBe('hashtable');
      expect(elementsIn(big.keyspace, 'h')).toBe(2);
      expect(big.digest).toBe(digests[0]);
    }
  });
});

/** Gives a file in pieces of these lengths, over and over. */
class PiecesSource implements ByteSource {
  private position = 0;
  private pieces = 0;

  constructor(
    private readonly file: Buffer,
    private readonly lengths: number[],
    readonly total: number | undefined,
  ) {}

  read(into: Buffer, at: number, end: number): number {
    const length = Math.min(this.lengths[this.pieces++ % this.lengths.length], end - at);
    const count = this.file.copy(into, at, this.position, this.position + length);
    this.position += count;
    return count;
  }
}

function loadInPieces(keyspace: Keyspace, source: ByteSource, everyBytes: number): RdbSummary {
  const steps = loadRdbInSteps(keyspace, source, usualOptions, everyBytes);
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** A file with values of every kind, some larger than a piece. */
function variedFile(): Buffer {
  const many = Array.from({ length: 2000 }, (_, i) => `member:${i}`);
  const count = (n: number) => bytes(0x40 | (n >> 8), n & 0xff);
  return rdbFile(
    11,
    set('string', 'value'),
    set('big', 'x'.repeat(400_000)),
    [2, string('set'), count(2000), ...many.map(string)],
    [4, string('hash'), count(2000), ...many.flatMap((name) => [string(name), string(`${name}!`)])],
    [5, string('zset'), count(2000), ...many.flatMap((name, i) => [string(name), double(i / 3)])],
    [1, string('list'), count(2000), ...many.map(string)],
    [
      18,
      string('nodes'),
      3,
      2,
      string(listpack('a', 1)),
      1,
      string('y'.repeat(100_000)),
      2,
      string(listpack('b')),
    ],
    expireAt(now + 1),
    [16, string('small'), string(listpack('f', 'v'))],
  );
}

describe('pieces', () => {
  const file = variedFile();
  const whole = load(file);

  it('may end anywhere', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 5 }),
        fc.boolean(),
        (lengths, known) => {
          const { keyspace } = newKeyspace(16);
          const source = new PiecesSource(
            file,
            lengths.map((n) => n + 3000),
            known ? file.length : undefined,
          );
          expect(loadInPieces(keyspace, source, 10_000)).toEqual(whole.summary);
          expect(digestOf(keyspace)).toBe(whole.digest);
        },
      ),
      { numRuns: 10 },
    );
  });

  it('may be single bytes', () => {
    const small = rdbFile(
      11,
      set('a', '1'),
      [16, string('h'), string(listpack('f', 'v'))],
      [2, string('s'), 1, string('x')],
    );
    const { keyspace } = newKeyspace(16);
    loadInPieces(keyspace, new PiecesSource(small, [1], undefined), 1);
    expect(digestOf(keyspace)).toBe(load(small).digest);
  });

  it('end the load wherever they end too early', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: file.length - 1 }), fc.boolean(), (length, known) => {
        const { keyspace } = newKeyspace(16);
        const source = new PiecesSource(file.subarray(0, length), [65536], known ? length : undefined);
        expect(() => loadRdbAtOnce(keyspace, source, usualOptions)).toThrow(/end of data|data ends/);
        expect(() => keyspace.databases[0].flush()).not.toThrow();
      }),
      { numRuns: 8 },
    );
  });

  it('leave what follows the end alone, and tell where it begins', () => {
    expect(load(bytes(file, '*1\r\n$4\r\nPING\r\n')).summary.end).toBe(file.length);
  });

  it('let others have a turn', () => {
    const { keyspace } = newKeyspace(16);
    const turns = [...loadRdbInSteps(keyspace, new MemorySource(file), usualOptions, 100_000)];
    expect(turns.length).toBeGreaterThan(1);
    expect(turns).toEqual([...turns].sort((a, b) => a - b));
  });
});

describe('keys that are there already', () => {
  it('are replaced if that is wanted, whatever they were', () => {
    const { keyspace } = load(variedFile());
    const [database] = keyspace.databases;
    const value = Bytes.of('old');
    for (const name of ['set', 'zset', 'small']) database.setString(key(name), value.buffer, 0, 3);
    expect(() => loadInto(keyspace, 'refuse')).toThrow('a key that is there twice');
    loadInto(keyspace, 'replace');
    expect(digestOf(keyspace)).toBe(load(variedFile()).digest);
    expect(database.expires.size).toBe(1);
    database.flush();
    while (keyspace.lazyFree.step(1e6));
    expect(keyspace.arena.allocated).toBe(0);
  });

  function loadInto(keyspace: Keyspace, duplicates: 'refuse' | 'replace'): void {
    loadRdbAtOnce(keyspace, new MemorySource(variedFile()), { ...usualOptions, duplicates });
  }
});

describe('a file that was changed somewhere', () => {
  const small = rdbFile(
    11,
    [0xfa, string('ctime'), string('1'), 0xfe, 0, 0xfb, 9, 1],
    set('string', 'value'),
    [16, string('hash'), string(listpack('f', 1, 'g', 'v'))],
    [17, string('zset'), string(listpack('a', 1, 'b', 2))],
    [20, string('set'), string(listpack('a', 1, 'b', 2))],
    [11, string('intset'), string(bytes(uint32(2), uint32(2), uint16(1), uint16(5)))],
    [18, string('list'), 2, 2, string(listpack('x', 'y')), 1, string('z')],
    [13, string('ziplist'), string(ziplist('f', 'v', 'g', 'w'))],
    [expireAt(now + 1), 2, string('plain'), 2, string('a'), string('b')],
    [24, string('expiring'), int64(now + 5), 2, 1, string('a'), string('1'), 0, string('b'), string('2')],
  );
  const change = fc.tuple(fc.nat(small.length - 9), fc.integer({ min: 0, max: 255 }));

  it('brings sound values until it is refused, and leaks nothing', () => {
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (edits) => {
        const file = Buffer.from(small);
        for (const [at, byte] of edits) file[at] = byte;
        const { keyspace } = newKeyspace(16);
        try {
          loadRdbAtOnce(keyspace, new MemorySource(file), {
            ...usualOptions,
            checksum: false,
            onSkipped() {},
          });
        } catch (error) {
          expect(error).toBeInstanceOf(RdbError);
        }
        useAll(keyspace);
      }),
      { numRuns: 200 },
    );
  });

  /** Copies everything, compares the copies, and removes all. */
  function useAll(keyspace: Keyspace): void {
    for (const database of keyspace.databases) {
      const names: Bytes[] = [];
      database.keys.forEach((ref) => names.push(database.keyOf(ref).copy()));
      const copies = Bytes.of('a key that is not there');
      for (const name of names) {
        // A copy has no expiry, which the digest would tell.
        const copy = database.copyTo(database.clearExpiry(database.peek(name)), database, copies);
        expect(digestOfValue(database, copy)).toBe(digestOfValue(database, database.peek(name)));
        elementCount(database, copy);
      }
      database.flush();
    }
    while (keyspace.lazyFree.step(1e6));
    expect(keyspace.arena.allocated).toBe(0);
  }
});

describe('what a file announces', () => {
  it('is believed only as far as there are bytes for it', () => {
    const huge = bytes(0x81, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff);
    const { keyspace } = load(rdbFile(11, [0xfb, huge, huge], set('k', 'v')));
    expect(keyspace.databases[0].keys.bytes).toBeLessThan(10_000);
    for (const type of [1, 2, 4, 5, 18]) {
      expect(() => load(rdbFile(11, [type, string('k'), huge, string('a')]))).toThrow('announced');
    }
  });
});
