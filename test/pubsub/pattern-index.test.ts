import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bytes } from '../../src/bytes/bytes.js';
import { globMatch } from '../../src/bytes/glob.js';
import { PatternIndex } from '../../src/pubsub/pattern-index.js';

function matches(index: PatternIndex<string>, name: string): string[] {
  const found: string[] = [];
  index.forEachMatch(Bytes.of(name), ({ pattern, subscribers }) => {
    for (const subscriber of subscribers) found.push(`${pattern.latin1()} ${subscriber}`);
  });
  return found.sort();
}

describe('PatternIndex', () => {
  it('finds what a walk over all patterns finds, after any additions and removals', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', '[ab]', '\\*', ':'), maxLength: 5 });
    const step = fc.record({ add: fc.boolean(), pattern: word, subscriber: fc.constantFrom('x', 'y') });
    const name = fc.string({ unit: fc.constantFrom('a', 'b', '*', ':'), maxLength: 6 });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.array(name, { maxLength: 8 }), (steps, names) => {
        const index = new PatternIndex<string>();
        const model = new Set<string>();
        for (const { add, pattern, subscriber } of steps) {
          if (add) index.add(pattern, subscriber);
          else index.remove(pattern, subscriber);
          if (add) model.add(`${pattern} ${subscriber}`);
          else model.delete(`${pattern} ${subscriber}`);
        }
        expect(index.size).toBe(new Set([...model].map((pair) => pair.split(' ')[0])).size);
        for (const text of names) {
          const expected = [...model].filter((pair) =>
            globMatch(Bytes.of(pair.split(' ')[0]), Bytes.of(text)),
          );
          expect(matches(index, text)).toEqual(expected.sort());
        }
      }),
    );
  });

  it('looks only at patterns whose literal prefix the name begins with', () => {
    const index = new PatternIndex<string>();
    for (let i = 0; i < 10_000; i++) index.add(`user:${i}:[`, 'x');
    index.add('user:17:*', 'y');
    let looked = 0;
    const name = Bytes.of('user:17:login');
    const entries = index as unknown as {
      byLength: { length: number; byPrefix: Map<string, Set<unknown>> }[];
    };
    for (const { length, byPrefix } of entries.byLength) {
      looked += byPrefix.get(name.latin1().slice(0, length))?.size ?? 0;
    }
    expect(looked).toBe(2);
    expect(matches(index, 'user:17:login')).toEqual(['user:17:* y']);
  });

  it('keeps nothing of patterns that nobody wants any more', () => {
    const index = new PatternIndex<string>();
    index.add('a*', 'x');
    index.add('a*', 'y');
    index.remove('a*', 'x');
    expect(matches(index, 'ab')).toEqual(['a* y']);
    index.remove('a*', 'y');
    index.remove('a*', 'y');
    expect(index.size).toBe(0);
    expect((index as unknown as { byLength: unknown[] }).byLength).toEqual([]);
  });
});
