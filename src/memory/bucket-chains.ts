import type { Ref } from './arena.js';
import {
  BUCKET_BYTES,
  BUCKET_SHIFT,
  clearBucket,
  emptySlot,
  LINK,
  lastSlot,
  SLOTS,
  setSlot,
  tagAt,
} from './bucket.js';
import { lineAlignedWords } from './cache-lines.js';
import { OVERFLOW_BITS, OVERFLOW_MASK, OverflowBuckets } from './overflow.js';

/** Bucket n is at `chunks[n >>> CHUNK_BITS]`, word `(n & CHUNK_MASK) << BUCKET_SHIFT`. 2^11 buckets are 128 KiB. */
export const CHUNK_BITS = 11;
const CHUNK_BUCKETS = 1 << CHUNK_BITS;
export const CHUNK_MASK = CHUNK_BUCKETS - 1;
/** The last chunk grows by so many buckets, so that little memory lies idle in a table of some ten thousand entries. */
const CHUNK_STEP = CHUNK_BUCKETS >> 2;
/** Beyond so many chunks there is little in that, and each step is garbage for the engine to collect. */
const MANY_CHUNKS = 16;

/** The entries of a bucket that is being taken apart. Shared: nothing that uses it calls back. */
export const gathered = { refs: new Int32Array(256), tags: new Uint8Array(256) };

/**
 * The buckets of a `Table`, as linear hashing numbers them, with the chains of overflow buckets that continue full
 * ones. Only the last bucket of a chain has empty slots.
 *
 * With n buckets and 2^level <= n < 2^(level+1), an entry's bucket is the low level+1 bits of its hash if
 * that bucket exists, else the low level bits.
 */
export abstract class BucketChains {
  bucketCount = 1;
  protected chunks: Int32Array[] = [new Int32Array(1 << BUCKET_SHIFT)];
  protected readonly overflow = new OverflowBuckets();
  protected lowMask = 0; // 2^level - 1
  protected highMask = 1; // 2^(level+1) - 1
  /** Spare array for the refs of a bucket that is being visited; undefined while in use. */
  private visiting: Ref[] | undefined = [];

  /** Bytes of memory that the buckets take. */
  get bytes(): number {
    const { chunks } = this;
    const last = chunks.length - 1;
    return last * CHUNK_BUCKETS * BUCKET_BYTES + chunks[last].byteLength + this.overflow.bytes;
  }

  /** The bucket in which an entry with this hash is, if it is in the table. */
  bucketOf(hash: number): number {
    const bucket = hash & this.highMask;
    return bucket < this.bucketCount ? bucket : bucket & this.lowMask;
  }

  /**
   * Begins anew with so many empty buckets. Throws RangeError if the engine has no memory for them; nothing is
   * changed then.
   */
  protected renew(buckets: number): void {
    const level = Math.floor(Math.log2(buckets));
    this.chunks = newChunks(buckets);
    this.overflow.clear();
    this.bucketCount = buckets;
    this.lowMask = 2 ** level - 1;
    this.highMask = 2 ** (level + 1) - 1;
  }

  /** Visits the entries of a bucket. `visit` may change the table; it gets the entries of before. */
  forEachInBucket(bucket: number, visit: (ref: Ref) => void): void {
    const refs = this.visiting ?? [];
    this.visiting = undefined;
    let words = this.chunks[bucket >>> CHUNK_BITS];
    let base = (bucket & CHUNK_MASK) << BUCKET_SHIFT;
    for (;;) {
      for (let slot = 0; slot < SLOTS; slot++) if (words[base + slot] !== 0) refs.push(words[base + slot]);
      const link = words[base + LINK];
      if (link === 0) break;
      words = this.overflow.chunks[link >>> OVERFLOW_BITS];
      base = (link & OVERFLOW_MASK) << BUCKET_SHIFT;
    }
    for (const ref of refs) visit(ref);
    refs.length = 0;
    this.visiting = refs;
  }

  protected wordsAt(bucket: number, link: number): Int32Array {
    return link === 0 ? this.chunks[bucket >>> CHUNK_BITS] : this.overflow.chunks[link >>> OVERFLOW_BITS];
  }

  protected baseAt(bucket: number, link: number): number {
    return (link === 0 ? bucket & CHUNK_MASK : link & OVERFLOW_MASK) << BUCKET_SHIFT;
  }

  /** Puts an entry in the first empty slot of a bucket's chain, which it prolongs if there is none. */
  protected place(bucket: number, ref: Ref, tag: number): void {
    let words = this.chunks[bucket >>> CHUNK_BITS];
    let base = (bucket & CHUNK_MASK) << BUCKET_SHIFT;
    let last = 0;
    for (let link = words[base + LINK]; link !== 0; link = words[base + LINK]) {
      last = link;
      words = this.overflow.chunks[link >>> OVERFLOW_BITS];
      base = (link & OVERFLOW_MASK) << BUCKET_SHIFT;
    }
    let slot = emptySlot(words, base);
    if (slot < 0) {
      const link = this.overflow.take(); // may have moved the words we hold
      this.wordsAt(bucket, last)[base + LINK] = link;
      words = this.wordsAt(bucket, link);
      base = this.baseAt(bucket, link);
      slot = 0;
    }
    setSlot(words, base, slot, ref, tag);
  }

  /** The bucket that the last one was split from. */
  protected mergeTarget(last: number): number {
    return last & (last > this.lowMask ? this.lowMask : this.lowMask >>> 1);
  }

  /** Entries in a bucket. Only the end of a chain has empty slots. */
  protected chainLength(bucket: number): number {
    let words = this.wordsAt(bucket, 0);
    let base = this.baseAt(bucket, 0);
    let length = 0;
    for (let link = words[base + LINK]; link !== 0; link = words[base + LINK]) {
      length += SLOTS;
      words = this.wordsAt(bucket, link);
      base = this.baseAt(bucket, link);
    }
    return length + lastSlot(words, base) + 1;
  }

  /** Empties a bucket: its entries go to `gathered.refs[count]` and on. Returns how many are there then. */
  protected gather(bucket: number, count: number): number {
    let words = this.wordsAt(bucket, 0);
    let base = this.baseAt(bucket, 0);
    let total = count;
    for (let given = 0; ; ) {
      if (total + SLOTS > gathered.refs.length) enlargeGathered();
      for (let slot = 0; slot < SLOTS; slot++) {
        if (words[base + slot] === 0) continue;
        gathered.refs[total] = words[base + slot];
        gathered.tags[total++] = tagAt(words, base, slot);
      }
      const link = words[base + LINK];
      if (given === 0) clearBucket(words, base);
      else this.overflow.give(given);
      if (link === 0) return total;
      given = link;
      words = this.wordsAt(bucket, link);
      base = this.baseAt(bucket, link);
    }
  }

  protected addBucket(): void {
    const bucket = this.bucketCount;
    const chunk = bucket >>> CHUNK_BITS;
    if (chunk === this.chunks.length) {
      // The one before is full, and of full size.
      this.chunks.push(lineAlignedWords((chunk < MANY_CHUNKS ? CHUNK_STEP : CHUNK_BUCKETS) << BUCKET_SHIFT));
    } else if ((bucket & CHUNK_MASK) << BUCKET_SHIFT === this.chunks[chunk].length) {
      const { length } = this.chunks[chunk];
      const wanted = Math.min(length * 2, length + (CHUNK_STEP << BUCKET_SHIFT));
      const larger = lineAlignedWords(Math.min(wanted, CHUNK_BUCKETS << BUCKET_SHIFT));
      larger.set(this.chunks[chunk]);
      this.chunks[chunk] = larger;
    }
    this.bucketCount++;
    if (this.bucketCount > this.highMask) {
      this.lowMask = this.highMask;
      this.highMask = this.highMask * 2 + 1;
    }
  }

  /**
   * Takes away the last bucket, which must be empty. The first chunk is halved when it is used to a quarter.
   */
  protected dropLastBucket(): void {
    const bucket = --this.bucketCount;
    if (bucket <= this.lowMask) {
      this.highMask = this.lowMask;
      this.lowMask >>>= 1;
    }
    if (bucket >= CHUNK_BUCKETS) {
      if ((bucket & CHUNK_MASK) === 0) this.chunks.pop();
    } else if (bucket << (BUCKET_SHIFT + 2) <= this.chunks[0].length) {
      this.chunks[0] = this.chunks[0].slice(0, this.chunks[0].length >>> 1);
    }
  }
}

/** Memory for so many buckets: in the first chunk a power of two, then whole chunks. */
function newChunks(buckets: number): Int32Array[] {
  if (buckets <= CHUNK_BUCKETS)
    return [lineAlignedWords((2 ** Math.ceil(Math.log2(buckets))) << BUCKET_SHIFT)];
  const chunks = Math.ceil(buckets / CHUNK_BUCKETS);
  return Array.from({ length: chunks }, () => lineAlignedWords(CHUNK_BUCKETS << BUCKET_SHIFT));
}

function enlargeGathered(): void {
  const refs = new Int32Array(gathered.refs.length * 2);
  refs.set(gathered.refs);
  gathered.refs = refs;
  const tags = new Uint8Array(gathered.tags.length * 2);
  tags.set(gathered.tags);
  gathered.tags = tags;
}
