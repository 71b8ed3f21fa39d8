import type { Bytes } from '../bytes/bytes.js';
import { hashBytes } from '../bytes/hash.js';
import type { Arena, Ref } from './arena.js';
import {
  BUCKET_BYTES,
  BUCKET_SHIFT,
  LINK,
  lastSlot,
  lowestByte,
  SLOTS,
  setSlot,
  slotOfRef,
  TAGS,
  tagAt,
  tagOf,
  zeroBytes,
} from './bucket.js';
import { BucketChains, CHUNK_BITS, CHUNK_MASK, gathered } from './bucket-chains.js';
import { hasKeyAt, keyLengthAt, keyOffsetAt } from './entry.js';
import { OVERFLOW_BITS, OVERFLOW_MASK } from './overflow.js';

/** Entries per bucket, of 12 slots, above which a bucket is split and below which two are merged. */
const SPLIT_LOAD = 9;
const MERGE_LOAD = 5;
const MERGES_PER_REMOVAL = 2;
/** Buckets looked at for a sample; a table with few entries in many buckets yields less than was asked for. */
const MOST_SAMPLE_TRIES = 64;
/** Buckets with more entries than this between them are not merged. */
const LONGEST_MERGED = 2 * SLOTS;

/**
 * Where reads go whose only use is that they warm the cache, so that the compiler does not leave them out.
 */
const prefetched = new Uint8Array(1);
/** The stamps of tables count through these numbers, and leave 0 out. */
const LAST_STAMP = 0x3fffffff;
let latestStamp = 0;

/**
 * A hash table of arena entries by their key bytes, with linear hashing (Litwin 1980): it grows by one bucket
 * at a time, which takes the entries that belong there from one other bucket, and shrinks the same way. So no
 * operation ever waits for the whole table to be rebuilt, and there is no moment with two tables.
 *
 * The table indexes entries and does not own them: creating and releasing them is its user's affair. Several
 * tables with the same seed can index the same entries.
 */
export class Table extends BucketChains {
  /** Entries in the table. */
  size = 0;
  /**
   * Called before the content of a bucket changes, so that a snapshot can save it as it was. A bucket that is
   * split or merged is announced like any other; a bucket that comes into being is not. Must not change the
   * table.
   */
  beforeBucketChange: ((bucket: number) => void) | undefined = undefined;
  /**
   * Tells the states of all tables apart, as far as it matters to who holds a ref: another one each time that an
   * entry goes or is somewhere else.
   */
  stamp = nextStamp();

  // Where the last find() found: bucket, overflow bucket in its chain or 0, slot.
  private foundBucket = 0;
  private foundLink = 0;
  private foundSlot = 0;
  /** Bytes that `arena.indexBytes` counts for this table: all but the bucket that every table has. */
  private counted = 0;
  /** The seed makes the hash unpredictable: take it from a random source. */
  constructor(
    private readonly arena: Arena,
    private readonly seedHigh: number,
    private readonly seedLow: number,
  ) {
    super();
  }

  /** What the table has added to `arena.indexBytes`: all but the bucket that every table has. */
  get countedBytes(): number {
    return this.counted;
  }

  /** The hash of a key, an int32, as the other methods want it. */
  hash(buffer: Buffer, start: number, end: number): number {
    return hashBytes(buffer, start, end, this.seedLow, this.seedHigh);
  }

  /** The same of a key in a view, which may carry it. */
  hashOfKey(key: Bytes): number {
    return key.hash !== 0 ? key.hash : this.hash(key.buffer, key.start, key.end);
  }

  /** The hash of an entry's key. */
  hashOf(ref: Ref): number {
    const buffer = this.arena.bufferOf(ref);
    const at = this.arena.offsetOf(ref);
    const key = keyOffsetAt(buffer, at);
    return hashBytes(buffer, key, key + keyLengthAt(buffer, at), this.seedLow, this.seedHigh);
  }

  /**
   * The entry with the key `buffer[start, end)`, or 0. Its place is remembered for `replaceFound` and
   * `removeFound` until the table changes.
   *
   * Costs, in a table much larger than the caches, one miss for the bucket and one for the entry.
   */
  find(buffer: Buffer, start: number, end: number, hash: number): Ref {
    const { arena, overflow } = this;
    const length = end - start;
    const pattern = Math.imul(tagOf(hash), 0x01010101);
    const bucket = this.bucketOf(hash);
    let words = this.chunks[bucket >>> CHUNK_BITS];
    let base = (bucket & CHUNK_MASK) << BUCKET_SHIFT;
    let link = 0;
    for (;;) {
      for (let word = 0; word < 3; word++) {
        let match = zeroBytes(words[base + TAGS + word] ^ pattern);
        for (; match !== 0; match &= match - 1) {
          const slot = (word << 2) + lowestByte(match);
          const ref = words[base + slot];
          const candidate = arena.bufferOf(ref);
          const at = arena.offsetOf(ref);
          if (!hasKeyAt(candidate, at, buffer, start, length)) continue;
          this.foundBucket = bucket;
          this.foundLink = link;
          this.foundSlot = slot;
          return ref;
        }
      }
      link = words[base + LINK];
      if (link === 0) return 0;
      words = overflow.chunks[link >>> OVERFLOW_BITS];
      base = (link & OVERFLOW_MASK) << BUCKET_SHIFT;
    }
  }

  /**
   * The entry of a key that was found ahead of time, or 0 if it was not, or may not be true any more. Unlike `find` it
   * remembers no place.
   */
  findAhead(key: Bytes): Ref {
    const { ref, buffer, start } = key;
    if (key.stamp !== this.stamp || ref === 0) return 0;
    const candidate = this.arena.bufferOf(ref);
    return hasKeyAt(candidate, this.arena.offsetOf(ref), buffer, start, key.end - start) ? ref : 0;
  }

  /** The entry of a key with this hash, or 0: found ahead of time, or by `find`. Remembers no place. */
  findKey(key: Bytes, hash: number): Ref {
    return this.findAhead(key) || this.find(key.buffer, key.start, key.end, hash);
  }

  /**
   * Reads something of the buckets that `find` will look at for these hashes, so that they are in the cache then. By
   * fours, because a processor has only so many reads under way, and what the engine reads to check an array counts
   * too: it is read once for four. What it returns means nothing.
   */
  touchBuckets(hashes: Int32Array, begin: number, end: number): number {
    let read = 0;
    let i = begin;
    for (const last = end - 3; i < last; i += 4) {
      read ^=
        this.firstWord(hashes[i]) ^
        this.firstWord(hashes[i + 1]) ^
        this.firstWord(hashes[i + 2]) ^
        this.firstWord(hashes[i + 3]);
    }
    for (; i < end; i++) read ^= this.firstWord(hashes[i]);
    return read;
  }

  private firstWord(hash: number): number {
    const bucket = this.bucketOf(hash);
    return this.chunks[bucket >>> CHUNK_BITS][(bucket & CHUNK_MASK) << BUCKET_SHIFT];
  }

  /**
   * The entry that `find` will most likely look at first, or 0: one whose hash has the same tag. Does not look at it.
   */
  likelyEntry(hash: number): Ref {
    const bucket = this.bucketOf(hash);
    const words = this.chunks[bucket >>> CHUNK_BITS];
    const base = (bucket & CHUNK_MASK) << BUCKET_SHIFT;
    const pattern = Math.imul(tagOf(hash), 0x01010101);
    for (let word = 0; word < 3; word++) {
      const match = zeroBytes(words[base + TAGS + word] ^ pattern);
      if (match !== 0) return words[base + (word << 2) + lowestByte(match)];
    }
    return 0;
  }

  /** Puts another entry with the same key in the place of the one that `find` found. */
  replaceFound(ref: Ref): void {
    this.stamp = nextStamp();
    this.beforeBucketChange?.(this.foundBucket);
    this.wordsAt(this.foundBucket, this.foundLink)[
      this.baseAt(this.foundBucket, this.foundLink) + this.foundSlot
    ] = ref;
  }

  /** Takes out the entry that `find` found, and returns it. May merge two buckets. */
  removeFound(): Ref {
    this.stamp = nextStamp();
    this.beforeBucketChange?.(this.foundBucket);
    const ref = this.emptyFoundSlot();
    this.size--;
    if (this.size < this.bucketCount * MERGE_LOAD) this.shrink();
    return ref;
  }

  /**
   * Adds an entry whose key is known to be absent. May split a bucket. Throws RangeError if the engine has no
   * memory for another bucket; the entry is not in the table then.
   */
  insert(ref: Ref, hash: number): void {
    if (this.size >= this.bucketCount * SPLIT_LOAD) this.split();
    const bucket = this.bucketOf(hash);
    this.beforeBucketChange?.(bucket);
    this.place(bucket, ref, tagOf(hash));
    this.size++;
  }

  /**
   * Makes an empty table large enough for so many entries, so that it does not grow bucket by bucket. One that has
   * entries stays as it is. Throws RangeError if the engine has no memory for it; the table is unchanged then.
   */
  reserve(entries: number): void {
    const wanted = Math.ceil(entries / SPLIT_LOAD);
    if (this.size > 0 || this.beforeBucketChange !== undefined || wanted <= this.bucketCount) return;
    this.renew(wanted);
    this.countBytes();
  }

  /** Gives back the buckets that `reserve` made and nobody filled. O(buckets). */
  trim(): void {
    while (this.bucketCount > 1 && this.size < this.bucketCount * MERGE_LOAD) {
      const from = this.bucketCount - 1;
      this.merge(from, this.mergeTarget(from));
    }
  }

  /** Puts an entry in the place of another with the same key, which must be in the table. */
  replace(oldRef: Ref, newRef: Ref, hash: number): void {
    this.locate(oldRef, hash);
    this.replaceFound(newRef);
  }

  /** Takes out an entry, which must be in the table. May merge two buckets. */
  removeRef(ref: Ref, hash: number): void {
    this.locate(ref, hash);
    this.removeFound();
  }

  /** Announces that an entry with this hash is about to be changed in place. */
  touchBucket(hash: number): void {
    this.beforeBucketChange?.(this.bucketOf(hash));
  }

  /**
   * An entry, all equally likely, or 0 if there is none. `random` gives numbers in [0, 1).
   * Picks a slot of any bucket, overflow buckets included, until it picks a used one: about two tries at the
   * usual load.
   */
  random(random: () => number): Ref {
    if (this.size === 0) return 0;
    const { bucketCount, overflow } = this;
    const places = bucketCount + overflow.span;
    for (;;) {
      const place = Math.floor(random() * places);
      const slot = Math.floor(random() * SLOTS);
      const isOverflow = place >= bucketCount;
      const words = isOverflow
        ? overflow.chunks[(place - bucketCount) >>> OVERFLOW_BITS]
        : this.chunks[place >>> CHUNK_BITS];
      const base = (isOverflow ? (place - bucketCount) & OVERFLOW_MASK : place & CHUNK_MASK) << BUCKET_SHIFT;
      if (base < words.length && words[base + slot] !== 0) return words[base + slot];
    }
  }

  /**
   * Puts up to `count` entries at the beginning of `into`, and returns how many. They come from buckets chosen at
   * random, from a random slot on: nearly as good as as many calls of `random`, as entries share a bucket by chance
   * alone, and much cheaper, as they share its cache miss too.
   */
  sample(random: () => number, into: Int32Array, count: number): number {
    if (this.size === 0) return 0;
    const places = this.bucketCount + this.overflow.span;
    let found = 0;
    for (let tries = 0; found < count && tries < MOST_SAMPLE_TRIES; tries++) {
      const place = Math.floor(random() * places);
      const isOverflow = place >= this.bucketCount;
      const number = isOverflow ? place - this.bucketCount : place;
      const words = isOverflow
        ? this.overflow.chunks[number >>> OVERFLOW_BITS]
        : this.chunks[number >>> CHUNK_BITS];
      const base = (number & (isOverflow ? OVERFLOW_MASK : CHUNK_MASK)) << BUCKET_SHIFT;
      if (base >= words.length) continue;
      const first = Math.floor(random() * SLOTS);
      for (let i = 0; i < SLOTS && found < count; i++) {
        const slot = first + i < SLOTS ? first + i : first + i - SLOTS;
        if (words[base + slot] !== 0) into[found++] = words[base + slot];
      }
    }
    return found;
  }

  /** True if an entry with this hash is in the table under this ref. Reads no entry, so the ref may be stale. */
  holds(ref: Ref, hash: number): boolean {
    const bucket = this.bucketOf(hash);
    for (let link = 0; ; ) {
      const words = this.wordsAt(bucket, link);
      const base = this.baseAt(bucket, link);
      if (slotOfRef(words, base, ref) >= 0) return true;
      link = words[base + LINK];
      if (link === 0) return false;
    }
  }

  /**
   * Visits the entries of one bucket and returns the cursor for the next call. 0 starts, and is returned at
   * the end. The table may change between calls and in `visit`; an entry that is there from the first call to
   * the last is visited at least once.
   *
   * The cursor counts with its bits reversed (the idea is Pieter Noordhuis's, from Redis), so it runs through
   * the space of reversed hashes, where every bucket is one interval, and buckets are split and merged in
   * place. Linear hashing only adds that neighbouring intervals can differ in size: each step goes to the end
   * of the bucket's own.
   */
  scan(cursor: number, visit: (ref: Ref) => void): number {
    const low = cursor & this.lowMask;
    const mask = low < this.bucketCount - this.lowMask - 1 ? this.highMask : this.lowMask;
    const next = reverseBits((reverseBits(cursor | ~mask) + 1) | 0) >>> 0;
    this.forEachInBucket(cursor & mask, visit);
    return next;
  }

  /**
   * As `scan`, for moving entries: `destination` returns where each is to be from now on, usually where it is. It must
   * not change this table.
   */
  relocate(cursor: number, destination: (ref: Ref) => Ref): number {
    const low = cursor & this.lowMask;
    const mask = low < this.bucketCount - this.lowMask - 1 ? this.highMask : this.lowMask;
    const bucket = cursor & mask;
    this.stamp = nextStamp();
    this.beforeBucketChange?.(bucket);
    for (let link = 0; ; ) {
      const words = this.wordsAt(bucket, link);
      const base = this.baseAt(bucket, link);
      for (let slot = 0; slot < SLOTS; slot++) {
        const ref = words[base + slot];
        const to = ref === 0 ? 0 : destination(ref);
        if (to !== ref) words[base + slot] = to;
      }
      link = words[base + LINK];
      if (link === 0) break;
    }
    return reverseBits((reverseBits(cursor | ~mask) + 1) | 0) >>> 0;
  }

  /**
   * Reads something of each entry of a bucket that will be visited soon: the reads do not wait for one another, so
   * their cache misses overlap. What it returns means nothing.
   */
  touchBucketEntries(bucket: number): number {
    const { arena } = this;
    let words = this.chunks[bucket >>> CHUNK_BITS];
    let base = (bucket & CHUNK_MASK) << BUCKET_SHIFT;
    let sum = 0;
    for (;;) {
      for (let slot = 0; slot < SLOTS; slot++) {
        const ref = words[base + slot];
        if (ref !== 0) sum += arena.bufferOf(ref)[arena.offsetOf(ref)];
      }
      const link = words[base + LINK];
      if (link === 0) return sum;
      words = this.overflow.chunks[link >>> OVERFLOW_BITS];
      base = (link & OVERFLOW_MASK) << BUCKET_SHIFT;
    }
  }

  /** Visits all entries. `visit` may release an entry but must not change the table. */
  forEach(visit: (ref: Ref) => void): void {
    for (let bucket = 0; bucket < this.bucketCount; bucket++) this.forEachInBucket(bucket, visit);
  }

  /** Bytes of the blocks of all entries, estimated from about `samples` of them (0: exact). */
  entryBytes(samples: number): number {
    let bytes = 0;
    let seen = 0;
    const add = (ref: Ref) => {
      bytes += this.arena.capacityOf(ref);
      seen++;
    };
    for (let bucket = 0; bucket < this.bucketCount && (samples === 0 || seen < samples); bucket++) {
      this.forEachInBucket(bucket, add);
    }
    return seen === 0 ? 0 : Math.round((bytes / seen) * this.size);
  }

  /** Forgets all entries and gives the bucket memory back. Not announced to `beforeBucketChange`. */
  clear(): void {
    this.stamp = nextStamp();
    this.size = 0;
    this.renew(1);
    this.countBytes();
  }

  /** Keeps the arena's sum of all tables true. Called wherever chunks come or go, which is rare. */
  private countBytes(): void {
    const bytes = this.bytes - BUCKET_BYTES;
    this.arena.indexBytes += bytes - this.counted;
    this.counted = bytes;
  }

  /**
   * Takes the table apart from its end, for freeing a huge one in slices: hands about `budget` entries (whole
   * buckets) to `release`, and returns true when the table is empty. It can be used as usual between slices.
   */
  freeSlice(budget: number, release: (ref: Ref) => void): boolean {
    this.stamp = nextStamp();
    for (let left = budget; this.size > 0 && left > 0; ) {
      const bucket = this.bucketCount - 1;
      this.beforeBucketChange?.(bucket);
      const count = this.gather(bucket, 0);
      const refs = gathered.refs.slice(0, count);
      this.size -= count;
      left -= count + 1;
      if (bucket > 0) {
        this.dropLastBucket();
        this.countBytes();
      }
      for (const ref of refs) release(ref);
    }
    if (this.size > 0) return false;
    this.clear();
    return true;
  }

  /** Remembers the place of an entry as `find` does. */
  private locate(ref: Ref, hash: number): void {
    const bucket = this.bucketOf(hash);
    for (let link = 0; ; ) {
      const words = this.wordsAt(bucket, link);
      const base = this.baseAt(bucket, link);
      const slot = slotOfRef(words, base, ref);
      if (slot >= 0) {
        this.foundBucket = bucket;
        this.foundLink = link;
        this.foundSlot = slot;
        return;
      }
      link = words[base + LINK];
      if (link === 0) throw new Error(`entry ${ref} is not in the table`);
    }
  }

  /** Empties the found slot and fills the hole from the end of the chain, so that chains stay compact. */
  private emptyFoundSlot(): Ref {
    const bucket = this.foundBucket;
    let before = 0;
    let last = 0;
    let words = this.wordsAt(bucket, 0);
    let base = this.baseAt(bucket, 0);
    for (let link = words[base + LINK]; link !== 0; link = words[base + LINK]) {
      before = last;
      last = link;
      words = this.wordsAt(bucket, link);
      base = this.baseAt(bucket, link);
    }
    const hole = this.wordsAt(bucket, this.foundLink);
    const holeBase = this.baseAt(bucket, this.foundLink);
    const ref = hole[holeBase + this.foundSlot];
    if (this.foundLink === last) {
      setSlot(hole, holeBase, this.foundSlot, 0, 0);
    } else {
      const slot = lastSlot(words, base);
      setSlot(hole, holeBase, this.foundSlot, words[base + slot], tagAt(words, base, slot));
      setSlot(words, base, slot, 0, 0);
    }
    if (last !== 0 && lastSlot(words, base) < 0) {
      this.wordsAt(bucket, before)[this.baseAt(bucket, before) + LINK] = 0;
      this.overflow.give(last);
    }
    return ref;
  }

  /** Adds a bucket and moves to it what belongs there from the bucket that had its entries until now. */
  private split(): void {
    const to = this.bucketCount;
    const from = to & this.lowMask;
    this.beforeBucketChange?.(from);
    const bit = this.lowMask + 1;
    this.addBucket();
    this.countBytes();
    const count = this.gather(from, 0);
    this.prefetch(count);
    for (let i = 0; i < count; i++) {
      const ref = gathered.refs[i];
      this.place((this.hashOf(ref) & bit) !== 0 ? to : from, ref, gathered.tags[i]);
    }
  }

  /**
   * Reads a byte of each gathered entry. The reads do not wait for one another, so that their cache misses
   * overlap; hashing the entries one by one would take the misses one by one. Makes inserting a quarter
   * cheaper.
   */
  private prefetch(count: number): void {
    const { arena } = this;
    for (let i = 0; i < count; i++) {
      const ref = gathered.refs[i];
      prefetched[0] ^= arena.bufferOf(ref)[arena.offsetOf(ref)];
    }
  }

  /**
   * Merges the last buckets, unless that makes a long chain: where keys are removed in the order of a scan,
   * all that are left would collect in a few buckets. The table is then too large for a while, and makes up
   * for it by two merges a removal.
   */
  private shrink(): void {
    if (this.size === 0 && this.beforeBucketChange === undefined) return this.clear();
    for (let merges = 0; merges < MERGES_PER_REMOVAL && this.size < this.bucketCount * MERGE_LOAD; merges++) {
      if (this.bucketCount === 1) return;
      const from = this.bucketCount - 1;
      const to = this.mergeTarget(from);
      if (this.chainLength(from) + this.chainLength(to) > LONGEST_MERGED) return;
      this.merge(from, to);
    }
  }

  /** Removes the last bucket; its entries go back to the bucket that it was split from. */
  private merge(from: number, to: number): void {
    this.beforeBucketChange?.(from);
    this.beforeBucketChange?.(to);
    const count = this.gather(to, this.gather(from, 0));
    this.dropLastBucket();
    this.countBytes();
    for (let i = 0; i < count; i++) this.place(to, gathered.refs[i], gathered.tags[i]);
  }
}

function nextStamp(): number {
  latestStamp = latestStamp === LAST_STAMP ? 1 : latestStamp + 1;
  return latestStamp;
}

function reverseBits(word: number): number {
  let v = word;
  v = ((v >>> 1) & 0x55555555) | ((v & 0x55555555) << 1);
  v = ((v >>> 2) & 0x33333333) | ((v & 0x33333333) << 2);
  v = ((v >>> 4) & 0x0f0f0f0f) | ((v & 0x0f0f0f0f) << 4);
  v = ((v >>> 8) & 0x00ff00ff) | ((v & 0x00ff00ff) << 8);
  return (v >>> 16) | (v << 16);
}
