import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quoteWord, splitWords, trimBlanks } from '../../src/bytes/words.js';

describe('words of a line', () => {
  it.each([
    ['a  b\tc', ['a', 'b', 'c']],
    ['""', ['']],
    [String.raw`"a\x41\n\t\"\\\q"`, ['aA\n\t"\\q']],
    [String.raw`'a\'b\n'`, ["a'b\\n"]],
    ['a"b c"', ['ab c']],
    ['"a"b', null],
    ["'a", null],
    ['"a\\', null],
    ['', []],
  ])('%j gives %j', (line, words) => {
    expect(splitWords(line)).toEqual(words);
  });

  it('are not cut into by the removal of blanks', () => {
    expect(trimBlanks(' \t requirepass voil\xc3\xa0\r')).toBe('requirepass voil\xc3\xa0');
  });

  it('reads back whatever was quoted', () => {
    const bytes = fc.array(fc.integer({ min: 0, max: 255 })).map((codes) => String.fromCharCode(...codes));
    fc.assert(
      fc.property(fc.array(bytes), (words) => {
        expect(splitWords(words.map(quoteWord).join(' '))).toEqual(words);
      }),
    );
  });
});
