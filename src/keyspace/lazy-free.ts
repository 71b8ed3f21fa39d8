import type { Clock } from '../ambient/clock.js';
import type { Ref } from '../memory/arena.js';
import type { Table } from '../memory/table.js';

/** Entries freed between two looks at the clock: about 50 µs. */
const entriesPerLook = 256;

/** A table that nobody can reach any more, and how its entries are freed. */
interface Orphan {
  table: Table;
  release: (ref: Ref) => void;
}

/**
 * Frees in slices what was removed at one stroke (FLUSHDB ASYNC), so that clients do not wait for it. The server
 * calls `step` between events while there is something to do.
 */
export class LazyFree {
  /** Entries freed since the start or the last reset. */
  freedObjects = 0;
  private orphans: Orphan[] = [];

  constructor(private readonly clock: Clock) {}

  /** Entries that are still to be freed. */
  get pendingObjects(): number {
    return this.orphans.reduce((sum, { table }) => sum + table.size, 0);
  }

  /** Takes over a table; `release` is called once for each of its entries. */
  add(table: Table, release: (ref: Ref) => void): void {
    if (table.size > 0) this.orphans.push({ table, release });
  }

  /** Frees for about `budgetMicroseconds`. True if something is left. */
  step(budgetMicroseconds: number): boolean {
    if (this.orphans.length === 0) return false;
    const end = this.clock.microseconds() + budgetMicroseconds;
    while (this.orphans.length > 0 && this.clock.microseconds() < end) this.freeSome(this.orphans[0]);
    return this.orphans.length > 0;
  }

  private freeSome({ table, release }: Orphan): void {
    const before = table.size;
    if (table.freeSlice(entriesPerLook, release)) this.orphans.shift();
    this.freedObjects += before - table.size;
  }

  /** Forgets everything that is left, because the whole arena is about to be cleared. */
  abandon(): void {
    this.freedObjects += this.pendingObjects;
    for (const { table } of this.orphans) table.clear();
    this.orphans = [];
  }
}
