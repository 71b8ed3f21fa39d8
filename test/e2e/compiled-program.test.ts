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

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'respite-compiled-'));
  write(42);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(answer: number): void {
  const code = `exports.answer = () => ${answer}; exports.folderUrl = folderUrl; exports.base = require('node:path').basename(__dirname);`;
  writeFileSync(join(folder, 'program.cjs'), `(function (exports, require, folderUrl, __dirname) {${code}})`);
}

function cacheFiles(): string[] {
  return readdirSync(folder).filter((file) => file !== 'program.cjs');
}

/** The only cache there is. */
function cache(): string {
  expect(cacheFiles()).toEqual([expect.stringMatching(/^program\.[0-9a-f]{16}\.cache$/)]);
  return join(folder, cacheFiles()[0]);
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
    const { ino, mtimeMs } = statSync(cache());
    const again = load();
    expect(again.exports.answer()).toBe(42);
    again.keepCompiled();
    expect(statSync(cache())).toMatchObject({ ino, mtimeMs });
  });

  it.each<[string, (good: Buffer) => Buffer]>([
    ['nothing', () => Buffer.alloc(0)],
    ['something else', () => Buffer.from('no compiled code')],
    ['a part', (good) => good.subarray(0, good.length / 2)],
    ['zeros in its second half', (good) => Buffer.from(good).fill(0, good.length / 2)],
    ['a wrong byte', (good) => Buffer.from(good).fill(good[300] ^ 1, 300, 301)],
  ])('replaces a cache that holds %s', (_what, damage) => {
    load().keepCompiled();
    const good = readFileSync(cache());
    writeFileSync(cache(), damage(good));
    const program = load();
    expect(program.exports.answer()).toBe(42);
    program.keepCompiled();
    const { ino } = statSync(cache());
    load().keepCompiled();
    expect(statSync(cache()).ino).toBe(ino);
  });

  it('does not run what was compiled of another text, of the same length or not', () => {
    load().keepCompiled();
    for (const answer of [43, 1000]) {
      write(answer);
      const program = load();
      expect(program.exports.answer()).toBe(answer);
      program.keepCompiled();
      expect(load().exports.answer()).toBe(answer);
    }
    expect(cacheFiles()).toHaveLength(3);
  });

  it('keeps what was compiled with other options of Node beside it', () => {
    load().keepCompiled();
    const { NODE_OPTIONS } = process.env;
    try {
      process.env.NODE_OPTIONS = '--max-old-space-size=512';
      load().keepCompiled();
    } finally {
      if (NODE_OPTIONS === undefined) delete process.env.NODE_OPTIONS;
      else process.env.NODE_OPTIONS = NODE_OPTIONS;
    }
    expect(cacheFiles()).toHaveLength(2);
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
