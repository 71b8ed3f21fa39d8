import { Bytes, copyBytes } from '../bytes/bytes.js';
import type { Ref } from '../memory/arena.js';
import {
  accessOf,
  addExpiry,
  createEntry,
  expiryOf,
  handleOf,
  hasExpiry,
  keyLengthOf,
  keyOffsetOf,
  kindOf,
  payloadLengthAt,
  payloadLengthOf,
  payloadOffsetAt,
  payloadOffsetOf,
  releaseEntry,
  removeExpiry,
  resizeEntry,
  setAccess,
  setExpiry,
  setHandle,
  setKind,
} from '../memory/entry.js';
import { Table } from '../memory/table.js';
import type { Collection } from '../values/collection.js';
import { EventClass, type ValueType } from './events.js';
import type { Keyspace } from './keyspace.js';
import { hasExpiringFields, isHandle, type Kind, kinds } from './kinds.js';

/** A handle in an entry's payload takes so many bytes. */
const handleBytes = 4;
/** No handle. */
const none = -1;

/** Nothing was found. */
export const absent: Ref = 0;

/**
 * One numbered database: keys to entries, and an index of those that expire. A `Ref` that a method returns is
 * valid until the next change of that key.
 */
export class Database {
  keys: Table;
  /** The entries that have an expiry; the same refs as in `keys`. */
  expires: Table;
  /** The entries of hashes with fields that expire by themselves; the same refs as in `keys`. */
  fieldExpires: Table;
  /** Running average, in ms, of how long the keys that expire have left; the expiry sweeper keeps it. */
  averageTtl = 0;
  private readonly view: Bytes;

  constructor(
    readonly keyspace: Keyspace,
    readonly index: number,
  ) {
    this.keys = this.newTable();
    this.expires = this.newTable();
    this.fieldExpires = this.newTable();
    this.view = new Bytes();
  }

  get size(): number {
    return this.keys.size;
  }

  private newTable(): Table {
    return new Table(this.keyspace.arena, this.keyspace.seedHigh, this.keyspace.seedLow);
  }

  /** The entry of a key, expired or not, without any trace of the look-up. */
  peek(key: Bytes): Ref {
    return this.keys.findKey(key, this.hash(key));
  }

  /** The hash of a key, computed unless the view carries it. */
  hash(key: Bytes): number {
    return this.keys.hashOfKey(key);
  }

  /**
   * The live entry of a key for a command that reads it: counts a hit or a miss, and marks the access.
   * An expired key is removed here and is absent.
   */
  read(key: Bytes): Ref {
    const ref = this.look(key);
    if (ref !== absent && this.keyspace.marksAccess) this.markAccess(ref);
    return ref;
  }

  /**
   * As `read`, but the access leaves no mark: EXISTS, TTL, TYPE. With `silently`, a miss is not announced.
   */
  look(key: Bytes, silently = false): Ref {
    const { keyspace } = this;
    const ref = this.live(key);
    if (ref !== absent) {
      keyspace.statistics.hits++;
      return ref;
    }
    keyspace.statistics.misses++;
    if (keyspace.eventMask !== 0 && !silently) this.event(EventClass.keyMiss, 'keymiss', key);
    return absent;
  }

  /** The live entry of a key for a command that changes it: no hit or miss is counted. */
  write(key: Bytes): Ref {
    const ref = this.live(key);
    if (ref !== absent && this.keyspace.marksAccess) this.markAccess(ref);
    return ref;
  }

  private markAccess(ref: Ref): void {
    const { arena, frequency } = this.keyspace;
    if (frequency === undefined) setAccess(arena, ref, this.keyspace.lruClock);
    else setAccess(arena, ref, frequency.next(accessOf(arena, ref)));
  }

  /** The live entry of a key; neither a hit or miss is counted nor the access marked: OBJECT and the like. */
  live(key: Bytes): Ref {
    const ref = this.peek(key);
    if (ref === absent || !hasExpiry(this.keyspace.arena, ref)) return ref;
    return this.isExpired(ref) ? this.expireNow(key, ref) : ref;
  }

  /** True if the key is there and has not expired. Counts no hit or miss and marks no access. */
  has(key: Bytes): boolean {
    return this.live(key) !== absent;
  }

  isExpired(ref: Ref): boolean {
    const { arena, expiredBefore } = this.keyspace;
    return hasExpiry(arena, ref) && expiryOf(arena, ref) < expiredBefore;
  }

  private expireNow(key: Bytes, ref: Ref): Ref {
    if (!this.keyspace.keepExpired) this.removeExpired(key, ref);
    return absent;
  }

  /** As `removeExpired`, for an entry that was found by its ref. */
  expireEntry(ref: Ref): void {
    const { keyspace } = this;
    if (keyspace.keepExpired) return;
    keyspace.statistics.expiredKeys++;
    this.removeUnasked(ref, 'expired');
  }

  /**
   * Removes a key whose time has come, with all that follows from it. The key must not be a view of the
   * entry.
   */
  removeExpired(key: Bytes, ref: Ref): void {
    this.keyspace.statistics.expiredKeys++;
    this.removeEntry(ref);
    this.vanished(key, 'expired');
  }

  /** Removes a key to make room, with all that follows from it. */
  evictEntry(ref: Ref): void {
    this.keyspace.statistics.evictedKeys++;
    this.removeUnasked(ref, 'evicted');
  }

  private removeUnasked(ref: Ref, why: 'expired' | 'evicted'): void {
    if (!this.keyspace.isHeard) return this.removeEntry(ref);
    const key = this.keyOf(ref).copy();
    this.removeEntry(ref);
    this.vanished(key, why);
  }

  private vanished(key: Bytes, why: 'expired' | 'evicted'): void {
    const { keyspace } = this;
    if (keyspace.propagates) keyspace.observer.keyVanished(this, key, why);
    if (keyspace.observed) keyspace.observer.keyModified(this, key, true);
    this.event(EventClass[why], why, key);
  }

  typeOf(ref: Ref): ValueType {
    return (kindOf(this.keyspace.arena, ref) & 7) as ValueType;
  }

  kindOf(ref: Ref): number {
    return kindOf(this.keyspace.arena, ref);
  }

  /**
   * The stored bytes of an entry, in `into` or in a view that the next call overwrites. Valid until the next
   * allocation.
   */
  payload(ref: Ref, into: Bytes = this.view): Bytes {
    const { arena } = this.keyspace;
    const buffer = arena.bufferOf(ref);
    const at = arena.offsetOf(ref);
    const start = payloadOffsetAt(buffer, at);
    into.buffer = buffer;
    into.start = start;
    into.end = start + payloadLengthAt(buffer, at);
    return into;
  }

  payloadLength(ref: Ref): number {
    return payloadLengthOf(this.keyspace.arena, ref);
  }

  /** The key bytes of an entry. */
  keyOf(ref: Ref, into: Bytes = this.view): Bytes {
    const { arena } = this.keyspace;
    into.buffer = arena.bufferOf(ref);
    into.start = keyOffsetOf(arena, ref);
    into.end = into.start + keyLengthOf(arena, ref);
    return into;
  }

  /**
   * Makes room for a value of `length` bytes under the key, replacing what was there; the caller fills it.
   * The expiry goes unless `keepExpiry`. Neither key nor later source may be a view of the old value.
   */
  put(key: Bytes, newKind: number, length: number, keepExpiry = false): Ref {
    const { keys, keyspace } = this;
    const { arena } = keyspace;
    const hash = this.hash(key);
    const old = keys.findKey(key, hash);
    if (old === absent) return this.create(key, hash, newKind, length);
    keys.touchBucket(hash);
    let ref = old;
    if (hasExpiry(arena, old)) {
      if (!keyspace.keepExpired && this.isExpired(old)) {
        this.removeExpired(key, old);
        return this.create(key, hash, newKind, length);
      }
      if (!keepExpiry) ref = this.dropExpiry(ref, hash);
    }
    const handle = isHandle(kindOf(arena, ref)) ? handleOf(arena, ref) : none;
    ref = this.resized(ref, length, 0, hash);
    this.changeKind(ref, newKind);
    // Not earlier: without memory for the new value, the old one stays.
    if (handle !== none) keyspace.dispose(handle);
    if (keyspace.marksAccess) this.markAccess(ref);
    return ref;
  }

  private create(key: Bytes, hash: number, newKind: number, length: number): Ref {
    const { keyspace } = this;
    const ref = createEntry(keyspace.arena, key.buffer, key.start, key.end, length, false, newKind);
    setAccess(keyspace.arena, ref, keyspace.frequency?.first() ?? keyspace.lruClock);
    try {
      this.keys.insert(ref, hash);
    } catch (error) {
      releaseEntry(keyspace.arena, ref);
      throw error;
    }
    if (hasExpiringFields(newKind)) this.fieldExpires.insert(ref, hash);
    if (keyspace.eventMask !== 0) this.event(EventClass.newKey, 'new', key);
    return ref;
  }

  /**
   * Adds a key that comes from a file or from another server, with the unix time in ms at which it expires, or -1:
   * all at once, and nobody is told. If the key is there, `absent` is returned, or, with `replace`, what it has is
   * freed. The caller fills the payload. Throws ArenaFullError or RangeError, and then nothing has changed. Hot while
   * loading.
   */
  add(key: Bytes, newKind: Kind, length: number, when: number, replace: boolean): Ref {
    const { keys, keyspace } = this;
    const { arena } = keyspace;
    const hash = this.hash(key);
    const old = keys.findKey(key, hash);
    if (old !== absent && !replace) return absent;
    const ref = createEntry(arena, key.buffer, key.start, key.end, length, when >= 0, newKind);
    setAccess(arena, ref, keyspace.frequency?.first() ?? keyspace.lruClock);
    if (when >= 0) setExpiry(arena, ref, when);
    let indexed = false;
    try {
      if (when >= 0) this.expires.insert(ref, hash);
      indexed = when >= 0;
      if (old !== absent) this.takePlaceOf(old, ref, hash);
      else keys.insert(ref, hash);
    } catch (error) {
      if (indexed) this.expires.removeRef(ref, hash);
      releaseEntry(arena, ref);
      throw error;
    }
    if (hasExpiringFields(newKind)) this.fieldExpires.insert(ref, hash);
    return ref;
  }

  private takePlaceOf(old: Ref, ref: Ref, hash: number): void {
    this.keys.replace(old, ref, hash);
    if (hasExpiry(this.keyspace.arena, old)) this.expires.removeRef(old, hash);
    if (hasExpiringFields(this.kindOf(old))) this.fieldExpires.removeRef(old, hash);
    this.release(old);
  }

  /** As `add`, for a big collection, which is the key's if the answer is not `absent`. */
  addCollection(key: Bytes, newKind: Kind, collection: Collection, when: number, replace: boolean): Ref {
    const handle = this.keyspace.collections.add(collection);
    let ref = absent;
    try {
      ref = this.add(key, newKind, handleBytes, when, replace);
    } finally {
      if (ref === absent) this.keyspace.collections.remove(handle);
    }
    if (ref !== absent) setHandle(this.keyspace.arena, ref, handle);
    return ref;
  }

  /** Makes room for so many keys, and so many of them that expire, if there are none yet. */
  reserve(size: number, expiring: number): void {
    this.keys.reserve(size);
    this.expires.reserve(expiring);
  }

  /** Gives back what `reserve` made room for and nobody filled. */
  trim(): void {
    this.keys.trim();
    this.expires.trim();
  }

  /** Stores a string. The bytes must not be a view of the key's own old value. */
  setString(key: Bytes, buffer: Buffer, start: number, end: number, keepExpiry = false): Ref {
    const ref = this.put(key, kinds.string, end - start, keepExpiry);
    const { arena } = this.keyspace;
    const block = arena.bufferOf(ref);
    copyBytes(block, payloadOffsetAt(block, arena.offsetOf(ref)), buffer, start, end);
    return ref;
  }

  /**
   * Changes the length of an entry's payload, keeping its beginning. Returns where the entry is now. The key is hashed
   * only if that is wanted: where the entry moves, or while a snapshot is written.
   */
  resize(ref: Ref, length: number): Ref {
    const { keys, keyspace } = this;
    this.announceChange(ref);
    const moved = resizeEntry(keyspace.arena, ref, length, Math.min(length, this.payloadLength(ref)));
    if (moved !== ref) this.replaceEverywhere(ref, moved, keys.hashOf(moved));
    return moved;
  }

  /** Announces that an entry's payload is about to be edited in place and sets its kind. */
  edit(ref: Ref, newKind: number): void {
    this.announceChange(ref);
    this.changeKind(ref, newKind);
  }

  /** To be called before any byte of an entry changes: a snapshot that is being written may need it as it is. */
  announceChange(ref: Ref): void {
    if (this.keys.beforeBucketChange !== undefined) this.keys.touchBucket(this.keys.hashOf(ref));
  }

  private changeKind(ref: Ref, newKind: Kind): void {
    const { arena } = this.keyspace;
    const oldKind = kindOf(arena, ref);
    if (oldKind === newKind) return;
    setKind(arena, ref, newKind);
    if (hasExpiringFields(oldKind) === hasExpiringFields(newKind)) return;
    const hash = this.keys.hashOf(ref);
    if (hasExpiringFields(newKind)) this.fieldExpires.insert(ref, hash);
    else this.fieldExpires.removeRef(ref, hash);
  }

  /** Takes note that an entry is somewhere else now. */
  private replaceRef(ref: Ref, moved: Ref, hash: number): void {
    this.keys.replace(ref, moved, hash);
    if (hasExpiringFields(this.kindOf(moved))) this.fieldExpires.replace(ref, moved, hash);
  }

  /**
   * The entry's block was copied to another place, of which the table of keys knows already: tells the other tables.
   * The old block is still there.
   */
  entryMoved(ref: Ref, moved: Ref): void {
    const expiring = hasExpiry(this.keyspace.arena, ref);
    const withFields = hasExpiringFields(this.kindOf(ref));
    if (!expiring && !withFields) return;
    const hash = this.keys.hashOf(ref);
    if (expiring) this.expires.replace(ref, moved, hash);
    if (withFields) this.fieldExpires.replace(ref, moved, hash);
  }

  /** The number of the entry's big collection among `Keyspace.collections`; undefined if it has none. */
  handleOf(ref: Ref): number | undefined {
    return isHandle(this.kindOf(ref)) ? handleOf(this.keyspace.arena, ref) : undefined;
  }

  private resized(ref: Ref, length: number, keep: number, hash: number): Ref {
    const moved = resizeEntry(this.keyspace.arena, ref, length, keep);
    if (moved !== ref) this.replaceEverywhere(ref, moved, hash);
    return moved;
  }

  /** As `replaceRef`, for an entry that may have an expiry. */
  private replaceEverywhere(ref: Ref, moved: Ref, hash: number): void {
    this.replaceRef(ref, moved, hash);
    if (hasExpiry(this.keyspace.arena, moved)) this.expires.replace(ref, moved, hash);
  }

  /** Removes a live key and its value. False if there is none. */
  remove(key: Bytes): boolean {
    const ref = this.live(key);
    if (ref === absent) return false;
    this.removeEntry(ref);
    return true;
  }

  /** Takes an entry out of the database and frees it. */
  removeEntry(ref: Ref): void {
    this.announceChange(ref);
    this.releaseValue(ref);
    this.detach(ref);
    releaseEntry(this.keyspace.arena, ref);
  }

  /** Takes an entry out of the tables without freeing it. */
  private detach(ref: Ref): void {
    const hash = this.keys.hashOf(ref);
    if (hasExpiry(this.keyspace.arena, ref)) this.expires.removeRef(ref, hash);
    if (hasExpiringFields(this.kindOf(ref))) this.fieldExpires.removeRef(ref, hash);
    this.keys.removeRef(ref, hash);
  }

  /**
   * Frees what an entry's payload refers to. Strings and packed collections have nothing outside their entry.
   */
  private releaseValue(ref: Ref): void {
    if (isHandle(this.kindOf(ref))) this.keyspace.dispose(handleOf(this.keyspace.arena, ref));
  }

  /** The big collection of an entry whose kind says that it has one. The caller knows which class that is. */
  collection<T extends Collection>(ref: Ref): T {
    return this.keyspace.collections.get(handleOf(this.keyspace.arena, ref)) as T;
  }

  /**
   * The table of a key's fields or members, if it has one. Leaves no trace, and does not ask whether it has expired.
   */
  elementIndex(key: Bytes): Table | undefined {
    const ref = this.peek(key);
    return ref !== absent && isHandle(this.kindOf(ref)) ? this.collection(ref).index : undefined;
  }

  /** Stores a big collection under a key, replacing what was there. */
  putCollection(key: Bytes, newKind: Kind, collection: Collection, keepExpiry = false): Ref {
    const handle = this.keyspace.collections.add(collection);
    const ref = this.put(key, newKind, handleBytes, keepExpiry);
    setHandle(this.keyspace.arena, ref, handle);
    return ref;
  }

  /**
   * Replaces an entry's packed value by a big collection that has its elements. Expiry and access time stay.
   */
  unpack(ref: Ref, newKind: Kind, collection: Collection): Ref {
    const handle = this.keyspace.collections.add(collection);
    const moved = this.resize(ref, handleBytes);
    this.changeKind(moved, newKind);
    setHandle(this.keyspace.arena, moved, handle);
    return moved;
  }

  /**
   * Replaces an entry's big collection by a packed value of `length` bytes, which the caller fills. The
   * collection is freed, so its elements must have been read.
   */
  pack(ref: Ref, newKind: Kind, length: number): Ref {
    this.announceChange(ref);
    this.releaseValue(ref);
    this.changeKind(ref, newKind);
    return this.resize(ref, length);
  }

  /** Unix time in ms at which the entry expires, or -1. */
  expiry(ref: Ref): number {
    const { arena } = this.keyspace;
    return hasExpiry(arena, ref) ? expiryOf(arena, ref) : -1;
  }

  /** Sets when an entry expires, in unix ms. Returns where the entry is now. */
  setExpiry(ref: Ref, when: number): Ref {
    const { arena } = this.keyspace;
    const hash = this.keys.hashOf(ref);
    this.keys.touchBucket(hash);
    if (hasExpiry(arena, ref)) {
      setExpiry(arena, ref, when);
      return ref;
    }
    const moved = addExpiry(arena, ref, when);
    if (moved !== ref) this.replaceRef(ref, moved, hash);
    try {
      this.expires.insert(moved, hash);
    } catch (error) {
      const back = removeExpiry(arena, moved);
      if (back !== moved) this.replaceRef(moved, back, hash);
      throw error;
    }
    return moved;
  }

  /** Makes an entry permanent. Returns where it is now. */
  clearExpiry(ref: Ref): Ref {
    if (!hasExpiry(this.keyspace.arena, ref)) return ref;
    const hash = this.keys.hashOf(ref);
    this.keys.touchBucket(hash);
    return this.dropExpiry(ref, hash);
  }

  private dropExpiry(ref: Ref, hash: number): Ref {
    const moved = removeExpiry(this.keyspace.arena, ref);
    this.expires.removeRef(ref, hash); // by its number: the entry may have moved
    if (moved !== ref) this.replaceRef(ref, moved, hash);
    return moved;
  }

  /**
   * Bytes that a key and its value take: the entry's block, its places in the tables, and what a big
   * collection has besides, estimated from so many of its elements (0: all).
   */
  memoryOf(ref: Ref, samples: number): number {
    const { arena } = this.keyspace;
    const places = this.expiry(ref) >= 0 ? 2 : 1;
    const own = arena.capacityOf(ref) + places * Math.ceil(this.keys.bytes / Math.max(this.keys.size, 1));
    if (!isHandle(this.kindOf(ref))) return own;
    const collection = this.collection<Collection>(ref);
    return own + collection.bytes + collection.elementBytes(samples);
  }

  /** Seconds since the entry was last accessed. */
  idleSeconds(ref: Ref): number {
    return (this.keyspace.lruClock - accessOf(this.keyspace.arena, ref)) & 0xffffff;
  }

  /** How often the entry is accessed, 0 to 255; 0 unless `Keyspace.frequency` is set. */
  accessFrequency(ref: Ref): number {
    const { arena, frequency } = this.keyspace;
    return frequency?.count(accessOf(arena, ref)) ?? 0;
  }

  /**
   * Moves an entry's value to the key `to` of `target`, expiry included, replacing what was there, which must not be
   * the entry itself.
   */
  move(ref: Ref, target: Database, to: Bytes): void {
    const { arena } = this.keyspace;
    const when = this.expiry(ref);
    const access = accessOf(arena, ref);
    const copy = isHandle(this.kindOf(ref)) ? this.handOver(ref, target, to) : this.copyTo(ref, target, to);
    setAccess(arena, copy, access);
    if (when >= 0) target.setExpiry(copy, when);
    this.removeEntry(ref);
  }

  /** Stores a copy of an entry's value under another key, without its expiry. Returns the copy. */
  copyTo(ref: Ref, target: Database, to: Bytes): Ref {
    if (isHandle(this.kindOf(ref))) {
      return target.putCollection(to, this.kindOf(ref), this.collection(ref).copy());
    }
    const from = this.payload(ref, new Bytes());
    const copy = target.put(to, this.kindOf(ref), from.length);
    const { arena } = this.keyspace;
    copyBytes(arena.bufferOf(copy), payloadOffsetOf(arena, copy), from.buffer, from.start, from.end);
    return copy;
  }

  /** Gives an entry's big collection to another key. The entry is left as a string, to be removed. */
  private handOver(ref: Ref, target: Database, to: Bytes): Ref {
    this.announceChange(ref);
    const { arena } = this.keyspace;
    const kind = this.kindOf(ref);
    const handle = handleOf(arena, ref);
    this.changeKind(ref, kinds.string);
    const moved = target.put(to, kind, handleBytes);
    setHandle(arena, moved, handle);
    return moved;
  }

  /** Removes all keys at once. */
  flush(): void {
    // While a snapshot needs the entries, they are freed in slices that it is told of.
    if (this.keys.beforeBucketChange !== undefined) return this.flushLater();
    const keys = this.takeKeys();
    keys.forEach(this.release);
    keys.clear();
  }

  /** Removes all keys now, and leaves it to `Keyspace.lazyFree` to give their memory back. */
  flushLater(): void {
    this.keyspace.lazyFree.add(this.takeKeys(), this.release);
  }

  /** Takes the table of all entries away, leaving the database empty. */
  private takeKeys(): Table {
    const { keys } = this;
    this.keys = this.newTable();
    this.expires.clear();
    this.fieldExpires.clear();
    this.averageTtl = 0;
    return keys;
  }

  /** Frees an entry that is in no table any more. */
  private readonly release = (ref: Ref): void => {
    this.releaseValue(ref);
    releaseEntry(this.keyspace.arena, ref);
  };

  /** Forgets all entries without freeing them: the arena is about to be cleared. */
  detachAll(): void {
    this.keys.clear();
    this.expires.clear();
    this.fieldExpires.clear();
    this.averageTtl = 0;
  }

  /** Exchanges all keys with those of another database. */
  swap(other: Database): void {
    [this.keys, other.keys] = [other.keys, this.keys];
    [this.expires, other.expires] = [other.expires, this.expires];
    [this.fieldExpires, other.fieldExpires] = [other.fieldExpires, this.fieldExpires];
    [this.averageTtl, other.averageTtl] = [other.averageTtl, this.averageTtl];
  }

  /** The entry of a key that has not expired, chosen at random; `absent` if there is none, or 100 tries found none. */
  randomKey(): Ref {
    const next = () => this.keyspace.random.next();
    for (let tries = 0; tries < 100 && this.size > 0; tries++) {
      const ref = this.keys.random(next);
      if (!this.isExpired(ref)) return ref;
      this.expireEntry(ref);
    }
    return absent;
  }

  /** A key was changed: counts the changes, tells those who watch it, and publishes `event`. */
  modified(key: Bytes, eventClass: number, event: string, changes = 1): void {
    this.keyspace.dirty += changes;
    this.alsoModified(key, eventClass, event);
  }

  /** As `remove`, as a change of its own: counted, told, and published as `del`. True if the key was there. */
  removeAndTell(key: Bytes): boolean {
    if (!this.remove(key)) return false;
    this.modified(key, EventClass.generic, 'del');
    return true;
  }

  /** As `modified`, for elements that were removed from a collection, which goes with the last of them; `left` stay. */
  elementsRemoved(
    key: Bytes,
    ref: Ref,
    left: number,
    eventClass: number,
    event: string,
    removed: number,
  ): void {
    if (left === 0) this.removeEntry(ref);
    this.modified(key, eventClass, event, removed);
    if (left === 0) this.event(EventClass.generic, 'del', key);
  }

  /** As `modified`, for the other key of a change that is counted once: RENAME, MOVE. */
  alsoModified(key: Bytes, eventClass: number, event: string): void {
    const { keyspace } = this;
    if (keyspace.observed) keyspace.observer.keyModified(this, key);
    if ((keyspace.eventMask & eventClass) !== 0) keyspace.observer.event(eventClass, event, key, this);
  }

  /**
   * What stands beside a key's value was changed, such as a consumer group or a counter: it is counted, and `event`
   * published. Those who watch the key or keep a copy of its value are not told.
   */
  modifiedBeside(key: Bytes, eventClass: number, event: string): void {
    this.keyspace.dirty++;
    this.event(eventClass, event, key);
  }

  /** Publishes an event, if its class is wanted. */
  event(eventClass: number, event: string, key: Bytes): void {
    const { keyspace } = this;
    if ((keyspace.eventMask & eventClass) !== 0) keyspace.observer.event(eventClass, event, key, this);
  }
}
