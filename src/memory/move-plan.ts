import {
  CLASS,
  CLASSES,
  classBlocks,
  PAGE_SHIFT,
  pagesOfSegment,
  SEGMENT_PAGES,
  SEGMENT_PAGES_BITS,
  USED,
} from './arena-layout.js';

/** Pages that the kept segments may waste before the emptiest of them is rewritten to a new one: 16 MiB. */
const TOLERATED_WASTE_PAGES = SEGMENT_PAGES / 4;

interface SegmentUse {
  segment: number;
  /** Pages with blocks. */
  pages: number[];
  /** Live blocks, in pages' worth. */
  live: number;
  touched: number;
}

/**
 * Which pages and segments of an arena are to be emptied, so that its blocks fill few of them. Segments go back to the
 * operating system only as a whole: as few as the blocks need stay, the fullest ones. In those the sparsest pages of
 * each size class leave.
 */
export class MovePlan {
  readonly leavingSegments: number[] = [];
  readonly leavingPages: number[] = [];
  /** Pages of memory that are expected to become free, or to be given back. */
  readonly freedPages: number;
  /** By class: pages that its blocks need. */
  private readonly neededByClass = new Int32Array(CLASSES);
  private needed = 0;

  constructor(
    private readonly pages: Int32Array,
    segments: number[],
    segmentFresh: Int32Array,
  ) {
    const uses = segments.map((segment) => this.measure(segment, segmentFresh[segment]));
    this.countNeeded(uses);
    uses.sort((a, b) => b.live - a.live);
    const kept = this.choose(uses);
    for (const { segment, pages: leaving } of uses.slice(kept)) {
      this.leavingSegments.push(segment);
      this.leavingPages.push(...leaving);
    }
    this.thinOut(uses.slice(0, kept).flatMap((use) => use.pages));
    const touched = uses.reduce((sum, use) => sum + use.touched, 0);
    this.freedPages = this.leavingPages.length === 0 ? 0 : touched - this.needed;
  }

  private measure(segment: number, touched: number): SegmentUse {
    const first = segment << SEGMENT_PAGES_BITS;
    const used: number[] = [];
    let live = 0;
    for (let page = first; page < first + touched; page++) {
      const at = page << PAGE_SHIFT;
      const size = this.pages[at + CLASS];
      if (size === 0) continue;
      used.push(page);
      live += this.pages[at + USED] / classBlocks[size];
    }
    return { segment, pages: used, live, touched };
  }

  private countNeeded(uses: SegmentUse[]): void {
    const blocks = new Float64Array(CLASSES);
    for (const use of uses) {
      for (const page of use.pages) {
        const at = page << PAGE_SHIFT;
        blocks[this.pages[at + CLASS]] += this.pages[at + USED];
      }
    }
    for (let size = 1; size < CLASSES; size++) {
      this.neededByClass[size] = Math.ceil(blocks[size] / classBlocks[size]);
      this.needed += this.neededByClass[size];
    }
  }

  /** How many of the segments stay, the fullest first. */
  private choose(uses: SegmentUse[]): number {
    let enough = 0;
    for (let room = 0; enough < uses.length && room <= this.needed; enough++) {
      room += pagesOfSegment(uses[enough].segment);
    }
    const touched = uses.slice(0, enough).reduce((sum, use) => sum + use.touched, 0);
    return touched - this.needed > TOLERATED_WASTE_PAGES ? enough - 1 : enough;
  }

  /** Lets the sparsest of the pages leave that are more than their class needs. */
  private thinOut(pages: number[]): void {
    const byClass: number[][] = Array.from({ length: CLASSES }, () => []);
    for (const page of pages) byClass[this.pages[(page << PAGE_SHIFT) + CLASS]].push(page);
    for (let size = 1; size < CLASSES; size++) {
      const fullestFirst = byClass[size].sort(
        (a, b) => this.pages[(b << PAGE_SHIFT) + USED] - this.pages[(a << PAGE_SHIFT) + USED],
      );
      for (const page of fullestFirst.slice(this.neededByClass[size])) this.leavingPages.push(page);
    }
  }
}
