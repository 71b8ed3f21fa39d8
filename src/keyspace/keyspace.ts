import type { Clock } from '../ambient/clock.js';
import type { Random } from '../ambient/random.js';
import type { Bytes } from '../bytes/bytes.js';
import { Arena } from '../memory/arena.js';
import { Handles } from '../memory/handles.js';
import { OrderNodes } from '../memory/order-nodes.js';
import type { Collection } from '../values/collection.js';
import { ListSettings } from '../values/list-settings.js';
import { StreamSettings } from '../values/stream-settings.js';
import { AccessFrequency } from './access-frequency.js';
import { Database } from './database.js';
import { Defragmentation } from './defragmentation.js';
import { Eviction } from './eviction.js';
import { LazyFree } from './lazy-free.js';

/** What the layers above want to hear about keys. */
export interface KeyspaceObserver {
  /**
   * A key was changed, created or removed: by the command that runs, unless it is one that `vanished` because its
   * time had come, or memory was short. Called only while `Keyspace.observed` is set.
   */
  keyModified(database: Database, key: Bytes, vanished?: boolean): void;
  /**
   * Who waits for a key has to look at it again, though its value is as it was. Called only while `Keyspace.observed`
   * is set.
   */
  keyReady(database: Database, key: Bytes): void;
  /** All keys of a database are about to go, or change with those of another. */
  databaseReplaced(database: Database, replacement: Database | undefined): void;
  /** All keys of a database, or of all, are about to go. Called once, beside `databaseReplaced` for each of them. */
  flushed(): void;
  /**
   * A key was removed by no command's word: its time had come, or memory was short. Called only while
   * `Keyspace.propagates` is set.
   */
  keyVanished(database: Database, key: Bytes, why: 'expired' | 'evicted'): void;
  /** A hash's field was removed because its time had come. Called only while `Keyspace.propagates` is set. */
  fieldVanished(database: Database, key: Bytes, field: Bytes): void;
  /** Something notifiable happened. Called only for classes in `Keyspace.eventMask`. */
  event(eventClass: number, event: string, key: Bytes, database: Database): void;
}

const nobody: KeyspaceObserver = {
  keyModified() {},
  keyReady() {},
  databaseReplaced() {},
  flushed() {},
  keyVanished() {},
  fieldVanished() {},
  event() {},
};

/** Counters that INFO shows. */
export interface KeyspaceStatistics {
  hits: number;
  misses: number;
  expiredKeys: number;
  /** Fields of hashes. */
  expiredFields: number;
  expiredStalePercent: number;
  expiredTimeCapReached: number;
  expireCycleMicroseconds: number;
  evictedKeys: number;
}

/** A collection of more elements is freed in slices between events. */
const eagerFreeLimit = 64;

/** All databases and what they share: one arena, one clock reading per loop turn, one count of changes. */
export class Keyspace {
  readonly arena = new Arena();
  /** The values too big to lie in their entries, by the handle in the entry's payload. */
  readonly collections = new Handles<Collection>();
  /** Memory of the trees of all big sorted sets. */
  orderNodes = new OrderNodes();
  readonly databases: Database[];
  /** How big the pieces of lists may be. */
  readonly listSettings = new ListSettings();
  /** How big the nodes of streams may be. */
  readonly streamSettings = new StreamSettings();
  /** What was removed and is still to be freed. */
  readonly lazyFree: LazyFree;
  /** Makes room when memory is short. */
  readonly eviction = new Eviction(this);
  /** Moves what lies in sparse pages of memory. */
  readonly defragmentation = new Defragmentation(this);
  /**
   * Unix time in ms, read once per batch of requests, so that all commands of a batch agree on what has
   * expired.
   */
  now = 0;
  /** What was to expire before this unix time in ms has expired: `now`, unless `holdExpiry` says otherwise. */
  expiredBefore = 0;
  /** Seconds, 24 bits: what an entry remembers as its last access. Belongs to `now`. */
  lruClock = 0;
  private follows = false;
  private isPaused = false;
  private expiryHeld = false;
  private timeHeld = false;
  /** Changes since the start. It only grows. */
  dirty = 0;
  /** Off while a client with CLIENT NO-TOUCH reads: its accesses leave no mark. */
  marksAccess = true;
  /** Set while somebody watches or waits for keys. */
  observed = false;
  /**
   * Small sets may have a member twice: such came from a file or a payload, and nobody wanted to have that looked at.
   */
  repeatedMembers = false;
  /** Set while what keys do by themselves must be told to whoever repeats the changes. */
  propagates = false;
  /** Bits of EventClass that are published; 0 when notifications are off. */
  eventMask = 0;
  observer: KeyspaceObserver = nobody;
  /** True if somebody wants to hear of what keys do by themselves. */
  get isHeard(): boolean {
    return this.observed || this.propagates || this.eventMask !== 0;
  }

  /** Set while keys remember how often they are accessed, not when they were last: see `trackFrequency`. */
  frequency: AccessFrequency | undefined;
  /** There are databases beside these in the same arena: a data set is being loaded that will replace this one. */
  loadsAside = false;
  /**
   * Expired keys look absent but are kept: on replicas, and while writes are paused. See `followsPrimary`, `paused`.
   */
  keepExpired = false;
  readonly seedHigh: number;
  readonly seedLow: number;
  readonly statistics: KeyspaceStatistics = {
    hits: 0,
    misses: 0,
    expiredKeys: 0,
    expiredFields: 0,
    expiredStalePercent: 0,
    expiredTimeCapReached: 0,
    expireCycleMicroseconds: 0,
    evictedKeys: 0,
  };

  constructor(
    readonly clock: Clock,
    readonly random: Random,
    databases: number,
  ) {
    this.seedHigh = random.int32();
    this.seedLow = random.int32();
    this.tick();
    this.lazyFree = new LazyFree(clock);
    this.databases = Array.from({ length: databases }, (_, index) => new Database(this, index));
  }

  /** A replica's keys go when its primary says so. */
  set followsPrimary(follows: boolean) {
    this.follows = follows;
    this.keepExpired = this.follows || this.isPaused;
  }

  /** Nothing is to change for a while. */
  set paused(paused: boolean) {
    this.isPaused = paused;
    this.keepExpired = this.follows || this.isPaused;
  }

  /** Frees a big collection that no key refers to any more: at once if it is small, else in slices. */
  dispose(handle: number): void {
    const collection = this.collections.remove(handle);
    // Its key's bucket was announced: a snapshot that needs it has its image.
    collection.epoch = this.arena.epoch;
    if (collection.size > eagerFreeLimit || !collection.freeSlice(eagerFreeLimit)) {
      this.lazyFree.addCollection(collection);
    }
  }

  /** While it is held, time stands still: a script runs, and others have their turn. */
  holdTime(held: boolean): void {
    this.timeHeld = held;
  }

  /** Reads the clock. Called at the start of each batch of work. */
  tick(): void {
    this.setTime(this.clock.now());
  }

  /** As `tick`, for one who has read the clock already. */
  tickAt(microseconds: number): void {
    this.setTime(this.clock.wallTimeAt(microseconds));
  }

  private setTime(milliseconds: number): void {
    if (this.timeHeld) return;
    this.now = Math.floor(milliseconds);
    if (!this.expiryHeld) this.expiredBefore = this.now;
    this.lruClock = (this.now / 1000) & 0xffffff;
  }

  /**
   * While it is held nothing expires, and what should have is there like anything else: commands are repeated that ran
   * at another time, when it was alive.
   */
  holdExpiry(held: boolean): void {
    this.expiryHeld = held;
    this.expiredBefore = held ? 0 : this.now;
  }

  /**
   * From now on keys remember how often they are accessed; `off` when they last were. What they know becomes
   * noise.
   */
  trackFrequency(settings: { logFactor: number; decayMinutes: number } | 'off'): void {
    if (settings === 'off') this.frequency = undefined;
    else {
      const { logFactor, decayMinutes } = settings;
      this.frequency = new AccessFrequency(() => this.now, this.random, logFactor, decayMinutes);
    }
  }

  /** Number of keys in all databases. */
  get size(): number {
    return this.databases.reduce((sum, database) => sum + database.size, 0);
  }

  /** Removes every key of every database, and tells so; the arena's memory goes back at once. */
  flushAll(): void {
    for (const database of this.databases) this.observer.databaseReplaced(database, undefined);
    this.observer.flushed();
    this.defragmentation.stop();
    if (this.arena.onFirstChange !== undefined || this.loadsAside) {
      // Somebody still needs what is there.
      for (const database of this.databases) database.flushLater();
      return;
    }
    this.forgetAll();
    this.arena.clear();
  }

  /**
   * Gives all memory back at once, if nobody looks at it any more. Nothing may be asked of these databases
   * afterwards.
   */
  close(): void {
    this.defragmentation.stop();
    if (this.arena.onFirstChange !== undefined || this.loadsAside) return;
    this.forgetAll();
    this.arena.free();
  }

  private forgetAll(): void {
    for (const database of this.databases) database.detachAll();
    this.lazyFree.abandon();
    this.collections.clear();
    this.orderNodes = new OrderNodes();
    this.arena.indexBytes = 0;
  }

  resetStatistics(): void {
    for (const name of Object.keys(this.statistics) as (keyof KeyspaceStatistics)[])
      this.statistics[name] = 0;
    this.lazyFree.freedObjects = 0;
  }
}
