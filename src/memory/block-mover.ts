import type { Arena, Ref } from './arena.js';

/** Moves blocks out of pages that are to be emptied (`Arena.planMoves`), and counts them. */
export class BlockMover {
  /** Blocks moved, and blocks that were where they should be, since the last reset. */
  moved = 0;
  stayed = 0;

  constructor(private readonly arena: Arena) {}

  /**
   * Where a block should be: a copy of it, or where it is. The old block is still there; who asks puts the new ref
   * wherever the old one was, and releases the old block.
   */
  destinationOf(ref: Ref): Ref {
    if (!this.arena.shouldMove(ref)) {
      this.stayed++;
      return ref;
    }
    this.moved++;
    return this.arena.copyBlock(ref);
  }
}
