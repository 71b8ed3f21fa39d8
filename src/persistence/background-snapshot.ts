import type { Clock } from '../ambient/clock.js';
import type { Snapshot, SnapshotSink } from './snapshot.js';

/** A slice takes this share of the time since the last one, so that clients keep most of the processor ... */
const share = 0.35;
/** ... within these bounds, in µs. */
const shortestSlice = 300;
const longestSlice = 3000;
/** How long to wait for a sink that is busy, in ms, and longest pause for the sake of `keyDelay`. */
const busyPauseMs = 2;
const longestPauseMs = 50;

/** A sink that is told when all was written. */
export interface EndingSink extends SnapshotSink {
  end(): void;
}

/** Writes a snapshot in slices between events, and ends its sink after the last one. */
export class BackgroundSnapshot {
  private lastEnd: number;
  private stopped = false;
  private timer: NodeJS.Timeout | undefined;
  /** Microseconds that are still to be waited. */
  private owed = 0;

  constructor(
    private readonly clock: Clock,
    readonly snapshot: Snapshot,
    private readonly sink: EndingSink,
    /** `rdb-key-save-delay`: µs to wait after each key, for tests; negative: keys for each µs. */
    private readonly keyDelay: () => number = () => 0,
    private readonly onFailure: (error: unknown) => void = () => {},
  ) {
    this.lastEnd = clock.microseconds();
    this.soon();
  }

  private soon(): void {
    setImmediate(() => this.slice());
  }

  private later(delayMs: number): void {
    this.timer = setTimeout(() => this.slice(), delayMs);
  }

  private slice(): void {
    if (this.stopped) return;
    try {
      this.work();
    } catch (error) {
      // A defect of ours: clients must not be left with hooks on every table.
      this.stop();
      this.onFailure(error);
    }
  }

  private work(): void {
    const { clock, snapshot } = this;
    const delay = this.keyDelay();
    if (this.owed > 0 && delay !== 0) return this.pause();
    this.owed = 0;
    const before = snapshot.keysProcessed;
    const elapsed = clock.microseconds() - this.lastEnd;
    const budget = delay > 0 ? 0 : Math.min(Math.max(elapsed * share, shortestSlice), longestSlice);
    const done = snapshot.step(clock, budget);
    this.lastEnd = clock.microseconds();
    const keys = snapshot.keysProcessed - before;
    this.owed = delay > 0 ? keys * delay : delay < 0 ? keys / -delay : 0;
    if (this.owed >= 1000) return this.pause();
    if (done) this.sink.end();
    else if (snapshot.isHeldUp) this.later(busyPauseMs);
    else this.soon();
  }

  private pause(): void {
    const milliseconds = Math.min(this.owed / 1000, longestPauseMs);
    this.owed -= milliseconds * 1000;
    this.later(milliseconds);
  }

  /** Gives up. The sink is the caller's to abandon. */
  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    this.snapshot.abort();
  }
}
