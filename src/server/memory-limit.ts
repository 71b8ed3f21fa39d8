import { evictionPolicyOf, evictionTimeLimit } from '../keyspace/eviction.js';
import type { RespiteServer } from './server.js';

/**
 * Keeps the memory in use below `maxmemory`: asked before each command while there is such a limit, and between events
 * while one slice of eviction was not enough.
 */
export class MemoryLimit {
  /** In bytes; 0 for none. */
  limit = 0;
  /** The last attempt to make room found nothing to evict, and too much is in use. */
  exceeded = false;
  private sliceMicroseconds = 0;
  /** Since when, in µs, more than the limit is in use, or 0. */
  private overSince = 0;
  private overMicroseconds = 0;
  private readonly excess = () => {
    const { metrics, memoryParts } = this.server;
    return metrics.usedMemory - memoryParts.notCountedForEviction - this.limit;
  };

  constructor(private readonly server: RespiteServer) {}

  /** Takes over what is configured. */
  configure(): void {
    const { config, keyspace, latency } = this.server;
    const { values } = config;
    this.limit = values.maxmemory;
    this.sliceMicroseconds = evictionTimeLimit(values['maxmemory-eviction-tenacity']);
    keyspace.eviction.setPolicy(evictionPolicyOf(values['maxmemory-policy']));
    keyspace.eviction.samples = values['maxmemory-samples'];
    keyspace.eviction.onRemoval =
      values['latency-monitor-threshold'] > 0
        ? (microseconds) => latency.note('eviction-del', microseconds / 1000)
        : undefined;
  }

  /** See `ServerApi.makeRoom`. Hot while there is a limit: costs some additions while it is kept. */
  makeRoom(): boolean {
    if (this.limit === 0 || this.excess() <= 0) {
      if (this.overSince !== 0) this.endExcess();
      this.exceeded = false;
      return true;
    }
    if (this.server.evictionSuspended) {
      this.exceeded = false;
      return true;
    }
    return this.evict();
  }

  private evict(): boolean {
    const { server } = this;
    const begin = server.clock.microseconds();
    if (this.overSince === 0) this.overSince = begin;
    const outcome = server.keyspace.eviction.run(this.excess, this.sliceMicroseconds);
    const took = server.clock.microseconds() - begin;
    server.latency.note('eviction-cycle', took / 1000);
    server.loop.dispatcher.accounts.excludeTime(took);
    if (outcome === 'done') this.endExcess();
    if (outcome === 'partly') server.continueEviction();
    this.exceeded = outcome === 'failed';
    return !this.exceeded;
  }

  private endExcess(): void {
    this.overMicroseconds += this.server.clock.microseconds() - this.overSince;
    this.overSince = 0;
  }

  /** Time in ms for which more than the limit has been in use, now. */
  get currentExcessMs(): number {
    return this.overSince === 0 ? 0 : (this.server.clock.microseconds() - this.overSince) / 1000;
  }

  /** The same since the start or the last reset, all together. */
  get totalExcessMs(): number {
    return this.overMicroseconds / 1000 + this.currentExcessMs;
  }

  resetStatistics(): void {
    this.overMicroseconds = 0;
  }
}
