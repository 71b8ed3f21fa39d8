import type { Clock } from '../ambient/clock.js';
import type { Ref } from '../memory/arena.js';
import type { Table } from '../memory/table.js';
import type { Collection } from '../values/collection.js';

/** Entries freed between two looks at the clock: about 50 µs. */
const entriesPerLook = 256;

/** Something that nobody can reach any more: a flushed database's table, or a big collection. */
interface Orphan {
  /** Entries or elements that are still to be freed. */
  readonly size: number;
  readonly collection?: Collection;
  /** Frees about so many of them; true when none is left. */
  freeSlice(budget: number): boolean;
  /** Forgets them without freeing. */
  abandon(): void;
}

/**
 * Frees in slices what was removed at one stroke (FLUSHDB ASYNC), so that clients do not wait for it. The
 * server calls `step` between events while there is something to do.
 */
export class LazyFree {
  /** Entries freed since the start or the last reset. */
  freedObjects = 0;
  /** Called when there is something to do again. */
  onWork: () => void = () => {};
  private orphans: Orphan[] = [];

  constructor(private readonly clock: Clock) {}

  /** Entries that are still to be freed. */
  get pendingObjects(): number {
    return this.orphans.reduce((sum, { size }) => sum + size, 0);
  }

  /** Takes over a table; `release` is called once for each of its entries. */
  add(table: Table, release: (ref: Ref) => void): void {
    if (table.size === 0) return;
    this.push({
      get size() {
        return table.size;
      },
      freeSlice: (budget) => table.freeSlice(budget, release),
      abandon: () => table.clear(),
    });
  }

  /** Takes over a collection that no key refers to any more. */
  addCollection(collection: Collection): void {
    this.push({
      collection,
      get size() {
        return collection.size;
      },
      freeSlice: (budget) => collection.freeSlice(budget),
      abandon() {},
    });
  }

  /** Collections that wait to be freed belong to no key, so no image of them is wanted from this epoch on. */
  enterEpoch(epoch: number): void {
    for (const { collection } of this.orphans) if (collection !== undefined) collection.epoch = epoch;
  }

  private push(orphan: Orphan): void {
    this.orphans.push(orphan);
    if (this.orphans.length === 1) this.onWork();
  }

  /** Frees for about `budgetMicroseconds`. True if something is left. */
  step(budgetMicroseconds: number): boolean {
    if (this.orphans.length === 0) return false;
    const end = this.clock.microseconds() + budgetMicroseconds;
    while (this.orphans.length > 0 && this.clock.microseconds() < end) this.freeSome(this.orphans[0]);
    return this.orphans.length > 0;
  }

  private freeSome(orphan: Orphan): void {
    const before = orphan.size;
    if (orphan.freeSlice(entriesPerLook)) this.orphans.shift();
    this.freedObjects += before - orphan.size;
  }

  /** Forgets everything that is left, because the whole arena is about to be cleared. */
  abandon(): void {
    this.freedObjects += this.pendingObjects;
    for (const orphan of this.orphans) orphan.abandon();
    this.orphans = [];
  }
}
