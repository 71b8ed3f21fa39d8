import fs, { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ManualClock } from '../../src/ambient/clock.js';
import { Bytes } from '../../src/bytes/bytes.js';
import { AofWriter, type SyncPolicy } from '../../src/persistence/aof-writer.js';
import type { FileSystem } from '../../src/persistence/files.js';

const folder = mkdtempSync(join(tmpdir(), 'respite-aof-'));
afterAll(() => rmSync(folder, { recursive: true }));
let number = 0;

/** A writer with an empty file, a clock, and a disk whose faults are turned on and off. */
function start(policy: SyncPolicy, mostAtOnce?: number) {
  const faults = { write: false, shortWrite: false, sync: false };
  const calls = { sync: 0, longest: 0 };
  const waiting: ((error: NodeJS.ErrnoException | null) => void)[] = [];
  const files: FileSystem = {
    ...fs,
    writeSync: ((fd: number, bytes: Buffer, at: number, length: number) => {
      if (faults.write) throw new Error('ENOSPC');
      calls.longest = Math.max(calls.longest, length);
      if (!faults.shortWrite) return fs.writeSync(fd, bytes, at, length);
      faults.write = true;
      return fs.writeSync(fd, bytes, at, Math.floor(length / 2));
    }) as typeof fs.writeSync,
    fdatasyncSync: (fd) => {
      calls.sync++;
      if (faults.sync) throw new Error('EIO');
      fs.fdatasyncSync(fd);
    },
    fdatasync: ((_fd: number, done: (error: NodeJS.ErrnoException | null) => void) => {
      calls.sync++;
      waiting.push(done);
    }) as typeof fs.fdatasync,
  };
  const clock = new ManualClock();
  const told: string[] = [];
  const writer = new AofWriter(
    files,
    clock,
    {
      failed: (doing) => told.push(`${doing} failed`),
      recovered: () => told.push('recovered'),
      delayed: () => told.push('delayed'),
      synced: () => {},
    },
    mostAtOnce,
  );
  writer.policy = policy;
  const path = join(folder, String(number++));
  writer.open(path);
  const append = (...words: string[]) => writer.append(0, words.map(Bytes.of), words.length);
  const content = () => readFileSync(path, 'latin1').replace('*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n', '');
  const finishSync = (error: Error | null = null) => waiting.shift()?.(error);
  return { writer, clock, faults, calls, told, append, content, finishSync };
}

const ping = '*1\r\n$4\r\nPING\r\n';

describe('AofWriter', () => {
  it('writes much in several calls, and before there is too much', () => {
    const { writer, append, content, calls } = start('no', 1000);
    append('SET', 'a', 'x'.repeat(2500));
    expect(writer.pendingBytes).toBeGreaterThan(2500);
    append('SET', 'b', '1');
    expect(writer.pendingBytes).toBeLessThan(100);
    expect(writer.write()).toBe(true);
    expect(calls.longest).toBe(1000);
    expect(content()).toContain(`${'x'.repeat(2500)}\r\n*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$1\r\n1\r\n`);
  });

  it('selects the database where it changes, and begins a second with its time', () => {
    const { writer, clock, content } = start('no');
    writer.timestamps = true;
    const seconds = Math.floor(clock.now() / 1000);
    writer.append(-1, [Bytes.of('MULTI')], 1);
    writer.append(0, [Bytes.of('a')], 1);
    writer.append(3, [Bytes.of('b')], 1);
    writer.append(3, [Bytes.of('c')], 1);
    clock.advance(1000);
    writer.append(-1, [Bytes.of('EXEC')], 1);
    writer.write();
    expect(content().replaceAll('\r\n', ' ')).toBe(
      `#TS:${seconds} *1 $5 MULTI *1 $1 a *2 $6 SELECT $1 3 *1 $1 b *1 $1 c #TS:${seconds + 1} *1 $4 EXEC `,
    );
  });

  it('syncs with each write if always', () => {
    const { writer, calls, append, content } = start('always');
    append('PING');
    expect(writer.write()).toBe(true);
    expect(calls.sync).toBe(1);
    expect(writer.write()).toBe(true);
    expect(calls.sync).toBe(1);
    expect(content()).toBe(ping);
  });

  it('syncs at most once a second if everysec, and lets a write wait two seconds for that', () => {
    const { writer, clock, calls, told, append, content, finishSync } = start('everysec');
    append('PING');
    writer.write();
    expect(calls.sync).toBe(0);
    clock.advance(1000);
    writer.write();
    expect(calls.sync).toBe(1);
    append('PING');
    writer.write();
    expect(content()).toBe(ping);
    clock.advance(1999);
    writer.write();
    expect(content()).toBe(ping);
    clock.advance(1);
    writer.write();
    expect(content()).toBe(ping + ping);
    expect(told).toEqual(['delayed']);
    expect(writer.delayedSyncs).toBe(1);
    finishSync();
    writer.write();
    expect(calls.sync).toBe(2);
  });

  it('never syncs by itself if no', () => {
    const { writer, clock, calls, append } = start('no');
    append('PING');
    clock.advance(5000);
    writer.write();
    expect(calls.sync).toBe(0);
    expect(writer.commit()).toBe(true);
    expect(calls.sync).toBe(1);
  });

  it.each(['always', 'everysec', 'no'] as const)(
    'leaves no gap and no half command after a full disk (%s)',
    (policy) => {
      const { writer, faults, told, append, content } = start(policy);
      append('PING');
      writer.write();
      faults.shortWrite = true;
      append('PING');
      expect(writer.write()).toBe(false);
      expect(content()).toBe(ping);
      append('PING');
      expect(writer.write()).toBe(false);
      faults.write = faults.shortWrite = false;
      expect(writer.write()).toBe(true);
      expect(content()).toBe(ping.repeat(3));
      expect(writer.failing).toBe(false);
      expect(told).toEqual(['write failed', 'write failed', 'recovered']);
    },
  );

  it('takes back what could not be synced if always, and writes it again', () => {
    const { writer, faults, append, content } = start('always');
    faults.sync = true;
    append('PING');
    expect(writer.write()).toBe(false);
    expect(content()).toBe('');
    faults.sync = false;
    expect(writer.write()).toBe(true);
    expect(content()).toBe(ping);
    expect(writer.uncertain).toBe(false);
  });

  it('remembers that a background sync failed', () => {
    const { writer, clock, told, append, finishSync } = start('everysec');
    append('PING');
    clock.advance(1000);
    writer.write();
    finishSync(new Error('EIO'));
    expect(writer.failing).toBe(true);
    expect(writer.uncertain).toBe(true);
    expect(writer.write()).toBe(false);
    clock.advance(1000);
    writer.write();
    finishSync();
    expect(writer.failing).toBe(false);
    expect(told).toEqual(['sync failed', 'recovered']);
  });
});
