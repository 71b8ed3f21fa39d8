import type { Table } from '../memory/table.js';

/**
 * A value too big to lie in its entry: a TypeScript object whose elements are in the arena. The entry's
 * payload holds its handle. Small collections are packed (listpack, intset) in the entry's payload itself and
 * have no object.
 */
export interface Collection {
  /** The table that finds elements by their names, if there is one; its seed is the keyspace's. */
  readonly index?: Table;
  /** Elements: fields, members, list items, stream entries. */
  readonly size: number;
  /** Bytes outside the arena's blocks: tables, trees. Those in the arena are counted there. */
  readonly bytes: number;
  /** Bytes of the elements in the arena, estimated from up to so many of them (0: from all). */
  elementBytes(samples: number): number;
  /** A copy with elements of its own. */
  copy(): Collection;
  /**
   * Frees about `budget` elements and returns true when none is left. Only called once nobody can reach the
   * collection any more, again and again until it returns true.
   */
  freeSlice(budget: number): boolean;
}
