import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bytes } from '../../src/bytes/bytes.js';
import { commonLength, commonRuns } from '../../src/values/lcs.js';

/** The textbook recursion. */
function naiveLength(a: string, b: string): number {
  if (a === '' || b === '') return 0;
  if (a[0] === b[0]) return 1 + naiveLength(a.slice(1), b.slice(1));
  return Math.max(naiveLength(a.slice(1), b), naiveLength(a, b.slice(1)));
}

const short = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 9 });

/** A view that does not begin at 0. */
function view(text: string): Bytes {
  return new Bytes(Buffer.from(`??${text}??`), 2, 2 + text.length);
}

describe('longest common subsequence', () => {
  it('is as long as the textbook says', () => {
    fc.assert(
      fc.property(short, short, (a, b) => {
        expect(commonLength(view(a), view(b))).toBe(naiveLength(a, b));
      }),
    );
  });

  it('consists of runs that both strings have, in falling order, of the same total length', () => {
    fc.assert(
      fc.property(short, short, (a, b) => {
        const runs = commonRuns(view(a), view(b));
        let before = { a: a.length, b: b.length };
        for (const run of runs) {
          expect(a.substr(run.a, run.length)).toBe(b.substr(run.b, run.length));
          expect(run.length).toBeGreaterThan(0);
          expect(run.a + run.length).toBeLessThanOrEqual(before.a);
          expect(run.b + run.length).toBeLessThanOrEqual(before.b);
          before = run;
        }
        expect(runs.reduce((sum, run) => sum + run.length, 0)).toBe(naiveLength(a, b));
      }),
    );
  });

  it('takes the choice that Redis takes where several are equally long', () => {
    expect(commonRuns(view('ohmytext'), view('mynewtext'))).toEqual([
      { a: 4, b: 5, length: 4 },
      { a: 2, b: 0, length: 2 },
    ]);
    expect(commonRuns(view('ab'), view('ba'))).toEqual([{ a: 1, b: 0, length: 1 }]);
  });
});
