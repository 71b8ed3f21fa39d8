import { performance } from 'node:perf_hooks';
import type { MemoryUsage } from '../commands/server-api.js';
import type { RespiteServer } from './server.js';

/** Rates are averages over this many samples ... */
const sampleCount = 16;
/** ... taken at least this many ms apart. */
const samplePeriodMs = 100;

/**
 * About what a server's own objects take in the JavaScript heap: an estimate, for the engine has no number of
 * its own.
 */
const runtimeBytes = 1024 * 1024;

/** The average growth per second of a counter over the last samples. */
class Rate {
  private readonly samples = new Float64Array(sampleCount);
  private next = 0;
  private lastCount = 0;

  record(count: number, elapsedMs: number): void {
    const growth = count - this.lastCount;
    this.lastCount = count;
    // A counter that went back was reset.
    this.samples[this.next] = growth < 0 ? 0 : (growth * 1000) / elapsedMs;
    this.next = (this.next + 1) % sampleCount;
  }

  get perSecond(): number {
    return this.samples.reduce((sum, sample) => sum + sample, 0) / sampleCount;
  }

  reset(count: number): void {
    this.samples.fill(0);
    this.lastCount = count;
  }
}

/** What INFO tells of the present, beside counters: rates, peaks, the work of the event loop. */
export class Metrics {
  private readonly commands = new Rate();
  private readonly input = new Rate();
  private readonly output = new Rate();
  readonly replicationInput = new Rate();
  readonly replicationOutput = new Rate();
  private readonly loopTurns = new Rate();
  private readonly loopWork = new Rate();
  private sampledAt: number;
  private peak = 0;
  /** Time that periodic work took, in µs. */
  cronMicroseconds = 0;
  /** Event loop counters at the last reset. */
  private loopBase = { turns: 0, microseconds: 0 };

  constructor(private readonly server: RespiteServer) {
    this.sampledAt = server.clock.now();
  }

  /** To be called periodically; more often than the sample period is fine. */
  sample(): void {
    this.trackPeak();
    const now = this.server.clock.now();
    const elapsed = now - this.sampledAt;
    // Timers ring a little early or late; a sample must not be skipped for a millisecond.
    if (elapsed < samplePeriodMs - 5) return;
    this.sampledAt = now;
    const { statistics } = this.server;
    this.commands.record(statistics.commandsProcessed, elapsed);
    this.input.record(statistics.netInputBytes, elapsed);
    this.output.record(statistics.netOutputBytes, elapsed);
    this.replicationInput.record(statistics.replicationInputBytes, elapsed);
    this.replicationOutput.record(statistics.replicationOutputBytes, elapsed);
    this.loopTurns.record(this.eventLoopTurns, elapsed);
    this.loopWork.record(this.eventLoopMicroseconds, elapsed);
  }

  /**
   * Bytes in use: live blocks of the arena, tables and trees, clients, and what other parts of the server count. Exact,
   * but for JavaScript objects: the server's own are in it by a flat estimate, `runtimeBytes`, those of each client by
   * an estimate per client. Costs a few additions: it is asked for before each command while there is a limit.
   */
  get usedMemory(): number {
    const { clients, memoryParts } = this.server;
    return runtimeBytes + this.dataMemory + clients.memory + memoryParts.total;
  }

  /** Bytes of keys and values, with the tables and trees that index them. */
  get dataMemory(): number {
    const { arena, orderNodes } = this.server.keyspace;
    return arena.allocated + arena.indexBytes + orderNodes.allocated;
  }

  /** The most memory that was in use at a time, in bytes. */
  get peakMemory(): number {
    this.trackPeak();
    return this.peak;
  }

  private trackPeak(): void {
    const used = this.usedMemory;
    if (used > this.peak) this.peak = used;
  }

  /** Where memory goes. Walks over clients and segments. */
  memoryUsage(): MemoryUsage {
    const { keyspace, clients, memoryParts } = this.server;
    const { arena } = keyspace;
    return {
      used: this.usedMemory,
      peak: this.peakMemory,
      startup: runtimeBytes,
      dataset: arena.allocated,
      normalClients: clients.memory,
      replicaClients: memoryParts.replicaBuffers,
      resident: process.memoryUsage.rss(),
      allocatorAllocated: arena.allocated,
      allocatorActive: arena.activeBytes,
      allocatorResident: arena.touchedBytes,
      notCountedForEviction: memoryParts.notCountedForEviction,
    };
  }

  get commandsPerSecond(): number {
    return this.commands.perSecond;
  }

  get inputBytesPerSecond(): number {
    return this.input.perSecond;
  }

  get outputBytesPerSecond(): number {
    return this.output.perSecond;
  }

  /** Turns of the process's event loop since the last reset. */
  get eventLoopTurns(): number {
    return turnsOfLoop() - this.loopBase.turns;
  }

  /** Time in µs that the process's event loop did not spend waiting since the last reset. */
  get eventLoopMicroseconds(): number {
    return this.loopMicroseconds() - this.loopBase.microseconds;
  }

  private loopMicroseconds(): number {
    const paused = this.server.coalescing?.pausedMicroseconds ?? 0;
    return Math.round(performance.eventLoopUtilization().active * 1000 - paused);
  }

  get eventLoopTurnsPerSecond(): number {
    return this.loopTurns.perSecond;
  }

  /** Average length in µs of a turn of the event loop, without the waiting. */
  get eventLoopTurnMicroseconds(): number {
    const turns = this.loopTurns.perSecond;
    return turns === 0 ? 0 : this.loopWork.perSecond / turns;
  }

  /** Clears the rates and the event loop's counters. The memory peak stays, as in Redis. */
  reset(): void {
    this.loopBase = { turns: turnsOfLoop(), microseconds: this.loopMicroseconds() };
    this.cronMicroseconds = 0;
    this.sampledAt = this.server.clock.now();
    const { commands, input, output, replicationInput, replicationOutput, loopTurns, loopWork } = this;
    for (const rate of [commands, input, output, replicationInput, replicationOutput, loopTurns, loopWork])
      rate.reset(0);
  }
}

/** Node counts the turns of the loop itself from 20.18 on; before that they are unknown. */
function turnsOfLoop(): number {
  return (performance.nodeTiming.uvMetricsInfo as { loopCount: number } | undefined)?.loopCount ?? 0;
}
