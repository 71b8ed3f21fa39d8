import { PerformanceObserver } from 'node:perf_hooks';
import type { Clock } from '../ambient/clock.js';
import type { LatencyMonitor } from '../observation/latency-monitor.js';

/**
 * Tells the latency monitor of delays that belong to no single command: periodic work that came late because
 * the event loop was held up (`event-loop`), and collections of the JavaScript engine (`garbage-collection`).
 * Costs nothing while the monitor is off.
 */
export class StallWatch {
  private collections: PerformanceObserver | undefined;
  /** When the periodic work ran last, in µs; NaN if that says nothing about the next time. */
  private lastTick = Number.NaN;

  constructor(
    private readonly latency: LatencyMonitor,
    private readonly clock: Clock,
  ) {}

  /** Starts or stops watching, as the latency monitor is on or off. */
  adjust(): void {
    if (!this.latency.enabled) return this.stop();
    if (this.collections !== undefined) return;
    this.collections = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) this.latency.note('garbage-collection', duration);
    });
    this.collections.observe({ entryTypes: ['gc'] });
  }

  stop(): void {
    this.collections?.disconnect();
    this.collections = undefined;
    this.forgetTick();
  }

  /** The periodic work begins, which is due every `periodMs`. */
  ticked(periodMs: number): void {
    if (!this.latency.enabled) return;
    const now = this.clock.microseconds();
    this.latency.note('event-loop', (now - this.lastTick) / 1000 - periodMs);
    this.lastTick = now;
  }

  /** The next periodic work comes at another time than usual. */
  forgetTick(): void {
    this.lastTick = Number.NaN;
  }

  /** A batch of requests was run and answered. */
  batchEnded(beganAtMicroseconds: number): void {
    if (this.latency.enabled)
      this.latency.note('event-loop', (this.clock.microseconds() - beganAtMicroseconds) / 1000);
  }
}
