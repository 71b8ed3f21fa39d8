/**
 * Which buckets of a table have been seen to since some moment, of those that were there then. Later ones count
 * as seen to: a bucket comes into being when another one is split, which has been announced then.
 */
export class BucketSet {
  private readonly bits: Uint8Array;

  /** `size`: buckets of the table at that moment. */
  constructor(readonly size: number) {
    this.bits = new Uint8Array((size + 7) >>> 3);
  }

  /** Adds a bucket; false if it is in the set already. */
  add(bucket: number): boolean {
    if (bucket >= this.size) return false;
    const bit = 1 << (bucket & 7);
    if ((this.bits[bucket >>> 3] & bit) !== 0) return false;
    this.bits[bucket >>> 3] |= bit;
    return true;
  }
}
