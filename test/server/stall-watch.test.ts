import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../src/ambient/clock.js';
import { LatencyMonitor } from '../../src/observation/latency-monitor.js';
import { StallWatch } from '../../src/server/stall-watch.js';

const watches: StallWatch[] = [];
afterEach(() => {
  for (const watch of watches.splice(0)) watch.stop();
});

function watchOf(threshold: number) {
  const clock = new ManualClock();
  const latency = new LatencyMonitor(() => clock.now());
  latency.threshold = threshold;
  const watch = new StallWatch(latency, clock);
  watch.adjust();
  watches.push(watch);
  return { clock, latency, watch, worst: (event: string) => latency.get(event)?.worst };
}

describe('the stall watch', () => {
  it('notes how late periodic work is', () => {
    const { clock, watch, worst } = watchOf(50);
    for (const wait of [0, 100, 120, 350, 100]) {
      clock.advance(wait);
      watch.ticked(100);
    }
    expect(worst('event-loop')).toBe(250);
  });

  it('does not take a pause for a delay', () => {
    const { clock, watch, worst } = watchOf(50);
    watch.ticked(100);
    watch.forgetTick();
    clock.advance(10_000);
    watch.ticked(100);
    expect(worst('event-loop')).toBeUndefined();
  });

  it('notes long batches of requests', () => {
    const { clock, watch, worst } = watchOf(50);
    const began = clock.microseconds();
    clock.advance(70);
    watch.batchEnded(began);
    expect(worst('event-loop')).toBe(70);
  });

  it('notes long garbage collections', { timeout: 30_000 }, async () => {
    const { worst } = watchOf(1);
    // A million live objects take more than a millisecond to mark or to move.
    const alive: { i: number }[][] = [];
    for (let round = 0; round < 100 && worst('garbage-collection') === undefined; round++) {
      alive[round % 10] = Array.from({ length: 100_000 }, (_, i) => ({ i }));
      await nextTurn();
    }
    expect(worst('garbage-collection')).toBeGreaterThanOrEqual(1);
  });

  it('notes nothing while the latency monitor is off', () => {
    const { clock, latency, watch } = watchOf(0);
    watch.ticked(100);
    clock.advance(1000);
    watch.ticked(100);
    watch.batchEnded(0);
    expect([...latency.events()]).toEqual([]);
  });
});
