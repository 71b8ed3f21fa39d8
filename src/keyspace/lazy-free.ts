import type { Clock } from '../ambient/clock.js';
import type { Ref } from '../memory/arena.js';
import type { Table } from '../memory/table.js';
import type { Collection } from '../values/collection.js';

/** Entries freed between two looks at the clock: about 50 µs. */
const entriesPerLook = 256;

/** Something that nobody can reach any more: a flushed database's table, or a big collection. */
interface Orphan {
  /** Values that are still to be freed: a collection is one, whatever is in it. */
  readonly objects: number;
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
  /** Values freed since the start or the last reset. */
  freedObjects = 0;
  /** Called when there is something to do again. */
  onWork: () => void = () => {};
  private orphans: Orphan[] = [];

  constructor(private readonly clock: Clock) {}

  /** There is something to free. */
  get busy(): boolean {
    return this.orphans.length > 0;
  }

  /** Values that are still to be freed. */
  get pendingObjects(): number {
    return this.orphans.reduce((sum, { objects }) => sum + objects, 0);
  }

  /** Takes over a table; `release` is called once for each of its entries. */
  add(table: Table, release: (ref: Ref) => void): void {
    if (table.size === 0) return;
    this.push({
      get objects() {
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
      objects: 1,
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
    const before = orphan.objects;
    const done = orphan.freeSlice(entriesPerLook);
    if (done) this.orphans.shift();
    this.freedObjects += done ? before : before - orphan.objects;
  }

  /** Forgets everything that is left, because the whole arena is about to be cleared. */
  abandon(): void {
    this.freedObjects += this.pendingObjects;
    for (const orphan of this.orphans) orphan.abandon();
    this.orphans = [];
  }
}
