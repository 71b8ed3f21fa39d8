import type { Clock } from '../ambient/clock.js';
import { ManualClock } from '../ambient/clock.js';

/**
 * The server's alarm clock: a periodic job and one alarm for the earliest deadline. With a manual clock
 * nothing happens by itself; `RespiteServer.afterTimePassed` does what would have happened in that time.
 */
export class Timers {
  private periodic: NodeJS.Timeout | undefined;
  private readonly slices = new Map<string, NodeJS.Timeout>();
  private alarm: NodeJS.Timeout | undefined;
  private alarmAt = Number.POSITIVE_INFINITY;
  private readonly manual: boolean;

  constructor(
    private readonly clock: Clock,
    /** Runs every period. */
    private readonly onTick: () => void,
    /** Runs at a deadline set by `wakeAt`. */
    private readonly onAlarm: () => void,
  ) {
    this.manual = clock instanceof ManualClock;
  }

  /** Starts, or changes, the periodic job. */
  start(periodMs: number): void {
    if (this.manual) return;
    clearInterval(this.periodic);
    this.periodic = setInterval(this.onTick, periodMs);
  }

  /**
   * Runs `job` once, soon, but after pending input had its turn. While one of that name waits there is no second.
   */
  soon(name: string, delayMs: number, job: () => void): void {
    if (this.manual || this.slices.has(name)) return;
    const timeout = setTimeout(() => {
      this.slices.delete(name);
      job();
    }, delayMs);
    this.slices.set(name, timeout);
  }

  /** Makes sure that the alarm rings no later than at this unix time in ms. */
  wakeAt(when: number): void {
    if (this.manual || when >= this.alarmAt || when === Number.POSITIVE_INFINITY) return;
    clearTimeout(this.alarm);
    this.alarmAt = when;
    const delay = Math.min(Math.max(0, Math.ceil(when - this.clock.now())), 0x7fffffff);
    this.alarm = setTimeout(() => {
      this.alarmAt = Number.POSITIVE_INFINITY;
      this.onAlarm();
    }, delay);
  }

  stop(): void {
    clearInterval(this.periodic);
    clearTimeout(this.alarm);
    for (const timeout of this.slices.values()) clearTimeout(timeout);
  }
}
