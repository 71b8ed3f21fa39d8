import type { Clock } from '../ambient/clock.js';
import type { Snapshot, SnapshotSink } from './snapshot.js';

/** A slice takes this share of the time since the last one, so that clients keep most of the processor ... */
const share = 0.15;
/** ... within these bounds, in µs. */
const shortestSlice = 200;
const longestSlice = 2000;
/** A slice where nobody else waits for the processor, in µs: signals are heard in between. */
const lonelySlice = 5000;
/** How long to wait for a sink that is busy, in ms, and longest pause for the sake of `keyDelay`. */
const busyPauseMs = 2;
const longestPauseMs = 50;
/** No estimate of what a bucket costs goes higher. */
const mostBucketMicroseconds = 10;

/** A sink that is told when all was written. */
export interface EndingSink extends SnapshotSink {
  end(): void;
}

export interface BackgroundOptions {
  /** `rdb-key-save-delay`: µs to wait after each key, for tests; negative: keys for each µs. */
  keyDelay?: () => number;
  /** There was a defect of ours; the snapshot has stopped. */
  onFailure?: (error: unknown) => void;
  /** All clients wait for it, so it takes all the time there is. */
  alone?: boolean;
}

/** Writes a snapshot in slices between events, and ends its sink after the last one. */
export class BackgroundSnapshot {
  private lastEnd: number;
  private stopped = false;
  private timer: NodeJS.Timeout | undefined;
  /** What writing a bucket costs, about. */
  private bucketMicroseconds = 2;
  private forcedBefore = 0;
  /** Microseconds that are still to be waited. */
  private owed = 0;

  constructor(
    private readonly clock: Clock,
    readonly snapshot: Snapshot,
    private readonly sink: EndingSink,
    private readonly options: BackgroundOptions = {},
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
      this.options.onFailure?.(error);
    }
  }

  private work(): void {
    const { snapshot } = this;
    const delay = this.options.keyDelay?.() ?? 0;
    if (this.owed > 0 && delay !== 0) return this.pause();
    this.owed = 0;
    const before = snapshot.keysProcessed;
    const budget = delay > 0 ? 0 : this.budget();
    if (budget < 0) return this.soon();
    const done = this.step(budget);
    const keys = snapshot.keysProcessed - before;
    this.owed = delay > 0 ? keys * delay : delay < 0 ? keys / -delay : 0;
    if (this.owed >= 1000) return this.pause();
    if (done) this.sink.end();
    else if (snapshot.isHeldUp) this.later(busyPauseMs);
    else this.soon();
  }

  /**
   * Time for this slice, in µs. What clients' changes made the snapshot do since the last one counts as its share; if
   * it was more, there is no slice: negative.
   */
  private budget(): number {
    const { clock, snapshot } = this;
    if (this.options.alone === true) return lonelySlice;
    const due = (clock.microseconds() - this.lastEnd) * share;
    const forced = snapshot.bucketsForced - this.forcedBefore;
    if (forced === 0) return Math.min(Math.max(due, shortestSlice), longestSlice);
    return Math.min(due - forced * this.bucketMicroseconds, longestSlice);
  }

  private step(budget: number): boolean {
    const { clock, snapshot } = this;
    const began = clock.microseconds();
    const bucketsBefore = snapshot.bucketsWritten;
    const done = snapshot.step(clock, budget);
    this.lastEnd = clock.microseconds();
    this.forcedBefore = snapshot.bucketsForced;
    const buckets = snapshot.bucketsWritten - bucketsBefore;
    if (buckets > 0) {
      const each = (this.lastEnd - began) / buckets;
      // An estimate, so a slice that the machine interrupted must not count for much.
      this.bucketMicroseconds += (Math.min(each, mostBucketMicroseconds) - this.bucketMicroseconds) / 16;
    }
    return done;
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
