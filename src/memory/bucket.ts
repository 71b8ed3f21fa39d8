/**
 * A bucket of a `Table`: 16 words, one cache line.
 *
 *   words 0-11    refs of entries, 0 in an empty slot
 *   words 12-14   a tag byte for each slot, 0 in an empty one
 *   word 15       number of the overflow bucket that continues this one, or 0
 *
 * A tag is eight bits of the entry's hash. Comparing four tags at once tells which of the entries are worth
 * a look, and a look costs a cache miss.
 */
export const SLOTS = 12;
export const TAGS = 12;
export const LINK = 15;
export const BUCKET_SHIFT = 4;
export const BUCKET_BYTES = 64;

/** The tag of an entry: the high bits of its hash (the low ones choose the bucket), never 0. */
export function tagOf(hash: number): number {
  return hash >>> 24 || 1;
}

/**
 * Sets the high bit of each byte that is zero, and no other. The sum cannot carry from one byte into the
 * next, so there are no false alarms.
 */
export function zeroBytes(word: number): number {
  return ~(((word & 0x7f7f7f7f) + 0x7f7f7f7f) | word | 0x7f7f7f7f);
}

/** Index 0 to 3 of the lowest byte that `zeroBytes` marked. */
export function lowestByte(marks: number): number {
  return (31 - Math.clz32(marks & -marks)) >>> 3;
}

/** The lowest empty slot of the bucket at `words[base]`, or -1. */
export function emptySlot(words: Int32Array, base: number): number {
  for (let word = 0; word < 3; word++) {
    const marks = zeroBytes(words[base + TAGS + word]);
    if (marks !== 0) return (word << 2) + lowestByte(marks);
  }
  return -1;
}

/** The slot of a ref, or -1. */
export function slotOfRef(words: Int32Array, base: number, ref: number): number {
  for (let slot = 0; slot < SLOTS; slot++) if (words[base + slot] === ref) return slot;
  return -1;
}

/** The highest used slot, or -1 in an empty bucket. */
export function lastSlot(words: Int32Array, base: number): number {
  let slot = SLOTS - 1;
  while (slot >= 0 && words[base + slot] === 0) slot--;
  return slot;
}

export function tagAt(words: Int32Array, base: number, slot: number): number {
  return (words[base + TAGS + (slot >>> 2)] >>> ((slot & 3) << 3)) & 0xff;
}

/** Fills a slot; ref 0 with tag 0 empties it. */
export function setSlot(words: Int32Array, base: number, slot: number, ref: number, tag: number): void {
  const at = base + TAGS + (slot >>> 2);
  const shift = (slot & 3) << 3;
  words[base + slot] = ref;
  words[at] = (words[at] & ~(0xff << shift)) | (tag << shift);
}

/** Makes all slots and the link empty. By hand: a call of `fill` costs more than 16 words. */
export function clearBucket(words: Int32Array, base: number): void {
  for (let word = 0; word <= LINK; word++) words[base + word] = 0;
}
