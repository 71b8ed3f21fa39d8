import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CompiledProgram } from '../../src/compiled-program.js';

interface Exports {
  answer(): number;
  folderUrl: string;
  base: string;
}

let folder: string;
let cache: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'respite-compiled-'));
  cache = join(folder, 'program.cache');
  write(42);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(answer: number): void {
  const code = `exports.answer = () => ${answer}; exports.folderUrl = folderUrl; exports.base = require('node:path').basename(__dirname);`;
  writeFileSync(join(folder, 'program.cjs'), `(function (exports, require, folderUrl, __dirname) {${code}})`);
}

function load(): CompiledProgram<Exports> {
  return new CompiledProgram<Exports>(pathToFileURL(`${folder}/`), 'program');
}

describe('CompiledProgram', () => {
  it('runs the file, which finds its folder and Node’s modules', () => {
    const { exports } = load();
    expect(exports.answer()).toBe(42);
    expect(exports.folderUrl).toBe(pathToFileURL(`${folder}/`).href);
    expect(exports.base).toMatch(/^respite-compiled-/);
  });

  it('keeps what was compiled, and leaves it alone once it is good', () => {
    load().keepCompiled();
    const { ino, mtimeMs } = statSync(cache);
    const again = load();
    expect(again.exports.answer()).toBe(42);
    again.keepCompiled();
    expect(statSync(cache)).toMatchObject({ ino, mtimeMs });
    expect(readdirSync(folder).sort()).toEqual(['program.cache', 'program.cjs']);
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['something else', Buffer.from('no compiled code')],
    ['a part', undefined],
  ])('replaces a cache that holds %s', (_what, content) => {
    load().keepCompiled();
    const good = readFileSync(cache);
    writeFileSync(cache, content ?? good.subarray(0, good.length / 2));
    const program = load();
    expect(program.exports.answer()).toBe(42);
    program.keepCompiled();
    const { ino } = statSync(cache);
    load().keepCompiled();
    expect(statSync(cache).ino).toBe(ino);
  });

  it('does not run what was compiled of another text', () => {
    load().keepCompiled();
    write(1000);
    const program = load();
    expect(program.exports.answer()).toBe(1000);
    program.keepCompiled();
    expect(load().exports.answer()).toBe(1000);
  });

  it('runs without a cache where none can be written', () => {
    const program = load();
    rmSync(folder, { recursive: true });
    program.keepCompiled();
    expect(program.exports.answer()).toBe(42);
  });

  it('throws if there is no such program', () => {
    rmSync(join(folder, 'program.cjs'));
    expect(load).toThrow('ENOENT');
  });
});
