/** Where time comes from. Injected everywhere, so that tests need not wait and a run can be replayed. */
export interface Clock {
  /** Milliseconds since the Unix epoch, with a fraction. */
  now(): number;
  /** Microseconds from an arbitrary start, never going back. For durations. */
  microseconds(): number;
}

export class SystemClock implements Clock {
  /** Wall clock minus the monotonic clock, both in ms. */
  private offset = Date.now() - performance.now();

  /** The wall clock, which has whole milliseconds, with the fraction that the monotonic clock tells. */
  now(): number {
    const wall = Date.now();
    const fine = this.offset + performance.now();
    if (fine >= wall && fine < wall + 1) return fine;
    // The wall clock was set, or the two have drifted apart.
    this.offset += wall - fine;
    return wall;
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
