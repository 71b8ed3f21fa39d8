import { describe, expect, it } from 'vitest';
import { AofManifest } from '../../src/persistence/aof-manifest.js';

const text =
  'file a.aof.1.base.rdb seq 1 type b\nfile a.aof.1.incr.aof seq 1 type i\nfile a.aof.2.incr.aof seq 2 type i\n';

describe('AofManifest', () => {
  it('reads what it writes', () => {
    expect(AofManifest.parse(text).format()).toBe(text);
    expect(AofManifest.parse(`# comment\n${text}`).format()).toBe(text);
    const blank = new AofManifest().withIncremental(' file seq \n\n.aof ', () => false);
    expect(blank.format()).toBe('file " file seq \\n\\n.aof .1.incr.aof" seq 1 type i\n');
    expect(AofManifest.parse(blank.format()).incremental[0].name).toBe(' file seq \n\n.aof .1.incr.aof');
  });

  it('passes over keys that it does not know', () => {
    expect(AofManifest.parse('file a seq 1 type b newkey newvalue\n').base?.name).toBe('a');
  });

  it('makes history of what a rewrite contains, the latest first', () => {
    let manifest = AofManifest.parse(text).withIncremental('a.aof', (name) => name === 'a.aof.3.incr.aof');
    manifest = manifest.rewritten(manifest.nextBase('a.aof', 'rdb'), 1);
    expect(manifest.format().split('\n').slice(0, -1)).toEqual([
      'file a.aof.2.base.rdb seq 2 type b',
      'file a.aof.2.incr.aof seq 2 type h',
      'file a.aof.1.incr.aof seq 1 type h',
      'file a.aof.1.base.rdb seq 1 type h',
      'file a.aof.4.incr.aof seq 4 type i',
    ]);
    expect(manifest.withoutHistory().files.map(({ sequence }) => sequence)).toEqual([2, 4]);
  });

  it.each([
    ['', 'Found an empty AOF manifest'],
    ['# nothing\n', 'Found an empty AOF manifest'],
    ['file a seq 1 type b\n\nfile b seq 1 type i\n', 'Invalid AOF manifest file format'],
    ['file a seq 1 type x\n', 'Unknown AOF file type'],
    ['file a seq 1 type b\nfile b seq 2 type b\n', 'Found duplicate base file information'],
    ['file a seq 2 type i\nfile b seq 1 type i\n', 'Found a non-monotonic sequence number'],
    ['file a seq 1\n', 'Invalid AOF manifest file format'],
    ['file a seq 1 type b more\n', 'Invalid AOF manifest file format'],
    ['file a seq 0 type b\n', 'Invalid AOF manifest file format'],
    ['file a seq x type b\n', 'Invalid AOF manifest file format'],
    ['file ../a seq 1 type b\n', "File can't be a path, just a filename"],
    [`file ${'a'.repeat(1024)} seq 1 type b\n`, 'The AOF manifest file contains too long line'],
  ])('refuses %j', (manifest, message) => {
    expect(() => AofManifest.parse(manifest)).toThrow(message);
  });
});
