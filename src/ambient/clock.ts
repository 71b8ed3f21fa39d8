import { performance } from 'node:perf_hooks'; // the global is a getter, asked anew each time

/** Where time comes from. Injected everywhere, so that tests need not wait and a run can be replayed. */
export interface Clock {
  /** Milliseconds since the Unix epoch, with a fraction. */
  now(): number;
  /** Microseconds from an arbitrary start, never going back. For durations. */
  microseconds(): number;
  /** What `now` was when `microseconds` read this. */
  wallTimeAt(microseconds: number): number;
  /** To be called now and then: notices that somebody set the wall clock. */
  synchronize(): void;
}

/**
 * How far the wall clock is ahead of the monotonic one, in ms. The wall clock shows whole milliseconds only, so each
 * look at it gives bounds a millisecond apart; those of all looks together leave much less, as long as nobody sets
 * it.
 */
export class WallOffset {
  private low = Number.NEGATIVE_INFINITY;
  private high = Number.POSITIVE_INFINITY;

  /** @param value what is believed until a look at the wall clock contradicts it */
  constructor(public value: number) {}

  /** The wall clock showed `wall` at some time from `before` to `after` on the monotonic clock. */
  observe(before: number, wall: number, after: number): void {
    const low = wall - after;
    const high = wall + 1 - before;
    const wasSet = low >= this.high || high <= this.low;
    this.low = wasSet ? low : Math.max(low, this.low);
    this.high = wasSet ? high : Math.min(high, this.high);
    if (this.value < this.low || this.value >= this.high) this.value = this.low;
  }
}

/**
 * The machine's clocks. One reading of the monotonic clock serves for durations and, with the offset of the wall clock,
 * for the time of day: a reading costs 45 ns.
 */
export class SystemClock implements Clock {
  private readonly offset = new WallOffset(performance.timeOrigin);

  constructor() {
    this.synchronize();
  }

  now(): number {
    return this.offset.value + performance.now();
  }

  microseconds(): number {
    return performance.now() * 1000;
  }

  wallTimeAt(microseconds: number): number {
    return this.offset.value + microseconds / 1000;
  }

  synchronize(): void {
    this.offset.observe(performance.now(), Date.now(), performance.now());
  }
}

/** Unix time in ms. */
const lastDate = 8.64e15;

/** A clock that stands still until it is advanced. */
export class ManualClock implements Clock {
  constructor(private milliseconds: number = 1_700_000_000_000) {}

  now(): number {
    return this.milliseconds;
  }

  microseconds(): number {
    return this.milliseconds * 1000;
  }

  wallTimeAt(microseconds: number): number {
    return microseconds / 1000;
  }

  synchronize(): void {}

  /**
   * Moves time forward. Throws RangeError for what would take it back, or beyond the last date that JavaScript knows.
   */
  advance(milliseconds: number): void {
    if (!(milliseconds >= 0 && this.milliseconds + milliseconds <= lastDate))
      throw new RangeError(`cannot advance the clock by ${milliseconds} ms`);
    this.milliseconds += milliseconds;
  }
}
