import { ArenaFullError, type Ref } from '../memory/arena.js';
import { BlockMover } from '../memory/block-mover.js';
import type { Collection } from '../values/collection.js';
import type { Database } from './database.js';
import type { Keyspace } from './keyspace.js';

/** Buckets of keys looked at between two looks at the clock. */
const bucketsPerLook = 16;

/** A big collection in the midst of being moved. */
interface Unfinished {
  handle: number;
  collection: Collection;
  cursor: number;
}

/**
 * Moves entries and elements out of sparse pages of the arena, so that these can be given back: once over everything,
 * in slices. Whatever the slices do not reach in between, commands change as usual.
 */
export class Defragmentation {
  readonly statistics = { moved: 0, stayed: 0, keysWithMoves: 0, keysWithoutMoves: 0 };
  /** `active-defrag-max-scan-fields`: elements of a collection that are moved in one go. */
  elementsPerStep = 1000;
  private readonly mover: BlockMover;
  private running = false;
  private index = 0;
  private cursor = 0;
  private unfinished: Unfinished[] = [];
  private readonly relocate = (ref: Ref) => this.relocateEntry(ref);

  constructor(private readonly keyspace: Keyspace) {
    this.mover = new BlockMover(keyspace.arena);
  }

  /** Bytes that a run may free. Begins one if they are at least `worthwhileBytes`, which is 1 or more. */
  begin(worthwhileBytes: number): number {
    const { arena } = this.keyspace;
    const bytes = arena.planMoves();
    this.running = bytes >= worthwhileBytes;
    if (!this.running) arena.endMoves();
    this.index = this.cursor = 0;
    this.unfinished = [];
    return bytes;
  }

  /** Works for about `budgetMicroseconds`. True if there is more to do. A snapshot holds it up: see `mayMove`. */
  step(budgetMicroseconds: number): boolean {
    const { clock } = this.keyspace;
    const end = clock.microseconds() + budgetMicroseconds;
    while (this.running && this.mayMove()) {
      this.tryToAdvance();
      if (clock.microseconds() >= end) break;
    }
    this.statistics.moved += this.mover.moved;
    this.statistics.stayed += this.mover.stayed;
    this.mover.moved = this.mover.stayed = 0;
    return this.running;
  }

  /** Ends the run, wherever it is. */
  stop(): void {
    if (this.running) this.keyspace.arena.endMoves();
    this.running = false;
    this.unfinished = [];
  }

  /** While a snapshot is taken, every bucket that changes would have to be saved first: moving waits. */
  private mayMove(): boolean {
    if (this.keyspace.arena.onFirstChange !== undefined) return false;
    return this.keyspace.databases.every(({ keys }) => keys.beforeBucketChange === undefined);
  }

  /** Without memory for a copy, all stays where it is. */
  private tryToAdvance(): void {
    try {
      this.advance();
    } catch (error) {
      if (!(error instanceof ArenaFullError)) throw error;
      this.stop();
    }
  }

  private advance(): void {
    const { databases } = this.keyspace;
    if (this.unfinished.length > 0) return this.continueCollection(this.unfinished[0]);
    if (this.index === databases.length) return this.stop();
    const { keys } = databases[this.index];
    for (let left = bucketsPerLook; left > 0 && this.unfinished.length === 0; left--) {
      this.cursor = keys.relocate(this.cursor, this.relocate);
      if (this.cursor !== 0) continue;
      this.index++;
      return;
    }
  }

  private relocateEntry(ref: Ref): Ref {
    const database = this.keyspace.databases[this.index];
    const { mover } = this;
    const before = mover.moved;
    const to = mover.destinationOf(ref);
    if (to !== ref) {
      database.entryMoved(ref, to);
      this.keyspace.arena.release(ref);
    }
    this.relocateCollection(database, to);
    if (mover.moved > before) this.statistics.keysWithMoves++;
    else this.statistics.keysWithoutMoves++;
    return to;
  }

  private relocateCollection(database: Database, ref: Ref): void {
    const handle = database.handleOf(ref);
    if (handle === undefined) return;
    const collection = this.keyspace.collections.get(handle);
    const cursor = collection.defragment(this.mover, 0, this.elementsPerStep);
    if (cursor !== 0) this.unfinished.push({ handle, collection, cursor });
  }

  private continueCollection(unfinished: Unfinished): void {
    const { handle, collection } = unfinished;
    const alive = this.keyspace.collections.get(handle) === collection;
    unfinished.cursor = alive
      ? collection.defragment(this.mover, unfinished.cursor, this.elementsPerStep)
      : 0;
    if (unfinished.cursor === 0) this.unfinished.shift();
  }
}
