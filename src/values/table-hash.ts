import { type Bytes, copyBytes } from '../bytes/bytes.js';
import type { Ref } from '../memory/arena.js';
import {
  addExpiry,
  createEntry,
  expiryOf,
  hasExpiry,
  NO_EXPIRY,
  payloadOffsetOf,
  removeExpiry,
  resizeEntry,
  setExpiry,
} from '../memory/entry.js';
import { Table } from '../memory/table.js';
import type { CollectionImage, VisitElement } from './collection.js';
import { EntryCollection } from './entry-collection.js';
import { TableImage } from './table-image.js';

/**
 * A big hash: entries whose key is the field and whose payload is the value. Fields can have an expiry, which
 * the hash keeps and lets be asked for; what happens to a field whose time has come is decided above.
 */
export class TableHash extends EntryCollection {
  /** No field expires before this unix time in ms; usually one does then. */
  soonest = NO_EXPIRY;
  /** The fields that expire; the same entries. Undefined until there is one. */
  private expires: Table | undefined;

  // The walk over `expires`, from the last bucket to the first, for that is how a table shrinks.
  private bucketsLeft = 0;
  /** The earliest time that the walk has seen and left. */
  private seenSoonest = NO_EXPIRY;
  /** Set when fields were added during the walk, which it may have missed. */
  private addedMeanwhile = false;

  protected another(): TableHash {
    return new TableHash(this.source);
  }

  override get bytes(): number {
    return super.bytes + (this.expires?.bytes ?? 0);
  }

  /** Number of fields that expire. */
  get expiringSize(): number {
    return this.expires?.size ?? 0;
  }

  /**
   * Sets a field, for good: an expiry goes. True if it is new. Hot: allocates nothing but the entry. The
   * views must not be of the field's own entry.
   */
  set(field: Bytes, value: Bytes): boolean {
    this.beforeChange();
    const { arena, table } = this;
    const hash = table.hashOfKey(field);
    const old = table.findKey(field, hash);
    if (old === 0) {
      const ref = createEntry(arena, field.buffer, field.start, field.end, value.length, false, 0);
      table.insert(ref, hash);
      this.fill(ref, value);
      return true;
    }
    if (table.beforeBucketChange !== undefined) table.touchBucket(hash);
    this.put(hasExpiry(arena, old) ? this.persist(old) : old, value);
    return false;
  }

  /** Changes the value of a field, which keeps its expiry. */
  update(old: Ref, value: Bytes): void {
    this.announceEdit(old);
    this.put(old, value);
  }

  /** To be called before a field's entry is changed in place. */
  private announceEdit(ref: Ref): void {
    this.beforeChange();
    const { table } = this;
    if (table.beforeBucketChange !== undefined) table.touchBucket(table.hashOf(ref));
  }

  private put(old: Ref, value: Bytes): void {
    const { arena, table } = this;
    const ref = resizeEntry(arena, old, value.length, 0);
    if (ref !== old) {
      const hash = table.hashOf(ref);
      table.replace(old, ref, hash);
      if (hasExpiry(arena, ref)) this.expires!.replace(old, ref, hash);
    }
    this.fill(ref, value);
  }

  private fill(ref: Ref, value: Bytes): void {
    const { arena } = this;
    copyBytes(arena.bufferOf(ref), payloadOffsetOf(arena, ref), value.buffer, value.start, value.end);
  }

  /** When a field expires, in unix ms; NO_EXPIRY if it does not. */
  expiryOf(ref: Ref): number {
    return expiryOf(this.arena, ref);
  }

  /** Sets when a field expires. Its entry may move. */
  setExpiry(ref: Ref, when: number): void {
    this.announceEdit(ref);
    const { arena, table } = this;
    this.soonest = Math.min(this.soonest, when);
    this.seenSoonest = Math.min(this.seenSoonest, when);
    if (hasExpiry(arena, ref)) return setExpiry(arena, ref, when);
    const hash = table.hashOf(ref);
    const moved = addExpiry(arena, ref, when);
    if (moved !== ref) table.replace(ref, moved, hash);
    this.expires ??= new Table(arena, this.source.seedHigh, this.source.seedLow);
    this.expires.insert(moved, hash);
    this.addedMeanwhile = true;
  }

  /** Takes a field's expiry away. Returns where its entry is now. */
  persist(ref: Ref): Ref {
    if (!hasExpiry(this.arena, ref)) return ref;
    this.announceEdit(ref);
    const hash = this.table.hashOf(ref);
    this.expires!.removeRef(ref, hash);
    const moved = removeExpiry(this.arena, ref);
    if (moved !== ref) this.table.replace(ref, moved, hash);
    return moved;
  }

  /**
   * Looks at about `buckets` buckets of expiring fields and removes those whose time is before `now`. Returns
   * how many. Goes on where it stopped; there may be more as long as `soonest` is before `now`. `note` is shown each
   * before it goes.
   */
  expireSlice(now: number, buckets: number, note?: (ref: Ref) => void): number {
    const { expires } = this;
    if (expires === undefined || this.soonest >= now) return 0;
    if (this.bucketsLeft === 0) this.beginWalk(expires.bucketCount);
    const before = this.size;
    for (let left = buckets; left > 0 && this.bucketsLeft > 0; left--) {
      this.bucketsLeft = Math.min(this.bucketsLeft, expires.bucketCount) - 1;
      expires.forEachInBucket(this.bucketsLeft, (ref) => this.examine(ref, now, note));
    }
    if (this.bucketsLeft === 0 && !this.addedMeanwhile) this.soonest = this.seenSoonest;
    return before - this.size;
  }

  private beginWalk(buckets: number): void {
    this.bucketsLeft = buckets;
    this.seenSoonest = NO_EXPIRY;
    this.addedMeanwhile = false;
  }

  private examine(ref: Ref, now: number, note: ((ref: Ref) => void) | undefined): void {
    const when = this.expiryOf(ref);
    if (when < now) {
      note?.(ref);
      this.removeEntry(ref);
    } else this.seenSoonest = Math.min(this.seenSoonest, when);
  }

  protected override forget(ref: Ref): void {
    if (hasExpiry(this.arena, ref)) this.expires!.removeRef(ref, this.table.hashOf(ref));
  }

  protected override elementMoved(ref: Ref, moved: Ref): void {
    if (hasExpiry(this.arena, ref)) this.expires!.replace(ref, moved, this.table.hashOf(ref));
  }

  override get indexBytes(): number {
    return super.indexBytes + (this.expires?.countedBytes ?? 0);
  }

  override copy(): TableHash {
    const copy = this.another();
    this.table.forEach((ref) => {
      const entry = this.copyOfEntry(ref);
      copy.adopt(entry);
      if (hasExpiry(this.arena, ref)) copy.setExpiry(entry, this.expiryOf(ref));
    });
    return copy;
  }

  override freeSlice(budget: number): boolean {
    this.beforeChange();
    this.expires?.clear();
    this.expires = undefined;
    return super.freeSlice(budget);
  }

  override takeImage(): CollectionImage {
    const soonest = this.expiringSize > 0 ? this.soonest : NO_EXPIRY;
    return new TableImage(this.table, (ref, visit) => this.showEntry(ref, visit), soonest);
  }

  protected override showEntry(ref: Ref, visit: VisitElement): void {
    super.showEntry(ref, (field, value) => visit(field, value, this.expiryOf(ref)));
  }
}
