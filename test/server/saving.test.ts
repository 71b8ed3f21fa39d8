import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../src/ambient/clock.js';
import { SeededRandom } from '../../src/ambient/random.js';
import { Bytes } from '../../src/bytes/bytes.js';
import { Config, type Directives } from '../../src/config/config.js';
import { digestOf } from '../../src/keyspace/digest.js';
import { Keyspace } from '../../src/keyspace/keyspace.js';
import { type FileSystem, systemFiles } from '../../src/persistence/files.js';
import { loadRdbAtOnce } from '../../src/persistence/load-rdb.js';
import { RespiteServer } from '../../src/server/server.js';
import { infoField } from '../support/info.js';
import { MemorySource } from '../support/memory-source.js';
import { RawClient } from '../support/raw-client.js';
import { recordingLog } from '../support/recording-log.js';
import { describeWithRedisServer, startRedisServer } from '../support/redis-server.js';
import { until, untilInfo } from '../support/waiting.js';

let directory: string;
let open: (() => unknown)[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'respite-saving-'));
});

afterEach(async () => {
  for (const close of open.reverse()) await close();
  open = [];
  rmSync(directory, { recursive: true, force: true });
});

const misconf = /^MISCONF Redis is configured to save RDB snapshots, but/;

type Call = keyof FileSystem;

/** The machine's files, of which some calls fail while they are named in `failing`. */
function faultyFiles(): { files: FileSystem; failing: Map<Call, string> } {
  const failing = new Map<Call, string>();
  const files = new Proxy(systemFiles, {
    get(target, name: Call) {
      const code = failing.get(name);
      if (code === undefined) return target[name];
      return () => {
        throw Object.assign(new Error(code), { code });
      };
    },
  });
  return { files, failing };
}

/** A server whose time stands still, with save points unless told otherwise. */
async function start(directives: Partial<Directives> = {}) {
  const clock = new ManualClock();
  const config = new Config();
  config.assign({
    port: 0,
    bind: ['127.0.0.1'],
    dir: directory,
    save: [{ seconds: 60, changes: 3 }],
    databases: 4,
    'enable-debug-command': 'yes',
    'rdb-version': '10',
    ...directives,
  });
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line.replace(/^\S+ .*? \d\d:\S+ /, '').trimEnd());
  const log = recordingLog(write);
  const { files, failing } = faultyFiles();
  const random = new SeededRandom(1);
  const server = new RespiteServer({ config, log, clock, random, files, anyPort: true });
  let ended = 0;
  server.onShutdown = () => void ended++;
  await server.start();
  const client = await RawClient.connect({ port: server.listeners.port });
  open.push(
    () => server.close(),
    () => client.close(),
  );
  lines.length = 0;
  const call = (line: string) => client.call(...line.split(' '));
  const info = (field: string) => infoField(client, field);
  const saved = () => untilInfo(client, 'rdb_bgsave_in_progress', 0);
  const pass = (seconds: number) => {
    clock.advance(seconds * 1000);
    server.tick();
  };
  return { server, call, info, saved, pass, failing, lines, ended: () => ended };
}

/** The digest of what the file holds. */
function digestOfFile(): string {
  const keyspace = new Keyspace(new ManualClock(), new SeededRandom(2), 4);
  loadRdbAtOnce(keyspace, new MemorySource(readFileSync(join(directory, 'dump.rdb'))), {
    limits: new Config().values,
    dropExpired: false,
    duplicates: 'refuse',
    checksum: true,
  });
  return digestOf(keyspace);
}

/** An error reply's text. */
async function failure(reply: Promise<unknown>): Promise<string> {
  const value = await reply.catch((error: unknown) => error);
  return value instanceof Error ? value.message : `no error: ${String(value)}`;
}

describe('SAVE and BGSAVE', () => {
  it('write the data set, and count what has changed since', async () => {
    const { server, call, info, saved, pass, lines } = await start();
    await call('SET a 1');
    await call('RPUSH list x y z');
    expect(await info('rdb_changes_since_last_save')).toBe('4');
    pass(5);
    expect(await call('SAVE')).toBe('OK');
    expect(await info('rdb_changes_since_last_save')).toBe('0');
    expect(await call('LASTSAVE')).toBe(Math.floor(server.clock.now() / 1000));
    expect(digestOfFile()).toBe(digestOf(server.keyspace));
    await call('SET b 2');
    expect(await call('BGSAVE')).toBe('Background saving started');
    await saved();
    expect(digestOfFile()).toBe(digestOf(server.keyspace));
    expect(await info('rdb_saves')).toBe('2');
    expect(await info('rdb_last_bgsave_status')).toBe('ok');
    expect(await info('rdb_last_bgsave_time_sec')).toBe('0');
    expect(readdirSync(directory)).toEqual(['dump.rdb']);
    expect(lines).toEqual([
      '* DB saved on disk',
      `* Background saving started by pid ${process.pid}`,
      '* DB saved on disk',
      '* Background saving terminated with success',
    ]);
  });

  it('wait for the end of a transaction', async () => {
    const { server, call, saved } = await start();
    await call('MULTI');
    for (const line of ['SET a 0', 'BGSAVE', 'SET b 100']) await call(line);
    expect(await call('EXEC')).toEqual(['OK', 'Background saving scheduled', 'OK']);
    server.tick();
    await saved();
    expect(digestOfFile()).toBe(digestOf(server.keyspace));
  });

  it('refuse to run at the same time', async () => {
    const { call, info, saved } = await start({ 'rdb-key-save-delay': 1_000_000 });
    await call('DEBUG POPULATE 50');
    await call('BGSAVE');
    expect(await info('rdb_bgsave_in_progress')).toBe('1');
    expect(Number(await info('current_save_keys_total'))).toBe(50);
    expect(await info('rdb_current_bgsave_time_sec')).toBe('0');
    expect(await failure(call('BGSAVE'))).toBe('ERR Background save already in progress');
    expect(await failure(call('BGSAVE SCHEDULE'))).toBe('ERR Background save already in progress');
    expect(await failure(call('SAVE'))).toBe('ERR Background save already in progress');
    expect(await failure(call('BGSAVE NOW'))).toBe('ERR syntax error');
    await call('CONFIG SET rdb-key-save-delay 0');
    await saved();
  });

  it('save by themselves when enough has changed, and again once it has', async () => {
    const { call, info, pass, saved, lines } = await start();
    await call('MSET a 1 b 2');
    pass(61);
    expect(await info('rdb_bgsave_in_progress')).toBe('0');
    await call('MSET c 1 d 2');
    pass(1);
    await saved();
    expect(lines[0]).toBe('* 3 changes in 60 seconds. Saving...');
    expect(await info('rdb_changes_since_last_save')).toBe('0');
    await call('MSET a 1 b 2 c 3');
    pass(59);
    expect(await info('rdb_saves')).toBe('1');
    pass(3);
    await saved();
    expect(await info('rdb_saves')).toBe('2');
  });

  it('are called off by FLUSHALL, which saves that nothing is left', async () => {
    const { call, info, server, lines } = await start({ 'rdb-key-save-delay': 1_000_000 });
    await call('DEBUG POPULATE 50');
    await call('SAVE');
    await call('BGSAVE');
    await call('FLUSHALL');
    expect(await info('rdb_bgsave_in_progress')).toBe('0');
    expect(lines.slice(-2)).toEqual(['# Background saving terminated by signal 10', '* DB saved on disk']);
    expect(digestOfFile()).toBe('0'.repeat(40));
    expect(server.keyspace.arena.allocated).toBe(0);
    expect(readdirSync(directory)).toEqual(['dump.rdb']);
  });

  it('survive FLUSHDB', async () => {
    const { call, saved, server } = await start({ 'rdb-key-save-delay': 100 });
    await call('DEBUG POPULATE 200');
    const before = digestOf(server.keyspace);
    await call('BGSAVE');
    await call('FLUSHDB');
    await call('SET new 1');
    await saved();
    expect(digestOfFile()).toBe(before);
  });
});

describe('a save that fails', () => {
  const faults: [Call, string, RegExp][] = [
    [
      'openSync',
      'EACCES',
      /^# Failed opening the temp RDB file temp-.*\.rdb .* for saving: Permission denied$/,
    ],
    ['writeSync', 'ENOSPC', /^# Write error saving DB on disk\(temp-.*\.rdb\): No space left on device$/],
    ['fsyncSync', 'EIO', /^# Write error saving DB on disk/],
    [
      'renameSync',
      'EROFS',
      /^# Error moving temp DB file temp-.* on the final destination dump.rdb .*Read-only/,
    ],
  ];
  it.each(faults)(
    'by %s leaves the old file, and writing is refused until it succeeds',
    async (fault, code, text) => {
      const { call, info, saved, pass, failing, lines, server } = await start();
      await call('SET a 1');
      await call('SAVE');
      const before = digestOf(server.keyspace);
      await call('SET a 2');
      failing.set(fault, code);
      await call('BGSAVE');
      await saved();
      expect(await info('rdb_last_bgsave_status')).toBe('err');
      expect(digestOfFile()).toBe(before);
      expect(readdirSync(directory)).toEqual(['dump.rdb']);
      expect(lines.at(-2)).toMatch(text);
      expect(lines.at(-1)).toBe('# Background saving error');
      expect(await failure(call('SET a 3'))).toMatch(misconf);
      expect(await failure(call('PING'))).toMatch(misconf);
      expect(await call('GET a')).toBe('2');
      expect(await failure(call('SAVE'))).toBe('ERR');
      await call('CONFIG SET stop-writes-on-bgsave-error no');
      expect(await call('MSET a 1 b 2 c 3 d 4')).toBe('OK');
      await call('CONFIG SET stop-writes-on-bgsave-error yes');
      failing.clear();
      pass(5); // too soon
      expect(await info('rdb_bgsave_in_progress')).toBe('0');
      pass(61);
      await saved();
      expect(await info('rdb_last_bgsave_status')).toBe('ok');
      expect(await call('SET a 3')).toBe('OK');
    },
  );

  it('keeps SHUTDOWN from ending the server, unless it is forced', async () => {
    const { call, failing, lines, ended } = await start();
    await call('SET a 1');
    failing.set('writeSync', 'ENOSPC');
    expect(await failure(call('SHUTDOWN'))).toBe('ERR Errors trying to SHUTDOWN. Check logs.');
    expect(lines.slice(-2)).toEqual([
      "# Error trying to save the DB, can't exit.",
      '# Errors trying to shut down the server. Check the logs for more information.',
    ]);
    expect(await call('GET a')).toBe('1');
    expect(ended()).toBe(0);
    void call('SHUTDOWN FORCE').catch(() => {});
    await until('the server has ended', () => ended() > 0);
    expect(lines.at(-1)).toBe('# Error trying to save the DB, but exiting anyway.');
  });
});

describe('the last save', () => {
  /** A server in its last save, which does not end by itself, and the SHUTDOWN that began it. */
  async function startLastSave() {
    const started = await start();
    const { call, server } = started;
    await call('DEBUG POPULATE 200');
    await call('CONFIG SET rdb-key-save-delay 1000000000');
    const other = await RawClient.connect({ port: server.listeners.port });
    open.push(() => other.close());
    const outcome = failure(other.call('SHUTDOWN'));
    await until('the last save has begun', () => server.ending.isUnderWay);
    const waits = async () => {
      await until('a client waits', () => server.loop.dispatcher.pause.clients.size > 0);
    };
    return { ...started, outcome, waits };
  }
  const temporary = `temp-${process.pid}.rdb`;

  it('makes all clients wait, who go on if SHUTDOWN ABORT calls it off', async () => {
    const { call, server, outcome, waits, lines, ended } = await startLastSave();
    const set = call('SET a 1');
    await waits();
    expect(server.keyspace.size).toBe(200);
    expect(readdirSync(directory)).toEqual([temporary]);
    const third = await RawClient.connect({ port: server.listeners.port });
    open.push(() => third.close());
    expect(await third.call('SHUTDOWN', 'ABORT')).toBe('OK');
    expect(lines.slice(-2)).toEqual(['# The last save is given up.', '* Shutdown manually aborted.']);
    expect(await outcome).toBe('ERR Errors trying to SHUTDOWN. Check logs.');
    expect(await set).toBe('OK');
    expect(await failure(third.call('SHUTDOWN', 'ABORT'))).toBe('ERR No shutdown in progress.');
    expect(readdirSync(directory)).toEqual([]);
    expect(ended()).toBe(0);
  });

  it('leaves a pause in force that CLIENT PAUSE began', async () => {
    const { call, server, outcome } = await startLastSave();
    server.pauseClients(server.clock.now() + 1000, false);
    server.abortShutdown();
    await outcome;
    expect(await call('GET key:1')).toBe('value:1');
    expect(server.loop.dispatcher.pause.active).toBe(true);
  });

  it('ends with the data in the file', async () => {
    const { server, lines, ended } = await startLastSave();
    const before = digestOf(server.keyspace);
    server.config.set([['rdb-key-save-delay', '0']]);
    await until('the server has ended', () => ended() > 0);
    expect(lines.slice(-2)).toEqual([
      '* Saving the final RDB snapshot before exiting.',
      '* DB saved on disk',
    ]);
    expect(digestOfFile()).toBe(before);
    expect(readdirSync(directory)).toEqual(['dump.rdb']);
  });

  it('is waited for by another SHUTDOWN, and done without by SHUTDOWN NOSAVE', async () => {
    const { server, ended } = await startLastSave();
    const [second, third] = [
      await RawClient.connect({ port: server.listeners.port }),
      await RawClient.connect({ port: server.listeners.port }),
    ];
    open.push(
      () => second.close(),
      () => third.close(),
    );
    void second.call('SHUTDOWN').catch(() => {});
    await until('both wait', () => server.loop.dispatcher.blocking.waiting.size === 2);
    expect(ended()).toBe(0);
    void third.call('SHUTDOWN', 'NOSAVE').catch(() => {});
    await until('the server has ended', () => ended() > 0);
    expect(readdirSync(directory)).toEqual([]);
  });
});

/** Collections of each type, on both sides of the limits, and other things that a file has to tell. */
function everything(): string[][] {
  const numbers = (count: number) => Array.from({ length: count }, (_, i) => String(i));
  const commands: string[][] = [
    ['SET', 'int', '12345'],
    ['SET', 'negative', '-70000'],
    ['SET', 'long', 'x'.repeat(100_000)],
    [
      'SET',
      'noise',
      Array.from({ length: 3000 }, (_, i) => String.fromCharCode((i * i * 7 + i) % 256)).join(''),
    ],
    ['SET', 'soon', '1', 'PXAT', '4102444800000'],
    ['RPUSH', 'mixed', 'a', '1', '-5000', 'y'.repeat(3000), '', '99999999999'],
    ['RPUSH', 'plain', 'a', 'z'.repeat(20_000), 'b'],
  ];
  for (const count of [1, 127, 128, 129, 512, 513, 2000]) {
    const all = numbers(count);
    commands.push(
      ['RPUSH', `list:${count}`, ...all.map((n) => `element:${n}`)],
      ['HSET', `hash:${count}`, ...all.flatMap((n) => [`field:${n}`, n])],
      ['SADD', `set:${count}`, ...all.map((n) => `member:${n}`)],
      ['SADD', `intset:${count}`, ...all],
      ['SADD', `wide:${count}`, ...all.map((n) => `${n}000000000`)],
      ['ZADD', `zset:${count}`, ...all.flatMap((n) => [`${n}.5`, `member:${n}`])],
    );
  }
  commands.push(
    ['HSET', 'hash:wide', 'f', 'v'.repeat(65)],
    ['SADD', 'set:wide', 'v'.repeat(65)],
    ['ZADD', 'zset:wide', '-inf', 'v'.repeat(65), '+inf', 'w', '1e300', 'x'],
    ['SELECT', '3'],
    ['SET', 'elsewhere', '1'],
    ['PEXPIREAT', 'elsewhere', '4102444800001'],
  );
  return commands;
}

describeWithRedisServer('files for', () => {
  it.each(['SAVE', 'BGSAVE'])('are loaded with equal digest after %s', async (how) => {
    const { server, call, saved } = await start();
    const client = await RawClient.connect({ port: server.listeners.port });
    open.push(() => client.close());
    for (const command of everything()) await client.call(...command);
    await call(how);
    await saved();
    expect(digestOfFile()).toBe(digestOf(server.keyspace));
    const redis = await startRedisServer('--dir', directory, '--enable-debug-command', 'yes');
    open.push(() => redis.stop());
    const other = await RawClient.connect({ port: redis.port });
    open.push(() => other.close());
    expect(await other.call('DEBUG', 'DIGEST')).toBe(digestOf(server.keyspace));
    expect(await other.call('PEXPIRETIME', 'soon')).toBe(
      server.keyspace.databases[0].expiry(server.keyspace.databases[0].peek(Bytes.of('soon'))),
    );
  });
});
