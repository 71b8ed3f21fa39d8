import { Bytes } from '../bytes/bytes.js';
import type { Ref } from '../memory/arena.js';
import type { Database } from './database.js';
import { HashValue } from './hash-value.js';
import type { Keyspace } from './keyspace.js';

/** Hashes that are looked at between two looks at the clock. */
const hashesPerLook = 32;
/** Share of the hashes with something to remove, in percent, from which on it pays to go on at once. */
const worthwhilePercent = 10;

/**
 * Removes fields whose time has come and that nobody asks for: walks over the hashes that have expiring
 * fields, database by database, and goes on where it stopped.
 */
export class FieldExpirySweeper {
  private readonly hash = new HashValue();
  private index = 0;
  private bucketsLeft = 0;
  private looked = 0;
  private expired = 0;
  private thorough = false;
  private readonly visit = (ref: Ref) => this.examine(ref);

  constructor(private readonly keyspace: Keyspace) {}

  /**
   * Works for about `budgetMicroseconds`, at most once over everything. True if it had to stop while there
   * was clearly more to do. With an infinite budget nothing that has expired is left in a hash that it looks
   * at.
   */
  run(budgetMicroseconds: number): boolean {
    const { keyspace } = this;
    const { clock, databases } = keyspace;
    if (keyspace.keepExpired) return false;
    const end = clock.microseconds() + budgetMicroseconds;
    this.thorough = budgetMicroseconds === Number.POSITIVE_INFINITY;
    this.looked = this.expired = 0;
    for (let left = databases.length; left > 0; ) {
      const before = this.looked;
      while (this.looked - before < hashesPerLook && this.step());
      if (this.bucketsLeft === 0) {
        left--;
        this.index = (this.index + 1) % databases.length;
      }
      if (clock.microseconds() >= end) return this.expired * 100 > this.looked * worthwhilePercent;
    }
    return false;
  }

  /**
   * Looks at the hashes of one bucket. False at the end of a database. Buckets are visited from the last to
   * the first.
   */
  private step(): boolean {
    const { fieldExpires } = this.keyspace.databases[this.index];
    if (fieldExpires.size === 0) {
      this.bucketsLeft = 0;
      return false;
    }
    const bucket = Math.min(this.bucketsLeft || fieldExpires.bucketCount, fieldExpires.bucketCount) - 1;
    fieldExpires.forEachInBucket(bucket, this.visit);
    this.bucketsLeft = bucket;
    return bucket > 0;
  }

  private examine(ref: Ref): void {
    const { hash, keyspace } = this;
    const database = keyspace.databases[this.index];
    this.looked++;
    if (database.isExpired(ref) || hash.open(database, ref).soonestExpiry >= keyspace.expiredBefore) return;
    const before = hash.size;
    if (this.thorough) hash.removeExpired();
    else hash.removeSomeExpired();
    if (hash.size < before) this.expired++;
    hash.announceExpired(this.keyOf(database, hash.ref));
  }

  /** Copied, for the entry may be removed; but only if somebody wants to hear of it. */
  private keyOf(database: Database, ref: Ref): Bytes {
    return this.keyspace.isHeard ? database.keyOf(ref).copy() : nobodyAsks;
  }
}

const nobodyAsks = Bytes.of('');
