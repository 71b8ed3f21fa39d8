import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SystemClock, WallOffset } from '../../src/ambient/clock.js';

describe('WallOffset', () => {
  /** A look at a wall clock that is `ahead` ms ahead of the monotonic one; reading both takes `took` ms. */
  function look(offset: WallOffset, ahead: number, at: number, took = 0): void {
    offset.observe(at, Math.floor(at + took / 2 + ahead), at + took);
  }

  it('stays exact if it begins so', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e6, noNaN: true }),
        fc.array(
          fc.tuple(fc.double({ min: 0, max: 1e5, noNaN: true }), fc.double({ min: 0, max: 5, noNaN: true })),
        ),
        (ahead, looks) => {
          const offset = new WallOffset(ahead);
          for (const [at, took] of looks) look(offset, ahead, at, took);
          expect(Math.abs(offset.value - ahead)).toBeLessThan(1e-6);
        },
      ),
    );
  });

  it('is less than a millisecond behind once the wall clock was set, and comes nearer', () => {
    const offset = new WallOffset(1000);
    look(offset, 1000, 0);
    for (const ahead of [5000.75, -7.4, 123.999]) {
      let behind = 1;
      for (let at = 0; at < 100; at += 0.93) {
        look(offset, ahead, at, 0.01);
        const now = ahead - offset.value;
        expect(now).toBeGreaterThan(-0.02);
        expect(now).toBeLessThanOrEqual(behind + 1e-9);
        behind = now;
      }
      expect(behind).toBeLessThan(0.05);
    }
  });
});

describe('SystemClock', () => {
  it('tells the time of day as finely as durations', () => {
    const clock = new SystemClock();
    for (let i = 0; i < 200; i++) {
      clock.synchronize();
      const before = Date.now();
      const now = clock.now();
      const after = Date.now() + 1;
      expect(now).toBeGreaterThan(before - 0.5);
      expect(now).toBeLessThan(after + 0.5);
    }
  });
});
