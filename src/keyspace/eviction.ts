import type { Ref } from '../memory/arena.js';
import { absent, type Database } from './database.js';
import type { Keyspace } from './keyspace.js';

/** What the best candidates of several samples are kept for: see `CandidatePool`. */
const poolSize = 16;
/** Keys evicted between two looks at the clock. */
const keysPerLook = 16;
/** Freed of what waits to be freed anyway, in µs, before a key is evicted. */
const freeingSliceMicroseconds = 200;

/** `maxmemory-policy` but for `noeviction`: which keys may go, and which of them go first. */
export interface EvictionPolicy {
  /** Only keys that have an expiry. */
  volatile: boolean;
  order: 'lru' | 'lfu' | 'random' | 'ttl';
}

/** `done`: enough is free. `partly`: the time is up, there is more to evict. `failed`: nothing is left to evict. */
export type EvictionOutcome = 'done' | 'partly' | 'failed';

/** The policy of a `maxmemory-policy`; undefined for `noeviction`. */
export function evictionPolicyOf(name: string): EvictionPolicy | undefined {
  const [keys, order] = name.split('-');
  if (order === undefined) return undefined;
  return { volatile: keys === 'volatile', order: order as EvictionPolicy['order'] };
}

/** How long, in µs, eviction may work at a time, by `maxmemory-eviction-tenacity`, 0 to 100. */
export function evictionTimeLimit(tenacity: number): number {
  if (tenacity >= 100) return Number.POSITIVE_INFINITY;
  return tenacity <= 10 ? 50 * tenacity : Math.floor(500 * 1.15 ** (tenacity - 10));
}

/**
 * Removes keys until memory is below a limit. It knows no clients: whoever asks says how much is too much, and for how
 * long it may work.
 *
 * Which key is used least is estimated from samples, as keeping all keys in order would cost every access and memory
 * for every key. The best candidates of earlier samples are kept in a pool, which makes five samples nearly as good as
 * a true order (S. Sanfilippo, "Random notes on improving the Redis LRU algorithm", 2016). Beyond that, a candidate is
 * judged again when its turn has come: one that was used meanwhile stays.
 */
export class Eviction {
  private policy: EvictionPolicy | undefined;
  /** Keys looked at for each eviction: `maxmemory-samples`. */
  samples = 5;
  /**
   * Told how long each removal took, in µs. Undefined while nobody wants to know, for it costs readings of the clock.
   */
  onRemoval: ((microseconds: number) => void) | undefined;
  /** Keeps two evictions from being one inside the other, as when an announced eviction runs a command. */
  private active = false;
  private readonly pool = new CandidatePool();
  private readonly sampled = new Int32Array(64);
  /** Where the random policies go on, so that all databases have their turn. */
  private nextDatabase = 0;
  private readonly random = () => this.keyspace.random.next();

  constructor(private readonly keyspace: Keyspace) {}

  /** From now on keys go by this policy; undefined for none of them. */
  setPolicy(policy: EvictionPolicy | undefined): void {
    this.policy = policy;
    this.pool.clear();
  }

  /**
   * Evicts until `excess()`, in bytes, is not above 0, or about `budgetMicroseconds` have passed. Before any key goes,
   * what was removed already and waits to be freed is freed.
   */
  run(excess: () => number, budgetMicroseconds: number): EvictionOutcome {
    if (this.active) return 'partly';
    this.active = true;
    try {
      return this.evict(excess, budgetMicroseconds);
    } finally {
      this.active = false;
    }
  }

  private evict(excess: () => number, budgetMicroseconds: number): EvictionOutcome {
    const { clock, lazyFree } = this.keyspace;
    const end = clock.microseconds() + budgetMicroseconds;
    for (let evicted = 0; excess() > 0; ) {
      if (lazyFree.busy) lazyFree.step(freeingSliceMicroseconds);
      else if (!this.evictOne()) return 'failed';
      else evicted++;
      if ((evicted % keysPerLook === 0 || lazyFree.busy) && clock.microseconds() >= end) {
        return excess() > 0 ? 'partly' : 'done';
      }
    }
    return 'done';
  }

  /** Removes the best candidate. False if there is none. */
  private evictOne(): boolean {
    const { policy } = this;
    if (policy === undefined) return false;
    return policy.order === 'random' ? this.evictRandom(policy.volatile) : this.evictBest(policy);
  }

  private evictRandom(volatile: boolean): boolean {
    const { databases } = this.keyspace;
    for (let left = databases.length; left > 0; left--) {
      const database = databases[this.nextDatabase];
      this.nextDatabase = (this.nextDatabase + 1) % databases.length;
      const table = volatile ? database.expires : database.keys;
      if (table.size === 0) continue;
      this.remove(database, table.random(this.random));
      return true;
    }
    return false;
  }

  private evictBest(policy: EvictionPolicy): boolean {
    // In the place of a candidate that was stale comes another sample, not the next best of the pool.
    while (this.fillPool(policy)) {
      const best = this.pool.pop();
      if (best === undefined) continue;
      const database = this.keyspace.databases[best.database];
      if (!tableOf(database, policy).holds(best.ref, best.hash)) continue;
      if (this.worth(database, best.ref, policy) < best.worth) continue;
      this.remove(database, best.ref);
      return true;
    }
    return false;
  }

  /** Samples every database. False if there is no key that may be evicted. */
  private fillPool(policy: EvictionPolicy): boolean {
    let keys = 0;
    for (const database of this.keyspace.databases) {
      const { size } = tableOf(database, policy);
      if (size > 0) this.sampleInto(database, policy);
      keys += size;
    }
    return keys > 0;
  }

  private sampleInto(database: Database, policy: EvictionPolicy): void {
    const { pool, sampled } = this;
    const table = tableOf(database, policy);
    for (let left = this.samples; left > 0; ) {
      let count = table.sample(this.random, sampled, Math.min(left, sampled.length));
      if (count === 0) sampled[count++] = table.random(this.random);
      for (let i = 0; i < count; i++) {
        const worth = this.worth(database, sampled[i], policy);
        if (worth > pool.least) pool.add(database.index, sampled[i], table.hashOf(sampled[i]), worth);
      }
      left -= count;
    }
  }

  /** How good a candidate a key is: higher is better. */
  private worth(database: Database, ref: Ref, { order }: EvictionPolicy): number {
    if (order === 'lru') return database.idleSeconds(ref);
    if (order === 'lfu') return 255 - database.accessFrequency(ref);
    return -database.expiry(ref);
  }

  /** Removes a key and tells everybody. Its key is copied only if somebody listens. */
  private remove(database: Database, ref: Ref): void {
    if (ref === absent) return;
    const { onRemoval } = this;
    const { clock } = this.keyspace;
    const begin = onRemoval === undefined ? 0 : clock.microseconds();
    database.evictEntry(ref);
    if (onRemoval !== undefined) onRemoval(clock.microseconds() - begin);
  }
}

function tableOf(database: Database, policy: EvictionPolicy) {
  return policy.volatile ? database.expires : database.keys;
}

interface Candidate {
  database: number;
  ref: Ref;
  hash: number;
  worth: number;
}

/** The best candidates so far, in order. A candidate may be stale: its key may be gone, or used since. */
class CandidatePool {
  private readonly candidates: Candidate[] = [];

  /** A candidate must be worth more than this to get in. */
  get least(): number {
    return this.candidates.length < poolSize ? Number.NEGATIVE_INFINITY : this.candidates[0].worth;
  }

  /** Takes in a candidate that is worth more than `least`; a full pool loses its worst. */
  add(database: number, ref: Ref, hash: number, worth: number): void {
    const { candidates } = this;
    if (candidates.some((each) => each.ref === ref && each.database === database)) return;
    const full = candidates.length === poolSize;
    const candidate = full ? candidates.shift()! : { database, ref, hash, worth };
    candidate.database = database;
    candidate.ref = ref;
    candidate.hash = hash;
    candidate.worth = worth;
    let at = candidates.length;
    while (at > 0 && candidates[at - 1].worth > worth) at--;
    candidates.splice(at, 0, candidate);
  }

  clear(): void {
    this.candidates.length = 0;
  }

  /** Takes out the best. */
  pop(): Candidate | undefined {
    return this.candidates.pop();
  }
}
