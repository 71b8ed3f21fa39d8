import { BUCKET_BYTES, BUCKET_SHIFT, clearBucket, LINK } from './bucket.js';

/** Overflow bucket n is at `chunks[n >>> OVERFLOW_BITS]`, word `(n & OVERFLOW_MASK) << BUCKET_SHIFT`. */
export const OVERFLOW_BITS = 8;
export const OVERFLOW_MASK = (1 << OVERFLOW_BITS) - 1;
const CHUNK_BUCKETS = 1 << OVERFLOW_BITS;
const FIRST_BUCKETS = 2;

const NO_WORDS = new Int32Array(0);

/**
 * The buckets that continue full buckets of a `Table`.
 *
 * They come in chunks that are never moved, except that the first one starts tiny and doubles. The lowest
 * chunk with room serves first, so that the others can empty and be dropped. A free bucket is all zero but
 * for its link, which chains the free buckets of its chunk.
 */
export class OverflowBuckets {
  /** Memory of the chunks. */
  bytes = 0;
  readonly chunks: Int32Array[] = [];
  // By chunk: buckets in use; buckets ever used; first of the chain of free ones, or 0.
  private readonly used: number[] = [];
  private readonly fresh: number[] = [];
  private readonly free: number[] = [];
  private usedTotal = 0;
  /** No chunk below this one has room. */
  private lowestRoom = 0;

  /** One more than the highest number that a bucket in use can have. */
  get span(): number {
    return this.chunks.length <= 1 ? this.bytes / BUCKET_BYTES : this.chunks.length << OVERFLOW_BITS;
  }

  /** An empty bucket's number, never 0. May replace `chunks[0]` by a larger copy. */
  take(): number {
    const chunk = this.chunkWithRoom();
    const words = this.chunks[chunk];
    let number = this.free[chunk];
    if (number !== 0) {
      const link = ((number & OVERFLOW_MASK) << BUCKET_SHIFT) + LINK;
      this.free[chunk] = words[link];
      words[link] = 0;
    } else {
      number = (chunk << OVERFLOW_BITS) + this.fresh[chunk]++;
    }
    this.used[chunk]++;
    this.usedTotal++;
    return number;
  }

  /** Takes a bucket back, whatever it holds. */
  give(number: number): void {
    if (--this.usedTotal === 0) {
      this.clear();
      return;
    }
    const chunk = number >>> OVERFLOW_BITS;
    const base = (number & OVERFLOW_MASK) << BUCKET_SHIFT;
    const words = this.chunks[chunk];
    clearBucket(words, base);
    words[base + LINK] = this.free[chunk];
    this.free[chunk] = number;
    if (chunk < this.lowestRoom) this.lowestRoom = chunk;
    if (--this.used[chunk] === 0) this.dropUnlessScarce(chunk);
  }

  clear(): void {
    this.bytes = 0;
    this.chunks.length = 0;
    this.used.length = 0;
    this.fresh.length = 0;
    this.free.length = 0;
    this.usedTotal = 0;
    this.lowestRoom = 0;
  }

  private chunkWithRoom(): number {
    while (this.lowestRoom < this.chunks.length) {
      const chunk = this.lowestRoom;
      if (this.free[chunk] !== 0 || this.fresh[chunk] < CHUNK_BUCKETS) {
        if (this.free[chunk] === 0) this.makeRoom(chunk);
        return chunk;
      }
      this.lowestRoom++;
    }
    const dropped = this.chunks.indexOf(NO_WORDS);
    const chunk = dropped === -1 ? this.chunks.length : dropped;
    this.addChunk(chunk);
    this.lowestRoom = chunk;
    return chunk;
  }

  private addChunk(chunk: number): void {
    const words = new Int32Array((this.bytes === 0 ? FIRST_BUCKETS : CHUNK_BUCKETS) << BUCKET_SHIFT);
    this.chunks[chunk] = words;
    this.used[chunk] = 0;
    this.fresh[chunk] = chunk === 0 ? 1 : 0; // number 0 means "none"
    this.free[chunk] = 0;
    this.bytes += words.byteLength;
  }

  /** Doubles the first chunk while it is smaller than the others and used up. */
  private makeRoom(chunk: number): void {
    const words = this.chunks[chunk];
    if (this.fresh[chunk] << BUCKET_SHIFT < words.length) return;
    const larger = new Int32Array(words.length * 2);
    larger.set(words);
    this.chunks[chunk] = larger;
    this.bytes += words.byteLength;
  }

  /** Drops an empty chunk if enough free buckets remain that it will not be wanted back at once. */
  private dropUnlessScarce(chunk: number): void {
    const bytes = this.chunks[chunk].byteLength;
    const freeElsewhere = (this.bytes - bytes) / BUCKET_BYTES - this.usedTotal;
    if (freeElsewhere < CHUNK_BUCKETS / 2) return;
    this.bytes -= bytes;
    this.chunks[chunk] = NO_WORDS;
    this.free[chunk] = 0;
    this.fresh[chunk] = CHUNK_BUCKETS; // looks full, so that nobody takes a bucket here
    while (this.chunks.at(-1) === NO_WORDS) this.chunks.pop();
  }
}
