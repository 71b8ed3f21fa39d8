import type { Ref } from '../memory/arena.js';
import type { Database } from './database.js';
import type { Keyspace } from './keyspace.js';

/**
 * Buckets of an expiry index that are looked at between two looks at the clock, and what effort adds to them.
 */
const bucketsPerSample = 16;
const bucketsPerEffort = 4;
/**
 * Share of expired keys in a sample, in percent, with which effort 1 is content; each further step takes one
 * off.
 */
const tolerablePercent = 10;
/** How much a new sample weighs in the running averages. */
const staleWeight = 0.05;
const ttlWeight = 0.02;

/**
 * Removes keys whose time has come and that nobody asks for. Each run goes on where the last one stopped,
 * database by database, as long as a good share of what it sees has expired; so it works hard only when that
 * pays.
 */
export class ExpirySweeper {
  /**
   * How many buckets of each database's index are still to be looked at in this round. They are visited from
   * the last to the first, because that is how a table shrinks: what is merged away has just been emptied. In
   * the order of `Table.scan` the entries not yet visited would be merged into ever fewer and longer buckets.
   */
  private readonly bucketsLeft: number[];
  private nextDatabase = 0;

  // What the present run has seen ...
  private totalSampled = 0;
  private totalExpired = 0;
  // ... and the sample that is being taken.
  private database: Database;
  private sampled = 0;
  private expired = 0;
  private sumOfTtls = 0;
  private readonly visit = (ref: Ref) => this.examine(ref);

  constructor(private readonly keyspace: Keyspace) {
    this.bucketsLeft = keyspace.databases.map(() => 0);
    this.database = keyspace.databases[0];
  }

  /**
   * Works for about `budgetMicroseconds`, and returns true if it had to stop while there was clearly more to
   * do. With an infinite budget it removes everything that has expired. `effort` is `active-expire-effort`, 1
   * to 10. Overshoots by one sample at most: 0.2 ms when all of it has expired.
   */
  run(budgetMicroseconds: number, effort: number): boolean {
    const { keyspace } = this;
    if (keyspace.keepExpired) return false;
    if (budgetMicroseconds === Number.POSITIVE_INFINITY) return this.sweepAll();
    const begin = keyspace.clock.microseconds();
    this.totalSampled = this.totalExpired = 0;
    const unfinished = this.sweepUntil(begin + budgetMicroseconds, effort);
    this.keepStatistics(begin, unfinished);
    return unfinished;
  }

  private sweepUntil(end: number, effort: number): boolean {
    const { clock, databases } = this.keyspace;
    const buckets = bucketsPerSample + (effort - 1) * bucketsPerEffort;
    const tolerable = (tolerablePercent - (effort - 1)) / 100;
    for (let left = databases.length; left > 0; left--) {
      const index = this.nextDatabase;
      this.nextDatabase = (index + 1) % databases.length;
      while (databases[index].expires.size > 0) {
        this.takeSample(index, buckets);
        this.totalSampled += this.sampled;
        this.totalExpired += this.expired;
        // Empty buckets tell nothing about the rest, unless a round ends with them.
        const telling = this.sampled > 0 || this.bucketsLeft[index] === 0;
        if (telling && this.expired <= this.sampled * tolerable) break;
        if (clock.microseconds() >= end) return true;
      }
    }
    return false;
  }

  private sweepAll(): false {
    for (let index = 0; index < this.bucketsLeft.length; index++) {
      this.bucketsLeft[index] = 0;
      do this.takeSample(index, bucketsPerSample);
      while (this.bucketsLeft[index] > 0);
    }
    return false;
  }

  /**
   * Looks at some buckets of a database's index, not beyond the end of its round, and removes what has
   * expired there.
   */
  private takeSample(index: number, buckets: number): void {
    this.database = this.keyspace.databases[index];
    this.sampled = this.expired = this.sumOfTtls = 0;
    const { expires } = this.database;
    let bucket = this.bucketsLeft[index] || expires.bucketCount;
    for (let left = buckets; left > 0 && bucket > 0; left--) {
      bucket = Math.min(bucket, expires.bucketCount) - 1;
      expires.forEachInBucket(bucket, this.visit);
    }
    this.bucketsLeft[index] = bucket;
    this.averageTtl();
  }

  private examine(ref: Ref): void {
    const { database } = this;
    this.sampled++;
    const ttl = database.expiry(ref) - this.keyspace.expiredBefore;
    if (ttl >= 0) {
      this.sumOfTtls += ttl;
      return;
    }
    this.expired++;
    database.expireEntry(ref);
  }

  private averageTtl(): void {
    const alive = this.sampled - this.expired;
    if (alive === 0) return;
    const { database } = this;
    const mean = this.sumOfTtls / alive;
    database.averageTtl = database.averageTtl === 0 ? mean : moved(database.averageTtl, mean, ttlWeight);
  }

  private keepStatistics(begin: number, unfinished: boolean): void {
    const { clock, statistics } = this.keyspace;
    statistics.expireCycleMicroseconds += clock.microseconds() - begin;
    if (unfinished) statistics.expiredTimeCapReached++;
    const percent = this.totalSampled === 0 ? 0 : (100 * this.totalExpired) / this.totalSampled;
    statistics.expiredStalePercent = moved(statistics.expiredStalePercent, percent, staleWeight);
  }
}

/** A running average after one more value. */
function moved(average: number, value: number, weight: number): number {
  return average + (value - average) * weight;
}
