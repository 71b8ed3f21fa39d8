import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { FileCheck } from '../../src/check/check-file.js';
import { bytes, int64, listpack, rdbFile, string } from '../persistence/rdb-file.js';
import { dataFolder } from '../support/data-folder.js';
import { commandText as command } from '../support/encode-command.mjs';
import { connect, startRespite } from '../support/respite.js';

const folder = mkdtempSync(join(tmpdir(), 'respite-check-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, content: Buffer | string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** The lines of a check, with the folder's name left out, and whether all is well. */
function check(path: string, fix = false): { lines: string[]; valid: boolean } {
  const lines: string[] = [];
  const valid = new FileCheck((line) => lines.push(line.replaceAll(folder, '.')), fix).check(path);
  return { lines, valid };
}

const snapshot = rdbFile(
  11,
  [0xfa, string('redis-ver'), string('7.2.4')],
  [0xfe, 1, 0xfc, int64(4_000_000_000_000), 0, string('a'), string('1')],
  [16, string('h\xff'), string(listpack('f', 1, 'g', 2))],
);

describe('respite check', () => {
  it('shows what is in a snapshot', () => {
    const { lines, valid } = check(write('dump.rdb', snapshot));
    expect(valid).toBe(true);
    expect(lines).toEqual([
      `./dump.rdb: RDB file, ${snapshot.length} bytes, version 11 of the format`,
      '  redis-ver: 7.2.4',
      '  database 1: 2 keys, 1 of them with an expiry',
      '  hash: 1 key, 22 bytes',
      '  string: 1 key, 5 bytes',
      '  biggest keys:',
      '    22 bytes: hash "h\\xff" in database 1, 2 elements',
      '    5 bytes: string a in database 1',
      `./dump.rdb: the snapshot is valid up to offset ${snapshot.length}, its checksum is right`,
    ]);
  });

  it('shows what is in streams and libraries of functions', async () => {
    const dir = dataFolder();
    const redis = connect(await startRespite({ dir }));
    await redis.xadd('x', '1-1', 'f', 'v');
    await redis.xadd('x', '1-2', 'f', 'v');
    await redis.xadd('y', '1-1', 'f', 'v');
    await redis.xgroup('CREATE', 'x', 'g', '0');
    await redis.xreadgroup('GROUP', 'g', 'alice', 'COUNT', 1, 'STREAMS', 'x', '>');
    const code = "#!lua name=shelf\nredis.register_function('put', function() end)";
    await redis.function('LOAD', code);
    await redis.save();
    const { lines, valid } = check(join(dir, 'dump.rdb'));
    expect(valid).toBe(true);
    expect(lines).toContainEqual(expect.stringMatching(/^ {2}stream: 2 keys, \d+ bytes$/));
    expect(lines).toContain('  in streams: 3 entries, 1 group, 1 consumer, 1 pending entry');
    expect(lines).toContain(`  library of functions: shelf, ${code.length} bytes`);
  });

  it('notices a key that is there twice, but not in two databases', () => {
    const key = (value: string) => [0, string('a'), string(value)];
    const twice = rdbFile(11, [0xfe, 0], key('1'), key('2'));
    expect(check(write('twice.rdb', twice)).lines.at(-1)).toBe(
      './twice.rdb: BROKEN: a key that is there twice at offset 16, in the value of key "a" of database 0',
    );
    expect(check(write('both.rdb', rdbFile(11, [0xfe, 0], key('1'), [0xfe, 1], key('2')))).valid).toBe(true);
  });

  it('tells where a snapshot breaks, and that it cannot be fixed', () => {
    const { lines, valid } = check(write('broken.rdb', snapshot.subarray(0, 50)), true);
    expect(valid).toBe(false);
    expect(lines).toContain('  string: 1 key, 5 bytes');
    expect(lines.slice(-2)).toEqual([
      './broken.rdb: BROKEN: unexpected end of data at offset 47, in the value of key "h\\xff" of database 1',
      "./broken.rdb: a snapshot can't be fixed: nothing was changed",
    ]);
    expect(check(join(folder, 'none')).lines).toEqual(['./none: BROKEN: No such file or directory']);
  });

  it('shows what is in an append-only file', () => {
    const text = `#TS:1700000000\r\n${command('SELECT', '0')}${command('multi')}${command('SET', 'a', '1')}${command('EXEC')}#TS:1700000060\r\n`;
    const { lines, valid } = check(write('plain.aof', text));
    expect(valid).toBe(true);
    expect(lines).toEqual([
      `./plain.aof: append-only file, ${text.length} bytes, 4 commands`,
      '  select: 1',
      '  multi: 1',
      '  set: 1',
      '  exec: 1',
      '  transactions: 1',
      '  written from 2023-11-14T22:13:20.000Z to 2023-11-14T22:14:20.000Z',
      './plain.aof: the commands are valid',
    ]);
    expect(check(write('empty.aof', '')).valid).toBe(true);
    const { lines: late } = check(
      write('late.aof', `#TS:1700000000\r\n${command('DEL', 'a')}#TS:9000000000000\r\n`),
    );
    expect(late).toContain('  written from 2023-11-14T22:13:20.000Z to second 9000000000000');
  });

  it('cuts what follows the last whole command or transaction', () => {
    const whole = command('SET', 'a', '1');
    const endings: [string, string][] = [
      [command('SET', 'b', '2').slice(0, -3), `inside a command, at offset ${whole.length}`],
      [command('MULTI') + command('SET', 'b', '2'), `transaction, which begins at offset ${whole.length}`],
      ['garbage', `Expected '*', at offset ${whole.length}`],
      [command('EXEC'), 'EXEC without MULTI'],
      [command('MULTI') + command('MULTI'), 'MULTI inside a transaction'],
    ];
    for (const [ending, reason] of endings) {
      const path = write('cut.aof', whole + ending);
      const found = check(path);
      expect(found.valid, ending).toBe(false);
      expect(found.lines.join('\n')).toContain(reason);
      expect(readFileSync(path, 'latin1')).toBe(whole + ending);
      const fixed = check(path, true);
      expect(fixed.valid).toBe(true);
      expect(fixed.lines.at(-1)).toBe(
        `./cut.aof: cut at offset ${whole.length}: ${ending.length} bytes were removed`,
      );
      expect(readFileSync(path, 'latin1')).toBe(whole);
      expect(check(path).valid).toBe(true);
    }
  });

  it('reads the snapshot in front of commands, and all files of a manifest', () => {
    const set = command('SET', 'a', '1');
    expect(check(write('preamble.aof', bytes(snapshot, set))).lines.at(-1)).toBe(
      './preamble.aof: the commands are valid',
    );
    const aof = join(folder, 'appendonlydir');
    mkdirSync(aof);
    write('appendonlydir/a.1.base.rdb', snapshot);
    write('appendonlydir/a.1.incr.aof', set);
    write('appendonlydir/a.2.incr.aof', `${set}*3\r\n`);
    const manifest = write(
      'appendonlydir/a.manifest',
      'file a.1.base.rdb seq 1 type b\nfile a.1.incr.aof seq 1 type i\nfile a.2.incr.aof seq 2 type i\n',
    );
    expect(check(aof).valid).toBe(false);
    expect(check(manifest, true).valid).toBe(true);
    expect(check(aof).lines.at(-1)).toBe('./appendonlydir/a.manifest: all files are valid');
    write('appendonlydir/a.1.incr.aof', `${set}*`);
    const refused = check(aof, true);
    expect(refused.valid).toBe(false);
    expect(refused.lines.at(-1)).toContain('only the last file of an append-only file can be cut');
    write('appendonlydir/a.manifest', 'file x\n');
    expect(check(aof).lines.join()).toContain('Invalid AOF manifest file format');
    expect(check(folder).lines.join()).toContain('a directory with no manifest');
  });
});
