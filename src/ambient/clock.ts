/** Where time comes from. Injected everywhere, so that tests need not wait and a run can be replayed. */
export interface Clock {
  /** Milliseconds since the Unix epoch, with a fraction. */
  now(): number;
  /** Microseconds from an arbitrary start, never going back. For durations. */
  microseconds(): number;
}

export class SystemClock implements Clock {
  now(): number {
    return Date.now();
  }

  microseconds(): number {
    return performance.now() * 1000;
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

  /** Moves time forward. Negative or NaN is refused: time does not go back. */
  advance(milliseconds: number): void {
    if (!(milliseconds >= 0)) throw new RangeError(`cannot advance the clock by ${milliseconds} ms`);
    this.milliseconds += milliseconds;
  }
}
