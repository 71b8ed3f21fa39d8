import type { RespiteServer } from './server.js';

/** Longest time that blocks are moved without letting clients have their turn. */
const sliceMicroseconds = 1000;

/**
 * Decides when memory is fragmented enough to move blocks (`activedefrag` and its thresholds), and lets
 * `Keyspace.defragmentation` do it, in slices that take a share of the processor.
 */
export class ActiveDefrag {
  /** Percent of a processor that is being used; 0 while nothing is moved. */
  runningPercent = 0;
  /** Time in ms of all runs since the start or the last reset. */
  private finishedMs = 0;
  private runBegan = 0;
  /** Bytes that the last run could not win; a new one must promise more. */
  private wasteLeft = 0;

  constructor(private readonly server: RespiteServer) {}

  /** Begins a run if there is reason to, or fits the present one to how much there is to do. Called periodically. */
  check(): void {
    const { values } = this.server.config;
    if (!values.activedefrag) return this.end();
    const percent = this.effort();
    if (this.runningPercent > 0) {
      this.runningPercent = Math.max(percent, values['active-defrag-cycle-min']);
      return;
    }
    if (percent > 0) this.begin(percent);
  }

  /** Percent of a processor that the present fragmentation is worth; 0 if it is below the thresholds. */
  private effort(): number {
    const { values } = this.server.config;
    const { allocated, touchedBytes } = this.server.keyspace.arena;
    const waste = touchedBytes - allocated;
    if (allocated === 0) this.wasteLeft = 0;
    if (waste - this.wasteLeft < values['active-defrag-ignore-bytes']) return 0;
    const percent = (waste / Math.max(allocated, 1)) * 100;
    const { 'active-defrag-threshold-lower': lower, 'active-defrag-threshold-upper': upper } = values;
    const { 'active-defrag-cycle-min': least, 'active-defrag-cycle-max': most } = values;
    if (percent < lower) return 0;
    if (percent >= upper || upper <= lower) return most;
    return Math.floor(least + ((most - least) * (percent - lower)) / (upper - lower));
  }

  private begin(percent: number): void {
    const { keyspace, clock, config } = this.server;
    keyspace.defragmentation.elementsPerStep = config.values['active-defrag-max-scan-fields'];
    const wins = keyspace.defragmentation.begin(1);
    if (wins === 0) {
      this.noteWaste();
      return;
    }
    this.runningPercent = percent;
    this.runBegan = clock.now();
    this.schedule();
  }

  private schedule(): void {
    const pauseMs = (sliceMicroseconds / 1000) * (100 / this.runningPercent - 1);
    this.server.timers.soon('defrag', Math.max(1, Math.round(pauseMs)), () => this.slice());
  }

  private slice(): void {
    if (this.runningPercent === 0) return;
    const { keyspace, clock, latency } = this.server;
    const begin = clock.microseconds();
    const more = keyspace.defragmentation.step(sliceMicroseconds);
    latency.note('active-defrag-cycle', (clock.microseconds() - begin) / 1000);
    keyspace.arena.returnMemory();
    if (more) return this.schedule();
    this.end();
    this.noteWaste();
  }

  private noteWaste(): void {
    const { allocated, touchedBytes } = this.server.keyspace.arena;
    this.wasteLeft = touchedBytes - allocated;
  }

  private end(): void {
    if (this.runningPercent === 0) return;
    this.server.keyspace.defragmentation.stop();
    this.finishedMs += this.server.clock.now() - this.runBegan;
    this.runningPercent = 0;
  }

  /** Time in ms for which the present run has lasted. */
  get currentMs(): number {
    return this.runningPercent === 0 ? 0 : this.server.clock.now() - this.runBegan;
  }

  get totalMs(): number {
    return this.finishedMs + this.currentMs;
  }

  resetStatistics(): void {
    this.finishedMs = 0;
    const { statistics } = this.server.keyspace.defragmentation;
    statistics.moved = statistics.stayed = statistics.keysWithMoves = statistics.keysWithoutMoves = 0;
  }
}
