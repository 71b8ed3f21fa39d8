import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DurationHistogram } from '../../src/observation/duration-histogram.js';

function histogramOf(microseconds: number[]): DurationHistogram {
  const histogram = new DurationHistogram();
  for (const value of microseconds) histogram.record(value);
  return histogram;
}

describe('a histogram of durations', () => {
  it('gives percentiles that are exact to two digits, and never too small', () => {
    const durations = fc.array(fc.integer({ min: 0, max: 1e9 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(durations, fc.constantFrom(0, 1, 50, 90, 99, 99.9, 100), (nanoseconds, percent) => {
        const sorted = nanoseconds.toSorted((a, b) => a - b);
        const rank = Math.max(1, Math.floor((percent / 100) * sorted.length + 0.5));
        const exact = sorted[rank - 1];
        const [found] = histogramOf(nanoseconds.map((ns) => ns / 1000)).percentiles([percent]);
        if (percent === 0) expect(found).toBeLessThanOrEqual(exact);
        else expect(found).toBeGreaterThanOrEqual(exact - 1); // the µs may be rounded down by a ns
        expect(Math.abs(found - exact)).toBeLessThanOrEqual(Math.max(1, exact / 100));
      }),
    );
  });

  it('counts what is longer than a second as a second', () => {
    const [longest] = histogramOf([5_000_000]).percentiles([100]);
    expect(longest).toBeGreaterThanOrEqual(1e9);
    expect(longest).toBeLessThan(1.01e9);
  });

  it('gives several percentiles at once', () => {
    const histogram = histogramOf(Array.from({ length: 100 }, (_, i) => (i + 1) / 10));
    expect(histogram.total).toBe(100);
    expect(histogram.percentiles([0, 50, 100])).toEqual([100, 5023, 10047]);
  });

  it('adds up over bounds that double, without those that add nothing', () => {
    expect(histogramOf([0.5, 0.9, 3, 3, 30_000]).cumulative()).toEqual([
      [1, 2],
      [4, 4],
      [33816, 5],
    ]);
    expect(new DurationHistogram().cumulative()).toEqual([]);
  });

  it('has all durations in the last row', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1e7, noNaN: true }), { minLength: 1 }), (durations) => {
        const rows = histogramOf(durations).cumulative();
        expect(rows.at(-1)?.[1]).toBe(durations.length);
        expect(rows.map(([bound]) => bound)).toEqual(rows.map(([bound]) => bound).toSorted((a, b) => a - b));
      }),
    );
  });
});
