import {
  CLASS,
  CLASSES,
  classBlocks,
  classGranules,
  classOfGranules,
  FREE,
  FRESH,
  LEAVING,
  MAX_PAGED_BYTES,
  MAX_SEGMENTS,
  NEXT,
  PAGE_BITS,
  PAGE_BYTES,
  PAGE_SHIFT,
  PREVIOUS,
  pagesOfSegment,
  SEGMENT_BITS,
  SEGMENT_MASK,
  SEGMENT_PAGES,
  SEGMENT_PAGES_BITS,
  USED,
} from './arena-layout.js';
import { lineAlignedBytes } from './cache-lines.js';
import { freeNow } from './free-now.js';
import { MovePlan } from './move-plan.js';

/**
 * Names a block of the arena. An int32, to be kept in an `Int32Array` or an entry:
 * 0 is "none", a positive ref is the number of the block's first 16-byte granule (segment in the high 9
 * bits), a negative one is the number of a large block with the sign bit set.
 */
export type Ref = number;

/** A large block's size must fit an int32, so that offsets in it stay small integers. */
const MAX_LARGE_BYTES = 0x7fffffff;
const LARGE_INDEX = 0x7fffffff;
/** Most bytes that a growing block gets in advance. */
const MAX_ROOM = 16 * 1024 * 1024;

/** Most bytes that are kept for `returnMemory`. */
const MAX_DROPPED_BYTES = 128 * 1024 * 1024;

const NO_BYTES = Buffer.alloc(0);
const NO_WORDS = new Int32Array(0);

/** No more memory: the operating system gave none, or the 32 GiB that refs can address are used up. */
export class ArenaFullError extends Error {
  override readonly name = 'ArenaFullError';
}

/** Something in the arena of which an image can be taken. */
export interface Imaged {
  epoch: number;
}

/** One line of the size-class table. */
export interface SizeClassStatistics {
  blockBytes: number;
  pages: number;
  usedBlocks: number;
  freeBlocks: number;
}

export interface ArenaStatistics {
  /** The classes that hold at least one page, by size. */
  classes: SizeClassStatistics[];
  largeBlocks: number;
  largeBytes: number;
  segments: number;
  freePages: number;
}

/**
 * Memory for bytes that the garbage collector never looks at.
 *
 * Segments of 64 MiB (the first: 32 MiB) are cut into pages of 64 KiB, and every page into blocks of one size class, so
 * that a block needs no header: its page says how big it is. Pages that empty can serve another class, segments
 * that empty are given back. A new block's content is whatever was there before.
 *
 * Segments are ArrayBuffers, which the operating system fills in only as they are touched. It takes them back when
 * `returnMemory` says so, or when the garbage collector has noticed that they were dropped.
 */
export class Arena {
  /**
   * Counts the moments of which an image was taken. Whoever keeps something here that can be imaged by itself
   * remembers the epoch, and announces the first change in a later one.
   */
  epoch = 0;
  /** Called before the first change of something since the present epoch began. */
  onFirstChange: ((owner: Imaged) => void) | undefined = undefined;
  /** Bytes in live blocks, counted in whole blocks. */
  allocated = 0;
  /** Bytes of what indexes the blocks: tables, nodes of lists. Whoever has them keeps this number. */
  indexBytes = 0;
  private segments: Buffer[] = [];
  private words: Int32Array[] = [];
  private large: Buffer[] = [];
  private freeLarge: number[] = [];
  private largeBytes = 0;

  private pages = new Int32Array(SEGMENT_PAGES << PAGE_SHIFT);
  /** By class: the first page that has room. */
  private readonly open = new Int32Array(CLASSES);
  // By segment: pages in use; pages ever used (those above are untouched memory); chain of free pages.
  private readonly segmentUsed = new Int32Array(MAX_SEGMENTS);
  private readonly segmentFresh = new Int32Array(MAX_SEGMENTS);
  private readonly segmentFree = new Int32Array(MAX_SEGMENTS);
  /** No segment below this one has a free page. */
  private lowestRoom = 0;
  /** By segment: 1 if no page is to be opened there, for it is to be emptied. */
  private readonly sealed = new Uint8Array(MAX_SEGMENTS);
  private movesPlanned = false;
  /** Memory that nothing refers to any more, to be given back: see `returnMemory`. */
  private dropped: ArrayBufferLike[] = [];
  private droppedBytes = 0;
  /** A segment that is empty but kept, so that a load that swings around its edge costs nothing; or -1. */
  private spare = -1;

  /** Tells the one who takes images, if there is one, that something is about to change, and brings it up to date. */
  announceFirstChange(owner: Imaged): void {
    owner.epoch = this.epoch;
    this.onFirstChange?.(owner);
  }

  /** Bytes of address space taken from the operating system: whole segments and large blocks. */
  get segmentBytes(): number {
    return this.segmentPages() * PAGE_BYTES + this.largeBytes;
  }

  private segmentPages(): number {
    return this.liveSegmentNumbers().reduce((pages, segment) => pages + pagesOfSegment(segment), 0);
  }

  /** Bytes of the pages that hold any block, and of large blocks. */
  get activeBytes(): number {
    let pages = 0;
    for (let segment = 0; segment < this.segments.length; segment++) {
      if (this.segments[segment] !== NO_BYTES) pages += this.segmentUsed[segment];
    }
    return pages * PAGE_BYTES + this.largeBytes;
  }

  /** Bytes of the pages that were ever used, so that the operating system has filled them in, and of large blocks. */
  get touchedBytes(): number {
    let pages = 0;
    for (let segment = 0; segment < this.segments.length; segment++) {
      if (this.segments[segment] !== NO_BYTES) pages += this.segmentFresh[segment];
    }
    return pages * PAGE_BYTES + this.largeBytes;
  }

  /** The buffer that holds a block. Valid until the block is released. */
  bufferOf(ref: Ref): Buffer {
    return ref < 0 ? this.large[ref & LARGE_INDEX] : this.segments[ref >>> SEGMENT_BITS];
  }

  /** Where in its buffer a block begins. */
  offsetOf(ref: Ref): number {
    return ref < 0 ? 0 : (ref & SEGMENT_MASK) << 4;
  }

  /**
   * Reads the first byte of each of these blocks, so that they are in the cache afterwards. By fours, if they are in
   * one segment, for the same reason as `Table.touchBuckets`. What it returns means nothing.
   */
  touchBlocks(refs: Int32Array, count: number): number {
    const { segments } = this;
    let read = 0;
    let i = 0;
    for (const last = count - 3; i < last; i += 4) {
      const a = refs[i];
      const b = refs[i + 1];
      const c = refs[i + 2];
      const d = refs[i + 3];
      if (a > 0 && ((a ^ b) | (a ^ c) | (a ^ d)) >>> SEGMENT_BITS === 0) {
        const segment = segments[a >>> SEGMENT_BITS];
        read ^=
          segment[(a & SEGMENT_MASK) << 4] ^
          segment[(b & SEGMENT_MASK) << 4] ^
          segment[(c & SEGMENT_MASK) << 4] ^
          segment[(d & SEGMENT_MASK) << 4];
      } else {
        read ^= this.firstByte(a) ^ this.firstByte(b) ^ this.firstByte(c) ^ this.firstByte(d);
      }
    }
    for (; i < count; i++) read ^= this.firstByte(refs[i]);
    return read;
  }

  /** 0 for a block that is not in a segment. */
  private firstByte(ref: Ref): number {
    return ref > 0 ? this.segments[ref >>> SEGMENT_BITS][(ref & SEGMENT_MASK) << 4] : 0;
  }

  /** The size of the block that `allocate(bytes)` gives. */
  capacityFor(bytes: number): number {
    if (bytes > MAX_PAGED_BYTES) return largeCapacity(bytes);
    return classGranules[classOfGranules[(bytes + 15) >>> 4]] << 4;
  }

  /** The size of a live block. */
  capacityOf(ref: Ref): number {
    if (ref < 0) return this.large[ref & LARGE_INDEX].length;
    return classGranules[this.pages[((ref >>> PAGE_BITS) << PAGE_SHIFT) + CLASS]] << 4;
  }

  /**
   * True if a block is about as good for so many bytes as the one they would get: an eighth of it may be to spare
   * beyond that, so that what grows and shrinks around the edge of a size class, a queue, is not moved each time. A
   * large one may be up to three times too large.
   */
  canStay(ref: Ref, bytes: number): boolean {
    if (ref > 0) {
      const capacity = this.capacityOf(ref);
      return bytes <= capacity && this.capacityFor(bytes + (capacity >> 3)) >= capacity;
    }
    const capacity = this.large[ref & LARGE_INDEX].length;
    return bytes > MAX_PAGED_BYTES && bytes <= capacity && bytes * 3 >= capacity;
  }

  /** As `allocate`, but a large block has room to grow: half as much again, at most 16 MiB. */
  allocateWithRoom(bytes: number): Ref {
    if (bytes <= MAX_PAGED_BYTES) return this.allocate(bytes);
    return this.allocateLarge(bytes + Math.min(bytes >>> 1, MAX_ROOM));
  }

  /** A block of at least `bytes` bytes. O(1). Throws `ArenaFullError`, and then nothing has changed. */
  allocate(bytes: number): Ref {
    if (bytes > MAX_PAGED_BYTES) return this.allocateLarge(bytes);
    const size = classOfGranules[(bytes + 15) >>> 4];
    let page = this.open[size];
    if (page === 0) page = this.openPage(size);
    const pages = this.pages;
    const at = page << PAGE_SHIFT;
    let ref = pages[at + FREE];
    if (ref !== 0) {
      pages[at + FREE] = this.words[ref >>> SEGMENT_BITS][(ref & SEGMENT_MASK) << 2];
    } else {
      ref = pages[at + FRESH];
      pages[at + FRESH] = ref + classGranules[size];
    }
    if (++pages[at + USED] === classBlocks[size]) this.unlink(page, size);
    this.allocated += classGranules[size] << 4;
    return ref;
  }

  /** Gives a block back. O(1). The ref and every view of the block become invalid. */
  release(ref: Ref): void {
    if (ref < 0) {
      this.releaseLarge(ref);
      return;
    }
    const pages = this.pages;
    const page = ref >>> PAGE_BITS;
    const at = page << PAGE_SHIFT;
    const size = pages[at + CLASS];
    this.words[ref >>> SEGMENT_BITS][(ref & SEGMENT_MASK) << 2] = pages[at + FREE];
    pages[at + FREE] = ref;
    this.allocated -= classGranules[size] << 4;
    const used = --pages[at + USED];
    // A page that gets room goes to the front of its list: dense pages fill up again, sparse ones drain.
    if (used === classBlocks[size] - 1 && pages[at + LEAVING] === 0) this.link(page, size);
    if (used === 0) this.closePage(page, size);
  }

  /** Drops every block at once. All refs become invalid. */
  clear(): void {
    this.endMoves();
    for (const segment of this.segments) if (segment !== NO_BYTES) this.discard(segment);
    for (const buffer of this.large) if (buffer !== NO_BYTES) this.discard(buffer);
    this.allocated = 0;
    this.segments = [];
    this.words = [];
    this.large = [];
    this.freeLarge = [];
    this.largeBytes = 0;
    this.pages = new Int32Array(SEGMENT_PAGES << PAGE_SHIFT);
    this.open.fill(0);
    this.lowestRoom = 0;
    this.spare = -1;
  }

  /** As `clear`, and gives all memory back at once, however much it is: nobody may look at it any more. */
  free(): void {
    this.returnMemory();
    for (const buffer of [...this.segments, ...this.large]) if (buffer !== NO_BYTES) freeNow(buffer.buffer);
    this.segments = [];
    this.large = [];
    this.clear();
  }

  /**
   * Gives back the memory of what was dropped, at once and not when the garbage collector finds it. To be called
   * between events: views of dropped blocks are valid until then.
   */
  returnMemory(): void {
    if (this.dropped.length === 0) return;
    for (const memory of this.dropped) freeNow(memory);
    this.dropped = [];
    this.droppedBytes = 0;
  }

  /** Bytes that `returnMemory` would give back. */
  get returnableBytes(): number {
    return this.droppedBytes;
  }

  /**
   * Takes the first segment now, if there is none. The engine collects garbage for that, which the first block would
   * have to wait for: 10 ms while what the start of a process left is still there.
   */
  prepare(): void {
    if (this.liveSegmentNumbers().length === 0) this.spare = this.segmentWithRoom();
  }

  /** Gives up the empty segment that is kept for a new load, if there is one. */
  purge(): void {
    if (this.spare === -1) return;
    this.dropSegment(this.spare);
    this.spare = -1;
  }

  private discard(buffer: Buffer): void {
    if (this.droppedBytes > MAX_DROPPED_BYTES) {
      this.dropped = []; // one command drops much: the garbage collector may help itself meanwhile
      this.droppedBytes = 0;
    }
    this.dropped.push(buffer.buffer);
    this.droppedBytes += buffer.length;
  }

  // --- moving blocks out of sparse pages

  /**
   * Decides which blocks should move so that the rest fills few pages in few segments, and keeps new blocks away from
   * those pages. Returns how many bytes of pages that may free. From then on `shouldMove` tells of each block; whoever
   * refers to blocks moves them (`copyBlock`, then `release` of the old one). Ends with `endMoves`. O(pages).
   */
  planMoves(): number {
    this.endMoves();
    this.purge();
    const plan = new MovePlan(this.pages, this.liveSegmentNumbers(), this.segmentFresh);
    for (const segment of plan.leavingSegments) this.sealed[segment] = 1;
    for (const page of plan.leavingPages) this.leave(page);
    this.movesPlanned = plan.leavingPages.length > 0;
    return plan.freedPages * PAGE_BYTES;
  }

  private liveSegmentNumbers(): number[] {
    const numbers: number[] = [];
    for (let i = 0; i < this.segments.length; i++) if (this.segments[i] !== NO_BYTES) numbers.push(i);
    return numbers;
  }

  private leave(page: number): void {
    const at = page << PAGE_SHIFT;
    const size = this.pages[at + CLASS];
    if (this.pages[at + USED] < classBlocks[size]) this.unlink(page, size);
    this.pages[at + LEAVING] = 1;
  }

  /** True of a block in a page that is to be emptied. */
  shouldMove(ref: Ref): boolean {
    return ref > 0 && this.pages[((ref >>> PAGE_BITS) << PAGE_SHIFT) + LEAVING] === 1;
  }

  /** A copy of a block, in a page that stays. Both are live then. Throws `ArenaFullError`. */
  copyBlock(ref: Ref): Ref {
    const capacity = this.capacityOf(ref);
    const copy = this.allocate(capacity);
    const from = this.offsetOf(ref);
    this.bufferOf(ref).copy(this.bufferOf(copy), this.offsetOf(copy), from, from + capacity);
    return copy;
  }

  /** The plan is done with: pages that did not empty take blocks again. */
  endMoves(): void {
    if (!this.movesPlanned) return;
    this.movesPlanned = false;
    this.sealed.fill(0);
    this.lowestRoom = 0;
    for (const segment of this.liveSegmentNumbers()) {
      const first = segment << SEGMENT_PAGES_BITS;
      for (let page = first; page < first + this.segmentFresh[segment]; page++) this.stay(page);
    }
  }

  private stay(page: number): void {
    const at = page << PAGE_SHIFT;
    if (this.pages[at + LEAVING] === 0) return;
    this.pages[at + LEAVING] = 0;
    const size = this.pages[at + CLASS];
    if (this.pages[at + USED] < classBlocks[size]) this.link(page, size);
  }

  /** Counts pages and blocks by size class. Walks all pages: for diagnostics. */
  statistics(): ArenaStatistics {
    const pageCount = new Int32Array(CLASSES);
    const usedBlocks = new Int32Array(CLASSES);
    let usedPages = 0;
    for (let segment = 0; segment < this.segments.length; segment++) {
      if (this.segments[segment] === NO_BYTES) continue;
      usedPages += this.segmentUsed[segment] + (segment === 0 ? 1 : 0); // page 0 serves nobody
      const first = segment << SEGMENT_PAGES_BITS;
      for (let page = first; page < first + this.segmentFresh[segment]; page++) {
        const at = page << PAGE_SHIFT;
        pageCount[this.pages[at + CLASS]]++;
        usedBlocks[this.pages[at + CLASS]] += this.pages[at + USED];
      }
    }
    const classes: SizeClassStatistics[] = [];
    for (let size = 1; size < CLASSES; size++) {
      if (pageCount[size] === 0) continue;
      classes.push({
        blockBytes: classGranules[size] << 4,
        pages: pageCount[size],
        usedBlocks: usedBlocks[size],
        freeBlocks: pageCount[size] * classBlocks[size] - usedBlocks[size],
      });
    }
    return {
      classes,
      largeBlocks: this.large.length - this.freeLarge.length,
      largeBytes: this.largeBytes,
      segments: this.liveSegmentNumbers().length,
      freePages: this.segmentPages() - usedPages,
    };
  }

  private allocateLarge(bytes: number): Ref {
    const capacity = largeCapacity(bytes);
    if (capacity > MAX_LARGE_BYTES) throw new ArenaFullError(`a block of ${bytes} bytes is too large`);
    const buffer = reserve(() => Buffer.allocUnsafeSlow(capacity), capacity);
    const index = this.freeLarge.pop() ?? this.large.length;
    this.large[index] = buffer;
    this.largeBytes += capacity;
    this.allocated += capacity;
    return index | ~LARGE_INDEX;
  }

  private releaseLarge(ref: Ref): void {
    const index = ref & LARGE_INDEX;
    const capacity = this.large[index].length;
    this.discard(this.large[index]);
    this.large[index] = NO_BYTES;
    this.freeLarge.push(index);
    this.largeBytes -= capacity;
    this.allocated -= capacity;
  }

  /** Gives a free page to a size class and puts it first in the class's list. */
  private openPage(size: number): number {
    const segment = this.segmentWithRoom();
    const pages = this.pages;
    let page = this.segmentFree[segment];
    if (page !== 0) this.segmentFree[segment] = pages[(page << PAGE_SHIFT) + NEXT];
    else page = (segment << SEGMENT_PAGES_BITS) + this.segmentFresh[segment]++;
    this.segmentUsed[segment]++;
    if (segment === this.spare) this.spare = -1;
    const at = page << PAGE_SHIFT;
    pages[at + CLASS] = size;
    pages[at + USED] = 0;
    pages[at + FREE] = 0;
    pages[at + FRESH] = page << PAGE_BITS;
    pages[at + LEAVING] = 0;
    this.link(page, size);
    return page;
  }

  /** Takes an empty page away from its class, and gives its segment back if that was the last page there. */
  private closePage(page: number, size: number): void {
    const leaving = this.pages[(page << PAGE_SHIFT) + LEAVING] === 1;
    if (leaving) this.pages[(page << PAGE_SHIFT) + LEAVING] = 0;
    else this.unlink(page, size);
    const segment = page >>> SEGMENT_PAGES_BITS;
    this.pages[(page << PAGE_SHIFT) + CLASS] = 0;
    this.pages[(page << PAGE_SHIFT) + NEXT] = this.segmentFree[segment];
    this.segmentFree[segment] = page;
    if (segment < this.lowestRoom) this.lowestRoom = segment;
    if (--this.segmentUsed[segment] > 0) return;
    if (this.spare === -1 && this.sealed[segment] === 0) this.spare = segment;
    else this.dropSegment(segment);
  }

  /**
   * The lowest segment with a free page, so that the high ones get a chance to empty. Full segments are
   * passed once, not at every call, until one of their pages is freed.
   */
  private segmentWithRoom(): number {
    while (this.lowestRoom < this.segments.length) {
      const segment = this.lowestRoom;
      if (this.hasFreePage(segment) && this.sealed[segment] === 0) return segment;
      this.lowestRoom++;
    }
    const dropped = this.segments.indexOf(NO_BYTES);
    const segment = dropped === -1 ? this.segments.length : dropped;
    if (segment === MAX_SEGMENTS && this.movesPlanned) {
      this.endMoves(); // the segments that were to be emptied are needed
      return this.segmentWithRoom();
    }
    this.addSegment(segment);
    this.lowestRoom = segment;
    return segment;
  }

  private addSegment(segment: number): void {
    if (segment === MAX_SEGMENTS) throw new ArenaFullError('the arena has reached 32 GiB');
    const bytes = pagesOfSegment(segment) * PAGE_BYTES;
    const memory = reserve(() => lineAlignedBytes(bytes), bytes);
    const pageWords = SEGMENT_PAGES << PAGE_SHIFT;
    if ((segment + 1) * pageWords > this.pages.length) {
      const larger = new Int32Array(this.pages.length * 2);
      larger.set(this.pages);
      this.pages = larger;
    }
    this.segments[segment] = memory;
    this.words[segment] = new Int32Array(memory.buffer, memory.byteOffset, bytes / 4);
    this.segmentUsed[segment] = 0;
    this.segmentFree[segment] = 0;
    this.segmentFresh[segment] = segment === 0 ? 1 : 0; // page 0 stays unused: ref 0 and page 0 mean none
  }

  private hasFreePage(segment: number): boolean {
    return this.segmentFree[segment] !== 0 || this.segmentFresh[segment] < pagesOfSegment(segment);
  }

  /** Leaves the slot of an empty segment looking full, so that no page is opened in it. */
  private dropSegment(segment: number): void {
    this.discard(this.segments[segment]);
    this.segments[segment] = NO_BYTES;
    this.words[segment] = NO_WORDS;
    this.segmentFree[segment] = 0;
    this.segmentFresh[segment] = SEGMENT_PAGES;
    this.sealed[segment] = 0;
  }

  private link(page: number, size: number): void {
    const pages = this.pages;
    const next = this.open[size];
    pages[(page << PAGE_SHIFT) + PREVIOUS] = 0;
    pages[(page << PAGE_SHIFT) + NEXT] = next;
    if (next !== 0) pages[(next << PAGE_SHIFT) + PREVIOUS] = page;
    this.open[size] = page;
  }

  private unlink(page: number, size: number): void {
    const pages = this.pages;
    const previous = pages[(page << PAGE_SHIFT) + PREVIOUS];
    const next = pages[(page << PAGE_SHIFT) + NEXT];
    if (previous === 0) this.open[size] = next;
    else pages[(previous << PAGE_SHIFT) + NEXT] = next;
    if (next !== 0) pages[(next << PAGE_SHIFT) + PREVIOUS] = previous;
  }
}

/**
 * Large blocks are rounded up to a multiple of an eighth of the power of two below them, but at least of
 * 4 KiB: a block that grows byte by byte is copied only when it has grown by about an eighth.
 */
function largeCapacity(bytes: number): number {
  const step = Math.max(4096, 2 ** (Math.floor(Math.log2(bytes)) - 3));
  return Math.ceil(bytes / step) * step;
}

function reserve<T>(take: () => T, bytes: number): T {
  try {
    return take();
  } catch (error) {
    // RangeError: the engine could not get the memory, or allows no buffer of this size.
    if (error instanceof RangeError)
      throw new ArenaFullError(`cannot allocate ${bytes} bytes`, { cause: error });
    throw error;
  }
}
