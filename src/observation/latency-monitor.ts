/** One spike: when, in unix seconds, and how long it took. */
export interface LatencySample {
  time: number;
  milliseconds: number;
}

/** Spikes of one kind. */
export interface LatencySeries {
  /** Oldest first, at most one a second, at most `maxSamples`. */
  samples: LatencySample[];
  /** The worst that was ever seen, in ms. */
  worst: number;
}

const maxSamples = 160;

/**
 * What took long in this server, by kind of event (`command`, `expire-cycle` ...): what LATENCY shows. Off
 * while the threshold is 0.
 */
export class LatencyMonitor {
  /** ms (`latency-monitor-threshold`). What takes less is not noted; 0: nothing is. */
  threshold = 0;
  private readonly series = new Map<string, LatencySeries>();

  /** @param now unix time in ms */
  constructor(private readonly now: () => number) {}

  get enabled(): boolean {
    return this.threshold > 0;
  }

  /** Something of this kind took so long: notes it, if that is long enough (NaN never is). */
  note(event: string, milliseconds: number): void {
    const whole = Math.floor(milliseconds);
    if (!this.enabled || !(whole >= this.threshold)) return;
    this.add(event, { time: Math.floor(this.now() / 1000), milliseconds: whole });
  }

  private add(event: string, sample: LatencySample): void {
    const series = this.series.get(event) ?? { samples: [], worst: 0 };
    this.series.set(event, series);
    series.worst = Math.max(series.worst, sample.milliseconds);
    const latest = series.samples.at(-1);
    if (latest?.time === sample.time) {
      latest.milliseconds = Math.max(latest.milliseconds, sample.milliseconds);
      return;
    }
    series.samples.push(sample);
    if (series.samples.length > maxSamples) series.samples.shift();
  }

  get(event: string): LatencySeries | undefined {
    return this.series.get(event);
  }

  /** All kinds of which something was noted, in order of their first appearance. */
  events(): IterableIterator<[string, LatencySeries]> {
    return this.series.entries();
  }

  /** Forgets a kind. False if nothing was known of it. */
  forget(event: string): boolean {
    return this.series.delete(event);
  }
}
