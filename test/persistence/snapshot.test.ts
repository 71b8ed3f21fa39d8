import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../src/ambient/clock.js';
import { SeededRandom } from '../../src/ambient/random.js';
import { Bytes } from '../../src/bytes/bytes.js';
import { Config } from '../../src/config/config.js';
import { Replay } from '../../src/dispatch/replay.js';
import type { Database } from '../../src/keyspace/database.js';
import { digestOfValue } from '../../src/keyspace/digest.js';
import { HashValue } from '../../src/keyspace/hash-value.js';
import { Keyspace } from '../../src/keyspace/keyspace.js';
import { hasExpiringFields, kinds } from '../../src/keyspace/kinds.js';
import { CommandFormat } from '../../src/persistence/command-format.js';
import { loadRdbAtOnce } from '../../src/persistence/load-rdb.js';
import { RdbFormat } from '../../src/persistence/rdb-format.js';
import { Snapshot } from '../../src/persistence/snapshot.js';
import type { SnapshotFormat } from '../../src/persistence/snapshot-format.js';
import { createLog } from '../../src/server/log.js';
import { RespiteServer } from '../../src/server/server.js';
import { writeCommands } from '../differential/write-commands.mjs';
import { MemorySource } from '../support/memory-source.js';
import { propertySeed } from '../support/properties.js';
import { streamState } from './stream-state.js';

/** A server that nobody can reach: commands are run in it directly. */
class Bench {
  readonly server: RespiteServer;
  readonly replay: Replay;
  readonly clock = new ManualClock();

  constructor(seed: number) {
    const config = new Config();
    config.assign({ save: [], databases: 4, 'enable-debug-command': 'yes', 'proto-max-bulk-len': 1 << 20 });
    const log = createLog({ level: 'nothing', format: 'redis', file: '', clock: () => 0, pid: 1, role: 'M' });
    this.server = new RespiteServer({ config, log, clock: this.clock, random: new SeededRandom(seed) });
    this.replay = new Replay(this.server, this.server.loop.dispatcher);
  }

  run(...words: (string | number)[]): void {
    const args = words.map((word) => Bytes.of(String(word)));
    this.server.loop.dispatcher.beginBatch();
    this.replay.run(args, args.length);
    // A command that would block waits for nobody.
    this.server.loop.dispatcher.blocking.expire();
  }

  get keyspace(): Keyspace {
    return this.server.keyspace;
  }
}

/** All that a file can tell, by database and key. `byCommands`: one of commands. */
function stateOf({ databases }: Keyspace, byCommands = false): Record<string, string> {
  const state: Record<string, string> = {};
  for (const database of databases) {
    database.keys.forEach((ref) => {
      const key = `${database.index} ${database.keyOf(ref).latin1()}`;
      const expiry = database.expiry(ref);
      state[key] =
        `${database.typeOf(ref)} ${digestOfValue(database, ref)} ${expiry} ${more(database, ref, byCommands)}`;
    });
  }
  return state;
}

/** What the digest does not tell. */
function more(database: Database, ref: number, byCommands: boolean): string {
  if (database.kindOf(ref) === kinds.stream) return streamState(database.collection(ref), byCommands);
  return fields(database, ref);
}

function fields(database: Database, ref: number): string {
  if (!hasExpiringFields(database.kindOf(ref))) return '';
  const hash = new HashValue().open(database, ref);
  const found: string[] = [];
  const view = new Bytes();
  hash.forEach((place) => {
    hash.nameAt(place, view);
    found.push(`${view.latin1()}=${hash.expiryAt(place)}`);
  });
  return found.sort().join();
}

/** Gathers a snapshot that is driven by hand. */
class Gathered {
  readonly unsentBytes = 0;
  readonly snapshot: Snapshot;
  private readonly chunks: Buffer[] = [];

  constructor(
    private readonly keyspace: Keyspace,
    format: SnapshotFormat,
    compress = true,
  ) {
    this.snapshot = new Snapshot(keyspace, format, this, compress);
  }

  write(chunk: Buffer): undefined {
    this.chunks.push(chunk);
  }

  /** True at the end. */
  step(): boolean {
    return this.snapshot.step(this.keyspace.clock, 0);
  }

  finish(): Buffer {
    this.snapshot.finish();
    return Buffer.concat(this.chunks);
  }
}

function rdb(keyspace: Keyspace, version = 12): RdbFormat {
  const options = { version, created: 0, usedMemory: 0, access: 'none' as const, aofBase: false };
  return new RdbFormat(options, keyspace.databases);
}

function loadRdb(bytes: Buffer): Record<string, string> {
  const clock = new ManualClock(0);
  const keyspace = new Keyspace(clock, new SeededRandom(7), 4);
  const config = new Config();
  loadRdbAtOnce(keyspace, new MemorySource(Buffer.concat([bytes, Buffer.alloc(8)])), {
    limits: config.values,
    dropExpired: false,
    duplicates: 'refuse',
    checksum: false,
  });
  return stateOf(keyspace);
}

function loadCommands(bytes: Buffer): Record<string, string> {
  const target = new Bench(1);
  target.keyspace.holdExpiry(true);
  for (let at = 0; at < bytes.length; ) {
    const words: Bytes[] = [];
    const line = () => {
      const end = bytes.indexOf('\r\n', at);
      const text = bytes.toString('latin1', at + 1, end);
      at = end + 2;
      return Number(text);
    };
    for (let left = line(); left > 0; left--) {
      const length = line();
      words.push(new Bytes(bytes, at, at + length));
      at += length + 2;
    }
    target.replay.run(words, words.length);
  }
  return stateOf(target.keyspace, true);
}

const anything = ['FLUSHALL', 'FLUSHDB', 'FLUSHDB ASYNC', 'SWAPDB 0 1', 'SWAPDB 0 2', 'SELECT 0', 'SELECT 1'];

/** Big collections of each kind, and many keys. */
function fill(bench: Bench, random: SeededRandom): void {
  for (const database of [0, 1]) {
    bench.run('SELECT', database);
    const count = Math.floor(random.next() * 600);
    for (let i = 0; i < count; i++) bench.run('SET', `key:${i}`, `value:${i}`);
    for (let i = 0; i < count; i += 3) bench.run('PEXPIRE', `key:${i}`, 50 + i);
    for (const key of ['a', 'b', 'c', 'd']) {
      const kind = Math.floor(random.next() * 8);
      if (kind > 5) bench.run('XGROUP', 'CREATE', key, 'g', 0, 'MKSTREAM');
      for (let i = 0; i < 700; i += 7) bench.run(...bigElements(kind, key, i));
      if (kind > 5) useGroups(bench, key);
    }
  }
  bench.run('SELECT', 0);
}

function bigElements(kind: number, key: string, from: number): (string | number)[] {
  const numbers = Array.from({ length: 7 }, (_, i) => from + i);
  switch (kind) {
    case 0:
      return ['HSET', key, ...numbers.flatMap((n) => [`field:${n}`, `value:${n}`])];
    case 1:
      return ['SADD', key, ...numbers.map((n) => `member:${n}`)];
    case 2:
      return ['ZADD', key, ...numbers.flatMap((n) => [n % 50, `member:${n}`])];
    case 3:
      return ['RPUSH', key, ...numbers.map((n) => `element:${n}:${'x'.repeat(60)}`)];
    case 4:
      return ['SADD', key, ...numbers];
    case 6:
      return ['XADD', key, `${1 + from}-1`, 'field', `value:${from}`];
    case 7:
      return ['XADD', key, `${1 + from}-${from}`, from % 3 ? 'a' : 'b', 'x'.repeat(from), 'n', from];
    default:
      return ['HSETEX', key, 'PX', 1000 + from, 'FIELDS', 7, ...numbers.flatMap((n) => [`field:${n}`, n])];
  }
}

/** Consumers with many pending entries. */
function useGroups(bench: Bench, key: string): void {
  bench.run('XREADGROUP', 'GROUP', 'g', 'alice', 'COUNT', 60, 'STREAMS', key, '>');
  bench.run('XREADGROUP', 'GROUP', 'g', 'bob', 'COUNT', 20, 'STREAMS', key, '>');
  bench.run('XGROUP', 'CREATE', key, 'h', 0);
  bench.run('XREADGROUP', 'GROUP', 'h', 'carol', 'COUNT', 99, 'STREAMS', key, '>');
  bench.run('XGROUP', 'CREATECONSUMER', key, 'h', 'idle');
}

/** Changes that the generator does not make. */
function change(bench: Bench, random: SeededRandom): void {
  const key = ['a', 'b', 'c', 'd'][Math.floor(random.next() * 4)];
  const other = ['a', 'b', 'c', 'd'][Math.floor(random.next() * 4)];
  const n = Math.floor(random.next() * 700);
  const field = `field:${n}`;
  const changes: (string | number)[][] = [
    ['HSET', key, field, 'changed'],
    ['HINCRBY', key, field, 1],
    ['HDEL', key, field, `field:${n + 1}`],
    ['HPEXPIRE', key, 300, 'FIELDS', 1, field],
    ['HPERSIST', key, 'FIELDS', 1, field],
    ['HGETEX', key, 'PX', 100, 'FIELDS', 1, field],
    ['SADD', key, `new:${n}`],
    ['SREM', key, `member:${n}`, n],
    ['SPOP', key, 40],
    ['SMOVE', key, other, n],
    ['ZADD', key, n, `member:${n}`],
    ['ZINCRBY', key, 1, `member:${n}`],
    ['ZPOPMIN', key, 30],
    ['ZREMRANGEBYRANK', key, 10, 40],
    ['LPUSH', key, 'x', 'y'],
    ['RPOP', key, 3],
    ['LSET', key, n, 'changed'],
    ['LINSERT', key, 'BEFORE', `element:${n}:${'x'.repeat(60)}`, 'inserted'],
    ['LREM', key, 1, `element:${n}:${'x'.repeat(60)}`],
    ['LTRIM', key, 5, 500],
    ['XADD', key, '*', 'field', n],
    ['XADD', key, 'MAXLEN', '~', 50, '*', 'field', 'x'.repeat(n)],
    ['XADD', key, 'MINID', n, 'ACKED', '*', 'field', n],
    ['XDEL', key, `${1 + n}-1`, `${1 + n}-${n}`],
    ['XTRIM', key, 'MAXLEN', n],
    ['XSETID', key, '99999999999999-0'],
    ['XREADGROUP', 'GROUP', 'g', 'alice', 'COUNT', 5, 'STREAMS', key, '>'],
    ['XREADGROUP', 'GROUP', 'h', 'new', 'COUNT', 50, 'STREAMS', key, '>'],
    ['XREADGROUP', 'GROUP', 'g', 'bob', 'COUNT', 9, 'STREAMS', key, n],
    ['XACK', key, 'g', `${1 + n}-1`, `${1 + n}-${n}`, `${8 + n}-1`],
    ['XACK', key, 'h', `${1 + n}-1`, `${1 + n}-${n}`, `${8 + n}-1`],
    ['XCLAIM', key, 'g', 'carol', 0, `${1 + n}-1`, `${1 + n}-${n}`, 'FORCE'],
    ['XAUTOCLAIM', key, 'h', 'dave', 0, n, 'COUNT', 10],
    ['XDELEX', key, 'DELREF', 'IDS', 1, `${1 + n}-1`],
    ['XGROUP', 'SETID', key, 'g', 0],
    n % 5 ? ['XGROUP', 'CREATE', key, 'more', n] : ['XGROUP', 'DESTROY', key, 'h'],
    n % 5 ? ['XGROUP', 'CREATECONSUMER', key, 'g', n] : ['XGROUP', 'DELCONSUMER', key, 'g', 'bob'],
    ['RENAME', key, other],
    ['MOVE', key, 1],
    ['COPY', key, other, 'REPLACE'],
    ['UNLINK', key],
    ['SET', `key:${n}`, 'changed'],
    ['APPEND', `key:${n}`, 'changed'],
    ['DEL', `key:${n}`, `key:${n + 1}`],
    ['DEBUG', 'POPULATE', 500, `more:${n}`],
    ['PERSIST', `key:${n}`],
    ['SINTERSTORE', key, other],
    ['SORT', other, 'ALPHA', 'STORE', key],
  ];
  const dice = random.next();
  if (dice < 0.02) bench.run(...anything[Math.floor(random.next() * anything.length)].split(' '));
  else if (dice < 0.06) {
    bench.clock.advance(random.next() * 120);
    bench.server.tick();
  } else bench.run(...changes[Math.floor(random.next() * changes.length)]);
}

const rounds = Number(process.env.SNAPSHOT_ROUNDS ?? 5);
const base = propertySeed;

/** Runs a snapshot with all kinds of changes between its steps; gives the state at its start, and the file. */
function snapshotUnderChanges(
  seed: number,
  format: (keyspace: Keyspace) => SnapshotFormat,
  byCommands = false,
) {
  const random = new SeededRandom(seed);
  const bench = new Bench(seed);
  for (const command of writeCommands(seed)) bench.run(...command);
  fill(bench, random);
  // Something may still be waiting to be freed.
  if (random.next() < 0.3) bench.run('UNLINK', 'a', 'b');
  const before = stateOf(bench.keyspace, byCommands);
  const gathered = new Gathered(bench.keyspace, format(bench.keyspace));
  const commands = writeCommands(seed + 1);
  const pace = 1 + Math.floor(random.next() * 8);
  for (let steps = 0; !gathered.step() && steps < 100_000; steps++) {
    for (let i = 0; i < pace; i++) {
      const command = random.next() < 0.3 ? commands.pop() : undefined;
      if (command === undefined) change(bench, random);
      else bench.run(...command);
    }
  }
  const bytes = gathered.finish();
  expect(bench.keyspace.databases.every(({ keys }) => keys.beforeBucketChange === undefined)).toBe(true);
  return { before, bytes };
}

describe('a snapshot', () => {
  it(`is the state at its start, whatever changes meanwhile (seed ${base})`, () => {
    for (let seed = base; seed < base + rounds; seed++) {
      const { before, bytes } = snapshotUnderChanges(seed, rdb);
      expect(loadRdb(bytes), `seed ${seed}`).toEqual(before);
    }
  }, 120_000);

  it(`is the same in the form of commands (seed ${base})`, () => {
    for (let seed = base; seed < base + rounds; seed++) {
      const { before, bytes } = snapshotUnderChanges(seed, () => new CommandFormat(), true);
      expect(loadCommands(bytes), `seed ${seed}`).toEqual(before);
    }
  }, 120_000);
});
