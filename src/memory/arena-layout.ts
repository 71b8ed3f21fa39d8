/**
 * How the arena's memory is cut up: segments of 64 MiB, the first of 32 MiB, into pages of 64 KiB, pages into blocks of
 * one size class.
 */

export const SEGMENT_BITS = 22; // granules in a segment: 64 MiB
export const SEGMENT_MASK = (1 << SEGMENT_BITS) - 1;
export const MAX_SEGMENTS = 512; // as many as a positive int32 can address: 32 GiB

export const PAGE_BITS = 12; // granules in a page: 64 KiB
const PAGE_GRANULES = 1 << PAGE_BITS;
export const PAGE_BYTES = 16 << PAGE_BITS;
export const SEGMENT_PAGES_BITS = SEGMENT_BITS - PAGE_BITS;
export const SEGMENT_PAGES = 1 << SEGMENT_PAGES_BITS;

/**
 * How many pages a segment has. Few servers in tests need more than 32 MiB; and for every further 64 MiB the engine
 * collects garbage, which takes the longer the more else there is in the process.
 */
export function pagesOfSegment(segment: number): number {
  return segment === 0 ? SEGMENT_PAGES / 2 : SEGMENT_PAGES;
}

/** The largest block that lies in a page; anything bigger gets a buffer of its own. */
export const MAX_PAGED_BYTES = 16 * 1024;
// Size classes. Class 0 is no class; 1 to 64 are that many granules; then one class for each number of
// blocks that a page can be cut into, 63 down to 4, so that what a page wastes stays small.
const FINE_CLASSES = 64;
export const CLASSES = FINE_CLASSES + 60 + 1;
export const classGranules = new Int32Array(CLASSES);
export const classBlocks = new Int32Array(CLASSES);
export const classOfGranules = new Uint8Array((MAX_PAGED_BYTES >>> 4) + 1);
for (let size = 1; size < CLASSES; size++) {
  const granules = size <= FINE_CLASSES ? size : Math.floor(PAGE_GRANULES / (2 * FINE_CLASSES - size));
  classGranules[size] = granules;
  classBlocks[size] = Math.floor(PAGE_GRANULES / granules);
  classOfGranules.fill(size, classGranules[size - 1] + 1, granules + 1);
}
classOfGranules[0] = 1; // a block of no bytes is a block too

// What is known of a page: eight words of `pages` at `page << PAGE_SHIFT`.
export const PAGE_SHIFT = 3;
export const CLASS = 0; // size class, 0 while the page is free
export const USED = 1; // live blocks
export const FREE = 2; // first of the released blocks; each holds the ref of the next in its first word
export const FRESH = 3; // first granule that was never given out
export const PREVIOUS = 4; // neighbours in the list of its class's pages with room, 0 at the ends;
export const NEXT = 5; // a free page uses NEXT for the chain of its segment's free pages
export const LEAVING = 6; // 1: blocks are to be moved away, and no new ones come: see `planMoves`
