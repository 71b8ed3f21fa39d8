import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { AofFormatError, AofReader } from '../../src/persistence/aof-reader.js';
import { systemFiles } from '../../src/persistence/files.js';
import { commandText } from '../support/encode-command.mjs';

const folder = mkdtempSync(join(tmpdir(), 'respite-aof-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What is in a file with these bytes: the commands, how it ends, and the offset up to which it is whole. */
function read(bytes: Buffer | string, offset = 0) {
  const path = join(folder, 'file');
  const content = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes, 'latin1');
  writeFileSync(path, content);
  const fd = openSync(path, 'r');
  const reader = new AofReader(systemFiles, fd, offset, content.length);
  const commands: string[][] = [];
  try {
    for (;;) {
      const found = reader.next();
      if (found !== true) return { commands, end: found, offset: reader.offset, timestamp: reader.timestamp };
      commands.push(reader.args.slice(0, reader.argc).map((arg) => arg.latin1()));
    }
  } finally {
    closeSync(fd);
  }
}

const set = commandText('SET', 'a', '1');

describe('AofReader', () => {
  it('reads commands and annotations', () => {
    const text = `#TS:1700000000\r\n${set}${commandText('DEL', 'a')}`;
    expect(read(text)).toEqual({
      commands: [
        ['SET', 'a', '1'],
        ['DEL', 'a'],
      ],
      end: false,
      offset: text.length,
      timestamp: 1_700_000_000,
    });
    expect(read(`REDIS...${set}`, 8).commands).toEqual([['SET', 'a', '1']]);
    expect(read('')).toMatchObject({ commands: [], end: false });
  });

  it('finds where a file is cut, wherever that is', () => {
    const text = set + set;
    for (let length = set.length + 1; length < text.length; length++) {
      expect(read(text.slice(0, length))).toMatchObject({ end: 'truncated', offset: set.length });
    }
  });

  it('reads commands larger than its window', () => {
    const big = 'x'.repeat(5_000_000);
    expect(read(set + commandText('SET', 'a', big) + set).commands.map((args) => args[2].length)).toEqual([
      1, 5_000_000, 1,
    ]);
  });

  it.each([
    ['!!!', "Expected '*'", 0],
    ['*1\r\n:3\r\nabc\r\n', "Expected '$'", 4],
    ['*x\r\n', 'Expected a number', 0],
    ['*\r\n', 'Expected a number', 0],
    ['*-1\r\n', 'Expected a number', 0],
    ['*99999999999\r\n', 'Expected a number', 0],
    ['*0\r\n', 'A command without a name', 0],
    ['*1\r\n$3\r\nabcde\r\n', 'Expected \\r\\n', 11],
    [`#${'x'.repeat(2000)}`, 'An annotation that does not end', 0],
  ])('refuses %j', (text, message, offset) => {
    let error: unknown;
    try {
      read(set + text);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(AofFormatError);
    expect((error as AofFormatError).message).toContain(message);
    expect((error as AofFormatError).offset).toBe(set.length + offset);
  });

  it('does not take memory for what the file does not have', () => {
    expect(read('*1000000000\r\n$1\r\na\r\n')).toMatchObject({ end: 'truncated', offset: 0 });
    expect(read('*1\r\n$4000000000\r\na\r\n')).toMatchObject({ end: 'truncated', offset: 0 });
  });

  it('survives any bytes', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 0, max: 255 }), (at, byte) => {
        const bytes = Buffer.from(set.repeat(5));
        bytes[at % bytes.length] = byte;
        try {
          read(bytes);
        } catch (error) {
          if (!(error instanceof AofFormatError)) throw error;
        }
      }),
    );
  });
});
