import { describe, expect, it } from 'vitest';
import { summarize } from '../../bench/lib/probe.mjs';

describe('what the PING probe of the benchmarks reports', () => {
  const trips = [
    { from: 0, ms: 2 },
    { from: 10, ms: 24 },
    { from: 50, ms: 8 },
  ];

  it('is what was measured when the machine never paused', () => {
    expect(summarize(trips, [])).toEqual({ worstMs: 24, p999Ms: 24, measuredWorstMs: 24, longestPauseMs: 0 });
  });

  it('takes off the pauses within a round trip, and no others', () => {
    const pauses = [
      { from: 12, ms: 20, pausedMs: 19 },
      { from: 100, ms: 31, pausedMs: 30 },
    ];
    expect(summarize(trips, pauses)).toEqual({
      worstMs: 8,
      p999Ms: 8,
      measuredWorstMs: 24,
      longestPauseMs: 30,
    });
  });

  it('takes off no more of a pause than lies within the round trip', () => {
    expect(summarize(trips, [{ from: 0, ms: 15, pausedMs: 15 }])).toMatchObject({ worstMs: 19 });
  });

  it('takes off no more than the pause when the sleep around it was longer', () => {
    expect(summarize(trips, [{ from: 9, ms: 30, pausedMs: 6 }])).toMatchObject({ worstMs: 18 });
  });
});
