import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firstInOrder, reversed } from '../../src/commands/sort-order.js';

const key = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.double({ noNaN: true }),
  fc.double({ noNaN: true, min: 0, max: 1e-300 }),
  fc.constant(-0),
);

describe('the order of SORT', () => {
  it('is that of the keys, then that of the ties, then the elements’ own', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(key, fc.nat(2)), { minLength: 1, maxLength: 300 }),
        fc.nat(300),
        fc.boolean(),
        (elements, wanted, descending) => {
          const keys = Float64Array.from(elements, ([n]) => n);
          const ordering = { keys, tie: (a: number, b: number) => elements[a][1] - elements[b][1] };
          const sign = descending ? -1 : 1;
          const expected = elements
            .map((_, index) => index)
            .sort((a, b) => {
              const [x, y] = [keys[a], keys[b]];
              return sign * (x < y ? -1 : x > y ? 1 : ordering.tie(a, b)) || a - b;
            });
          const count = Math.min(wanted, elements.length);
          const found = firstInOrder(descending ? reversed(ordering) : ordering, count);
          expect(found.slice(0, count)).toEqual(expected.slice(0, count));
        },
      ),
      { numRuns: 300 },
    );
  });
});
